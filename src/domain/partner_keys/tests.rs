use rcgen::CertificateParams;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::SignatureAlgorithm as CertificateAlgorithm;
use serde_json::Value;
use serde_json::json;

use super::InvalidPartnerKeys;
use super::KeyProblem;
use super::KeyValidity;
use super::PartnerKeys;
use super::PublicKey;
use super::SignatureAlgorithm;
use super::written::WrittenPartnerKeys;
use crate::domain::time::Timestamp;

/// Made by `openssl req -x509`, with 2048 and 1024 bits; nobody has the private keys.
const RSA_2048_PEM: &str = include_str!("fixtures/rsa-2048.pem");
const RSA_1024_PEM: &str = include_str!("fixtures/rsa-1024.pem");

fn base64url(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

fn rsa() -> Value {
    json!({ "kty": "RSA", "n": base64url(&[0xff; 256]), "e": "AQAB" })
}

/// The example of RFC 7517 appendix A.1.
fn p256() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    })
}

/// The example of RFC 8037 appendix A.2.
fn ed25519() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().shift_remove(member);
    object
}

fn jwk_key(jwk: Value) -> Value {
    with(json!({ "key_id": "one" }), "jwk", jwk)
}

fn document(keys: &[Value]) -> Value {
    json!({
        "partner": "mc.de.example",
        "issuer": "https://idms.mc.de.example",
        "audiences": ["https://idms.mc.nl.example/token"],
        "keys": keys,
    })
}

fn read(json: Value) -> Result<PartnerKeys, InvalidPartnerKeys> {
    serde_json::from_value::<WrittenPartnerKeys>(json)
        .unwrap()
        .try_into()
}

fn certificate(
    algorithm: &'static CertificateAlgorithm,
    change: impl FnOnce(&mut CertificateParams),
) -> String {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    change(&mut params);
    params.self_signed(&key).unwrap().pem()
}

fn certificate_key(pem: &str) -> Value {
    json!({ "key_id": "one", "certificate": pem })
}

#[track_caller]
fn refused(json: Value, place: &str, problem: KeyProblem) {
    let error = read(json.clone()).unwrap_err();
    assert_eq!(error, problem.at(place));
    // What an operator sees, by the way every registry document is read.
    let text = serde_json::from_value::<PartnerKeys>(json)
        .unwrap_err()
        .to_string();
    assert_eq!(text, error.to_string());
}

#[track_caller]
fn key_refused(key: Value, place: &str, problem: KeyProblem) {
    refused(document(&[key]), &format!("/keys/0{place}"), problem);
}

#[test]
fn every_kind_of_key_is_taken_and_written_back() {
    let p384 = certificate(&rcgen::PKCS_ECDSA_P384_SHA384, |_| {});
    let ed = certificate(&rcgen::PKCS_ED25519, |_| {});
    let named = |id: &str, key: Value| with(key, "key_id", json!(id));
    let keys = read(document(&[
        named("rsa", jwk_key(rsa())),
        named("pss", with(jwk_key(rsa()), "algorithm", json!("PS384"))),
        named("p256", jwk_key(p256())),
        named("ed25519", jwk_key(ed25519())),
        named("rsa-certificate", certificate_key(RSA_2048_PEM)),
        named("p384-certificate", certificate_key(&p384)),
        named("ed25519-certificate", certificate_key(&ed)),
    ]))
    .unwrap();
    let algorithms: Vec<&str> = keys
        .keys()
        .iter()
        .map(|key| key.algorithm().as_str())
        .collect();
    assert_eq!(
        algorithms,
        [
            "RS256", "PS384", "ES256", "EdDSA", "RS256", "ES384", "EdDSA"
        ]
    );
    assert_eq!(
        keys.key("rsa-certificate")
            .unwrap()
            .thumbprint()
            .unwrap()
            .as_str(),
        "sha256:ebecdc19e608eca4da89c4c0e23592476aa8eb2463c29fcd07f639cb423680a8"
    );
    let text = serde_json::to_string(&keys).unwrap();
    assert_eq!(serde_json::from_str::<PartnerKeys>(&text).unwrap(), keys);
}

#[test]
fn what_a_jwk_says_beside_the_key_must_agree() {
    let full = json!({ "kid": "one", "use": "sig", "key_ops": ["verify"], "alg": "RS512" });
    let mut jwk = rsa();
    jwk.as_object_mut()
        .unwrap()
        .extend(full.as_object().unwrap().clone());
    let keys = read(document(&[jwk_key(jwk.clone())])).unwrap();
    assert_eq!(
        keys.key("one").unwrap().algorithm(),
        SignatureAlgorithm::Rs512
    );
    assert!(matches!(
        keys.key("one").unwrap().public_key(),
        PublicKey::Rsa(_)
    ));

    let altered = |member, value| jwk_key(with(jwk.clone(), member, value));
    key_refused(
        altered("kid", json!("two")),
        "/jwk/kid",
        KeyProblem::KeyIdDiffers,
    );
    key_refused(
        altered("use", json!("enc")),
        "/jwk/use",
        KeyProblem::NotForSignatures,
    );
    key_refused(
        altered("key_ops", json!(["verify", "sign"])),
        "/jwk/key_ops",
        KeyProblem::NotForSignatures,
    );
    for name in ["HS256", "none", "rs256", "RSA-OAEP", ""] {
        key_refused(
            altered("alg", json!(name)),
            "/jwk/alg",
            KeyProblem::Algorithm,
        );
    }
    key_refused(
        altered("alg", json!("ES256")),
        "/jwk/alg",
        KeyProblem::AlgorithmMismatch,
    );
    key_refused(
        with(jwk_key(jwk.clone()), "algorithm", json!("RS256")),
        "/algorithm",
        KeyProblem::AlgorithmMismatch,
    );
}

