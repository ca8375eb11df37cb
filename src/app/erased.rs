//! What is told of a request of which parts were erased: where it stands, and whatever is about nobody.

use serde::Serialize;

use crate::app::App;
use crate::app::answer::BundleAnswer;
use crate::app::answer::Receipt;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::requests::receipt;
use crate::app::requests::record_parts;
use crate::app::requests::without_attached;
use crate::decision::record::StatePart;
use crate::domain::identity::McSystemId;
use crate::domain::lifecycle::status;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::outcome::RequestStatus;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;
use crate::store::embedded::StoredEntry;

/// A request of which parts were erased.
#[derive(Clone, Debug, Serialize)]
pub struct ErasedRequest {
    /// Its name.
    pub id: String,
    /// A pure function of the items.
    pub status: RequestStatus,
    /// That parts of it were erased, so that nothing else is told.
    pub erased: bool,
    /// The operation.
    pub operation: Operation,
    /// The side on which it was decided.
    pub direction: Direction,
    /// The other system.
    pub partner: McSystemId,
    /// The items, in the order of the request.
    pub items: Vec<ErasedItem>,
    /// The bundle that decided.
    pub bundle: BundleAnswer,
    /// Where the record of the decision is.
    pub record: Receipt,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// How many entries have changed it.
    pub version: u64,
}

/// An item of it.
#[derive(Clone, Debug, Serialize)]
pub struct ErasedItem {
    /// Where it stands.
    pub state: &'static str,
    /// Its categories when it was submitted.
    pub categories: Vec<String>,
}

impl App {
    /// A request of which parts were erased.
    pub fn erased_request(
        &self,
        caller: &Caller,
        id: RequestId,
    ) -> Result<ErasedRequest, AppError> {
        let entry = self.permit_on_request(caller, Action::ReadRequest, id)?;
        let stored = self.entry(entry.submitted)?;
        let state = nobodys(&stored)?;
        let states = entry.items.iter().map(|state| state.as_str());
        let categories = state.items.iter().map(|item| item.categories.clone());
        let items = states
            .zip(categories)
            .map(|(state, categories)| ErasedItem { state, categories });
        Ok(ErasedRequest {
            id: id.to_string(),
            status: status(entry.items.iter().copied()),
            erased: true,
            operation: state.operation.operation,
            direction: state.direction,
            partner: partner_of(&state).clone(),
            items: items.collect(),
            bundle: BundleAnswer {
                generation: state.bundle.generation,
                digest: state.bundle.digest.clone(),
            },
            record: receipt(entry.submitted, &stored),
            decided_at: state.now,
            version: entry.version,
        })
    }
}

/// What a record says that is about nobody, whether or not the rest was erased.
pub(in crate::app) fn nobodys(stored: &StoredEntry) -> Result<StatePart, AppError> {
    let state = StatePart::from_parts(&without_attached(record_parts(stored)));
    state.map_err(|error| AppError::Broken(Box::new(error)))
}

/// The other system of an exchange.
pub(in crate::app) fn partner_of(state: &StatePart) -> &McSystemId {
    match state.direction {
        Direction::Inbound | Direction::HomeConsent => &state.requesting_system,
        Direction::Outbound => &state.receiving_system,
    }
}
