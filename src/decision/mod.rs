//! The decision point (PDP): a pure function of bundle, facts, request and time.
