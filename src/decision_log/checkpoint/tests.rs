use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::ML_DSA_44_SIGNING;
use aws_lc_rs::signature::PqdsaKeyPair;
use data_encoding::BASE64;
use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::key::key_id;
use super::*;
use crate::decision_log::LogIndex;
use crate::decision_log::merkle;

fn origin(name: &str) -> Origin {
    name.parse().unwrap()
}

fn log_key(name: &str, seed: u8) -> LogKey {
    LogKey::from_seed(&origin(name), &[seed; 32]).unwrap()
}

fn head(name: &str, size: u64) -> Checkpoint {
    Checkpoint {
        origin: origin(name),
        size: TreeSize(size),
        root: merkle::root([merkle::leaf_hash(b"one")]),
    }
}

fn trust(keys: &[&LogKey]) -> Trust {
    Trust {
        log_keys: keys.iter().map(|key| key.public().clone()).collect(),
        ..Trust::default()
    }
}

const LOG: &str = "mc.nl.example/log";

#[test]
fn a_checkpoint_is_written_as_the_specification_says() {
    let signed = SignedCheckpoint::sign(head(LOG, 1), &[log_key(LOG, 1)]).unwrap();
    let text = String::from_utf8(signed.to_text()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], [LOG, "1"]);
    assert_eq!(lines[2], head(LOG, 1).root.to_string());
    assert_eq!(lines[3], "");
    assert!(lines[4].starts_with("— mc.nl.example/log "));
    assert_eq!(lines.len(), 5);
    assert_eq!(SignedCheckpoint::parse(text.as_bytes()).unwrap(), signed);
}

/// The example of `signed-note`, which another implementation made.
#[test]
fn a_key_of_another_implementation_is_read() {
    let key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let key: VerifierKey = key.parse().unwrap();
    assert_eq!(key.name(), "example.com/foo");
    assert!(!key.is_cosigner());
    let wrong = "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    assert_eq!(wrong.parse::<VerifierKey>(), Err(KeyError::Id));
    for text in [
        "",
        "a",
        "a+b",
        "a+b+c",
        "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ] {
        assert!(text.parse::<VerifierKey>().is_err(), "{text}");
    }
}

#[test]
fn only_who_knows_the_key_believes() {
    let (key, other) = (log_key(LOG, 1), log_key(LOG, 2));
    let signed = SignedCheckpoint::sign(head(LOG, 7), std::slice::from_ref(&key)).unwrap();
    let verified = signed.verify(&trust(&[&key])).unwrap();
    assert_eq!(verified.checkpoint, head(LOG, 7));
    assert!(matches!(
        signed.verify(&trust(&[&other])),
        Err(CheckpointError::Untrusted)
    ));
    assert!(matches!(
        signed.verify(&Trust::default()),
        Err(CheckpointError::Untrusted)
    ));
    let foreign = Trust {
        origin: Some(origin("mc.de.example/log")),
        ..trust(&[&key])
    };
    assert!(matches!(
        signed.verify(&foreign),
        Err(CheckpointError::Foreign { .. })
    ));
}

/// A key counts for the log that it is named after, not for any that it signs.
#[test]
fn a_key_of_one_log_makes_no_checkpoint_of_another() {
    let key = log_key("mc.de.example/log", 1);
    let signed = SignedCheckpoint::sign(head(LOG, 7), std::slice::from_ref(&key)).unwrap();
    assert!(matches!(
        signed.verify(&trust(&[&key])),
        Err(CheckpointError::Foreign { .. })
    ));
    let meant = Trust {
        origin: Some(origin(LOG)),
        ..trust(&[&key])
    };
    assert!(matches!(
        signed.verify(&meant),
        Err(CheckpointError::Untrusted)
    ));
}

#[test]
fn an_altered_checkpoint_is_told() {
    let key = log_key(LOG, 1);
    let signed = SignedCheckpoint::sign(head(LOG, 7), std::slice::from_ref(&key)).unwrap();
    let text = String::from_utf8(signed.to_text()).unwrap();
    let altered = text.replacen("\n7\n", "\n8\n", 1);
    let altered = SignedCheckpoint::parse(altered.as_bytes()).unwrap();
    assert!(matches!(
        altered.verify(&trust(&[&key])),
        Err(CheckpointError::Forged { .. })
    ));
}

