use proptest::prelude::*;

use super::*;

fn path(name: &str) -> &Path {
    Path::new(name)
}

fn content(disk: &dyn Disk, name: &str) -> Vec<u8> {
    read_whole(&*disk.open(path(name)).unwrap()).unwrap()
}

fn write(disk: &dyn Disk, name: &str, bytes: &[u8]) -> Arc<dyn DiskFile> {
    let file = disk.create(path(name)).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file
}

/// What every disk must do alike.
fn behaves_as_a_disk(disk: &dyn Disk) {
    disk.create_directories(path("a/b")).unwrap();
    assert_eq!(disk.list(path("a/b")).unwrap(), Vec::<String>::new());
    let file = write(disk, "a/b/one", b"0123456789");
    file.write_all_at(b"xy", 9).unwrap();
    file.sync_data().unwrap();
    disk.sync_directory(path("a/b")).unwrap();
    assert_eq!(file.length().unwrap(), 11);
    assert_eq!(content(disk, "a/b/one"), b"012345678xy");

    let mut buffer = [0; 8];
    assert_eq!(file.read_at(&mut buffer, 8).unwrap(), 3);
    assert_eq!(file.read_at(&mut buffer, 11).unwrap(), 0);
    let early = read_exact_at(&*file, &mut buffer, 8).unwrap_err();
    assert_eq!(early.kind(), io::ErrorKind::UnexpectedEof);

    write(disk, "a/b/two", b"2");
    disk.rename(path("a/b/two"), path("a/b/one")).unwrap();
    assert_eq!(content(disk, "a/b/one"), b"2");
    assert_eq!(disk.list(path("a/b")).unwrap(), ["one"]);
    write(disk, "a/b/one", b"");
    assert_eq!(content(disk, "a/b/one"), b"");
    disk.remove(path("a/b/one")).unwrap();
    assert_eq!(
        disk.open(path("a/b/one")).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    assert_eq!(
        disk.remove(path("a/b/one")).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    assert!(disk.list(path("elsewhere")).is_err());
    assert!(disk.create(path("elsewhere/file")).is_err() || disk.list(path("elsewhere")).is_err());

    let held = disk.lock(path("lock")).unwrap();
    assert_eq!(
        disk.lock(path("lock")).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    drop(held);
    disk.lock(path("lock")).unwrap();
}

#[test]
fn all_disks_behave_alike() {
    let directory = tempfile::tempdir().unwrap();
    behaves_as_a_disk(&RealDisk::new(directory.path()));
    behaves_as_a_disk(&RealDisk::new(directory.path().join("not/yet/there")));
    behaves_as_a_disk(&MemoryDisk::default());
    behaves_as_a_disk(&FaultyDisk::new(Arc::new(MemoryDisk::default())));
    behaves_as_a_disk(&VolatileDisk::new(Arc::new(MemoryDisk::default())));
}

#[test]
fn a_power_cut_loses_exactly_what_was_not_synced() {
    let durable = MemoryDisk::default();
    let disk = VolatileDisk::new(Arc::new(durable.clone()));
    let file = write(&disk, "file", b"synced");
    file.sync_data().unwrap();
    disk.sync_directory(path("")).unwrap();
    file.write_all_at(b"SYNC", 0).unwrap();
    write(&disk, "nameless", b"content").sync_data().unwrap();
    write(&disk, "empty", b"never synced");
    disk.rename(path("empty"), path("renamed")).unwrap();
    assert_eq!(content(&disk, "file"), b"SYNCed");

    disk.cut_power(PowerCut::DropUnsynced);
    assert!(file.sync_data().is_err() && disk.list(path("")).is_err());
    assert_eq!(durable.paths(), [path("file")]);
    assert_eq!(content(&durable, "file"), b"synced");
}

#[test]
fn a_durable_name_may_stand_for_content_that_is_not() {
    let durable = MemoryDisk::default();
    let disk = VolatileDisk::new(Arc::new(durable.clone()));
    let file = write(&disk, "file", b"content");
    disk.sync_directory(path("")).unwrap();
    assert_eq!(content(&durable, "file"), b"");
    file.sync_data().unwrap();
    assert_eq!(content(&durable, "file"), b"content");
}

#[test]
fn a_failed_sync_is_not_mended_by_the_next_one() {
    let durable = MemoryDisk::default();
    let disk = VolatileDisk::new(Arc::new(durable.clone()));
    let file = write(&disk, "file", b"1");
    disk.sync_directory(path("")).unwrap();
    disk.fail_next_syncs(1);
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    assert_eq!(content(&disk, "file"), b"1");
    assert_ne!(content(&durable, "file"), b"1");
    file.write_all_at(b"1", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(content(&durable, "file"), b"1");
}

#[test]
fn tearing_keeps_whole_sectors_and_depends_on_the_seed_alone() {
    let torn = |seed| {
        let durable = MemoryDisk::default();
        let disk = VolatileDisk::new(Arc::new(durable.clone()));
        let file = write(&disk, "file", &[1; 20 * 512]);
        file.sync_data().unwrap();
        disk.sync_directory(path("")).unwrap();
        file.write_all_at(&[2; 20 * 512], 0).unwrap();
        disk.cut_power(PowerCut::Tear { seed });
        content(&durable, "file")
    };
    let mixed = (0..20).filter(|&seed| {
        let bytes = torn(seed);
        assert_eq!(bytes, torn(seed));
        assert!(
            bytes
                .chunks(512)
                .all(|sector| sector.iter().all(|byte| *byte == sector[0]))
        );
        bytes.contains(&1) && bytes.contains(&2)
    });
    assert!(mixed.count() > 5);
}

#[test]
fn faults_fire_once_each_where_they_were_planned() {
    let inner = MemoryDisk::default();
    let disk = FaultyDisk::new(Arc::new(inner.clone()));
    let file = write(&disk, "file", b"....");
    for mode in [
        FaultMode::Failed,
        FaultMode::Short,
        FaultMode::FailedButDone,
    ] {
        disk.inject(Fault {
            operation: Some(Operation::Write),
            path_contains: "file".to_owned(),
            skip: 1,
            mode,
        });
    }
    write(&disk, "other", b"not concerned");
    file.write_all_at(b"aaaa", 0).unwrap();
    let mut seen = Vec::new();
    for bytes in [b"bbbb", b"cccc", b"dddd"] {
        file.write_all_at(bytes, 0).unwrap_err();
        seen.push(content(&inner, "file"));
    }
    assert_eq!(seen, [b"aaaa", b"ccaa", b"dddd"]);
    file.write_all_at(b"eeee", 0).unwrap();
    assert_eq!(disk.fired(), 3);
}

#[test]
fn a_full_disk_takes_overwrites_only() {
    let inner = MemoryDisk::default();
    let disk = FaultyDisk::new(Arc::new(inner.clone()));
    let file = write(&disk, "file", b"....");
    disk.set_full(true);
    file.write_all_at(b"over", 0).unwrap();
    let full = file.write_all_at(b"longer", 0).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    assert_eq!(content(&inner, "file"), b"long");
    let new = disk.create(path("new")).unwrap();
    assert!(new.write_all_at(b"1", 0).is_err());
    disk.set_full(false);
    file.write_all_at(b"longer", 0).unwrap();
    assert_eq!(disk.fired(), 2);
}

proptest! {
    #[test]
    fn a_volatile_file_reads_as_it_was_written(
        writes in prop::collection::vec((0_u64..3000, 1_usize..1500, any::<bool>()), 1..12),
    ) {
        let durable = MemoryDisk::default();
        let disk = VolatileDisk::new(Arc::new(durable.clone()));
        let file = disk.create(path("file")).unwrap();
        disk.sync_directory(path("")).unwrap();
        let (mut model, mut synced) = (Vec::new(), Vec::new());
        for (number, (offset, length, sync)) in (1_u8..).zip(writes) {
            let at = usize::try_from(offset).unwrap();
            model.resize(model.len().max(at + length), 0);
            model[at..at + length].fill(number);
            file.write_all_at(&vec![number; length], offset).unwrap();
            if sync {
                file.sync_data().unwrap();
                synced = model.clone();
            }
            prop_assert_eq!(&content(&disk, "file"), &model);
            prop_assert_eq!(&content(&durable, "file"), &synced);
        }
    }
}
