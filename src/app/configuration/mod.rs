//! Pushed UE configuration: sealed on its way in, kept with the record of its request, served as versions.
//!
//! The sealed data lies in one place, an erasable part of the record of the submission. A held push waits there, and
//! its approval only makes the registry point to it, so that what is kept is what was reviewed.

mod disclose;
mod serve;

pub use serve::ChangesAnswer;
pub use serve::ConfigurationAnswer;
pub use serve::SecretsAnswer;
pub use serve::VersionAnswer;
pub use serve::VersionsAnswer;

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::vault::Binding;
use crate::app::vault::SealedConfiguration;
use crate::decision::facts::Lookup;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::identity::McSystemId;
use crate::domain::kept_configuration::KeptUeConfiguration;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::PushedConfiguration;
use crate::store::command::RequestId;
use crate::store::state::State;

/// The part of a record that holds what was pushed, sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "sealed-configuration")]
pub(in crate::app) struct SealedPart {
    sealed_configuration: SealedConfiguration,
}

impl App {
    /// Seals what a partner pushes to us; nothing of other requests.
    pub(in crate::app) fn seal_configuration(
        &self,
        request: &InterSystemRequest,
        id: RequestId,
    ) -> Result<Option<RecordPart>, AppError> {
        let Some(push) = request.body.push() else {
            return Ok(None);
        };
        let PushedConfiguration::Clear(data) = &push.configuration else {
            return Ok(None);
        };
        if request.direction != Direction::Inbound {
            return Ok(None);
        }
        let broken = |error| AppError::Broken(error);
        let provider = &data.mc_system_id;
        let binding = Binding {
            provider,
            request_id: id.0,
        };
        let sealed = self.vault().seal(&binding, data);
        let part = SealedPart {
            sealed_configuration: sealed.map_err(|error| broken(Box::new(error)))?,
        };
        let subject = key_of(provider).map_err(|error| broken(Box::new(error)))?;
        Ok(Some(RecordPart {
            class: PartClass::Personal(subject.to_string()),
            body: serde_json::to_vec(&part).map_err(|error| broken(Box::new(error)))?,
        }))
    }
}

/// The sealed data among the parts of a record, unless it was erased or never there.
pub(in crate::app) fn sealed_among(parts: &[RecordPart]) -> Option<SealedConfiguration> {
    let mut parts = parts.iter();
    parts.find_map(|part| {
        let part: SealedPart = serde_json::from_slice(&part.body).ok()?;
        Some(part.sealed_configuration)
    })
}

/// What is kept of the provider whose configuration a request pushes, whole; decisions read the digests alone.
pub(in crate::app) fn kept(
    request: &InterSystemRequest,
    state: &State,
) -> Option<Versioned<KeptUeConfiguration>> {
    let push = request.body.push()?;
    kept_of(push.configuration.describes(), state)
}

fn kept_of(provider: &McSystemId, state: &State) -> Option<Versioned<KeptUeConfiguration>> {
    let found = state.document(&key_of(provider).ok()?)?;
    Some(Versioned {
        revision: found.revision,
        value: found.value.ue_configuration()?.clone(),
    })
}

fn key_of(provider: &McSystemId) -> Result<DocumentKey, InvalidDocumentId> {
    Ok(DocumentKey {
        kind: DocumentKind::UeConfiguration,
        id: provider.as_str().parse()?,
    })
}
