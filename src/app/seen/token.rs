//! What a reviewer saw, in a few characters: enough to tell whether it is still so.

use std::fmt;
use std::str::FromStr;

use crate::decision_log::LogIndex;

/// Eight bytes of a keyed digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Short(pub(super) [u8; 8]);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        data_encoding::HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl FromStr for Short {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes());
        let bytes = bytes.map_err(drop)?;
        bytes.try_into().map(Self).map_err(drop)
    }
}

/// What was seen of a request that waits, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// How many entries of the log there were.
    pub(super) applied: u64,
    /// The generation of the bundle that judged it.
    pub(super) generation: u64,
    /// Which items wait, and who has answered them.
    pub(super) stands: Short,
    /// The facts on which they would be decided.
    pub(super) facts: Short,
    /// What policy says of them.
    pub(super) judged: Short,
}

impl Seen {
    /// Whether a document was written after it was seen.
    pub(super) fn is_before(&self, index: LogIndex) -> bool {
        index.0 >= self.applied
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            applied,
            generation,
            stands,
            facts,
            judged,
        } = self;
        write!(f, "s{applied}.{generation}.{stands}.{facts}.{judged}")
    }
}

impl FromStr for Seen {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.strip_prefix('s').ok_or(())?.split('.');
        let mut word = || words.next().ok_or(());
        let seen = Self {
            applied: word()?.parse().map_err(drop)?,
            generation: word()?.parse().map_err(drop)?,
            stands: word()?.parse()?,
            facts: word()?.parse()?,
            judged: word()?.parse()?,
        };
        match words.next() {
            None => Ok(seen),
            Some(_) => Err(()),
        }
    }
}

/// On what an answer relies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// This version of the request.
    Version(u64),
    /// What was seen of it, facts included.
    Seen(Seen),
}

impl Required {
    /// The version, if it is one.
    pub(in crate::app) fn version(self) -> Option<u64> {
        match self {
            Self::Version(version) => Some(version),
            Self::Seen(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;
    use super::Short;

    #[test]
    fn a_token_is_read_as_it_is_written() {
        let seen = Seen {
            applied: 1_843,
            generation: 2,
            stands: Short([1; 8]),
            facts: Short([0xfe; 8]),
            judged: Short([0; 8]),
        };
        let text = seen.to_string();
        assert_eq!(text.parse(), Ok(seen));
        let short = text.replace("fefe", "fe");
        let version = text.replace('s', "r");
        for wrong in ["", "s", "s1", &short, &format!("{text}.1"), &version] {
            assert!(wrong.parse::<Seen>().is_err(), "{wrong}");
        }
    }
}
