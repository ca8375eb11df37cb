//! Item decisions: what comes out for each member, each service, or the one thing asked.

mod grant;
mod selection;
mod texts;

use std::fmt;
use std::ops::Range;

use cedar_policy::Effect;
use serde::Deserialize;
use serde::Serialize;

use crate::decision::attention::Attention;
use crate::decision::decide::grant::Grant;
use crate::decision::engine::Engine;
use crate::decision::engine::Evaluation;
use crate::decision::engine::PolicyError as EngineError;
use crate::decision::entities::KnownEntities;
use crate::decision::facts::Facts;
use crate::decision::obligation::Limits;
use crate::decision::obligation::Obligation;
use crate::decision::query;
use crate::decision::query::Prepared;
use crate::decision::query::Queries;
use crate::decision::query::Query;
use crate::decision::quorum::Quorum;
use crate::decision::reason::ReasonCode;
use crate::domain::agreement::DisclosureKind;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;
use crate::policy::annotation;
use crate::policy::bundle::PolicyClass;
use crate::policy::bundle::PolicyInfo;

pub use selection::Selection;
pub use selection::select;
pub use selection::selection;

/// What an item is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ItemKey {
    /// The user: the listed one, the one who migrates, calls or affiliates, else the requester.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<McServiceId>,
    /// The service, where the operation is decided service by service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<McService>,
    /// The group, where the operation is decided group by group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The kind of information, where the operation is decided kind by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DisclosureKind>,
    /// The system to which the user might migrate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<McSystemId>,
}

/// What an item is about, most particular last: `sip:officer@… mcptt`.
impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            self.subject.as_ref().map(McServiceId::as_str),
            self.group.as_ref().map(GroupId::as_str),
            self.system.as_ref().map(McSystemId::as_str),
            self.kind.map(DisclosureKind::as_str),
            self.service.map(McService::as_str),
        ];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        f.write_str(&words.join(" "))
    }
}

/// The decision on one item, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemDecision {
    /// What the item is about.
    pub item: ItemKey,
    /// Accept, reject or review.
    pub outcome: Outcome,
    /// Why, in one word.
    pub reason: ReasonCode,
    /// What the partner may be told beside the reason; absent where no determining policy says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_text: Option<String>,
    /// What the determining policies tell our own officer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The policies that made it so.
    pub policies: Vec<DeterminingPolicy>,
    /// The categories of the permits that apply, in order of name.
    pub categories: Vec<String>,
    /// Permits that apply to an item that is refused.
    pub would_permit: Vec<String>,
    /// How the grant is less than what was asked.
    pub limits: Limits,
    /// What has to be done once the item is granted, or once it may be sent.
    pub obligations: Vec<Obligation>,
    /// What has to be done once the partner has granted it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_accepted: Vec<Obligation>,
    /// What has to be done once the partner has refused it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_refused: Vec<Obligation>,
    /// The policies that could not be evaluated.
    pub errors: Vec<PolicyError>,
    /// When a held item can no longer be approved; a held deletion never expires (ruling 15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who has to agree before a held item is granted.
    #[serde(default, skip_serializing_if = "Quorum::is_default")]
    pub quorum: Quorum,
    /// What is done so that a held item is not forgotten.
    #[serde(default, skip_serializing_if = "Attention::is_none")]
    pub attention: Attention,
}

/// A policy that made an answer what it is. Words are kept as text: a record outlives the bundle it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeterminingPolicy {
    /// Its stable name.
    pub id: String,
    /// Whether it permits or forbids.
    pub effect: PolicyEffect,
    /// How it answers, `automatic` or `manual-review`; a forbid without one refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Of a permit, the category of requests that it answers; of a forbid, its family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// What a policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyEffect {
    /// It permits.
    Permit,
    /// It forbids, or holds.
    Forbid,
}

/// Something that could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyError {
    /// The policy; absent where the query itself could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What went wrong; it may quote values of the request.
    pub message: String,
}

