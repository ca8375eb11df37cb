//! What holds of every decision, over the golden cases and over registries and requests made from them by chance.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityUid;
use comity::decision::decide::ItemDecision;
use comity::decision::decide::decide_item;
use comity::decision::decide::decide_items;
use comity::decision::derived::Derived;
use comity::decision::engine::Engine;
use comity::decision::facts::Facts;
use comity::decision::facts::PersonFacts;
use comity::decision::facts::ReadKey;
use comity::decision::facts::ReadSet;
use comity::decision::query::Prepared;
use comity::decision::query::Query;
use comity::decision::reason::ReasonCode;
use comity::domain::document::Document;
use comity::domain::identity::FunctionalAlias;
use comity::domain::identity::McServiceId;
use comity::domain::outcome::Outcome;
use comity::domain::registry::DocumentKey;
use comity::domain::request::InterSystemRequest;
use comity::domain::request::OperationBody;
use comity::policy::bundle::Bundle;
use comity::policy::source::BundleSource;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::golden::Registry;
use crate::golden::SCENES;
use crate::golden::SHIPPED;
use crate::golden::Scene;
use crate::golden::engine_of;

/// A golden case with its registry and request changed by chance.
fn chance_scene() -> impl Strategy<Value = Scene> {
    (
        any::<Index>(),
        prop::collection::vec((any::<Index>(), any::<Index>()), 0..6),
        prop::collection::vec(any::<Index>(), 0..3),
        prop::option::of(0_i64..1_000),
    )
        .prop_map(|(scene, registry_changes, request_changes, days)| {
            let mut scene = scene.get(&SCENES[..]).clone();
            for (document, leaf) in registry_changes {
                change_registry(&mut scene.registry, document, leaf);
            }
            for change in request_changes {
                change_request(&mut scene, change);
            }
            if let Some(days) = days {
                let start: comity::domain::time::Timestamp =
                    "2025-06-01T00:00:00Z".parse().unwrap();
                scene.now = start.plus_milliseconds(days * 86_400_000);
            }
            scene
        })
}

/// Flips a flag, empties a list or set, or changes the status of one document.
fn change_registry(registry: &mut Registry, document: Index, leaf: Index) {
    let keys: Vec<DocumentKey> = registry.documents.keys().cloned().collect();
    let Some(entry) = registry.documents.get_mut(document.get(&keys)) else {
        return;
    };
    let mut json = entry.value.to_json().unwrap();
    let mut leaves = Vec::new();
    pointers(&json, String::new(), &mut leaves);
    if leaves.is_empty() {
        return;
    }
    let pointer = leaf.get(&leaves);
    let value = json.pointer_mut(pointer).unwrap();
    *value = match &*value {
        Value::Bool(flag) => Value::Bool(!flag),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::String(word) if word == "active" => "suspended".into(),
        Value::String(word) if word == "up" => "down".into(),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Object(_) => value.clone(),
    };
    if let Ok(changed) = Document::from_json(entry.value.kind(), json) {
        entry.value = changed.into();
    }
}

fn pointers(json: &Value, at: String, found: &mut Vec<String>) {
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(value, format!("{at}/{name}"), found);
            }
        }
        Value::Array(values) => {
            found.push(at.clone());
            for (number, value) in values.iter().enumerate() {
                pointers(value, format!("{at}/{number}"), found);
            }
        }
        Value::Bool(_) => found.push(at),
        Value::String(word) if word == "active" || word == "up" => found.push(at),
        Value::String(_) | Value::Number(_) | Value::Null => {}
    }
}

/// Names another system somewhere in the request, or turns its direction.
fn change_request(scene: &mut Scene, change: Index) {
    let mut json = serde_json::to_value(&scene.request).unwrap();
    let text = json.to_string();
    let changes = [
        ("\"direction\":\"inbound\"", "\"direction\":\"outbound\""),
        ("\"direction\":\"outbound\"", "\"direction\":\"inbound\""),
        (
            "\"requesting_system\":\"mc.nl.",
            "\"requesting_system\":\"mc.be.",
        ),
        (
            "\"receiving_system\":\"mc.de.",
            "\"receiving_system\":\"mc.be.",
        ),
        (
            "\"system\":\"mc.nl.example\"",
            "\"system\":\"mc.be.example\"",
        ),
        ("officer.114@mc.nl.", "officer.114@mc.be."),
        ("control.3@mc.nl.", "leitstelle.1@mc.de."),
        (
            "@mc.de.example\",\"service\"",
            "@mc.nl.example\",\"service\"",
        ),
        ("\"serving_system\":\"mc.nl.", "\"serving_system\":\"mc.be."),
        ("\"change\":\"add\"", "\"change\":\"delete\""),
        ("sip:officer.114@mc.nl.example", "tel:+31201234567"),
        ("\"mcptt\"", "\"mcdata\""),
    ];
    let (from, to) = change.get(&changes);
    if let Ok(changed) = serde_json::from_str(&text.replacen(from, to, 1)) {
        json = changed;
    }
    if let Ok(request) = serde_json::from_value(json) {
        scene.request = request;
    }
}

