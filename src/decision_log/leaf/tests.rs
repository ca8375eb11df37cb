use proptest::prelude::*;

use super::*;
use crate::decision_log::Part;
use crate::decision_log::PartClass;

const KINDS: [LeafKind; 15] = [
    LeafKind::Genesis,
    LeafKind::Registry,
    LeafKind::Request,
    LeafKind::Review,
    LeafKind::Report,
    LeafKind::Withdrawal,
    LeafKind::Obligation,
    LeafKind::Revocation,
    LeafKind::Acknowledgement,
    LeafKind::Expiry,
    LeafKind::Reminder,
    LeafKind::Publication,
    LeafKind::Refusal,
    LeafKind::DryRunSummary,
    LeafKind::Administrative,
];

fn payload(parts: u8) -> Payload {
    Payload::of((0..parts).map(|n| Part {
        class: PartClass::State,
        salt: [n; 16],
        body: vec![n],
    }))
    .unwrap()
}

fn leaf() -> Leaf {
    let time = "2026-03-01T12:00:00.123987Z".parse().unwrap();
    let outcomes = OutcomeCounts {
        accept: 1,
        reject: 0,
        review: 2,
    };
    Leaf::new(LeafKind::Request, time, outcomes, &payload(0)).unwrap()
}

#[test]
fn canonical_form_is_fixed() {
    let expected = concat!(
        r#"{"v":1,"kind":"request","time":"2026-03-01T12:00:00.123Z","#,
        r#""outcomes":{"accept":1,"reject":0,"review":2},"parts":0,"#,
        r#""parts_root":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}"#,
    );
    assert_eq!(leaf().to_string(), expected);
    assert_eq!(leaf().hash(), merkle::leaf_hash(expected.as_bytes()));
}

#[test]
fn display_of_a_kind_is_its_serialised_name() {
    for kind in KINDS {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
    }
}

#[test]
fn only_the_canonical_form_is_read() {
    let text = leaf().to_string();
    assert_eq!(Leaf::parse(text.as_bytes()).unwrap(), leaf());
    let altered = [
        text.replace(":1,", ": 1,"),
        format!("{text}\n"),
        text.replace("12:00:00.123Z", "12:00:00.1230Z"),
        text.replace("12:00:00.123Z", "12:00:00.123+00:00"),
        text.replace("12:00:00.123Z", "noon"),
        text.replace(r#""v":1,"kind":"request""#, r#""kind":"request","v":1"#),
    ];
    for altered in altered {
        let error = Leaf::parse(altered.as_bytes()).unwrap_err();
        assert!(
            matches!(error, LeafError::NotCanonical),
            "{altered}: {error:?}"
        );
    }
    let malformed = [
        text.replace(r#""parts":0"#, r#""parts":0,"subject":"x""#),
        text.replace(r#""parts":0"#, r#""parts":0,"parts":0"#),
        text.replace(r#""parts":0,"#, ""),
        text.replace(r#""review":2"#, r#""review":2,"held":1"#),
        text.replace("request", "wish"),
        text.replace("47DE", "47D!"),
        String::new(),
    ];
    for malformed in malformed {
        let error = Leaf::parse(malformed.as_bytes()).unwrap_err();
        assert!(
            matches!(error, LeafError::Malformed(_)),
            "{malformed}: {error:?}"
        );
    }
}

#[test]
fn an_unknown_version_is_named_whatever_else_the_leaf_holds() {
    let error = Leaf::parse(br#"{"v":2,"novelty":true}"#).unwrap_err();
    assert!(
        matches!(error, LeafError::UnknownVersion { version: 2 }),
        "{error:?}"
    );
}

#[test]
fn the_size_limit_lies_between_65535_and_65536_bytes() {
    let blanks = |length: usize| {
        let mut bytes = leaf().encode();
        bytes.resize(length, b' ');
        Leaf::parse(&bytes).unwrap_err()
    };
    assert!(matches!(blanks(65_535), LeafError::NotCanonical));
    assert!(matches!(
        blanks(65_536),
        LeafError::TooLong { length: 65_536 }
    ));
}

#[test]
fn times_outside_the_format_are_refused() {
    let make = |time: Timestamp| {
        Leaf::new(
            LeafKind::Genesis,
            time,
            OutcomeCounts::default(),
            &payload(0),
        )
    };
    for time in [Timestamp::MIN, "1969-12-31T23:59:59Z".parse().unwrap()] {
        assert!(
            matches!(make(time), Err(LeafError::TimeOutOfRange { .. })),
            "{time}"
        );
    }
    for time in [
        Timestamp::UNIX_EPOCH,
        "9999-12-30T21:59:59.999Z".parse().unwrap(),
    ] {
        let leaf = make(time).unwrap();
        assert_eq!(Leaf::parse(&leaf.encode()).unwrap(), leaf);
    }
}

prop_compose! {
    fn any_leaf()(
        kind in prop::sample::select(KINDS.to_vec()),
        time in 0..Timestamp::MAX.as_second() * 1_000,
        counts in any::<[u32; 3]>(),
        parts in 0_u8..20,
    ) -> Leaf {
        let [accept, reject, review] = counts;
        let outcomes = OutcomeCounts { accept, reject, review };
        let time = Timestamp::from_millisecond(time).unwrap();
        Leaf::new(kind, time, outcomes, &payload(parts)).unwrap()
    }
}

proptest! {
    #[test]
    fn leaves_round_trip(leaf in any_leaf()) {
        let bytes = leaf.encode();
        prop_assert!(bytes.len() < 300, "a leaf stays small");
        prop_assert_eq!(Leaf::parse(&bytes).unwrap(), leaf);
    }

    #[test]
    fn a_changed_byte_is_another_leaf_or_none(leaf in any_leaf(), at: prop::sample::Index, to: u8) {
        let mut bytes = leaf.encode();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        if let Ok(other) = Leaf::parse(&bytes) {
            prop_assert_ne!(other, leaf);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        if let Ok(leaf) = Leaf::parse(&bytes) {
            prop_assert_eq!(leaf.encode(), bytes);
        }
    }
}
