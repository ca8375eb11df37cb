use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::decision_log::LeafKind;
use crate::decision_log::OutcomeCounts;

prop_compose! {
    fn any_part()(
        subject_key in prop::option::of("[a-zé]{0,12}"),
        salt: Salt,
        body in prop::collection::vec(any::<u8>(), 0..40),
        erased: bool,
    ) -> StoredPart {
        let class = subject_key.map_or(PartClass::State, |subject_key| PartClass::Personal { subject_key });
        let part = StoredPart::Present(Part { class, salt, body });
        if erased { part.erased() } else { part }
    }
}

fn any_payload() -> impl Strategy<Value = Payload> {
    prop::collection::vec(any_part(), 0..8).prop_map(|parts| Payload::new(parts).unwrap())
}

fn leaf_of(payload: &Payload) -> Leaf {
    Leaf::new(
        LeafKind::Request,
        Timestamp::UNIX_EPOCH,
        OutcomeCounts::default(),
        payload,
    )
    .unwrap()
}

fn personal(key_length: usize) -> Part {
    Part {
        class: PartClass::Personal {
            subject_key: "k".repeat(key_length),
        },
        salt: [3; 16],
        body: b"body".to_vec(),
    }
}

#[test]
fn the_encoding_is_the_documented_one() {
    let payload = Payload::of([personal(2)]).unwrap();
    let mut expected = vec![1, 0, 0, 0, 1, 2, 0];
    expected.extend([3; 16]);
    expected.extend(b"\0\x02kk\0\0\0\x04body");
    assert_eq!(payload.encode(), expected);
}

#[test]
fn limits_hold_at_their_edges() {
    assert!(Payload::of([personal(SUBJECT_KEY_LIMIT_BYTES)]).is_ok());
    let error = Payload::of([personal(SUBJECT_KEY_LIMIT_BYTES + 1)]).unwrap_err();
    assert!(matches!(
        error,
        PayloadError::SubjectKeyTooLong { part: 0, .. }
    ));

    let erased = StoredPart::Erased(Commitment([0; 32]));
    assert!(Payload::new(vec![erased.clone(); PARTS_LIMIT]).is_ok());
    let error = Payload::new(vec![erased; PARTS_LIMIT + 1]).unwrap_err();
    assert_eq!(
        error,
        PayloadError::TooManyParts {
            count: PARTS_LIMIT + 1
        }
    );

    let error = Payload::parse(&[1, 0xff, 0xff, 0xff, 0xff]).unwrap_err();
    assert!(matches!(error, PayloadError::TooManyParts { .. }));
}

#[test]
fn forms_that_do_not_exist_are_refused() {
    for (class, form) in [(STATE_TAG, ERASED), (0, 0), (3, 0), (PERSONAL_TAG, 2)] {
        let mut bytes = vec![1, 0, 0, 0, 1, class, form];
        bytes.extend([0; 32]);
        let error = Payload::parse(&bytes).unwrap_err();
        assert_eq!(
            error,
            PayloadError::UnknownForm {
                part: 0,
                class,
                form
            }
        );
    }
    assert_eq!(
        Payload::parse(&[2]),
        Err(PayloadError::UnknownVersion { version: 2 })
    );
}

#[test]
fn a_missing_or_swapped_part_does_not_verify() {
    let [a, b] = [personal(1), personal(2)];
    let leaf = leaf_of(&Payload::of([a.clone(), b.clone()]).unwrap());
    let fewer = Payload::of([a.clone()]).unwrap();
    assert!(matches!(
        verify(&leaf, &fewer),
        Err(MismatchError::Count {
            expected: 2,
            found: 1
        })
    ));
    let swapped = Payload::of([b, a]).unwrap();
    assert!(matches!(
        verify(&leaf, &swapped),
        Err(MismatchError::Root { .. })
    ));
}

proptest! {
    #[test]
    fn payloads_round_trip(payload in any_payload()) {
        prop_assert_eq!(Payload::parse(&payload.encode()), Ok(payload));
    }

    #[test]
    fn erasing_parts_still_verifies(payload in any_payload(), erase: [bool; 8]) {
        let leaf = leaf_of(&payload);
        let parts = payload.into_parts().into_iter().zip(erase);
        let parts = parts.map(|(part, erase)| if erase { part.erased() } else { part }).collect();
        prop_assert_eq!(verify(&leaf, &Payload::new(parts).unwrap()), Ok(()));
    }

    #[test]
    fn a_changed_byte_never_verifies(payload in any_payload(), at: prop::sample::Index, to: u8) {
        let leaf = leaf_of(&payload);
        let mut bytes = payload.encode();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        if let Ok(other) = Payload::parse(&bytes) {
            prop_assert!(verify(&leaf, &other).is_err());
        }
    }

    #[test]
    fn a_cut_payload_is_refused(payload in any_payload(), at: prop::sample::Index) {
        let bytes = payload.encode();
        prop_assert!(Payload::parse(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        if let Ok(payload) = Payload::parse(&bytes) {
            prop_assert_eq!(payload.encode(), bytes);
        }
    }
}
