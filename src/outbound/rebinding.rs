//! A name whose answer changes between the check and the connection (DNS rebinding): what was checked is what is called.
//!
//! Two receivers hold the certificate of the name at the same port: one at an address that is allowed, one at an address
//! that is not, as an attacker's name server would have it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::sender::SendError;
use super::sender::Sender;
use super::sender::Target;

const NAME: &str = "hooks.de.example";
const ALLOWED: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Answers in turn, and the last for ever.
#[derive(Debug, Default)]
struct Fickle {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Fickle {
    fn new(answers: &[&[IpAddr]]) -> Arc<Self> {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers),
            asked: AtomicUsize::new(0),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Fickle {
    fn resolve(&self, name: Name) -> Resolving {
        assert_eq!(name.as_str(), NAME);
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = match answers.len() {
            1 => answers.front().cloned(),
            _ => answers.pop_front(),
        };
        let found = answer.unwrap().into_iter().map(|it| SocketAddr::new(it, 0));
        let found: Addrs = Box::new(found.collect::<Vec<_>>().into_iter());
        Box::pin(async move { Ok(found) })
    }
}

/// Somebody who takes messages under the name, and keeps connections open if told to.
struct Receiver {
    port: u16,
    connections: Arc<AtomicUsize>,
    messages: Arc<AtomicUsize>,
}

impl Receiver {
    async fn start(address: SocketAddr, acceptor: TlsAcceptor, connection: &'static str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
            messages: Arc::default(),
        };
        let (connections, messages) = (
            Arc::clone(&receiver.connections),
            Arc::clone(&receiver.messages),
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, messages) = (acceptor.clone(), Arc::clone(&messages));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut read = Vec::new();
                    while stream
                        .read_buf(&mut read)
                        .await
                        .is_ok_and(|bytes| bytes > 0)
                    {
                        // The messages of these tests say nothing else.
                        if !read.ends_with(b"{}") {
                            continue;
                        }
                        read.clear();
                        messages.fetch_add(1, Ordering::SeqCst);
                        let answer =
                            format!("HTTP/1.1 204 No Content\r\nconnection: {connection}\r\n\r\n");
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                        if connection == "close" {
                            drop(stream.shutdown().await);
                            return;
                        }
                    }
                });
            }
        });
        receiver
    }

    fn took(&self) -> (usize, usize) {
        let (connections, messages) = (&self.connections, &self.messages);
        (
            connections.load(Ordering::SeqCst),
            messages.load(Ordering::SeqCst),
        )
    }
}

/// Both receivers at the same port, and the certificate that both hold.
async fn receivers(connection: &'static str) -> (Receiver, Receiver, String) {
    let made = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let at = |address, port| SocketAddr::new(address, port);
    let allowed = Receiver::start(at(ALLOWED, 0), acceptor.clone(), connection).await;
    let inside = Receiver::start(at(INSIDE, allowed.port), acceptor, connection).await;
    (allowed, inside, made.cert.pem())
}

fn sender(resolver: &Arc<Fickle>, port: u16, authority: String) -> Sender {
    let target = Target {
        url: format!("https://{NAME}:{port}/").parse().unwrap(),
        secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap()],
        allowed: vec!["127.0.0.1/32".parse().unwrap()],
        authorities: Some(authority.into_bytes()),
        timeout: Duration::from_mins(1),
    };
    Sender::resolving_by(Arc::<Fickle>::clone(resolver), target).unwrap()
}

async fn send(sender: &Sender) -> Result<(), SendError> {
    sender.send("1@log", 1_772_366_400, b"{}".to_vec()).await
}

fn leads_inside(sent: &Result<(), SendError>) -> bool {
    matches!(sent, Err(SendError::Connection(cause)) if cause.contains("leads inside"))
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let (allowed, inside, authority) = receivers("close").await;
    // Whoever asks a second time for the same connection would be led inside.
    let resolver = Fickle::new(&[&[ALLOWED], &[INSIDE]]);
    let sender = sender(&resolver, allowed.port, authority);
    assert_eq!(send(&sender).await, Ok(()));
    assert_eq!(resolver.asked(), 1);
    assert_eq!((allowed.took(), inside.took()), ((1, 1), (0, 0)));
    // The next connection is checked anew.
    for asked in 2..=4 {
        let sent = send(&sender).await;
        assert!(leads_inside(&sent), "{sent:?}");
        assert_eq!(resolver.asked(), asked);
    }
    assert_eq!((allowed.took(), inside.took()), ((1, 1), (0, 0)));
}

#[tokio::test]
async fn an_address_inside_among_others_is_not_even_tried() {
    let (allowed, inside, authority) = receivers("close").await;
    let resolver = Fickle::new(&[&[ALLOWED, INSIDE], &[INSIDE, ALLOWED], &[], &[ALLOWED]]);
    let sender = sender(&resolver, allowed.port, authority);
    for _ in 0..3 {
        let sent = send(&sender).await;
        assert!(leads_inside(&sent), "{sent:?}");
    }
    assert_eq!((allowed.took(), inside.took()), ((0, 0), (0, 0)));
    assert_eq!(send(&sender).await, Ok(()));
    assert_eq!((allowed.took(), inside.took()), ((1, 1), (0, 0)));
}

#[tokio::test]
async fn a_connection_that_is_kept_stays_where_it_was_checked() {
    let (allowed, inside, authority) = receivers("keep-alive").await;
    let resolver = Fickle::new(&[&[ALLOWED], &[INSIDE]]);
    let sender = sender(&resolver, allowed.port, authority);
    for _ in 0..3 {
        assert_eq!(send(&sender).await, Ok(()));
    }
    assert_eq!(resolver.asked(), 1);
    assert_eq!((allowed.took(), inside.took()), ((1, 3), (0, 0)));
}
