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
    /// Since when it has been up; the service notes it itself, whatever is written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_since: Option<Timestamp>,
}

impl Link {
    /// The measurement as it is kept, after what was measured before and at the moment given.
    #[must_use]
    pub fn noted(mut self, before: Option<&Self>, now: Timestamp) -> Self {
        let was_up = before.filter(|before| before.status == LinkStatus::Up);
        let since = was_up.map_or(now, |before| before.up_since.unwrap_or(before.measured_at));
        self.up_since = (self.status == LinkStatus::Up).then_some(since);
        self
    }
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
