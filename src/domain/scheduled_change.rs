//! Changes of the status of a cooperation that were granted for later (A9).

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::agreement::AgreementStatus;
use super::identity::McSystemId;
use super::registry::DocumentId;
use super::registry::InvalidDocumentId;
use super::registry::Revision;
use super::request::CooperationChange;
use super::time::Timestamp;

/// A granted change of our half of an agreement that takes effect at a later moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduledChange {
    /// The partner.
    pub partner: McSystemId,
    /// What is to happen.
    pub change: CooperationChange,
    /// The status that our half has then.
    pub status: AgreementStatus,
    /// When.
    pub effective_at: Timestamp,
    /// The revision of the agreement for which it was granted. What widens is not carried out on another: whoever
    /// wrote the agreement since may have meant it to stay as it is.
    pub agreement_revision: Revision,
    /// The request that was granted.
    pub request_id: Uuid,
    /// When it was granted.
    pub granted_at: Timestamp,
}

impl ScheduledChange {
    /// The key of one kind of change with one partner; no MC system ID has a semicolon.
    pub fn id(
        partner: &McSystemId,
        change: CooperationChange,
    ) -> Result<DocumentId, InvalidDocumentId> {
        format!("{partner};{}", change.as_str()).parse()
    }
}
