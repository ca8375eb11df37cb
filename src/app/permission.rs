//! What a caller of Comity may do: a query against the access bundle, a value when it may.

use std::collections::HashMap;
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
use cedar_policy::RestrictedExpression;

use crate::app::error::AppError;
use crate::decision::engine::Engine;
use crate::domain::outcome::Outcome;
use crate::identity::caller::Caller;
use crate::policy::source::BundleDigest;

/// The namespace of what an access bundle speaks of.
pub(in crate::app) const NAMESPACE: &str = "ACCESS";

const CALLER: &str = "ACCESS::Caller";

/// An action of the access bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Submit an inter-system request.
    SubmitRequest,
    /// Read a request.
    ReadRequest,
    /// Answer a held request.
    AnswerRequest,
    /// Report what became of a request at the partner.
    ReportRequest,
    /// Withdraw a request that waits.
    WithdrawRequest,
    /// Report what became of an obligation of a request.
    ReportObligation,
    /// Revoke what a request granted.
    RevokeRequest,
    /// Evaluate access.
    EvaluateAccess,
    /// Ask for an approval after an evaluation.
    RequestAccess,
    /// Acknowledge what became of a request.
    AcknowledgeRequest,
    /// Ask without consequence.
    DryRun,
    /// Read registry documents.
    ReadRegistry,
    /// Write registry documents.
    WriteRegistry,
    /// See the bundle in force and the last attempt.
    ReadPolicies,
    /// Publish policies, and see beforehand what they would change.
    PublishPolicies,
    /// Read records.
    ReadRecords,
    /// Read the published log: its checkpoint, tiles and leaves.
    ReadLog,
    /// Read metrics.
    ReadMetrics,
    /// Read accepted UE configuration, without its secrets.
    ReadUeConfiguration,
    /// Read the secrets of accepted UE configuration.
    ReadUeConfigurationSecrets,
    /// Read what a request for configuration information disclosed.
    ReadDisclosure,
    /// Be told of events, as far as what they are about may be read.
    ReadEvents,
    /// See where events are sent, and what did not arrive.
    ReadWebhooks,
    /// Send again what did not arrive, and let webhooks go on.
    ManageWebhooks,
    /// Tell a user of ours what waits for them, and hand it over.
    ReadPendingAcmData,
    /// See by name who can answer a request that waits.
    ReadAnswerers,
    /// Ask for an erasure of personal parts of records.
    AskErasure,
    /// Confirm an erasure that somebody else asked for.
    ApproveErasure,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 28] = [
        Self::SubmitRequest,
        Self::ReadRequest,
        Self::AnswerRequest,
        Self::ReportRequest,
        Self::WithdrawRequest,
        Self::ReportObligation,
        Self::RevokeRequest,
        Self::EvaluateAccess,
        Self::RequestAccess,
        Self::AcknowledgeRequest,
        Self::DryRun,
        Self::ReadRegistry,
        Self::WriteRegistry,
        Self::ReadPolicies,
        Self::PublishPolicies,
        Self::ReadRecords,
        Self::ReadLog,
        Self::ReadMetrics,
        Self::ReadUeConfiguration,
        Self::ReadUeConfigurationSecrets,
        Self::ReadDisclosure,
        Self::ReadEvents,
        Self::ReadWebhooks,
        Self::ManageWebhooks,
        Self::ReadPendingAcmData,
        Self::ReadAnswerers,
        Self::AskErasure,
        Self::ApproveErasure,
    ];

    /// The action's name in the access bundle.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SubmitRequest => "submitRequest",
            Self::ReadRequest => "readRequest",
            Self::AnswerRequest => "answerRequest",
            Self::ReportRequest => "reportRequest",
            Self::WithdrawRequest => "withdrawRequest",
            Self::ReportObligation => "reportObligation",
            Self::RevokeRequest => "revokeRequest",
            Self::EvaluateAccess => "evaluateAccess",
            Self::RequestAccess => "requestAccess",
            Self::AcknowledgeRequest => "acknowledgeRequest",
            Self::DryRun => "dryRun",
            Self::ReadRegistry => "readRegistry",
            Self::WriteRegistry => "writeRegistry",
            Self::ReadPolicies => "readPolicies",
            Self::PublishPolicies => "publishPolicies",
            Self::ReadRecords => "readRecords",
            Self::ReadLog => "readLog",
            Self::ReadMetrics => "readMetrics",
            Self::ReadUeConfiguration => "readUeConfiguration",
            Self::ReadUeConfigurationSecrets => "readUeConfigurationSecrets",
            Self::ReadDisclosure => "readDisclosure",
            Self::ReadEvents => "readEvents",
            Self::ReadWebhooks => "readWebhooks",
            Self::ManageWebhooks => "manageWebhooks",
            Self::ReadPendingAcmData => "readPendingAcmData",
            Self::ReadAnswerers => "readAnswerers",
            Self::AskErasure => "askErasure",
            Self::ApproveErasure => "approveErasure",
        }
    }

    /// What a caller does, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::SubmitRequest => "submit requests",
            Self::ReadRequest => "read this request",
            Self::AnswerRequest => "answer this request",
            Self::ReportRequest => "report on this request",
            Self::WithdrawRequest => "withdraw this request",
            Self::ReportObligation => "report on obligations of this request",
            Self::RevokeRequest => "revoke what this request granted",
            Self::EvaluateAccess => "evaluate access",
            Self::RequestAccess => "request access",
            Self::AcknowledgeRequest => "acknowledge what became of this request",
            Self::DryRun => "ask for dry runs",
            Self::ReadRegistry => "read the registry",
            Self::WriteRegistry => "write to the registry",
            Self::ReadPolicies => "read the policies",
            Self::PublishPolicies => "publish policies or try them on what was recorded",
            Self::ReadRecords => "read records",
            Self::ReadLog => "read the published log",
            Self::ReadMetrics => "read metrics",
            Self::ReadUeConfiguration => "read accepted UE configuration",
            Self::ReadUeConfigurationSecrets => "read the secrets of UE configuration",
            Self::ReadDisclosure => "read what this request disclosed",
            Self::ReadEvents => "read events",
            Self::ReadWebhooks => "read webhooks",
            Self::ManageWebhooks => "manage webhooks",
            Self::ReadPendingAcmData => "read what waits for a user",
            Self::ReadAnswerers => "see who can answer this request",
            Self::AskErasure => "ask for erasures",
            Self::ApproveErasure => "confirm erasures",
        }
    }
}

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object<'a> {
    /// This service.
    Service,
    /// An inter-system request.
    Request {
        /// The name of the caller who submitted it.
        submitter: &'a str,
    },
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

    /// Names the access bundle in force.
    pub fn digest(&self) -> BundleDigest {
        self.engine.load().bundle().digest()
    }

    /// Whether a query is allowed; one that cannot be made is not, and neither is one for which a policy errs.
    pub(in crate::app) fn allows(
        &self,
        query: impl FnOnce(&Engine) -> Option<(Request, Entities)>,
    ) -> bool {
        let engine = self.engine.load();
        query(&engine).is_some_and(|(request, entities)| {
            let evaluation = engine.evaluate(&request, &entities);
            evaluation.errors().is_empty() && evaluation.outcome() == Outcome::Accept
        })
    }

    /// Permits or forbids; an error forbids.
    pub fn permit<'a>(
        &self,
        caller: &'a Caller,
        action: Action,
        object: Object<'_>,
    ) -> Result<Permit<'a>, AppError> {
        let forbidden = || AppError::Forbidden {
            caller: caller.name.clone(),
            action,
        };
        let engine = self.engine.load();
        let (request, entities) = query(&engine, caller, action, object).ok_or_else(forbidden)?;
        match engine.evaluate(&request, &entities).outcome() {
            Outcome::Accept => Ok(Permit { caller }),
            Outcome::Reject | Outcome::Review => Err(forbidden()),
        }
    }
}

