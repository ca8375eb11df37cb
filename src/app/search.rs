//! Finding requests, however long ago they ended: the log is read backwards, a bounded piece at a time.
//!
//! The log is the only place where all requests stand for ever. A page looks at so many entries at the most, says how
//! many, and where the next one goes on; nothing is kept in memory for it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::app::answer::Receipt;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::requests::decision_record;
use crate::app::requests::receipt;
use crate::decision::facts::other_system;
use crate::decision::record::DecisionRecord;
use crate::decision_log::Leaf;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::domain::identity::McSystemId;
use crate::domain::lifecycle::status;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::outcome::RequestStatus;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::State;
use crate::store::command::CorrelationDigest;
use crate::store::embedded::StoredEntry;
use crate::store::event::EventBody;
use crate::store::state::RequestEntry;

/// How many entries of the log one page looks at, at most.
pub const LOOKED_AT_MAX: u64 = 5_000;

/// How many requests one page reads whole, at most.
const READ_MAX: usize = 500;

/// How many requests one page tells, at most.
pub const PAGE_FOUND_MAX: usize = 100;

/// What is looked for; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The status by now.
    pub status: Option<RequestStatus>,
    /// The word of a state in which an item is by now.
    pub state: Option<String>,
    /// The operation.
    pub operation: Option<Operation>,
    /// A category of a permit that applied when it was submitted.
    pub category: Option<String>,
    /// The other system.
    pub partner: Option<McSystemId>,
    /// The account that submitted it.
    pub caller: Option<String>,
    /// Decided no earlier.
    pub from: Option<Timestamp>,
    /// Decided earlier.
    pub until: Option<Timestamp>,
    /// The correlation id.
    pub correlation_id: Option<String>,
    /// The index of the entry from which to look backwards, without it.
    pub before: Option<u64>,
    /// How many requests to tell.
    pub limit: usize,
}

/// What a page found.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The requests, the one submitted last first.
    pub requests: Vec<FoundRequest>,
    /// How many entries of the log the page looked at.
    pub looked_at: u64,
    /// The entries, by index, that cannot be read; the service's own log says why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<u64>,
    /// What is to be sent as `before` for the next page; null where the beginning of the log was reached.
    pub next: Option<u64>,
}

/// A request that was found; the whole of it is read by its name.
#[derive(Clone, Debug, Serialize)]
pub struct FoundRequest {
    /// Its name.
    pub id: String,
    /// A pure function of the items.
    pub status: RequestStatus,
    /// How many items are in which state.
    pub states: BTreeMap<&'static str, usize>,
    /// The account that submitted it.
    pub caller: String,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Grows with every change of the request.
    pub version: u64,
    /// Where the record of the decision is.
    pub record: Receipt,
    /// What was asked; absent where that was erased.
    #[serde(flatten)]
    pub asked: Option<Asked>,
}

/// What was asked.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// The operation.
    pub operation: Operation,
    /// The side on which it was decided.
    pub direction: Direction,
    /// The other system.
    pub partner: McSystemId,
    /// Joins what both systems record about one exchange.
    pub correlation_id: String,
}

impl App {
    /// Requests that the caller may read and that fit, the one submitted last first.
    pub fn search(&self, caller: &Caller, search: &Search) -> Result<Found, AppError> {
        self.permit_on_requests_of(caller, Action::ReadRequest, &caller.name)?;
        let correlation = search.correlation_id.as_deref();
        let mut looking = Looking {
            app: self,
            caller,
            search,
            correlation: correlation.and_then(|id| self.sealing_key().correlation(id)),
            readable: BTreeMap::new(),
            read: 0,
        };
        let applied = self.store().view(State::applied).0;
        let mut index = search.before.unwrap_or(applied).min(applied);
        let (mut requests, mut unreadable, mut looked_at) = (Vec::new(), Vec::new(), 0);
        let limit = search.limit.clamp(1, PAGE_FOUND_MAX);
        while index > 0
            && looked_at < LOOKED_AT_MAX
            && looking.read < READ_MAX
            && requests.len() < limit
        {
            index -= 1;
            looked_at += 1;
            match looking.at(LogIndex(index)) {
                Ok(found) => requests.extend(found),
                // One entry that cannot be read must not hide those before it.
                Err(error) => {
                    tracing::warn!(index, %error, "left out of a search");
                    unreadable.push(index);
                }
            }
        }
        Ok(Found {
            requests,
            looked_at,
            unreadable,
            next: (index > 0).then_some(index),
        })
    }

