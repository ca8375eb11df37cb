//! One worker: decides each recorded submission under what is tried, and holds the two against each other.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::app::impact::Tried;
use crate::app::impact::report::Example;
use crate::app::impact::report::ImpactReport;
use crate::app::impact::report::Transition;
use crate::app::recorded::Found;
use crate::app::recorded::Recorded;
use crate::app::recorded::Selection;
use crate::app::recorded::recorded;
use crate::app::replay::Engines;
use crate::decision::decide::ItemDecision;
use crate::decision::decide::decide_knowing;
use crate::decision::engine::Engine;
use crate::decision::entities::KnownEntities;
use crate::decision::facts::other_system;
use crate::decision::record::differences;
use crate::decision_log::LeafKind;
use crate::store::embedded::archive::Archive;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::journal::ReadError;

/// What stands for the category of an item to which no permit applies.
const NO_CATEGORY: &str = "(no category)";

/// What stands for the policies of an item that is refused because nothing permits it.
const NO_POLICY: &str = "(no policy)";

pub(in crate::app) struct Compare<'a> {
    reader: &'a JournalReader,
    engines: Engines<'a>,
    engine: Option<Engine>,
    tried: &'a Tried,
    known: KnownEntities,
}

impl<'a> Compare<'a> {
    pub(super) fn new(reader: &'a JournalReader, archive: &'a Archive, tried: &'a Tried) -> Self {
        Self {
            reader,
            engines: Engines::new(archive),
            engine: tried.bundle.clone().map(Engine::new),
            tried,
            known: KnownEntities::default(),
        }
    }

    /// The same, by an engine of the bundle that is tried.
    pub(in crate::app) fn by(
        reader: &'a JournalReader,
        archive: &'a Archive,
        tried: &'a Tried,
        engine: Engine,
    ) -> Self {
        Self {
            reader,
            engines: Engines::new(archive),
            engine: Some(engine),
            tried,
            known: KnownEntities::default(),
        }
    }

    /// The engine, to go on with it later.
    pub(in crate::app) fn into_engine(self) -> Option<Engine> {
        self.engine
    }

    /// What would have come out of a piece of the log.
    pub(in crate::app) fn piece(
        &mut self,
        selection: &Selection,
        piece: Range<u64>,
    ) -> Result<ImpactReport, ReadError> {
        let mut report = ImpactReport::default();
        recorded(self.reader, selection, piece, |_, found| {
            report.entries += 1;
            match found {
                Found::Erased => report.erased += 1,
                Found::Unlike(_) => report.unreadable += 1,
                Found::Decision(decision) if decision.kind == LeafKind::Request => {
                    self.submission(&decision, &mut report);
                }
                Found::Decision(_) | Found::Nothing => {}
            }
        })?;
        Ok(report)
    }

    fn submission(&mut self, decision: &Recorded, report: &mut ImpactReport) {
        let record = &decision.record;
        let engine = match &self.engine {
            Some(engine) => Ok(engine),
            None => self.engines.of(&record.bundle.digest),
        };
        let Ok(engine) = engine else {
            report.unreadable += 1;
            return;
        };
        let other = self.tried.agreements.over(&record.request, &record.facts);
        let facts = other.as_ref().unwrap_or(&record.facts);
        let now = decide_knowing(engine, &self.known, &record.request, facts, record.now);
        report.decisions += 1;
        let before = report.changed_items;
        for (number, (then, now)) in record.items.iter().zip(&now).enumerate() {
            Item {
                decision,
                number,
                then,
                now,
            }
            .note(report);
        }
        if report.changed_items > before {
            report.changed_decisions += 1;
        }
    }
}

/// One item, as it was decided and as it would be.
struct Item<'a> {
    decision: &'a Recorded,
    number: usize,
    then: &'a ItemDecision,
    now: &'a ItemDecision,
}

impl Item<'_> {
    fn note(&self, report: &mut ImpactReport) {
        report.items += 1;
        let transition = Transition {
            from: self.then.outcome,
            to: self.now.outcome,
        };
        let partner = other_system(&self.decision.record.request).as_str();
        report.by_partner(partner, transition);
        for category in self.categories() {
            report.by_category(category, transition);
        }
        if transition.is_change() {
            report.changed_items += 1;
            for policy in self.policies() {
                report.by_policy(policy, transition);
            }
            report.change(transition, || self.example());
        } else if self.then != self.now {
            let (then, now) = (
                std::slice::from_ref(self.then),
                std::slice::from_ref(self.now),
            );
            for difference in differences(then, now) {
                report.otherwise(difference.member);
            }
        }
    }

    /// Those of then and of now.
    fn categories(&self) -> BTreeSet<&str> {
        let both = self.then.categories.iter().chain(&self.now.categories);
        let both: BTreeSet<&str> = both.map(String::as_str).collect();
        if both.is_empty() {
            BTreeSet::from([NO_CATEGORY])
        } else {
            both
        }
    }

    /// Those that determined it either then or now: it is by them that it changes.
    fn policies(&self) -> BTreeSet<&str> {
        let (then, now) = (ids(self.then), ids(self.now));
        let either: BTreeSet<&str> = then.symmetric_difference(&now).copied().collect();
        if !either.is_empty() {
            return either;
        }
        if now.is_empty() {
            BTreeSet::from([NO_POLICY])
        } else {
            now
        }
    }

    fn example(&self) -> Example {
        let record = &self.decision.record;
        let owned = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect();
        Example {
            index: self.decision.index.0,
            request_id: record.request_id,
            href: format!("/v1/requests/{}", record.request_id),
            item: self.number,
            recorded_at: self.decision.at,
            operation: record.request.body.operation(),
            partner: other_system(&record.request).clone(),
            categories: owned(self.categories()),
            from: self.then.outcome,
            to: self.now.outcome,
            policies_then: owned(ids(self.then)),
            policies_now: owned(ids(self.now)),
        }
    }
}

fn ids(item: &ItemDecision) -> BTreeSet<&str> {
    item.policies
        .iter()
        .map(|policy| policy.id.as_str())
        .collect()
}
