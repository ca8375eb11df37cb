//! Serving, and stopping without losing what was accepted.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::api;
use crate::http::layers;
use crate::http::state::ServiceState;

/// How long requests under way may take to end.
pub const DRAIN_MAX: Duration = Duration::from_secs(30);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: ServiceState,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Listens; port 0 takes a free one.
    pub async fn listen(address: SocketAddr, state: ServiceState) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let interface = api::routes().route("/livez", get(|| async { "alive\n" }));
        let router = layers::around(interface, &state).with_state(state.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let until_stopped = async move {
                // A dropped sender means the same as a signal.
                drop(stopped.await);
            };
            axum::serve(listener, router)
                .with_graceful_shutdown(until_stopped)
                .await
        });
        Ok(Self {
            address,
            state,
            stop,
            serving,
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new requests, waits for those under way, within a bound.
    pub async fn stop(self) -> io::Result<()> {
        self.state.drain();
        // The server may have ended by itself; then nobody listens.
        let _unheard = self.stop.send(());
        let abort = self.serving.abort_handle();
        match tokio::time::timeout(DRAIN_MAX, self.serving).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(_) => {
                abort.abort();
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "requests under way did not end in time",
                ))
            }
        }
    }
}
