//! Why a request comes out as it does: the decision, and every policy whose conditions hold.

use std::sync::Arc;

use serde::Serialize;

use crate::decision::decide::ItemDecision;
use crate::decision::decide::decide_item;
use crate::decision::engine::Engine;
use crate::decision::facts::gather;
use crate::decision::query::Prepared;
use crate::decision::query::Query;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::policy::bundle::Bundle;
use crate::store::state::State;

/// What was decided, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The items.
    pub items: Vec<ExplainedItem>,
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
    /// Every policy whose scope and conditions hold, whether or not it determined the answer.
    pub satisfied: Vec<SatisfiedPolicy>,
}

/// A policy whose scope and conditions hold.
#[derive(Clone, Debug, Serialize)]
pub struct SatisfiedPolicy {
    /// Its stable name.
    pub id: String,
    /// Permit or forbid.
    pub effect: String,
    /// File, line and column.
    pub place: String,
}

/// Decides a request over documents given, and explains the decision.
pub fn explain(
    bundle: Bundle,
    local: &McSystemId,
    documents: Vec<Document>,
    request: &InterSystemRequest,
    at: Timestamp,
) -> Result<Explanation, InvalidDocumentId> {
    let state = State::of_documents(documents)?;
    let (facts, _) = gather(local, request, &state, at);
    let digest = bundle.digest().to_string();
    let engine = Engine::new(Arc::new(bundle));
    let prepared = Prepared::new(engine.bundle(), request, &facts, at);
    let items = (0..prepared.item_count())
        .filter_map(|number| {
            let decision = decide_item(&engine, &prepared, number)?;
            Some(ExplainedItem {
                decision,
                satisfied: satisfied(&engine, &prepared, number),
            })
        })
        .collect();
    Ok(Explanation {
        items,
        at,
        bundle: digest,
    })
}

fn satisfied(engine: &Engine, prepared: &Prepared<'_>, number: usize) -> Vec<SatisfiedPolicy> {
    let asked = prepared.queries(number..number + 1);
    let Some((_, Query::Ask(request))) = asked.queries.first() else {
        return Vec::new();
    };
    engine
        .evaluate(request, &asked.entities)
        .satisfied()
        .map(|policy| SatisfiedPolicy {
            id: policy.id.to_string(),
            effect: policy.effect.to_string(),
            place: policy.place.to_string(),
        })
        .collect()
}
