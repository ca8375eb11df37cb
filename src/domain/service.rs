//! The three mission critical services.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// An MC service (TS 23.280): push to talk, video or data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum McService {
    /// Mission critical push to talk, TS 23.379.
    Mcptt,
    /// Mission critical video, TS 23.281.
    Mcvideo,
    /// Mission critical data, TS 23.282.
    Mcdata,
}

impl McService {
    /// Every service, in the order of the specifications.
    pub const ALL: [Self; 3] = [Self::Mcptt, Self::Mcvideo, Self::Mcdata];

    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mcptt => "mcptt",
            Self::Mcvideo => "mcvideo",
            Self::Mcdata => "mcdata",
        }
    }
}

impl fmt::Display for McService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
