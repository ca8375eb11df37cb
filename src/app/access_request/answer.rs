//! What an evaluation is answered, made from its record, so that a repetition is answered the same.

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::access_request::RELEVANT_CONTEXT;
use crate::app::access_request::Tuple;
use crate::app::access_request::approval::Why;
use crate::app::access_request::claims::Audience;
use crate::app::access_request::claims::DenialClaims;
use crate::app::access_request::claims::seconds;
use crate::app::access_request::lapsed::Lapsed;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::Receipt;
use crate::app::error::AppError;
use crate::app::outward::PartnerReason;
use crate::app::requests::attached_part;
use crate::app::requests::decision_record;
use crate::app::requests::receipt;
use crate::app::taken_back::TakenBackBy;
use crate::decision::facts::other_system;
use crate::domain::lifecycle::ItemState;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::identity::signing::SignedType;
use crate::store::access::ApprovalId;
use crate::store::command::RequestId;
use crate::store::event::EventBody;
use crate::store::state::RequestEntry;

/// The part of a record that says what was answered to an evaluation beside the decision; nothing personal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "access-evaluation")]
pub(in crate::app) struct EvaluationPart {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<Why>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) taken_back_by: Option<TakenBackBy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lapsed: Option<Lapsed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) approval: Option<GivenApproval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) template: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) requestable_until: Option<Timestamp>,
}

/// An approval, and until when it can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenApproval {
    /// Its name.
    pub id: ApprovalId,
    /// The last moment.
    pub approved_until: Timestamp,
}

/// The answer to an evaluation.
#[derive(Clone, Debug)]
pub struct EvaluationAnswer {
    /// Whether what was asked may go forward.
    pub decision: bool,
    /// The evaluation, by the name of its request.
    pub evaluation: RequestId,
    /// When it was decided.
    pub evaluated_at: Timestamp,
    /// Why a presented approval did not help.
    pub why: Option<Why>,
    /// What took back what a presented approval approved.
    pub taken_back_by: Option<TakenBackBy>,
    /// What a presented approval rested on that is so no longer.
    pub lapsed: Option<Lapsed>,
    /// The approval by which it was granted.
    pub approval: Option<GivenApproval>,
    /// How an approval can be asked for.
    pub requestable: Option<RequestableDenial>,
    /// What was decided, and why.
    pub item: DecisionAnswer,
    /// Where the record is.
    pub record: Receipt,
}

/// How an approval of what was held can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestableDenial {
    /// Where.
    pub endpoint: String,
    /// The category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Until when.
    pub expires_at: Timestamp,
    /// What we signed of it.
    pub binding_token: String,
}

/// Whether what was granted is still so, and was not refused by the partner.
fn still_stands(state: ItemState) -> bool {
    let is_refused_there = matches!(
        state,
        ItemState::Answered {
            outcome: PartnerOutcome::Reject,
            ..
        }
    );
    state.is_granted_here() && !is_refused_there
}

impl App {
    pub(super) fn evaluation_answer(
        &self,
        caller: &Caller,
        id: RequestId,
        tuple: &Tuple,
    ) -> Result<EvaluationAnswer, AppError> {
        let nothing = || AppError::Broken("the record of an evaluation is incomplete".into());
        let entry = self.request_entry(id)?;
        let stored = self.entry(entry.submitted)?;
        let EventBody::Submitted { items, .. } = &stored.event.body else {
            return Err(nothing());
        };
        let was_granted = items.iter().any(|item| item.is_granted_here());
        // What was granted and is so no longer, nobody takes up by asking again.
        let standing = entry.items.first().copied().filter(|_| was_granted);
        let part: EvaluationPart = attached_part(&stored).ok_or_else(nothing)?;
        let record = decision_record(&stored)?;
        let evaluated_at = record.now;
        let partner = other_system(&record.request).clone();
        let item = record.items.into_iter().next().ok_or_else(nothing)?;
        let mut item = DecisionAnswer::from(item);
        let mut stands = false;
        if let Some(state) = standing {
            item.partner_reason = PartnerReason::standing(&item, state, None);
            stands = still_stands(state);
            if stands && (!entry.ended.is_empty() || self.has_ended(&entry, &item)?) {
                item.partner_reason = PartnerReason::ended();
                stands = false;
            }
            if stands && self.is_lapsing(&partner, entry.submitted.0) {
                item.partner_reason = PartnerReason::standing(&item, ItemState::Revoked, None);
                stands = false;
            }
        }
        let requestable = match part.requestable_until {
            Some(until) => {
                Some(self.requestable((caller, id, tuple), (evaluated_at, until), part.template)?)
            }
            None => None,
        };
        Ok(EvaluationAnswer {
            decision: stands,
            evaluation: id,
            evaluated_at,
            why: part.why,
            taken_back_by: part.taken_back_by,
            lapsed: part.lapsed,
            approval: part.approval,
            requestable,
            item,
            record: receipt(entry.submitted, &stored),
        })
    }

    /// Whether the time of a grant is over, as we limited it or the partner did.
    fn has_ended(&self, entry: &RequestEntry, item: &DecisionAnswer) -> Result<bool, AppError> {
        let end = if entry.further.is_empty() {
            item.limits.end_time
        } else {
            let latest = self.standing(entry.id)?.latest();
            latest.first().and_then(|item| item.limits.end_time)
        };
        Ok(end.is_some_and(|end| self.now() >= end))
    }

    fn requestable(
        &self,
        (caller, id, tuple): (&Caller, RequestId, &Tuple),
        (evaluated_at, until): (Timestamp, Timestamp),
        template: Option<String>,
    ) -> Result<RequestableDenial, AppError> {
        let offer = self.offered()?;
        let claims = DenialClaims {
            iss: offer.decision_point().to_owned(),
            aud: Audience::One(offer.request_service()),
            iat: seconds(evaluated_at),
            exp: seconds(until),
            jti: id.to_string(),
            evaluation_id: id.to_string(),
            denial_expires_at: until.to_string(),
            binding_context_members: RELEVANT_CONTEXT.map(str::to_owned).to_vec(),
            binding_hash: tuple.binding_hash(),
            client_id: caller.name.clone(),
            template: template.clone(),
        };
        let binding_token = self
            .signing_key()
            .sign(SignedType::Denial, &claims)
            .map_err(|error| AppError::Broken(Box::new(error)))?;
        Ok(RequestableDenial {
            endpoint: offer.request_service(),
            template,
            expires_at: until,
            binding_token,
        })
    }
}