/// Decides every item of a request.
///
/// Nothing here can fail: what cannot be asked is refused, and says why.
pub fn decide(
    engine: &Engine,
    request: &InterSystemRequest,
    facts: &Facts,
    now: Timestamp,
) -> Vec<ItemDecision> {
    decided(engine, &Prepared::new(engine.bundle(), request, facts, now))
}

/// The same, from entities that were built for decisions before; what comes out does not depend on them.
pub fn decide_knowing(
    engine: &Engine,
    known: &KnownEntities,
    request: &InterSystemRequest,
    facts: &Facts,
    now: Timestamp,
) -> Vec<ItemDecision> {
    let asked = (engine.bundle().as_ref(), request);
    decided(engine, &Prepared::knowing(Some(known), asked, facts, now))
}

fn decided(engine: &Engine, prepared: &Prepared<'_>) -> Vec<ItemDecision> {
    let mut items = decide_items(engine, prepared, 0..prepared.item_count());
    select(prepared.request, prepared.facts, &mut items);
    items
}

/// Decides the items in a range by themselves, before [`select`] chooses among them, so that a long list can be decided in chunks side by side.
pub fn decide_items(
    engine: &Engine,
    prepared: &Prepared<'_>,
    range: Range<usize>,
) -> Vec<ItemDecision> {
    let Queries { entities, queries } = prepared.queries(range);
    queries
        .into_iter()
        .filter_map(|(number, query)| {
            let item = query::item(prepared.request, prepared.facts, number)?;
            Some(match query {
                Query::Ask(asked) => {
                    let evaluation = engine.evaluate(&asked, &entities);
                    answered(engine, prepared, number, item, &evaluation)
                }
                Query::Refused(reason) => refused(item, reason, Vec::new()),
                Query::Failed(message) => {
                    let error = PolicyError {
                        policy: None,
                        message,
                    };
                    refused(item, ReasonCode::EvaluationError, vec![error])
                }
            })
        })
        .collect()
}

/// Decides one item, by its number; there is none beyond the last.
pub fn decide_item(
    engine: &Engine,
    prepared: &Prepared<'_>,
    number: usize,
) -> Option<ItemDecision> {
    decide_items(engine, prepared, number..number.saturating_add(1)).pop()
}

fn refused(item: ItemKey, reason: ReasonCode, errors: Vec<PolicyError>) -> ItemDecision {
    ItemDecision {
        item,
        outcome: Outcome::Reject,
        reason,
        partner_text: None,
        notes: Vec::new(),
        policies: Vec::new(),
        categories: Vec::new(),
        would_permit: Vec::new(),
        limits: Limits::default(),
        obligations: Vec::new(),
        when_accepted: Vec::new(),
        when_refused: Vec::new(),
        errors,
        expires_at: None,
        quorum: Quorum::default(),
        attention: Attention::default(),
    }
}

fn answered(
    engine: &Engine,
    prepared: &Prepared<'_>,
    number: usize,
    item: ItemKey,
    evaluation: &Evaluation<'_>,
) -> ItemDecision {
    let (outcome, reason) = conclude(prepared, number, evaluation);
    let grant = Grant {
        request: prepared.request,
        facts: prepared.facts,
        person: prepared.person(number),
        item: &item,
        number,
        now: prepared.now,
    };
    let is_refused = outcome == Outcome::Reject;
    let limits = if is_refused {
        Limits::default()
    } else {
        grant.limits(&evaluation.limits())
    };
    let obligations = |named: Vec<&annotation::Obligation>| {
        if is_refused {
            Vec::new()
        } else {
            grant.obligations(&named, |obligation| evaluation.due(obligation))
        }
    };
    let (due, when_accepted, when_refused) = (
        obligations(evaluation.obligations()),
        obligations(evaluation.when_accepted()),
        obligations(evaluation.when_refused()),
    );
    let policies = evaluation.determining();
    let (quorum, attention) = match outcome {
        Outcome::Review => (
            Quorum::of(policies.iter().copied()),
            Attention::of(policies.iter().copied()),
        ),
        Outcome::Accept | Outcome::Reject => Default::default(),
    };
    ItemDecision {
        outcome,
        reason,
        partner_text: texts::partner_text(engine, reason, evaluation),
        notes: texts::notes(&policies),
        policies: policies.into_iter().map(determining).collect(),
        categories: evaluation
            .categories()
            .into_iter()
            .map(ToString::to_string)
            .collect(),
        would_permit: if is_refused {
            permits(evaluation)
        } else {
            Vec::new()
        },
        limits,
        obligations: due,
        when_accepted,
        when_refused,
        errors: evaluation.errors().iter().map(policy_error).collect(),
        expires_at: expires_at(prepared, outcome, evaluation),
        quorum,
        attention,
        item,
    }
}

