//! How an event is named, and a place between events.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::decision_log::LogIndex;

/// The name of an event: the place of its entry in the log, and which of the entry's events it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The entry.
    pub index: LogIndex,
    /// Which of the events that the entry makes, from zero.
    pub number: u32,
}

/// The first event of an entry is named by its index alone.
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => write!(f, "{}", self.index),
            number => write!(f, "{}-{number}", self.index),
        }
    }
}

/// Why a text names no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no event id such as `42` or `42-1@…`")]
pub struct InvalidPlace;

impl FromStr for EventId {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (index, number) = match text.split_once('-') {
            None => (text, 0),
            Some((index, number)) => (index, decimal(number)?),
        };
        Ok(Self {
            index: LogIndex(decimal(index)?),
            number,
        })
    }
}

/// A place between events: after this one, of this log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The last event that was seen.
    pub id: EventId,
    /// The random name of the log; absent where nobody said it.
    pub log: Option<Uuid>,
}

/// As it is written behind `id:` and in `Last-Event-ID`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.log {
            None => self.id.fmt(f),
            Some(log) => write!(f, "{}@{log}", self.id),
        }
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, log) = match text.split_once('@') {
            None => (text, None),
            Some((id, log)) => (id, Some(log.parse().map_err(|_| InvalidPlace)?)),
        };
        Ok(Self {
            id: id.parse()?,
            log,
        })
    }
}

/// A number in one form alone: no sign, no leading zero.
fn decimal<T: FromStr + fmt::Display>(text: &str) -> Result<T, InvalidPlace> {
    let number: T = text.parse().map_err(|_| InvalidPlace)?;
    if number.to_string() == text {
        Ok(number)
    } else {
        Err(InvalidPlace)
    }
}

#[cfg(test)]
mod tests {
    use super::EventId;
    use super::Place;
    use crate::decision_log::LogIndex;

    #[test]
    fn a_place_is_written_and_read() {
        let log = "7b8a6a58-6d0f-4d8e-a7a4-3f5a9fd0c1de";
        for (text, index, number) in [("0", 0, 0), ("42", 42, 0), ("42-1", 42, 1)] {
            let place: Place = text.parse().unwrap();
            let index = LogIndex(index);
            assert_eq!(place.id, EventId { index, number });
            assert_eq!(place.to_string(), text);
            let named = format!("{text}@{log}");
            let place: Place = named.parse().unwrap();
            assert_eq!(place.log, Some(log.parse().unwrap()));
            assert_eq!(place.to_string(), named);
        }
        for text in [
            "", "-", "-1", "+1", "042", "42-", "42-01", "42-1-1", "42@", "42@log", "a", " 42",
        ] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }

    #[test]
    fn events_of_one_entry_come_one_after_the_other() {
        let id = |text: &str| text.parse::<EventId>().unwrap();
        assert!(id("41-7") < id("42"));
        assert!(id("42") < id("42-1"));
        assert!(id("42-2") < id("42-10"));
    }
}
