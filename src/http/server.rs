//! Serving, and stopping without losing what was accepted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http::api;
use crate::http::authzen;
use crate::http::connection;
use crate::http::layers;
use crate::http::log;
use crate::http::settings::HttpSettings;
use crate::http::state::ServiceState;

/// How long nothing is accepted after the system could not accept a connection: it is short of something.
const RECOVERY: Duration = Duration::from_millis(100);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: ServiceState,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Listens; port 0 takes a free one.
    pub async fn listen(address: SocketAddr, state: ServiceState) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let interface = api::routes()
            .merge(authzen::routes())
            .merge(log::routes())
            .route("/livez", get(|| async { "alive\n" }));
        let router = layers::around(interface, &state).with_state(state.clone());
        let (stop, stopping) = watch::channel(false);
        let serving = tokio::spawn(accept(listener, router, state.settings(), stopping));
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
        self.stop.send_replace(true);
        let abort = self.serving.abort_handle();
        let bound = self.state.settings().drain_max;
        if let Ok(ended) = tokio::time::timeout(bound, self.serving).await {
            return ended.map_err(io::Error::other);
        }
        abort.abort();
        let detail = "requests under way did not end in time";
        Err(io::Error::new(io::ErrorKind::TimedOut, detail))
    }
}

/// Accepts connections until the service stops, then waits for those that are open.
async fn accept(
    listener: TcpListener,
    router: Router,
    settings: HttpSettings,
    mut stopping: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(settings.connections_max));
    loop {
        let accepted = async {
            // A place first: who cannot be served waits in the system's queue. Nobody closes the semaphore.
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, next_connection(&listener).await))
        };
        let (place, stream) = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => break,
            accepted = accepted => match accepted {
                Some(accepted) => accepted,
                None => break,
            },
        };
        let (router, stopping) = (router.clone(), stopping.clone());
        tokio::spawn(async move {
            connection::serve(stream, router, settings, stopping).await;
            drop(place);
        });
    }
    drop(listener);
    let all = u32::try_from(settings.connections_max).unwrap_or(u32::MAX);
    // All places free: every connection has ended.
    drop(places.acquire_many(all).await);
}

async fn next_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and awaited; without it they are only later.
                let _as_it_is = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(RECOVERY).await;
            }
        }
    }
}
