//! What every handler shares.

use std::sync::Arc;

use tokio::sync::watch;

use crate::app::App;
use crate::app::log::LogReaders;
use crate::domain::request::InterSystemRequest;
use crate::domain::wire;
use crate::http::body::Body;
use crate::http::problem::Problem;
use crate::http::settings::HttpSettings;
use crate::http::streams::OpenStream;
use crate::http::streams::Streams;
use crate::identity::caller::Caller;
use crate::identity::caller::CallerList;
use crate::identity::token::Token;

/// The service as its handlers see it; clones share one.
#[derive(Clone, Debug)]
pub struct ServiceState(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: App,
    callers: CallerList,
    settings: HttpSettings,
    draining: watch::Sender<bool>,
    streams: Streams,
    log_readers: LogReaders,
}

impl ServiceState {
    /// The service over its use cases.
    pub fn new(
        app: App,
        callers: CallerList,
        settings: HttpSettings,
        log_readers: LogReaders,
    ) -> Self {
        Self(Arc::new(Inner {
            app,
            callers,
            settings,
            draining: watch::Sender::new(false),
            streams: Streams::default(),
            log_readers,
        }))
    }

    /// The use cases.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Whether the service is on its way out.
    pub fn is_draining(&self) -> bool {
        *self.0.draining.borrow()
    }

    /// From now on the service is not ready.
    pub fn drain(&self) {
        self.0.draining.send_replace(true);
    }

    /// Tells when the service is on its way out.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.draining.subscribe()
    }

    /// A place for one more event stream, if there is one.
    pub(super) fn open_stream(&self, caller: &str) -> Result<OpenStream, Problem> {
        self.0.streams.open(caller, &self.0.settings)
    }

    pub(super) fn authenticate(&self, token: &Token) -> Option<Caller> {
        self.0.callers.authenticate(token, self.0.app.now())
    }

    /// Who may read the published log.
    pub(super) fn log_readers(&self) -> LogReaders {
        self.0.log_readers
    }

    /// How much and how long the interface takes.
    pub fn settings(&self) -> HttpSettings {
        self.0.settings
    }

    pub(super) fn parse_request(&self, body: &Body) -> Result<InterSystemRequest, Problem> {
        wire::read_request(body.value(), self.0.settings.wire).map_err(|problems| {
            Problem::invalid(
                problems
                    .into_iter()
                    .map(|problem| (problem.pointer, problem.detail))
                    .collect(),
            )
        })
    }
}
