use proptest::prelude::*;

use super::*;

fn tile(level: u8, index: u64, width: u16) -> Resource {
    let span = Span::new(index, width).unwrap();
    Resource::Tile { level, span }
}

#[test]
fn paths_are_those_of_the_specification() {
    let written = [
        (Resource::Checkpoint, "checkpoint"),
        (tile(0, 0, 256), "tile/0/000"),
        (tile(0, 273, 112), "tile/0/273.p/112"),
        (tile(2, 0, 1), "tile/2/000.p/1"),
        (tile(63, 1_234_067, 256), "tile/63/x001/x234/067"),
        (
            Resource::Entries(Span::full(1_000)),
            "tile/entries/x001/000",
        ),
        (
            Resource::Entries(Span::new(999, 255).unwrap()),
            "tile/entries/999.p/255",
        ),
    ];
    for (resource, path) in written {
        assert_eq!(resource.to_string(), path);
        assert_eq!(path.parse(), Ok(resource));
    }
}

#[test]
fn any_other_spelling_is_no_path() {
    for path in [
        "",
        "/checkpoint",
        "checkpoint/",
        "tile/8/0/000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/-1",
        "tile/0/000.p/+1",
        "tile/0/000.p/",
        "tile/0/../../anchor",
        "tile/data/000",
        "tile/entries/",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
    ] {
        assert!(path.parse::<Resource>().is_err(), "{path}");
    }
}

/// The example of the specification: 70,000 entries.
#[test]
fn a_tree_has_the_tiles_that_the_specification_counts() {
    let size = TreeSize(70_000);
    let counted: Vec<(usize, Option<u16>)> = levels(size)
        .map(|level| {
            let tiles: Vec<Span> = Span::over(hashes_at(level, size)).collect();
            let full = tiles.iter().filter(|span| span.is_full()).count();
            let partial = tiles.last().filter(|span| !span.is_full());
            (full, partial.map(|span| span.width()))
        })
        .collect();
    assert_eq!(counted, [(273, Some(112)), (1, Some(17)), (0, Some(1))]);
    assert!(tile(0, 273, 112).is_within(size));
    assert!(!tile(0, 273, 113).is_within(size));
    assert!(!tile(63, 0, 1).is_within(size));
    assert!(!Resource::Entries(Span::full(u64::MAX)).is_within(size));
    assert_eq!(levels(TreeSize(0)).count(), 0);
}

proptest! {
    #[test]
    fn a_path_names_one_resource(level in 0..=LEVEL_MAX, index: u64, width in 1..=TILE_WIDTH) {
        let span = Span::new(index, width).unwrap();
        for resource in [Resource::Tile { level, span }, Resource::Entries(span)] {
            prop_assert_eq!(resource.to_string().parse(), Ok(resource));
        }
    }

    #[test]
    fn no_text_upsets_the_parser(path in "(tile/)?[0-9x/.p+-]{0,24}") {
        if let Ok(resource) = path.parse::<Resource>() {
            prop_assert_eq!(resource.to_string(), path);
        }
    }
}
