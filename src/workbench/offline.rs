//! Queries against any Cedar bundle, without service or store.

use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::Context;
use cedar_policy::ContextJsonError;
use cedar_policy::Decision;
use cedar_policy::Entities;
use cedar_policy::EntityUid;
use cedar_policy::PolicyId;
use cedar_policy::Request;
use cedar_policy::RequestValidationError;
use cedar_policy::entities_errors::EntitiesError;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::decision::engine::Engine;
use crate::domain::outcome::Outcome;
use crate::domain::wire;
use crate::domain::wire::WireLimits;
use crate::policy::bundle::Bundle;
use crate::policy::bundle::LenientTexts;
use crate::policy::bundle::Validation;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::source;
use crate::policy::source::BundleSource;

/// Queries of any Cedar program, not only of ours.
const LIMITS: WireLimits = WireLimits {
    nesting: WireLimits::NESTING_MAX,
    members: usize::MAX,
};

/// What the queries are answered from.
#[derive(Clone, Debug, Default)]
pub struct OfflineTexts {
    /// Policies, a schema, and what to make of them.
    pub bundle: LenientTexts,
    /// Entities in Cedar's JSON format.
    pub entities: Option<String>,
}

/// Why there is nothing to ask.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The policies or the schema are not valid.
    #[error("the bundle is not valid")]
    Bundle(#[source] Diagnostics),
    /// The entities cannot be read.
    #[error("the entities cannot be read")]
    Entities(#[source] Box<EntitiesError>),
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Not one JSON value, or one in which a member stands twice.
    #[error("the query cannot be read: {0}")]
    Json(wire::Problem),
    /// A JSON value that is no query.
    #[error("the query cannot be read")]
    Form(#[from] serde_json::Error),
    /// A JSON value that is no object.
    #[error("the query is not a JSON object")]
    NoObject,
    /// Not an entity.
    #[error("the {role} names no entity: {reason}")]
    Entity {
        /// Which of the three.
        role: &'static str,
        /// What Cedar says.
        reason: String,
    },
    /// The context does not fit.
    #[error("the context cannot be read")]
    Context(#[source] Box<ContextJsonError>),
    /// The request does not fit the schema.
    #[error("the query does not fit the schema")]
    Request(#[source] Box<RequestValidationError>),
}

/// A bundle and entities, ready to be asked.
#[derive(Debug)]
pub struct Offline {
    engine: Engine,
    entities: Entities,
    validation: Validation,
}

/// The answer to one query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What Comity decides.
    pub outcome: Outcome,
    /// What Cedar decides on the same policies as one plain set.
    pub decision: PlainDecision,
    /// The policies that bring Cedar's decision about.
    pub reasons: Vec<PolicyId>,
    /// The policies that could not be evaluated.
    pub errors: Vec<PolicyId>,
}

/// Cedar's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlainDecision {
    /// Some permit and no forbid is satisfied.
    Allow,
    /// Anything else.
    Deny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    principal: Value,
    action: Value,
    resource: Value,
    #[serde(default)]
    context: Option<Value>,
}

impl Offline {
    /// Compiles loose policies, with or without names and schema, and reads the entities.
    pub fn new(texts: &OfflineTexts) -> Result<Self, OfflineError> {
        let bundle = Bundle::lenient(&texts.bundle).map_err(OfflineError::Bundle)?;
        Self::over(bundle, texts.bundle.validation, texts.entities.as_deref())
    }

    /// Takes a bundle with a manifest, by all the rules.
    pub fn of_bundle(source: &BundleSource, entities: Option<&str>) -> Result<Self, OfflineError> {
        let bundle = Bundle::compile(source).map_err(OfflineError::Bundle)?;
        Self::over(bundle, Validation::Strict, entities)
    }

    fn over(
        bundle: Bundle,
        validation: Validation,
        entities: Option<&str>,
    ) -> Result<Self, OfflineError> {
        // With a schema Cedar adds the action entities by itself.
        let entities = Entities::from_json_str(entities.unwrap_or("[]"), bundle.schema())
            .map_err(|error| OfflineError::Entities(Box::new(error)))?;
        Ok(Self {
            engine: Engine::new(Arc::new(bundle)),
            entities,
            validation,
        })
    }

    /// What is legal in the bundle but should be looked at.
    pub fn warnings(&self) -> Option<&Diagnostics> {
        self.engine.bundle().warnings()
    }

    /// Answers one query: `principal`, `action` and `resource` as `{"type", "id"}` or as text,
    /// and `context`.
    pub fn answer(&self, query: &[u8]) -> Result<Answer, QueryError> {
        let json = wire::strict_json(query, LIMITS).map_err(QueryError::Json)?;
        if !json.is_object() {
            return Err(QueryError::NoObject);
        }
        let request = self.request(serde_json::from_value(json)?)?;
        let evaluation = self.engine.evaluate(&request, &self.entities);
        let (decision, reasons) = evaluation.plain();
        Ok(Answer {
            outcome: evaluation.outcome(),
            decision: match decision {
                Decision::Allow => PlainDecision::Allow,
                Decision::Deny => PlainDecision::Deny,
            },
            reasons: reasons.into_iter().cloned().collect(),
            errors: evaluation
                .errors()
                .iter()
                .map(|error| error.policy.id.clone())
                .collect(),
        })
    }

    fn request(&self, query: Query) -> Result<Request, QueryError> {
        let principal = entity("principal", query.principal)?;
        let action = entity("action", query.action)?;
        let resource = entity("resource", query.resource)?;
        let schema = self.engine.bundle().schema();
        let context = match query.context {
            Some(json) => Context::from_json_value(json, schema.map(|schema| (schema, &action)))
                .map_err(|error| QueryError::Context(Box::new(error)))?,
            None => Context::empty(),
        };
        let checked_by = schema.filter(|_| self.validation == Validation::Strict);
        Request::new(principal, action, resource, context, checked_by)
            .map_err(|error| QueryError::Request(Box::new(error)))
    }
}

/// Reads loose policies: one file, or all `.cedar` files of a tree in the order of their paths.
pub fn read_policies(path: &Path) -> Result<Vec<(PathBuf, String)>, Diagnostics> {
    source::read_loose(path)
}

fn entity(role: &'static str, json: Value) -> Result<EntityUid, QueryError> {
    let read = match json.as_str() {
        Some(text) => EntityUid::from_str(text).map_err(|error| error.to_string()),
        None => EntityUid::from_json(json).map_err(|error| error.to_string()),
    };
    read.map_err(|reason| QueryError::Entity { role, reason })
}
