//! Whether an access request is bound to an evaluation that was held: ours, of the same caller, of exactly the same,
//! and in time.

use crate::app::App;
use crate::app::access_request::AccessProblem;
use crate::app::access_request::RELEVANT_CONTEXT;
use crate::app::access_request::Tuple;
use crate::app::access_request::claims::DenialClaims;
use crate::app::access_request::claims::moment;
use crate::app::error::AppError;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::identity::signing::SignedType;
use crate::store::access::Access;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;

/// What a submission says of the evaluation that was held; nothing of it is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denial {
    /// The evaluation.
    pub evaluation_id: Option<String>,
    /// Until when it can be asked for.
    pub expires_at: Option<String>,
    /// What we signed of it.
    pub binding_token: Option<String>,
}

/// An evaluation to which a submission is bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct BoundTo {
    pub(super) evaluation: RequestId,
    pub(super) scope: ScopeDigest,
}

fn unbound(detail: &str) -> AppError {
    AccessProblem::InvalidDenialBinding.with(detail)
}

impl App {
    pub(super) fn bound(
        &self,
        caller: &Caller,
        denial: Option<&Denial>,
        tuple: &Tuple,
    ) -> Result<BoundTo, AppError> {
        let denial = denial.ok_or_else(|| unbound("no `denial` covers what is asked for"))?;
        let expires_at = denial.expires_at.as_deref();
        let expires_at = expires_at.and_then(|text| text.parse::<Timestamp>().ok());
        let expires_at =
            expires_at.ok_or_else(|| unbound("`denial.expires_at` is missing or no time stamp"))?;
        let hash = tuple.binding_hash();
        let (evaluation, deadline) = match (&denial.binding_token, &denial.evaluation_id) {
            (Some(token), named) => {
                let claims = self.verified_denial(caller, token, &hash)?;
                if named.as_ref().is_some_and(|it| *it != claims.evaluation_id) {
                    return Err(unbound("`denial.evaluation_id` is of another evaluation"));
                }
                let protected = claims.denial_expires_at.parse::<Timestamp>().ok();
                if protected != Some(expires_at) {
                    return Err(unbound("`denial.expires_at` is not what was told"));
                }
                (claims.evaluation_id, expires_at.min(moment(claims.exp)))
            }
            (None, Some(named)) => (named.clone(), expires_at),
            (None, None) => {
                let detail = "`denial` has neither `binding_token` nor `evaluation_id`";
                return Err(unbound(detail));
            }
        };
        self.resolved(caller, &evaluation, &hash, deadline)
    }

    /// The evaluation that a denial names, whatever else may be wrong with it.
    pub(super) fn said_evaluation(&self, denial: &Denial) -> Option<RequestId> {
        let named = denial.evaluation_id.clone().or_else(|| {
            let token = denial.binding_token.as_deref()?;
            let claims = self.signing_key().verify(SignedType::Denial, token);
            claims.ok().map(|claims: DenialClaims| claims.evaluation_id)
        });
        named?.parse().ok()
    }

    /// The claims of a token of ours, for this caller and of exactly this; its time is another question.
    fn verified_denial(
        &self,
        caller: &Caller,
        token: &str,
        hash: &str,
    ) -> Result<DenialClaims, AppError> {
        let offer = self.offered()?;
        let claims: DenialClaims = self
            .signing_key()
            .verify(SignedType::Denial, token)
            .map_err(|error| unbound(&format!("`denial.binding_token`: {error}")))?;
        if claims.iss != offer.decision_point() || !claims.aud.includes(&offer.request_service()) {
            return Err(unbound("`denial.binding_token` is not meant for here"));
        }
        if claims.client_id != caller.name {
            return Err(unbound("`denial.binding_token` was told to another caller"));
        }
        if claims.binding_context_members != RELEVANT_CONTEXT || claims.binding_hash != hash {
            let detail = "subject, resource, action or `context.request` is not what was evaluated";
            return Err(unbound(detail));
        }
        Ok(claims)
    }

    /// The evaluation as we recorded it has the last word.
    fn resolved(
        &self,
        caller: &Caller,
        evaluation: &str,
        hash: &str,
        deadline: Timestamp,
    ) -> Result<BoundTo, AppError> {
        let unknown = || unbound("there is no such evaluation of this caller");
        let id: RequestId = evaluation.parse().map_err(|_| unknown())?;
        let entry = match self.request_entry(id) {
            Ok(entry) if *entry.caller == *caller.name => entry,
            Ok(_) | Err(AppError::UnknownRequest(_)) => return Err(unknown()),
            Err(error) => return Err(error),
        };
        let Some(Access::Evaluation {
            scope,
            requestable_until,
            ..
        }) = entry.access.as_deref()
        else {
            return Err(unknown());
        };
        if self.sealing_key().scope(hash).as_ref() != Some(scope) {
            let detail = "subject, resource, action or `context.request` is not what was evaluated";
            return Err(unbound(detail));
        }
        let Some(until) = requestable_until else {
            let detail = "the evaluation told no `context.access_request`";
            return Err(AccessProblem::NotRequestable.with(detail));
        };
        let (present, end) = (self.present(), deadline.min(*until));
        if present.earliest >= end {
            let detail = "the time in which an approval can be asked for is over; evaluate again";
            return Err(AccessProblem::ExpiredDenial.with(detail));
        }
        if present.latest >= end {
            return Err(self.unsettled().into());
        }
        Ok(BoundTo {
            evaluation: id,
            scope: *scope,
        })
    }
}
