//! Why a security token is refused. Nothing here repeats what the token says.

use std::fmt;

use crate::domain::partner_keys::SignatureAlgorithm;
use crate::domain::service::McService;

/// Why a security token is refused: the first check that it fails, in the order of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenError {
    /// Longer than a token may be.
    #[error("the token is longer than {} bytes", super::TOKEN_BYTES_MAX)]
    TooLong,
    /// Not a JWS in compact form.
    #[error("the token is not three parts of base64url without padding, separated by dots")]
    Form,
    /// The header cannot be read.
    #[error(
        "the header is not a JSON object with a string `alg` and, where present, a string `kid` and `typ`"
    )]
    Header,
    /// The header can be read in two ways.
    #[error("the header has a member twice or nests too deeply")]
    HeaderAmbiguous,
    /// The token demands an extension.
    #[error("the header has `crit`, and no extension is supported")]
    CriticalExtension,
    /// Another kind of token.
    #[error("the header's `typ` is not `JWT`")]
    Type,
    /// A token without signature.
    #[error("the token is not signed")]
    Unsigned,
    /// A token signed with a shared secret.
    #[error("the token names a symmetric algorithm")]
    SymmetricAlgorithm,
    /// No key is named.
    #[error("the header has no `kid`")]
    KeyIdMissing,
    /// The key is none that the partner gave us.
    #[error("the header's `kid` names no key of the partner")]
    KeyUnknown,
    /// Another algorithm than the key's.
    #[error("the key verifies {0} alone, and the header names another algorithm")]
    AlgorithmMismatch(SignatureAlgorithm),
    /// The key's validity has not begun.
    #[error("the key is not valid yet")]
    KeyNotYetValid,
    /// The key's validity is over.
    #[error("the key is no longer valid")]
    KeyExpired,
    /// The key is no point of its curve.
    #[error("the key that the partner gave us cannot verify anything; have it replaced")]
    KeyUnusable,
    /// The signature is another key's, or the token was changed.
    #[error("the signature does not verify")]
    Signature,
    /// The payload cannot be read.
    #[error("the payload is not a JSON object")]
    Payload,
    /// The payload can be read in two ways.
    #[error("the payload has a member twice or nests too deeply")]
    PayloadAmbiguous,
    /// A claim that must be there is not.
    #[error("the claim `{0}` is missing")]
    ClaimMissing(Claim),
    /// A claim does not have its form.
    #[error("the claim `{0}` does not have the form that it must have")]
    ClaimMalformed(Claim),
    /// Another issuer than the partner's.
    #[error("the issuer is not the partner's")]
    Issuer,
    /// The partner does not issue tokens for the address where this one was presented.
    #[error("the address where the token was presented is none of those agreed with the partner")]
    AudienceNotAgreed,
    /// Meant for someone else.
    #[error("the token is not meant for the address where it was presented")]
    Audience,
    /// Meant for others too.
    #[error("the token is not bound to one client and one target")]
    AudienceShared,
    /// Expires no later than it was issued.
    #[error("the token expires before it was issued")]
    ExpiresBeforeIssue,
    /// Issued in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// Not valid yet by its `nbf`.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Over.
    #[error("the token has expired")]
    Expired,
    /// The partner vouches for a user who is home elsewhere.
    #[error("the {0} identity is not one of the partner's")]
    IdentityElsewhere(McService),
}

impl TokenError {
    /// The word for records, metrics and reasons; it does not change between releases.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooLong => "token-too-long",
            Self::Form => "token-malformed",
            Self::Header => "header-malformed",
            Self::HeaderAmbiguous => "header-ambiguous",
            Self::CriticalExtension => "header-critical",
            Self::Type => "header-type",
            Self::Unsigned => "algorithm-none",
            Self::SymmetricAlgorithm => "algorithm-symmetric",
            Self::KeyIdMissing => "key-id-missing",
            Self::KeyUnknown => "key-unknown",
            Self::AlgorithmMismatch(_) => "algorithm-mismatch",
            Self::KeyNotYetValid => "key-not-yet-valid",
            Self::KeyExpired => "key-expired",
            Self::KeyUnusable => "key-unusable",
            Self::Signature => "signature-invalid",
            Self::Payload => "payload-malformed",
            Self::PayloadAmbiguous => "payload-ambiguous",
            Self::ClaimMissing(_) => "claim-missing",
            Self::ClaimMalformed(_) => "claim-malformed",
            Self::Issuer => "issuer-differs",
            Self::AudienceNotAgreed => "audience-not-agreed",
            Self::Audience => "audience-differs",
            Self::AudienceShared => "audience-shared",
            Self::ExpiresBeforeIssue => "expires-before-issue",
            Self::IssuedInFuture => "issued-in-future",
            Self::NotYetValid => "not-yet-valid",
            Self::Expired => "expired",
            Self::IdentityElsewhere(_) => "identity-elsewhere",
        }
    }
}

/// A claim of TS 33.180 annex B or RFC 7519.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// The issuer.
    Iss,
    /// The user, in the issuer's own words.
    Sub,
    /// The client and the target.
    Aud,
    /// The end.
    Exp,
    /// The issue.
    Iat,
    /// The beginning, where there is one.
    Nbf,
    /// The token's own name, where there is one.
    Jti,
    /// The identity in one service.
    Identity(McService),
}

impl Claim {
    /// The member of the payload.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iss => "iss",
            Self::Sub => "sub",
            Self::Aud => "aud",
            Self::Exp => "exp",
            Self::Iat => "iat",
            Self::Nbf => "nbf",
            Self::Jti => "jti",
            Self::Identity(McService::Mcptt) => "mcptt_id",
            Self::Identity(McService::Mcvideo) => "mcvideo_id",
            Self::Identity(McService::Mcdata) => "mcdata_id",
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
