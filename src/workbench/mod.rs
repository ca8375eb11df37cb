//! The officer's tools over the product's own engine.

pub mod explain;
pub mod impact;
pub mod offline;
pub mod registry_files;
pub mod scenario;