fn shipped(scene: &Scene) -> Vec<ItemDecision> {
    scene.decide(&SHIPPED)
}

fn assert_not_wider(
    what: &str,
    scene: &Scene,
    before: &[ItemDecision],
    after: &[ItemDecision],
) -> Result<(), TestCaseError> {
    for after in after {
        let before = before.iter().find(|before| before.item == after.item);
        let Some(before) = before else {
            prop_assert!(false, "without {what} there is more: {after:?}");
            continue;
        };
        prop_assert!(
            after.outcome.width() <= before.outcome.width()
                || lacks_only_a_certificate(scene, before),
            "without {what}: {before:?} became {after:?}"
        );
    }
    Ok(())
}

/// Whether taking a document away is an act, not a missing fact.
///
/// A user's own profile restricts against the general one of their home, and goes before it. An entry of the
/// register that is taken out says that a user is home again and leaves a place; a deletion or a home's refusal, that it is over; a
/// user or a group, that their identity may be given to a visitor; another user's access, that their UE and identities may.
fn says_more_by_its_absence(document: &Document, request: &InterSystemRequest) -> bool {
    match document {
        Document::MigratedProfile(profile) => profile.user.is_some(),
        Document::Migration(_)
        | Document::OpenDeletion(_)
        | Document::HomeRefusal(_)
        | Document::ScheduledChange(_) => true,
        // What another user has is free once it is taken from them.
        Document::AccessGrant(grant) => Some(&grant.user) != request.body.elements().subject(),
        // That a user was taken from the list restricts.
        Document::MigrationUser(listed) => !listed.listed,
        Document::User(user) => {
            let given = given_identity(request);
            let given = given.as_ref();
            let is_alias = |given: &McServiceId| {
                let alias = FunctionalAlias::from(given.uri().clone());
                user.functional_aliases.contains(&alias)
            };
            user.identities.iter().any(|(_, id)| Some(id) == given) || given.is_some_and(is_alias)
        }
        Document::Group(group) => {
            let given = given_identity(request);
            // A group that is there is not created again.
            let is_created = matches!(
                &request.body,
                OperationBody::JointGroupCreation(joint) if joint.group == group.id
            );
            is_created || given.is_some_and(|given| given.as_str() == group.id.as_str())
        }
        Document::System(_)
        | Document::Agreement(_)
        | Document::Link(_)
        | Document::UeConfiguration(_)
        | Document::AreaMap(_)
        | Document::PartnerKeys(_)
        | Document::ResponseSettings(_)
        | Document::Membership(_)
        | Document::SharedGroup(_)
        | Document::GroupOverride(_) => false,
    }
}

/// The identity that the user is to be known under: the one that the serving system gives, or the one of SIP.
fn given_identity(request: &InterSystemRequest) -> Option<McServiceId> {
    let elements = request.body.elements();
    let serving = elements.serving_identity().cloned();
    let public = elements.sip().and_then(|sip| sip.sip_public_identity.uri());
    serving.or_else(|| public.map(McServiceId::from))
}

/// The one fact whose absence lifts anything: an agreement's certificates bind a deletion by the attested
/// home of the member as long as there is an agreement, and where there is none the attested peer is enough
/// (rulings 2 and 14).
fn lacks_only_a_certificate(scene: &Scene, refused: &ItemDecision) -> bool {
    let is_deletion = scene.request.body.elements().is_reducing();
    let peer = scene.request.peer.as_ref().map(|peer| &peer.system);
    let ids: Vec<&str> = refused.policies.iter().map(|it| it.id.as_str()).collect();
    is_deletion
        && peer == Some(&scene.request.requesting_system)
        && ids == ["exchange.certificate-is-agreed"]
}

