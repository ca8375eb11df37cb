//! Sends one message to one endpoint: where it may go, how long it may take, and what its answer means.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::Client;
use reqwest::ClientBuilder;
use reqwest::Response;
use reqwest::Url;
use reqwest::dns::Resolve;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;

use crate::outbound::address::Network;
use crate::outbound::address::is_permitted;
use crate::outbound::resolver::Guarded;
use crate::outbound::resolver::SystemResolver;
use crate::outbound::resolver::permitted;
use crate::outbound::signature::Secret;
use crate::outbound::signature::signatures;

/// How much of an answer is read; nothing of it counts but its status.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Where and how messages are sent.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where: `https`, or `http` to an address of this machine that is allowed.
    pub url: Url,
    /// Under which they are signed; two while one takes the place of the other.
    pub secrets: Vec<Secret>,
    /// Networks inside that may be called.
    pub allowed: Vec<Network>,
    /// The authorities that may vouch for the receiver, in PEM; absent: those of the system.
    pub authorities: Option<Vec<u8>>,
    /// How long one attempt may take in all.
    pub timeout: Duration,
}

/// Why a target cannot be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTarget {
    /// Not `https`.
    #[error("it is sent by `https` alone, or by `http` to a loopback address that is allowed")]
    Scheme,
    /// Something in the address that has no place there.
    #[error("it names a user, a password or a fragment")]
    Parts,
    /// An address inside.
    #[error("{0} lies inside and is not allowed")]
    Internal(IpAddr),
    /// Nothing to sign with.
    #[error("it has no secret")]
    NoSecret,
    /// No host to send to.
    #[error("it has no host")]
    NoHost,
    /// The authorities cannot be read, or TLS cannot be set up.
    #[error("its connections cannot be set up")]
    Client(#[from] reqwest::Error),
}

/// Why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The receiver answered something else than success.
    #[error("the receiver answered {0}")]
    Status(u16),
    /// The receiver wants nothing any more.
    #[error("the receiver answered 410: it wants nothing any more")]
    Gone,
    /// It took too long.
    #[error("it took longer than it may")]
    Timeout,
    /// It was not connected.
    #[error("it could not be sent: {0}")]
    Connection(String),
}

/// Sends messages to one endpoint.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    target: Arc<Target>,
}

impl Sender {
    /// Checks the target; nothing is sent yet.
    pub fn new(target: Target) -> Result<Self, InvalidTarget> {
        Self::resolving_by(Arc::new(SystemResolver), target)
    }

    /// The same, with names looked up otherwise; what is found is checked all the same.
    pub(super) fn resolving_by(
        resolver: Arc<dyn Resolve>,
        target: Target,
    ) -> Result<Self, InvalidTarget> {
        check(&target)?;
        if target.secrets.is_empty() {
            return Err(InvalidTarget::NoSecret);
        }
        Ok(Self {
            client: client(&target, resolver)?,
            target: Arc::new(target),
        })
    }

    /// Sends elsewhere in the same way: the address is checked as the first one was.
    pub fn to(&self, url: Url) -> Result<Self, InvalidTarget> {
        let target = Target {
            url,
            ..Target::clone(&self.target)
        };
        check(&target)?;
        if target.url.scheme() != self.target.url.scheme() {
            return Err(InvalidTarget::Scheme);
        }
        Ok(Self {
            client: self.client.clone(),
            target: Arc::new(target),
        })
    }

    /// Whether the host leads where something may be sent, as far as it can be told now. A connection asks again.
    pub async fn check_address(&self) -> Result<(), SendError> {
        // What is written out was checked when it was set.
        let Some(host) = self.target.url.host_str() else {
            return Ok(());
        };
        if literal(&self.target.url).is_some() {
            return Ok(());
        }
        let found = tokio::time::timeout(self.target.timeout, tokio::net::lookup_host((host, 0)));
        let found = found.await.map_err(|_| SendError::Timeout)?;
        let told = |error: &dyn fmt::Display| SendError::Connection(error.to_string());
        let found = found.map_err(|error| told(&error))?;
        permitted(found, &self.target.allowed)
            .map(drop)
            .map_err(|error| told(&error))
    }

    /// Where it sends, without what stands behind the path: that may be a secret.
    pub fn shown(&self) -> String {
        let mut url = self.target.url.clone();
        url.set_query(None);
        url.to_string()
    }