    fn kind(&self, index: LogIndex) -> Result<LeafKind, AppError> {
        let bytes = self.store().reader().read_leaf(index);
        let bytes = bytes.map_err(|error| AppError::Broken(Box::new(error)))?;
        let leaf = Leaf::parse(&bytes).map_err(|error| AppError::Broken(Box::new(error)))?;
        Ok(leaf.kind())
    }
}

struct Looking<'a> {
    app: &'a App,
    caller: &'a Caller,
    search: &'a Search,
    correlation: Option<CorrelationDigest>,
    /// Whether the caller may read what an account submitted.
    readable: BTreeMap<String, bool>,
    /// How many requests were read whole.
    read: usize,
}

impl Looking<'_> {
    /// The request that an entry submitted, if it did and that fits.
    fn at(&mut self, index: LogIndex) -> Result<Option<FoundRequest>, AppError> {
        if self.app.kind(index)? != LeafKind::Request {
            return Ok(None);
        }
        let stored = self.app.entry(index)?;
        let Some(entry) = self.submitted(&stored) else {
            return Ok(None);
        };
        self.read += 1;
        self.found(&entry, &stored)
    }

    /// A request whose submission fits, as far as that says without its record.
    fn submitted(&mut self, stored: &StoredEntry) -> Option<RequestEntry> {
        if !matches!(stored.event.body, EventBody::Submitted { .. }) {
            return None;
        }
        let entry = RequestEntry::submitted_by(&stored.event, stored.index)?;
        let search = self.search;
        let fits = search
            .caller
            .as_ref()
            .is_none_or(|caller| **caller == *entry.caller)
            && search.from.is_none_or(|from| entry.at >= from)
            && search.until.is_none_or(|until| entry.at < until)
            && (search.correlation_id.is_none() || entry.correlation == self.correlation);
        (fits && self.may_read(&entry.caller)).then_some(entry)
    }

    fn may_read(&mut self, submitter: &str) -> bool {
        if let Some(known) = self.readable.get(submitter) {
            return *known;
        }
        let permitted = self
            .app
            .permit_on_requests_of(self.caller, Action::ReadRequest, submitter);
        self.readable
            .insert(submitter.to_owned(), permitted.is_ok());
        permitted.is_ok()
    }

    /// The request where it stands, if that fits and its record does.
    fn found(
        &self,
        submitted: &RequestEntry,
        stored: &StoredEntry,
    ) -> Result<Option<FoundRequest>, AppError> {
        let entry = self.app.request_entry(submitted.id)?;
        let standing = status(entry.items.iter().copied());
        let mut counts = BTreeMap::new();
        for item in &entry.items {
            *counts.entry(item.as_str()).or_insert(0) += 1;
        }
        let search = self.search;
        let state = search.state.as_deref();
        if search.status.is_some_and(|wanted| wanted != standing)
            || state.is_some_and(|wanted| !counts.contains_key(wanted))
        {
            return Ok(None);
        }
        // What was erased cannot be told, and fits nothing that asks for it.
        let record = decision_record(stored).ok();
        if !self.fits(record.as_ref()) {
            return Ok(None);
        }
        Ok(Some(FoundRequest {
            id: entry.id.to_string(),
            status: standing,
            states: counts,
            caller: entry.caller.to_string(),
            decided_at: submitted.at,
            version: entry.version,
            record: receipt(stored.index, stored),
            asked: record.map(|record| Asked {
                operation: record.request.body.operation(),
                direction: record.request.direction,
                partner: other_system(&record.request).clone(),
                correlation_id: record.request.correlation_id,
            }),
        }))
    }

    fn fits(&self, record: Option<&DecisionRecord>) -> bool {
        let Search {
            operation,
            category,
            partner,
            ..
        } = self.search;
        let Some(record) = record else {
            return operation.is_none() && category.is_none() && partner.is_none();
        };
        let has = |wanted: &String| {
            let mut items = record.items.iter();
            items.any(|item| item.categories.contains(wanted))
        };
        operation.is_none_or(|wanted| wanted == record.request.body.operation())
            && category.as_ref().is_none_or(has)
            && partner
                .as_ref()
                .is_none_or(|wanted| wanted == other_system(&record.request))
    }
}
