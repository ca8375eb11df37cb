use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;

/// The leaves and roots that implementations of RFC 6962 share as their reference.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn leaf_hashes(count: usize) -> Vec<LeafHash> {
    LEAVES[..count]
        .iter()
        .map(|leaf| leaf_hash(&HEXLOWER.decode(leaf.as_bytes()).unwrap()))
        .collect()
}

#[test]
fn roots_are_those_of_the_reference_implementations() {
    for (count, expected) in ROOTS.iter().enumerate() {
        let root = root(leaf_hashes(count));
        assert_eq!(
            HEXLOWER.encode(root.as_bytes()),
            *expected,
            "{count} leaves"
        );
    }
}

/// The definition of the RFC, word for word: split at the largest power of two below the count.
fn root_by_definition(leaves: &[LeafHash]) -> RootHash {
    match leaves {
        [] => empty_root(),
        [leaf] => RootHash(leaf.0),
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            node_hash(&root_by_definition(left), &root_by_definition(right))
        }
    }
}

proptest! {
    #[test]
    fn one_pass_gives_what_the_definition_gives(count in 0_u32..300) {
        let leaves: Vec<_> = (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        prop_assert_eq!(root(leaves.iter().copied()), root_by_definition(&leaves));
    }
}
