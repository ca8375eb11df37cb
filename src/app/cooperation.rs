//! What becomes of our half of an agreement when the status of the cooperation changes (A9; rulings 6 and 14).

use crate::domain::agreement::Agreement;
use crate::domain::agreement::AgreementStatus;
use crate::domain::document::Document;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::registry::Versioned;
use crate::domain::request::CooperationChange;
use crate::domain::request::CooperationStatusChange;
use crate::domain::scheduled_change::ScheduledChange;
use crate::domain::time::Timestamp;
use crate::store::command::RequestId;

/// Our half of an agreement, whole, and what was granted for later.
#[derive(Clone, Debug)]
pub(in crate::app) struct Cooperation {
    pub(in crate::app) agreement: Versioned<Agreement>,
    pub(in crate::app) scheduled: Vec<ScheduledChange>,
}

/// A change that was granted: by which request, on which side, and when.
pub(in crate::app) struct GrantedChange<'a> {
    pub(in crate::app) change: &'a CooperationStatusChange,
    pub(in crate::app) direction: Direction,
    /// Whether the partner has accepted it; until then nothing of ours goes on.
    pub(in crate::app) is_answered: bool,
    pub(in crate::app) request_id: RequestId,
    pub(in crate::app) now: Timestamp,
}

/// A document to write, or to delete where there is none.
pub(in crate::app) type Written = (DocumentKey, Option<Document>);

/// The status that a change gives our half, if the change is ours to make.
///
/// We interrupt our half by ourselves. We restore it when a person of ours agrees that the cooperation goes on, or asked
/// for that and the partner accepts. What the partner interrupts is its own half, and terms are amended in the registry.
fn status(granted: &GrantedChange<'_>) -> Option<AgreementStatus> {
    let restored = granted.is_answered.then_some(AgreementStatus::Active);
    match (granted.direction, granted.change.change) {
        (Direction::Outbound, CooperationChange::Suspend) => Some(AgreementStatus::Suspended),
        (Direction::Outbound, CooperationChange::End) => Some(AgreementStatus::Ended),
        (Direction::Outbound, CooperationChange::Activate | CooperationChange::Resume) => restored,
        (Direction::Inbound, CooperationChange::Activate | CooperationChange::Resume) => {
            Some(AgreementStatus::Active)
        }
        (Direction::Outbound | Direction::Inbound, CooperationChange::Amend)
        | (Direction::Inbound, CooperationChange::Suspend | CooperationChange::End)
        | (Direction::HomeConsent, _) => None,
    }
}

/// Whether a change that was granted before for later falls by another one, which takes effect `later` or at once.
///
/// An interruption calls off what was to go on, and an end also what was to come after it. Going on calls off a
/// suspension that would come later; that the cooperation is to end, only an administrator calls off.
fn calls_off(
    granted: CooperationChange,
    later: Option<Timestamp>,
    scheduled: &ScheduledChange,
) -> bool {
    let goes_on = scheduled.status == AgreementStatus::Active;
    match granted {
        CooperationChange::Suspend => goes_on,
        CooperationChange::End => goes_on || later.is_none_or(|end| scheduled.effective_at >= end),
        CooperationChange::Activate | CooperationChange::Resume => {
            scheduled.change == CooperationChange::Suspend
                && later.is_none_or(|goes_on| scheduled.effective_at >= goes_on)
        }
        CooperationChange::Amend => false,
    }
}

impl Cooperation {
    fn is_interrupted_before(&self, change: CooperationChange, moment: Timestamp) -> bool {
        let mut same = self.scheduled.iter().filter(|it| it.change == change);
        same.any(|it| it.status != AgreementStatus::Active && it.effective_at <= moment)
    }

    /// What a granted change writes: the agreement, or that it is to be written later.
    pub(in crate::app) fn changed(
        &self,
        granted: &GrantedChange<'_>,
    ) -> Result<Vec<Written>, InvalidDocumentId> {
        let agreement = &self.agreement.value;
        let change = granted.change.change;
        // What is over stays over.
        let status = status(granted).filter(|_| agreement.status != AgreementStatus::Ended);
        let later = granted.change.effective_at.filter(|at| *at > granted.now);
        let mut written = Vec::new();
        for scheduled in &self.scheduled {
            // What the partner interrupts is its own half; ours is not to go on later all the same.
            let is_ours = status.is_some() || scheduled.status == AgreementStatus::Active;
            if is_ours && calls_off(change, later, scheduled) {
                let document = Document::ScheduledChange(scheduled.clone());
                written.push((document.key()?, None));
            }
        }
        let Some(status) = status else {
            return Ok(written);
        };
        match later {
            // One suspension never puts off another.
            Some(effective_at) if self.is_interrupted_before(change, effective_at) => {}
            Some(effective_at) => {
                let document = Document::ScheduledChange(ScheduledChange {
                    partner: agreement.partner.clone(),
                    change,
                    status,
                    effective_at,
                    agreement_revision: self.agreement.revision,
                    request_id: granted.request_id.0,
                    granted_at: granted.now,
                });
                let key = document.key()?;
                written.retain(|(other, _)| *other != key);
                written.push((key, Some(document)));
            }
            // What is suspended again is written again: an answer to what was asked before does not undo it.
            None if status == AgreementStatus::Suspended => {
                written.push(written_as(agreement, status)?);
            }
            None => written.extend(with_status(agreement, status)?),
        }
        Ok(written)
    }
}

/// What a change that was granted before writes when its time has come.
pub(in crate::app) fn carried_out(
    scheduled: &ScheduledChange,
    present: Option<&Versioned<Agreement>>,
) -> Result<Option<Written>, InvalidDocumentId> {
    let Some(present) = present else {
        return Ok(None);
    };
    let is_interruption = matches!(
        scheduled.status,
        AgreementStatus::Suspended | AgreementStatus::Ended
    );
    let is_as_it_was = present.revision == scheduled.agreement_revision;
    if present.value.status == AgreementStatus::Ended || !(is_interruption || is_as_it_was) {
        return Ok(None);
    }
    with_status(&present.value, scheduled.status)
}

fn with_status(
    agreement: &Agreement,
    status: AgreementStatus,
) -> Result<Option<Written>, InvalidDocumentId> {
    if agreement.status == status {
        return Ok(None);
    }
    written_as(agreement, status).map(Some)
}

fn written_as(
    agreement: &Agreement,
    status: AgreementStatus,
) -> Result<Written, InvalidDocumentId> {
    let document = Document::Agreement(Agreement {
        status,
        ..agreement.clone()
    });
    Ok((document.key()?, Some(document)))
}
