//! Generated bundles, entities and requests, small enough that they meet.

use std::fmt::Write;
use std::sync::Arc;

use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::EntityUid;
use cedar_policy::Request;
use cedar_policy::RestrictedExpression;
use comity::decision::engine::Engine;
use comity::policy::annotation::Response;
use comity::policy::bundle::Bundle;
use comity::policy::bundle::LenientTexts;
use comity::policy::source::BundleSource;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;
use serde_json::json;

pub(super) const SCHEMA: &str = r#"
entity Group in [Group];
entity User in [Group];
entity Folder in [Folder];
entity Doc in [Folder];
action "all";
action "reads" in ["all"];
action "writes" in ["all"];
action "view" in ["reads"] appliesTo {
    principal: [User, Group], resource: [Doc, Folder], context: { n: Long, flag: Bool } };
action "edit" in ["writes"] appliesTo {
    principal: [User, Group], resource: [Doc, Folder], context: { n: Long, flag: Bool } };
action "share" in ["reads", "writes"] appliesTo {
    principal: [User, Group], resource: [Doc, Folder], context: { n: Long, flag: Bool } };
"#;

/// Errs whatever the request, and validates.
pub(super) const ERRS: &str = "9223372036854775807 + 1 > 0";

const ACTIONS: [&str; 3] = ["view", "edit", "share"];
const GROUPS_OF_ACTIONS: [&str; 3] = ["all", "reads", "writes"];
const CATEGORIES: [&str; 3] = ["c0", "c1", "c2"];

/// One policy, written or linked.
#[derive(Clone, Debug)]
pub(super) struct PolicySpec {
    permit: bool,
    held: bool,
    category: &'static str,
    principal: Scope,
    action: Vec<&'static str>,
    is_action_list: bool,
    resource: Scope,
    condition: String,
}

/// A constraint on principal or resource; entities by their number among all of that side.
#[derive(Clone, Debug)]
enum Scope {
    Any,
    Equal(usize),
    Within(usize),
    Is(bool),
    IsIn(bool, usize),
    EqualSlot(usize),
    WithinSlot(usize),
}

/// A bundle with the facts and requests to put to it.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) policies: Vec<PolicySpec>,
    responses: Vec<Option<&'static str>>,
    user_parents: Vec<Vec<bool>>,
    doc_parents: Vec<Vec<bool>>,
    requests: Vec<(usize, &'static str, usize, i64, bool)>,
}

/// The first two of a side are leaves (users, documents), the others containers.
const LEAVES: usize = 2;
const SIDE: usize = 5;

impl Scope {
    fn has_slot(&self) -> bool {
        matches!(self, Self::EqualSlot(_) | Self::WithinSlot(_))
    }

    fn slot_value(&self) -> Option<usize> {
        match self {
            Self::EqualSlot(entity) | Self::WithinSlot(entity) => Some(*entity),
            Self::Any | Self::Equal(_) | Self::Within(_) | Self::Is(_) | Self::IsIn(..) => None,
        }
    }

    fn render(&self, role: &str, names: [&str; 2]) -> String {
        let leaf = |is_leaf: bool| if is_leaf { names[0] } else { names[1] };
        match self {
            Self::Any => role.to_owned(),
            Self::Equal(entity) => format!("{role} == {}", uid_text(*entity, names)),
            Self::Within(entity) => format!("{role} in {}", uid_text(*entity, names)),
            Self::Is(is_leaf) => format!("{role} is {}", leaf(*is_leaf)),
            Self::IsIn(is_leaf, entity) => {
                let container = LEAVES + entity % (SIDE - LEAVES);
                format!(
                    "{role} is {} in {}",
                    leaf(*is_leaf),
                    uid_text(container, names)
                )
            }
            Self::EqualSlot(_) => format!("{role} == ?{role}"),
            Self::WithinSlot(_) => format!("{role} in ?{role}"),
        }
    }
}

const PRINCIPALS: [&str; 2] = ["User", "Group"];
const RESOURCES: [&str; 2] = ["Doc", "Folder"];

fn uid_text(entity: usize, names: [&str; 2]) -> String {
    let name = names[usize::from(entity >= LEAVES)];
    format!("{name}::\"e{entity}\"")
}

