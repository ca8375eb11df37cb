//! What becomes of a decision, by what it was asked for: carried out, only evaluated, or an approval alone.

use serde::Serialize;
use uuid::Uuid;

use crate::app::App;
use crate::app::access_request::PresentedApproval;
use crate::app::access_request::Why;
use crate::app::access_request::answer::EvaluationPart;
use crate::app::access_request::answer::GivenApproval;
use crate::app::access_request::approval::Judged;
use crate::app::access_request::ask::AccessRequestPart;
use crate::app::access_request::lapsed::Read;
use crate::app::access_request::milliseconds;
use crate::app::access_request::whole_second;
use crate::app::callbacks::Callback;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::submit::Evaluation;
use crate::app::submit::accepted_state;
use crate::app::submit::decided_state;
use crate::app::submit::outcome_counts;
use crate::decision::decide::ItemDecision;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::decision_log::OutcomeCounts;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::Received;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::access::Access;
use crate::store::access::ApprovalId;
use crate::store::access::Asked;
use crate::store::access::Bundled;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;
use crate::store::command::Turned;
use crate::store::state::KEY_RETENTION_MILLISECONDS;

/// What a request is submitted for.
#[derive(Clone, Debug)]
pub(in crate::app) enum Purpose {
    /// To be carried out; what is held waits for a person.
    Grant,
    /// An evaluation; what is held waits for nobody.
    Evaluation {
        /// What exactly is asked.
        scope: ScopeDigest,
        /// The approval that is presented.
        approval: Option<PresentedApproval>,
    },
    /// An approval; nothing else follows from its grant.
    Approval(Box<Wanted>),
}

/// An approval that is asked for.
#[derive(Clone, Debug)]
pub(in crate::app) struct Wanted {
    pub(super) task: RequestId,
    pub(super) bundled: Option<Bundled>,
    pub(super) evaluation: RequestId,
    pub(super) scope: ScopeDigest,
    pub(super) until: Option<Timestamp>,
    /// Whether somebody wants to be called when the task has ended.
    pub(super) is_called_back: bool,
    /// Where, with the first request of a task.
    pub(super) callback: Option<Callback>,
    /// What was submitted, for the record.
    pub(super) part: AccessRequestPart,
}

/// What becomes of a decision.
#[derive(Clone, Debug)]
pub(in crate::app) struct Settled {
    /// Where the items stand.
    pub(in crate::app) states: Vec<ItemState>,
    /// The numbers of those that are accepted, from which something follows.
    pub(in crate::app) accepted: Vec<usize>,
    /// How many come out which way.
    pub(in crate::app) counts: OutcomeCounts,
    /// What it has to do with access requests.
    pub(in crate::app) access: Option<Box<Access>>,
    /// What was looked at of what turns it round.
    pub(in crate::app) turned: Vec<Turned>,
    /// What it rests on beside the decision.
    pub(in crate::app) reads: Vec<Read>,
    /// The moment at which an approval that it uses must still be in time.
    pub(in crate::app) in_time_at: Option<Timestamp>,
    /// What the record says beside the decision.
    pub(in crate::app) parts: Vec<RecordPart>,
}

impl Purpose {
    /// Whether something follows from a grant.
    pub(in crate::app) fn has_consequences(&self) -> bool {
        match self {
            Self::Grant | Self::Evaluation { .. } => true,
            Self::Approval(_) => false,
        }
    }
}

impl App {
    /// What becomes of a decision.
    pub(in crate::app) async fn settled(
        &self,
        caller: &Caller,
        purpose: &Purpose,
        request: &InterSystemRequest,
        evaluation: &Evaluation,
    ) -> Result<Settled, AppError> {
        match purpose {
            Purpose::Grant => Ok(carried_out(request, evaluation)),
            Purpose::Evaluation { scope, approval } => {
                let asked = (*scope, approval.as_ref());
                self.evaluated(caller, asked, request, evaluation).await
            }
            Purpose::Approval(wanted) => self.asked_for(wanted, request, evaluation),
        }
    }

    async fn evaluated(
        &self,
        caller: &Caller,
        (scope, presented): (ScopeDigest, Option<&PresentedApproval>),
        request: &InterSystemRequest,
        evaluation: &Evaluation,
    ) -> Result<Settled, AppError> {
        let item = the_item(evaluation)?;
        let judged = match presented {
            Some(presented) if item.outcome != Outcome::Accept => {
                let asked = (caller, scope);
                let judged = self
                    .judged_approval(presented, asked, request, evaluation)
                    .await?;
                Some(judged)
            }
            Some(_) | None => None,
        };
        let (used, why, taken_back_by, lapsed) = match judged {
            Some(Judged::Applies(used)) => (Some(used), None, None, None),
            Some(Judged::TakenBack(by)) => (None, Some(Why::ApprovalExpired), Some(by), None),
            Some(Judged::Not(why)) => (None, Some(why), None, None),
            Some(Judged::NoLonger(lapsed)) => (None, Some(lapsed.why()), None, Some(lapsed)),
            None => (None, None, None, None),
        };
        let is_granted = item.outcome == Outcome::Accept || used.is_some();
        let is_final = why.is_some_and(Why::is_final);
        let requestable_until = (!is_granted && !is_final)
            .then(|| self.requestable_until(request, item, evaluation.now))
            .flatten();
        let part = EvaluationPart {
            why,
            taken_back_by,
            lapsed,
            approval: used.as_ref().map(|used| GivenApproval {
                id: used.uses.approval,
                approved_until: used.until,
            }),
            template: item.categories.first().cloned(),
            requestable_until,
        };
        let received = Received::new();
        let state = if is_granted {
            accepted_state(received, request, evaluation.now)
        } else {
            received.refuse().into()
        };
        let mut counts = outcome_counts(&evaluation.items);
        if used.is_some() {
            (counts.accept, counts.review) = (1, 0);
        }
        let access = Access::Evaluation {
            scope,
            requestable_until,
            uses: used.as_ref().map(|used| used.uses),
        };
        let mut settled = Settled {
            states: vec![state],
            accepted: is_granted.then_some(0).into_iter().collect(),
            counts,
            access: Some(Box::new(access)),
            turned: Vec::new(),
            reads: Vec::new(),
            in_time_at: None,
            parts: vec![part_of(PartClass::State, &part)?],
        };
        if let Some(used) = used {
            settled.turned = used.turned;
            settled.reads = used.reads;
            settled.in_time_at = Some(used.in_time_at);
        }
        Ok(settled)
    }

