//! The information point (PIP) and persistence: one door for every change.

pub mod embedded;
