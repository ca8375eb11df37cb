//! Other processes: one that holds the data directory, and one that is killed while it writes.

#![cfg(test)]

use std::env;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;

use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::disk::VolatileDisk;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::OpenError;
use comity::store::embedded::journal::Preparation;

use super::support::contents;
use super::support::entries;
use super::support::open;
use super::support::settings;
use super::support::try_open;

const DIRECTORY: &str = "COMITY_TEST_JOURNAL";
const DROP_UNSYNCED: &str = "COMITY_TEST_JOURNAL_DROP_UNSYNCED";
const BATCH: u64 = 4;
const ACKNOWLEDGED: &str = "acknowledged ";

/// Not a test of its own: what the other process does. It appends for ever and tells how far it is.
#[expect(clippy::print_stdout, reason = "this is how the other process tells")]
#[test]
fn other_process() {
    let Some(directory) = env::var_os(DIRECTORY) else {
        return;
    };
    let mut disk: Arc<dyn Disk> = Arc::new(RealDisk::new(directory));
    if env::var_os(DROP_UNSYNCED).is_some() {
        disk = Arc::new(VolatileDisk::new(disk));
    }
    let settings = JournalSettings {
        preparation: Preparation::Beside,
        ..settings()
    };
    let (mut journal, _) = Journal::open(disk, &settings, &mut |_| {}).unwrap();
    loop {
        let next = journal.size().0;
        journal.append(&entries(next..next + BATCH)).unwrap();
        println!("\n{ACKNOWLEDGED}{}", next + BATCH);
    }
}

fn start(directory: &Path, drop_unsynced: bool) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "journal::process::other_process", "--nocapture"]);
    command
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if drop_unsynced {
        command.env(DROP_UNSYNCED, "yes");
    }
    command.spawn().unwrap()
}

/// Reads what the process tells until it has acknowledged so many entries more.
fn wait_for(child: &mut Child, entries: u64) -> (u64, impl Iterator<Item = u64> + use<>) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = lines
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix(ACKNOWLEDGED)?.parse().ok());
    let first: u64 = told.next().expect("the process acknowledges entries");
    let last = told
        .find(|size| *size >= first + entries)
        .expect("the process goes on");
    (last, told)
}

#[test]
fn a_data_directory_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = start(directory.path(), false);
    let _told = wait_for(&mut child, 0);
    let refusal = try_open(&RealDisk::new(directory.path())).map(|_| "opened");
    child.kill().unwrap();
    child.wait().unwrap();
    let error = refusal.unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    open(&RealDisk::new(directory.path()));
}

fn kill_again_and_again(drop_unsynced: bool) {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..8 {
        let mut child = start(directory.path(), drop_unsynced);
        let (_, told) = wait_for(&mut child, round * 7);
        child.kill().unwrap();
        child.wait().unwrap();
        let acknowledged = told.last().unwrap_or(0);
        let (journal, _) = open(&RealDisk::new(directory.path()));
        let size = journal.size().0;
        assert!(size >= acknowledged, "{size} of {acknowledged}");
        assert_eq!(contents(&journal), entries(0..size));
    }
}

#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    kill_again_and_again(false);
}

#[test]
fn a_killed_process_loses_nothing_acknowledged_though_unsynced_writes_are_lost() {
    kill_again_and_again(true);
}