    /// Until when an approval of what is held can be asked for.
    fn requestable_until(
        &self,
        request: &InterSystemRequest,
        item: &ItemDecision,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let offer = self.access_offer()?;
        // What is published with its approval is asked for over `/v1` (ruling 25).
        let is_held = item.outcome == Outcome::Review;
        if !is_held || request.body.operation().needs_second_person() {
            return None;
        }
        let until = now.plus_milliseconds(milliseconds(offer.denial_seconds));
        let until = item.expires_at.map_or(until, |end| end.min(until));
        Some(whole_second(until))
    }

    fn asked_for(
        &self,
        wanted: &Wanted,
        request: &InterSystemRequest,
        evaluation: &Evaluation,
    ) -> Result<Settled, AppError> {
        let item = the_item(evaluation)?;
        let now = evaluation.now;
        let lasts = milliseconds(self.offered()?.approval_seconds);
        // It was still to come when the submission was read.
        if wanted.until.is_some_and(|until| until <= now) {
            return Err(wished_end_over());
        }
        let received = Received::new();
        let (state, waits_until): (ItemState, _) = match item.outcome {
            Outcome::Accept => (received.grant().into(), Some(now)),
            Outcome::Reject => (received.refuse().into(), Some(now)),
            Outcome::Review => {
                // An approval that could not be used any more is not worth anybody's answer.
                let both = [item.expires_at, wanted.until];
                let until = both.into_iter().flatten().min();
                (received.hold(until).into(), until)
            }
        };
        let told_for = lasts.saturating_add(KEY_RETENTION_MILLISECONDS);
        let mut asked = Asked {
            task: wanted.task,
            bundled: wanted.bundled.clone(),
            evaluation: wanted.evaluation,
            scope: wanted.scope,
            thing: self.thing(request, &item.item),
            lasts,
            handle_until: waits_until.map(|it| whole_second(it.plus_milliseconds(told_for))),
            wanted_until: wanted.until,
            approval: None,
            callback: wanted.is_called_back,
        };
        if state == ItemState::Granted {
            asked.approval = Some(
                asked
                    .approve(ApprovalId(Uuid::new_v4()), now)
                    .ok_or_else(wished_end_over)?,
            );
        }
        let whose = || PartClass::Personal(wanted.part.whose());
        let mut parts = vec![part_of(whose(), &wanted.part)?];
        if let Some(callback) = &wanted.callback {
            // Whoever asked chose it, and may name anybody in it.
            parts.push(part_of(whose(), callback)?);
        }
        Ok(Settled {
            states: vec![state],
            accepted: Vec::new(),
            counts: outcome_counts(&evaluation.items),
            access: Some(Box::new(Access::Approval(asked))),
            turned: Vec::new(),
            reads: Vec::new(),
            in_time_at: None,
            parts,
        })
    }
}

fn wished_end_over() -> AppError {
    let place = "/requested_access/requested_until";
    AppError::Invalid(vec![Invalid::at(place, "is over already")])
}

fn carried_out(request: &InterSystemRequest, evaluation: &Evaluation) -> Settled {
    let items = evaluation.items.iter();
    let state = |item: &ItemDecision| decided_state(request, item, evaluation.now);
    let accepted = items.clone().enumerate();
    let accepted = accepted.filter(|(_, item)| item.outcome == Outcome::Accept);
    Settled {
        states: items.map(state).collect(),
        accepted: accepted.map(|(number, _)| number).collect(),
        counts: outcome_counts(&evaluation.items),
        access: None,
        turned: Vec::new(),
        reads: Vec::new(),
        in_time_at: None,
        parts: Vec::new(),
    }
}

/// The one item that is evaluated.
fn the_item(evaluation: &Evaluation) -> Result<&ItemDecision, AppError> {
    match evaluation.items.as_slice() {
        [item] => Ok(item),
        items => {
            let detail = format!(
                "an evaluation asks one thing, and this request has {} items",
                items.len()
            );
            Err(AppError::Invalid(vec![Invalid::at("", detail)]))
        }
    }
}

fn part_of(class: PartClass, body: &impl Serialize) -> Result<RecordPart, AppError> {
    let body = serde_json::to_vec(body).map_err(|error| AppError::Broken(Box::new(error)))?;
    Ok(RecordPart { class, body })
}