/// Each item as policies decide it. What is chosen among them is relative: without one, another is chosen.
fn by_themselves(scene: &Scene, engine: &Engine, facts: &Facts) -> Vec<ItemDecision> {
    let prepared = Prepared::new(engine.bundle(), &scene.request, facts, scene.now);
    decide_items(engine, &prepared, 0..prepared.item_count())
}

fn dropping_documents(scene: &Scene, engine: &Engine) -> Result<(), TestCaseError> {
    let before = by_themselves(scene, engine, &scene.facts());
    for (key, document) in &scene.registry.documents {
        if !says_more_by_its_absence(&document.value, &scene.request) {
            let mut without = scene.clone();
            without.registry = scene.registry.without(key);
            let after = by_themselves(scene, engine, &without.facts());
            assert_not_wider(&key.to_string(), scene, &before, &after)?;
        }
    }
    Ok(())
}

fn dropping_facts(scene: &Scene, engine: &Engine) -> Result<(), TestCaseError> {
    let (facts, _) = scene.registry.gather(&scene.request, scene.now);
    let decided = |facts: &Facts| by_themselves(scene, engine, facts);
    let before = decided(&facts);
    for (name, without) in facts_without(&facts) {
        assert_not_wider(name, scene, &before, &decided(&without))?;
    }
    Ok(())
}