#[test]
fn secrets_are_refused_and_not_repeated() {
    const SECRET: &str = "c2VjcmV0LXNlY3JldA";
    for (base, member) in [(rsa(), "d"), (rsa(), "qi"), (p256(), "d"), (ed25519(), "d")] {
        let key = jwk_key(with(base, member, json!(SECRET)));
        key_refused(key.clone(), "/jwk", KeyProblem::PrivateKey);
        let error = read(document(&[key])).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(SECRET));
    }
    let shared = json!({ "kty": "oct", "k": SECRET });
    key_refused(jwk_key(shared), "/jwk", KeyProblem::Symmetric);
    key_refused(
        jwk_key(with(rsa(), "k", json!(SECRET))),
        "/jwk",
        KeyProblem::Symmetric,
    );
    let pair = KeyPair::generate_for(&rcgen::PKCS_ED25519)
        .unwrap()
        .serialize_pem();
    let both = format!("{RSA_2048_PEM}{pair}");
    for pem in [pair, both] {
        key_refused(
            certificate_key(&pem),
            "/certificate",
            KeyProblem::PrivateKey,
        );
    }
}

#[test]
fn weak_or_misshapen_keys_are_refused() {
    let modulus = |text: &str| jwk_key(with(rsa(), "n", json!(text)));
    let bytes = |count: usize| base64url(&vec![0xff; count]);
    key_refused(modulus(&bytes(255)), "/jwk", KeyProblem::RsaTooShort(2040));
    key_refused(modulus(&bytes(1025)), "/jwk", KeyProblem::RsaTooLong(8200));
    assert!(read(document(&[modulus(&bytes(256))])).is_ok());
    assert!(read(document(&[modulus(&bytes(1024))])).is_ok());
    let mut short = [0xff; 256];
    short[0] = 0x7f;
    key_refused(
        modulus(&base64url(&short)),
        "/jwk",
        KeyProblem::RsaTooShort(2047),
    );
    key_refused(modulus("AAEB"), "/jwk", KeyProblem::LeadingZero);
    key_refused(modulus(""), "/jwk", KeyProblem::LeadingZero);
    key_refused(modulus("not base64"), "/jwk/n", KeyProblem::Base64);
    for exponent in [&[3][..], &[1, 0, 2], &[1, 0, 0, 0, 1], &[1]] {
        let key = jwk_key(with(rsa(), "e", json!(base64url(exponent))));
        key_refused(key, "/jwk", KeyProblem::RsaNumbers);
    }
    let even = [&[0xff; 255][..], &[0xfe]].concat();
    key_refused(modulus(&base64url(&even)), "/jwk", KeyProblem::RsaNumbers);
    key_refused(
        jwk_key(with(p256(), "y", json!("AAAA"))),
        "/jwk",
        KeyProblem::Point("P-256"),
    );
    key_refused(
        jwk_key(with(p256(), "crv", json!("P-384"))),
        "/jwk",
        KeyProblem::Point("P-384"),
    );
    for (base, curve) in [
        (p256(), "secp256k1"),
        (p256(), "P-521"),
        (ed25519(), "X25519"),
    ] {
        let key = jwk_key(with(base, "crv", json!(curve)));
        key_refused(key, "/jwk/crv", KeyProblem::Curve(curve.to_owned()));
    }
    key_refused(
        jwk_key(with(ed25519(), "x", json!("AAAA"))),
        "/jwk",
        KeyProblem::Point("Ed25519"),
    );
}

#[test]
fn a_jwk_has_the_members_of_its_type_and_no_other() {
    key_refused(
        jwk_key(json!({ "kty": "AKP" })),
        "/jwk/kty",
        KeyProblem::KeyType("AKP".to_owned()),
    );
    for (base, member) in [(rsa(), "n"), (rsa(), "e"), (p256(), "y"), (p256(), "crv")] {
        let key = jwk_key(without(base, member));
        key_refused(key, "/jwk", KeyProblem::MissingMember(member));
    }
    for (base, member) in [(rsa(), "crv"), (p256(), "n"), (ed25519(), "y")] {
        let key = jwk_key(with(base, member, json!("AAAA")));
        key_refused(key, "/jwk", KeyProblem::StrayMember(member));
    }
    for member in ["x5c", "x5u", "comment"] {
        let key = jwk_key(with(rsa(), member, json!(["AAAA"])));
        key_refused(key, "/jwk", KeyProblem::UnknownMember(member.to_owned()));
    }
}

