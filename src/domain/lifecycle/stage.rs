//! How far an item has come at the partner.

use serde::Deserialize;
use serde::Serialize;

/// How far an item has come that is the partner's to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It may be sent.
    Cleared,
    /// It was sent.
    Sent,
    /// The partner holds it.
    PartnerPending,
}

impl Stage {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Sent => "sent",
            Self::PartnerPending => "partner-pending",
        }
    }
}
