//! Asking for an erasure, confirming it, refusing it.

use uuid::Uuid;

use super::ApprovalForm;
use super::ErasureForm;
use super::ErasureView;
use super::RECORDS_MAX;
use super::Records;
use super::RefusalForm;
use super::SUBJECTS_MAX;
use crate::app::App;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::permission::Action;
use crate::app::reviewer::acting;
use crate::decision_log::LogIndex;
use crate::decision_log::SUBJECT_KEY_LIMIT_BYTES;
use crate::decision_log::TreeSize;
use crate::domain::identity::McServiceId;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::NoteErasure;
use crate::store::command::RequestId;
use crate::store::embedded::erasure::KeptOrder;
use crate::store::embedded::erasure::Mode;
use crate::store::embedded::erasure::Plan;
use crate::store::embedded::erasure::Selection;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureOrder;
use crate::store::erasure::ErasureScope;
use crate::store::erasure::ErasureStep;
use crate::store::erasure::OrderPerson;
use crate::store::erasure::OrderStatus;
use crate::store::event::EventBody;
use crate::store::event::reason_key;

/// Under what parts are found that are about nobody in particular.
const NOBODY: &str = "text";

const REASON_CHARACTERS_MAX: usize = 1_000;

impl App {
    /// Asks for an erasure; nothing is erased before somebody else confirms it.
    pub async fn ask_erasure(
        &self,
        caller: &Caller,
        form: ErasureForm,
    ) -> Result<ErasureView, AppError> {
        self.permit(caller, Action::AskErasure)?;
        check_form(&form)?;
        let id = new_id()?;
        let by = self.acting_person(id, &form.asked_by)?;
        let scope = self.scope(id, &form)?;
        let (asked, subjects) = (scope.clone(), form.subjects.clone());
        let plan = self.aside(move |app| {
            let before = app.store().reader().size();
            app.unobstructed(&asked, &subjects, before)
        });
        if plan.await?.is_empty() {
            let place = if form.records.is_some() {
                "/records"
            } else {
                "/subjects"
            };
            let detail = "no entry has a personal part of it that is not erased already";
            return Err(AppError::Invalid(vec![Invalid::at(place, detail)]));
        }
        let command = Command::Erasure(NoteErasure {
            id,
            step: ErasureStep::Asked {
                scope,
                ground: form.ground,
                by,
            },
            actor: form.asked_by.as_str().to_owned(),
            reason: Some(form.reason),
            subjects: form.subjects,
            at: self.now(),
        });
        self.commit(command).await?;
        self.erasure_view(id).await.map_err(AppError::after_commit)
    }

    /// Confirms an order; from then on it is carried out, whatever happens.
    pub async fn approve_erasure(
        &self,
        caller: &Caller,
        id: &str,
        form: &ApprovalForm,
    ) -> Result<ErasureView, AppError> {
        self.permit(caller, Action::ApproveErasure)?;
        let (id, order) = self.order(id)?;
        let by = self.acting_person(id, &form.approved_by)?;
        if order.by.as_ref().is_some_and(|asked| asked.is_same(&by)) {
            return Err(AppError::ErasureSamePerson);
        }
        if order.status != OrderStatus::Asked {
            return Err(AppError::ErasureNotAsked(not_asked(order.status)));
        }
        let asked = order.clone();
        let before = self
            .aside(move |app| {
                let before = app.store().reader().size();
                let subjects = app.subjects_in_clear(asked.asked)?;
                app.unobstructed(&asked.scope, &subjects, before)?;
                Ok(before)
            })
            .await?;
        let command = Command::Erasure(NoteErasure {
            id,
            step: ErasureStep::Confirmed { by, before },
            actor: form.approved_by.as_str().to_owned(),
            reason: None,
            subjects: Vec::new(),
            at: self.now(),
        });
        self.commit(command).await?;
        let kept = KeptOrder {
            scope: order.scope,
            ground: order.ground,
            before,
        };
        let keep = self.aside(move |app| {
            let kept = app.store().keep_order(id, kept);
            kept.map_err(|error| AppError::Broken(Box::new(error)))
        });
        if let Err(error) = keep.await {
            tracing::warn!(%error, "the order could not be kept beside the log yet; the next round tries again");
        }
        let app = self.clone();
        tokio::spawn(async move { app.carry_out_erasures().await });
        self.erasure_view(id).await.map_err(AppError::after_commit)
    }

