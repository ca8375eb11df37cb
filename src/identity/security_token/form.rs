//! The compact form of a signed token (RFC 7515 clause 7.1) and its header.

use data_encoding::BASE64URL_NOPAD;
use serde::de::IgnoredAny;
use serde_json::Map;
use serde_json::Value;

use super::error::TokenError;
use crate::domain::wire::WireLimits;
use crate::domain::wire::strict_json;

const NESTING_MAX: usize = 8;

/// A token taken apart; nothing in it is believed yet.
pub(super) struct Compact<'a> {
    /// What the signature is over: header and payload as they were sent.
    pub(super) signed: &'a str,
    /// The decoded header.
    pub(super) header: Vec<u8>,
    /// The decoded payload.
    pub(super) payload: Vec<u8>,
    /// The decoded signature.
    pub(super) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Takes a token apart. Base64url is accepted in its one canonical form, so that no two texts say the same.
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Form)?;
        let decoded = |part: &str| {
            BASE64URL_NOPAD
                .decode(part.as_bytes())
                .map_err(|_| TokenError::Form)
        };
        Ok(Self {
            signed,
            header: decoded(header)?,
            payload: decoded(payload)?,
            signature: decoded(signature)?,
        })
    }
}

/// What a header says, once its demands were refused.
pub(super) struct Header {
    /// The algorithm that the token claims.
    pub(super) algorithm: String,
    /// The key that the token claims.
    pub(super) key_id: String,
}

impl Header {
    /// Reads a header. Whatever offers a key of its own (`jwk`, `jku`, `x5u`, `x5c`) is passed over.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let mut members = object(bytes, TokenError::Header, TokenError::HeaderAmbiguous)?;
        if members.contains_key("crit") {
            return Err(TokenError::CriticalExtension);
        }
        let mut string = |name| match members.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenError::Header),
            None => Ok(None),
        };
        if string("typ")?.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(TokenError::Type);
        }
        let algorithm = string("alg")?.ok_or(TokenError::Header)?;
        let upper = algorithm.to_ascii_uppercase();
        if upper == "NONE" {
            return Err(TokenError::Unsigned);
        }
        if upper.starts_with("HS") {
            return Err(TokenError::SymmetricAlgorithm);
        }
        let key_id = string("kid")?.ok_or(TokenError::KeyIdMissing)?;
        Ok(Self { algorithm, key_id })
    }
}

/// The members of a JSON object in which nothing is said twice.
pub(super) fn object(
    bytes: &[u8],
    malformed: TokenError,
    ambiguous: TokenError,
) -> Result<Map<String, Value>, TokenError> {
    let limits = WireLimits {
        nesting: NESTING_MAX,
        ..WireLimits::default()
    };
    match strict_json(bytes, limits) {
        Ok(Value::Object(members)) => Ok(members),
        Err(_) if serde_json::from_slice::<IgnoredAny>(bytes).is_ok() => Err(ambiguous),
        Ok(_) | Err(_) => Err(malformed),
    }
}
