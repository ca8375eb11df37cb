//! The partner of these tests, its keys, and a token that everything accepts.

use comity::domain::partner_keys::PartnerKeys;
use comity::domain::service::McService;
use comity::domain::time::Timestamp;
use comity::identity::security_token::Expected;
use comity::identity::security_token::Leeway;
use comity::identity::security_token::TokenError;
use comity::identity::security_token::VerifiedToken;
use comity::identity::security_token::verify;
use serde_json::Value;
use serde_json::json;

use super::mint::Signer;
use super::mint::Token;
use super::mint::claims;

pub(super) const ISSUER: &str = "https://idms.mc.de.example";
pub(super) const TARGET: &str = "https://idms.mc.nl.example/token";
pub(super) const CLIENT: &str = "mc-client-7";

/// 2026-11-21T05:00:00Z, when the token of these tests is issued; it lasts five minutes.
pub(super) const ISSUED: i64 = 1_795_237_200;
pub(super) const EXPIRES: i64 = ISSUED + 300;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(seconds * 1000)
}

pub(super) fn document(entries: &[Value]) -> PartnerKeys {
    serde_json::from_value(json!({
        "partner": "mc.de.example",
        "issuer": ISSUER,
        "audiences": ["https://idms.mc.nl.example/other", TARGET],
        "keys": entries,
    }))
    .unwrap()
}

/// Claims that are accepted at any time between issue and expiry.
pub(super) fn good_claims() -> Value {
    let mut claims = claims(ISSUER, "0815", &[CLIENT, TARGET], ISSUED, EXPIRES);
    claims["mcptt_id"] = json!("sip:anna@mc.de.example");
    claims["mcvideo_id"] = json!("sip:anna.video@mc.de.example");
    claims
}

pub(super) fn with(mut claims: Value, member: &str, value: Value) -> Value {
    claims[member] = value;
    claims
}

pub(super) fn without(mut claims: Value, member: &str) -> Value {
    claims
        .as_object_mut()
        .unwrap()
        .shift_remove(member)
        .unwrap();
    claims
}

pub(super) fn expected(now: Timestamp) -> Expected<'static> {
    Expected {
        audience: TARGET,
        services: &[McService::Mcptt],
        now,
        leeway: Leeway::MAX,
    }
}

/// A partner with one key, and what its tokens come to.
pub(super) struct Partner {
    pub(super) signer: Signer,
    pub(super) keys: PartnerKeys,
}

impl Partner {
    pub(super) fn new(algorithm: &'static str) -> Self {
        let signer = Signer::new("2026-a", algorithm);
        let keys = document(&[signer.jwk_entry()]);
        Self { signer, keys }
    }

    pub(super) fn token(&self) -> String {
        Token::new(&self.signer, &good_claims()).signed_by(&self.signer)
    }

    /// A minute after the issue.
    pub(super) fn verify(&self, token: &str) -> Result<VerifiedToken, TokenError> {
        verify(token, &self.keys, &expected(at(ISSUED + 60)))
    }

    pub(super) fn verify_claims(&self, claims: &Value) -> Result<VerifiedToken, TokenError> {
        self.verify(&Token::new(&self.signer, claims).signed_by(&self.signer))
    }

    pub(super) fn verify_header(&self, header: &Value) -> Result<VerifiedToken, TokenError> {
        let token = Token::new(&self.signer, &good_claims()).with_header(header);
        self.verify(&token.signed_by(&self.signer))
    }
}
