//! Who may call the service for what, as the shipped access policies say.

use std::collections::BTreeSet;
use std::path::Path;

use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityUid;
use cedar_policy::Request;
use comity::decision::engine::Engine;
use comity::domain::outcome::Outcome;

use crate::golden::engine;

const ACTIONS: [&str; 10] = [
    "submitRequest",
    "readRequest",
    "answerRequest",
    "dryRun",
    "readRegistry",
    "writeRegistry",
    "readPolicies",
    "publishPolicies",
    "readRecords",
    "readMetrics",
];

/// Each role with a letter for each action: `y` where it is allowed.
const MATRIX: [(&[&str], &str); 8] = [
    (&["operator"], "yynyyyyyyy"),
    (&["acms"], "yynynnnnnn"),
    (&["peer"], "nnnnnnnnnn"),
    (&["reviewer"], "nyynnnnnnn"),
    (&["security-officer"], "nnnyynyynn"),
    (&["auditor"], "nynnynynyn"),
    (&["acms", "peer"], "nnnnnnnnnn"),
    (&[], "nnnnnnnnnn"),
];

fn ask(engine: &Engine, roles: &[&str], action: &str) -> (Outcome, Vec<String>) {
    let uid = |text: String| text.parse::<EntityUid>().unwrap();
    let caller = uid("ACCESS::Caller::\"caller\"".to_owned());
    let roles: Vec<EntityUid> = roles
        .iter()
        .map(|role| uid(format!("ACCESS::Role::\"{role}\"")))
        .collect();
    let bare = |uid: &EntityUid| Entity::new_no_attrs(uid.clone(), [].into());
    let named = roles.iter().map(bare);
    let service = uid("ACCESS::Service::\"comity\"".to_owned());
    let known = [
        Entity::new_no_attrs(caller.clone(), roles.iter().cloned().collect()),
        bare(&service),
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
        service,
        Context::empty(),
        engine.bundle().schema(),
    )
    .unwrap();
    let evaluation = engine.evaluate(&request, &entities);
    let determining = evaluation.determining();
    let ids = determining.iter().map(|policy| policy.id.to_string());
    (evaluation.outcome(), ids.collect())
}

#[test]
fn roles_may_do_what_the_table_says_and_every_policy_counts() {
    let engine = engine(Path::new("policies/access"));
    let mut decided = BTreeSet::new();
    for (roles, letters) in MATRIX {
        for (action, letter) in ACTIONS.iter().zip(letters.chars()) {
            let (outcome, ids) = ask(&engine, roles, action);
            let expected = match letter {
                'y' => Outcome::Accept,
                _ => Outcome::Reject,
            };
            assert_eq!(outcome, expected, "{roles:?} {action}");
            decided.extend(ids);
        }
    }
    let shipped: BTreeSet<String> = engine
        .bundle()
        .policies()
        .map(|policy| policy.id.to_string())
        .collect();
    assert_eq!(decided, shipped);
}