    /// Refuses an order, or takes it back.
    pub async fn refuse_erasure(
        &self,
        caller: &Caller,
        id: &str,
        form: &RefusalForm,
    ) -> Result<ErasureView, AppError> {
        // Whoever may ask may take back, and whoever may confirm may refuse.
        let may_ask = self.permit(caller, Action::AskErasure);
        may_ask.or_else(|_| self.permit(caller, Action::ApproveErasure))?;
        let (id, order) = self.order(id)?;
        self.acting_person(id, &form.refused_by)?;
        if order.status != OrderStatus::Asked {
            return Err(AppError::ErasureNotAsked(not_asked(order.status)));
        }
        let command = Command::Erasure(NoteErasure {
            id,
            step: ErasureStep::Dropped,
            actor: form.refused_by.as_str().to_owned(),
            reason: None,
            subjects: Vec::new(),
            at: self.now(),
        });
        self.commit(command).await?;
        self.erasure_view(id).await.map_err(AppError::after_commit)
    }

    /// An order by its name.
    pub(super) fn order(&self, id: &str) -> Result<(ErasureId, ErasureOrder), AppError> {
        let unknown = || AppError::UnknownErasure(id.to_owned());
        let name: ErasureId = id.parse().map_err(|_| unknown())?;
        let order = self.store().view(|state| state.erasure(name).cloned());
        Ok((name, order.ok_or_else(unknown)?))
    }

    /// Whose parts an order erases, as long as that is there.
    pub(super) fn subjects_in_clear(&self, asked: LogIndex) -> Result<Vec<String>, AppError> {
        let stored = self.store().record(asked);
        let stored = stored.map_err(|error| AppError::Broken(Box::new(error)))?;
        Ok(match stored.event.body {
            EventBody::Erasure { subjects, .. } => subjects,
            EventBody::Genesis { .. }
            | EventBody::DocumentsWritten { .. }
            | EventBody::Submitted { .. }
            | EventBody::Responded { .. }
            | EventBody::Reported { .. }
            | EventBody::Withdrawn { .. }
            | EventBody::ObligationNoted { .. }
            | EventBody::ObligationsOverdue { .. }
            | EventBody::Revoked { .. }
            | EventBody::Acknowledged { .. }
            | EventBody::Expired { .. }
            | EventBody::Reminded { .. }
            | EventBody::Published { .. }
            | EventBody::PublicationRefused { .. }
            | EventBody::DryRuns { .. }
            | EventBody::SigningBegun(_)
            | EventBody::SecretsRead { .. }
            | EventBody::RecordsRead { .. } => Vec::new(),
        })
    }

    fn acting_person(
        &self,
        id: ErasureId,
        identity: &McServiceId,
    ) -> Result<OrderPerson, AppError> {
        let key = self.sealing_key();
        let person = self
            .store()
            .view(|state| acting(state, identity, key, RequestId(id.0)))?;
        Ok(person.into())
    }

    /// What is to be erased, with the reason that the order itself gives.
    fn scope(&self, id: ErasureId, form: &ErasureForm) -> Result<ErasureScope, AppError> {
        if let Some(Records { first, last }) = form.records {
            let size = self.store().reader().size();
            if first > last || !size.holds(last) || last.0 - first.0 >= RECORDS_MAX {
                let detail = format!(
                    "first and last are entries of the log, which has {size}, and no more than {RECORDS_MAX}"
                );
                return Err(AppError::Invalid(vec![Invalid::at("/records", detail)]));
            }
            return Ok(ErasureScope::Records(first, last));
        }
        let reason = reason_key(id);
        let subjects = form
            .subjects
            .iter()
            .map(String::as_str)
            .chain([reason.as_str()]);
        let digests = subjects.map(|subject| self.sealing_key().subject(subject));
        let digests: Option<Vec<_>> = digests.collect();
        let digests = digests.ok_or_else(|| AppError::Broken("no digest of a subject".into()))?;
        Ok(ErasureScope::Subjects(digests))
    }

