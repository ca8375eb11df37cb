//! One connection: HTTP/1 or HTTP/2, ended when it asks for nothing.
//!
//! A request counts from the end of its head until its answer is made. A connection on which none is under
//! way has a bound on its patience, whatever trickles in meanwhile: half a head, or nothing at all.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tower::Service;

use crate::http::settings::HttpSettings;

/// What is left of a connection's patience once the service stops: time to write the last answer.
const STOPPING_MAX: Duration = Duration::from_secs(1);

/// What is going on.
#[derive(Clone, Copy, Debug)]
struct Activity {
    under_way: usize,
    had_request: bool,
    since: Instant,
}

/// Serves a connection until it ends, is idle for too long, or the service stops.
pub(super) async fn serve(
    stream: TcpStream,
    router: Router,
    settings: HttpSettings,
    mut stopping: watch::Receiver<bool>,
) {
    let (activity, seen) = watch::channel(Activity {
        under_way: 0,
        had_request: false,
        since: Instant::now(),
    });
    let service = TowerToHyperService::new(Counted {
        router,
        activity: Arc::new(activity),
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut stopped = None;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = out_of_patience(seen.clone(), settings, stopped) => {
                tracing::debug!("connection without a request closed");
                return;
            }
            _ = stopping.wait_for(|stop| *stop), if stopped.is_none() => {
                stopped = Some(Instant::now());
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None);
    builder.http2().timer(TokioTimer::new());
    builder
}

/// Ends when no request has been under way for too long.
async fn out_of_patience(
    mut seen: watch::Receiver<Activity>,
    settings: HttpSettings,
    stopped: Option<Instant>,
) {
    loop {
        let now = *seen.borrow_and_update();
        let deadline = match stopped {
            Some(stopped) => stopped.max(now.since) + STOPPING_MAX,
            None if now.had_request => now.since + settings.idle_max,
            None => now.since + settings.head_max,
        };
        let changed = if now.under_way > 0 {
            seen.changed().await
        } else {
            match tokio::time::timeout_at(deadline, seen.changed()).await {
                Ok(changed) => changed,
                Err(_) => return,
            }
        };
        if changed.is_err() {
            // The connection is over, and says so itself.
            std::future::pending::<()>().await;
        }
    }
}

/// The routes, with an eye on what is under way.
#[derive(Clone)]
struct Counted {
    router: Router,
    activity: Arc<watch::Sender<Activity>>,
}

impl Service<axum::http::Request<Incoming>> for Counted {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: axum::http::Request<Incoming>) -> Self::Future {
        let under_way = UnderWay::begin(&self.activity);
        let connection = StaysOpen(Arc::clone(&self.activity));
        request.extensions_mut().insert(connection);
        let answer = self.router.call(request);
        Box::pin(async move {
            let answer = answer.await;
            drop(under_way);
            answer
        })
    }
}

/// The connection of a request, for an answer that goes on after its head.
#[derive(Clone, Debug)]
pub(super) struct StaysOpen(Arc<watch::Sender<Activity>>);

impl StaysOpen {
    /// The request stays under way until what is given is dropped.
    pub(super) fn hold(&self) -> UnderWay {
        UnderWay::begin(&self.0)
    }
}

/// A request under way, until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<watch::Sender<Activity>>);

impl UnderWay {
    fn begin(activity: &Arc<watch::Sender<Activity>>) -> Self {
        activity.send_modify(|now| {
            now.under_way += 1;
            now.had_request = true;
        });
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|now| {
            now.under_way = now.under_way.saturating_sub(1);
            now.since = Instant::now();
        });
    }
}
