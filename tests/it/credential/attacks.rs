//! Tokens that someone without the partner's key would try.

use comity::identity::security_token::TokenError;
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::mint::Signer;
use super::mint::Token;
use super::support::ISSUED;
use super::support::Partner;
use super::support::at;
use super::support::good_claims;
use super::support::with;

fn header(algorithm: &str) -> Value {
    json!({ "alg": algorithm, "kid": "2026-a", "typ": "JWT" })
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let partner = Partner::new("RS256");
    let certificate = partner.signer.certificate(at(ISSUED), at(ISSUED + 1000));
    let modulus = partner.signer.jwk()["n"].as_str().unwrap().to_owned();
    let secrets = [
        certificate.clone().into_bytes(),
        certificate.trim().as_bytes().to_vec(),
        partner.signer.jwk().to_string().into_bytes(),
        BASE64URL_NOPAD.decode(modulus.as_bytes()).unwrap(),
        modulus.into_bytes(),
    ];
    for secret in &secrets {
        for algorithm in ["HS256", "hs256", "HS384", "HS512"] {
            let token = Token::new(&partner.signer, &good_claims()).with_header(&header(algorithm));
            let result = partner.verify(&token.hashed_with(secret));
            assert_eq!(result, Err(TokenError::SymmetricAlgorithm), "{algorithm}");
        }
        // The header tells the truth, and the signature is a keyed hash.
        let token = Token::new(&partner.signer, &good_claims()).hashed_with(secret);
        assert_eq!(partner.verify(&token), Err(TokenError::Signature));
    }
}

#[test]
fn a_token_without_signature_is_refused() {
    let partner = Partner::new("ES256");
    for algorithm in ["none", "None", "NONE", "nOnE"] {
        let token = Token::new(&partner.signer, &good_claims()).with_header(&header(algorithm));
        assert_eq!(
            partner.verify(&token.with_signature(&[])),
            Err(TokenError::Unsigned)
        );
    }
    let token = Token::new(&partner.signer, &good_claims());
    for signature in [&[][..], &[0; 64], &[0; 63], &[0xff; 64]] {
        let result = partner.verify(&token.with_signature(signature));
        assert_eq!(result, Err(TokenError::Signature));
    }
}

#[test]
fn the_algorithm_is_the_keys_own() {
    let partner = Partner::new("RS256");
    let required = TokenError::AlgorithmMismatch(partner.keys.keys()[0].algorithm());
    for algorithm in ["RS384", "PS256", "ES256", "EdDSA", "rs256", "RS256 ", ""] {
        // Even a good signature of the named algorithm does not help.
        let signing = match algorithm {
            "RS384" => Signer::new("2026-a", "RS384"),
            "PS256" => Signer::new("2026-a", "PS256"),
            _ => Signer::new("2026-a", "RS256"),
        };
        let token = Token::new(&signing, &good_claims()).with_header(&header(algorithm));
        let result = partner.verify(&token.signed_by(&signing));
        assert_eq!(result, Err(required), "{algorithm}");
    }
}

#[test]
fn a_key_that_the_token_brings_along_is_passed_over() {
    let partner = Partner::new("EdDSA");
    let mallory = Signer::new("2026-a", "EdDSA");
    let offering = with(header("EdDSA"), "jwk", mallory.jwk());
    let offering = with(offering, "jku", json!("https://mallory.example/keys"));
    let token = Token::new(&mallory, &good_claims()).with_header(&offering);
    let result = partner.verify(&token.signed_by(&mallory));
    assert_eq!(result, Err(TokenError::Signature));
    assert!(partner.verify_header(&offering).is_ok());
}

