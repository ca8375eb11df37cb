use std::collections::BTreeMap;
use std::convert::Infallible;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use super::*;
use crate::decision_log::LogSource;
use crate::decision_log::checkpoint::Checkpoint;
use crate::decision_log::checkpoint::LogKey;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::checkpoint::Trust;
use crate::decision_log::merkle;
use crate::decision_log::merkle::leaf_hash;
use crate::decision_log::tile::HASH_BYTES;
use crate::decision_log::tile::Resource;
use crate::decision_log::tile::TILE_WIDTH;
use crate::decision_log::tile::hashes_at;

/// Tiles in memory, made straight from the definition of the specification.
#[derive(Default)]
struct Tiles(BTreeMap<u8, Vec<RootHash>>);

impl Tiles {
    fn of(size: u64) -> Self {
        let mut levels = Self::default();
        let mut hashes: Vec<RootHash> = (0..size).map(|n| RootHash(leaf(n).0)).collect();
        for level in 0.. {
            if hashes.is_empty() {
                return levels;
            }
            let above = hashes.chunks_exact(usize::from(TILE_WIDTH));
            let above = above.map(|tile| merkle::root(tile.iter().map(|hash| LeafHash(hash.0))));
            let above = above.collect();
            levels
                .0
                .insert(level, std::mem::replace(&mut hashes, above));
        }
        levels
    }
}

impl LogSource for Tiles {
    type Error = Infallible;

    fn read(&self, resource: Resource) -> Result<Vec<u8>, Infallible> {
        let Resource::Tile { level, span } = resource else {
            return Ok(Vec::new());
        };
        let first = usize::try_from(span.first().unwrap()).unwrap();
        let hashes = self.0.get(&level).map(Vec::as_slice).unwrap_or_default();
        let hashes = hashes.iter().skip(first).take(usize::from(span.width()));
        Ok(hashes.flat_map(|hash| hash.0).collect())
    }
}

