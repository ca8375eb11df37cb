//! How long what a policy obliges to may take: `@due("PT15M")`, `default_due` in the manifest.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use crate::domain::obligation::DUE_DEFAULT_MILLISECONDS;
use crate::policy::annotation::AnnotationError;
use crate::policy::annotation::Expiry;

/// How long an obligation may take, from the moment at which it arises; longer than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DueWithin(Expiry);

impl DueWithin {
    /// The duration, in milliseconds.
    pub fn milliseconds(self) -> i64 {
        i64::try_from(self.0.duration().as_millis()).unwrap_or(i64::MAX)
    }

    /// The duration, or what holds where nobody says any.
    pub fn milliseconds_of(due: Option<Self>) -> i64 {
        due.map_or(DUE_DEFAULT_MILLISECONDS, Self::milliseconds)
    }
}

impl FromStr for DueWithin {
    type Err = AnnotationError;

    /// Reads an ISO 8601 duration, as that of `@expires`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for DueWithin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for DueWithin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DueWithin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Expiry::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::DueWithin;

    #[test]
    fn a_duration_is_read_and_written() {
        let due: DueWithin = "PT15M".parse().unwrap();
        assert_eq!(due.milliseconds(), 900_000);
        assert_eq!(due.to_string().parse(), Ok(due));
        assert_eq!(DueWithin::milliseconds_of(Some(due)), 900_000);
        assert_eq!(DueWithin::milliseconds_of(None), 3_600_000);
        for wrong in ["", "15 minutes please", "PT0S", "-PT1M", "P1M"] {
            assert!(wrong.parse::<DueWithin>().is_err(), "{wrong}");
        }
    }
}
