//! The journal against a plain list that plays the same operations.

#![cfg(test)]

use std::sync::Arc;

use comity::decision_log::LogIndex;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::journal::AppendError;
use comity::store::embedded::journal::EntryBytes;
use proptest::prelude::*;

use super::support::contents;
use super::support::open;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<EntryBytes>),
    AppendWithFailedWrite(Vec<EntryBytes>, &'static str, FaultMode),
    Reopen,
    Read(prop::sample::Index),
    Stream(prop::sample::Index),
}

fn batch() -> impl Strategy<Value = Vec<EntryBytes>> {
    let bytes = |limit| prop::collection::vec(any::<u8>(), 0..limit);
    let entry = (bytes(60), bytes(400)).prop_map(|(leaf, payload)| EntryBytes { leaf, payload });
    prop::collection::vec(entry, 0..6)
}

fn step() -> impl Strategy<Value = Step> {
    let path = prop::sample::select(vec!["payload/", "leaf/"]);
    let mode = prop::sample::select(vec![
        FaultMode::Failed,
        FaultMode::Short,
        FaultMode::FailedButDone,
    ]);
    prop_oneof![
        4 => batch().prop_map(Step::Append),
        2 => (batch(), path, mode).prop_map(|(batch, path, mode)| Step::AppendWithFailedWrite(batch, path, mode)),
        1 => Just(Step::Reopen),
        1 => any::<prop::sample::Index>().prop_map(Step::Read),
        1 => any::<prop::sample::Index>().prop_map(Step::Stream),
    ]
}

proptest! {
    #[test]
    fn the_journal_is_a_list_that_lasts(steps in prop::collection::vec(step(), 1..30)) {
        let disk = FaultyDisk::new(Arc::new(MemoryDisk::default()));
        let mut list: Vec<EntryBytes> = Vec::new();
        let (mut journal, _) = open(&disk);
        for step in steps {
            match step {
                Step::Append(batch) => {
                    let range = journal.append(&batch).unwrap();
                    prop_assert_eq!(range.start, LogIndex(list.len() as u64));
                    list.extend(batch);
                    prop_assert_eq!(range.end, LogIndex(list.len() as u64));
                }
                Step::AppendWithFailedWrite(batch, path, mode) => {
                    let fired = disk.fired();
                    let fault = Fault {
                        operation: Some(Operation::Write),
                        path_contains: path.to_owned(),
                        skip: 0,
                        mode,
                    };
                    disk.inject(fault);
                    let outcome = journal.append(&batch);
                    disk.clear();
                    prop_assert_eq!(disk.fired() - fired, u64::from(!batch.is_empty()));
                    let not_recorded = matches!(outcome, Err(AppendError::NotRecorded { .. }));
                    prop_assert!(batch.is_empty() || not_recorded);
                }
                Step::Reopen => {
                    let chain = journal.chain();
                    drop(journal);
                    let (reopened, recovery) = open(&disk);
                    journal = reopened;
                    prop_assert_eq!(journal.chain(), chain);
                    prop_assert!(recovery.cuts.is_empty() && recovery.unacknowledged == 0);
                }
                Step::Read(at) => {
                    let Some(at) = (!list.is_empty()).then(|| at.index(list.len())) else { continue };
                    let index = LogIndex(at as u64);
                    prop_assert_eq!(&journal.reader().read_leaf(index).unwrap(), &list[at].leaf);
                    prop_assert_eq!(&journal.reader().read_payload(index).unwrap(), &list[at].payload);
                }
                Step::Stream(at) => {
                    let at = at.index(list.len() + 1);
                    let found = journal.reader().entries(LogIndex(at as u64)).map(|entry| entry.unwrap().payload);
                    let expected = list[at..].iter().map(|entry| entry.payload.clone());
                    prop_assert!(found.eq(expected));
                }
            }
        }
        prop_assert_eq!(contents(&journal), list);
    }
}
