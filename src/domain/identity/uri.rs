//! The URIs that identify users, groups and functional aliases: `sip:`, `sips:` and `tel:`.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use smol_str::SmolStr;
use smol_str::format_smolstr;

use super::InvalidSystemId;
use super::McSystemId;

const URI_BYTES_MAX: usize = 255;
const TEL_DIGITS_MAX: usize = 15;

/// An identifying URI in normalised form.
///
/// `sip:` and `sips:` carry a user part, which compares exactly, and a domain, which is the home
/// system. Both name one user, whichever way a message to them is protected, so that one is written for both
/// and no look-up can tell them apart. `tel:` carries a global number and no domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct McUri {
    text: SmolStr,
    domain: Option<McSystemId>,
}

/// Why a text does not identify a user, a group or an alias.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUri {
    /// The scheme is not one of the three.
    #[error("`{0}` is not a `sip:`, `sips:` or `tel:` URI")]
    Scheme(String),
    /// Longer than an identity may be.
    #[error("the URI is {0} bytes long, more than the {URI_BYTES_MAX} allowed")]
    TooLong(usize),
    /// Percent-encoding could spell one identity in two ways.
    #[error("`{0}` contains percent-encoding; write the characters themselves")]
    PercentEncoded(String),
    /// An identity names no port, parameter, header or password.
    #[error("`{0}` carries a port, parameter, header or password; an identity has none")]
    Decorated(String),
    /// There must be exactly one user part and one domain.
    #[error("`{0}` is not of the form `scheme:user@domain`")]
    Form(String),
    /// The user part has a character that identities do not use.
    #[error("`{0}` has the character {1:?} in its user part")]
    UserCharacter(String, char),
    /// The domain does not name an MC system.
    #[error("the domain of the URI is invalid")]
    Domain(#[from] InvalidSystemId),
    /// A telephone number must be global.
    #[error("`{0}` is not a global number such as `tel:+31201234567`")]
    Number(String),
}

impl McUri {
    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The home system that the URI itself names; a `tel:` URI names none.
    pub fn domain(&self) -> Option<&McSystemId> {
        self.domain.as_ref()
    }

    /// Whom the URI names, whatever the scheme: `sip:` and `sips:` of one user and domain are one.
    pub fn subscriber(&self) -> &str {
        self.text
            .split_once(':')
            .map_or(self.as_str(), |(_, subscriber)| subscriber)
    }

    /// The global number of a `tel:` URI, with its `+`.
    pub fn tel_number(&self) -> Option<&str> {
        self.text.strip_prefix("tel:")
    }
}

impl FromStr for McUri {
    type Err = InvalidUri;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > URI_BYTES_MAX {
            return Err(InvalidUri::TooLong(text.len()));
        }
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| InvalidUri::Scheme(text.to_owned()))?;
        match scheme.to_ascii_lowercase().as_str() {
            "sip" | "sips" => parse_sip(rest, text),
            "tel" => parse_tel(rest, text),
            _ => Err(InvalidUri::Scheme(text.to_owned())),
        }
    }
}

fn parse_sip(rest: &str, text: &str) -> Result<McUri, InvalidUri> {
    if rest.contains('%') {
        return Err(InvalidUri::PercentEncoded(text.to_owned()));
    }
    if rest.contains([';', '?', ':', '[', ']']) {
        return Err(InvalidUri::Decorated(text.to_owned()));
    }
    let (user, host) = rest
        .split_once('@')
        .ok_or_else(|| InvalidUri::Form(text.to_owned()))?;
    if user.is_empty() || host.is_empty() || host.contains('@') {
        return Err(InvalidUri::Form(text.to_owned()));
    }
    if let Some(character) = user.chars().find(|c| !is_user_character(*c)) {
        return Err(InvalidUri::UserCharacter(text.to_owned(), character));
    }
    let domain: McSystemId = host.parse()?;
    Ok(McUri {
        text: format_smolstr!("sip:{user}@{domain}"),
        domain: Some(domain),
    })
}

fn is_user_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.!~*'()&=+$,/".contains(c)
}

fn parse_tel(rest: &str, text: &str) -> Result<McUri, InvalidUri> {
    let invalid = || InvalidUri::Number(text.to_owned());
    if rest.contains(';') {
        return Err(InvalidUri::Decorated(text.to_owned()));
    }
    let number = rest.strip_prefix('+').ok_or_else(invalid)?;
    if number
        .chars()
        .any(|c| !c.is_ascii_digit() && !"-.()".contains(c))
    {
        return Err(invalid());
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() || digits.len() > TEL_DIGITS_MAX || digits.starts_with('0') {
        return Err(invalid());
    }
    Ok(McUri {
        text: format_smolstr!("tel:+{digits}"),
        domain: None,
    })
}

impl fmt::Display for McUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for McUri {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for McUri {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|error: InvalidUri| serde::de::Error::custom(with_cause(&error)))
    }
}

fn with_cause(error: &InvalidUri) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
