//! Whether an approval that is presented helps: it is ours, given to this caller for exactly this, open, and of no
//! fewer persons than policy asks for.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::app::access_request::PresentedApproval;
use crate::app::access_request::claims::ApprovalClaims;
use crate::app::access_request::claims::moment;
use crate::app::access_request::lapsed::Lapsed;
use crate::app::access_request::lapsed::Read;
use crate::app::error::AppError;
use crate::app::requests::Standing;
use crate::app::submit::Evaluation;
use crate::app::taken_back::TakenBackBy;
use crate::decision::decide::ItemDecision;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::identity::signing::SignedType;
use crate::store::access::ApprovalId;
use crate::store::access::Fate;
use crate::store::access::KeptApproval;
use crate::store::access::Use;
use crate::store::command::ScopeDigest;
use crate::store::command::Turned;

/// Why an approval that is presented does not help, in the words of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its time is over, it was used or revoked, or what it approved was taken back since.
    ApprovalExpired,
    /// It is of something else, or of fewer persons than policy asks for.
    OutOfScope,
    /// Policy refuses, whatever was approved.
    PolicyDenied,
    /// It is not ours, not this caller's, or not what it says.
    ApprovalUnverifiable,
}

impl Why {
    /// Whether asking for another approval does not help.
    pub(super) fn is_final(self) -> bool {
        match self {
            Self::PolicyDenied | Self::ApprovalUnverifiable => true,
            Self::ApprovalExpired | Self::OutOfScope => false,
        }
    }
}

/// What a presented approval is worth.
#[derive(Clone, Debug)]
pub(super) enum Judged {
    Applies(Used),
    Not(Why),
    /// It has been taken back since, by this.
    TakenBack(TakenBackBy),
    NoLonger(Lapsed),
}

/// An approval that applies.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) uses: Use,
    pub(super) until: Timestamp,
    /// What was looked at of what turns it round.
    pub(super) turned: Vec<Turned>,
    /// What it rests on that its approvers may give it still.
    pub(super) reads: Vec<Read>,
    /// The moment at which it must still be in time.
    pub(super) in_time_at: Timestamp,
}

impl App {
    pub(super) async fn judged_approval(
        &self,
        presented: &PresentedApproval,
        (caller, scope): (&Caller, ScopeDigest),
        request: &InterSystemRequest,
        evaluation: &Evaluation,
    ) -> Result<Judged, AppError> {
        let present = self.present();
        let (id, kept) = match self.looked_up(presented, evaluation.now) {
            Ok(found) => found,
            Err(why) => return Ok(Judged::Not(why)),
        };
        if *kept.caller != *caller.name {
            return Ok(Judged::Not(Why::ApprovalUnverifiable));
        }
        if kept.fate != Fate::Open || present.earliest >= kept.until {
            return Ok(Judged::Not(Why::ApprovalExpired));
        }
        if !kept.fits(&caller.name, &scope, present.earliest) {
            return Ok(Judged::Not(Why::OutOfScope));
        }
        if present.latest >= kept.until {
            return Err(self.unsettled().into());
        }
        let item = evaluation.items.first();
        if item.is_none_or(|item| item.outcome == Outcome::Reject) {
            return Ok(Judged::Not(Why::PolicyDenied));
        }
        let approved_by = kept.request;
        let standing = self.aside(move |app| app.standing(approved_by)).await?;
        let Some(item) = item.filter(|item| covers(&standing, item)) else {
            return Ok(Judged::Not(Why::OutOfScope));
        };
        let terms = standing.terms();
        if terms.is_some_and(|terms| !terms.cover(item, evaluation.now)) {
            return Ok(Judged::NoLonger(Lapsed::Terms));
        }
        let Some(reads) = self.still_given(&standing, item) else {
            return Ok(Judged::NoLonger(Lapsed::Approvers));
        };
        let taken_back = self.taken_back(request, &standing.entry)?;
        if let Some(by) = taken_back.by.into_values().next() {
            return Ok(Judged::TakenBack(by));
        }
        Ok(Judged::Applies(Used {
            uses: Use {
                approval: id,
                request: approved_by,
            },
            until: kept.until,
            turned: taken_back.seen,
            reads,
            in_time_at: present.latest,
        }))
    }

    /// The approval as we keep it, if what is presented is ours.
    fn looked_up(
        &self,
        presented: &PresentedApproval,
        now: Timestamp,
    ) -> Result<(ApprovalId, KeptApproval), Why> {
        let id = presented.id.as_ref().and_then(Value::as_str);
        let id = id.and_then(|id| id.parse::<ApprovalId>().ok());
        let id = id.ok_or(Why::ApprovalUnverifiable)?;
        let claims = match &presented.state {
            Some(state) => Some(self.verified_state(state, id)?),
            None => None,
        };
        let kept = self.store().view(|state| state.approval(id).cloned());
        match (kept, claims) {
            (Some(kept), _) => Ok((id, kept)),
            // Forgotten since, and yet ours.
            (None, Some(claims)) if moment(claims.exp) <= now => Err(Why::ApprovalExpired),
            (None, Some(_) | None) => Err(Why::ApprovalUnverifiable),
        }
    }

    /// What we signed of an approval: by us, for us, and of the same name.
    fn verified_state(&self, state: &Value, id: ApprovalId) -> Result<ApprovalClaims, Why> {
        let offer = self.access_offer().ok_or(Why::ApprovalUnverifiable)?;
        let text = state.as_str().ok_or(Why::ApprovalUnverifiable)?;
        let claims: ApprovalClaims = self
            .signing_key()
            .verify(SignedType::Approval, text)
            .map_err(|_| Why::ApprovalUnverifiable)?;
        let ours = offer.decision_point();
        let is_ours = claims.iss == ours && claims.aud.includes(ours);
        if is_ours && claims.jti == id.to_string() {
            Ok(claims)
        } else {
            Err(Why::ApprovalUnverifiable)
        }
    }
}

/// Whether what holds an item now was known to those who approved, and asks for nobody more (ruling 26).
fn covers(standing: &Standing, item: &ItemDecision) -> bool {
    let known = standing.policies();
    let seen = standing.quorums().into_iter().next().unwrap_or_default();
    let is_known = item
        .policies
        .iter()
        .all(|policy| known.contains(&policy.id));
    // What policy approved by itself stands for no person.
    standing.was_answered() && is_known && (seen == item.quorum || seen.and(&item.quorum) == seen)
}
