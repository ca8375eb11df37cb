//! Handing out the secrets of a version: permitted apart, and recorded before they are told.

use super::SecretsAnswer;
use super::key_of;
use super::serve::unreadable;
use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::domain::identity::McSystemId;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::NoteSecretsRead;

impl App {
    /// The secrets of a version, the newest unless one is named. That they were read stands in the log before.
    pub async fn ue_configuration_secrets(
        &self,
        caller: &Caller,
        provider: &McSystemId,
        number: Option<u64>,
    ) -> Result<SecretsAnswer, AppError> {
        self.permit(caller, Action::ReadUeConfigurationSecrets)?;
        let accepted = self.accepted(provider, number)?;
        let sealed = self.sealed(&accepted)?;
        let secrets = self.vault().secrets(&accepted.binding(), &sealed);
        let secrets = secrets.map_err(|error| unreadable(&error))?;
        let command = Command::NoteSecretsRead(NoteSecretsRead {
            key: key_of(provider).map_err(|error| AppError::Broken(Box::new(error)))?,
            version: accepted.version.number,
            actor: caller.name.clone(),
            at: self.now(),
        });
        let noted = self.commit(command).await?;
        Ok(SecretsAnswer {
            provider: accepted.kept.provider,
            version: accepted.version.number,
            record: noted.index.0,
            secrets,
        })
    }
}
