//! What every handler shares.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::app::App;
use crate::domain::request::InterSystemRequest;
use crate::domain::wire;
use crate::domain::wire::WireLimits;
use crate::http::body::Body;
use crate::http::problem::Problem;
use crate::identity::caller::Caller;
use crate::identity::caller::CallerList;
use crate::identity::token::Token;

/// The largest and deepest bodies that are read.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes of a body.
    pub body_bytes_max: usize,
    /// Nesting and list lengths.
    pub wire: WireLimits,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 4 * 1024 * 1024,
            wire: WireLimits::default(),
        }
    }
}

/// The service as its handlers see it; clones share one.
#[derive(Clone, Debug)]
pub struct ServiceState(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: App,
    callers: CallerList,
    limits: BodyLimits,
    draining: AtomicBool,
}

impl ServiceState {
    /// The service over its use cases.
    pub fn new(app: App, callers: CallerList, limits: BodyLimits) -> Self {
        Self(Arc::new(Inner {
            app,
            callers,
            limits,
            draining: AtomicBool::new(false),
        }))
    }

    /// The use cases.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Whether the service is on its way out.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// From now on the service is not ready.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    pub(super) fn authenticate(&self, token: &Token) -> Option<Caller> {
        self.0.callers.authenticate(token, self.0.app.now())
    }

    pub(super) fn body_bytes_max(&self) -> usize {
        self.0.limits.body_bytes_max
    }

    pub(super) fn wire_limits(&self) -> WireLimits {
        self.0.limits.wire
    }

    pub(super) fn parse_request(&self, body: &Body) -> Result<InterSystemRequest, Problem> {
        wire::read_request(body.value(), self.0.limits.wire).map_err(|problems| {
            Problem::invalid(
                problems
                    .into_iter()
                    .map(|problem| (problem.pointer, problem.detail))
                    .collect(),
            )
        })
    }
}
