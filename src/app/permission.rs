//! What a caller of Comity may do: a query against the access bundle, a value when it may.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityId;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::Request;

use crate::app::error::AppError;
use crate::decision::engine::Engine;
use crate::domain::outcome::Outcome;
use crate::identity::caller::Caller;

/// An action of the access bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Submit an inter-system request.
    SubmitRequest,
    /// Read a request.
    ReadRequest,
    /// Answer a held request.
    AnswerRequest,
    /// Ask without consequence.
    DryRun,
    /// Read registry documents.
    ReadRegistry,
    /// Write registry documents.
    WriteRegistry,
    /// See the bundle in force and the last attempt.
    ReadPolicies,
    /// Read records.
    ReadRecords,
    /// Read metrics.
    ReadMetrics,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 9] = [
        Self::SubmitRequest,
        Self::ReadRequest,
        Self::AnswerRequest,
        Self::DryRun,
        Self::ReadRegistry,
        Self::WriteRegistry,
        Self::ReadPolicies,
        Self::ReadRecords,
        Self::ReadMetrics,
    ];

    /// The action's name in the access bundle.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SubmitRequest => "submitRequest",
            Self::ReadRequest => "readRequest",
            Self::AnswerRequest => "answerRequest",
            Self::DryRun => "dryRun",
            Self::ReadRegistry => "readRegistry",
            Self::WriteRegistry => "writeRegistry",
            Self::ReadPolicies => "readPolicies",
            Self::ReadRecords => "readRecords",
            Self::ReadMetrics => "readMetrics",
        }
    }
}

/// A caller who may do what was asked; only [`Access::permit`] makes one.
#[derive(Debug)]
pub struct Permit<'a> {
    caller: &'a Caller,
}

impl Permit<'_> {
    /// The caller's name.
    pub fn caller(&self) -> &str {
        &self.caller.name
    }
}

/// The access bundle in force.
#[derive(Debug)]
pub struct Access {
    engine: ArcSwap<Engine>,
}

impl Access {
    /// Begins with an access bundle.
    pub fn new(engine: Engine) -> Self {
        Self {
            engine: ArcSwap::from_pointee(engine),
        }
    }

    /// Puts another access bundle in force.
    pub fn swap(&self, engine: Engine) {
        self.engine.store(Arc::new(engine));
    }

    /// Permits or forbids; an error forbids.
    pub fn permit<'a>(&self, caller: &'a Caller, action: Action) -> Result<Permit<'a>, AppError> {
        let forbidden = || AppError::Forbidden {
            caller: caller.name.clone(),
            action: action.as_str(),
        };
        let engine = self.engine.load();
        let (request, entities) = query(&engine, caller, action).ok_or_else(forbidden)?;
        match engine.evaluate(&request, &entities).outcome() {
            Outcome::Accept => Ok(Permit { caller }),
            Outcome::Reject | Outcome::Review => Err(forbidden()),
        }
    }
}

fn uid(type_name: &str, id: &str) -> Option<EntityUid> {
    let type_name: EntityTypeName = type_name.parse().ok()?;
    Some(EntityUid::from_type_name_and_id(
        type_name,
        EntityId::new(id),
    ))
}

fn query(engine: &Engine, caller: &Caller, action: Action) -> Option<(Request, Entities)> {
    let bundle = engine.bundle();
    let principal = uid("ACCESS::Caller", &caller.name)?;
    let roles: HashSet<EntityUid> = caller
        .roles
        .iter()
        .map(|role| uid("ACCESS::Role", role))
        .collect::<Option<_>>()?;
    let service = uid("ACCESS::Service", "comity")?;
    let mut entities: Vec<Entity> = bundle.action_entities().iter().cloned().collect();
    entities.extend(roles.iter().cloned().map(Entity::with_uid));
    entities.push(Entity::new_no_attrs(principal.clone(), roles));
    entities.push(Entity::with_uid(service.clone()));
    let request = Request::new(
        principal,
        uid("ACCESS::Action", action.as_str())?,
        service,
        Context::empty(),
        bundle.schema(),
    )
    .ok()?;
    Some((request, Entities::from_entities(entities, None).ok()?))
}
