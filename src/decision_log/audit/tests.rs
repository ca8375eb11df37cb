use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use super::*;
use crate::decision_log::checkpoint::CheckpointError;
use crate::decision_log::checkpoint::LogKey;
use crate::decision_log::merkle::Frontier;
use crate::decision_log::merkle::Levels;
use crate::decision_log::tile::hashes_at;
use crate::decision_log::tile::levels;
use crate::decision_log::tile::write_bundle;

/// A published log in memory, made entry by entry from the definitions.
#[derive(Clone)]
struct Published(BTreeMap<String, Vec<u8>>);

#[derive(Debug, thiserror::Error)]
#[error("there is no `{0}`")]
struct Missing(String);

impl LogSource for Published {
    type Error = Missing;

    fn read(&self, resource: Resource) -> Result<Vec<u8>, Missing> {
        let path = resource.to_string();
        self.0.get(&path).cloned().ok_or(Missing(path))
    }
}

const LOG: &str = "mc.nl.example/log";

fn key(seed: u8) -> LogKey {
    LogKey::from_seed(&LOG.parse().unwrap(), &[seed; 32]).unwrap()
}

fn trust(key: &LogKey) -> Trust {
    Trust {
        log_keys: vec![key.public().clone()],
        ..Trust::default()
    }
}

fn content(number: u64) -> Vec<u8> {
    format!("entry {number}").into_bytes()
}

fn publish(entries: &[Vec<u8>], key: &LogKey) -> Published {
    let mut files = BTreeMap::new();
    let mut tree = Frontier::default();
    let mut above = Levels::default();
    let mut bottom = Vec::new();
    for entry in entries {
        let leaf = merkle::leaf_hash(entry);
        tree.push(leaf);
        bottom.push(RootHash(leaf.0));
    }
    for tile in bottom.chunks_exact(256) {
        above.push(merkle::root(tile.iter().map(|hash| LeafHash(hash.0))));
    }
    let size = tree.size();
    for level in levels(size) {
        let hashes = if level == 0 {
            &bottom[..]
        } else {
            above.level(level)
        };
        for span in Span::over(hashes_at(level, size)) {
            let first = usize::try_from(span.first().unwrap()).unwrap();
            let tile = &hashes[first..first + usize::from(span.width())];
            let bytes = tile.iter().flat_map(|hash| hash.0).collect();
            files.insert(Resource::Tile { level, span }.to_string(), bytes);
        }
    }
    for span in Span::over(size.0) {
        let first = usize::try_from(span.first().unwrap()).unwrap();
        let entries = &entries[first..first + usize::from(span.width())];
        let bundle = write_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        files.insert(Resource::Entries(span).to_string(), bundle);
    }
    let head = Checkpoint {
        origin: LOG.parse().unwrap(),
        size,
        root: tree.root(),
    };
    let signed = SignedCheckpoint::sign(head, std::slice::from_ref(key)).unwrap();
    files.insert("checkpoint".to_owned(), signed.to_text());
    Published(files)
}

fn log_of(size: u64) -> Published {
    let entries: Vec<Vec<u8>> = (0..size).map(content).collect();
    publish(&entries, &key(1))
}

fn checkpoint(published: &Published) -> SignedCheckpoint {
    SignedCheckpoint::parse(&published.0["checkpoint"]).unwrap()
}

fn check(published: &Published, older: Option<&Published>) -> Result<Audited, AuditError<Missing>> {
    let older = older.map(checkpoint);
    audit(published, &trust(&key(1)), older.as_ref(), &mut |_, _| {})
}

#[test]
fn a_log_in_order_passes_at_every_kind_of_size() {
    for size in [0, 1, 2, 255, 256, 257, 768, 66_000] {
        let published = log_of(size);
        let mut seen = 0;
        let trust = trust(&key(1));
        let audited = audit(&published, &trust, None, &mut |index, entry| {
            assert_eq!(entry, content(index.0));
            seen += 1;
        })
        .unwrap();
        assert_eq!((seen, audited.head.checkpoint.size), (size, TreeSize(size)));
        let tiles = published.0.keys().filter(|path| path.starts_with("tile/"));
        let hashes = tiles.filter(|path| !path.contains("entries")).count();
        assert_eq!(audited.tiles, hashes as u64);
    }
}

#[test]
fn a_log_goes_on_from_what_it_was() {
    let now = log_of(600);
    for size in [0, 1, 256, 599, 600] {
        let audited = check(&now, Some(&log_of(size))).unwrap();
        assert_eq!(audited.goes_on_from.unwrap().size, TreeSize(size));
    }
}

#[test]
fn an_edited_entry_is_told() {
    let mut published = log_of(300);
    let bundle = published.0.get_mut("tile/entries/001.p/44").unwrap();
    *bundle.last_mut().unwrap() ^= 1;
    let error = check(&published, None).unwrap_err().to_string();
    assert_eq!(
        error,
        "`tile/0/001.p/44` is not what the entries make: hash 43, counted from 0, is another"
    );
}

