//! The state of the interconnection with a partner, measured by the serving system (ruling 18).

use serde::Deserialize;
use serde::Serialize;

use super::identity::McSystemId;
use super::time::Timestamp;

/// What was last measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The partner at the other end.
    pub system: McSystemId,
    /// Whether the systems reach each other.
    pub status: LinkStatus,
    /// When it was measured.
    pub measured_at: Timestamp,
}

/// Interconnection is none, down or up; a client never claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkStatus {
    /// There is no interconnection.
    None,
    /// There is one, and it is down.
    Down,
    /// There is one, and it is up.
    Up,
}

impl LinkStatus {
    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Down => "down",
            Self::Up => "up",
        }
    }
}
