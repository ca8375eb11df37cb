//! What would have come out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::app::recorded::Selection;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;

/// How many examples a report shows of each way in which an outcome changes.
pub const EXAMPLES_MAX: usize = 10;

/// From which outcome to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transition {
    /// What came out.
    pub from: Outcome,
    /// What would have.
    pub to: Outcome,
}

impl Transition {
    /// Whether the two are not the same.
    pub fn is_change(self) -> bool {
        self.from != self.to
    }
}

/// How many items change in which way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(BTreeMap<Transition, u64>);

impl Changes {
    /// Each way in which some change, and how many.
    pub fn iter(&self) -> impl Iterator<Item = (Transition, u64)> {
        self.0
            .iter()
            .map(|(transition, items)| (*transition, *items))
    }

    fn count(&mut self, transition: Transition, items: u64) {
        *self.0.entry(transition).or_default() += items;
    }

    fn add(&mut self, later: Self) {
        for (transition, items) in later.0 {
            self.count(transition, items);
        }
    }
}

/// A way in which outcomes change as it is written.
#[derive(Serialize, Deserialize)]
struct Counted {
    #[serde(flatten)]
    transition: Transition,
    items: u64,
}

impl Serialize for Changes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counted = self.iter();
        serializer.collect_seq(counted.map(|(transition, items)| Counted { transition, items }))
    }
}

impl<'de> Deserialize<'de> for Changes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut changes = Self::default();
        for Counted { transition, items } in Vec::<Counted>::deserialize(deserializer)? {
            changes.count(transition, items);
        }
        Ok(changes)
    }
}

/// Items of a category, a partner or a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How many there are; of a policy those that it changes alone.
    pub items: u64,
    /// How many of them come out otherwise.
    pub changed: u64,
    /// In which ways.
    pub changes: Changes,
}

/// What was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedAnswer {
    /// The digest of the bundle; null where each request was decided under its own.
    pub bundle: Option<String>,
    /// The partners whose agreements were.
    pub agreements: Vec<McSystemId>,
}

/// An item that would have come out otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The entry of the log.
    pub index: u64,
    /// The request.
    pub request_id: Uuid,
    /// Where a running service tells it.
    pub href: String,
    /// The number of the item.
    pub item: usize,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The operation.
    pub operation: Operation,
    /// The other system.
    pub partner: McSystemId,
    /// Its categories, then or now.
    pub categories: Vec<String>,
    /// What came out.
    pub from: Outcome,
    /// What would have.
    pub to: Outcome,
    /// What determined it.
    pub policies_then: Vec<String>,
    /// What would have.
    pub policies_now: Vec<String>,
}

/// What would have come out of the requests of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpactReport {
    /// What was tried.
    pub tried: TriedAnswer,
    /// Of which requests.
    pub selection: Selection,
    /// Log entries that were read.
    pub entries: u64,
    /// Requests that were decided again.
    pub decisions: u64,
    /// Items in them.
    pub items: u64,
    /// Requests of which a part was erased, so that they cannot be decided again.
    pub erased: u64,
    /// Entries that cannot be read, or whose bundle is missing; `comity replay` says why.
    pub unreadable: u64,
    /// Requests with at least one item that would come out otherwise.
    pub changed_decisions: u64,
    /// Items that would.
    pub changed_items: u64,
    /// In which ways.
    pub changes: Changes,
    /// Items by category; one with several counts in each.
    pub categories: BTreeMap<String, Group>,
    /// Items by the other system.
    pub partners: BTreeMap<String, Group>,
    /// Items that change, by the policies that determine them either then or now.
    pub policies: BTreeMap<String, Group>,
    /// How many items come out the same and differ in another member.
    pub otherwise: BTreeMap<String, u64>,
    /// The first of each way, in the order of the log.
    pub examples: Vec<Example>,
}

impl ImpactReport {
    pub(in crate::app) fn of(tried: TriedAnswer, selection: Selection) -> Self {
        Self {
            tried,
            selection,
            ..Self::default()
        }
    }

    pub(super) fn by_category(&mut self, name: &str, transition: Transition) {
        group(&mut self.categories, name).note(transition);
    }

    pub(super) fn by_partner(&mut self, name: &str, transition: Transition) {
        group(&mut self.partners, name).note(transition);
    }

    pub(super) fn by_policy(&mut self, name: &str, transition: Transition) {
        group(&mut self.policies, name).note(transition);
    }

    pub(super) fn otherwise(&mut self, member: &str) {
        *self.otherwise.entry(member.to_owned()).or_default() += 1;
    }

    /// Counts a change, and shows it if it is among the first of its way.
    pub(super) fn change(&mut self, transition: Transition, example: impl FnOnce() -> Example) {
        self.changes.count(transition, 1);
        if self.shown(transition) < EXAMPLES_MAX {
            self.examples.push(example());
        }
    }

    /// Adds what was found in the entries after these.
    pub(in crate::app) fn add(&mut self, later: Self) {
        // Names every member, so that a new one cannot be forgotten.
        let Self {
            tried: _,
            selection: _,
            entries,
            decisions,
            items,
            erased,
            unreadable,
            changed_decisions,
            changed_items,
            changes,
            categories,
            partners,
            policies,
            otherwise,
            examples,
        } = later;
        self.entries += entries;
        self.decisions += decisions;
        self.items += items;
        self.erased += erased;
        self.unreadable += unreadable;
        self.changed_decisions += changed_decisions;
        self.changed_items += changed_items;
        self.changes.add(changes);
        for (sums, groups) in [
            (&mut self.categories, categories),
            (&mut self.partners, partners),
            (&mut self.policies, policies),
        ] {
            for (name, later) in groups {
                group(sums, &name).add(later);
            }
        }
        for (member, count) in otherwise {
            *self.otherwise.entry(member).or_default() += count;
        }
        for example in examples {
            let transition = Transition {
                from: example.from,
                to: example.to,
            };
            if self.shown(transition) < EXAMPLES_MAX {
                self.examples.push(example);
            }
        }
    }

    fn shown(&self, transition: Transition) -> usize {
        let of_it =
            |example: &&Example| (example.from, example.to) == (transition.from, transition.to);
        self.examples.iter().filter(of_it).count()
    }
}

impl Group {
    fn note(&mut self, transition: Transition) {
        self.items += 1;
        if transition.is_change() {
            self.changed += 1;
            self.changes.count(transition, 1);
        }
    }

    fn add(&mut self, later: Self) {
        self.items += later.items;
        self.changed += later.changed;
        self.changes.add(later.changes);
    }
}

fn group<'a>(groups: &'a mut BTreeMap<String, Group>, name: &str) -> &'a mut Group {
    groups.entry(name.to_owned()).or_default()
}
