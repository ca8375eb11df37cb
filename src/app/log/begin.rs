//! The beginning of a name or a key: an entry of the log, before anything is signed so.

use crate::app::App;
use crate::app::error::AppError;
use crate::app::log::LogSigner;
use crate::decision_log::checkpoint::Signing;
use crate::store::command::BeginSigning;
use crate::store::command::Command;
use crate::store::state::State;

impl App {
    /// Records as whom the log signs from here on, if it did not before.
    pub(in crate::app) async fn begin_signing(&self) -> Result<(), AppError> {
        let LogSigner {
            origin,
            keys,
            after,
        } = &self.0.log_signer;
        let signing = Signing {
            origin: origin.clone(),
            keys: keys.iter().map(|key| key.public().clone()).collect(),
            after: None,
        };
        let before = self.store().view(|state| State::signing(state).cloned());
        if before.as_ref().is_some_and(|it| it.is_same(&signing)) {
            return Ok(());
        }
        let is_renamed = before.is_some_and(|before| before.origin != signing.origin);
        let after = after.clone().filter(|_| is_renamed);
        let command = BeginSigning {
            signing: Signing { after, ..signing },
            at: self.now(),
        };
        self.commit(Command::BeginSigning(command)).await?;
        Ok(())
    }
}
