//! The name of a log.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;

/// Bytes of a name, at most: what an ML-DSA cosignature can bind.
const BYTES_MAX: usize = 255;

/// The unique name of a log, such as `comity.mc.nl.example/log`: its checkpoint's first line and its key's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

/// A text that can't name a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` can't name a log: give a URL without scheme, such as `mc.nl.example/log`, of 1 to {BYTES_MAX} bytes without \
     spaces, control characters and `+`"
)]
pub struct OriginError(String);

impl Origin {
    /// The name that the log of a system has unless it is given another.
    pub fn of_system(system: &str) -> Self {
        Self(format!("{system}/log"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let is_allowed = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        let is_name = (1..=BYTES_MAX).contains(&text.len()) && text.chars().all(is_allowed);
        is_name
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| OriginError(text.to_owned()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
