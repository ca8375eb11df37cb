//! A file in which every acknowledgement is noted, so that another process can check them.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use comity::decision_log::LeafHash;
use comity::decision_log::LogIndex;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Committed;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::Settings;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::projection::SledBackend;

use super::support::at;
use super::support::mixed;
use super::support::small_segments;
use super::support::state;

/// Notes what was acknowledged: one line an entry, its index and leaf hash.
///
/// A line is handed to the operating system before the caller goes on, so it outlives the process.
pub(crate) struct AcknowledgedLog {
    file: File,
}

impl AcknowledgedLog {
    /// Goes on with a file, or begins it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file })
    }

    /// Commits, and notes the answer if it is an acknowledgement.
    pub(crate) async fn commit(
        &mut self,
        store: &EmbeddedStore,
        command: Command,
    ) -> Result<Committed, CommitError> {
        let committed = store.commit(command).await?;
        let line = format!("{} {}\n", committed.index, committed.leaf_hash);
        self.file.write_all(line.as_bytes()).unwrap();
        Ok(committed)
    }
}

/// Checks that every whole line of the file is an entry of the log; gives how many there are.
pub(crate) fn check_acknowledged(path: &Path, store: &EmbeddedStore) -> usize {
    let text = fs::read_to_string(path).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        let (index, hash) = line.split_once(' ').unwrap();
        let (index, hash): (u64, LeafHash) = (index.parse().unwrap(), hash.parse().unwrap());
        let entry = store.record(LogIndex(index)).unwrap();
        assert_eq!(entry.leaf.hash(), hash, "entry {index}");
    }
    whole.lines().count()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_every_sudden_end() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let notes = directory.path().join("acknowledged");
    let mut settings = Settings::new(Arc::new(SledBackend::new(&data)), at(0));
    settings.journal = small_segments();
    let open = || {
        let disk = Arc::new(RealDisk::new(&data));
        EmbeddedStore::open(disk, &settings, &mut |_| {}).unwrap()
    };
    let mut expected = 0;
    for round in 0..4 {
        let store = open();
        if round > 0 {
            assert_eq!(check_acknowledged(&notes, &store), expected);
        }
        let mut log = AcknowledgedLog::open(&notes).unwrap();
        for number in 0..20 {
            let command = mixed(round * 100 + number);
            log.commit(&store, command).await.unwrap();
            expected += 1;
        }
        let live = state(&store);
        drop(store);
        assert_eq!(state(&open()), live);
    }
}