/// After a rotation both keys sign for a while: who knows either believes.
#[test]
fn two_keys_sign_while_one_takes_over() {
    let (old, new) = (log_key(LOG, 1), log_key(LOG, 2));
    let signed = SignedCheckpoint::sign(head(LOG, 7), &[new.clone(), old.clone()]).unwrap();
    for keys in [vec![&old], vec![&new], vec![&old, &new]] {
        assert!(signed.verify(&trust(&keys)).is_ok());
    }
}

#[test]
fn a_signing_key_round_trips_and_does_not_show() {
    let text = signing_key_text(&origin(LOG), &[9; 32]).unwrap();
    let key = LogKey::parse(&text).unwrap();
    assert_eq!(key.public(), log_key(LOG, 9).public());
    assert_eq!(key.name(), LOG);
    let secret = BASE64.encode(&[9; 32]);
    assert!(!format!("{key:?}").contains(&secret));
    for wrong in ["", "PRIVATE+KEY+a+b+c", &text.replace("KEY", "KEX")] {
        assert!(LogKey::parse(wrong).is_err());
    }
}

/// The separator of a key is a digit of Base64 as well.
#[test]
fn every_seed_makes_a_key() {
    let mut with_separator = 0;
    for seed in 0..=255 {
        let text = signing_key_text(&origin(LOG), &[seed; 32]).unwrap();
        with_separator += usize::from(text.matches('+').count() > 4);
        let key = LogKey::parse(&text).unwrap();
        let signed = SignedCheckpoint::sign(head(LOG, 1), std::slice::from_ref(&key)).unwrap();
        let public: VerifierKey = key.public().as_str().parse().unwrap();
        assert_eq!(&public, key.public());
        let trust = trust(&[&key]);
        assert!(signed.verify(&trust).is_ok(), "{seed}");
    }
    assert!(with_separator > 0);
}

fn vkey(name: &str, tag: u8, public: &[u8]) -> VerifierKey {
    let bytes = [&[tag][..], public].concat();
    let id = HEXLOWER.encode(&key_id(name, &bytes).to_be_bytes());
    let text = format!("{name}+{id}+{}", BASE64.encode(&bytes));
    text.parse().unwrap()
}

fn line(key: &VerifierKey, signature: &[u8]) -> String {
    let id = key.as_str().split('+').nth(1).unwrap();
    let id = HEXLOWER.decode(id.as_bytes()).unwrap();
    format!(
        "— {} {}\n",
        key.name(),
        BASE64.encode(&[&id[..], signature].concat())
    )
}

const TIME: u64 = 1_679_315_147;

fn ed25519_witness(body: &str) -> (VerifierKey, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
    let key = vkey("witness.example/w1", 4, pair.public_key().as_ref());
    let message = format!("cosignature/v1\ntime {TIME}\n{body}");
    let signature = [
        &TIME.to_be_bytes()[..],
        pair.sign(message.as_bytes()).as_ref(),
    ]
    .concat();
    let line = line(&key, &signature);
    (key, line)
}

fn ml_dsa_witness(checkpoint: &Checkpoint) -> (VerifierKey, String) {
    let pair = PqdsaKeyPair::generate(&ML_DSA_44_SIGNING).unwrap();
    let name = "witness.example/w2";
    let key = vkey(name, 6, pair.public_key().as_ref());
    let mut message = b"subtree/v1\n\0".to_vec();
    message.push(u8::try_from(name.len()).unwrap());
    message.extend(name.as_bytes());
    message.extend(TIME.to_be_bytes());
    message.push(u8::try_from(checkpoint.origin.as_str().len()).unwrap());
    message.extend(checkpoint.origin.as_str().as_bytes());
    message.extend([0; 8]);
    message.extend(checkpoint.size.0.to_be_bytes());
    message.extend(checkpoint.root.as_bytes());
    let mut signature = vec![0; ML_DSA_44_SIGNING.signature_len()];
    let length = pair.sign(&message, &mut signature).unwrap();
    signature.truncate(length);
    let line = line(&key, &[&TIME.to_be_bytes()[..], &signature].concat());
    (key, line)
}

