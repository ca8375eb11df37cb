//! Tokens that another implementation made: signatures by OpenSSL 3.0, JOSE by a few lines of JavaScript.

use comity::domain::partner_keys::PartnerKeys;
use comity::identity::security_token::verify;
use serde_json::Value;

use super::support::ISSUED;
use super::support::at;
use super::support::document;
use super::support::expected;

#[test]
fn tokens_of_another_implementation_verify() {
    let vectors: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let keys: PartnerKeys = document(vectors["keys"].as_array().unwrap());
    let tokens = vectors["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), 5);
    for (key_id, token) in tokens {
        let verified = verify(token.as_str().unwrap(), &keys, &expected(at(ISSUED))).unwrap();
        assert_eq!(verified.key_id().as_str(), key_id);
        assert_eq!(verified.subject(), "0815");
    }
}
