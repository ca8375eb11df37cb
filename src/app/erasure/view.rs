//! Orders to erase, as they are shown.

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::erasure::ErasureGround;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureOrder;
use crate::store::erasure::ErasureScope;
use crate::store::erasure::OrderStatus;
use crate::store::event::EventBody;

/// An order to erase.
#[derive(Clone, Debug, Serialize)]
pub struct ErasureView {
    /// Its name.
    pub id: ErasureId,
    /// How far it is.
    pub status: OrderStatus,
    /// On what ground.
    pub ground: ErasureGround,
    /// Whose parts are to be erased; absent once they are, and in an order by record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// Which entries, in an order by record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<RecordsView>,
    /// Why; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The user who asked; absent once erased, or where the order is known from the file of orders alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
    /// When.
    pub asked_at: Timestamp,
    /// The entry that asked.
    pub asked: LogIndex,
    /// The entry that confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<LogIndex>,
    /// Entries before this one are reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<TreeSize>,
    /// The last entry about it; once it is carried out, that which says which entries have lost parts.
    pub record: LogIndex,
    /// How many entries have lost parts.
    pub erased_entries: u64,
    /// How many parts.
    pub erased_parts: u64,
}

/// Entries of the log, with the first and the last.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RecordsView {
    first: LogIndex,
    last: LogIndex,
}

impl App {
    /// Every order, the newest first.
    pub async fn erasures(&self, caller: &Caller) -> Result<Vec<ErasureView>, AppError> {
        self.permit_reading(caller)?;
        self.aside(|app| {
            let mut orders: Vec<(ErasureId, ErasureOrder)> = app.store().view(|state| {
                let orders = state.erasures();
                orders.map(|(id, order)| (id, order.clone())).collect()
            });
            orders.sort_by_key(|(_, order)| std::cmp::Reverse(order.asked));
            let views = orders.into_iter().map(|(id, order)| app.shown(id, &order));
            views.collect()
        })
        .await
    }

    /// One order.
    pub async fn erasure(&self, caller: &Caller, id: &str) -> Result<ErasureView, AppError> {
        self.permit_reading(caller)?;
        let (id, _) = self.order(id)?;
        self.erasure_view(id).await
    }

    /// Whoever may ask, confirm, or read records sees the orders.
    fn permit_reading(&self, caller: &Caller) -> Result<(), AppError> {
        let allowed = self
            .permit(caller, Action::ReadRecords)
            .or_else(|_| self.permit(caller, Action::AskErasure))
            .or_else(|_| self.permit(caller, Action::ApproveErasure));
        allowed.map(drop)
    }

    pub(super) async fn erasure_view(&self, id: ErasureId) -> Result<ErasureView, AppError> {
        self.aside(move |app| {
            let (_, order) = app.order(&id.to_string())?;
            app.shown(id, &order)
        })
        .await
    }

    fn shown(&self, id: ErasureId, order: &ErasureOrder) -> Result<ErasureView, AppError> {
        let stored = self.store().record(order.asked);
        let stored = stored.map_err(|error| AppError::Broken(Box::new(error)))?;
        let mut view = ErasureView {
            id,
            status: order.status,
            ground: order.ground,
            subjects: Vec::new(),
            records: None,
            reason: None,
            asked_by: None,
            asked_at: order.asked_at,
            asked: order.asked,
            confirmed: order.confirmed,
            before: order.before,
            record: order.last,
            erased_entries: order.entries,
            erased_parts: order.parts,
        };
        if let ErasureScope::Records(first, last) = order.scope {
            view.records = Some(RecordsView { first, last });
        }
        // Orders from the file of orders were asked for by nobody that this log knows.
        if let (
            Some(_),
            EventBody::Erasure {
                actor,
                reason,
                subjects,
                ..
            },
        ) = (&order.by, stored.event.body)
        {
            view.asked_by = actor;
            view.reason = reason;
            view.subjects = subjects;
        }
        Ok(view)
    }
}
