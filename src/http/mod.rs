//! The `/v1` interface: handlers translate, use cases act.