#[test]
fn headers_that_say_more_or_less_are_refused() {
    let partner = Partner::new("EdDSA");
    let base = || header("EdDSA");
    for (header, error) in [
        (
            with(base(), "crit", json!(["exp"])),
            TokenError::CriticalExtension,
        ),
        (
            with(base(), "crit", json!([])),
            TokenError::CriticalExtension,
        ),
        (json!({ "alg": "EdDSA" }), TokenError::KeyIdMissing),
        (with(base(), "kid", json!(7)), TokenError::Header),
        (with(base(), "kid", Value::Null), TokenError::Header),
        (with(base(), "kid", json!("")), TokenError::KeyUnknown),
        (
            with(base(), "kid", json!("../2026-a")),
            TokenError::KeyUnknown,
        ),
        (with(base(), "typ", json!("at+jwt")), TokenError::Type),
        (with(base(), "typ", json!(1)), TokenError::Header),
        (with(base(), "alg", json!(["EdDSA"])), TokenError::Header),
        (json!({ "kid": "2026-a" }), TokenError::Header),
        (json!([]), TokenError::Header),
    ] {
        assert_eq!(partner.verify_header(&header), Err(error), "{header}");
    }
    assert!(
        partner
            .verify_header(&with(base(), "typ", json!("jwt")))
            .is_ok()
    );
    assert!(
        partner
            .verify_header(&json!({ "alg": "EdDSA", "kid": "2026-a" }))
            .is_ok()
    );
    for (text, error) in [
        (
            r#"{"alg":"EdDSA","kid":"other","kid":"2026-a"}"#,
            TokenError::HeaderAmbiguous,
        ),
        (r#"{"alg":"EdDSA","kid":"2026-a""#, TokenError::Header),
    ] {
        let token = Token {
            header: text.to_owned(),
            ..Token::new(&partner.signer, &good_claims())
        };
        assert_eq!(
            partner.verify(&token.signed_by(&partner.signer)),
            Err(error)
        );
    }
}

#[test]
fn only_three_plain_parts_are_a_token() {
    let partner = Partner::new("EdDSA");
    let token = partner.token();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        panic!("{token}")
    };
    for text in [
        String::new(),
        ".".to_owned(),
        format!("{header}.{payload}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        format!("Bearer {token}"),
        format!("{header}.{payload}.{signature}\u{e9}"),
        token.replace('.', ".\u{200b}"),
        json!({ "payload": payload, "protected": header, "signature": signature }).to_string(),
    ] {
        assert_eq!(partner.verify(&text), Err(TokenError::Form), "{text}");
    }
}

#[test]
fn errors_and_facts_keep_the_token_to_themselves() {
    let partner = Partner::new("EdDSA");
    let token = partner.token();
    let verified = format!("{:?}", partner.verify(&token).unwrap());
    for part in token.split('.') {
        assert!(!verified.contains(part));
    }
    let named = header("MALLORY-ALG");
    let error = partner.verify_header(&named).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("MALLORY"));
    let error = partner
        .verify_header(&with(header("EdDSA"), "kid", json!("mallory-kid")))
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("mallory"));
}

#[test]
fn no_byte_of_a_token_can_be_changed_to_its_neighbour() {
    for algorithm in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
        let partner = Partner::new(algorithm);
        let token = partner.token();
        assert!(partner.verify(&token).is_ok());
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(
                partner.verify(&changed).is_err(),
                "{algorithm}, byte {place}"
            );
        }
    }
}

proptest! {
    #[test]
    fn no_byte_of_a_token_can_be_changed(
        algorithm in prop::sample::select(vec!["RS256", "ES256", "ES384", "EdDSA"]),
        place in any::<prop::sample::Index>(),
        byte in 0_u8..128,
    ) {
        let partner = Partner::new(algorithm);
        let mut bytes = partner.token().into_bytes();
        let place = place.index(bytes.len());
        prop_assume!(bytes[place] != byte);
        bytes[place] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert!(partner.verify(&changed).is_err());
    }

    #[test]
    fn no_text_is_a_token(text in "\\PC{0,200}|[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(Partner::new("EdDSA").verify(&text).is_err());
    }
}
