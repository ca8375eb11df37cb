//! Who may call the service for what, as the shipped access policies say.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;

use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityUid;
use cedar_policy::Request;
use cedar_policy::RestrictedExpression;
use comity::decision::engine::Engine;
use comity::domain::outcome::Outcome;

use crate::golden::engine;

const ACTIONS: [&str; 18] = [
    "submitRequest",
    "evaluateAccess",
    "requestAccess",
    "dryRun",
    "readRegistry",
    "writeRegistry",
    "readPolicies",
    "publishPolicies",
    "readRecords",
    "readLog",
    "readMetrics",
    "readUeConfiguration",
    "readUeConfigurationSecrets",
    "readEvents",
    "readWebhooks",
    "manageWebhooks",
    "askErasure",
    "approveErasure",
];

/// Actions on a request, which is the caller's own or not.
const ON_REQUESTS: [&str; 10] = [
    "readRequest",
    "answerRequest",
    "reportRequest",
    "withdrawRequest",
    "revokeRequest",
    "acknowledgeRequest",
    "readDisclosure",
    "reportObligation",
    "readPendingAcmData",
    "readAnswerers",
];

/// Each role with a letter for each action: `y` where it is allowed; then for actions on requests of their own,
/// and on those of others.
const MATRIX: [(&[&str], &str, &str, &str); 10] = [
    (
        &["operator"],
        "yyyyyyyyyyyynyyyyn",
        "ynnynynynn",
        "ynnnnnnynn",
    ),
    (&["acms"], "yyyynnnnnnnnnynnnn", "ynyynyyyyn", "nnnnnnnynn"),
    (&["peer"], "nnnnnnnnnnnnnnnnnn", "nnnnnnnnnn", "nnnnnnnnnn"),
    (
        &["reviewer"],
        "nnnnnnnnnnnnnynnnn",
        "yynnynnnyy",
        "yynnynnnyy",
    ),
    (
        &["security-officer"],
        "nnnyynyynnnynyynnn",
        "ynnnynnnnn",
        "ynnnynnnnn",
    ),
    (
        &["auditor"],
        "nnnnynynyynynyynnn",
        "ynnnnnynnn",
        "ynnnnnynnn",
    ),
    (
        &["privacy-officer"],
        "nnnnnnnnynnnnnnnyy",
        "nnnnnnnnnn",
        "nnnnnnnnnn",
    ),
    (
        &["configuration-manager"],
        "nnnnnnnnnnnyynnnnn",
        "nnnnnnnynn",
        "nnnnnnnynn",
    ),
    (
        &["acms", "peer"],
        "nnnnnnnnnnnnnnnnnn",
        "nnnnnnnnnn",
        "nnnnnnnnnn",
    ),
    (&[], "nnnnnnnnnnnnnnnnnn", "nnnnnnnnnn", "nnnnnnnnnn"),
];

fn ask(
    engine: &Engine,
    roles: &[&str],
    action: &str,
    submitter: Option<&str>,
) -> (Outcome, Vec<String>) {
    let uid = |text: String| text.parse::<EntityUid>().unwrap();
    let caller = uid("ACCESS::Caller::\"caller\"".to_owned());
    let roles: Vec<EntityUid> = roles
        .iter()
        .map(|role| uid(format!("ACCESS::Role::\"{role}\"")))
        .collect();
    let bare = |uid: &EntityUid| Entity::new_no_attrs(uid.clone(), [].into());
    let named = roles.iter().map(bare);
    let resource = match submitter {
        Some(submitter) => {
            let submitter = uid(format!("ACCESS::Caller::\"{submitter}\""));
            let submitter = RestrictedExpression::new_entity_uid(submitter);
            let request = uid("ACCESS::Request::\"this\"".to_owned());
            let attributes = HashMap::from([("submitter".to_owned(), submitter)]);
            Entity::new(request, attributes, HashSet::new()).unwrap()
        }
        None => bare(&uid("ACCESS::Service::\"comity\"".to_owned())),
    };
    let asked = resource.uid();
    let known = [
        Entity::new_no_attrs(caller.clone(), roles.iter().cloned().collect()),
        resource,
    ];
    let entities: Entities = engine
        .bundle()
        .action_entities()
        .clone()
        .add_entities(known.into_iter().chain(named), engine.bundle().schema())
        .unwrap();
    let request = Request::new(
        caller,
        uid(format!("ACCESS::Action::\"{action}\"")),
        asked,
        Context::empty(),
        engine.bundle().schema(),
    )
    .unwrap();
    let evaluation = engine.evaluate(&request, &entities);
    let determining = evaluation.determining();
    let ids = determining.iter().map(|policy| policy.id.to_string());
    (evaluation.outcome(), ids.collect())
}

