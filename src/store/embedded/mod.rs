//! The embedded store: everything of one node in one data directory.
//!
//! The [`journal`] is the truth, the [`State`](crate::store::State) in memory what decisions read,
//! and the [`projection`] a copy of the state from which a start is faster. Losing the projection
//! loses nothing.

pub mod archive;
pub mod disk;
pub mod erasure;
mod error;
mod interrupt;
pub mod journal;
mod load;
mod log_reader;
mod meta;
mod origin;
pub mod projection;
mod publication;
mod read_back;
pub mod search;
mod sequencer;
pub mod settings;
mod snapshot;
mod store;

pub use error::OpenError;
pub use error::RecordError;
pub use interrupt::Interrupt;
pub use load::Progress;
pub use load::Source;
pub use load::Stage;
pub use log_reader::LogReadError;
pub use log_reader::LogReader;
pub use meta::FORMAT_VERSION;
pub use publication::CHECKPOINT_FILE;
pub use publication::PublishError;
pub use publication::Published;
pub use settings::Settings;
pub use store::EmbeddedStore;
pub use store::Health;
pub use store::Started;
pub use store::StoredEntry;
