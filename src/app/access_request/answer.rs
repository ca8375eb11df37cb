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
use crate::app::answer::DecisionAnswer;
use crate::app::answer::Receipt;
use crate::app::error::AppError;
use crate::app::outward::PartnerReason;
use crate::app::requests::attached_part;
use crate::app::requests::decision_record;
use crate::app::requests::receipt;
use crate::domain::lifecycle::ItemState;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::identity::signing::SignedType;
use crate::store::access::ApprovalId;
use crate::store::command::RequestId;
use crate::store::event::EventBody;

/// The part of a record that says what was answered to an evaluation beside the decision; nothing personal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "access-evaluation")]
pub(in crate::app) struct EvaluationPart {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<Why>,
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
        let item = record.items.into_iter().next().ok_or_else(nothing)?;
        let mut item = DecisionAnswer::from(item);
        // Its time ends a grant, whether or not that is written down.
        let is_over = item.limits.end_time.is_some_and(|end| self.now() >= end);
        let standing = if is_over || !entry.ended.is_empty() {
            standing.map(|_| ItemState::Revoked)
        } else {
            standing
        };
        if let Some(state) = standing {
            item.partner_reason = PartnerReason::standing(&item, state, None);
        }
        let requestable = match part.requestable_until {
            Some(until) => {
                Some(self.requestable((caller, id, tuple), (evaluated_at, until), part.template)?)
            }
            None => None,
        };
        Ok(EvaluationAnswer {
            decision: standing.is_some_and(still_stands),
            evaluation: id,
            evaluated_at,
            why: part.why,
            approval: part.approval,
            requestable,
            item,
            record: receipt(entry.submitted, &stored),
        })
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
