//! What becomes of our half of an agreement when the status of the cooperation changes (A9; rulings 6 and 14).

use crate::decision::facts::Lookup;
use crate::decision::facts::other_system;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::AgreementStatus;
use crate::domain::document::Document;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::request::CooperationChange;
use crate::domain::request::CooperationStatusChange;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::time::Timestamp;
use crate::store::state::State;

/// Our half of the agreement whose status the request is about.
pub(in crate::app) fn agreement(request: &InterSystemRequest, state: &State) -> Option<Agreement> {
    let OperationBody::CooperationStatusChange(_) = &request.body else {
        return None;
    };
    let key = DocumentKey {
        kind: DocumentKind::Agreement,
        id: other_system(request).as_str().parse().ok()?,
    };
    let found = state.document(&key)?;
    if let Document::Agreement(agreement) = found.value.as_ref() {
        Some(agreement.clone())
    } else {
        None
    }
}

/// The agreement as it is once the change is granted, if the change is ours to make and takes effect now.
///
/// We interrupt our half by ourselves and restore it when a person of ours agrees that the cooperation goes on. What the
/// partner interrupts is its own half, and terms are amended in the registry.
pub(in crate::app) fn changed(
    agreement: &Agreement,
    change: &CooperationStatusChange,
    direction: Direction,
    now: Timestamp,
) -> Option<Agreement> {
    if change.effective_at.is_some_and(|at| at > now) {
        return None;
    }
    let status = match (direction, change.change) {
        (Direction::Outbound, CooperationChange::Suspend) => AgreementStatus::Suspended,
        (Direction::Outbound, CooperationChange::End) => AgreementStatus::Ended,
        (Direction::Inbound, CooperationChange::Activate | CooperationChange::Resume) => {
            AgreementStatus::Active
        }
        (
            Direction::Outbound,
            CooperationChange::Activate | CooperationChange::Resume | CooperationChange::Amend,
        )
        | (
            Direction::Inbound,
            CooperationChange::Suspend | CooperationChange::End | CooperationChange::Amend,
        )
        | (Direction::HomeConsent, _) => return None,
    };
    // What is over stays over.
    (agreement.status != AgreementStatus::Ended && agreement.status != status).then(|| Agreement {
        status,
        ..agreement.clone()
    })
}
