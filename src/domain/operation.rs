//! The inter-system operations, and the side on which each is decided.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

pub use super::catalogue::Operation;

impl Operation {
    /// Whether somebody other than its author has to approve it, whatever a policy says (ruling 25).
    pub fn needs_second_person(self) -> bool {
        self == Self::AutomaticResponseChange
    }
}

/// What kind of exchange an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Administrative exchanges between ACM servers.
    Acm,
    /// Migration of users.
    Migration,
    /// Communication with another system without migration.
    Interconnection,
}

/// Whether a person may be asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Waiting {
    /// The asker can wait.
    Possible,
    /// The asker waits on the line (ruling 12).
    Never,
}

/// Which question is asked of this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// May our user ask?
    Outbound,
    /// Do we agree?
    Inbound,
    /// Does our user's migration stand?
    HomeConsent,
}

impl Direction {
    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
            Self::HomeConsent => "home-consent",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
