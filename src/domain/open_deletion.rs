//! Deletions from a partner's group that we have asked for, and of which we do not know the outcome (ruling 15).

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::identity::GroupId;
use super::identity::McServiceId;
use super::registry::DocumentId;
use super::registry::InvalidDocumentId;
use super::time::Timestamp;

/// That we asked the home of a group to delete one of our users from it.
///
/// The partner may hold the deletion; until its outcome is known the user does not affiliate to the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenDeletion {
    /// The group.
    pub group: GroupId,
    /// The key of the person in the registry: a person has several service identities (ruling 4).
    pub person: DocumentId,
    /// The identity that was to be deleted.
    pub member: McServiceId,
    /// The request that was cleared.
    pub request_id: Uuid,
    /// When it was cleared.
    pub since: Timestamp,
}

impl OpenDeletion {
    /// The key of the deletion of one person from one group; no group ID has a semicolon.
    pub fn id(group: &GroupId, person: &DocumentId) -> Result<DocumentId, InvalidDocumentId> {
        format!("{};{person}", group.uri().subscriber()).parse()
    }
}
