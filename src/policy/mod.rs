//! The administration point (PAP): a `Bundle` exists only validated.
