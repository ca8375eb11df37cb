//! What the claims of a token must say; every token here is properly signed.

use comity::domain::service::McService;
use comity::identity::security_token::Claim;
use comity::identity::security_token::Expected;
use comity::identity::security_token::Leeway;
use comity::identity::security_token::TOKEN_BYTES_MAX;
use comity::identity::security_token::TokenError;
use comity::identity::security_token::verify;
use serde_json::Value;
use serde_json::json;

use super::mint::Token;
use super::support::CLIENT;
use super::support::EXPIRES;
use super::support::ISSUED;
use super::support::Partner;
use super::support::TARGET;
use super::support::at;
use super::support::expected;
use super::support::good_claims;
use super::support::with;
use super::support::without;

fn partner() -> Partner {
    Partner::new("EdDSA")
}

/// A claim set to a value, and what the token then comes to.
fn table(rows: &[(&str, Value, Result<(), TokenError>)]) {
    let partner = partner();
    for (member, value, result) in rows {
        let claims = with(good_claims(), member, value.clone());
        assert_eq!(
            &partner.verify_claims(&claims).map(drop),
            result,
            "{member}: {value}"
        );
    }
}

#[test]
fn required_claims_are_required() {
    let partner = partner();
    for claim in [
        Claim::Iss,
        Claim::Aud,
        Claim::Exp,
        Claim::Iat,
        Claim::Sub,
        Claim::Identity(McService::Mcptt),
    ] {
        let result = partner.verify_claims(&without(good_claims(), claim.as_str()));
        assert_eq!(result, Err(TokenError::ClaimMissing(claim)));
        let result = partner.verify_claims(&with(good_claims(), claim.as_str(), Value::Null));
        assert_eq!(result, Err(TokenError::ClaimMalformed(claim)));
    }
    assert!(
        partner
            .verify_claims(&without(good_claims(), "mcvideo_id"))
            .is_ok()
    );
}

#[test]
fn the_issuer_is_compared_exactly() {
    let differs = || Err(TokenError::Issuer);
    table(&[
        ("iss", json!("https://idms.mc.de.example/"), differs()),
        ("iss", json!("HTTPS://idms.mc.de.example"), differs()),
        ("iss", json!("https://idms.mc.be.example"), differs()),
        ("iss", json!(7), Err(TokenError::ClaimMalformed(Claim::Iss))),
    ]);
}

#[test]
fn the_audience_is_one_client_and_this_target() {
    let malformed = || Err(TokenError::ClaimMalformed(Claim::Aud));
    table(&[
        ("aud", json!([TARGET, CLIENT]), Ok(())),
        (
            "aud",
            json!([CLIENT, "https://idms.mc.nl.example/other"]),
            Err(TokenError::Audience),
        ),
        (
            "aud",
            json!([CLIENT, format!("{TARGET}/")]),
            Err(TokenError::Audience),
        ),
        ("aud", json!([CLIENT]), Err(TokenError::Audience)),
        ("aud", json!(CLIENT), Err(TokenError::Audience)),
        ("aud", json!([]), Err(TokenError::Audience)),
        ("aud", json!(TARGET), Err(TokenError::AudienceShared)),
        ("aud", json!([TARGET]), Err(TokenError::AudienceShared)),
        (
            "aud",
            json!([TARGET, TARGET]),
            Err(TokenError::AudienceShared),
        ),
        (
            "aud",
            json!([CLIENT, TARGET, "third"]),
            Err(TokenError::AudienceShared),
        ),
        ("aud", json!([CLIENT, TARGET, 3]), malformed()),
        ("aud", json!({ "client": CLIENT }), malformed()),
        ("aud", json!(["", TARGET]), malformed()),
    ]);
}

#[test]
fn the_partner_issues_for_the_agreed_addresses_alone() {
    let partner = partner();
    let elsewhere = "https://idms.mc.nl.example/elsewhere";
    let claims = with(good_claims(), "aud", json!([CLIENT, elsewhere]));
    let token = Token::new(&partner.signer, &claims).signed_by(&partner.signer);
    let expected = Expected {
        audience: elsewhere,
        ..expected(at(ISSUED))
    };
    assert_eq!(
        verify(&token, &partner.keys, &expected),
        Err(TokenError::AudienceNotAgreed)
    );
}

#[test]
fn leeway_ends_to_the_millisecond() {
    let partner = partner();
    let token = partner.token();
    let none = |now| Expected {
        leeway: Leeway::NONE,
        ..expected(now)
    };
    for (expected, result) in [
        (expected(at(EXPIRES + 30)), Ok(())),
        (
            expected(at(EXPIRES + 30).plus_milliseconds(1)),
            Err(TokenError::Expired),
        ),
        (expected(at(EXPIRES + 31)), Err(TokenError::Expired)),
        (none(at(EXPIRES)), Ok(())),
        (
            none(at(EXPIRES).plus_milliseconds(1)),
            Err(TokenError::Expired),
        ),
        (expected(at(ISSUED - 30)), Ok(())),
        (
            expected(at(ISSUED - 30).plus_milliseconds(-1)),
            Err(TokenError::IssuedInFuture),
        ),
        (expected(at(ISSUED - 31)), Err(TokenError::IssuedInFuture)),
        (none(at(ISSUED)), Ok(())),
        (
            none(at(ISSUED).plus_milliseconds(-1)),
            Err(TokenError::IssuedInFuture),
        ),
    ] {
        assert_eq!(
            verify(&token, &partner.keys, &expected).map(drop),
            result,
            "{expected:?}"
        );
    }
    assert_eq!(Leeway::from_seconds(30), Ok(Leeway::MAX));
    assert!(Leeway::from_seconds(31).is_err());
}

