//! What a partner vouches for: its tokens, and the keys with which they are verified.

pub(crate) mod mint;

mod attacks;
mod claims;
mod documentation;
mod keys;
mod support;
mod vectors;
