//! As whom a log signs from some entry on: recorded in the log itself, so that a change of key or name is history.

use serde::Deserialize;
use serde::Serialize;

use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::Checkpoint;
use crate::decision_log::checkpoint::Origin;
use crate::decision_log::checkpoint::VerifierKey;

/// The name of the log and the keys that sign its checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// The name.
    pub origin: Origin,
    /// The verifier keys, the present one first.
    pub keys: Vec<VerifierKey>,
    /// The last checkpoint under another name, if the log had one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Earlier>,
}

/// A checkpoint of the log under the name that it had before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// The name before.
    pub origin: Origin,
    /// How many entries were published under it; perhaps more than there are now.
    pub size: TreeSize,
    /// The root of their tree.
    pub root: RootHash,
}

impl From<&Checkpoint> for Earlier {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root,
        }
    }
}

impl Signing {
    /// Whether it is under the same name and by the same keys.
    pub fn is_same(&self, other: &Self) -> bool {
        self.origin == other.origin && self.keys == other.keys
    }
}
