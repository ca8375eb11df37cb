//! A credential that a migrating user presents, and what is known of it (TS 33.180 annex B.8).
//!
//! The token arrives as text, is verified before anything is gathered, and goes no further: from then on
//! there is only what it vouches for, or why it does not count.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::identity::McServiceId;
use super::identity::McSystemId;
use super::service::McService;
use super::time::Timestamp;

/// A security token: clear as it arrives, examined before anything is decided or kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The token itself; it can be neither serialized nor printed.
    Clear(String),
    /// What became of it.
    Examined(Examined),
}

/// What became of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Examined {
    /// It was verified.
    Verified(Box<VerifiedCredential>),
    /// It counts for nothing, for the reason that the word says (`docs/credentials.md`).
    Refused(String),
}

/// What a verified token vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifiedCredential {
    /// What names the token.
    pub token_id_hash: String,
    /// The partner whose key signed it.
    pub partner: McSystemId,
    /// The partner's identity management server.
    pub issuer: String,
    /// The key that signed it.
    pub key_id: String,
    /// The client to which it was issued.
    pub client_id: String,
    /// The user, in the issuer's own words.
    pub subject: String,
    /// The user's identities, by service.
    pub identities: BTreeMap<McService, McServiceId>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Credential {
    /// What it vouches for, if it was verified.
    pub fn verified(&self) -> Option<&VerifiedCredential> {
        match self {
            Self::Examined(Examined::Verified(credential)) => Some(credential),
            Self::Clear(_) | Self::Examined(Examined::Refused(_)) => None,
        }
    }

    /// Why it counts for nothing; empty if it was verified.
    pub fn refusal(&self) -> &str {
        match self {
            Self::Examined(Examined::Verified(_)) => "",
            Self::Examined(Examined::Refused(reason)) => reason,
            Self::Clear(_) => "not-examined",
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(_) => f.write_str("Clear(…)"),
            Self::Examined(examined) => fmt::Debug::fmt(examined, f),
        }
    }
}

impl Serialize for Credential {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear(_) => Err(serde::ser::Error::custom(
                "a token in clear is never written down",
            )),
            Self::Examined(examined) => examined.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Examined::deserialize(deserializer).map(Self::Examined)
    }
}