    /// Sends a message once: success is an answer from 200 to 299.
    pub async fn send(&self, id: &str, seconds: i64, body: Vec<u8>) -> Result<(), SendError> {
        let signed = signatures(&self.target.secrets, id, seconds, &body);
        let signed =
            signed.ok_or_else(|| SendError::Connection("it cannot be signed".to_owned()))?;
        let request = self
            .client
            .post(self.target.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signed)
            .body(body);
        let answer = request.send().await.map_err(|error| failure(&error))?;
        let status = answer.status();
        drain(answer).await;
        match status.as_u16() {
            200..=299 => Ok(()),
            410 => Err(SendError::Gone),
            other => Err(SendError::Status(other)),
        }
    }
}

/// Reads a little, so that the connection can be used again; a receiver that goes on has said what counts.
async fn drain(mut answer: Response) {
    let mut read = 0;
    while read < ANSWER_BYTES_MAX {
        match answer.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => return,
        }
    }
}

pub(super) fn failure(error: &reqwest::Error) -> SendError {
    if error.is_timeout() {
        return SendError::Timeout;
    }
    // The last cause says most; the address stands in the settings.
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let last = causes.last().map(ToString::to_string);
    SendError::Connection(last.unwrap_or_else(|| "no connection".to_owned()))
}

/// Whether a target may be called at all, as far as its address tells.
pub(super) fn check(target: &Target) -> Result<(), InvalidTarget> {
    let url = &target.url;
    let named = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
    if named {
        return Err(InvalidTarget::Parts);
    }
    let literal = literal(url);
    if let Some(address) = literal.filter(|address| !is_permitted(*address, &target.allowed)) {
        return Err(InvalidTarget::Internal(address));
    }
    let is_loopback = literal.is_some_and(|address| address.to_canonical().is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        _ => return Err(InvalidTarget::Scheme),
    }
    Ok(())
}

/// The address that a URL names instead of a host: it is never resolved, so it is checked here.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let host = host.strip_prefix('[').unwrap_or(host);
    host.strip_suffix(']').unwrap_or(host).parse().ok()
}

/// What connects to a target, and to nothing that is not allowed.
pub(super) fn client(
    target: &Target,
    resolver: Arc<dyn Resolve>,
) -> Result<Client, reqwest::Error> {
    let builder = ClientBuilder::new()
        .user_agent(concat!("comity/", env!("CARGO_PKG_VERSION")))
        // A redirect could lead inside, and a proxy would connect to what it likes.
        .redirect(Policy::none())
        .no_proxy()
        .timeout(target.timeout)
        .https_only(target.url.scheme() == "https")
        .dns_resolver(Arc::new(Guarded::new(resolver, target.allowed.clone())));
    match &target.authorities {
        None => builder,
        Some(pem) => builder.tls_certs_only(Certificate::from_pem_bundle(pem)?),
    }
    .build()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::InvalidTarget;
    use super::Sender;
    use super::Target;

    fn target(url: &str, allowed: &[&str]) -> Target {
        Target {
            url: url.parse().unwrap(),
            secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap()],
            allowed: allowed.iter().map(|it| it.parse().unwrap()).collect(),
            authorities: None,
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn addresses_that_are_written_out_are_checked_in_every_spelling() {
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://10.0.0.1:8443/hook",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fe80::1]/",
            "https://[fd00:ec2::254]/",
            "https://0.0.0.0/",
        ] {
            let refused = Sender::new(target(url, &[])).map(drop);
            assert!(matches!(refused, Err(InvalidTarget::Internal(_))), "{url}");
        }
        for url in [
            "https://127.0.0.1/",
            "http://127.0.0.1:8080/",
            "https://[::ffff:127.0.0.1]/",
        ] {
            assert!(Sender::new(target(url, &["127.0.0.0/8"])).is_ok(), "{url}");
        }
    }

    #[test]
    fn only_https_leaves_the_machine() {
        let networks = ["10.0.0.0/8", "127.0.0.0/8"];
        for url in [
            "http://hooks.de.example/",
            "http://localhost/",
            "http://10.0.0.1/",
            "ftp://hooks.de.example/",
        ] {
            let refused = Sender::new(target(url, &networks)).map(drop);
            assert!(matches!(refused, Err(InvalidTarget::Scheme)), "{url}");
        }
        for url in [
            "https://user@hooks.de.example/",
            "https://u:p@h.example/",
            "https://h.example/#a",
        ] {
            let refused = Sender::new(target(url, &networks)).map(drop);
            assert!(matches!(refused, Err(InvalidTarget::Parts)), "{url}");
        }
        let unsigned = Target {
            secrets: Vec::new(),
            ..target("https://hooks.de.example/", &[])
        };
        assert!(matches!(
            Sender::new(unsigned).map(drop),
            Err(InvalidTarget::NoSecret)
        ));
        let shown = Sender::new(target("https://hooks.de.example/in?key=secret", &[])).unwrap();
        assert_eq!(shown.shown(), "https://hooks.de.example/in");
    }
}
