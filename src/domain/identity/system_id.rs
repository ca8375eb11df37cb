//! MC system ID: the domain portion of the MC service IDs for which a system is home (TR 23.781, 6.1.1, NOTE 3).

use std::fmt;
use std::str::FromStr;

use idna::AsciiDenyList;
use idna::uts46::DnsLength;
use idna::uts46::Hyphens;
use idna::uts46::Uts46;
use serde::Deserialize;
use serde::Serialize;
use smol_str::SmolStr;

/// The domain that identifies an MC system, in lower-case ASCII (A-labels).
///
/// Comparison is over the whole sequence of labels: no suffix matching, no trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct McSystemId(SmolStr);

/// Why a text is not an MC system ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSystemId {
    /// A percent sign could hide another character.
    #[error("`{0}` contains percent-encoding, which an MC system ID never has")]
    PercentEncoded(String),
    /// A final dot names the same host in another way.
    #[error("`{0}` ends with a dot; write the domain without it")]
    TrailingDot(String),
    /// An address is not a domain.
    #[error("`{0}` ends in a number, as an IP address does; an MC system ID is a domain name")]
    Address(String),
    /// Not a domain name under UTS 46 with STD3 rules.
    #[error("`{0}` is not a domain name")]
    NotADomain(String),
}

impl McSystemId {
    /// The normalised domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for McSystemId {
    type Err = InvalidSystemId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('%') {
            return Err(InvalidSystemId::PercentEncoded(text.to_owned()));
        }
        let ascii = Uts46::new()
            .to_ascii(
                text.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::Check,
                DnsLength::VerifyAllowRootDot,
            )
            .map_err(|_| InvalidSystemId::NotADomain(text.to_owned()))?;
        if ascii.ends_with('.') {
            return Err(InvalidSystemId::TrailingDot(text.to_owned()));
        }
        let last = ascii.rsplit('.').next().unwrap_or_default();
        if last.starts_with(|c: char| c.is_ascii_digit())
            && last.chars().all(|c| c.is_ascii_hexdigit() || c == 'x')
        {
            return Err(InvalidSystemId::Address(text.to_owned()));
        }
        Ok(Self(SmolStr::new(ascii)))
    }
}

impl fmt::Display for McSystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for McSystemId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
