//! The decision log as pure values: leaf, parts, hashes, tiles, checkpoints, proofs.
//!
//! An entry of the log is a [`Leaf`], the small text that the Merkle tree hashes, and the [`Part`]s
//! that the leaf's root commits to. Parts hold what concerns a person or a state, each under its
//! own salt, outside the tree; so a part can be erased and every proof still holds.
//!
//! Nothing here knows a clock, a disk or randomness: times and salts are arguments.
//! `docs/record.md` describes the encodings for those who write another reader.

pub mod audit;
pub mod checkpoint;
mod digest;
mod leaf;
pub mod merkle;
mod part;
mod payload;
mod position;
pub mod proof;
mod source;
pub mod tile;

pub use digest::Commitment;
pub use digest::DigestError;
pub use digest::LeafHash;
pub use digest::RootHash;
pub use leaf::LEAF_LIMIT_BYTES;
pub use leaf::Leaf;
pub use leaf::LeafError;
pub use leaf::LeafKind;
pub use leaf::OutcomeCounts;
pub use part::Part;
pub use part::PartClass;
pub use part::SALT_BYTES;
pub use part::SUBJECT_KEY_LIMIT_BYTES;
pub use part::Salt;
pub use part::StoredPart;
pub use payload::MismatchError;
pub use payload::PARTS_LIMIT;
pub use payload::Payload;
pub use payload::PayloadError;
pub use payload::verify;
pub use position::LogIndex;
pub use position::TreeSize;
pub use source::LogSource;