#[test]
fn certificates_that_cannot_serve_are_refused() {
    let refused = |pem: &str, problem| key_refused(certificate_key(pem), "/certificate", problem);
    refused(RSA_1024_PEM, KeyProblem::RsaTooShort(1024));
    let p521 = certificate(&rcgen::PKCS_ECDSA_P521_SHA512, |_| {});
    refused(&p521, KeyProblem::CertificateKey);
    let issuing = certificate(&rcgen::PKCS_ED25519, |params| {
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    });
    refused(&issuing, KeyProblem::NotForSignatures);
    refused("", KeyProblem::Pem);
    refused("MIIB", KeyProblem::Pem);
    refused(&format!("subject=CN\n{RSA_2048_PEM}"), KeyProblem::Pem);
    refused(&format!("{RSA_2048_PEM}{RSA_2048_PEM}"), KeyProblem::Pem);
    refused(
        &RSA_2048_PEM.replace("CERTIFICATE", "PUBLIC KEY"),
        KeyProblem::PemLabel("PUBLIC KEY".to_owned()),
    );
    let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----";
    refused(empty, KeyProblem::Certificate);
    let windows = RSA_2048_PEM.replace('\n', "\r\n");
    assert!(read(document(&[certificate_key(&windows)])).is_ok());
}

#[test]
fn the_document_names_each_thing_once() {
    let keys = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|id| with(jwk_key(rsa()), "key_id", json!(id.to_string())))
            .collect()
    };
    refused(document(&[]), "/keys", KeyProblem::KeyCount);
    assert!(read(document(&keys(32))).is_ok());
    refused(document(&keys(33)), "/keys", KeyProblem::KeyCount);
    let twice = [keys(2), keys(1)].concat();
    refused(document(&twice), "/keys/2/key_id", KeyProblem::KeyIdTwice);
}

#[test]
fn periods_narrow_each_other() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let pem = certificate(&rcgen::PKCS_ED25519, |_| {});
    let narrowed = json!({
        "key_id": "one",
        "certificate": pem,
        "not_before": "2026-02-01T00:00:00Z",
        "not_after": "2028-01-01T00:00:00Z",
    });
    let keys = read(document(std::slice::from_ref(&narrowed))).unwrap();
    let key = keys.key("one").unwrap();
    for (moment, validity) in [
        ("2026-01-31T23:59:59.999Z", KeyValidity::NotYet),
        ("2026-02-01T00:00:00.000Z", KeyValidity::InForce),
        ("2027-01-01T00:00:00.000Z", KeyValidity::InForce),
        ("2027-01-01T00:00:00.001Z", KeyValidity::Ended),
    ] {
        assert_eq!(key.validity_at(at(moment)), validity, "{moment}");
    }
    let never = with(narrowed, "not_after", json!("2026-01-01T00:00:00Z"));
    key_refused(never, "/not_after", KeyProblem::Period);
}

#[test]
fn names_are_bounded_and_plain() {
    let long = "k".repeat(256);
    for name in ["", "a b", "schlüssel", long.as_str()] {
        let named = |member| with(document(&[jwk_key(rsa())]), member, json!(name));
        refused(named("issuer"), "/issuer", KeyProblem::Name);
        let audiences = with(document(&[jwk_key(rsa())]), "audiences", json!(["a", name]));
        refused(audiences, "/audiences/1", KeyProblem::Name);
        key_refused(
            with(jwk_key(rsa()), "key_id", json!(name)),
            "/key_id",
            KeyProblem::Name,
        );
    }
    let audiences = |value| with(document(&[jwk_key(rsa())]), "audiences", value);
    refused(
        audiences(json!([])),
        "/audiences",
        KeyProblem::AudienceCount,
    );
    refused(
        audiences(json!(vec!["a"; 17])),
        "/audiences",
        KeyProblem::AudienceCount,
    );
    refused(
        audiences(json!(["a", "a"])),
        "/audiences/1",
        KeyProblem::AudienceTwice,
    );
}

#[test]
fn the_form_is_strict() {
    let both = with(jwk_key(rsa()), "certificate", json!(RSA_2048_PEM));
    key_refused(both, "", KeyProblem::Material);
    key_refused(json!({ "key_id": "one" }), "", KeyProblem::Material);
    let read = |json: Value| {
        serde_json::from_value::<PartnerKeys>(json)
            .unwrap_err()
            .to_string()
    };
    let stray = with(jwk_key(rsa()), "comment", json!("ours"));
    let second = read(document(&[jwk_key(rsa()), stray]));
    assert!(
        second.starts_with("/keys/1: unknown field `comment`"),
        "{second}"
    );
    assert!(read(with(document(&[]), "jwks_uri", json!("x"))).contains("unknown field `jwks_uri`"));
    let twice = r#"{"key_id":"one","jwk":{"kty":"OKP","crv":"Ed25519","x":"A","x":"B"}}"#;
    let text = document(&[])
        .to_string()
        .replace("[]", &format!("[{twice}]"));
    let error = serde_json::from_str::<PartnerKeys>(&text).unwrap_err();
    assert!(error.to_string().contains("duplicate field `x`"), "{error}");
}
