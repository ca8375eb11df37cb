//! The status of a request: a pure function of its items.

use super::ItemState;
use super::Stage;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::outcome::RequestStatus;

/// What items have in common, as far as the status needs to know.
#[derive(Default)]
struct Seen {
    granted: usize,
    refused: usize,
    withdrawn: usize,
    revoked: usize,
}

/// The status of a request with these items; the first line that fits:
///
/// | items | status |
/// | --- | --- |
/// | one waits for a person here | pending |
/// | one is at the partner | cleared, sent or partner-pending: the least that any has come |
/// | one is granted, all the others too | accepted |
/// | one is granted | partial |
/// | one is revoked | revoked: everything that was granted is |
/// | one is withdrawn, all the others too | withdrawn |
/// | any others, or none | rejected |
///
/// Granted is what we or the partner granted; refused, expired, and refused by the partner are all the same here.
pub fn status(items: impl IntoIterator<Item = ItemState>) -> RequestStatus {
    let mut seen = Seen::default();
    let mut at_partner: Option<Stage> = None;
    for item in items {
        match item {
            ItemState::Pending { .. } => return RequestStatus::Pending,
            ItemState::AtPartner { stage, .. } => {
                at_partner = Some(at_partner.map_or(stage, |other| other.min(stage)));
            }
            ItemState::Granted
            | ItemState::Answered {
                outcome: PartnerOutcome::Accept,
                ..
            } => seen.granted += 1,
            ItemState::Refused
            | ItemState::Expired
            | ItemState::Answered {
                outcome: PartnerOutcome::Reject,
                ..
            } => seen.refused += 1,
            ItemState::Withdrawn => seen.withdrawn += 1,
            ItemState::Revoked => seen.revoked += 1,
        }
    }
    match at_partner {
        Some(Stage::Cleared) => RequestStatus::Cleared,
        Some(Stage::Sent) => RequestStatus::Sent,
        Some(Stage::PartnerPending) => RequestStatus::PartnerPending,
        None => seen.settled(),
    }
}

impl Seen {
    fn settled(&self) -> RequestStatus {
        let others = self.refused + self.withdrawn + self.revoked;
        match (self.granted, self.revoked, self.withdrawn) {
            (1.., ..) if others == 0 => RequestStatus::Accepted,
            (1.., ..) => RequestStatus::Partial,
            (0, 1.., _) => RequestStatus::Revoked,
            (0, 0, 1..) if self.refused == 0 => RequestStatus::Withdrawn,
            (0, 0, _) => RequestStatus::Rejected,
        }
    }
}
