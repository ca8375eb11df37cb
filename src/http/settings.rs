//! How much and how long the interface takes from those who call.

use std::time::Duration;

use crate::domain::wire::WireLimits;

/// What can be chosen about the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Bytes of a body.
    pub body_bytes_max: usize,
    /// Nesting and list lengths.
    pub wire: WireLimits,
    /// Connections open at once; more wait to be accepted.
    pub connections_max: usize,
    /// How long the first request of a connection may take to arrive, up to the end of its head.
    pub head_max: Duration,
    /// How long a connection may go on without another request.
    pub idle_max: Duration,
    /// How long a body may take to arrive.
    pub body_max: Duration,
    /// How long an answer may take.
    pub answer_max: Duration,
    /// How long requests under way may take to end when the service stops.
    pub drain_max: Duration,
    /// Event streams open at once.
    pub event_streams_max: usize,
    /// Event streams of one caller open at once.
    pub event_streams_per_caller_max: usize,
    /// How long an event stream may say nothing.
    pub heartbeat: Duration,
    /// Whether a request is submitted only under an idempotency key.
    pub require_idempotency_key: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            body_bytes_max: 4 * 1024 * 1024,
            wire: WireLimits::default(),
            connections_max: 512,
            head_max: Duration::from_secs(10),
            idle_max: Duration::from_secs(75),
            body_max: Duration::from_secs(30),
            answer_max: Duration::from_mins(1),
            drain_max: Duration::from_secs(30),
            event_streams_max: 128,
            event_streams_per_caller_max: 8,
            heartbeat: Duration::from_secs(15),
            require_idempotency_key: false,
        }
    }
}
