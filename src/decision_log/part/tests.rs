use std::collections::HashSet;

use super::*;

fn personal(subject_key: &str, salt: u8, body: &[u8]) -> Part {
    Part {
        class: PartClass::Personal {
            subject_key: subject_key.to_owned(),
        },
        salt: [salt; SALT_BYTES],
        body: body.to_vec(),
    }
}

#[test]
fn the_commitment_is_the_documented_hash() {
    let state = Part {
        class: PartClass::State,
        salt: [7; SALT_BYTES],
        body: b"body".to_vec(),
    };
    let mut bytes = b"comity/part/v1\0\x01".to_vec();
    bytes.extend([7; 16]);
    bytes.extend(b"body");
    assert_eq!(
        state.commitment().0,
        <[u8; 32]>::from(Sha256::digest(&bytes))
    );

    let mut bytes = b"comity/part/v1\0\x02".to_vec();
    bytes.extend([7; 16]);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 3]);
    bytes.extend(b"keybody");
    let personal = personal("key", 7, b"body");
    assert_eq!(
        personal.commitment().0,
        <[u8; 32]>::from(Sha256::digest(&bytes))
    );
}

#[test]
fn the_commitment_binds_class_key_salt_and_body() {
    let parts = [
        personal("ab", 0, b"c"),
        personal("a", 0, b"bc"),
        personal("ab", 1, b"c"),
        personal("ab", 0, b"d"),
        personal("", 0, b"abc"),
        Part {
            class: PartClass::State,
            salt: [0; SALT_BYTES],
            body: b"c".to_vec(),
        },
    ];
    let commitments: HashSet<_> = parts.iter().map(Part::commitment).collect();
    assert_eq!(commitments.len(), parts.len());
}

#[test]
fn erasing_keeps_the_commitment_and_spares_state() {
    let part = personal("subject", 1, b"name");
    let erased = StoredPart::from(part.clone()).erased();
    assert_eq!(erased, StoredPart::Erased(part.commitment()));
    assert_eq!(erased.clone().erased(), erased);
    assert_eq!(erased.present(), None);

    let state = StoredPart::Present(Part {
        class: PartClass::State,
        salt: [1; SALT_BYTES],
        body: Vec::new(),
    });
    assert_eq!(state.clone().erased(), state);
}
