//! Time as a value: RFC 3339 UTC, to the millisecond. Nobody below the floor of the use cases reads a clock.

use std::fmt;
use std::str::FromStr;

use jiff::fmt::temporal::Pieces;
use serde::Deserialize;
use serde::Serialize;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// Why a text is not a time stamp.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTimestamp {
    /// It is written in another way.
    #[error("`{text}` is not an RFC 3339 date and time such as `2026-01-31T12:00:00.000Z`")]
    Form {
        /// The text.
        text: String,
        /// What stands in the way.
        #[source]
        source: jiff::Error,
    },
    /// It is a date and time, and no time stamp reaches so far.
    #[error(
        "`{text}` is too far away: the last moment that counts is `{}`",
        Timestamp(LATEST_MILLISECONDS)
    )]
    OutOfRange {
        /// The text.
        text: String,
        /// What stands in the way.
        #[source]
        source: jiff::Error,
    },
}

const EARLIEST_MILLISECONDS: i64 = -62_135_596_800_000;
const LATEST_MILLISECONDS: i64 = 253_402_207_199_999;

impl Timestamp {
    /// The moment that many milliseconds after the epoch, held within the years 1 to 9999.
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds.clamp(EARLIEST_MILLISECONDS, LATEST_MILLISECONDS))
    }

    /// Milliseconds since the epoch.
    pub fn as_milliseconds(self) -> i64 {
        self.0
    }

    /// The moment that many milliseconds later, held within the representable range.
    #[must_use]
    pub fn plus_milliseconds(self, milliseconds: i64) -> Self {
        Self::from_milliseconds(self.0.saturating_add(milliseconds))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>()
            .map(|parsed| Self::from_milliseconds(parsed.as_millisecond()))
            .map_err(|source| {
                let text = text.to_owned();
                let pieces = Pieces::parse(&text);
                let is_whole =
                    pieces.is_ok_and(|pieces| pieces.time().is_some() && pieces.offset().is_some());
                if is_whole {
                    InvalidTimestamp::OutOfRange { text, source }
                } else {
                    InvalidTimestamp::Form { text, source }
                }
            })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn text_and_value_agree() {
        let moment: Timestamp = "2026-11-21T05:06:07.089Z".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-11-21T05:06:07.089Z");
        assert_eq!(
            Timestamp::from_milliseconds(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert!("yesterday".parse::<Timestamp>().is_err());
        let far = "9999-12-31T23:59:59Z".parse::<Timestamp>().unwrap_err();
        assert!(far.to_string().contains("too far away"), "{far}");
        for odd in ["2026-11-21", "2026-11-21T05:06:07", "2026-13-01T00:00:00Z"] {
            let odd = odd.parse::<Timestamp>().unwrap_err();
            assert!(odd.to_string().contains("RFC 3339"), "{odd}");
        }
        let extreme = Timestamp::from_milliseconds(i64::MAX);
        assert_eq!(extreme.to_string().parse::<Timestamp>().unwrap(), extreme);
    }
}
