//! Members of groups across systems: each system speaks for its own users, and the group's home keeps the list
//! (TR 23.781 key issue 1.12; TS 23.280 clause 10.17.4).
//!
//! An accepted group membership update writes one document a member, so that a list is bounded by the update and one
//! person can be taken out of it without the others.

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::identity::GroupId;
use super::identity::McServiceId;
use super::identity::McSystemId;
use super::registry::DocumentId;
use super::registry::InvalidDocumentId;
use super::time::Timestamp;

/// That a user of one system is a member of a group of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// The group.
    pub group: GroupId,
    /// The home of the group.
    pub group_home: McSystemId,
    /// The member.
    pub member: McServiceId,
    /// The home of the member.
    pub member_home: McSystemId,
    /// When it was granted.
    pub since: Timestamp,
    /// The first moment at which it no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was written down that its time was over; from then on it holds no longer, whatever the clock says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The request that was granted.
    pub request_id: Uuid,
}

impl Membership {
    /// The key of one member in one group; no group ID has a semicolon.
    pub fn id(group: &GroupId, member: &McServiceId) -> Result<DocumentId, InvalidDocumentId> {
        format!("{};{}", group.uri().subscriber(), member.uri().subscriber()).parse()
    }

    /// Whether it holds at a moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        let in_time = self.expires_at.is_none_or(|expires_at| now < expires_at);
        in_time && self.ended_at.is_none()
    }
}
