//! A bundle: policies, schema and manifest, validated as a whole.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

use cedar_policy::Effect;
use cedar_policy::Entities;
use cedar_policy::EntityId;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::Policy;
use cedar_policy::PolicyId;
use cedar_policy::Schema;
use cedar_policy::SlotId;
use cedar_policy::Template;
use serde::Serialize;

use crate::policy::actions::ActionEntities;
use crate::policy::annotation::Category;
use crate::policy::annotation::Expiry;
use crate::policy::annotation::Limit;
use crate::policy::annotation::Obligation;
use crate::policy::annotation::Response;
use crate::policy::approvals::Approvals;
use crate::policy::approvals::Denials;
use crate::policy::compile;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::diagnostics::Place;
use crate::policy::due::DueWithin;
use crate::policy::manifest::Manifest;
use crate::policy::reminders::Escalations;
use crate::policy::reminders::Wait;
use crate::policy::source::BundleDigest;
use crate::policy::source::BundleSource;
use crate::policy::texts::Note;
use crate::policy::texts::PartnerText;

/// A validated bundle; immutable, named by its digest.
#[derive(Debug)]
pub struct Bundle {
    digest: BundleDigest,
    manifest: Manifest,
    schema: Option<Schema>,
    policies: Vec<CompiledPolicy>,
    templates: Vec<CompiledTemplate>,
    positions: HashMap<PolicyId, usize>,
    actions: ActionEntities,
    warnings: Option<Diagnostics>,
}

impl Bundle {
    /// Validates the texts: all that `comity check` asks for without registry and tests.
    pub fn compile(source: &BundleSource) -> Result<Self, Diagnostics> {
        compile::bundle(source)
    }

    /// Takes any Cedar policies, for offline evaluation: policies without `@id` keep the names
    /// that Cedar gives them (`policy0` …), a schema may be absent.
    pub fn lenient(texts: &LenientTexts) -> Result<Self, Diagnostics> {
        compile::lenient(texts)
    }

    pub(super) fn assemble(parts: BundleParts) -> Self {
        let positions = parts
            .policies
            .iter()
            .enumerate()
            .map(|(position, policy)| (policy.info.id.clone(), position))
            .collect();
        let policies = parts.policies.iter().map(CompiledPolicy::policy);
        Self {
            actions: ActionEntities::new(parts.action_entities, policies),
            digest: parts.digest,
            manifest: parts.manifest,
            schema: parts.schema,
            policies: parts.policies,
            templates: parts.templates,
            positions,
            warnings: parts.warnings,
        }
    }

    /// The bundle's name.
    pub fn digest(&self) -> BundleDigest {
        self.digest
    }

    /// What the bundle says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The schema; absent only in a lenient bundle.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// All policies that are evaluated: written, linked, and made by `[responses]`.
    pub fn policies(&self) -> impl ExactSizeIterator<Item = &PolicyInfo> {
        self.policies.iter().map(|policy| &policy.info)
    }

    /// What is known of one policy.
    pub fn policy(&self, id: &PolicyId) -> Option<&PolicyInfo> {
        let position = *self.positions.get(id)?;
        self.policies.get(position).map(|policy| &policy.info)
    }

    /// The action entities of the schema with all their ancestors.
    pub fn action_entities(&self) -> &Entities {
        self.actions.all()
    }

    /// What the entities of a query about an action start from: that action and those that a condition of the bundle
    /// names, each with its groups.
    pub fn entities_of_action(&self, action: &EntityUid) -> &Entities {
        self.actions.of(action)
    }

    /// How long a held request waits when its policies do not say.
    pub fn default_expiry(&self) -> Expiry {
        self.manifest.default_expiry()
    }

    /// How long an obligation may take when the policies that oblige do not say.
    pub fn default_due(&self) -> Option<DueWithin> {
        self.manifest.default_due()
    }

    /// What is legal but should be looked at.
    pub fn warnings(&self) -> Option<&Diagnostics> {
        self.warnings.as_ref()
    }

    /// The policies with their Cedar form, in the order of [`policies`](Self::policies).
    pub fn compiled(&self) -> &[CompiledPolicy] {
        &self.policies
    }

    /// The templates that linked policies come from.
    pub fn templates(&self) -> &[CompiledTemplate] {
        &self.templates
    }

    /// Position of a policy in [`compiled`](Self::compiled).
    pub fn position(&self, id: &PolicyId) -> Option<usize> {
        self.positions.get(id).copied()
    }
}

/// What a bundle is assembled from; only the compiler makes them.
pub(super) struct BundleParts {
    pub(super) digest: BundleDigest,
    pub(super) manifest: Manifest,
    pub(super) schema: Option<Schema>,
    pub(super) policies: Vec<CompiledPolicy>,
    pub(super) templates: Vec<CompiledTemplate>,
    pub(super) action_entities: Entities,
    pub(super) warnings: Option<Diagnostics>,
}

/// Texts for [`Bundle::lenient`].
#[derive(Clone, Debug, Default)]
pub struct LenientTexts {
    /// Policy files in the order in which Cedar would number their policies.
    pub policies: Vec<(PathBuf, String)>,
    /// A schema in Cedar's syntax, or in JSON when its name ends so.
    pub schema: Option<(PathBuf, String)>,
    /// Links of their templates, in the form of a bundle's `links.json`.
    pub links: Option<(PathBuf, String)>,
    /// Response of permits that say none; absent, every permit must say one.
    pub default_response: Option<Response>,
    /// What validation against the schema is worth.
    pub validation: Validation,
}

/// What a failed validation means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// The bundle is refused.
    #[default]
    Strict,
    /// It is a warning.
    Advisory,
}

