//! What somebody is on duty as: a word that the registry gives to people, and that a quorum asks for.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;

/// The longest role, in bytes.
pub const ROLE_BYTES_MAX: usize = 64;

/// A role: lower-case words, joined by hyphens and dots, such as `duty-officer`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Role(Box<str>);

/// A text that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no role: lower-case words and digits, joined by hyphens and dots, {ROLE_BYTES_MAX} at most"
)]
pub struct InvalidRole(String);

impl Role {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| {
            let mut letters = word.chars();
            !word.is_empty() && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        // A number alone would read as a count.
        let has_letter = text.chars().any(|c| c.is_ascii_lowercase());
        if has_letter && text.len() <= ROLE_BYTES_MAX && text.split(['.', '-']).all(is_word) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidRole(text.to_owned()))
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Role {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::ROLE_BYTES_MAX;
    use super::Role;

    #[test]
    fn a_role_is_lower_case_words() {
        for good in ["duty-officer", "shift-leader.north", "s2", "a"] {
            assert_eq!(good.parse::<Role>().unwrap().as_str(), good);
        }
        let long = "a".repeat(ROLE_BYTES_MAX + 1);
        for bad in [
            "",
            "Duty-Officer",
            "duty officer",
            "-duty",
            "duty--officer",
            "1",
            "wachführer",
            &long,
        ] {
            assert!(bad.parse::<Role>().is_err(), "{bad}");
            assert!(serde_json::from_value::<Role>(bad.into()).is_err(), "{bad}");
        }
    }
}
