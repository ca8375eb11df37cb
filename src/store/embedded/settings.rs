//! What can be chosen about the embedded store.

use std::fs;
use std::sync::Arc;

use crate::domain::time::Timestamp;
use crate::store::embedded::journal::JournalSettings;
use crate::store::embedded::projection::ProjectionBackend;
use crate::store::state::ENDED_REQUESTS;

/// How many commands may wait, unless chosen otherwise.
pub const QUEUE_COMMANDS: usize = 4_096;

/// How many commands are sequenced together, unless chosen otherwise.
pub const BATCH_COMMANDS: usize = 256;

/// How many entries lie between two snapshots, unless chosen otherwise.
pub const SNAPSHOT_ENTRIES: u64 = 100_000;

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the journal lays out its files.
    pub journal: JournalSettings,
    /// How many commands may wait; one more is answered that the queue is full.
    pub queue_commands: usize,
    /// How many commands are sequenced together at most.
    pub batch_commands: usize,
    /// How many entries lie between two snapshots.
    pub snapshot_entries: u64,
    /// How many requests that have ended stay in memory; those before are read from the log.
    pub ended_requests: usize,
    /// Where the projection is kept.
    pub projection: Arc<dyn ProjectionBackend>,
    /// What names the run of the operating system; another one means that the power may have gone.
    pub boot_id: String,
    /// When the store is opened: the time of the first entry of a new log.
    pub opened_at: Timestamp,
}

impl Settings {
    /// Settings with the usual limits.
    pub fn new(projection: Arc<dyn ProjectionBackend>, opened_at: Timestamp) -> Self {
        Self {
            journal: JournalSettings::default(),
            queue_commands: QUEUE_COMMANDS,
            batch_commands: BATCH_COMMANDS,
            snapshot_entries: SNAPSHOT_ENTRIES,
            ended_requests: ENDED_REQUESTS,
            projection,
            boot_id: current_boot_id(),
            opened_at,
        }
    }
}

/// The random name that Linux gives to each of its runs; empty where there is none.
pub fn current_boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}