#[test]
fn a_rewritten_tile_is_told_at_every_level() {
    for path in ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"] {
        let mut published = log_of(600);
        published.0.get_mut(path).unwrap()[32] ^= 1;
        let error = check(&published, None).unwrap_err();
        assert!(
            matches!(&error, AuditError::Tile { path: found, place: 1 } if found == path),
            "{error}"
        );
    }
}

#[test]
fn entries_and_tiles_rewritten_together_do_not_fit_the_checkpoint() {
    let mut entries: Vec<Vec<u8>> = (0..300).map(content).collect();
    entries[7] = b"another".to_vec();
    let mut rewritten = publish(&entries, &key(1));
    rewritten
        .0
        .insert("checkpoint".to_owned(), log_of(300).0["checkpoint"].clone());
    assert!(matches!(
        check(&rewritten, None),
        Err(AuditError::Root { .. })
    ));
}

/// Whoever has the key can sign another history; somebody who kept an older checkpoint sees it.
#[test]
fn a_history_that_was_signed_anew_does_not_go_on_from_the_old_one() {
    let mut entries: Vec<Vec<u8>> = (0..300).map(content).collect();
    entries[7] = b"another".to_vec();
    let rewritten = publish(&entries, &key(1));
    assert!(check(&rewritten, None).is_ok());
    assert!(check(&rewritten, Some(&log_of(7))).is_ok());
    let error = check(&rewritten, Some(&log_of(8))).unwrap_err();
    assert!(
        matches!(error, AuditError::Rewritten { older: TreeSize(8) }),
        "{error}"
    );
}

#[test]
fn a_log_that_was_rolled_back_is_told() {
    let error = check(&log_of(299), Some(&log_of(300))).unwrap_err();
    assert!(matches!(error, AuditError::RolledBack { .. }), "{error}");
}

#[test]
fn a_missing_tile_or_bundle_is_named() {
    for path in [
        "checkpoint",
        "tile/0/001.p/44",
        "tile/entries/000",
        "tile/1/000.p/1",
    ] {
        let mut published = log_of(300);
        published.0.remove(path);
        assert_eq!(
            check(&published, None).unwrap_err().to_string(),
            format!("there is no `{path}`")
        );
    }
}

#[test]
fn a_tile_or_bundle_cut_short_or_too_long_is_told() {
    for path in ["tile/0/001.p/44", "tile/entries/000", "tile/1/000.p/1"] {
        for longer in [true, false] {
            let mut published = log_of(300);
            let bytes = published.0.get_mut(path).unwrap();
            if longer {
                bytes.extend([0; 32]);
            } else {
                bytes.truncate(bytes.len() - 1);
            }
            let error = check(&published, None).unwrap_err();
            let is_told = matches!(
                error,
                AuditError::Length { .. } | AuditError::Bundle { .. } | AuditError::Entries { .. }
            );
            assert!(is_told, "{path}: {error}");
        }
    }
}

#[test]
fn another_key_or_another_log_is_not_believed() {
    let theirs = publish(&[content(0)], &key(2));
    let error = check(&theirs, None).unwrap_err();
    assert!(
        matches!(error, AuditError::Checkpoint(CheckpointError::Untrusted)),
        "{error}"
    );
    let meant = Trust {
        origin: Some("mc.de.example/log".parse().unwrap()),
        ..trust(&key(1))
    };
    let error = audit(&log_of(1), &meant, None, &mut |_, _| {}).unwrap_err();
    assert!(
        matches!(
            error,
            AuditError::Checkpoint(CheckpointError::Foreign { .. })
        ),
        "{error}"
    );
    let older = checkpoint(&theirs);
    let error = audit(&log_of(1), &trust(&key(1)), Some(&older), &mut |_, _| {}).unwrap_err();
    assert!(
        matches!(error, AuditError::Older(CheckpointError::Untrusted)),
        "{error}"
    );
}

/// Tessera's own test log, which another implementation wrote.
struct Golden(PathBuf);

impl LogSource for Golden {
    type Error = io::Error;

    fn read(&self, resource: Resource) -> Result<Vec<u8>, io::Error> {
        fs::read(self.0.join(resource.to_string()))
    }
}

fn golden() -> (Golden, Trust) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tessera");
    let key = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    let trust = Trust {
        origin: Some("example.com/log/testdata".parse().unwrap()),
        log_keys: vec![key.parse().unwrap()],
        ..Trust::default()
    };
    (Golden(root), trust)
}

#[test]
fn the_golden_log_of_another_implementation_passes_from_each_of_its_checkpoints() {
    let (golden, trust) = golden();
    for size in 0..=15 {
        let older = fs::read(golden.0.join(format!("checkpoint.{size}"))).unwrap();
        let older = SignedCheckpoint::parse(&older).unwrap();
        let mut entries = Vec::new();
        let audited = audit(&golden, &trust, Some(&older), &mut |_, entry| {
            entries.push(String::from_utf8_lossy(entry).into_owned());
        })
        .unwrap();
        assert_eq!(audited.head.checkpoint.size, TreeSize(15));
        assert_eq!(audited.goes_on_from.unwrap().size, TreeSize(size));
        assert_eq!(
            (entries[0].as_str(), entries[14].as_str()),
            ("one", "fivten")
        );
    }
}
