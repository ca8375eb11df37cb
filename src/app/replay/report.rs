//! What replaying found.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision::record::DecisionRecord;
use crate::decision::record::ENGINE_VERSION;
use crate::decision_log::LogIndex;

/// How many mismatches a report shows; it counts all of them.
pub const MISMATCHES_SHOWN_MAX: usize = 100;

/// How many differences of one mismatch a report shows.
const DIFFERENCES_SHOWN_MAX: usize = 50;

/// What replaying found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// In how many decisions each member differs.
    pub differing: BTreeMap<String, u64>,
    /// The first mismatches, in the order of the log.
    pub examples: Vec<Mismatch>,
    /// Decisions by bundle.
    pub bundles: BTreeMap<String, u64>,
    /// The engine that decided again.
    pub engine_version: String,
    /// Decisions by the engine that decided then.
    pub engines: BTreeMap<String, EngineCount>,
}

/// Decisions of one engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineCount {
    /// How many were made again.
    pub decisions: u64,
    /// How many of them came out the same.
    pub identical: u64,
}

/// A decision that came out differently, or an entry that is not what its leaf commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// The entry.
    pub index: u64,
    /// What is wrong, in one word.
    pub kind: MismatchKind,
    /// The request; absent if the record does not say what the log committed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// The engine that decided then; absent likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// Whether another engine decided then than now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_engine: bool,
    /// The members that differ, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
    /// What differs.
    pub differences: Vec<String>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MismatchKind {
    /// The decision came out differently, under the engine that decided then.
    Decision,
    /// The decision came out differently, and another engine decided then.
    Engine,
    /// The record is not what its leaf commits to, or cannot be read.
    Record,
    /// The bundle that decided is not in the archive, or cannot be asked.
    Bundle,
}

impl ReplayReport {
    /// Nothing yet, by the present engine.
    pub(super) fn empty() -> Self {
        Self {
            engine_version: ENGINE_VERSION.to_owned(),
            ..Self::default()
        }
    }

    /// Counts a decision that can be made again.
    pub(super) fn count(&mut self, record: &DecisionRecord) {
        self.decisions += 1;
        self.items += record.items.len() as u64;
        *counted(&mut self.bundles, &record.bundle.digest) += 1;
        counted(&mut self.engines, &record.engine_version).decisions += 1;
    }

    /// Counts one that came out the same.
    pub(super) fn identical(&mut self, record: &DecisionRecord) {
        self.identical += 1;
        counted(&mut self.engines, &record.engine_version).identical += 1;
    }

    /// Counts a mismatch, and shows it if it is among the first.
    pub(super) fn note(&mut self, mismatch: Mismatch) {
        self.mismatches += 1;
        for member in &mismatch.differs {
            *counted(&mut self.differing, member) += 1;
        }
        if self.examples.len() < MISMATCHES_SHOWN_MAX {
            self.examples.push(mismatch);
        }
    }

    /// Adds what was found in the entries after these.
    pub(super) fn add(&mut self, later: Self) {
        // Names every member, so that a new one cannot be forgotten.
        let Self {
            entries,
            decisions,
            items,
            identical,
            erased,
            mismatches,
            differing,
            examples,
            bundles,
            engine_version: _,
            engines,
        } = later;
        self.entries += entries;
        self.decisions += decisions;
        self.items += items;
        self.identical += identical;
        self.erased += erased;
        self.mismatches += mismatches;
        for (member, count) in differing {
            *counted(&mut self.differing, &member) += count;
        }
        for (digest, count) in bundles {
            *counted(&mut self.bundles, &digest) += count;
        }
        for (version, count) in engines {
            let sum = counted(&mut self.engines, &version);
            sum.decisions += count.decisions;
            sum.identical += count.identical;
        }
        let room = MISMATCHES_SHOWN_MAX.saturating_sub(self.examples.len());
        self.examples.extend(examples.into_iter().take(room));
    }
}

/// What is counted under a name.
fn counted<'a, T: Default>(counts: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    counts.entry(name.to_owned()).or_default()
}

/// Where two decisions are not the same.
#[derive(Debug, Default)]
pub(super) struct Differs {
    members: Vec<&'static str>,
    told: Vec<String>,
    untold: usize,
}

impl Differs {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn note(&mut self, member: &'static str, difference: String) {
        if !self.members.contains(&member) {
            self.members.push(member);
        }
        if self.told.len() < DIFFERENCES_SHOWN_MAX {
            self.told.push(difference);
        } else {
            self.untold += 1;
        }
    }

    /// Notes a member of the whole decision, if it differs.
    pub(super) fn compare<T: PartialEq + Serialize>(
        &mut self,
        member: &'static str,
        recorded: &T,
        replayed: &T,
    ) {
        if recorded != replayed {
            let (recorded, replayed) = (json(recorded), json(replayed));
            self.note(member, format!("{member}: {recorded} then, {replayed} now"));
        }
    }

    pub(super) fn mismatch(self, index: LogIndex, record: &DecisionRecord) -> Mismatch {
        let then = &record.engine_version;
        let other_engine = then != ENGINE_VERSION;
        let engine = other_engine.then(|| format!("engine: {then} then, {ENGINE_VERSION} now"));
        let untold = (self.untold > 0).then(|| format!("and {} more", self.untold));
        let told = engine.into_iter().chain(self.told).chain(untold);
        Mismatch {
            index: index.0,
            kind: if other_engine {
                MismatchKind::Engine
            } else {
                MismatchKind::Decision
            },
            request_id: Some(record.request_id),
            engine_version: Some(then.clone()),
            other_engine,
            differs: self.members.into_iter().map(str::to_owned).collect(),
            differences: told.collect(),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("unreadable: {error}"))
}