impl PolicySpec {
    pub(super) fn is_template(&self) -> bool {
        self.principal.has_slot() || self.resource.has_slot()
    }

    pub(super) fn with_condition(&self, condition: &str) -> Self {
        Self {
            condition: condition.to_owned(),
            ..self.clone()
        }
    }

    pub(super) fn forbidding(&self) -> Self {
        Self {
            permit: false,
            ..self.clone()
        }
    }

    fn render(&self, id: &str) -> String {
        let mut text = format!("@id(\"{id}\")\n");
        if self.permit {
            let response = if self.held {
                "manual-review"
            } else {
                "automatic"
            };
            writeln!(
                text,
                "@category(\"{}\") @response(\"{response}\")",
                self.category
            )
            .unwrap();
        } else if self.held {
            text.push_str("@response(\"manual-review\")\n");
        }
        let actions: Vec<_> = self
            .action
            .iter()
            .map(|a| format!("Action::\"{a}\""))
            .collect();
        let action = match actions.as_slice() {
            [] => "action".to_owned(),
            [one] if self.is_action_list => format!("action in {one}"),
            [one] => format!("action == {one}"),
            many => format!("action in [{}]", many.join(", ")),
        };
        let effect = if self.permit { "permit" } else { "forbid" };
        writeln!(
            text,
            "{effect} ({}, {action}, {}) when {{ {} }};",
            self.principal.render("principal", PRINCIPALS),
            self.resource.render("resource", RESOURCES),
            self.condition
        )
        .unwrap();
        text
    }
}

impl World {
    /// The bundle by all the rules; templates are linked once each.
    pub(super) fn bundle(&self) -> Arc<Bundle> {
        let mut manifest =
            "name = \"generated\"\nschema = \"s.cedarschema\"\n[responses]\n".to_owned();
        for (category, response) in CATEGORIES.iter().zip(&self.responses) {
            let carried = self
                .policies
                .iter()
                .any(|p| p.permit && p.category == *category);
            if let Some(response) = response.filter(|_| carried) {
                writeln!(manifest, "{category} = \"{response}\"").unwrap();
            }
        }
        let mut text = String::new();
        let mut links = Vec::new();
        for (index, policy) in self.policies.iter().enumerate() {
            let id = format!("p{index}");
            text.push_str(&policy.render(&id));
            if policy.is_template() {
                let mut values = serde_json::Map::new();
                if let Some(entity) = policy.principal.slot_value() {
                    values.insert("?principal".into(), uid_text(entity, PRINCIPALS).into());
                }
                if let Some(entity) = policy.resource.slot_value() {
                    values.insert("?resource".into(), uid_text(entity, RESOURCES).into());
                }
                links.push(json!({
                    "template_id": id, "link_id": format!("{id}.link"), "values": values
                }));
            }
        }
        let files = [
            ("a.cedar".to_owned(), text),
            ("links.json".to_owned(), json!(links).to_string()),
        ];
        let source = BundleSource::from_texts(manifest, "s.cedarschema", SCHEMA, files);
        Arc::new(
            Bundle::compile(&source).unwrap_or_else(|errors| panic!("{}", errors.render(false))),
        )
    }

    /// The written policies without schema, names by Cedar.
    pub(super) fn schemaless(&self) -> Arc<Bundle> {
        let text: String = self
            .policies
            .iter()
            .filter(|policy| !policy.is_template())
            .map(|policy| policy.render("same"))
            .collect();
        let texts = LenientTexts {
            policies: vec![("a.cedar".into(), text.replace("@id(\"same\")", ""))],
            default_response: Some(Response::Automatic),
            ..LenientTexts::default()
        };
        Arc::new(Bundle::lenient(&texts).unwrap())
    }

    pub(super) fn engine(&self) -> Engine {
        Engine::new(self.bundle())
    }

