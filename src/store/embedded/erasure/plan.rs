//! Which parts an erasure takes, and what stands in its way.

use std::collections::BTreeMap;
use std::fmt;

use super::EraseError;
use crate::decision_log::Leaf;
use crate::decision_log::LogIndex;
use crate::decision_log::PartClass;
use crate::decision_log::Payload;
use crate::decision_log::StoredPart;
use crate::decision_log::TreeSize;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::store::command::RequestId;
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::journal::Entry;
use crate::store::erasure::Erased;
use crate::store::erasure::RANGES_LISTED_MAX;
use crate::store::event::Outline;
use crate::store::event::Standing;
use crate::store::state::State;

/// How many obstacles are told at once.
const OBSTACLES_MAX: usize = 20;

/// A personal part that is there.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its entry.
    pub index: LogIndex,
    /// The leaf of the entry.
    pub leaf: &'a Leaf,
    /// Whom it is about.
    pub subject: &'a str,
}

/// What happens where something stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is told, and nothing is to be erased.
    Asked,
    /// The order is in force already: only what the state follows from is left.
    Ordered,
    /// What is open, or about something live, is left.
    Retention,
}

/// What is looked for.
pub struct Selection<'a> {
    /// The first entry.
    pub first: LogIndex,
    /// Entries before this one.
    pub before: TreeSize,
    /// Whether an entry can hold a part that is meant.
    pub reaches: &'a dyn Fn(LogIndex) -> bool,
    /// Whether a part is meant.
    pub takes: &'a dyn Fn(&Candidate<'_>) -> bool,
    /// What happens where something stands in the way.
    pub mode: Mode,
}

impl fmt::Debug for Selection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Selection({}..{}, {:?})",
            self.first.0, self.before.0, self.mode
        )
    }
}

/// What stands in the way of an erasure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A part is about a document that is there.
    Live(LogIndex, DocumentKey),
    /// An entry belongs to a request that waits.
    Open(LogIndex, RequestId),
    /// An entry belongs to a request whose approval can still be used.
    Usable(LogIndex, RequestId),
    /// Without the deletion in one entry, the document in an earlier one would come back.
    Deletion(LogIndex, DocumentKey, LogIndex),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(index, key) => write!(
                f,
                "entry {index} holds what `{key}` says now, or is about it: delete it, or take the person out of it, first"
            ),
            Self::Open(index, request) => write!(
                f,
                "entry {index} belongs to request `{request}`, which waits: have it answered or withdrawn first"
            ),
            Self::Usable(index, request) => write!(
                f,
                "entry {index} belongs to request `{request}`, whose approval can still be used: revoke it first"
            ),
            Self::Deletion(index, key, content) => write!(
                f,
                "entry {index} says that `{key}` was deleted, and entry {content} still holds it: erase that too, or the subject `{key}` as a whole"
            ),
        }
    }
}

/// Which parts are to be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    parts: BTreeMap<LogIndex, Vec<u32>>,
    /// What stands in the way; the first few.
    pub obstacles: Vec<Obstacle>,
    /// How many parts are left because the state follows from them, or something is open.
    pub left: u64,
}

impl Plan {
    /// Whether nothing is to be erased.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What it erases.
    pub fn erased(&self) -> Erased {
        let mut ranges: Vec<(LogIndex, LogIndex)> = Vec::new();
        for index in self.parts.keys() {
            let listed = ranges.len();
            match ranges.last_mut() {
                Some((_, last)) if last.next() == *index => *last = *index,
                Some(_) | None if listed == RANGES_LISTED_MAX => break,
                Some(_) | None => ranges.push((*index, *index)),
            }
        }
        Erased {
            entries: self.parts.len() as u64,
            parts: self.parts.values().map(|parts| parts.len() as u64).sum(),
            ranges,
            left: self.left,
        }
    }

    pub(super) fn parts_of(&self, index: LogIndex) -> Option<&Vec<u32>> {
        self.parts.get(&index)
    }

    pub(super) fn holds_any(&self, first: LogIndex, end: LogIndex) -> bool {
        first < end && self.parts.range(first..end).next().is_some()
    }

    fn in_the_way(&mut self, mode: Mode, obstacle: Obstacle) {
        self.left += 1;
        if mode == Mode::Asked && self.obstacles.len() < OBSTACLES_MAX {
            self.obstacles.push(obstacle);
        }
    }
}

/// Deletions of documents that would be erased: where, which part, of what.
type Deletions = Vec<(LogIndex, u32, DocumentKey)>;

pub(super) fn plan(store: &EmbeddedStore, selection: &Selection<'_>) -> Result<Plan, EraseError> {
    let mut plan = Plan::default();
    let mut deletions = Deletions::new();
    for entry in store.reader().entries(selection.first) {
        let entry = entry?;
        if !selection.before.holds(entry.index) {
            break;
        }
        if !(selection.reaches)(entry.index) {
            continue;
        }
        let payload = parsed(&entry)?;
        let wanted = wanted(&entry, &payload, selection)?;
        if wanted.is_empty() {
            continue;
        }
        let outline = Outline::of(&payload).map_err(EraseError::entry(entry.index))?;
        let kept = store.view(|state| {
            take(
                state,
                (entry.index, &outline),
                (&wanted, selection.mode),
                &mut plan,
            )
        });
        for (number, _, standing) in &outline.parts {
            if let (Some(Standing::Deletion(key)), true) = (standing, kept.contains(number)) {
                deletions.push((entry.index, *number, key.clone()));
            }
        }
        if !kept.is_empty() {
            plan.parts.insert(entry.index, kept);
        }
    }
    if !deletions.is_empty() {
        keep_needed_deletions(store, deletions, selection.mode, &mut plan)?;
    }
    Ok(plan)
}

