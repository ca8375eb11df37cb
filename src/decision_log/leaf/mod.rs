//! The leaf: the few bytes about an entry that the Merkle tree hashes and that anybody may read.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::decision_log::LeafHash;
use crate::decision_log::Payload;
use crate::decision_log::RootHash;
use crate::decision_log::merkle;

/// The most bytes that a leaf may have: what an entry bundle of a C2SP log can hold.
pub const LEAF_LIMIT_BYTES: usize = 65_535;

const VERSION: u32 = 1;

/// What kind of entry a leaf stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeafKind {
    /// The first entry of a log, or of a new origin after a restore.
    Genesis,
    /// A change of the registry: systems, agreements, users, groups, configuration documents.
    Registry,
    /// A decided inter-system request.
    Request,
    /// A reviewer's answer to a held request.
    Review,
    /// What became of a request at the partner, as it was reported.
    Report,
    /// What waited and was withdrawn by whoever asked.
    Withdrawal,
    /// What became of an obligation, or that nobody reported it in time.
    Obligation,
    /// What was granted and is so no longer.
    Revocation,
    /// What became of a request was fetched by whoever asked.
    Acknowledgement,
    /// A held item that nobody answered in time.
    Expiry,
    /// A reminder of what waits.
    Reminder,
    /// A bundle that came into force.
    Publication,
    /// A bundle that was refused; the one before it stayed in force.
    Refusal,
    /// The dry runs of one caller in one minute.
    DryRunSummary,
    /// An administrative act.
    Administrative,
}

/// How many items of an entry came out which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeCounts {
    /// Items that were accepted.
    pub accept: u32,
    /// Items that were rejected.
    pub reject: u32,
    /// Items that wait for a reviewer.
    pub review: u32,
}

/// What the log says about an entry to everybody: its kind, time, counts, and a root over its parts.
///
/// A leaf never holds an MC service ID, free text or a list of items. [`Leaf::encode`] gives the
/// one canonical form, and [`Leaf::parse`] takes no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    kind: LeafKind,
    // INVARIANT (whole milliseconds): not before 1970, without a fraction of a millisecond.
    time: Timestamp,
    outcomes: OutcomeCounts,
    parts: u32,
    parts_root: RootHash,
}

/// Why bytes are no leaf, or a leaf can't be made.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// The bytes are more than any leaf may have.
    #[error("leaf has {length} bytes, more than {LEAF_LIMIT_BYTES}")]
    TooLong {
        /// How many bytes there are.
        length: usize,
    },
    /// The leaf was written by a later version of the program.
    #[error("leaf has version {version}, this program knows version {VERSION}")]
    UnknownVersion {
        /// The version that the leaf names.
        version: u32,
    },
    /// The bytes are no leaf: no JSON, or a member is missing, unknown or of the wrong type.
    #[error("leaf can't be read")]
    Malformed(#[source] serde_json::Error),
    /// The bytes mean a leaf, but are not written the canonical way.
    #[error("leaf is not in canonical form")]
    NotCanonical,
    /// The time can't be written in a leaf.
    #[error("time `{time}` is before 1970 or after 9999")]
    TimeOutOfRange {
        /// The time that was given.
        time: Timestamp,
    },
}

/// The canonical form; the order of its members is the order on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u32,
    kind: LeafKind,
    time: String,
    outcomes: OutcomeCounts,
    parts: u32,
    parts_root: RootHash,
}

/// The one member that every version keeps.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

impl Leaf {
    /// Makes the leaf of an entry with this payload; the time is cut to whole milliseconds.
    pub fn new(
        kind: LeafKind,
        time: Timestamp,
        outcomes: OutcomeCounts,
        payload: &Payload,
    ) -> Result<Self, LeafError> {
        Ok(Self {
            kind,
            time: whole_milliseconds(time)?,
            outcomes,
            parts: payload.count(),
            parts_root: payload.root(),
        })
    }

    /// Reads a leaf; takes the canonical form only.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > LEAF_LIMIT_BYTES {
            return Err(LeafError::TooLong {
                length: bytes.len(),
            });
        }
        let versioned: Versioned = serde_json::from_slice(bytes).map_err(LeafError::Malformed)?;
        if versioned.v != VERSION {
            return Err(LeafError::UnknownVersion {
                version: versioned.v,
            });
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(LeafError::Malformed)?;
        let time = wire.time.parse().map_err(|_| LeafError::NotCanonical)?;
        let leaf = Self {
            kind: wire.kind,
            time: whole_milliseconds(time)?,
            outcomes: wire.outcomes,
            parts: wire.parts,
            parts_root: wire.parts_root,
        };
        if leaf.encode() == bytes {
            Ok(leaf)
        } else {
            Err(LeafError::NotCanonical)
        }
    }

    /// Writes the canonical form: the bytes that are hashed and kept.
    pub fn encode(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// The hash under which the tree holds this leaf.
    pub fn hash(&self) -> LeafHash {
        merkle::leaf_hash(&self.encode())
    }

    /// What kind of entry this is.
    pub fn kind(&self) -> LeafKind {
        self.kind
    }

    /// When the entry was made, in whole milliseconds.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// How many of the entry's items came out which way.
    pub fn outcomes(&self) -> OutcomeCounts {
        self.outcomes
    }

    /// How many parts the entry has.
    pub fn parts(&self) -> u32 {
        self.parts
    }

    /// The root over the commitments of the entry's parts.
    pub fn parts_root(&self) -> RootHash {
        self.parts_root
    }
}

/// The canonical form as text. No value in it needs escaping, so it is written directly.
impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutcomeCounts {
            accept,
            reject,
            review,
        } = self.outcomes;
        write!(
            f,
            r#"{{"v":{VERSION},"kind":"{}","time":"{:.3}","outcomes":{{"accept":{accept},"reject":{reject},"review":{review}}},"parts":{},"parts_root":"{}"}}"#,
            self.kind, self.time, self.parts, self.parts_root,
        )
    }
}

impl fmt::Display for LeafKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Genesis => "genesis",
            Self::Registry => "registry",
            Self::Request => "request",
            Self::Review => "review",
            Self::Report => "report",
            Self::Withdrawal => "withdrawal",
            Self::Obligation => "obligation",
            Self::Revocation => "revocation",
            Self::Acknowledgement => "acknowledgement",
            Self::Expiry => "expiry",
            Self::Reminder => "reminder",
            Self::Publication => "publication",
            Self::Refusal => "refusal",
            Self::DryRunSummary => "dry-run-summary",
            Self::Administrative => "administrative",
        })
    }
}

fn whole_milliseconds(time: Timestamp) -> Result<Timestamp, LeafError> {
    let milliseconds = time.as_millisecond();
    if milliseconds < 0 {
        return Err(LeafError::TimeOutOfRange { time });
    }
    Timestamp::from_millisecond(milliseconds).map_err(|_| LeafError::TimeOutOfRange { time })
}

#[cfg(test)]
mod tests;