fn conclude(
    prepared: &Prepared<'_>,
    number: usize,
    evaluation: &Evaluation<'_>,
) -> (Outcome, ReasonCode) {
    match evaluation.outcome() {
        // Whatever a policy says of it: its author never approves it (ruling 25).
        Outcome::Accept if prepared.request.body.operation().needs_second_person() => {
            (Outcome::Review, ReasonCode::Held)
        }
        Outcome::Accept => (Outcome::Accept, ReasonCode::Permitted),
        Outcome::Review if prepared.request.body.operation().is_interactive() => {
            (Outcome::Reject, ReasonCode::AskThroughAcm)
        }
        Outcome::Review => (Outcome::Review, ReasonCode::Held),
        Outcome::Reject => (Outcome::Reject, refusal(prepared, number, evaluation)),
    }
}

fn refusal(prepared: &Prepared<'_>, number: usize, evaluation: &Evaluation<'_>) -> ReasonCode {
    let request = prepared.request;
    let is_with_another = request.requesting_system != request.receiving_system
        || !prepared.facts.candidates.is_empty();
    let needs_agreement = is_with_another && !query::is_reducing(&request.body);
    let forbidden = evaluation.satisfied_of(PolicyClass::HardForbid).next();
    let agreement = match prepared.facts.candidates.get(number) {
        Some(candidate) => candidate.agreement.as_ref(),
        None => prepared.facts.shared.agreement.as_ref(),
    };
    if needs_agreement && agreement.is_none() {
        ReasonCode::NoAgreement
    } else if forbidden.is_some() {
        ReasonCode::Forbidden
    } else if evaluation.errors().is_empty() {
        ReasonCode::NotPermitted
    } else {
        ReasonCode::EvaluationError
    }
}

/// A held deletion never expires (ruling 15): silence must not keep a person in a group.
fn expires_at(
    prepared: &Prepared<'_>,
    outcome: Outcome,
    evaluation: &Evaluation<'_>,
) -> Option<Timestamp> {
    if outcome != Outcome::Review || query::is_reducing(&prepared.request.body) {
        return None;
    }
    let wait = evaluation.expiry()?.duration().as_millis();
    let wait = i64::try_from(wait).unwrap_or(i64::MAX);
    Some(prepared.now.plus_milliseconds(wait))
}

fn determining(policy: &PolicyInfo) -> DeterminingPolicy {
    DeterminingPolicy {
        id: policy.id.to_string(),
        effect: match policy.effect {
            Effect::Permit => PolicyEffect::Permit,
            Effect::Forbid => PolicyEffect::Forbid,
        },
        response: policy.response.map(|response| response.to_string()),
        category: policy.category.as_ref().map(ToString::to_string),
    }
}

fn policy_error(error: &EngineError<'_>) -> PolicyError {
    PolicyError {
        policy: Some(error.policy.id.to_string()),
        message: error.message.clone(),
    }
}

fn permits(evaluation: &Evaluation<'_>) -> Vec<String> {
    evaluation
        .satisfied()
        .filter(|policy| policy.effect == Effect::Permit)
        .map(|policy| policy.id.to_string())
        .collect()
}
