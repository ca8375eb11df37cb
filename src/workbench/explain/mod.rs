//! Why a request comes out as it does: the facts, every policy whose conditions hold, what follows, and what would be
//! otherwise if it were held.

pub mod text;

use serde::Serialize;

use crate::app::outward::PartnerReason;
use crate::decision::decide::ItemDecision;
use crate::decision::decide::Selection;
use crate::decision::decide::decide;
use crate::decision::decide::selection;
use crate::decision::engine::Engine;
use crate::decision::facts::Facts;
use crate::decision::facts::PersonFacts;
use crate::decision::query::Prepared;
use crate::decision::query::Query;
use crate::domain::credential::Credential;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::policy::bundle::PolicyInfo;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::source::BundleSource;
use crate::workbench::scenario::Responses;
use crate::workbench::scenario::suite::switched;

/// What was decided, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The operation.
    pub operation: Operation,
    /// Its number in the catalogue.
    pub number: &'static str,
    /// The side on which it was decided.
    pub direction: Direction,
    /// The system that asks.
    pub requesting_system: String,
    /// The system that is asked.
    pub receiving_system: String,
    /// What the presented token vouches for, or the word for which it counts for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// Everything that was known.
    pub facts: Facts,
    /// The items.
    pub items: Vec<ExplainedItem>,
    /// What was chosen among the systems to which the user might migrate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// The moment.
    pub at: Timestamp,
    /// The bundle's digest.
    pub bundle: String,
}

/// One item, explained.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainedItem {
    /// The decision.
    pub decision: ItemDecision,
    /// What the partner would be told of it.
    pub partner_reason: PartnerReason,
    /// What is known of the person whom the item concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonFacts>,
    /// Every policy whose scope and conditions hold, whether or not it determined the answer.
    pub satisfied: Vec<SatisfiedPolicy>,
    /// Of what is granted: what would come out if its categories were held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_held: Option<IfHeld>,
}

/// A policy whose scope and conditions hold.
#[derive(Clone, Debug, Serialize)]
pub struct SatisfiedPolicy {
    /// Its stable name.
    pub id: String,
    /// Permit or forbid.
    pub effect: String,
    /// Whether it determined the answer.
    pub determines: bool,
    /// File, line and column.
    pub place: String,
}

/// What would come out if an officer had the categories of a grant held.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "would")]
pub enum IfHeld {
    /// It would wait for a person, and nothing that follows from the grant would be done before.
    Wait {
        /// The categories that would be switched.
        categories: Vec<String>,
        /// Until when it could be approved; without an end for a deletion (ruling 15).
        expires_at: Option<Timestamp>,
    },
    /// It would be refused, since nobody can wait for it (ruling 12).
    Refuse {
        /// The categories that would be switched.
        categories: Vec<String>,
    },
    /// The categories cannot be switched.
    Fail {
        /// Why.
        because: String,
    },
}

/// Decides a request on what is known, and explains the decision.
pub fn explain(
    (source, responses): (&BundleSource, &Responses),
    facts: Facts,
    request: &InterSystemRequest,
    at: Timestamp,
) -> Result<Explanation, Diagnostics> {
    let engine = switched(source, responses)?;
    let decisions = decide(&engine, request, &facts, at);
    let chosen = selection(request, &facts, &decisions);
    let prepared = Prepared::new(engine.bundle(), request, &facts, at);
    let held = Held::new(source, responses, &decisions);
    let items = decisions
        .into_iter()
        .enumerate()
        .map(|(number, decision)| ExplainedItem {
            partner_reason: PartnerReason::of(decision.reason, decision.partner_text.as_deref()),
            person: prepared.person(number).cloned(),
            satisfied: satisfied(&engine, &prepared, number, &decision),
            if_held: held
                .as_ref()
                .and_then(|held| held.would(request, &facts, at, (number, &decision))),
            decision,
        })
        .collect();
    Ok(Explanation {
        operation: request.body.operation(),
        number: request.body.operation().number(),
        direction: request.direction,
        requesting_system: request.requesting_system.to_string(),
        receiving_system: request.receiving_system.to_string(),
        credential: request.body.elements().credential().cloned(),
        items,
        selection: chosen,
        at,
        bundle: engine.bundle().digest().to_string(),
        facts,
    })
}

/// The same bundle with the categories of what is granted switched to review.
struct Held {
    categories: Vec<String>,
    engine: Result<Engine, Diagnostics>,
}

impl Held {
    /// Nothing where nothing is granted.
    fn new(source: &BundleSource, responses: &Responses, items: &[ItemDecision]) -> Option<Self> {
        let granted = items.iter().filter(|it| it.outcome == Outcome::Accept);
        let mut categories: Vec<String> = granted.flat_map(|it| it.categories.clone()).collect();
        categories.sort();
        categories.dedup();
        if categories.is_empty() {
            return None;
        }
        let mut held = responses.clone();
        held.extend(
            categories
                .iter()
                .map(|category| (category.clone(), "manual-review".to_owned())),
        );
        Some(Self {
            engine: switched(source, &held),
            categories,
        })
    }

    fn would(
        &self,
        request: &InterSystemRequest,
        facts: &Facts,
        at: Timestamp,
        (number, decision): (usize, &ItemDecision),
    ) -> Option<IfHeld> {
        if decision.outcome != Outcome::Accept {
            return None;
        }
        let categories = self.categories.clone();
        match &self.engine {
            Ok(engine) => {
                let held = decide(engine, request, facts, at);
                let held = held.get(number)?;
                Some(match held.outcome {
                    Outcome::Review => IfHeld::Wait {
                        categories,
                        expires_at: held.expires_at,
                    },
                    Outcome::Accept | Outcome::Reject => IfHeld::Refuse { categories },
                })
            }
            Err(problems) => Some(IfHeld::Fail {
                because: problems
                    .iter()
                    .map(|problem| problem.message.clone())
                    .collect::<Vec<_>>()
                    .join("; "),
            }),
        }
    }
}

fn satisfied(
    engine: &Engine,
    prepared: &Prepared<'_>,
    number: usize,
    decision: &ItemDecision,
) -> Vec<SatisfiedPolicy> {
    let asked = prepared.queries(number..number.saturating_add(1));
    let Some((_, Query::Ask(request))) = asked.queries.first() else {
        return Vec::new();
    };
    let told = |policy: &PolicyInfo| {
        let id = policy.id.to_string();
        SatisfiedPolicy {
            determines: decision.policies.iter().any(|it| it.id == id),
            id,
            effect: policy.effect.to_string(),
            place: policy.place.to_string(),
        }
    };
    let evaluation = engine.evaluate(request, &asked.entities);
    evaluation.satisfied().map(told).collect()
}