pub(in crate::app) fn uid(type_name: &str, id: &str) -> Option<EntityUid> {
    let type_name: EntityTypeName = type_name.parse().ok()?;
    Some(EntityUid::from_type_name_and_id(
        type_name,
        EntityId::new(id),
    ))
}

fn query(
    engine: &Engine,
    caller: &Caller,
    action: Action,
    object: Object<'_>,
) -> Option<(Request, Entities)> {
    let bundle = engine.bundle();
    let principal = uid(CALLER, &caller.name)?;
    let roles: HashSet<EntityUid> = caller
        .roles
        .iter()
        .map(|role| uid("ACCESS::Role", role))
        .collect::<Option<_>>()?;
    let mut entities: Vec<Entity> = bundle.action_entities().iter().cloned().collect();
    entities.extend(roles.iter().cloned().map(Entity::with_uid));
    entities.push(Entity::new_no_attrs(principal.clone(), roles));
    let resource = match object {
        Object::Service => Entity::with_uid(uid("ACCESS::Service", "comity")?),
        Object::Request { submitter } => {
            let submitter = uid(CALLER, submitter)?;
            if submitter != principal {
                entities.push(Entity::with_uid(submitter.clone()));
            }
            let submitter = RestrictedExpression::new_entity_uid(submitter);
            let attributes = HashMap::from([("submitter".to_owned(), submitter)]);
            // One at a time is asked about, so it needs no name of its own.
            let uid = uid("ACCESS::Request", "this")?;
            Entity::new(uid, attributes, HashSet::new()).ok()?
        }
    };
    let asked = resource.uid();
    entities.push(resource);
    let request = Request::new(
        principal,
        uid("ACCESS::Action", action.as_str())?,
        asked,
        Context::empty(),
        bundle.schema(),
    )
    .ok()?;
    Some((request, Entities::from_entities(entities, None).ok()?))
}
