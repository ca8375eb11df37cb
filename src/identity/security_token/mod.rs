//! Security tokens of a partner's identity management server (TS 33.180 clause 5.1.4.2 and annex B.8).
//!
//! [`verify`] turns a token into [`VerifiedToken`], the facts that it vouches for; the token itself goes no
//! further. It reads no clock, no network and no store: a token is as good while the link to the partner is
//! down. What may be done with the facts is said by policy.

mod claims;
mod error;
mod form;
mod signature;

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::HEXLOWER;
use sha2::Digest;
use sha2::Sha256;

use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::partner_keys::KeyId;
use crate::domain::partner_keys::KeyValidity;
use crate::domain::partner_keys::PartnerKeys;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;
use form::Compact;
use form::Header;

pub use error::Claim;
pub use error::TokenError;
pub use signature::unusable_keys;

/// Bytes of a token, at most.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// What a token must fit.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The address of our `IdMS` where the token was presented.
    pub audience: &'a str,
    /// The services for which the token must name an identity.
    pub services: &'a [McService],
    /// The moment of the check.
    pub now: Timestamp,
    /// How far the partner's clock may differ from ours.
    pub leeway: Leeway,
}

/// A difference between clocks: 0 to 30 seconds (TS 33.180 annex B.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leeway(u8);

/// Why a number of seconds is not a leeway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a leeway of {0} s is more than the 30 s that TS 33.180 allows")]
pub struct LeewayTooLong(u8);

impl Leeway {
    /// None.
    pub const NONE: Self = Self(0);
    /// As much as is allowed.
    pub const MAX: Self = Self(30);

    /// A leeway of that many seconds.
    pub fn from_seconds(seconds: u8) -> Result<Self, LeewayTooLong> {
        if seconds > Self::MAX.0 {
            return Err(LeewayTooLong(seconds));
        }
        Ok(Self(seconds))
    }

    fn as_milliseconds(self) -> i64 {
        i64::from(self.0) * 1000
    }
}

/// The facts for which a partner vouches. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    token_id_hash: TokenIdHash,
    partner: McSystemId,
    issuer: String,
    key_id: KeyId,
    client_id: String,
    subject: String,
    identities: BTreeMap<McService, McServiceId>,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

/// Verifies a token with the keys of the partner at whose request it was presented.
///
/// The keys are chosen by who is attested at the other end, never by the token's own issuer. Nothing of the payload is
/// read before its signature was verified.
pub fn verify(
    token: &str,
    keys: &PartnerKeys,
    expected: &Expected<'_>,
) -> Result<VerifiedToken, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::TooLong);
    }
    let compact = Compact::parse(token)?;
    let header = Header::parse(&compact.header)?;
    let key = keys.key(&header.key_id).ok_or(TokenError::KeyUnknown)?;
    if header.algorithm != key.algorithm().as_str() {
        return Err(TokenError::AlgorithmMismatch(key.algorithm()));
    }
    match key.validity_at(expected.now) {
        KeyValidity::InForce => {}
        KeyValidity::NotYet => return Err(TokenError::KeyNotYetValid),
        KeyValidity::Ended => return Err(TokenError::KeyExpired),
    }
    signature::verify(key, compact.signed.as_bytes(), &compact.signature)?;
    let payload = form::object(
        &compact.payload,
        TokenError::Payload,
        TokenError::PayloadAmbiguous,
    )?;
    let claims = claims::check(&payload, keys, expected)?;
    Ok(VerifiedToken {
        token_id_hash: TokenIdHash::of(claims.token_id.as_deref().unwrap_or(compact.signed)),
        partner: keys.partner().clone(),
        issuer: keys.issuer().to_owned(),
        key_id: key.key_id().clone(),
        client_id: claims.client_id,
        subject: claims.subject,
        identities: claims.identities,
        issued_at: claims.issued_at,
        expires_at: claims.expires_at,
    })
}

impl VerifiedToken {
    /// What names the token in a record.
    pub fn token_id_hash(&self) -> TokenIdHash {
        self.token_id_hash
    }

    /// The partner whose key signed it.
    pub fn partner(&self) -> &McSystemId {
        &self.partner
    }

    /// The partner's `IdMS`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key that signed it.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The client to which it was issued.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The user, in the issuer's own words; never reassigned.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The user's identities, by service. A `tel:` URI among them names no home of its own.
    pub fn identities(&self) -> &BTreeMap<McService, McServiceId> {
        &self.identities
    }

    /// When it was issued.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// When it expires.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// The SHA-256 hash of a token's `jti` or, where it has none, of its signed part.
///
/// The signature stays outside: an ECDSA signature has a twin that verifies too, and one token must not have two names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenIdHash([u8; 32]);

impl TokenIdHash {
    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for TokenIdHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for TokenIdHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