#[test]
fn cosignatures_of_both_kinds_are_added_and_counted() {
    let key = log_key(LOG, 1);
    let mut signed = SignedCheckpoint::sign(head(LOG, 7), std::slice::from_ref(&key)).unwrap();
    let (one, one_line) = ed25519_witness(&head(LOG, 7).body());
    let (two, two_line) = ml_dsa_witness(&head(LOG, 7));
    assert!(one.is_cosigner() && two.is_cosigner());
    assert!(signed.add_cosignatures(one_line.as_bytes(), &one));
    assert!(!signed.add_cosignatures(one_line.as_bytes(), &two));
    assert!(signed.add_cosignatures(two_line.as_bytes(), &two));
    assert!(signed.add_cosignatures(two_line.as_bytes(), &two));
    assert!(!signed.add_cosignatures(b"", &two));
    assert!(!signed.add_cosignatures(b"nonsense\n", &two));
    let text = String::from_utf8(signed.to_text()).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with('—')).count(), 3);
    let mut wanted = trust(&[&key]);
    wanted.witnesses = vec![one, two];
    wanted.witnesses_wanted = 2;
    let verified = signed.verify(&wanted).unwrap();
    assert_eq!(
        verified.witnesses,
        ["witness.example/w1", "witness.example/w2"]
    );
    wanted.witnesses_wanted = 3;
    assert!(matches!(
        signed.verify(&wanted),
        Err(CheckpointError::TooFewWitnesses {
            found: 2,
            wanted: 3
        })
    ));
}

#[test]
fn a_cosignature_of_another_tree_counts_for_nothing() {
    let key = log_key(LOG, 1);
    let mut signed = SignedCheckpoint::sign(head(LOG, 7), std::slice::from_ref(&key)).unwrap();
    let (one, one_line) = ed25519_witness(&head(LOG, 8).body());
    let (two, two_line) = ml_dsa_witness(&head(LOG, 8));
    assert!(!signed.add_cosignatures(one_line.as_bytes(), &one));
    assert!(!signed.add_cosignatures(two_line.as_bytes(), &two));
    assert_eq!(
        signed.cosigned_by(&[one, two]).unwrap(),
        Vec::<String>::new()
    );
}

/// One witness under two keys is one witness.
#[test]
fn a_witness_is_counted_once() {
    let key = log_key(LOG, 1);
    let mut signed = SignedCheckpoint::sign(head(LOG, 7), std::slice::from_ref(&key)).unwrap();
    let (one, one_line) = ed25519_witness(&head(LOG, 7).body());
    assert!(signed.add_cosignatures(one_line.as_bytes(), &one));
    let names = signed.cosigned_by(&[one.clone(), one]).unwrap();
    assert_eq!(names, ["witness.example/w1"]);
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let root = head(LOG, 1).root;
    let signature = "— a AAAAAAAA";
    for text in [
        String::new(),
        "a\n".to_owned(),
        format!("{LOG}\n1\n{root}\n"),
        format!("{LOG}\n01\n{root}\n\n{signature}\n"),
        format!("{LOG}\n-1\n{root}\n\n{signature}\n"),
        format!("{LOG}\n1\nAAAA\n\n{signature}\n"),
        format!("a b\n1\n{root}\n\n{signature}\n"),
        format!("{LOG}\n{}\n{root}\n\n{signature}\n", u64::MAX),
        format!("\n1\n{root}\n\n{signature}\n"),
        format!("{LOG}\r\n1\n{root}\n\n{signature}\n"),
    ] {
        assert!(SignedCheckpoint::parse(text.as_bytes()).is_err(), "{text}");
    }
    let extended = format!("{LOG}\n1\n{root}\nmore\n\n{signature}\n");
    let parsed = SignedCheckpoint::parse(extended.as_bytes()).unwrap();
    assert_eq!(parsed.unverified().size, LogIndex(0).size_including());
}

proptest! {
    #[test]
    fn no_bytes_upset_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "(— )?[a-z0-9\n +—]{0,80}") {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(signed) = SignedCheckpoint::parse(bytes) {
                prop_assert_eq!(signed.to_text(), bytes);
            }
        }
    }
}
