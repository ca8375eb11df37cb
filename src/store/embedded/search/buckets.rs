//! Periods that entries are counted by.

use std::str::FromStr;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A period that entries are counted by, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// A calendar month.
    Month,
    /// So many milliseconds, counted from 1970-01-01T00:00:00Z.
    Every(i64),
}

/// Why a text names no such period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `hour`, `day`, `month`, or a duration of at least a minute such as `PT15M`")]
pub struct InvalidBucket(String);

impl Bucket {
    /// When the bucket begins that a moment is in.
    pub fn start(self, time: Timestamp) -> Timestamp {
        match self {
            Self::Every(length) => {
                let milliseconds = time.as_milliseconds();
                Timestamp::from_milliseconds(milliseconds - milliseconds.rem_euclid(length))
            }
            Self::Month => {
                let moment = jiff::Timestamp::from_millisecond(time.as_milliseconds());
                let first = moment.ok().and_then(|moment| {
                    let date = moment.to_zoned(TimeZone::UTC).date().first_of_month();
                    date.to_zoned(TimeZone::UTC).ok()
                });
                first.map_or(time, |first| {
                    Timestamp::from_milliseconds(first.timestamp().as_millisecond())
                })
            }
        }
    }
}

impl FromStr for Bucket {
    type Err = InvalidBucket;

    fn from_str(text: &str) -> Result<Self, InvalidBucket> {
        match text {
            "hour" => Ok(Self::Every(HOUR)),
            "day" => Ok(Self::Every(DAY)),
            "month" => Ok(Self::Month),
            other => {
                let duration: Option<SignedDuration> = other.parse().ok();
                let milliseconds = duration.map(|duration| duration.as_millis());
                let milliseconds = milliseconds.and_then(|it| i64::try_from(it).ok());
                let long_enough = milliseconds.filter(|it| *it >= MINUTE);
                let wrong = || InvalidBucket(other.to_owned());
                long_enough.map(Self::Every).ok_or_else(wrong)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;
    use crate::domain::time::Timestamp;

    fn start(bucket: &str, time: &str) -> String {
        let time: Timestamp = time.parse().unwrap();
        bucket.parse::<Bucket>().unwrap().start(time).to_string()
    }

    #[test]
    fn a_bucket_begins_with_its_period_in_utc() {
        let time = "2026-02-28T23:59:59.999Z";
        assert_eq!(start("hour", time), "2026-02-28T23:00:00.000Z");
        assert_eq!(start("day", time), "2026-02-28T00:00:00.000Z");
        assert_eq!(start("month", time), "2026-02-01T00:00:00.000Z");
        assert_eq!(start("PT15M", time), "2026-02-28T23:45:00.000Z");
        assert_eq!(
            start("day", "2026-03-01T00:00:00.000Z"),
            "2026-03-01T00:00:00.000Z"
        );
        assert_eq!(
            start("month", "1970-01-01T00:00:00.000Z"),
            "1970-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for wrong in ["", "week", "PT1S", "-PT1H", "P1M", "PT0S", "HOUR"] {
            assert!(wrong.parse::<Bucket>().is_err(), "{wrong}");
        }
    }
}
