//! Which addresses may be called: none that lie inside, unless they are allowed.

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Addresses with a common beginning, such as `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    // INVARIANT (mapped): IPv4 as the IPv6 addresses that it is mapped to; no bit set behind the prefix.
    first: u128,
    bits: u32,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network such as `10.1.0.0/16` or `fd00:12::/32`")]
pub struct InvalidNetwork(String);

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u32) -> Network {
    let first = Ipv4Addr::new(a, b, c, d).to_ipv6_mapped().to_bits();
    Network {
        first,
        bits: bits + 96,
    }
}

const fn v6(a: u16, b: u16, bits: u32) -> Network {
    let first = Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0).to_bits();
    Network { first, bits }
}

/// What is not for everybody's use, by the registries of IANA (RFC 6890): this host and network, private, shared (CGNAT),
/// loopback, link-local (with the metadata services of clouds), documentation, benchmarking, 6to4 relays, multicast,
/// reserved, broadcast.
const INTERNAL_V4: [Network; 16] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 31, 196, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// Of IPv6 only what is assigned for global use (`2000::/3`) can be outside, and of that not Teredo and other protocol
/// assignments, documentation, and 6to4, which holds any IPv4 address.
const GLOBAL_V6: Network = v6(0x2000, 0, 3);
const INTERNAL_V6: [Network; 4] = [
    v6(0x2001, 0x0000, 23),
    v6(0x2001, 0x0db8, 32),
    v6(0x2002, 0, 16),
    v6(0x3fff, 0, 20),
];

/// Holds an IPv4 address at its end (NAT64, RFC 6052).
const NAT64: Network = v6(0x0064, 0xff9b, 96);

impl Network {
    /// Whether an address lies in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        let shift = 128 - self.bits;
        let cut = |bits: u128| bits.checked_shr(shift).unwrap_or_default();
        cut(bits(address)) == cut(self.first)
    }
}

/// An address in the numbering of networks.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let length: u32 = length.parse().map_err(|_| invalid())?;
        let (most, offset) = match address {
            IpAddr::V4(_) => (32, 96),
            IpAddr::V6(_) => (128, 0),
        };
        if length > most {
            return Err(invalid());
        }
        let network = Self {
            first: bits(address),
            bits: length + offset,
        };
        let behind = u128::MAX.checked_shr(network.bits).unwrap_or_default();
        if network.first & behind == 0 {
            Ok(network)
        } else {
            Err(invalid())
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from_bits(self.first);
        match address.to_ipv4_mapped().filter(|_| self.bits >= 96) {
            Some(address) => write!(f, "{address}/{}", self.bits - 96),
            None => write!(f, "{address}/{}", self.bits),
        }
    }
}

/// Whether an address is one of those inside: of this machine, this network, or nobody's.
pub fn is_internal(address: IpAddr) -> bool {
    let address = address.to_canonical();
    match address {
        IpAddr::V4(_) => INTERNAL_V4.iter().any(|network| network.holds(address)),
        IpAddr::V6(inner) if NAT64.holds(address) => {
            let [.., a, b, c, d] = inner.octets();
            is_internal(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
        }
        IpAddr::V6(_) => {
            !GLOBAL_V6.holds(address) || INTERNAL_V6.iter().any(|network| network.holds(address))
        }
    }
}

/// Whether an address may be called: it lies outside, or in a network that is allowed.
pub fn is_permitted(address: IpAddr, allowed: &[Network]) -> bool {
    let canonical = address.to_canonical();
    !is_internal(canonical) || allowed.iter().any(|network| network.holds(canonical))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::Network;
    use super::is_internal;
    use super::is_permitted;

    const INSIDE: [&str; 56] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.170",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:53aa:64c:0:1:80ff:fffe",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fdff:ffff::1",
        "fe80::1",
        "fe80::a9fe:a9fe",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ];

    const OUTSIDE: [&str; 18] = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "198.17.255.255",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2001:4860:4860::8888",
        "2a00:1450:4001::1",
    ];

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_lies_inside_is_known_in_every_form() {
        for address in INSIDE {
            assert!(is_internal(ip(address)), "{address}");
            assert!(!is_permitted(ip(address), &[]), "{address}");
        }
        for address in OUTSIDE {
            assert!(!is_internal(ip(address)), "{address}");
            assert!(is_permitted(ip(address), &[]), "{address}");
        }
    }

    #[test]
    fn only_what_is_allowed_is_called_inside() {
        let allowed: Vec<Network> = ["10.1.0.0/16", "fd00:12::/32", "127.0.0.1/32"]
            .map(|network| network.parse().unwrap())
            .into();
        for address in [
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "fd00:12:ffff::1",
            "127.0.0.1",
        ] {
            assert!(is_permitted(ip(address), &allowed), "{address}");
        }
        for address in [
            "10.2.0.1",
            "127.0.0.2",
            "fd00:13::1",
            "::1",
            "169.254.169.254",
        ] {
            assert!(!is_permitted(ip(address), &allowed), "{address}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(is_permitted(ip("127.0.0.1"), &[all]));
        assert!(!is_permitted(ip("::1"), &[all]));
    }

    #[test]
    fn networks_are_written_and_read() {
        for text in [
            "10.1.0.0/16",
            "127.0.0.1/32",
            "0.0.0.0/0",
            "fd00:12::/32",
            "::/0",
            "::1/128",
        ] {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.to_string(), text);
        }
        for text in [
            "10.1.0.0",
            "10.1.0.1/16",
            "10.0.0.0/33",
            "::/129",
            "/8",
            "10/8",
            "fd00::1/8",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    proptest! {
        /// However an IPv4 address is put into an IPv6 address that leads to it, it is judged the same.
        #[test]
        fn an_address_is_the_same_in_every_coat(address in any::<u32>()) {
            let plain = Ipv4Addr::from_bits(address);
            let mapped = IpAddr::V6(plain.to_ipv6_mapped());
            let translated = ip(&format!("64:ff9b::{plain}"));
            prop_assert_eq!(is_internal(IpAddr::V4(plain)), is_internal(mapped));
            prop_assert_eq!(is_internal(IpAddr::V4(plain)), is_internal(translated));
            let is_special = plain.is_private() || plain.is_loopback() || plain.is_link_local()
                || plain.is_multicast() || plain.is_broadcast() || plain.is_documentation()
                || plain.is_unspecified();
            prop_assert!(!is_special || is_internal(IpAddr::V4(plain)));
        }
    }
}
