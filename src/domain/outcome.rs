//! What a decision can say.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// The answer to one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It may be done, now.
    Accept,
    /// It may not be done.
    Reject,
    /// A person decides.
    Review,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Review => "review",
        })
    }
}