/// Which policies let an own user answer, who is on no duty and is not addressed.
fn respond(engine: &Engine) -> Vec<String> {
    let uid = |text: &str| text.parse::<EntityUid>().unwrap();
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let none = || RestrictedExpression::new_set([]);
    let named =
        |pairs: Vec<(&str, RestrictedExpression)>| -> HashMap<String, RestrictedExpression> {
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        };
    let reviewer = named(vec![
        ("home", text("mc.de.example")),
        ("roles", none()),
        ("identities", none()),
        ("functional_aliases", none()),
        ("acm_operations", none()),
    ]);
    let item = named(vec![
        ("operation", text("group-membership-update")),
        ("direction", text("inbound")),
        ("categories", none()),
        ("urgency", text("normal")),
        ("requesting_system", text("mc.nl.example")),
        ("receiving_system", text("mc.de.example")),
    ]);
    let reviewer = Entity::new(uid("ACCESS::Reviewer::\"one\""), reviewer, HashSet::new()).unwrap();
    let item = Entity::new(uid("ACCESS::Item::\"this\""), item, HashSet::new()).unwrap();
    let context = [
        (
            "is_addressee".to_owned(),
            RestrictedExpression::new_bool(false),
        ),
        ("escalated_to".to_owned(), none()),
    ];
    let schema = engine.bundle().schema();
    let request = Request::new(
        reviewer.uid(),
        uid("ACCESS::Action::\"respond\""),
        item.uid(),
        Context::from_pairs(context).unwrap(),
        schema,
    )
    .unwrap();
    let actions = engine.bundle().action_entities().clone();
    let entities = actions.add_entities([reviewer, item], schema).unwrap();
    let evaluation = engine.evaluate(&request, &entities);
    assert_eq!(evaluation.outcome(), Outcome::Accept);
    let determining = evaluation.determining();
    determining
        .iter()
        .map(|policy| policy.id.to_string())
        .collect()
}

#[test]
fn roles_may_do_what_the_table_says_and_every_policy_counts() {
    let engine = engine(Path::new("policies/access"));
    let mut decided = BTreeSet::new();
    for (roles, letters, own, others) in MATRIX {
        let on = |submitter: &'static str| ON_REQUESTS.map(|action| (action, Some(submitter)));
        let asked = ACTIONS.map(|action| (action, None)).into_iter();
        let asked = asked.chain(on("caller")).chain(on("somebody else"));
        let letters = letters.chars().chain(own.chars()).chain(others.chars());
        for ((action, submitter), letter) in asked.zip(letters) {
            let (outcome, ids) = ask(&engine, roles, action, submitter);
            let expected = match letter {
                'y' => Outcome::Accept,
                _ => Outcome::Reject,
            };
            assert_eq!(outcome, expected, "{roles:?} {action} {submitter:?}");
            decided.extend(ids);
        }
    }
    decided.extend(respond(&engine));
    let shipped: BTreeSet<String> = engine
        .bundle()
        .policies()
        .map(|policy| policy.id.to_string())
        .collect();
    assert_eq!(decided, shipped);
}
