//! Decision records: all that one decision depended on and what it gave, in parts that can be erased one by one.

mod join;
mod outline;
mod parts;
mod replay;
mod split;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision::decide::ItemDecision;
use crate::decision::decide::Selection;
use crate::decision::facts::Facts;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;

pub use outline::Outline;
pub use parts::ItemPart;
pub use parts::OperationPart;
pub use parts::RecordError;
pub use parts::StatePart;
pub use replay::Difference;
pub use replay::differences;
pub use replay::replay;
pub use replay::replay_knowing;

/// The version of the record's format that is written.
pub const FORMAT_VERSION: u16 = 1;

/// The engine that decides: this package and the Cedar engine that it carries.
pub const ENGINE_VERSION: &str = concat!("comity ", env!("CARGO_PKG_VERSION"), " cedar 4.14.1");

/// All that a decision depended on, and what it gave; replaying it needs the record and the bundle, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// The version of the format.
    pub version: u16,
    /// The request, by the random name it has here.
    pub request_id: Uuid,
    /// The request itself, its configuration data sealed.
    pub request: InterSystemRequest,
    /// What was known.
    pub facts: Facts,
    /// When it was decided.
    pub now: Timestamp,
    /// Who submitted it.
    pub caller: String,
    /// Under which policies.
    pub bundle: BundleReference,
    /// Which engine decided.
    pub engine_version: String,
    /// What came out, in the order of the items.
    pub items: Vec<ItemDecision>,
    /// What was chosen among the systems to which the user might migrate.
    pub selection: Option<Selection>,
}

/// Which bundle decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleReference {
    /// Its digest, `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// The generation in which it was in force.
    pub generation: u64,
}

/// One part of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPart {
    /// Whether it is about a person, and whom.
    pub class: PartClass,
    /// The part, as JSON.
    pub body: Vec<u8>,
}

/// Whose a part is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartClass {
    /// Nobody's: it says what became of the request, and never of whom it spoke.
    State,
    /// A person's, by the identity that the request gave them; erased with the person.
    Personal(String),
}

impl DecisionRecord {
    /// Writes the record as parts: first the one that is nobody's, then those of each person.
    ///
    /// A subject who is also the requester has a part as each, both under the same name.
    pub fn into_parts(self) -> Result<Vec<RecordPart>, RecordError> {
        split::split(self)
    }

    /// Reads a record from its parts, in any order; without a part that was erased there is no record.
    pub fn from_parts(parts: &[RecordPart]) -> Result<Self, RecordError> {
        join::join(parts)
    }
}

impl StatePart {
    /// Reads what is left of a record whose people may have been erased.
    pub fn from_parts(parts: &[RecordPart]) -> Result<Self, RecordError> {
        join::state(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::ENGINE_VERSION;

    #[test]
    fn the_engine_is_named_by_the_version_that_is_built_in() {
        let cedar = cedar_policy::get_sdk_version();
        assert!(ENGINE_VERSION.ends_with(&format!(" cedar {cedar}")));
    }
}
