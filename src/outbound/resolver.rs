//! Looks names up, and gives nothing that may not be called.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;

use crate::outbound::address::Network;
use crate::outbound::address::is_permitted;

/// Asks the operating system.
#[derive(Clone, Copy, Debug)]
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

/// Resolves names to addresses that may be called. What it gives is what is connected to: nobody asks again, so a name
/// that changes its mind meanwhile leads nowhere else.
pub(super) struct Guarded {
    inner: Arc<dyn Resolve>,
    allowed: Arc<[Network]>,
}

impl Guarded {
    pub(super) fn new(inner: Arc<dyn Resolve>, allowed: Vec<Network>) -> Self {
        Self {
            inner,
            allowed: allowed.into(),
        }
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        let resolving = self.inner.resolve(name);
        Box::pin(async move {
            let permitted = permitted(resolving.await?, &allowed)?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// A name leads only inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name leads inside, where nothing is allowed")]
pub(super) struct LeadsInside;

/// Those of the addresses that may be called; one among them that may not is a reason for none.
pub(super) fn permitted(
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
    use super::LeadsInside;
    use super::permitted;

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
