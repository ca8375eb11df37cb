use super::*;
use crate::store::embedded::disk::Fault;
use crate::store::embedded::disk::FaultMode;
use crate::store::embedded::disk::FaultyDisk;
use crate::store::embedded::disk::MemoryDisk;
use crate::store::embedded::disk::Operation;
use crate::store::embedded::disk::PowerCut;
use crate::store::embedded::disk::VolatileDisk;

const BYTES: &[u8] = b"permit (principal, action, resource);";

fn digest() -> ContentDigest {
    ContentDigest::of(BYTES)
}

fn archive(disk: &MemoryDisk) -> Archive {
    Archive::open(Arc::new(disk.clone())).unwrap()
}

#[test]
fn what_was_put_is_there_under_its_digest_only() {
    let archive = archive(&MemoryDisk::default());
    assert!(matches!(
        archive.get(&digest()),
        Err(ArchiveError::Absent { .. })
    ));
    assert_eq!(archive.put(&digest(), BYTES).unwrap(), Put::Written);
    assert_eq!(archive.put(&digest(), BYTES).unwrap(), Put::AlreadyThere);
    assert_eq!(archive.get(&digest()).unwrap(), BYTES);
    assert_eq!(archive.list().unwrap(), [digest()]);

    let wrong = archive.put(&digest(), b"other").unwrap_err();
    assert!(matches!(wrong, ArchiveError::WrongDigest { .. }));
    let text = digest().to_string();
    assert_eq!(text.parse::<ContentDigest>().unwrap(), digest());
    assert!(text.to_uppercase().parse::<ContentDigest>().is_err());
}

#[test]
fn damage_is_reported_and_mended_by_putting_again() {
    let disk = MemoryDisk::default();
    let archive = archive(&disk);
    archive.put(&digest(), BYTES).unwrap();
    disk.edit(digest().path(), |bytes| bytes[3] ^= 1);
    assert!(matches!(
        archive.get(&digest()),
        Err(ArchiveError::Damaged { .. })
    ));
    assert_eq!(archive.put(&digest(), BYTES).unwrap(), Put::Written);
    assert_eq!(archive.get(&digest()).unwrap(), BYTES);
}

#[test]
fn each_operation_of_a_put_can_fail_and_be_repeated() {
    for mode in [
        FaultMode::Failed,
        FaultMode::Short,
        FaultMode::FailedButDone,
    ] {
        for skip in 0.. {
            let inner = MemoryDisk::default();
            let disk = FaultyDisk::new(Arc::new(inner.clone()));
            let archive = Archive::open(Arc::new(disk.clone())).unwrap();
            disk.inject(Fault {
                operation: None,
                path_contains: String::new(),
                skip,
                mode,
            });
            let outcome = archive.put(&digest(), BYTES);
            if disk.fired() == 0 {
                assert!(
                    skip >= 5,
                    "open, create, write, sync, rename, sync directory"
                );
                break;
            }
            assert!(outcome.is_err(), "{skip} {mode:?}");
            archive.put(&digest(), BYTES).unwrap();
            assert_eq!(archive.get(&digest()).unwrap(), BYTES);
        }
    }
}

#[test]
fn what_was_put_outlives_a_power_cut_and_nothing_else_is_seen() {
    for cut_after in 0..8 {
        for seed in 0..20 {
            let durable = MemoryDisk::default();
            archive(&durable);
            let disk = VolatileDisk::new(Arc::new(durable.clone()));
            let opened = Archive::open(Arc::new(disk.clone())).unwrap();
            disk.cut_power_after(cut_after, PowerCut::Tear { seed });
            let put = opened.put(&digest(), BYTES);
            disk.cut_power(PowerCut::Tear { seed });

            let reopened = Archive::open(Arc::new(durable)).unwrap();
            match (put, reopened.get(&digest())) {
                (Ok(_), found) => assert_eq!(found.unwrap(), BYTES),
                (Err(_), found) => {
                    assert!(
                        matches!(found, Ok(_) | Err(ArchiveError::Absent { .. })),
                        "{found:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn putting_again_makes_durable_what_an_earlier_put_left_in_place() {
    let durable = MemoryDisk::default();
    let volatile = VolatileDisk::new(Arc::new(durable.clone()));
    let disk = FaultyDisk::new(Arc::new(volatile.clone()));
    let archive = Archive::open(Arc::new(disk.clone())).unwrap();
    disk.inject(Fault {
        operation: Some(Operation::SyncDirectory),
        path_contains: DIRECTORY.to_owned(),
        skip: 0,
        mode: FaultMode::Failed,
    });
    assert!(archive.put(&digest(), BYTES).is_err());
    assert_eq!(disk.fired(), 1);
    assert_eq!(archive.put(&digest(), BYTES).unwrap(), Put::AlreadyThere);
    volatile.cut_power(PowerCut::DropUnsynced);
    let reopened = Archive::open(Arc::new(durable)).unwrap();
    assert_eq!(reopened.get(&digest()).unwrap(), BYTES);
}
