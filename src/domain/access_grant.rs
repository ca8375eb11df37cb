//! Permissions to use another system from one UE (TR 23.781 solution 2; ruling 13).
//!
//! The home keeps one for each partner whose connection details a user got, the partner one for each user whom
//! it granted access. Later steps ask for it, and the service decides them anew however long after.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::identity::McServiceId;
use super::identity::McSystemId;
use super::registry::DocumentId;
use super::registry::InvalidDocumentId;
use super::service::McService;
use super::sip::SipIdentities;
use super::sip::UeId;
use super::time::Timestamp;

/// That a user may register in another system, from one UE where it is bound to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessGrant {
    /// The user, by their home MC service ID.
    pub user: McServiceId,
    /// The user's home.
    pub home_system: McSystemId,
    /// The system that the user may use.
    pub serving_system: McSystemId,
    /// The UE to which it is bound: who uses the UE next does not have it (TR 23.781 clause 5.2.4.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ue: Option<UeId>,
    /// The services for which it was asked; empty: all that the user may use there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<McService>,
    /// The SIP identities for which access was granted; in the home those that it bound for the partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip: Option<SipIdentities>,
    /// Whether other identities stand in for them towards the partner (TR 23.781 clause 6.2.1 steps 4 to 6).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aliased: bool,
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

impl AccessGrant {
    /// The key of what one user may in one system; no MC system ID has a semicolon.
    pub fn id(user: &McServiceId, serving: &McSystemId) -> Result<DocumentId, InvalidDocumentId> {
        format!("{serving};{}", user.uri().subscriber()).parse()
    }

    /// Whether it holds at a moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        let in_time = self.expires_at.is_none_or(|expires_at| now < expires_at);
        in_time && self.ended_at.is_none()
    }
}
