//! Which keys verify, and when.

use comity::domain::partner_keys::SignatureAlgorithm;
use comity::domain::service::McService;
use comity::identity::security_token::TokenError;
use comity::identity::security_token::unusable_keys;
use comity::identity::security_token::verify;
use serde_json::json;

use super::mint::Signer;
use super::mint::Token;
use super::support::CLIENT;
use super::support::EXPIRES;
use super::support::ISSUED;
use super::support::ISSUER;
use super::support::Partner;
use super::support::at;
use super::support::document;
use super::support::expected;
use super::support::good_claims;
use super::support::with;

#[test]
fn every_algorithm_verifies_and_gives_the_facts() {
    for algorithm in SignatureAlgorithm::ALL {
        let partner = Partner::new(algorithm.as_str());
        assert!(unusable_keys(&partner.keys).is_empty());
        let token = partner.verify(&partner.token()).unwrap();
        assert_eq!(token.partner().as_str(), "mc.de.example");
        assert_eq!(token.issuer(), ISSUER);
        assert_eq!(token.key_id().as_str(), "2026-a");
        assert_eq!(token.client_id(), CLIENT);
        assert_eq!(token.subject(), "0815");
        assert_eq!(
            (token.issued_at(), token.expires_at()),
            (at(ISSUED), at(EXPIRES))
        );
        let identities: Vec<_> = token
            .identities()
            .iter()
            .map(|(service, identity)| (*service, identity.as_str()))
            .collect();
        assert_eq!(
            identities,
            [
                (McService::Mcptt, "sip:anna@mc.de.example"),
                (McService::Mcvideo, "sip:anna.video@mc.de.example"),
            ]
        );
    }
}

#[test]
fn certificates_verify_within_their_period_to_the_millisecond() {
    let (begins, ends) = (ISSUED + 10, ISSUED + 20);
    for algorithm in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
        let signer = Signer::new("2026-a", algorithm);
        let keys = document(&[signer.certificate_entry(at(begins), at(ends))]);
        let token = Token::new(&signer, &good_claims()).signed_by(&signer);
        let result = |now| verify(&token, &keys, &expected(now)).map(drop);
        assert_eq!(
            result(at(begins).plus_milliseconds(-1)),
            Err(TokenError::KeyNotYetValid)
        );
        assert_eq!(result(at(begins)), Ok(()));
        assert_eq!(result(at(ends)), Ok(()));
        assert_eq!(
            result(at(ends).plus_milliseconds(1)),
            Err(TokenError::KeyExpired)
        );
    }
}

#[test]
fn the_period_of_the_document_counts_too() {
    let signer = Signer::new("2026-a", "ES256");
    let entry = with(signer.jwk_entry(), "not_before", json!(at(ISSUED + 10)));
    let keys = document(&[with(entry, "not_after", json!(at(ISSUED + 20)))]);
    let token = Token::new(&signer, &good_claims()).signed_by(&signer);
    for (now, result) in [
        (ISSUED + 9, Err(TokenError::KeyNotYetValid)),
        (ISSUED + 10, Ok(())),
        (ISSUED + 20, Ok(())),
        (ISSUED + 21, Err(TokenError::KeyExpired)),
    ] {
        assert_eq!(
            verify(&token, &keys, &expected(at(now))).map(drop),
            result,
            "{now}"
        );
    }
}

#[test]
fn the_key_is_the_one_that_is_named() {
    let (old, new) = (Signer::new("old", "EdDSA"), Signer::new("new", "EdDSA"));
    let keys = document(&[old.jwk_entry(), new.jwk_entry()]);
    let result = |named: &Signer, signing: &Signer| {
        let token = Token::new(named, &good_claims()).signed_by(signing);
        verify(&token, &keys, &expected(at(ISSUED))).map(|token| token.key_id().to_string())
    };
    assert_eq!(result(&old, &old), Ok("old".to_owned()));
    assert_eq!(result(&new, &new), Ok("new".to_owned()));
    assert_eq!(result(&old, &new), Err(TokenError::Signature));
    let withdrawn = Signer::new("withdrawn", "EdDSA");
    assert_eq!(result(&withdrawn, &withdrawn), Err(TokenError::KeyUnknown));
    let named_alike = Signer::new("NEW", "EdDSA");
    assert_eq!(result(&named_alike, &new), Err(TokenError::KeyUnknown));
}

#[test]
fn a_point_beside_its_curve_is_found_and_verifies_nothing() {
    let signer = Signer::new("2026-a", "ES256");
    let mut jwk = signer.jwk();
    jwk["y"] = jwk["x"].clone();
    let keys = document(&[json!({ "key_id": "2026-a", "jwk": jwk })]);
    let unusable: Vec<&str> = unusable_keys(&keys).iter().map(|id| id.as_str()).collect();
    assert_eq!(unusable, ["2026-a"]);
    let token = Token::new(&signer, &good_claims()).signed_by(&signer);
    assert_eq!(
        verify(&token, &keys, &expected(at(ISSUED))),
        Err(TokenError::KeyUnusable)
    );
}