type Drop = (&'static str, fn(&mut Facts));

fn facts_without(facts: &Facts) -> Vec<(&'static str, Facts)> {
    SHARED_DROPS
        .iter()
        .chain(&PERSONAL_DROPS)
        .map(|(name, drop)| {
            let mut without = facts.clone();
            drop(&mut without);
            (*name, without)
        })
        .collect()
}

const SHARED_DROPS: [Drop; 12] = [
    ("agreement", |facts| facts.shared.agreement = None),
    ("home agreement", |facts| facts.shared.home_agreement = None),
    ("serving agreement", |facts| {
        facts.shared.serving_agreement = None;
    }),
    ("group home", |facts| facts.shared.group_home = None),
    ("group", |facts| facts.shared.group = None),
    ("review flags", |facts| {
        if let Some(group) = &mut facts.shared.group {
            group.value.review = None;
        }
    }),
    ("link", |facts| facts.shared.link = None),
    ("configuration", |facts| facts.shared.configuration = None),
    ("visitors", |facts| facts.shared.migrated_count = None),
    ("target", |facts| facts.shared.target = None),
    ("key", |facts| facts.shared.credential_key = None),
    ("candidates", |facts| facts.candidates.clear()),
];

const PERSONAL_DROPS: [Drop; 19] = [
    ("requester", |facts| facts.requester = None),
    ("requester's profile", |facts| {
        if let Some(requester) = &mut facts.requester {
            requester.profile = None;
        }
    }),
    ("requester's alias", |facts| {
        if let Some(requester) = &mut facts.requester {
            requester.alias_home = None;
        }
    }),
    ("subjects", |facts| facts.subjects.clear()),
    ("profiles", |facts| {
        of_each(facts, |it| drop(it.profile.take()));
    }),
    ("migrated profiles", |facts| {
        of_each(facts, |it| drop(it.migrated_profile.take()));
    }),
    ("memberships", |facts| {
        of_each(facts, |it| it.is_member = false);
    }),
    ("registers", |facts| {
        of_each(facts, |it| it.register.clear());
    }),
    ("access", |facts| {
        of_each(facts, |it| drop(it.access.take()));
    }),
    ("grants", |facts| of_each(facts, |it| it.grants.clear())),
    ("location", |facts| {
        of_each(facts, |it| drop(it.location.take()));
    }),
    ("called user", |facts| facts.resource = None),
    ("called user's profile", |facts| {
        if let Some(called) = &mut facts.resource {
            called.profile = None;
        }
    }),
    ("call permissions", |facts| {
        for person in facts.subjects.iter_mut().chain(&mut facts.resource) {
            person.call_permission = None;
        }
    }),
    ("call permissions for a home", |facts| {
        if let Some(called) = &mut facts.resource {
            called.home_call_permission = None;
        }
    }),
    ("register", |facts| {
        of_each(facts, |it| drop(it.current.take()));
    }),
    ("deletions", |facts| {
        of_each(facts, |it| drop(it.deletion.take()));
    }),
    ("serving identities", |facts| {
        of_each(facts, |it| drop(it.serving_identity.take()));
    }),
    ("homes", |facts| of_each(facts, |it| drop(it.home.take()))),
];

fn of_each(facts: &mut Facts, change: impl Fn(&mut PersonFacts)) {
    facts.subjects.iter_mut().for_each(change);
}

/// Holds the engine's answer to each query against the two derived sets, and the accept against the ceiling.
fn definition(scene: &Scene, engine: &Engine) -> Result<(), TestCaseError> {
    let derived = Derived::new(engine.bundle()).unwrap();
    let (facts, _) = scene.registry.gather(&scene.request, scene.now);
    let prepared = Prepared::new(engine.bundle(), &scene.request, &facts, scene.now);
    let decided = by_themselves(scene, engine, &facts);
    let queries = prepared.queries(0..prepared.item_count());
    for ((number, query), item) in queries.queries.iter().zip(&decided) {
        let Query::Ask(request) = query else {
            prop_assert_eq!(item.outcome, Outcome::Reject);
            continue;
        };
        let outcome = derived.outcome(request, &queries.entities);
        if item.reason == ReasonCode::AskThroughAcm {
            prop_assert_eq!(outcome, Outcome::Review);
        } else {
            prop_assert_eq!(item.outcome, outcome, "item {}", number);
        }
        if item.outcome == Outcome::Accept {
            let ceiling = cedar_policy::Authorizer::new().is_authorized(
                request,
                derived.ceiling(),
                &queries.entities,
            );
            prop_assert_eq!(ceiling.decision(), cedar_policy::Decision::Allow);
        }
    }
    Ok(())
}

/// The entities that are built fit the schema that the policies were validated against.
fn conformity(scene: &Scene, engine: &Engine) -> Result<(), TestCaseError> {
    let (facts, _) = scene.registry.gather(&scene.request, scene.now);
    let prepared = Prepared::new(engine.bundle(), &scene.request, &facts, scene.now);
    let queries = prepared.queries(0..prepared.item_count());
    let mut expected = scene.expected();
    for (number, query) in &queries.queries {
        // What the interface refuses and a record could hold all the same cannot be asked.
        let is_askable = expected.next().unwrap().reason != ReasonCode::EvaluationError;
        let is_failed = matches!(query, Query::Failed(_));
        prop_assert!(is_failed != is_askable, "{number}: {query:?}");
    }
    let checked =
        Entities::from_entities(queries.entities.iter().cloned(), engine.bundle().schema());
    prop_assert!(checked.is_ok(), "{:?}", checked.err());
    Ok(())
}

fn chunks(scene: &Scene, engine: &Engine) -> Result<(), TestCaseError> {
    let (facts, _) = scene.registry.gather(&scene.request, scene.now);
    let whole = by_themselves(scene, engine, &facts);
    let prepared = Prepared::new(engine.bundle(), &scene.request, &facts, scene.now);
    let chunked: Vec<ItemDecision> = (0..whole.len())
        .step_by(50)
        .flat_map(|start| decide_items(engine, &prepared, start..start + 50))
        .collect();
    prop_assert_eq!(&whole, &chunked);
    let last = whole.len().saturating_sub(1);
    prop_assert_eq!(
        whole.get(last).cloned(),
        decide_item(engine, &prepared, last)
    );
    prop_assert_eq!(None, decide_item(engine, &prepared, whole.len()));
    Ok(())
}

/// Whether an entry of the register was read as one of many, or for the identity that it gives.
fn is_counted(document: &Document, read_set: &ReadSet) -> bool {
    let Document::Migration(entry) = document else {
        return false;
    };
    let counted = ReadKey::Visitors(entry.home_system.clone());
    let served = entry.serving_mc_service_id.clone().map(ReadKey::ServedAs);
    let mut reads = read_set.entries.iter().map(|(read, _)| read);
    reads.any(|read| *read == counted || Some(read) == served.as_ref())
}

/// Only what is in the read set can have mattered.
fn reads(scene: &Scene) -> Result<(), TestCaseError> {
    let (facts, read_set) = scene.registry.gather(&scene.request, scene.now);
    prop_assert!(read_set.entries.is_sorted_by(|one, next| one.0 < next.0));
    for (key, document) in &scene.registry.documents {
        let read = read_set
            .entries
            .iter()
            .find(|(read, _)| *read == ReadKey::Document(key.clone()));
        if let Some((_, revision)) = read {
            prop_assert_eq!(*revision, Some(document.revision));
        } else if !is_counted(&document.value, &read_set) {
            let (without, _) = scene
                .registry
                .without(key)
                .gather(&scene.request, scene.now);
            prop_assert_eq!(&facts, &without, "{} was read and not noted", key);
        }
    }
    Ok(())
}

/// Policies that name what no fact names, in every place where a name can stand.
const FURTHER_NAMES: &str = r#"
@id("further.scope") @category("further.scope") @response("automatic")
permit (
  principal in MCX::Organisation::"nobody",
  action,
  resource in MCX::GroupTag::"nothing"
);
@id("further.is-in") @category("review.further") @response("manual-review")
forbid (principal is MCX::User in MCX::System::"nowhere.example", action, resource);
@id("further.conditions") @category("further.conditions") @response("manual-review")
permit (principal, action, resource)
when {
  !(principal in MCX::System::"nowhere.example") &&
  !(principal in [MCX::System::"nowhere.example", MCX::System::"elsewhere.example"]) &&
  context.other_system != MCX::System::"elsewhere.example"
};
@id("further.satisfied") @category("review.further") @response("manual-review")
forbid (principal, action, resource)
unless { context.other_system in MCX::System::"nowhere.example" };
"#;

#[test]
fn a_name_that_only_policies_know_needs_no_entity() {
    let shipped = BundleSource::read(Path::new("policies")).unwrap();
    let mut files = shipped.files().clone();
    files.insert("further.cedar".to_owned(), FURTHER_NAMES.to_owned());
    let source = BundleSource::from_texts(
        shipped.manifest(),
        "mcx.cedarschema",
        shipped.schema(),
        files,
    );
    let bundle = Bundle::compile(&source).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let names: BTreeSet<EntityUid> = bundle
        .compiled()
        .iter()
        .flat_map(|policy| policy.policy().entity_literals())
        .filter(|name| !name.type_name().to_string().ends_with("::Action"))
        .collect();
    assert!(names.len() > 4, "{names:?}");
    let engine = Engine::new(Arc::new(bundle));
    let mut asked = 0;
    for scene in SCENES.iter() {
        let (facts, _) = scene.registry.gather(&scene.request, scene.now);
        let prepared = Prepared::new(engine.bundle(), &scene.request, &facts, scene.now);
        let queries = prepared.queries(0..prepared.item_count());
        let further: Vec<Entity> = names
            .iter()
            .filter(|name| queries.entities.get(name).is_none())
            .map(|name| Entity::new_no_attrs(name.clone(), HashSet::new()))
            .collect();
        assert!(!further.is_empty());
        let known = queries
            .entities
            .clone()
            .add_entities(further, None)
            .unwrap();
        for (number, query) in &queries.queries {
            if let Query::Ask(request) = query {
                let without = engine.evaluate(request, &queries.entities);
                let with = engine.evaluate(request, &known);
                let name = &scene.name;
                assert_eq!(
                    format!("{without:?}"),
                    format!("{with:?}"),
                    "{name} {number}"
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "{asked}");
}

#[test]
fn golden_cases_keep_the_properties() {
    for scene in SCENES.iter() {
        let engine = engine_of(scene);
        let kept = dropping_documents(scene, engine)
            .and_then(|()| dropping_facts(scene, engine))
            .and_then(|()| definition(scene, engine))
            .and_then(|()| conformity(scene, engine))
            .and_then(|()| chunks(scene, engine))
            .and_then(|()| reads(scene));
        if let Err(error) = kept {
            panic!("{}: {error}", scene.name);
        }
    }
}

/// Without accepts, reviews and rejects among them, the properties would say little.
#[test]
fn chance_scenes_are_decided_in_every_way() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut widths = [0; 3];
    for _ in 0..900 {
        let scene = chance_scene().new_tree(&mut runner).unwrap().current();
        for item in shipped(&scene).iter().take(1) {
            widths[usize::from(item.outcome.width())] += 1;
        }
    }
    assert!(widths.iter().all(|count| *count >= 10), "{widths:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a_missing_document_never_widens(scene in chance_scene()) {
        dropping_documents(&scene, &SHIPPED)?;
    }

    #[test]
    fn a_missing_fact_never_widens(scene in chance_scene()) {
        dropping_facts(&scene, &SHIPPED)?;
    }

    #[test]
    fn decisions_are_what_the_derived_sets_say(scene in chance_scene()) {
        definition(&scene, &SHIPPED)?;
    }

    #[test]
    fn queries_fit_the_schema(scene in chance_scene()) {
        conformity(&scene, &SHIPPED)?;
    }

    #[test]
    fn everything_that_matters_is_in_the_read_set(scene in chance_scene()) {
        reads(&scene)?;
    }
}
