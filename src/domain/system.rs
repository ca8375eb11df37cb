//! MC systems as the registry knows them.

use serde::Deserialize;
use serde::Serialize;

use super::identity::McSystemId;

/// A system document: our own system, or a partner that we know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The domain of the MC service IDs whose home the system is.
    pub mc_system_id: McSystemId,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Global number prefixes (`+3197`) whose users are home here; a `tel:` URI carries no domain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tel_prefixes: Vec<TelPrefix>,
}

/// A prefix of global telephone numbers, with its `+`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TelPrefix(String);

/// Why a text is not a number prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number prefix: a plus sign and one to fifteen digits")]
pub struct InvalidTelPrefix(String);

impl TelPrefix {
    /// The prefix, with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TelPrefix {
    type Err = InvalidTelPrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        if digits.is_empty() || digits.len() > 15 || !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(InvalidTelPrefix(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for TelPrefix {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