fn content(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn leaf(number: u64) -> LeafHash {
    leaf_hash(&content(number))
}

fn root(size: u64) -> RootHash {
    merkle::root((0..size).map(leaf))
}

/// The same tree by an implementation that shares nothing with ours.
fn independent(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    for number in 0..size {
        tree.push(content(number));
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_are_those_of_an_independent_implementation(
        size in prop_oneof![1_u64..700, Just(256), Just(257), Just(511), Just(512), Just(65_537)],
        at: prop::sample::Index,
        other: prop::sample::Index,
    ) {
        let index = LogIndex(at.index(usize::try_from(size).unwrap()) as u64);
        let older = TreeSize(other.index(usize::try_from(size).unwrap()) as u64 + 1);
        let tiles = Tiles::of(size);
        let tree = Tree::new(&tiles, TreeSize(size), root(size));
        let theirs = independent(size);
        let their_root = theirs.root();
        prop_assert_eq!(their_root.as_bytes().as_slice(), &root(size).0[..]);

        let inclusion = tree.inclusion(index).unwrap();
        let bytes: Vec<u8> = inclusion.0.iter().flat_map(|hash| hash.0).collect();
        let at = usize::try_from(index.0).unwrap();
        let their_proof = theirs.prove_inclusion(at);
        prop_assert_eq!(&bytes, their_proof.as_bytes());
        prop_assert_eq!(inclusion.verify((TreeSize(size), &root(size)), (index, &leaf(index.0))), Ok(()));

        let (consistency, earlier) = tree.consistency(older).unwrap();
        prop_assert_eq!(earlier, root(older.0));
        prop_assert_eq!(consistency.verify((TreeSize(size), &root(size)), (older, &earlier)), Ok(()));
        if older.0 < size {
            let bytes: Vec<u8> = consistency.0.iter().flat_map(|hash| hash.0).collect();
            let added = usize::try_from(size - older.0).unwrap();
            let their_proof = theirs.prove_consistency(added);
            prop_assert_eq!(&bytes, their_proof.as_bytes());
        }
    }

    #[test]
    fn a_proof_of_anything_else_proves_nothing(
        size in 2_u64..400,
        at: prop::sample::Index,
        flip in 0_usize..256,
        place: prop::sample::Index,
    ) {
        let index = LogIndex(at.index(usize::try_from(size).unwrap()) as u64);
        let tiles = Tiles::of(size);
        let root = root(size);
        let proof = Tree::new(&tiles, TreeSize(size), root).inclusion(index).unwrap();
        let verify = |proof: &InclusionProof, index: u64, leaf: &LeafHash| {
            proof.verify((TreeSize(size), &root), (LogIndex(index), leaf))
        };
        let elsewhere = (index.0 + 1) % size;
        prop_assert!(verify(&proof, index.0, &leaf(elsewhere)).is_err());
        prop_assert!(verify(&proof, elsewhere, &leaf(index.0)).is_err());
        prop_assert!(verify(&proof, size, &leaf(index.0)).is_err());
        let mut altered = proof.clone();
        let hash = place.index(altered.0.len());
        altered.0[hash].0[flip / 8] ^= 1 << (flip % 8);
        prop_assert!(verify(&altered, index.0, &leaf(index.0)).is_err());
        let mut longer = proof.clone();
        longer.0.push(root);
        prop_assert!(verify(&longer, index.0, &leaf(index.0)).is_err());
    }

    #[test]
    fn a_tree_that_was_rewritten_does_not_go_on_from_the_old_one(older in 1_u64..300, more in 1_u64..300, at: prop::sample::Index) {
        let size = older + more;
        let tiles = Tiles::of(size);
        let (proof, _) = Tree::new(&tiles, TreeSize(size), root(size)).consistency(TreeSize(older)).unwrap();
        let edited = at.index(usize::try_from(older).unwrap()) as u64;
        let rewritten = merkle::root((0..older).map(|n| if n == edited { leaf(u64::MAX) } else { leaf(n) }));
        prop_assert!(proof.verify((TreeSize(size), &root(size)), (TreeSize(older), &rewritten)).is_err());
    }

    #[test]
    fn an_altered_tile_is_told(size in prop_oneof![300_u64..3_000, Just(768), Just(65_792)], at: prop::sample::Index, level in 0_u8..3, place: prop::sample::Index) {
        let mut tiles = Tiles::of(size);
        let root = root(size);
        let index = LogIndex(at.index(usize::try_from(size).unwrap()) as u64);
        let whole = Tree::new(&tiles, TreeSize(size), root).inclusion(index).unwrap();
        if hashes_at(level, TreeSize(size)) > 0 {
            let hashes = tiles.0.get_mut(&level).unwrap();
            let place = place.index(hashes.len());
            hashes[place].0[7] ^= 1;
            // Tiles that the proof does not need are not read; nothing wrong ever comes of it.
            match Tree::new(&tiles, TreeSize(size), root).inclusion(index) {
                Ok(proof) => prop_assert_eq!(proof, whole),
                Err(error) => prop_assert!(matches!(error, TreeError::Inconsistent { .. }), "{}", error),
            }
        }
    }
}

/// 768 entries: two subtrees of the root lie in one tile of level 1, which a reader can take for two.
#[test]
fn an_altered_tile_below_a_shared_one_is_told() {
    let mut tiles = Tiles::of(768);
    let root = root(768);
    tiles.0.get_mut(&0).unwrap()[5].0[7] ^= 1;
    let proof = Tree::new(&tiles, TreeSize(768), root).inclusion(LogIndex(4));
    assert!(
        matches!(proof, Err(TreeError::Inconsistent { .. })),
        "{proof:?}"
    );
}

#[test]
fn a_tile_of_another_length_is_named() {
    let tiles = Tiles::of(10);
    let tree = Tree::new(&tiles, TreeSize(11), root(11));
    let error = tree.inclusion(LogIndex(3)).unwrap_err();
    let bytes = 10 * HASH_BYTES;
    assert_eq!(
        error.to_string(),
        format!("`tile/0/000.p/11` has {bytes} bytes instead of 352")
    );
}

#[test]
fn sizes_beyond_any_log_are_refused_before_they_are_reckoned_with() {
    let tiles = Tiles::of(1);
    for size in [u64::MAX, TREE_SIZE_MAX + 1] {
        let tree = Tree::new(&tiles, TreeSize(size), root(1));
        assert!(tree.inclusion(LogIndex(0)).is_err());
        assert!(tree.consistency(TreeSize(1)).is_err());
        let proof = InclusionProof(vec![root(1); 63]);
        let verified = proof.verify((TreeSize(size), &root(1)), (LogIndex(0), &leaf(0)));
        assert!(verified.is_err());
    }
    let tree = Tree::new(&tiles, TreeSize(1), root(1));
    assert!(tree.inclusion(LogIndex(1)).is_err());
    assert!(tree.consistency(TreeSize(2)).is_err());
}

fn carried(size: u64, index: u64) -> (String, Trust) {
    let origin = "mc.nl.example/log".parse().unwrap();
    let key = LogKey::from_seed(&origin, &[1; 32]).unwrap();
    let head = Checkpoint {
        origin,
        size: TreeSize(size),
        root: root(size),
    };
    let tiles = Tiles::of(size);
    let proof = TlogProof {
        index: LogIndex(index),
        inclusion: Tree::new(&tiles, head.size, head.root)
            .inclusion(LogIndex(index))
            .unwrap(),
        checkpoint: SignedCheckpoint::sign(head, std::slice::from_ref(&key)).unwrap(),
    };
    let trust = Trust {
        log_keys: vec![key.public().clone()],
        ..Trust::default()
    };
    (proof.to_text(), trust)
}

#[test]
fn a_proof_is_carried_as_text() {
    for (size, index) in [(1, 0), (7, 6), (300, 12)] {
        let (text, trust) = carried(size, index);
        assert!(text.starts_with(&format!("c2sp.org/tlog-proof@v1\nindex {index}\n")));
        let proof: TlogProof = text.parse().unwrap();
        assert_eq!(proof.to_text(), text);
        assert!(proof.verify(&leaf(index), &trust).is_ok());
        assert!(proof.verify(&leaf(index + 1), &trust).is_err());
        assert!(proof.verify(&leaf(index), &Trust::default()).is_err());
        let with_extra = text.replacen("\nindex", "\nextra AAAA\nindex", 1);
        assert_eq!(with_extra.parse::<TlogProof>().unwrap(), proof);
    }
}

#[test]
fn what_is_no_proof_is_refused_with_its_line() {
    let (text, _) = carried(7, 3);
    for (wrong, line) in [
        (text.replacen("@v1", "@v2", 1), 1),
        (text.replacen("index 3", "index 03", 1), 2),
        (text.replacen("index 3", "place 3", 1), 2),
        (text.replacen("index 3\n", "index 3\nAAAA\n", 1), 3),
        (text.replace("\n\n", "\n"), 1),
    ] {
        match wrong.parse::<TlogProof>() {
            Err(ProofTextError::Form { line: found, .. }) => assert_eq!(found, line, "{wrong}"),
            other => panic!("{other:?}"),
        }
    }
    let unsigned = text.replace("— ", "- ");
    assert!(matches!(
        unsigned.parse::<TlogProof>(),
        Err(ProofTextError::Checkpoint(_))
    ));
}