    /// What would be erased, if nothing stands in the way.
    fn unobstructed(
        &self,
        scope: &ErasureScope,
        subjects: &[String],
        before: TreeSize,
    ) -> Result<Plan, AppError> {
        let mut obstacles = Vec::new();
        for subject in subjects {
            obstacles.extend(self.live_about(subject)?);
        }
        let plan = self.plan_of(scope, before, Mode::Asked)?;
        obstacles.extend(plan.obstacles.iter().map(ToString::to_string));
        if obstacles.is_empty() {
            Ok(plan)
        } else {
            Err(AppError::ErasureBlocked(obstacles))
        }
    }

    pub(super) fn plan_of(
        &self,
        scope: &ErasureScope,
        before: TreeSize,
        mode: Mode,
    ) -> Result<Plan, AppError> {
        let key = self.sealing_key();
        let first = match scope {
            ErasureScope::Subjects(_) => LogIndex(0),
            ErasureScope::Records(first, _) => *first,
        };
        let before = match scope {
            ErasureScope::Subjects(_) => before,
            ErasureScope::Records(_, last) => before.min(last.size_including()),
        };
        let selection = Selection {
            first,
            before,
            reaches: &|index| scope.reaches(index),
            takes: &|it| {
                let digest = key.subject(it.subject);
                digest.is_some_and(|digest| scope.takes(it.index, &digest))
            },
            mode,
        };
        let plan = self.store().plan_erasure(&selection);
        plan.map_err(|error| AppError::Broken(Box::new(error)))
    }
}

fn new_id() -> Result<ErasureId, AppError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| AppError::Broken(Box::new(error)))?;
    let id = uuid::Builder::from_random_bytes(random).into_uuid();
    Ok(ErasureId(Uuid::from_u128(id.as_u128())))
}

fn not_asked(status: OrderStatus) -> String {
    let stands = match status {
        OrderStatus::Asked => "it waits",
        OrderStatus::Confirmed => "it was confirmed and is being carried out",
        OrderStatus::Done => "it was carried out",
        OrderStatus::Dropped => "it was refused or taken back",
    };
    format!("the order does not wait for a second person: {stands}")
}

fn check_form(form: &ErasureForm) -> Result<(), AppError> {
    let mut problems = Vec::new();
    match (form.subjects.len(), form.records) {
        (0, None) => problems.push(Invalid::at(
            "",
            "say what is to be erased: `subjects` or `records`",
        )),
        (1.., Some(_)) => problems.push(Invalid::at(
            "/records",
            "an order is by subject or by record, not by both",
        )),
        (0, Some(_)) | (1..=SUBJECTS_MAX, None) => {}
        (_, None) => {
            let detail = format!("more than {SUBJECTS_MAX} subjects; make several orders");
            problems.push(Invalid::at("/subjects", detail));
        }
    }
    for (number, subject) in form.subjects.iter().enumerate() {
        let place = format!("/subjects/{number}");
        if subject.is_empty() || subject.len() > SUBJECT_KEY_LIMIT_BYTES {
            let detail = format!("a subject's key has 1 to {SUBJECT_KEY_LIMIT_BYTES} bytes");
            problems.push(Invalid::at(place, detail));
        } else if subject == NOBODY {
            let detail =
                "this is the key of texts about nobody in particular; erase them by `records`";
            problems.push(Invalid::at(place, detail));
        }
    }
    let characters = form.reason.trim().chars().count();
    if !(1..=REASON_CHARACTERS_MAX).contains(&characters) {
        let detail = format!("say why, in 1 to {REASON_CHARACTERS_MAX} characters");
        problems.push(Invalid::at("/reason", detail));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(AppError::Invalid(problems))
    }
}
