//! Who calls us. Keys and time are arguments.

pub mod caller;
pub mod token;
