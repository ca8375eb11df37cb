//! Impact: what other policies and agreements would have made of what was recorded, counted by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use comity::policy::source::BundleSource;
use serde_json::Value;
use serde_json::json;

use super::cli::comity_aside;
use super::cli::text;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::copy_tree;
use super::support::eventually;
use super::support::inbound;
use super::support::membership;
use super::support::with;

const FIRE_GROUP: &str = "sip:loeschzug-3@mc.de.example";
const OTHER_OFFICER: &str = "sip:officer.115@mc.nl.example";
const THIRD_OFFICER: &str = "sip:officer.116@mc.nl.example";
/// The line that is changed, and what it becomes.
pub(super) const LINE: &str = "context.asserted.organisation == \"fire.nl.example\"";
pub(super) const CHANGED: &str = "context.asserted.organisation == \"fire-brigade.nl.example\"";

/// A fire officer for the fire group, asked for by the Dutch fire service.
fn mutual_aid(members: &[&str]) -> Value {
    let request = with(&membership(members), "/group", FIRE_GROUP);
    with(&request, "/requester/organisation", "fire.nl.example")
}

/// The period that is counted by hand:
///
/// | requests | items each | came out |
/// | ---: | ---: | --- |
/// | 3 for the fire group | 1 | accepted as mutual aid |
/// | 1 for the fire group | 2 | accepted as mutual aid |
/// | 2 for the police group | 1 | held |
/// | 1 affiliation | 1 | whatever it was, group membership has no part in it |
///
/// and one of those that are held is approved. Seven requests, eight items.
async fn period() -> TestService {
    let service = TestService::start().await;
    live_through(&service).await;
    service
}

/// Lets all of the period happen.
pub(super) async fn live_through(service: &TestService) {
    for members in [
        &[OFFICER][..],
        &[OTHER_OFFICER],
        &[THIRD_OFFICER],
        &[OFFICER, OTHER_OFFICER],
    ] {
        let answer = service.submit(&mutual_aid(members)).await;
        assert_eq!(answer.body["status"], "accepted", "{}", answer.text);
    }
    let held = service.submit_held(&membership(&[OFFICER])).await;
    service.submit_held(&membership(&[OTHER_OFFICER])).await;
    let affiliation = inbound(json!({
        "operation": "affiliation", "user": OFFICER, "group": FIRE_GROUP,
        "service": "mcptt", "serving_system": "mc.nl.example"
    }));
    assert_eq!(service.submit(&affiliation).await.status, 200);
    let answered = service.respond(&held, &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
}

/// The shipped policies with one line changed, beside those of the service.
fn candidate(service: &TestService) -> PathBuf {
    changed_policies(&service.directory().join("candidate"))
}

/// The shipped policies with one line changed, in a directory of their own.
pub(super) fn changed_policies(root: &Path) -> PathBuf {
    for folder in ["policies", "schemas"] {
        copy_tree(Path::new(folder), &root.join(folder));
    }
    let file = root.join("policies/automatic/group-membership.cedar");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches(LINE).count(), 1);
    fs::write(&file, text.replace(LINE, CHANGED)).unwrap();
    root.join("policies")
}

