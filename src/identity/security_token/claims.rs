//! The claims of a payload whose signature was verified (TS 33.180 clauses B.2.1 and B.8).

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use super::Expected;
use super::error::Claim;
use super::error::TokenError;
use crate::domain::identity::McServiceId;
use crate::domain::partner_keys::PartnerKeys;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;

const TEXT_BYTES_MAX: usize = 255;

pub(super) struct Claims {
    pub(super) token_id: Option<String>,
    pub(super) client_id: String,
    pub(super) subject: String,
    pub(super) identities: BTreeMap<McService, McServiceId>,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Checks every claim, in the order in which the documentation lists them.
pub(super) fn check(
    payload: &Map<String, Value>,
    keys: &PartnerKeys,
    expected: &Expected<'_>,
) -> Result<Claims, TokenError> {
    if required(text(payload, Claim::Iss)?, Claim::Iss)? != keys.issuer() {
        return Err(TokenError::Issuer);
    }
    let client_id = client_of(payload, keys, expected.audience)?;
    let (issued_at, expires_at) = times(payload, expected)?;
    let subject = required(text(payload, Claim::Sub)?, Claim::Sub)?;
    Ok(Claims {
        token_id: text(payload, Claim::Jti)?.map(str::to_owned),
        client_id: client_id.to_owned(),
        subject: subject.to_owned(),
        identities: identities(payload, keys, expected.services)?,
        issued_at,
        expires_at,
    })
}

/// The client of a token whose audience is that client and the expected target, and nobody else.
fn client_of<'a>(
    payload: &'a Map<String, Value>,
    keys: &PartnerKeys,
    target: &str,
) -> Result<&'a str, TokenError> {
    const CLAIM: Claim = Claim::Aud;
    if !keys.audiences().iter().any(|audience| audience == target) {
        return Err(TokenError::AudienceNotAgreed);
    }
    let members = match required(payload.get(CLAIM.as_str()), CLAIM)? {
        Value::Array(members) => members.as_slice(),
        single @ Value::String(_) => std::slice::from_ref(single),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(TokenError::ClaimMalformed(CLAIM));
        }
    };
    let audiences = members
        .iter()
        .map(|member| member.as_str().filter(|text| is_text(text)))
        .collect::<Option<Vec<&str>>>()
        .ok_or(TokenError::ClaimMalformed(CLAIM))?;
    if !audiences.contains(&target) {
        return Err(TokenError::Audience);
    }
    match audiences.as_slice() {
        [one, other] if *one == target && *other != target => Ok(other),
        [one, other] if *other == target && *one != target => Ok(one),
        _ => Err(TokenError::AudienceShared),
    }
}

/// When the token was issued and when it expires, if it is in force.
fn times(
    payload: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<(Timestamp, Timestamp), TokenError> {
    let expires_at = required(moment(payload, Claim::Exp)?, Claim::Exp)?;
    let issued_at = required(moment(payload, Claim::Iat)?, Claim::Iat)?;
    let begins_at = moment(payload, Claim::Nbf)?;
    let leeway = expected.leeway.as_milliseconds();
    let latest = expected.now.plus_milliseconds(leeway);
    if expires_at <= issued_at {
        return Err(TokenError::ExpiresBeforeIssue);
    }
    if issued_at > latest {
        return Err(TokenError::IssuedInFuture);
    }
    if begins_at.is_some_and(|begins_at| begins_at > latest) {
        return Err(TokenError::NotYetValid);
    }
    if expected.now > expires_at.plus_milliseconds(leeway) {
        return Err(TokenError::Expired);
    }
    Ok((issued_at, expires_at))
}

/// The identities that the token names, all of them the partner's and none that is needed missing.
///
/// A `tel:` URI names no home; whoever uses it resolves it by the registry.
fn identities(
    payload: &Map<String, Value>,
    keys: &PartnerKeys,
    needed: &[McService],
) -> Result<BTreeMap<McService, McServiceId>, TokenError> {
    let mut identities = BTreeMap::new();
    for service in McService::ALL {
        let claim = Claim::Identity(service);
        let Some(text) = text(payload, claim)? else {
            if needed.contains(&service) {
                return Err(TokenError::ClaimMissing(claim));
            }
            continue;
        };
        let identity: McServiceId = text
            .parse()
            .map_err(|_| TokenError::ClaimMalformed(claim))?;
        let domain = identity.uri().domain();
        if domain.is_some_and(|domain| domain != keys.partner()) {
            return Err(TokenError::IdentityElsewhere(service));
        }
        identities.insert(service, identity);
    }
    Ok(identities)
}

fn required<T>(value: Option<T>, claim: Claim) -> Result<T, TokenError> {
    value.ok_or(TokenError::ClaimMissing(claim))
}

fn text(payload: &Map<String, Value>, claim: Claim) -> Result<Option<&str>, TokenError> {
    let Some(value) = payload.get(claim.as_str()) else {
        return Ok(None);
    };
    value
        .as_str()
        .filter(|text| is_text(text))
        .map(Some)
        .ok_or(TokenError::ClaimMalformed(claim))
}

fn is_text(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control)
}

/// A `NumericDate` in whole seconds.
fn moment(payload: &Map<String, Value>, claim: Claim) -> Result<Option<Timestamp>, TokenError> {
    let Some(value) = payload.get(claim.as_str()) else {
        return Ok(None);
    };
    value
        .as_i64()
        .filter(|seconds| *seconds >= 0)
        .map(|seconds| Timestamp::from_milliseconds(seconds.saturating_mul(1000)))
        .map(Some)
        .ok_or(TokenError::ClaimMalformed(claim))
}
