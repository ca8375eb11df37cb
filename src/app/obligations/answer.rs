//! What is told of the obligations of a request, and its status in words.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::answer::ItemAnswer;
use crate::app::answer::Receipt;
use crate::app::answer::ResponseAnswer;
use crate::app::obligations::report::Reported;
use crate::decision::obligation::Obligation;
use crate::decision::obligation::ObligationParameters;
use crate::domain::identity::McSystemId;
use crate::domain::obligation::ObligationId;
use crate::domain::obligation::Occasion;
use crate::domain::outcome::RequestStatus;
use crate::domain::time::Timestamp;
use crate::store::state::ObligationState;
use crate::store::state::RequestEntry;
use crate::store::state::Tracked;

/// An obligation of a request, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct ObligationAnswer {
    /// Its name within the request.
    pub id: ObligationId,
    /// The number of the item; absent where it is the request as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// Why it arose.
    pub occasion: Occasion,
    /// What is to be done.
    pub name: String,
    /// The system that does it; absent where the role is played by none that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<McSystemId>,
    /// The role in which it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The function of that system.
    pub function: String,
    /// What it is done with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<ObligationParameters>,
    /// Open, done, failed or overtaken.
    pub state: &'static str,
    /// By when it has to be done.
    pub due_at: Option<Timestamp>,
    /// Whether nothing was reported of it though its time is over.
    pub overdue: bool,
    /// What was reported of it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<ReportedAnswer>,
}

/// What was reported of an obligation.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedAnswer {
    /// The account that reported it.
    pub by: String,
    /// When.
    pub reported_at: Timestamp,
    /// When it happened, as the front-end says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What the front-end says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where its record is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Receipt>,
}

/// What the records of a request say beside the state, by obligation: the last report of each.
pub(in crate::app) type Reports = BTreeMap<ObligationId, (Reported, Receipt)>;

impl ObligationAnswer {
    /// What the state knows of it.
    pub(super) fn new(id: ObligationId, tracked: &Tracked, now: Timestamp) -> Self {
        let duty = &tracked.duty;
        let reported = tracked.report.as_ref().map(|noted| ReportedAnswer {
            by: noted.by.to_string(),
            reported_at: noted.at,
            at: None,
            detail: None,
            record: None,
        });
        Self {
            id,
            item: id.item,
            occasion: id.occasion,
            name: duty.name.clone(),
            system: duty.system.clone(),
            role: None,
            function: duty.function.clone(),
            parameters: None,
            state: tracked.state().as_str(),
            due_at: tracked.due_at(),
            overdue: tracked.is_overdue(now),
            reported,
        }
    }
}

/// The obligations of a request that have arisen, with what its answer says of them.
pub(in crate::app) fn obligation_answers(
    entry: &RequestEntry,
    mut reports: Reports,
    (items, responses): (&[ItemAnswer], &[ResponseAnswer]),
    now: Timestamp,
) -> Vec<ObligationAnswer> {
    let arisen = entry.obligations.arisen();
    let answers = arisen.map(|(id, tracked)| {
        let mut answer = ObligationAnswer::new(id, tracked, now);
        let said = said(id, items, responses);
        if let Some(said) = said.filter(|it| it.name == answer.name) {
            answer.role = Some(said.role.clone());
            answer.parameters = Some(said.parameters.clone());
        }
        if let Some(answer) = &mut answer.reported
            && let Some((reported, receipt)) = reports.remove(&id)
        {
            answer.at = reported.at;
            answer.detail = reported.detail;
            answer.record = Some(receipt);
        }
        answer
    });
    answers.collect()
}

/// What the answers to a request say that an item obliges to, at the place of an obligation.
fn said<'a>(
    id: ObligationId,
    items: &'a [ItemAnswer],
    responses: &'a [ResponseAnswer],
) -> Option<&'a Obligation> {
    let number = usize::try_from(id.item?).ok()?;
    let position = usize::try_from(id.position).ok()?;
    let item = items.get(number)?;
    let at = |said: &'a Vec<Obligation>| said.get(position);
    match id.occasion {
        Occasion::Grant => {
            let answered = responses.iter().rev().flat_map(|response| {
                let decided = response.items.iter().zip(&response.evaluated);
                decided.filter(|(other, _)| **other == number)
            });
            let decided = answered.map(|(_, decision)| decision);
            let mut decided = std::iter::once(&item.decision).chain(decided);
            decided.find_map(|decision| at(&decision.obligations))
        }
        Occasion::PartnerAccepted | Occasion::PartnerRefused => {
            let answered = item.partner.as_ref().map(|partner| &partner.obligations);
            let refused = item.refusal.as_ref().map(|refusal| &refusal.obligations);
            answered.and_then(at).or_else(|| refused.and_then(at))
        }
        Occasion::Revocation => {
            let ended = item.revoked.as_ref();
            let ended = ended.and_then(|revoked| at(&revoked.obligations));
            ended.or_else(|| at(&item.undo))
        }
    }
}

/// Where a request stands, in words for people: its status, how many grants have ended by themselves, and what of its
/// obligations is not done.
pub(in crate::app) fn summary(
    (status, ended): (RequestStatus, usize),
    obligations: &[ObligationAnswer],
) -> String {
    let mut words = vec![status.to_string()];
    match ended {
        0 => {}
        1 => words.push("1 grant has ended by its time".to_owned()),
        ended => words.push(format!("{ended} grants have ended by their time")),
    }
    let is = |state: ObligationState| move |it: &&ObligationAnswer| it.state == state.as_str();
    // Nobody has to do any more what was overtaken.
    let overtaken = obligations.iter();
    let overtaken = overtaken.filter(is(ObligationState::Overtaken)).count();
    let all = obligations.len() - overtaken;
    if all > 0 {
        let done = obligations.iter().filter(is(ObligationState::Done)).count();
        words.push(format!("{done} of {all} obligations done"));
    }
    let failed: Vec<&ObligationAnswer> = obligations
        .iter()
        .filter(is(ObligationState::Failed))
        .collect();
    let overdue: Vec<&ObligationAnswer> = obligations.iter().filter(|it| it.overdue).collect();
    for (what, which) in [("failed", failed), ("overdue", overdue)] {
        let Some((first, others)) = which.split_first() else {
            continue;
        };
        let others = if others.is_empty() { "" } else { " and others" };
        words.push(format!("{} {what}: {}{others}", which.len(), duty(first)));
    }
    words.join("; ")
}

fn duty(answer: &ObligationAnswer) -> String {
    let system = answer.system.as_ref().map(|system| format!("{system} "));
    let system = system.unwrap_or_default();
    format!("{} by {system}{}", answer.name, answer.function)
}
