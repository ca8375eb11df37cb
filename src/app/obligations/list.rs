//! The obligations that are not done, of all requests: by when they are due.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::obligations::ObligationAnswer;
use crate::app::permission::Action;
use crate::domain::identity::McSystemId;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::state::ObligationPlace;
use crate::store::state::ObligationState;
use crate::store::state::State;
use crate::store::state::Tracked;

/// How many obligations are listed at once, at most.
pub const PAGE_OBLIGATIONS_MAX: usize = 1_000;

/// How many are looked at before others may write.
const LOOKED_AT_ONCE: usize = 1_000;

/// Which obligations are asked for; what is not said is no matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Where they stand.
    pub state: Option<WantedState>,
    /// With which partner the request was exchanged.
    pub partner: Option<McSystemId>,
    /// Which system meets them.
    pub system: Option<McSystemId>,
    /// Which function of it.
    pub function: Option<String>,
}

/// Where obligations stand that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedState {
    /// Nothing was reported of them.
    Open,
    /// They could not be done.
    Failed,
    /// Nothing was reported of them though their time is over.
    Overdue,
}

impl WantedState {
    /// Every word.
    pub const WORDS: [&'static str; 3] = ["open", "failed", "overdue"];
}

impl FromStr for WantedState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "failed" => Ok(Self::Failed),
            "overdue" => Ok(Self::Overdue),
            _ => Err(()),
        }
    }
}

/// Where an obligation stands in the list: by when it is due, then by its request and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(ObligationPlace);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (due, request, obligation) = &self.0;
        write!(f, "{}.{request}.{obligation}", due.as_milliseconds())
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.splitn(3, '.');
        let (Some(due), Some(request), Some(obligation)) =
            (words.next(), words.next(), words.next())
        else {
            return Err(());
        };
        Ok(Self((
            Timestamp::from_milliseconds(due.parse().map_err(drop)?),
            request.parse().map_err(drop)?,
            obligation.parse().map_err(drop)?,
        )))
    }
}

/// An obligation that is not done.
#[derive(Clone, Debug, Serialize)]
pub struct ListedObligation {
    /// The request.
    pub request_id: String,
    /// The version of the request, for `If-Match`.
    pub version: u64,
    /// The partner with whom it was exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<McSystemId>,
    /// The obligation.
    #[serde(flatten)]
    pub obligation: ObligationAnswer,
    #[serde(skip)]
    place: ObligationPlace,
}

impl ListedObligation {
    /// Where it stands in the list.
    pub fn place(&self) -> Place {
        Place(self.place)
    }
}

impl App {
    /// Obligations that are not done, of requests whose obligations the caller may report or that they may read, the
    /// earliest due first; from one place on.
    pub fn unfinished_obligations(
        &self,
        caller: &Caller,
        filter: &Filter,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<ListedObligation>, AppError> {
        // Who may do neither with requests of their own is told so.
        if self
            .permit_on_requests_of(caller, Action::ReadRequest, &caller.name)
            .is_err()
        {
            self.permit_on_requests_of(caller, Action::ReportObligation, &caller.name)?;
        }
        let now = self.present().earliest;
        let limit = limit.min(PAGE_OBLIGATIONS_MAX);
        let mut readable: HashMap<Arc<str>, bool> = HashMap::new();
        let mut may_read = |submitter: &Arc<str>| {
            if let Some(may) = readable.get(submitter) {
                return *may;
            }
            let actions = [Action::ReportObligation, Action::ReadRequest];
            let may = actions.into_iter().any(|action| {
                self.permit_on_requests_of(caller, action, submitter)
                    .is_ok()
            });
            readable.insert(Arc::clone(submitter), may);
            may
        };
        let mut found = Vec::new();
        let mut after = after.map(|Place(place)| place);
        loop {
            let last = self.store().view(|state| {
                let mut last = None;
                for place in filter.places(state, after).take(LOOKED_AT_ONCE) {
                    if found.len() == limit || filter.is_beyond(&place, now) {
                        return None;
                    }
                    last = Some(place);
                    let (_, request, id) = place;
                    let owed = state.owed(request, id);
                    let Some(owed) = owed.filter(|owed| filter.admits(owed.tracked)) else {
                        continue;
                    };
                    let tracked = owed.tracked;
                    if may_read(owed.caller) {
                        found.push(ListedObligation {
                            request_id: request.to_string(),
                            version: owed.version,
                            partner: tracked.duty.partner.clone(),
                            obligation: ObligationAnswer::new(id, tracked, now),
                            place,
                        });
                    }
                }
                last
            });
            match last {
                None => return Ok(found),
                Some(last) => after = Some(last),
            }
        }
    }
}

impl Filter {
    fn places<'s>(
        &self,
        state: &'s State,
        after: Option<ObligationPlace>,
    ) -> Box<dyn Iterator<Item = ObligationPlace> + 's> {
        match self.state {
            Some(WantedState::Failed) => Box::new(state.failed_obligations(after)),
            Some(WantedState::Open | WantedState::Overdue) | None => {
                Box::new(state.unfinished_obligations(after))
            }
        }
    }

    /// Whether nothing that is asked for can come from here on.
    fn is_beyond(&self, (due, ..): &ObligationPlace, now: Timestamp) -> bool {
        self.state == Some(WantedState::Overdue) && *due > now
    }

    fn admits(&self, tracked: &Tracked) -> bool {
        let duty = &tracked.duty;
        let stands = match self.state {
            None | Some(WantedState::Failed) => true,
            Some(WantedState::Open | WantedState::Overdue) => {
                tracked.state() == ObligationState::Open
            }
        };
        let is = |wanted: Option<&McSystemId>, found: Option<&McSystemId>| {
            wanted.is_none_or(|wanted| found == Some(wanted))
        };
        stands
            && is(self.partner.as_ref(), duty.partner.as_ref())
            && is(self.system.as_ref(), duty.system.as_ref())
            && self
                .function
                .as_ref()
                .is_none_or(|function| duty.function == *function)
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let text = "1700000000000.0b2dff22-9b3e-4d1c-8d4e-0a8c7b6f5a41.3-accepted-1";
        assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        for wrong in [
            "",
            "1",
            "1.2.3",
            "x.0b2dff22-9b3e-4d1c-8d4e-0a8c7b6f5a41.0-0",
        ] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
