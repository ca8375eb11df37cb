//! Impact: what recorded requests would have got under other policies, or with other agreements. Nothing is written.
//!
//! Each submission of a period is decided again from its recorded facts, and what comes out is held against what was
//! recorded. Answers of reviewers and reports are left aside: they are about submissions that are counted already.

mod agreements;
mod compare;
mod job;
mod report;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::publish::registry_under;
use crate::app::recorded::Plan;
use crate::app::recorded::Selection;
use crate::app::recorded::in_order;
use crate::app::response_settings::with_settings_of;
use crate::decision::conformity::conforms;
use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::policy::bundle::Bundle;
use crate::policy::source::BundleSource;
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::archive::Archive;
use crate::store::embedded::journal::JournalReader;

use agreements::Agreements;
pub(in crate::app) use compare::Compare;

pub use job::Candidate;
pub use job::TryOut;
pub use report::Changes;
pub use report::EXAMPLES_MAX;
pub use report::Example;
pub use report::Group;
pub use report::ImpactReport;
pub use report::Transition;
pub use report::TriedAnswer;

/// How many entries a worker takes at once.
const PIECE_ENTRIES: u64 = 2_048;

/// What is tried: a bundle that passes the gate, agreements that fit it, or both.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Absent: each request under the bundle that decided it.
    bundle: Option<Arc<Bundle>>,
    agreements: Arc<Agreements>,
}

/// A log whose decisions are tried under something else.
#[derive(Clone, Debug)]
pub struct Impact<'a> {
    reader: JournalReader,
    archive: &'a Archive,
    workers: usize,
}

impl Tried {
    /// Lets a bundle through the gate of publication, with the responses that were approved by now laid over it, and holds
    /// agreements against it.
    ///
    /// Without a bundle, agreements alone are tried.
    pub fn new(
        store: &EmbeddedStore,
        source: Option<BundleSource>,
        agreements: Vec<Agreement>,
    ) -> Result<Self, AppError> {
        let bundle = source.map(|source| gated(store, source)).transpose()?;
        if bundle.is_none() && agreements.is_empty() {
            let detail = "neither other policies nor other agreements are tried";
            return Err(AppError::Invalid(vec![Invalid::at("", detail)]));
        }
        if let Some(bundle) = &bundle {
            let misfits = agreements.iter().enumerate().filter_map(|(number, it)| {
                let error = conforms(bundle, &Document::Agreement(it.clone())).err()?;
                let detail = format!("the agreement does not fit the schema: {error}");
                Some(Invalid::at(format!("/agreements/{number}"), detail))
            });
            let misfits: Vec<Invalid> = misfits.collect();
            if !misfits.is_empty() {
                return Err(AppError::Invalid(misfits));
            }
        }
        Ok(Self {
            bundle: bundle.map(Arc::new),
            agreements: Arc::new(Agreements::new(agreements)),
        })
    }
}

fn gated(store: &EmbeddedStore, source: BundleSource) -> Result<Bundle, AppError> {
    let source = with_settings_of(store, source)?;
    let bundle = Bundle::compile(&source).map_err(AppError::Refused)?;
    registry_under(store, &bundle).map_err(AppError::Refused)?;
    Ok(bundle)
}

impl<'a> Impact<'a> {
    /// The log of a store, on so many cores.
    pub fn of(store: &EmbeddedStore, archive: &'a Archive, workers: usize) -> Self {
        Self::new(store.reader(), archive, workers)
    }

    /// A log by its reader, with the archive of its bundles.
    pub fn new(reader: JournalReader, archive: &'a Archive, workers: usize) -> Self {
        Self {
            reader,
            archive,
            workers,
        }
    }

    /// What would have come out of what is wanted; `heard` is told how many of how many entries are done, and can end it.
    pub fn find(
        &self,
        tried: &Tried,
        selection: &Selection,
        mut heard: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<ImpactReport, AppError> {
        let plan = Plan {
            workers: self.workers,
            piece: PIECE_ENTRIES,
        };
        let entries = selection.entries(self.reader.size());
        let (first, count) = (entries.start, entries.end - entries.start);
        let mut report = ImpactReport::of(tried.named(), selection.clone());
        let mut failed = None;
        let mut done = 0;
        in_order(
            entries,
            plan,
            || Compare::new(&self.reader, self.archive, tried),
            |compare, piece| compare.piece(selection, piece),
            |end, found| match found {
                Ok(found) => {
                    report.add(found);
                    done = end - first;
                    heard(done, count)
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            },
        )?;
        match failed {
            Some(error) => Err(AppError::Broken(Box::new(error))),
            None if done < count => Err(AppError::Broken("it was ended before".into())),
            None => Ok(report),
        }
    }
}

impl Tried {
    /// The bundle, where one is tried.
    pub(in crate::app) fn bundle(&self) -> Option<&Arc<Bundle>> {
        self.bundle.as_ref()
    }

    pub(in crate::app) fn named(&self) -> TriedAnswer {
        TriedAnswer {
            bundle: self.bundle.as_ref().map(|it| it.digest().to_string()),
            agreements: self.agreements.partners().cloned().collect(),
        }
    }
}
