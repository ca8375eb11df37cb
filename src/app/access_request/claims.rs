//! What we sign, and read again.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::time::Timestamp;

/// That an evaluation was held, of what, for whom and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DenialClaims {
    pub(super) iss: String,
    pub(super) aud: Audience,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
    pub(super) evaluation_id: String,
    pub(super) denial_expires_at: String,
    pub(super) binding_context_members: Vec<String>,
    pub(super) binding_hash: String,
    pub(super) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) template: Option<String>,
}

/// That an approval was given, and until when it can be used. What it covers stands in our own state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ApprovalClaims {
    pub(super) iss: String,
    pub(super) aud: Audience,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
    pub(super) task_id: String,
    pub(super) evaluation_id: String,
    pub(super) binding_context_members: Vec<String>,
    pub(super) client_id: String,
}

/// For whom it is signed: one name, or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn includes(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(several) => several.iter().any(|one| one == name),
        }
    }
}

pub(super) fn seconds(moment: Timestamp) -> i64 {
    moment.as_milliseconds().div_euclid(1_000)
}

/// The moment that a claim names in seconds.
pub(super) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(seconds.saturating_mul(1_000))
}
