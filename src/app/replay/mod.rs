//! Replay: recorded decisions again, each under its own archived bundle and its recorded facts.
//!
//! A log is gone through in pieces, on as many cores as are given; what came of them is put together in the order of the
//! log, so that the report is the same however many there are, and whether the run was broken off in between or not.

mod again;
mod engines;
mod job;
mod reached;
mod report;

use std::ops::ControlFlow;

use uuid::Uuid;

use crate::app::error::AppError;
use crate::app::recorded::Plan;
use crate::app::recorded::Selection;
use crate::app::recorded::in_order;
use crate::policy::bundle::Bundle;
use crate::policy::source::BundleDigest;
use crate::policy::source::BundleSource;
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::archive::Archive;
use crate::store::embedded::archive::ContentDigest;
use crate::store::embedded::journal::JournalReader;

use again::Again;

pub(in crate::app) use engines::Engines;

pub use reached::Reached;
pub use reached::ResumeError;
pub use report::EngineCount;
pub use report::MISMATCHES_SHOWN_MAX;
pub use report::Mismatch;
pub use report::MismatchKind;
pub use report::ReplayReport;

/// How many entries a worker takes at once.
const PIECE_ENTRIES: u64 = 2_048;

/// What is replayed, and on how many cores.
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    reader: JournalReader,
    archive: &'a Archive,
    origin: Uuid,
    workers: usize,
    piece: u64,
}

impl<'a> Replay<'a> {
    /// The log of a store, on so many cores.
    pub fn of(store: &EmbeddedStore, archive: &'a Archive, workers: usize) -> Self {
        Self::new(store.reader(), (store.started().origin, archive), workers)
    }

    /// A log by its reader and its name, with the archive of its bundles.
    pub fn new(
        reader: JournalReader,
        (origin, archive): (Uuid, &'a Archive),
        workers: usize,
    ) -> Self {
        Self {
            reader,
            archive,
            origin,
            workers,
            piece: PIECE_ENTRIES,
        }
    }

    /// The same, taking so many entries at once.
    #[must_use]
    pub fn by_pieces_of(self, piece: u64) -> Self {
        Self { piece, ..self }
    }

    /// The beginning of a run over what is in the log now and wanted.
    pub fn begin(&self, selection: Selection) -> Reached {
        Reached::nothing(self.origin, selection, self.reader.size())
    }

    /// Goes on from where a run has come to its end, or until `heard` ends it; that is told after each piece.
    pub fn go_on(
        &self,
        mut reached: Reached,
        mut heard: impl FnMut(&Reached) -> ControlFlow<()>,
    ) -> Result<Reached, AppError> {
        let selection = reached.selection().clone();
        let plan = Plan {
            workers: self.workers,
            piece: self.piece,
        };
        let mut failed = None;
        in_order(
            reached.left(),
            plan,
            || Again::new(&self.reader, self.archive),
            |again, piece| again.piece(&selection, piece),
            |end, found| match found {
                Ok(found) => {
                    reached.take(end, found);
                    heard(&reached)
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            },
        )?;
        match failed {
            Some(error) => Err(AppError::Broken(Box::new(error))),
            None => Ok(reached),
        }
    }
}

/// Replays every decision in the store; `progress` hears how many of how many entries are done.
pub fn replay_all(
    store: &EmbeddedStore,
    archive: &Archive,
    mut progress: impl FnMut(u64, u64),
) -> Result<ReplayReport, AppError> {
    let replay = Replay::of(store, archive, cores());
    let begun = replay.begin(Selection::default());
    let reached = replay.go_on(begun, |reached| {
        progress(reached.done(), reached.entries());
        ControlFlow::Continue(())
    })?;
    Ok(reached.into_report())
}

/// How many cores there are.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
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
