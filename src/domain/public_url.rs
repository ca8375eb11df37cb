//! Where others reach this service: scheme, host and port, for answers that name addresses.

use std::fmt;
use std::str::FromStr;

/// An HTTPS origin such as `https://pdp.mc.de.example`, without path and final slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

/// Why a text is no such origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an HTTPS origin such as `https://pdp.mc.de.example`, without path and final slash"
)]
pub struct InvalidPublicUrl(String);

impl PublicUrl {
    /// The origin itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a path, which begins with a slash.
    pub fn of(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_origin = text.strip_prefix("https://").is_some_and(is_authority);
        if is_origin {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPublicUrl(text.to_owned()))
        }
    }
}

/// A host in lower case or an address, perhaps with a port.
fn is_authority(text: &str) -> bool {
    let divided = text.rsplit_once(':');
    let divided = divided.filter(|(_, port)| !port.ends_with(']'));
    let (host, port) = divided.map_or((text, None), |(host, port)| (host, Some(port)));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = inner.map_or_else(
        || is_name(host),
        |address| address.parse::<std::net::Ipv6Addr>().is_ok(),
    );
    is_port && is_host
}

fn is_name(host: &str) -> bool {
    let is_plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
    };
    !host.is_empty()
        && host.bytes().all(is_plain)
        && !host.starts_with(['.', '-'])
        && !host.ends_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::PublicUrl;

    #[test]
    fn only_https_origins_are_taken() {
        for good in [
            "https://pdp.mc.de.example",
            "https://pdp.mc.de.example:8443",
            "https://127.0.0.1",
            "https://[2001:db8::1]:8443",
        ] {
            assert_eq!(good.parse::<PublicUrl>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "pdp.mc.de.example",
            "http://pdp.mc.de.example",
            "https://",
            "https://pdp.mc.de.example/",
            "https://pdp.mc.de.example/comity",
            "https://pdp.mc.de.example?x",
            "https://pdp.mc.de.example#x",
            "https://user@pdp.mc.de.example",
            "https://PDP.mc.de.example",
            "https://pdp.mc.de.example:0",
            "https://pdp.mc.de.example:x",
            "https://[2001:db8::1",
            "https://.example",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }
}
