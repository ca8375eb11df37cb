//! A host that may be called: its name or address and its port.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// RFC 1035 clause 2.3.4.
const LABEL_BYTES_MAX: usize = 63;

/// A host and a port, as the address of a receiver has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    name: String,
    port: u16,
}

/// Not a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host: a name or an address, and a port unless it is 443, as in `agents.example:8443`"
)]
pub struct InvalidHost(String);

impl Host {
    /// The host that an address names; only `https` has one.
    pub fn of(url: &Url) -> Option<Self> {
        let port = url.port_or_known_default()?;
        let name = url.host_str()?.to_owned();
        (url.scheme() == "https").then_some(Self { name, port })
    }

    /// Whether there can be such a host: no label of its name is empty or longer than 63 bytes, and its port is not 0.
    fn may_be(&self) -> bool {
        let name = self.name.strip_suffix('.').unwrap_or(&self.name);
        let is_address = name.starts_with('[');
        let mut labels = name.split('.');
        self.port != 0
            && (is_address || labels.all(|label| (1..=LABEL_BYTES_MAX).contains(&label.len())))
    }
}

impl FromStr for Host {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidHost(text.to_owned());
        let is_more =
            |c: char| matches!(c, '/' | '\\' | '@' | '?' | '#' | '*') || c.is_whitespace();
        if text.is_empty() || text.contains(is_more) {
            return Err(invalid());
        }
        let url = Url::parse(&format!("https://{text}/")).map_err(|_| invalid())?;
        Self::of(&url).filter(Self::may_be).ok_or_else(invalid)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.port == 443 {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Host;

    fn host(text: &str) -> Option<Host> {
        text.parse().ok()
    }

    #[test]
    fn a_host_is_a_name_and_a_port_however_they_are_written() {
        let of = |url: &str| Host::of(&url.parse().unwrap());
        let one = host("agents.example");
        assert!(one.is_some());
        for same in [
            "https://agents.example/in?key=1",
            "https://agents.example:443/",
            "https://AGENTS.example/",
            "https://user:password@agents.example/",
        ] {
            assert_eq!(of(same), one, "{same}");
        }
        for other in [
            "https://agents.example:8443/",
            "https://agents.example.evil.example/",
            "https://evil.example/agents.example",
            "https://agents.example@evil.example/",
            "https://agents.example./",
            "http://agents.example:443/",
        ] {
            assert_ne!(of(other), one, "{other}");
        }
        assert_eq!(host("10.0.0.1:8443"), of("https://0x0a000001:8443/"));
        assert_eq!(
            host("agents.example:8443").unwrap().to_string(),
            "agents.example:8443"
        );
        assert!(host("[2001:db8::1]:8443").is_some());
        assert!(host("agents.example.").is_some());
        assert_eq!(one.unwrap().to_string(), "agents.example");
    }

    #[test]
    fn what_says_more_than_a_host_is_none() {
        for text in [
            "",
            "https://agents.example",
            "agents.example/in",
            "u@agents.example",
            "agents.example?x",
            "agents.example#x",
            "agents.example:port",
            "agents example",
            "*.example",
            "agents.example:0",
            "agents..example",
            ".example",
            "agents.example..",
            &format!("{}.example", "a".repeat(64)),
        ] {
            assert_eq!(host(text), None, "{text}");
        }
    }
}