    pub(super) fn entities(&self, bundle: &Bundle) -> Entities {
        let mut entities = Vec::new();
        for (names, parents) in [
            (PRINCIPALS, &self.user_parents),
            (RESOURCES, &self.doc_parents),
        ] {
            for (entity, row) in parents.iter().enumerate() {
                // Only to later containers: no cycles.
                let parents: Vec<_> = (LEAVES.max(entity + 1)..SIDE)
                    .filter(|parent| row[*parent])
                    .map(|parent| uid_json(parent, names))
                    .collect();
                entities.push(json!({
                    "uid": uid_json(entity, names), "attrs": {}, "parents": parents
                }));
            }
        }
        let entities = Entities::from_json_value(json!(entities), bundle.schema()).unwrap();
        if bundle.schema().is_some() {
            return entities;
        }
        let actions = cedar_policy::Schema::from_cedarschema_str(SCHEMA)
            .unwrap()
            .0
            .action_entities()
            .unwrap();
        entities.add_entities(actions, None).unwrap()
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = Request> + '_ {
        self.requests
            .iter()
            .map(|(principal, action, resource, n, flag)| {
                let context = Context::from_pairs([
                    ("n".to_owned(), RestrictedExpression::new_long(*n)),
                    ("flag".to_owned(), RestrictedExpression::new_bool(*flag)),
                ])
                .unwrap();
                Request::new(
                    uid(&uid_text(*principal, PRINCIPALS)),
                    uid(&format!("Action::\"{action}\"")),
                    uid(&uid_text(*resource, RESOURCES)),
                    context,
                    None,
                )
                .unwrap()
            })
    }
}

fn uid_json(entity: usize, names: [&str; 2]) -> serde_json::Value {
    json!({ "type": names[usize::from(entity >= LEAVES)], "id": format!("e{entity}") })
}

fn uid(text: &str) -> EntityUid {
    text.parse().unwrap()
}

pub(super) fn policy() -> impl Strategy<Value = PolicySpec> {
    let condition = prop_oneof![
        4 => Just("true"),
        2 => Just("context.flag"),
        2 => Just("context.n > 0"),
        1 => Just("principal in Group::\"e3\""),
        1 => Just("resource in Folder::\"e4\""),
        2 => Just("context.n + 9223372036854775807 > 0"),
        1 => Just("!context.flag || context.n * 9223372036854775807 > 2"),
    ];
    let action = prop_oneof![
        2 => Just((vec![], false)),
        3 => select(&ACTIONS[..]).prop_map(|action| (vec![action], false)),
        2 => select(&GROUPS_OF_ACTIONS[..]).prop_map(|group| (vec![group], true)),
        2 => vec(select(&["view", "edit", "share", "reads", "writes"][..]), 2..4)
            .prop_map(|list| (list, true)),
    ];
    (
        (any::<bool>(), any::<bool>(), select(&CATEGORIES[..])),
        (scope(), action, scope()),
        condition,
    )
        .prop_map(
            |(
                (permit, held, category),
                (principal, (action, is_action_list), resource),
                condition,
            )| {
                PolicySpec {
                    permit,
                    held,
                    category,
                    principal,
                    action,
                    is_action_list,
                    resource,
                    condition: condition.to_owned(),
                }
            },
        )
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        4 => Just(Scope::Any),
        1 => (0..SIDE).prop_map(Scope::Equal),
        2 => (0..SIDE).prop_map(Scope::Within),
        1 => any::<bool>().prop_map(Scope::Is),
        1 => (any::<bool>(), 0..SIDE).prop_map(|(leaf, entity)| Scope::IsIn(leaf, entity)),
        1 => (0..SIDE).prop_map(Scope::EqualSlot),
        1 => (0..SIDE).prop_map(Scope::WithinSlot),
    ]
}

pub(super) fn world() -> impl Strategy<Value = World> {
    let response = select(&["automatic", "manual-review", "reject"][..]);
    let parents = || vec(vec(any::<bool>(), SIDE), SIDE);
    let request = (
        0..SIDE,
        select(&ACTIONS[..]),
        0..SIDE,
        0_i64..3,
        any::<bool>(),
    );
    (
        vec(policy(), 1..7),
        vec(option::weighted(0.2, response), CATEGORIES.len()),
        parents(),
        parents(),
        vec(request, 8),
    )
        .prop_map(
            |(policies, responses, user_parents, doc_parents, requests)| World {
                policies,
                responses,
                user_parents,
                doc_parents,
                requests,
            },
        )
}

/// The same cases in every run.
pub(super) fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}
