//! The register of current systems: who is served away from home, where, and since when
//! (TR 23.781 clause 5.2.5, key issue 2.5).
//!
//! Both sides keep one: the home of its users who are served elsewhere, the serving system of its visitors.

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::identity::McServiceId;
use super::identity::McSystemId;
use super::link::Link;
use super::link::LinkStatus;
use super::registry::DocumentId;
use super::registry::InvalidDocumentId;
use super::service::McService;
use super::time::Timestamp;

/// That a user is served away from home in one service; a later acceptance elsewhere takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// The user, by their home MC service ID.
    pub user: McServiceId,
    /// The service.
    pub service: McService,
    /// The user's home, from the home MC service ID alone (ruling 5).
    pub home_system: McSystemId,
    /// The system that serves the user.
    pub serving_system: McSystemId,
    /// The identity that the serving system gave the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_mc_service_id: Option<McServiceId>,
    /// When it was granted.
    pub since: Timestamp,
    /// The first moment at which it no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The request that was granted.
    pub request_id: Uuid,
    /// Whether the home could be asked; a grant while the link was down is unverified (ruling 22).
    pub verified: bool,
    /// Whether the home was asked and has not answered yet: the user is not served until it does (ruling 11).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaiting_consent: bool,
    /// The token on which it was granted, where the home was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<UsedCredential>,
    /// The interconnection as it was measured when it was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interconnection: Option<LinkStatus>,
}

/// The token on which a visitor was let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsedCredential {
    /// What names the token.
    pub token_id_hash: String,
    /// When something was first granted on it: what is granted on it again ends no later.
    pub first_granted_at: Timestamp,
}

impl Migration {
    /// The key of the entry about one user in one service.
    pub fn id(user: &McServiceId, service: McService) -> Result<DocumentId, InvalidDocumentId> {
        format!("{service}:{}", user.uri().subscriber()).parse()
    }

    /// Since when it is to be decided again, with a home that could not be asked and can be now (ruling 22).
    pub fn decide_again_since(&self, link: &Link) -> Option<Timestamp> {
        let is_unverified = !self.verified && !self.awaiting_consent;
        let is_back = link.system == self.home_system && link.status == LinkStatus::Up;
        let back_since = link.up_since.unwrap_or(link.measured_at);
        (is_unverified && is_back).then(|| back_since.max(self.since))
    }

    /// Whether it holds at a moment; without the home's consent it does not.
    pub fn holds(&self, now: Timestamp) -> bool {
        !self.awaiting_consent && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}
