//! What somebody has to do because of a decision, and whether it was done.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use super::identity::McSystemId;
use super::time::Timestamp;

/// How long an obligation may take where neither policy nor manifest says otherwise: an hour.
pub const DUE_DEFAULT_MILLISECONDS: i64 = 60 * 60 * 1_000;

/// Why an obligation arises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// The item was granted, or may be sent to the partner.
    Grant,
    /// The partner granted it.
    PartnerAccepted,
    /// The partner refused it, or what it was asked lapsed.
    PartnerRefused,
    /// What was granted before ends.
    Revocation,
}

impl Occasion {
    /// Every occasion.
    pub const ALL: [Self; 4] = [
        Self::Grant,
        Self::PartnerAccepted,
        Self::PartnerRefused,
        Self::Revocation,
    ];

    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::PartnerAccepted => "partner-accepted",
            Self::PartnerRefused => "partner-refused",
            Self::Revocation => "revocation",
        }
    }

    /// How an identifier says it; what follows from a grant says nothing.
    fn mark(self) -> &'static str {
        match self {
            Self::Grant => "",
            Self::PartnerAccepted => "accepted-",
            Self::PartnerRefused => "refused-",
            Self::Revocation => "revoked-",
        }
    }
}

/// Names an obligation of a request: the item, the occasion, and the place among what arose on it.
///
/// Written `2-0` for the first that the grant of item 2 obliges to, `2-accepted-0`, `2-refused-0` and `2-revoked-0` for
/// the other occasions; `r` stands for the request as a whole. It follows from the decision, so it is the same whenever
/// that is read, and says nothing of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObligationId {
    /// The item; none for the request as a whole.
    pub item: Option<u32>,
    /// Why it arises.
    pub occasion: Occasion,
    /// The place among what arises of the item on that occasion.
    pub position: u32,
}

/// Why a text names no obligation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no obligation; names are such as `2-0`, `2-accepted-1` and `r-0`")]
pub struct InvalidObligationId(String);

impl fmt::Display for ObligationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.item {
            Some(item) => write!(f, "{item}-")?,
            None => f.write_str("r-")?,
        }
        write!(f, "{}{}", self.occasion.mark(), self.position)
    }
}

impl FromStr for ObligationId {
    type Err = InvalidObligationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (item, rest) = text.split_once('-')?;
            let item = match item {
                "r" => None,
                number => Some(number.parse().ok()?),
            };
            let (occasion, position) = Occasion::ALL.into_iter().find_map(|occasion| {
                let position = rest.strip_prefix(occasion.mark())?.parse().ok()?;
                Some((occasion, position))
            })?;
            Some(Self {
                item,
                occasion,
                position,
            })
        };
        // One thing has one name: no leading zeros, no signs.
        read()
            .filter(|id| id.to_string() == text)
            .ok_or_else(|| InvalidObligationId(text.to_owned()))
    }
}

impl Serialize for ObligationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObligationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What is to be done, and by whom; nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// What is to be done.
    pub name: String,
    /// The system that does it; absent where the role is played by none that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<McSystemId>,
    /// The function of that system.
    pub function: String,
    /// The partner with whom the request was exchanged, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<McSystemId>,
}

/// `deliver-group-keys by mc.de.example KMS`.
impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by ", self.name)?;
        if let Some(system) = &self.system {
            write!(f, "{system} ")?;
        }
        f.write_str(&self.function)
    }
}

/// By when something has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// Before this moment.
    At(Timestamp),
    /// So many milliseconds after it arises, which it has not yet.
    Within(i64),
}

/// What was reported of an obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObligationOutcome {
    /// It was done.
    Done,
    /// It could not be done.
    Failed,
}

impl ObligationOutcome {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for item in [None, Some(0), Some(9_999)] {
            for occasion in Occasion::ALL {
                let id = ObligationId {
                    item,
                    occasion,
                    position: 12,
                };
                assert_eq!(id.to_string().parse(), Ok(id));
            }
        }
        assert_eq!("2-0".parse::<ObligationId>().unwrap().item, Some(2));
        assert_eq!("r-revoked-3".parse::<ObligationId>().unwrap().item, None);
    }

    #[test]
    fn nothing_else_names_an_obligation() {
        let wrong = [
            "",
            "-",
            "2",
            "2-",
            "-0",
            "r",
            "2-0-0",
            "02-0",
            "2-00",
            "+2-0",
            "2-+0",
            "2-grant-0",
            "2-accepted",
            "x-0",
            "2-accepted-x",
            "2 -0",
            "4294967296-0",
        ];
        for text in wrong {
            assert!(text.parse::<ObligationId>().is_err(), "{text}");
        }
    }

    #[test]
    fn words_on_the_wire_are_the_serialized_ones() {
        for occasion in Occasion::ALL {
            assert_eq!(serde_json::to_value(occasion).unwrap(), occasion.as_str());
        }
        for outcome in [ObligationOutcome::Done, ObligationOutcome::Failed] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }
}