/// What was counted by hand: the changed line no longer knows the Dutch fire service, so that its four requests, with
/// five items, wait for a person as those of every visiting officer do. Nothing else knows the line.
pub(super) fn assert_counted_by_hand(report: &Value) {
    assert_eq!(report["decisions"], 7, "{report}");
    assert_eq!(report["items"], 8, "{report}");
    assert_eq!(report["changed_decisions"], 4, "{report}");
    assert_eq!(report["changed_items"], 5, "{report}");
    let held = json!([{ "from": "accept", "to": "review", "items": 5 }]);
    assert_eq!(report["changes"], held, "{report}");
    assert_eq!(
        report["partners"],
        json!({ "mc.nl.example": { "items": 8, "changed": 5, "changes": held } })
    );
    let categories = &report["categories"];
    let group = |items| json!({ "items": items, "changed": 5, "changes": held });
    assert_eq!(categories["group-membership.mutual-aid"], group(5));
    // Every inbound addition is one of a visiting officer, too.
    assert_eq!(categories["group-membership.visiting-officer"], group(7));
    let changed = categories.as_object().unwrap().values();
    let changed = changed.filter(|group| group["changed"] != 0);
    assert_eq!(changed.count(), 2, "{categories}");
    assert_eq!(
        report["policies"],
        json!({ "membership.mutual-aid-fire": group(5), "membership.visiting-officer": group(5) })
    );
    assert_eq!(
        (&report["erased"], &report["unreadable"]),
        (&json!(0), &json!(0))
    );
    let examples = report["examples"].as_array().unwrap();
    assert_eq!(examples.len(), 5, "{report}");
    for example in examples {
        assert_eq!(
            example["policies_then"],
            json!(["membership.mutual-aid-fire"])
        );
        assert_eq!(
            example["policies_now"],
            json!(["membership.visiting-officer"])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_impact_of_one_line_is_what_was_counted_by_hand() {
    let mut service = period().await;
    let bundle = candidate(&service);
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let page = service.directory().join("impact.html");
    let base = [
        "impact",
        "--bundle",
        text(&bundle),
        "--data-dir",
        text(&data),
    ];
    let json = [&base[..], &["--json", "--html", text(&page)]].concat();
    let ended = comity_aside(&json).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_counted_by_hand(&report);
    let page = fs::read_to_string(&page).unwrap();
    assert!(page.contains("4 of 7 would come out otherwise"), "{page}");
    assert!(page.contains("5 of 8 would come out otherwise"), "{page}");
    assert!(page.contains("5 from accept to review"), "{page}");
    let example = report["examples"][0]["href"].as_str().unwrap();
    assert!(page.contains(&format!("href=\"{example}\"")), "{page}");

    let ended = comity_aside(&base).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.contains("4 of 7 requests and 5 of 8 items"),
        "{}",
        ended.out
    );

    // A period in which nothing happened, and a part of the one in which it did.
    let before = [&json[..], &["--to", "2001-01-01T00:00:00Z"]].concat();
    let report: Value = serde_json::from_str(&comity_aside(&before).await.out).unwrap();
    assert_eq!(report["decisions"], 0, "{report}");
    let some = [
        &json[..],
        &[
            "--from",
            "2001-01-01T00:00:00Z",
            "--operation",
            "affiliation",
        ],
    ];
    let report: Value = serde_json::from_str(&comity_aside(&some.concat()).await.out).unwrap();
    assert_eq!(
        (&report["decisions"], &report["changed_items"]),
        (&json!(1), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_agreements_are_tried_alone_and_with_policies() {
    let mut service = period().await;
    let bundle = candidate(&service);
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let registry = service.directory().join("tried");
    let source = Path::new("examples/registry/de/agreements");
    copy_tree(source, &registry.join("agreements"));
    let file = registry.join("agreements/mc.nl.example.yaml");
    let agreement = fs::read_to_string(&file).unwrap();
    let flag = "group_membership: true";
    assert_eq!(agreement.matches(flag).count(), 1);
    fs::write(file, agreement.replace(flag, "group_membership: false")).unwrap();
    let alone = [
        "impact",
        "--json",
        "--data-dir",
        text(&data),
        "--registry",
        text(&registry),
    ];
    let both = [&alone[..], &["--bundle", text(&bundle)]].concat();
    // Without group membership in the agreement, all six additions are refused, whatever the line says.
    for (arguments, bundle) in [(alone.to_vec(), false), (both, true)] {
        let ended = comity_aside(&arguments).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        let report: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(report["tried"]["bundle"].is_string(), bundle, "{report}");
        assert_eq!(report["changed_decisions"], 6, "{report}");
        assert_eq!(
            report["changes"],
            json!([
                { "from": "accept", "to": "reject", "items": 5 },
                { "from": "review", "to": "reject", "items": 2 },
            ]),
            "{report}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tried_is_refused_with_its_place() {
    let mut service = TestService::start().await;
    let bundle = candidate(&service);
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let file = bundle.join("automatic/group-membership.cedar");
    let sound = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        sound.replace(CHANGED, "context.asserted.organization == \"x\""),
    )
    .unwrap();
    let nowhere = service.directory().join("nowhere");
    let base = ["impact", "--data-dir", text(&data)];
    for (arguments, said) in [
        (vec!["--bundle", text(&bundle)], "group-membership.cedar"),
        (vec!["--bundle", text(&nowhere)], "nowhere"),
        (vec!["--registry", text(&bundle)], ""),
        (vec![], "--bundle"),
    ] {
        let ended = comity_aside(&[&base[..], &arguments[..]].concat()).await;
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains(said), "{ended:?}");
    }
    let ended = comity_aside(&[
        "impact",
        "--bundle",
        "policies",
        "--data-dir",
        text(&nowhere),
    ])
    .await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(!nowhere.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_sees_it_before_publishing() {
    let service = period().await;
    let source = BundleSource::read(&candidate(&service)).unwrap();
    let files: BTreeMap<String, String> = source.files().clone();
    let size = service.log_size().await;
    let wanted = json!({ "texts": { "files": files } });
    let begun = service
        .post("/v1/impact", "security-officer", &wanted)
        .await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let place = begun.header("location").to_owned();
    let done = eventually("the impact is known", async || {
        let answer = service.get(&place, "security-officer").await;
        (answer.body["status"] != "running").then_some(answer)
    })
    .await;
    assert_eq!(done.body["status"], "done", "{}", done.text);
    assert_counted_by_hand(&done.body["report"]);
    let page = service
        .get(&format!("{place}/page"), "security-officer")
        .await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.contains("4 of 7 would come out otherwise"));
    // Nothing was written, and nobody else sees it.
    assert_eq!(service.log_size().await, size);
    assert_eq!(
        service.get(&place, "auditor").await.problem(),
        (403, "forbidden")
    );
    let policies = service.get("/v1/policies", "security-officer").await.body;
    let in_force = policies["in_force"]["digest"].clone();
    assert_ne!(in_force, done.body["report"]["tried"]["bundle"]);

    let mut broken = wanted.clone();
    broken["texts"]["files"]["bad.cedar"] = json!("permit (principal");
    for (body, problem, pointer) in [
        (broken, (422, "bundle-refused"), None),
        (json!({}), (422, "invalid-input"), Some("")),
        (
            json!({ "bundle": "sha256:1" }),
            (422, "invalid-input"),
            Some("/bundle"),
        ),
        (
            json!({ "bundle": in_force, "texts": { "files": {} } }),
            (422, "invalid-input"),
            Some("/texts"),
        ),
        (
            json!({ "bundle": in_force, "selection": { "first": 2, "last": 1 } }),
            (422, "invalid-input"),
            Some("/selection/last"),
        ),
        (
            json!({ "agreements": [{ "partner": 3 }] }),
            (422, "invalid-input"),
            Some("/agreements/0/partner"),
        ),
    ] {
        let refused = service.post("/v1/impact", "security-officer", &body).await;
        assert_eq!(refused.problem(), problem, "{}", refused.text);
        if let Some(pointer) = pointer {
            assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
        }
    }
}