fn parsed(entry: &Entry) -> Result<Payload, EraseError> {
    Payload::parse(&entry.payload).map_err(|error| EraseError::Entry {
        index: entry.index,
        reason: error.to_string(),
    })
}

/// The numbers of the parts that are meant.
fn wanted(
    entry: &Entry,
    payload: &Payload,
    selection: &Selection<'_>,
) -> Result<Vec<u32>, EraseError> {
    let leaf = Leaf::parse(&entry.leaf).map_err(|error| EraseError::Entry {
        index: entry.index,
        reason: error.to_string(),
    })?;
    let mut wanted = Vec::new();
    for (number, part) in (0_u32..).zip(payload.parts()) {
        let Some(PartClass::Personal { subject_key }) =
            StoredPart::present(part).map(|part| &part.class)
        else {
            continue;
        };
        let candidate = Candidate {
            index: entry.index,
            leaf: &leaf,
            subject: subject_key,
        };
        if (selection.takes)(&candidate) {
            wanted.push(number);
        }
    }
    Ok(wanted)
}

/// Which of the parts that are meant can be erased.
fn take(
    state: &State,
    (index, outline): (LogIndex, &Outline),
    (wanted, mode): (&[u32], Mode),
    plan: &mut Plan,
) -> Vec<u32> {
    if mode != Mode::Ordered
        && let Some(obstacle) = open(state, index, outline)
    {
        plan.in_the_way(mode, obstacle);
        return Vec::new();
    }
    let present = |standing: &Option<Standing>| match standing {
        Some(Standing::Content(key)) if state.revision(key) == Some(Revision(index.0)) => {
            Some(key.clone())
        }
        Some(Standing::Content(_) | Standing::Deletion(_)) | None => None,
    };
    let holds_present = outline.parts.iter().any(|(_, _, it)| present(it).is_some());
    let mut taken = Vec::new();
    for (number, subject, standing) in &outline.parts {
        if !wanted.contains(number) {
            continue;
        }
        let about = document_key(subject).filter(|key| state.revision(key).is_some());
        let live = match mode {
            Mode::Asked => present(standing).or(about),
            Mode::Ordered => present(standing),
            Mode::Retention if holds_present => present(standing).or(about).or_else(|| {
                let mut parts = outline.parts.iter();
                parts.find_map(|(_, _, it)| present(it))
            }),
            Mode::Retention => about,
        };
        match live {
            Some(key) => plan.in_the_way(mode, Obstacle::Live(index, key)),
            None => taken.push(*number),
        }
    }
    taken
}

fn open(state: &State, index: LogIndex, outline: &Outline) -> Option<Obstacle> {
    let request = outline.request?;
    if state.request(request).is_some_and(|entry| entry.is_open()) {
        return Some(Obstacle::Open(index, request));
    }
    let is_usable = state.has_usable_approval(request);
    is_usable.then_some(Obstacle::Usable(index, request))
}

/// A deletion is erased with all that it deleted, or after it: otherwise that would come back.
fn keep_needed_deletions(
    store: &EmbeddedStore,
    deletions: Deletions,
    mode: Mode,
    plan: &mut Plan,
) -> Result<(), EraseError> {
    let last = deletions.iter().map(|(index, ..)| *index).max();
    let wanted: BTreeMap<String, &DocumentKey> = deletions
        .iter()
        .map(|(_, _, key)| (key.to_string(), key))
        .collect();
    // Where each document is first held that stays.
    let mut held: BTreeMap<DocumentKey, LogIndex> = BTreeMap::new();
    for entry in store.reader().entries(LogIndex(0)) {
        let entry = entry?;
        if Some(entry.index) > last {
            break;
        }
        let payload = parsed(&entry)?;
        let mut parts = payload.parts().iter().filter_map(StoredPart::present);
        let concerns = parts.any(|part| match &part.class {
            PartClass::Personal { subject_key } => wanted.contains_key(subject_key),
            PartClass::State => false,
        });
        if !concerns {
            continue;
        }
        let outline = Outline::of(&payload).map_err(EraseError::entry(entry.index))?;
        let goes = plan.parts.get(&entry.index);
        for (number, subject, standing) in outline.parts {
            let stays = goes.is_none_or(|goes| !goes.contains(&number));
            if let (Some(Standing::Content(key)), true) = (standing, stays)
                && wanted.contains_key(&subject)
            {
                held.entry(key).or_insert(entry.index);
            }
        }
    }
    for (index, number, key) in deletions {
        let Some(content) = held.get(&key).copied().filter(|content| *content < index) else {
            continue;
        };
        if let Some(parts) = plan.parts.get_mut(&index) {
            parts.retain(|other| *other != number);
            if parts.is_empty() {
                plan.parts.remove(&index);
            }
        }
        plan.in_the_way(mode, Obstacle::Deletion(index, key, content));
    }
    Ok(())
}

/// The document that a subject's key names, if it names one.
fn document_key(subject: &str) -> Option<DocumentKey> {
    let (plural, id) = subject.split_once('/')?;
    let mut kinds = DocumentKind::ALL.into_iter();
    let kind = kinds.find(|kind| kind.plural() == plural)?;
    let id = id.parse().ok()?;
    Some(DocumentKey { kind, id })
}
