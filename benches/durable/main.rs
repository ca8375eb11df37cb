//! How many durable acts a second, as ratios to the disk's own rate of syncs in the same run.
//!
//! `docs/benchmarks.md` says what each table means. Nothing here passes or fails by a time. The data lies under
//! the system's directory for temporary files, which `TMPDIR` chooses; it must be on a disk.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the tables are what it is run for")]

mod journal;
mod service;
mod syncs;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    syncs::print(directory.path());
    journal::print(directory.path());
    service::print(directory.path());
}
