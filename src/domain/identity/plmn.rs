//! PLMN ID: mobile country code and mobile network code (TS 23.003 clause 12.1).

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use smol_str::SmolStr;
use smol_str::format_smolstr;

/// A PLMN ID, written `204-08` or `310-410`: the network code keeps its two or three digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PlmnId(SmolStr);

/// Why a text is not a PLMN ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a PLMN ID: three digits, a hyphen, two or three digits")]
pub struct InvalidPlmnId(String);

impl PlmnId {
    /// The text, such as `262-01`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlmnId {
    type Err = InvalidPlmnId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        match text.split_once('-') {
            Some((mcc, mnc))
                if mcc.len() == 3 && matches!(mnc.len(), 2 | 3) && digits(mcc) && digits(mnc) =>
            {
                Ok(Self(format_smolstr!("{mcc}-{mnc}")))
            }
            Some(_) | None => Err(InvalidPlmnId(text.to_owned())),
        }
    }
}

impl fmt::Display for PlmnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PlmnId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
