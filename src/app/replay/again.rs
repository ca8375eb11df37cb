//! One worker: reads entries, decides again, compares.

use std::ops::Range;

use crate::app::recorded::Found;
use crate::app::recorded::Recorded;
use crate::app::recorded::Selection;
use crate::app::recorded::recorded;
use crate::app::replay::engines::Engines;
use crate::app::replay::report::Differs;
use crate::app::replay::report::Mismatch;
use crate::app::replay::report::MismatchKind;
use crate::app::replay::report::ReplayReport;
use crate::decision::decide::ItemDecision;
use crate::decision::decide::selection;
use crate::decision::entities::KnownEntities;
use crate::decision::record::DecisionRecord;
use crate::decision::record::differences;
use crate::decision::record::replay_knowing;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::store::embedded::archive::Archive;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::journal::ReadError;

pub(super) struct Again<'a> {
    reader: &'a JournalReader,
    engines: Engines<'a>,
    known: KnownEntities,
}

impl<'a> Again<'a> {
    pub(super) fn new(reader: &'a JournalReader, archive: &'a Archive) -> Self {
        Self {
            reader,
            engines: Engines::new(archive),
            known: KnownEntities::default(),
        }
    }

    /// What came of a piece of the log.
    pub(super) fn piece(
        &mut self,
        selection: &Selection,
        piece: Range<u64>,
    ) -> Result<ReplayReport, ReadError> {
        let mut report = ReplayReport::empty();
        recorded(self.reader, selection, piece, |index, found| {
            report.entries += 1;
            match found {
                Found::Nothing => {}
                Found::Erased => report.erased += 1,
                Found::Decision(decision) => self.again(&decision, &mut report),
                Found::Unlike(reason) => report.note(unlike(index, reason)),
            }
        })?;
        Ok(report)
    }

    fn again(&mut self, decision: &Recorded, report: &mut ReplayReport) {
        let Recorded {
            index,
            kind,
            record,
            ..
        } = decision;
        report.count(record);
        let engine = match self.engines.of(&record.bundle.digest) {
            Ok(engine) => engine,
            Err(reason) => {
                report.note(without_bundle(*index, record, reason));
                return;
            }
        };
        let replayed = replay_knowing(record, engine, &self.known);
        let mut found = Differs::between(&record.items, &replayed);
        // What was chosen among candidates is recorded with the submission.
        if *kind == LeafKind::Request {
            let chosen = selection(&record.request, &record.facts, &replayed);
            found.compare("selection", &record.selection, &chosen);
        }
        if found.is_empty() {
            report.identical(record);
        } else {
            report.note(found.mismatch(*index, record));
        }
    }
}

impl Differs {
    fn between(recorded: &[ItemDecision], replayed: &[ItemDecision]) -> Self {
        let mut differs = Self::default();
        for difference in differences(recorded, replayed) {
            differs.note(difference.member, difference.to_string());
        }
        differs
    }
}

fn unlike(index: LogIndex, reason: String) -> Mismatch {
    Mismatch {
        index: index.0,
        kind: MismatchKind::Record,
        request_id: None,
        engine_version: None,
        other_engine: false,
        differs: Vec::new(),
        differences: vec![reason],
    }
}

fn without_bundle(index: LogIndex, record: &DecisionRecord, reason: &str) -> Mismatch {
    let digest = &record.bundle.digest;
    let reason = format!("the archived bundle `{digest}` cannot be asked: {reason}");
    Mismatch {
        kind: MismatchKind::Bundle,
        request_id: Some(record.request_id),
        engine_version: Some(record.engine_version.clone()),
        ..unlike(index, reason)
    }
}
