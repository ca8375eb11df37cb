//! What happens by itself: held items expire, migrations end, dry runs are summed up for the log.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;

use crate::app::App;
use crate::app::cooperation::carried_out;
use crate::app::error::AppError;
use crate::app::revoke::Passes;
use crate::app::submit::outcome_counts;
use crate::decision::decide::ItemDecision;
use crate::decision_log::OutcomeCounts;
use crate::domain::agreement::AgreementStatus;
use crate::domain::document::Document;
use crate::domain::given::given;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Lapse;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::registry::Versioned;
use crate::domain::scheduled_change::ScheduledChange;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::DryRuns;
use crate::store::command::Expected;
use crate::store::command::Expire;
use crate::store::command::Interrupt;
use crate::store::command::Write;
use crate::store::command::WriteDocuments;

const EXPIRY_PERIOD: Duration = Duration::from_secs(1);
const SUMMARY_PERIOD: Duration = Duration::from_mins(1);

/// Who writes what happens by itself.
const ACTOR: &str = "comity";

/// How many migrations end in one entry of the log.
const ENDED_AT_ONCE_MAX: usize = 1_000;

/// Dry runs that no entry of the log accounts for yet, by caller.
pub(in crate::app) type DryRunCounts = BTreeMap<Arc<str>, OutcomeCounts>;

impl App {
    /// Runs until the returned task is aborted.
    pub fn keep_house(&self) -> tokio::task::JoinHandle<()> {
        self.index_log();
        let app = self.clone();
        tokio::spawn(async move {
            let mut expiry = tokio::time::interval(EXPIRY_PERIOD);
            let mut summary = tokio::time::interval(SUMMARY_PERIOD);
            let mut passes = Passes::default();
            loop {
                tokio::select! {
                    _ = expiry.tick() => {
                        app.catch_up_with_responses().await;
                        app.expire_overdue().await;
                        app.tell_overdue().await;
                        app.remind_of_waiting().await;
                        app.carry_out_scheduled().await;
                        app.interrupt_lapsed().await;
                        app.revoke_lapsed(&mut passes).await;
                        app.end_grants().await;
                        app.end_migrations().await;
                        app.end_unverified().await;
                    }
                    _ = summary.tick() => {
                        app.record_dry_runs().await;
                        app.record_reads(false).await;
                        app.erase_what_is_due();
                    }
                }
            }
        })
    }

    /// Carries out orders to erase and retention, beside everything else: it can take long.
    fn erase_what_is_due(&self) {
        if self.0.erasures.try_lock().is_err() {
            return;
        }
        let app = self.clone();
        tokio::spawn(async move {
            app.carry_out_erasures().await;
            app.keep_retention().await;
        });
    }

    /// Expires what is overdue; while the clock has just jumped, nothing.
    pub async fn expire_overdue(&self) {
        let now = self.now();
        if self.clock().jump().is_some() {
            return;
        }
        let surely = self.present().earliest;
        for (request_id, items) in self.store().view(|state| state.due(surely)) {
            if let Err(error) = self
                .commit(Command::Expire(Expire {
                    request_id,
                    items,
                    at: now,
                }))
                .await
            {
                tracing::warn!(%error, "an overdue item could not be expired yet");
                return;
            }
        }
    }

    /// Refuses what waits under agreements that are over by their time, and takes out of force what stands under them;
    /// while the clock has just jumped, nothing.
    pub async fn interrupt_lapsed(&self) {
        let now = self.now();
        if self.clock().jump().is_some() {
            return;
        }
        let moments = [now, self.present().earliest];
        let partners: Vec<McSystemId> = self.store().view(|state| {
            let awaited = state.awaited_partners();
            let lapsed = |partner: &&McSystemId| {
                let lapse = |at| Lapse::of(state.agreement(partner), at);
                moments.into_iter().all(|at| lapse(at).is_some())
            };
            let waiting = awaited.filter(lapsed).cloned();
            // What is taken out of force by a write interrupts by that; time says nothing.
            let agreements = state.documents(DocumentKind::Agreement, None);
            let agreements = agreements.filter_map(|(_, found)| found.value.agreement());
            let active = agreements.filter(|it| it.status == AgreementStatus::Active);
            let standing = active
                .map(|agreement| &agreement.partner)
                .filter(lapsed)
                .filter(|partner| state.stands_under(partner, now));
            let partners: BTreeSet<McSystemId> = waiting.chain(standing.cloned()).collect();
            partners.into_iter().collect()
        });
        if partners.is_empty() {
            return;
        }
        let command = Command::Interrupt(Interrupt {
            partners,
            actor: ACTOR.to_owned(),
            at: now,
        });
        if let Err(error) = self.commit(command).await {
            tracing::warn!(%error, "that an agreement is over could not be written down yet");
        }
    }

