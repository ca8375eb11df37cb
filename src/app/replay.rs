//! Replay: every recorded decision again, under its own archived bundle and its recorded facts.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use serde::Serialize;

use crate::app::error::AppError;
use crate::app::report::is_evaluated;
use crate::app::requests::decision_record;
use crate::decision::engine::Engine;
use crate::decision::record::DecisionRecord;
use crate::decision::record::differences;
use crate::decision::record::replay;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::policy::bundle::Bundle;
use crate::policy::source::BundleDigest;
use crate::policy::source::BundleSource;
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::StoredEntry;
use crate::store::embedded::archive::Archive;
use crate::store::embedded::archive::ContentDigest;

/// How many mismatches a report shows; it counts all of them.
pub const MISMATCHES_SHOWN_MAX: usize = 100;

/// What replaying found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReplayReport {
    /// Log entries that were read.
    pub entries: u64,
    /// Decisions that were made again.
    pub decisions: u64,
    /// Items in them.
    pub items: u64,
    /// Decisions that came out the same.
    pub identical: u64,
    /// Decisions of which a part was erased, so that they cannot be made again.
    pub erased: u64,
    /// Decisions that came out differently, and entries that are not what their leaves commit to.
    pub mismatches: u64,
    /// The first of them.
    pub examples: Vec<Mismatch>,
    /// Decisions by bundle.
    pub bundles: BTreeMap<String, u64>,
}

/// A decision that came out differently, or an entry that is not what its leaf commits to.
#[derive(Clone, Debug, Serialize)]
pub struct Mismatch {
    /// The entry.
    pub index: u64,
    /// The engine that decided then; absent if the record does not say what the log committed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// What differs.
    pub differences: Vec<String>,
}

/// Replays every decision in the store; `progress` hears how many of how many entries are done.
pub fn replay_all(
    store: &EmbeddedStore,
    archive: &Archive,
    mut progress: impl FnMut(u64, u64),
) -> Result<ReplayReport, AppError> {
    let total = store.reader().size().0;
    let mut engines = Engines {
        archive,
        made: HashMap::new(),
    };
    let mut report = ReplayReport::default();
    for index in 0..total {
        replay_entry(store, LogIndex(index), &mut engines, &mut report)?;
        report.entries += 1;
        progress(index + 1, total);
    }
    Ok(report)
}

fn replay_entry(
    store: &EmbeddedStore,
    index: LogIndex,
    engines: &mut Engines<'_>,
    report: &mut ReplayReport,
) -> Result<(), AppError> {
    let stored = match store.record(index) {
        Ok(stored) => stored,
        Err(error) if error.is_mismatch() => {
            report.note(index, None, vec![chain(&error)]);
            return Ok(());
        }
        Err(error) => return Err(AppError::Broken(Box::new(error))),
    };
    if !holds_decision(&stored) {
        return Ok(());
    }
    if stored.record.iter().any(|part| part.present().is_none()) {
        report.erased += 1;
        return Ok(());
    }
    let record = decision_record(&stored)?;
    report.decisions += 1;
    report.items += record.items.len() as u64;
    *report
        .bundles
        .entry(record.bundle.digest.clone())
        .or_default() += 1;
    let found = replay_record(&record, engines)?;
    if found.is_empty() {
        report.identical += 1;
        return Ok(());
    }
    report.note(index, Some(record.engine_version), found);
    Ok(())
}

/// A report holds one only where the partner granted something.
fn holds_decision(stored: &StoredEntry) -> bool {
    match stored.leaf.kind() {
        LeafKind::Request | LeafKind::Review => true,
        LeafKind::Report => is_evaluated(stored),
        LeafKind::Genesis
        | LeafKind::Registry
        | LeafKind::Withdrawal
        | LeafKind::Obligation
        | LeafKind::Revocation
        | LeafKind::Acknowledgement
        | LeafKind::Expiry
        | LeafKind::Reminder
        | LeafKind::Publication
        | LeafKind::Refusal
        | LeafKind::DryRunSummary
        | LeafKind::Administrative => false,
    }
}

impl ReplayReport {
    fn note(&mut self, index: LogIndex, engine_version: Option<String>, differences: Vec<String>) {
        self.mismatches += 1;
        if self.examples.len() < MISMATCHES_SHOWN_MAX {
            self.examples.push(Mismatch {
                index: index.0,
                engine_version,
                differences,
            });
        }
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn replay_record(
    record: &DecisionRecord,
    engines: &mut Engines<'_>,
) -> Result<Vec<String>, AppError> {
    let engine = engines.of(&record.bundle.digest)?;
    let found = differences(&record.items, &replay(record, &engine));
    Ok(found
        .into_iter()
        .map(|difference| difference.to_string())
        .collect())
}

struct Engines<'a> {
    archive: &'a Archive,
    made: HashMap<String, Arc<Engine>>,
}

impl Engines<'_> {
    fn of(&mut self, digest: &str) -> Result<Arc<Engine>, AppError> {
        if let Some(engine) = self.made.get(digest) {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new(Engine::new(Arc::new(
            archived_bundle(self.archive, digest)?.1,
        )));
        self.made.insert(digest.to_owned(), Arc::clone(&engine));
        Ok(engine)
    }
}

/// The bundle that an archive holds under a digest.
pub fn archived_bundle(
    archive: &Archive,
    digest: &str,
) -> Result<(BundleSource, Bundle), AppError> {
    let source = archived_source(archive, digest)?;
    let bundle = Bundle::compile(&source).map_err(AppError::Refused)?;
    Ok((source, bundle))
}

/// The texts of the bundle that an archive holds under a digest.
pub(in crate::app) fn archived_source(
    archive: &Archive,
    digest: &str,
) -> Result<BundleSource, AppError> {
    let digest: BundleDigest = digest
        .parse()
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    let bytes = archive
        .get(&ContentDigest::from(*digest.as_bytes()))
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    BundleSource::from_archive(&bytes).map_err(|error| AppError::Broken(Box::new(error)))
}
