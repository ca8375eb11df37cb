//! Who calls us, and what a partner vouches for. Keys and time are arguments.

pub mod caller;
pub mod security_token;
pub mod signing;
pub mod token;
