//! Carrying out what was ordered: after the second person has confirmed, after a crash, and after a restore.

use crate::app::App;
use crate::app::error::AppError;
use crate::domain::time::Timestamp;
use crate::identity::caller::ITSELF;
use crate::store::command::Command;
use crate::store::command::NoteErasure;
use crate::store::embedded::erasure::EraseError;
use crate::store::embedded::erasure::KeptOrder;
use crate::store::embedded::erasure::Mode;
use crate::store::embedded::erasure::Plan;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureOrder;
use crate::store::erasure::ErasureStep;
use crate::store::erasure::OrderStatus;

/// How long an order waits of which something had to be left.
const WAIT_MILLISECONDS: i64 = 60 * 60 * 1_000;

impl App {
    /// Carries out every order that is in force and not carried out in the files that are there, in their order. What
    /// comes to nothing is tried again in the next round.
    pub async fn carry_out_erasures(&self) {
        let mut rounds = self.0.erasures.lock().await;
        let now = self.now();
        rounds.waiting.retain(|_, until| *until > now);
        let waiting: Vec<ErasureId> = rounds.waiting.keys().copied().collect();
        match self.carry_out_due(now, &waiting).await {
            Ok(left) => {
                let until = now.plus_milliseconds(WAIT_MILLISECONDS);
                rounds
                    .waiting
                    .extend(left.into_iter().map(|id| (id, until)));
            }
            Err(error) => {
                let cause = crate::telemetry::chain::chain(&error);
                tracing::warn!(%cause, "an erasure could not be carried out yet; the next round tries again");
            }
        }
    }

    /// What the start does before anybody is served: orders that a restored backup does not hold are taken over from
    /// the file of orders. One that cannot be read is an error: it may say that something is to be erased.
    pub async fn take_over_erasures(&self) -> Result<(), AppError> {
        let kept = self
            .aside(|app| {
                let kept = app.store().kept_orders().map_err(EraseError::from);
                kept.map_err(|error| AppError::Broken(Box::new(error)))
            })
            .await?;
        for (id, order) in kept.orders {
            if self
                .store()
                .view(|state| state.erasure(id).is_some_and(|it| it.confirmed.is_some()))
            {
                continue;
            }
            tracing::warn!(erasure = %id, "the log does not hold an order to erase that was in force; it is taken over from the file of orders");
            let step = ErasureStep::Restored {
                before: order.before.min(self.store().reader().size()),
                scope: order.scope,
                ground: order.ground,
            };
            self.note_erasure(id, step).await?;
        }
        Ok(())
    }

    /// Gives the orders of which something had to be left.
    async fn carry_out_due(
        &self,
        now: Timestamp,
        waiting: &[ErasureId],
    ) -> Result<Vec<ErasureId>, AppError> {
        let due = self
            .aside(|app| {
                if app.store().has_stale_copies() {
                    let renewed = app.store().erase(&Plan::default());
                    renewed.map_err(|error| AppError::Broken(Box::new(error)))?;
                }
                let due = app
                    .store()
                    .erasures_to_carry_out()
                    .map_err(EraseError::from);
                due.map_err(|error| AppError::Broken(Box::new(error)))
            })
            .await?;
        let mut left = Vec::new();
        for (id, order) in due {
            if waiting.contains(&id) {
                continue;
            }
            let carried = order.clone();
            let plan = self.aside(move |app| app.carried_out(id, &carried)).await?;
            if plan.left > 0 {
                tracing::warn!(erasure = %id, parts = plan.left, at = %now, "an erasure leaves parts of documents that are there; it goes on when they are deleted");
                left.push(id);
            }
            let ends = order.status == OrderStatus::Confirmed && plan.left == 0;
            if ends || !plan.is_empty() {
                self.note_erasure(id, ErasureStep::Done(plan.erased()))
                    .await?;
            }
        }
        Ok(left)
    }

    /// Erases what is there; on return it is in no file of the store.
    fn carried_out(&self, id: ErasureId, order: &ErasureOrder) -> Result<Plan, AppError> {
        let broken = |error: std::io::Error| AppError::Broken(Box::new(EraseError::from(error)));
        let (Some(before), Some(confirmed)) = (order.before, order.confirmed) else {
            return Ok(Plan::default());
        };
        let kept = KeptOrder {
            scope: order.scope.clone(),
            ground: order.ground,
            before,
        };
        self.store().keep_order(id, kept).map_err(broken)?;
        let plan = self.plan_of(&order.scope, before, Mode::Ordered)?;
        // Also with an empty plan: the copies may be from before.
        let erased = self.store().erase(&plan);
        erased.map_err(|error| AppError::Broken(Box::new(error)))?;
        if plan.left == 0 {
            self.store().note_carried_out(confirmed).map_err(broken)?;
        }
        Ok(plan)
    }

    pub(super) async fn note_erasure(
        &self,
        id: ErasureId,
        step: ErasureStep,
    ) -> Result<(), AppError> {
        let command = Command::Erasure(NoteErasure {
            id,
            step,
            actor: ITSELF.to_owned(),
            reason: None,
            subjects: Vec::new(),
            at: self.now(),
        });
        self.commit(command).await?;
        Ok(())
    }
}