/// What is known of a policy beside its conditions.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyInfo {
    /// Stable name.
    pub id: PolicyId,
    /// Permit or forbid.
    pub effect: Effect,
    /// Of a permit, the category of requests that it answers; of a forbid, the family it belongs to.
    pub category: Option<Category>,
    /// Automatic or manual-review; on a forbid, manual-review or nothing.
    pub response: Option<Response>,
    /// What is to be done once granted, or once it may be sent.
    pub obligations: Vec<Obligation>,
    /// What is to be done once the partner has granted it.
    pub when_accepted: Vec<Obligation>,
    /// What is to be done once the partner has refused it.
    pub when_refused: Vec<Obligation>,
    /// How long what it obliges to may take; absent, as the manifest says.
    pub due: Option<DueWithin>,
    /// What of the grant can be less than what was asked.
    pub limits: BTreeSet<Limit>,
    /// How long a request held by it waits; absent, as the manifest says.
    pub expires: Option<Expiry>,
    /// Who has to approve what it holds; absent, one person who may answer.
    pub approvals: Option<Approvals>,
    /// How many have to deny what it holds; absent, one.
    pub denials: Option<Denials>,
    /// How often people are reminded of what it holds; absent, never.
    pub remind: Option<Wait>,
    /// Whom it turns to when nobody answers; absent, nobody.
    pub escalate: Option<Escalations>,
    /// Marked: `[responses]` cannot switch the category that it carries.
    pub locked: bool,
    /// What a partner is told when it refuses or holds.
    pub reason: Option<PartnerText>,
    /// What our own officer is told when it determines an answer.
    pub note: Option<Note>,
    /// Where the policy comes from.
    pub origin: Origin,
    /// Where it is written.
    pub place: Place,
}

impl PolicyInfo {
    /// What the policy does when it is satisfied.
    pub fn class(&self) -> PolicyClass {
        match (self.effect, self.response) {
            (Effect::Permit, Some(Response::Automatic)) => PolicyClass::AutomaticPermit,
            (Effect::Permit, Some(Response::ManualReview) | None) => PolicyClass::ManualPermit,
            (Effect::Forbid, Some(Response::ManualReview)) => PolicyClass::HoldingForbid,
            (Effect::Forbid, Some(Response::Automatic) | None) => PolicyClass::HardForbid,
        }
    }
}

/// What a satisfied policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyClass {
    /// Grants at once.
    AutomaticPermit,
    /// Grants once a person agrees.
    ManualPermit,
    /// Refuses.
    HardForbid,
    /// Has a person decide what would else be granted.
    HoldingForbid,
}

/// Where a policy comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A policy file.
    Written,
    /// A template and its slot values.
    Linked {
        /// Name of the template.
        template: PolicyId,
    },
    /// The manifest's `[responses]`.
    Override {
        /// The permit whose scope and conditions it has.
        of: PolicyId,
    },
}

/// A policy and its Cedar form.
#[derive(Debug)]
pub struct CompiledPolicy {
    pub(super) info: PolicyInfo,
    pub(super) policy: Policy,
    pub(super) form: Form,
}

/// What a policy can be built from anew.
#[derive(Debug)]
pub(super) enum Form {
    Text(String),
    Json(serde_json::Value),
    Link {
        template: PolicyId,
        values: HashMap<SlotId, EntityUid>,
    },
}

/// A policy that shares no memory with the bundle it comes from.
#[derive(Debug)]
pub enum Rebuilt {
    /// A policy on its own.
    Static(Box<Policy>),
    /// A link to be made of a template.
    Link {
        /// Name of the template.
        template: PolicyId,
        /// Name of the link.
        id: PolicyId,
        /// What stands in its slots.
        values: HashMap<SlotId, EntityUid>,
    },
}

impl CompiledPolicy {
    /// What is known of it.
    pub fn info(&self) -> &PolicyInfo {
        &self.info
    }

    /// Cedar's form of it.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Builds the policy anew from its text.
    pub fn rebuild(&self) -> Rebuilt {
        let id = owned_id(&self.info.id);
        match &self.form {
            Form::Text(text) => {
                let parsed = Policy::parse(Some(id), text);
                Rebuilt::Static(Box::new(parsed.unwrap_or_else(|_| self.policy.clone())))
            }
            Form::Json(json) => {
                let read = Policy::from_json(Some(id), json.clone());
                Rebuilt::Static(Box::new(read.unwrap_or_else(|_| self.policy.clone())))
            }
            Form::Link { template, values } => Rebuilt::Link {
                template: owned_id(template),
                id,
                values: values
                    .iter()
                    .map(|(slot, uid)| (slot.clone(), owned_uid(uid)))
                    .collect(),
            },
        }
    }
}

/// A template and its text.
#[derive(Debug)]
pub struct CompiledTemplate {
    pub(super) template: Template,
    pub(super) text: String,
}

impl CompiledTemplate {
    /// Cedar's form of it.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Builds the template anew from its text.
    pub fn rebuild(&self) -> Template {
        Template::parse(Some(owned_id(self.template.id())), &self.text)
            .unwrap_or_else(|_| self.template.clone())
    }
}

fn owned_id(id: &PolicyId) -> PolicyId {
    PolicyId::new(AsRef::<str>::as_ref(id))
}

fn owned_uid(uid: &EntityUid) -> EntityUid {
    EntityTypeName::from_str(&uid.type_name().to_string()).map_or_else(
        |_| uid.clone(),
        |type_name| {
            EntityUid::from_type_name_and_id(type_name, EntityId::new(uid.id().unescaped()))
        },
    )
}
