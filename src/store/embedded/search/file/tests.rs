use super::*;
use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::MemoryDisk;
use crate::store::embedded::search::describe::Described;
use crate::store::embedded::search::fault::Fault;
use crate::store::embedded::search::gathered::Gathered;
use crate::store::embedded::search::query::Indexed;
use crate::store::embedded::search::term::Dimension;

const BINDING: Binding = Binding {
    origin: Uuid::from_u128(7),
    first: 40,
    count: 300,
    content: [9; 32],
};

fn term(dimension: Dimension, value: impl std::fmt::Display) -> Term {
    Term::new(dimension, value.to_string())
}

fn gathered(step: i64) -> Gathered {
    let mut gathered = Gathered::new(BINDING.first);
    for number in 0..300_u32 {
        let terms = [
            term(Dimension::Request, number),
            term(Dimension::Partner, number % 7),
            term(Dimension::User, number % 50),
        ];
        gathered.push(Some(Described {
            time: 1_000 + i64::from(number % 90) * step,
            terms: terms.into(),
        }));
    }
    gathered
}

fn written(gathered: &Gathered) -> MemoryDisk {
    let disk = MemoryDisk::default();
    let bytes = encode(gathered, BINDING, [3; 16]).unwrap();
    disk.create_directories(DIRECTORY.as_ref()).unwrap();
    disk::put_whole(&disk, DIRECTORY.as_ref(), &name(BINDING.first), &bytes).unwrap();
    disk
}

#[test]
fn a_file_says_what_was_gathered() {
    for step in [1, 86_400_000_000] {
        let gathered = gathered(step);
        let disk = written(&gathered);
        let file = IndexFile::verify(&disk, &BINDING).unwrap();
        let index = file.open(&disk).unwrap();
        assert_eq!(index.range(), 40..340);
        assert_eq!(Some(file.span()), gathered.span());
        assert_eq!(index.times().unwrap(), gathered.times().unwrap());
        for (term, entries) in gathered.postings() {
            let posting: Vec<u32> = index.posting(term).unwrap().iter().collect();
            assert_eq!(posting, entries, "{term:?}");
        }
        for absent in [term(Dimension::Request, 300), term(Dimension::Group, 1)] {
            assert!(index.posting(&absent).unwrap().is_empty());
        }
        assert_eq!(index.values(Dimension::Partner).unwrap().len(), 7);
        assert!(index.values(Dimension::User).unwrap().is_empty());
    }
}

#[test]
fn it_names_no_person_and_no_request() {
    let mut gathered = Gathered::new(40);
    gathered.push(Some(Described {
        time: 1,
        terms: [
            term(Dimension::User, "sip:officer.114@mc.nl.example"),
            term(Dimension::Reviewer, "sip:duty@mc.de.example"),
            term(Dimension::Caller, "some-account"),
            term(Dimension::Group, "sip:sonderlage-1@mc.de.example"),
            term(Dimension::Partner, "mc.nl.example"),
        ]
        .into(),
    }));
    let bytes = encode(&gathered, BINDING, [3; 16]).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("mc.nl.example"));
    for named in ["officer", "duty", "some-account", "sonderlage"] {
        assert!(!text.contains(named), "{named}");
    }
}

#[test]
fn every_flipped_byte_is_noticed_and_every_lost_one() {
    let disk = written(&gathered(1));
    let path = path(BINDING.first);
    let length = disk.edit(&path, |bytes| bytes.len()).unwrap();
    for at in 0..length {
        disk.edit(&path, |bytes| bytes[at] ^= 0x10).unwrap();
        let verified = IndexFile::verify(&disk, &BINDING);
        assert!(verified.is_err(), "byte {at}");
        disk.edit(&path, |bytes| bytes[at] ^= 0x10).unwrap();
    }
    IndexFile::verify(&disk, &BINDING).unwrap();
    disk.edit(&path, |bytes| bytes.push(0));
    assert!(IndexFile::verify(&disk, &BINDING).is_err());
    for kept in [length - 1, HEADER_BYTES, HEADER_BYTES - 1, 0] {
        disk.edit(&path, |bytes| bytes.truncate(kept));
        assert!(IndexFile::verify(&disk, &BINDING).is_err(), "{kept}");
    }
}

#[test]
fn a_byte_that_flips_later_is_noticed_where_it_is_read() {
    let gathered = gathered(1);
    let disk = written(&gathered);
    let path = path(BINDING.first);
    let file = IndexFile::verify(&disk, &BINDING).unwrap();
    let length = disk.edit(&path, |bytes| bytes.len()).unwrap();
    let ask = || {
        let index = file.open(&disk)?;
        index.times()?;
        index.values(Dimension::Partner)?;
        for (term, _) in gathered.postings() {
            index.posting(term)?;
        }
        Ok::<_, Fault>(())
    };
    ask().unwrap();
    for at in (0..length).step_by(7) {
        disk.edit(&path, |bytes| bytes[at] ^= 1).unwrap();
        assert!(ask().is_err(), "byte {at}");
        disk.edit(&path, |bytes| bytes[at] ^= 1).unwrap();
    }
}

#[test]
fn a_file_of_other_entries_is_not_believed() {
    let disk = written(&gathered(1));
    let others = [
        Binding {
            origin: Uuid::from_u128(8),
            ..BINDING
        },
        Binding {
            count: 299,
            ..BINDING
        },
        Binding {
            content: [8; 32],
            ..BINDING
        },
    ];
    for other in others {
        let fault = IndexFile::verify(&disk, &other).unwrap_err();
        assert!(matches!(fault, Fault::Foreign), "{fault}");
    }
}