    /// Carries out what was granted for later and is due, each change once; while the clock has just jumped, nothing.
    pub async fn carry_out_scheduled(&self) {
        let now = self.now();
        if self.clock().jump().is_some() {
            return;
        }
        let surely = self.present().earliest;
        let due = self.store().view(|state| {
            let scheduled = state.documents(DocumentKind::ScheduledChange, None);
            let mut due: Vec<Versioned<ScheduledChange>> = scheduled
                .filter_map(|(_, found)| {
                    let change = found.value.scheduled_change()?;
                    (change.effective_at <= surely).then(|| Versioned {
                        revision: found.revision,
                        value: change.clone(),
                    })
                })
                .collect();
            due.sort_by_key(|change| change.value.effective_at);
            due
        });
        for change in due {
            if let Err(error) = self.carry_out(change, now).await {
                tracing::warn!(%error, "a change of a cooperation that is due could not be carried out; the next round tries again");
                return;
            }
        }
    }

    /// The change and its end are one entry, on condition that neither it nor the agreement changed meanwhile.
    async fn carry_out(
        &self,
        change: Versioned<ScheduledChange>,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let broken = |error: InvalidDocumentId| AppError::Broken(Box::new(error));
        let partner = &change.value.partner;
        let key = Document::ScheduledChange(change.value.clone())
            .key()
            .map_err(broken)?;
        let present = self.store().view(|state| {
            let key = DocumentKey {
                kind: DocumentKind::Agreement,
                id: partner.as_str().parse().ok()?,
            };
            Some(Versioned {
                revision: state.revision(&key)?,
                value: state.agreement(partner)?.clone(),
            })
        });
        let carried_out = carried_out(&change.value, present.as_ref()).map_err(broken)?;
        let mut writes = vec![Write {
            key,
            expected: Expected::Revision(change.revision),
            document: None,
        }];
        if let (Some((key, document)), Some(present)) = (carried_out, present) {
            writes.push(Write {
                key,
                expected: Expected::Revision(present.revision),
                document: document.map(Arc::new),
            });
        }
        let command = Command::WriteDocuments(WriteDocuments {
            writes,
            actor: ACTOR.to_owned(),
            ends: Vec::new(),
            at: now,
        });
        self.commit(command).await?;
        Ok(())
    }

    /// Takes what has ended out of the register of current systems; while the clock has just jumped, nothing.
    pub async fn end_migrations(&self) {
        let now = self.now();
        if self.clock().jump().is_some() {
            return;
        }
        let surely = self.present().earliest;
        let writes: Vec<Write> = self.store().view(|state| {
            let ended = state.ended_migrations(surely).map(|id| DocumentKey {
                kind: DocumentKind::Migration,
                id: id.clone(),
            });
            // What was granted ends with what has to be undone of it.
            let ended = ended.filter(|key| {
                let document = state.document_under(key);
                !document.and_then(given).is_some_and(|given| given.stands)
            });
            let ended = ended.filter_map(|key| {
                let expected = Expected::Revision(state.revision(&key)?);
                Some(Write {
                    key,
                    expected,
                    document: None,
                })
            });
            ended.take(ENDED_AT_ONCE_MAX).collect()
        });
        if writes.is_empty() {
            return;
        }
        let command = Command::WriteDocuments(WriteDocuments {
            writes,
            actor: ACTOR.to_owned(),
            ends: Vec::new(),
            at: now,
        });
        if let Err(error) = self.store().commit(command).await {
            tracing::warn!(%error, "what has ended could not be taken out of the register of current systems; the next round tries again");
        }
    }

    pub(in crate::app) fn check_dry_run_rate(&self, caller: &Caller) -> Result<(), AppError> {
        let now = self.now();
        let mut rate = self
            .0
            .dry_run_rate
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        rate.take(&caller.name, now)
            .map_err(|retry_after_seconds| AppError::TooManyDryRuns {
                retry_after_seconds,
            })
    }

    pub(in crate::app) fn count_dry_run(&self, caller: &Caller, items: &[ItemDecision]) {
        let mut counts = self.dry_runs();
        let sum = counts.entry(caller.name.as_str().into()).or_default();
        let more = outcome_counts(items);
        sum.accept += more.accept;
        sum.reject += more.reject;
        sum.review += more.review;
    }

    /// Writes one entry for each caller that asked without consequence since the last time.
    pub async fn record_dry_runs(&self) {
        let counts = std::mem::take(&mut *self.dry_runs());
        let at = self.now();
        for (caller, counts) in counts {
            let command = Command::DryRuns(DryRuns {
                caller,
                minute: at,
                counts,
                at,
            });
            if let Err(error) = self.commit(command).await {
                tracing::warn!(%error, "a summary of dry runs was not recorded");
            }
        }
    }
}
