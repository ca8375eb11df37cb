//! The decision log as pure values: leaf, parts, hashes.
