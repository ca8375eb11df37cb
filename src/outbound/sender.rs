//! Sends one message to one endpoint: where it may go, how long it may take, and what its answer means.

use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::Client;
use reqwest::ClientBuilder;
use reqwest::Response;
use reqwest::Url;
use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;

use crate::outbound::address::Network;
use crate::outbound::address::is_permitted;
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
        check(&target)?;
        Ok(Self {
            client: client(&target)?,
            target: Arc::new(target),
        })
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

fn failure(error: &reqwest::Error) -> SendError {
    if error.is_timeout() {
        return SendError::Timeout;
    }
    // The last cause says most; the address stands in the settings.
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let last = causes.last().map(ToString::to_string);
    SendError::Connection(last.unwrap_or_else(|| "no connection".to_owned()))
}

fn check(target: &Target) -> Result<(), InvalidTarget> {
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
    if target.secrets.is_empty() {
        return Err(InvalidTarget::NoSecret);
    }
    Ok(())
}

/// The address that a URL names instead of a host: it is never resolved, so it is checked here.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let host = host.strip_prefix('[').unwrap_or(host);
    host.strip_suffix(']').unwrap_or(host).parse().ok()
}

fn client(target: &Target) -> Result<Client, reqwest::Error> {
    let builder = ClientBuilder::new()
        .user_agent(concat!("comity/", env!("CARGO_PKG_VERSION")))
        // A redirect could lead inside, and a proxy would connect to what it likes.
        .redirect(Policy::none())
        .no_proxy()
        .timeout(target.timeout)
        .https_only(target.url.scheme() == "https")
        .dns_resolver(Arc::new(Guarded {
            allowed: target.allowed.clone().into(),
        }));
    match &target.authorities {
        None => builder,
        Some(pem) => builder.tls_certs_only(Certificate::from_pem_bundle(pem)?),
    }
    .build()
}

/// Resolves names to addresses that may be called. What it gives is what is connected to: nobody asks again, so a name
/// that changes its mind meanwhile leads nowhere else.
struct Guarded {
    allowed: Arc<[Network]>,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted = permitted(found, &allowed)?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// A name leads only inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name leads inside, where nothing is allowed")]
struct LeadsInside;

/// Those of the addresses that may be called; one among them that may not is a reason for none.
fn permitted(
    found: impl Iterator<Item = SocketAddr>,
    allowed: &[Network],
) -> Result<Vec<SocketAddr>, LeadsInside> {
    let found: Vec<SocketAddr> = found.collect();
    let all = found
        .iter()
        .all(|address| is_permitted(address.ip(), allowed));
    if all && !found.is_empty() {
        Ok(found)
    } else {
        Err(LeadsInside)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::InvalidTarget;
    use super::LeadsInside;
    use super::Sender;
    use super::Target;
    use super::permitted;

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

    #[test]
    fn a_name_that_leads_inside_leads_nowhere() {
        let found = |addresses: &[&str]| {
            let addresses: Vec<_> = addresses.iter().map(|it| it.parse().unwrap()).collect();
            permitted(addresses.into_iter(), &["10.1.0.0/16".parse().unwrap()])
        };
        assert_eq!(found(&["127.0.0.1:0"]), Err(LeadsInside));
        assert_eq!(found(&["8.8.8.8:0", "127.0.0.1:0"]), Err(LeadsInside));
        assert_eq!(found(&["[::ffff:10.2.0.1]:0"]), Err(LeadsInside));
        assert_eq!(found(&[]), Err(LeadsInside));
        assert_eq!(found(&["8.8.8.8:0", "10.1.0.1:0"]).unwrap().len(), 2);
    }
}
