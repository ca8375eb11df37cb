//! What grants oblige to: which obligations arise, what is reported of them, and which are overdue.

mod answer;
mod list;
mod report;

use std::collections::BTreeMap;
use std::collections::HashSet;

use crate::app::App;
use crate::app::submit::is_accepted;
use crate::decision::decide::ItemDecision;
use crate::decision::facts::other_system;
use crate::decision::obligation::Obligation;
use crate::domain::identity::McSystemId;
use crate::domain::lifecycle::ItemState;
use crate::domain::obligation::Due;
use crate::domain::obligation::Duty;
use crate::domain::obligation::Occasion;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::policy::due::DueWithin;
use crate::store::command::Arising;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::TellOverdue;

pub use answer::ObligationAnswer;
pub(in crate::app) use answer::Reports;
pub(in crate::app) use answer::obligation_answers;
pub(in crate::app) use answer::summary;
pub use list::Filter;
pub use list::ListedObligation;
pub use list::PAGE_OBLIGATIONS_MAX;
pub use list::Place;
pub use list::WantedState;
pub use report::ObligationReport;
pub(in crate::app) use report::Reported;
pub(in crate::app) use report::still_to_come;

/// How many obligations one entry of the log tells of as overdue.
const TOLD_AT_ONCE_MAX: usize = 250;

/// The item, and the place among what arises of it.
type Of = (Option<u32>, u32);

/// Gathers what one entry of the log obliges to: what is the same is gathered once.
pub(in crate::app) struct Gathering<'a> {
    request_id: RequestId,
    partner: &'a McSystemId,
    at: Timestamp,
    seen: HashSet<(Occasion, u32, &'a str, Option<&'a McSystemId>, &'a str)>,
    found: BTreeMap<(Occasion, Duty, Due), Vec<Of>>,
}

impl<'a> Gathering<'a> {
    /// What arises of a request from a moment on.
    pub(in crate::app) fn new(
        request: &'a InterSystemRequest,
        request_id: RequestId,
        at: Timestamp,
    ) -> Self {
        Self {
            request_id,
            partner: other_system(request),
            at,
            seen: HashSet::new(),
            found: BTreeMap::new(),
        }
    }

    /// What the grant of an item obliges to, or its being cleared, if it was just accepted here.
    pub(in crate::app) fn accepted(
        &mut self,
        number: usize,
        state: ItemState,
        decision: &'a ItemDecision,
    ) {
        if !is_accepted(state) {
            return;
        }
        self.add(number, Occasion::Grant, &decision.obligations);
        if state.stage().is_some() {
            let refused = Occasion::PartnerRefused;
            self.add(number, refused, &decision.when_refused);
        }
    }

    /// What the partner's grant of an item obliges to.
    pub(in crate::app) fn granted_by_partner(&mut self, number: usize, decision: &'a ItemDecision) {
        let occasion = Occasion::PartnerAccepted;
        self.add(number, occasion, &decision.when_accepted);
    }

    /// What obliges with an item, on an occasion. What a partner's refusal obliges to has no moment yet.
    pub(in crate::app) fn add(
        &mut self,
        number: usize,
        occasion: Occasion,
        obligations: &'a [Obligation],
    ) {
        let Ok(number) = u32::try_from(number) else {
            return;
        };
        for (position, obligation) in (0_u32..).zip(obligations) {
            let name = obligation.name.as_str();
            let system = obligation.system.as_ref();
            let function = obligation.function.as_str();
            let same = (occasion, number, name, system, function);
            if !self.seen.insert(same) {
                continue;
            }
            let within = DueWithin::milliseconds_of(obligation.due);
            let due = match occasion {
                Occasion::PartnerRefused => Due::Within(within),
                Occasion::Grant | Occasion::PartnerAccepted | Occasion::Revocation => {
                    Due::At(self.at.plus_milliseconds(within))
                }
            };
            let duty = Duty {
                name: obligation.name.clone(),
                system: obligation.system.clone(),
                function: obligation.function.clone(),
                partner: Some(self.partner.clone()),
            };
            let of = self.found.entry((occasion, duty, due)).or_default();
            of.push((Some(number), position));
        }
    }

    /// All of it, as a command carries it.
    pub(in crate::app) fn into_arising(self) -> Vec<Arising> {
        let request_id = self.request_id;
        let found = self.found.into_iter();
        let arising = found.map(|((occasion, duty, due), of)| Arising {
            request_id,
            occasion,
            duty,
            due,
            of,
        });
        arising.collect()
    }
}

impl App {
    /// Writes down which obligations are overdue, each once; while the clock has just jumped, nothing.
    pub async fn tell_overdue(&self) {
        let now = self.present().earliest;
        if self.clock().jump().is_some() {
            return;
        }
        while self
            .store()
            .view(|state| state.overdue_untold(now).next().is_some())
        {
            let command = Command::TellOverdue(TellOverdue {
                at: now,
                limit: TOLD_AT_ONCE_MAX,
            });
            match self.commit(command).await {
                Ok(_) | Err(CommitError::Refused(Refusal::NothingDue)) => {}
                Err(error) => {
                    tracing::warn!(%error, "overdue obligations could not be told yet");
                    return;
                }
            }
        }
    }
}