#[test]
fn times_are_whole_seconds_in_order() {
    let malformed = |claim| Err(TokenError::ClaimMalformed(claim));
    // Verified a minute after the issue, with the leeway of 30 s.
    table(&[
        ("exp", json!(ISSUED + 30), Ok(())),
        ("exp", json!(ISSUED + 29), Err(TokenError::Expired)),
        ("exp", json!(ISSUED), Err(TokenError::ExpiresBeforeIssue)),
        (
            "exp",
            json!(ISSUED - 1),
            Err(TokenError::ExpiresBeforeIssue),
        ),
        ("exp", json!(i64::MAX), Ok(())),
        ("exp", json!(u64::MAX), malformed(Claim::Exp)),
        ("exp", json!(1.5e9), malformed(Claim::Exp)),
        ("exp", json!(-1), malformed(Claim::Exp)),
        ("exp", json!(EXPIRES.to_string()), malformed(Claim::Exp)),
        ("iat", json!(ISSUED + 90), Ok(())),
        ("iat", json!(ISSUED + 91), Err(TokenError::IssuedInFuture)),
        ("iat", json!(true), malformed(Claim::Iat)),
        ("nbf", json!(ISSUED + 90), Ok(())),
        ("nbf", json!(ISSUED + 91), Err(TokenError::NotYetValid)),
        ("nbf", json!("now"), malformed(Claim::Nbf)),
    ]);
}

#[test]
fn the_subject_has_at_most_255_bytes() {
    let malformed = || Err(TokenError::ClaimMalformed(Claim::Sub));
    table(&[
        ("sub", json!("s".repeat(255)), Ok(())),
        ("sub", json!("s".repeat(256)), malformed()),
        ("sub", json!("ß".repeat(128)), malformed()),
        ("sub", json!(""), malformed()),
        ("sub", json!("a\nb"), malformed()),
    ]);
}

#[test]
fn identities_are_the_partners_own() {
    let malformed = || {
        Err(TokenError::ClaimMalformed(Claim::Identity(
            McService::Mcptt,
        )))
    };
    let elsewhere = || Err(TokenError::IdentityElsewhere(McService::Mcptt));
    table(&[
        ("mcptt_id", json!("sip:anna@MC.DE.example"), Ok(())),
        ("mcptt_id", json!("tel:+4930123456"), Ok(())),
        ("mcptt_id", json!("sip:anna@mc.nl.example"), elsewhere()),
        ("mcptt_id", json!("sip:anna@sub.mc.de.example"), elsewhere()),
        ("mcptt_id", json!("anna"), malformed()),
        ("mcptt_id", json!(["sip:anna@mc.de.example"]), malformed()),
        (
            "mcdata_id",
            json!("sip:anna@mc.be.example"),
            Err(TokenError::IdentityElsewhere(McService::Mcdata)),
        ),
    ]);
}

#[test]
fn nothing_is_said_twice() {
    let partner = partner();
    let payload = |text: String| {
        let token = Token {
            payload: text,
            ..Token::new(&partner.signer, &good_claims())
        };
        partner.verify(&token.signed_by(&partner.signer)).map(drop)
    };
    let good = good_claims().to_string();
    let and = |more: &str| format!("{},{more}}}", good.trim_end_matches('}'));
    assert_eq!(payload(and(r#""scope":"x""#)), Ok(()));
    assert_eq!(
        payload(and(r#""sub":"0815""#)),
        Err(TokenError::PayloadAmbiguous)
    );
    assert_eq!(
        payload(and(r#""s\u0075b":"0816""#)),
        Err(TokenError::PayloadAmbiguous)
    );
    assert_eq!(
        payload(and(r#""act":{"a":1,"a":2}"#)),
        Err(TokenError::PayloadAmbiguous)
    );
    let deep = format!(r#""act":{}{}"#, "[".repeat(8), "]".repeat(8));
    assert_eq!(payload(and(&deep)), Err(TokenError::PayloadAmbiguous));
    for text in ["", "null", "[]", "{", "\"text\"", "{} {}"] {
        assert_eq!(payload(text.to_owned()), Err(TokenError::Payload), "{text}");
    }
}

#[test]
fn a_token_has_at_most_16_kib() {
    let partner = partner();
    let padded = |bytes: usize| {
        let claims = with(good_claims(), "padding", json!("p".repeat(bytes)));
        Token::new(&partner.signer, &claims).signed_by(&partner.signer)
    };
    let fits = (0..2000)
        .take_while(|bytes| padded(11_600 + bytes).len() <= TOKEN_BYTES_MAX)
        .last()
        .unwrap();
    assert!(partner.verify(&padded(11_600 + fits)).is_ok());
    let longer = padded(11_600 + fits + 1);
    assert!(longer.len() <= TOKEN_BYTES_MAX + 2);
    assert_eq!(partner.verify(&longer), Err(TokenError::TooLong));
}

#[test]
fn a_token_has_one_name() {
    // ECDSA signs with a new random number each time: one token, two texts.
    let partner = Partner::new("ES256");
    assert_ne!(partner.token(), partner.token());
    let name = |claims: &Value| {
        partner
            .verify_claims(claims)
            .unwrap()
            .token_id_hash()
            .to_string()
    };
    let named = with(good_claims(), "jti", json!("abc"));
    // SHA-256 of `abc` (FIPS 180-2, appendix B.1).
    assert_eq!(
        name(&named),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(name(&good_claims()), name(&good_claims()));
    assert_ne!(
        name(&good_claims()),
        name(&with(good_claims(), "sub", json!("0816")))
    );
    let number = with(good_claims(), "jti", json!(7));
    assert_eq!(
        partner.verify_claims(&number),
        Err(TokenError::ClaimMalformed(Claim::Jti))
    );
}
