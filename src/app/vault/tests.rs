use uuid::Uuid;
use zeroize::Zeroizing;

use super::Binding;
use super::SealedConfiguration;
use super::Vault;
use super::VaultError;
use crate::domain::identity::McSystemId;
use crate::domain::ue_configuration::UeConfigurationData;

const SECRET: &str = "hunter2";

fn vault(newest: u8, older: &[u8]) -> Vault {
    let key = |byte: u8| Zeroizing::new([byte; 32]);
    Vault::new(key(newest), older.iter().copied().map(key)).unwrap()
}

fn data() -> UeConfigurationData {
    serde_json::from_value(serde_json::json!({
        "mc_system_id": "mc.de.example",
        "pdn_connectivity": [
            { "hplmn": "262-01", "mc_services": { "apn": "mcx" } },
            { "hplmn": "262-02", "mc_services": { "apn": "mcx" },
              "mc_identity_management": { "apn": "id", "credentials": SECRET } },
        ],
        "servers": { "idms": "https://idms", "gms": "https://gms", "cms": "https://cms", "kms": "https://kms" }
    }))
    .unwrap()
}

fn binding(provider: &McSystemId, request: u128) -> Binding<'_> {
    let request_id = Uuid::from_u128(request);
    Binding {
        provider,
        request_id,
    }
}

#[test]
fn what_was_sealed_is_read_again_the_secrets_apart() {
    let provider: McSystemId = "mc.de.example".parse().unwrap();
    let (vault, place) = (vault(1, &[]), binding(&provider, 7));
    let sealed = vault.seal(&place, &data()).unwrap();
    let text = serde_json::to_string(&sealed).unwrap();
    for clear in [SECRET, "kms", "mcx"] {
        assert!(!text.contains(clear), "{clear}");
    }
    let document = vault.document(&place, &sealed).unwrap();
    let pointer = "/pdn_connectivity/1/mc_identity_management/credentials";
    assert_eq!(document.withheld, [pointer]);
    assert!(!serde_json::to_string(&document).unwrap().contains(SECRET));
    let secrets = serde_json::to_value(vault.secrets(&place, &sealed).unwrap()).unwrap();
    assert_eq!(secrets, serde_json::json!({ pointer: SECRET }));
    assert!(!format!("{vault:?}{sealed:?}{document:?}").contains(SECRET));
    // Twice the same is never twice the same.
    assert_ne!(vault.seal(&place, &data()).unwrap(), sealed);
}

#[test]
fn it_opens_at_its_own_place_alone() {
    let provider: McSystemId = "mc.de.example".parse().unwrap();
    let other: McSystemId = "mc.be.example".parse().unwrap();
    let vault = vault(1, &[]);
    let sealed = vault.seal(&binding(&provider, 7), &data()).unwrap();
    for place in [binding(&other, 7), binding(&provider, 8)] {
        let refused = vault.secrets(&place, &sealed);
        assert!(matches!(refused, Err(VaultError::Broken)), "{place:?}");
    }
    // Nor does one field pass for the other.
    let exchanged = SealedConfiguration {
        secrets: sealed.document.clone(),
        document: sealed.secrets.clone(),
        ..sealed
    };
    let place = binding(&provider, 7);
    assert!(matches!(
        vault.document(&place, &exchanged),
        Err(VaultError::Broken)
    ));
}

#[test]
fn every_changed_character_breaks_the_seal() {
    let provider: McSystemId = "mc.de.example".parse().unwrap();
    let (vault, place) = (vault(1, &[]), binding(&provider, 7));
    let sealed = vault.seal(&place, &data()).unwrap();
    let flip = |text: &str, place: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let length = sealed.secrets.ciphertext.trim_end_matches('=').len();
    // The last character has bits that count for nothing.
    for number in 0..length - 1 {
        let mut changed = sealed.clone();
        changed.secrets.ciphertext = flip(&sealed.secrets.ciphertext, number);
        assert!(vault.secrets(&place, &changed).is_err(), "{number}");
    }
    for cut in [0, 4, 20] {
        let mut changed = sealed.clone();
        changed.secrets.ciphertext.truncate(cut);
        assert!(vault.secrets(&place, &changed).is_err(), "{cut}");
    }
    let mut changed = sealed.clone();
    changed.secrets.nonce = flip(&sealed.secrets.nonce, 3);
    assert!(vault.secrets(&place, &changed).is_err());
    let mut changed = sealed.clone();
    changed.salt = flip(&sealed.salt, 3);
    assert!(vault.secrets(&place, &changed).is_err());
}

#[test]
fn the_newest_key_seals_and_all_of_them_open() {
    let provider: McSystemId = "mc.de.example".parse().unwrap();
    let place = binding(&provider, 7);
    let before = vault(1, &[]);
    let sealed = before.seal(&place, &data()).unwrap();
    let rotated = vault(2, &[1]);
    assert!(rotated.secrets(&place, &sealed).is_ok());
    let anew = rotated.seal(&place, &data()).unwrap();
    assert_eq!(anew.key_id, rotated.newest_key());
    assert_ne!(anew.key_id, sealed.key_id);
    let refused = before.document(&place, &anew);
    assert!(matches!(refused, Err(VaultError::UnknownKey(id)) if id == anew.key_id));
    // Another key under the name of the right one.
    let renamed = SealedConfiguration {
        key_id: rotated.newest_key().to_owned(),
        ..sealed
    };
    assert!(matches!(
        rotated.document(&place, &renamed),
        Err(VaultError::Broken)
    ));
}
