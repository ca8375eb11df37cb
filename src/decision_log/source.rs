//! Where a published log is read from.

use std::error::Error;

use crate::decision_log::tile::Resource;

/// A directory, an address, our own files. Nothing that it gives is believed.
pub trait LogSource {
    /// Why a resource can't be had.
    type Error: Error + Send + Sync + 'static;

    /// The bytes of a resource.
    fn read(&self, resource: Resource) -> Result<Vec<u8>, Self::Error>;
}
