//! A partner asks for configuration information and is told what agreement and policies let it know, and no more.

use comity::app::replay::replay_all;
use comity::cli::service::CallerTokens;
use comity::cli::service::open_store;
use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::GROUP;
use super::support::NL;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::denial;
use super::support::inbound;
use super::support::send;

const OFFICER_OF_OURS: &str = "sip:streife.12@mc.de.example";
const AGREEMENT: &str = "/v1/agreements/mc.nl.example";

fn pull(kinds: &[&str]) -> Value {
    inbound(json!({
        "operation": "configuration-information",
        "requester": { "mc_service_id": REQUESTER },
        "kinds": kinds
    }))
}

fn about(kinds: &[&str], groups: &[&str]) -> Value {
    let mut pull = pull(kinds);
    pull["groups"] = json!(groups);
    pull
}

impl TestService {
    /// Everything may be told, by kind.
    async fn all_is_agreed(&self) {
        let agree = |agreement: &mut Value| {
            agreement["acm"]["disclosure"] = json!(["users", "groups", "security-level"]);
        };
        self.change(AGREEMENT, agree).await;
    }
}

fn view(answer: &Answer, number: usize) -> &Value {
    &answer.body["disclosed"][number]["view"]
}

fn ids(view: &Value) -> Vec<&str> {
    let groups = view["groups"].as_array().unwrap();
    groups
        .iter()
        .map(|it| it["group"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_pull_tells_the_groups_that_the_partner_may_know() {
    let service = TestService::start().await;
    let told = service.submit(&pull(&["groups"])).await;
    assert_eq!(told.body["status"], "accepted", "{}", told.text);
    let view = view(&told, 0);
    assert!(ids(view).contains(&GROUP), "{}", told.text);
    assert_eq!(view["complete"], true);
    assert!(view["users"].is_null() && view["security_level"].is_null());
    let groups = view["groups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["group"] == GROUP).unwrap();
    let expected = json!({
        "group": GROUP, "services": ["mcptt", "mcdata"],
        "review_additions": false, "review_deletions": false
    });
    assert_eq!(*group, expected);
    // Neither groups that are not the partner's business, nor members, tags, organisations or other partners.
    let documents = service.get("/v1/groups", "operator").await;
    for entry in documents.body["documents"].as_array().unwrap() {
        let partners = entry["document"]["partners"].as_array();
        let is_listed = partners.is_some_and(|all| all.iter().any(|it| it["system"] == NL));
        let id = entry["id"].as_str().unwrap();
        let interconnection = entry["document"]["interconnection"] == true;
        assert_eq!(
            ids(view).contains(&id),
            is_listed && interconnection,
            "{id}"
        );
    }
    let text = view.to_string();
    for internal in ["streife", "polizei", "traffic", "mc.be.example", "priority"] {
        assert!(!text.contains(internal), "{internal}");
    }
    assert_eq!(
        told.body["disclosed"][0]["record"],
        told.body["record"]["index"]
    );
    assert_eq!(told.body["disclosed"][0]["group_count"], groups.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_told_at_the_approval_as_it_is_then() {
    let service = TestService::start().await;
    service.all_is_agreed().await;
    let pull = pull(&["users", "groups", "security-level"]);
    let held = service.submit(&pull).await;
    assert_eq!(held.body["status"], "pending", "{}", held.text);
    assert_eq!(held.body["disclosed"].as_array().unwrap().len(), 1);
    assert!(!held.text.contains(OFFICER_OF_OURS));
    let path = format!("/v1/requests/{}", held.body["id"].as_str().unwrap());
    // Meanwhile the user may no longer affiliate there, and may migrate in another service.
    let migrate = |user: &mut Value| {
        user["partners"][0]["groups"] = json!([]);
        user["partners"][0]["migration"] = json!(["mcptt", "mcvideo"]);
    };
    service.change("/v1/users/patrol-12", migrate).await;
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    // The reviewer sees that and how much, not what.
    let disclosed = answered.body["disclosed"].as_array().unwrap();
    assert_eq!(disclosed.len(), 2);
    assert_eq!(disclosed[1]["user_count"], 1);
    assert!(disclosed.iter().all(|it| it["view"].is_null()));
    let told = service.get(&path, "acms").await;
    let later = view(&told, 1);
    let expected = json!([{ "identities": [OFFICER_OF_OURS], "migration": ["mcptt", "mcvideo"] }]);
    assert_eq!(later["users"], expected);
    assert_eq!(
        later["security_level"]["key_management_servers"],
        json!(["https://kms.mc.de.example"])
    );
    assert!(later["groups"].is_null());
    for internal in ["patrol-12", "polizei", "dispatch"] {
        assert!(
            !told.body["disclosed"].to_string().contains(internal),
            "{internal}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_beyond_agreement_answer_and_status() {
    let service = TestService::start().await;
    // The agreement lets groups be told and users not.
    let partly = service.submit(&pull(&["users", "groups"])).await;
    assert_eq!(
        partly.items("/state"),
        ["refused", "granted"],
        "{}",
        partly.text
    );
    assert!(view(&partly, 0)["users"].is_null());
    let refused = service.submit(&pull(&["users"])).await;
    assert_eq!(refused.body["status"], "rejected");
    assert!(refused.body["disclosed"].is_null());
    service.all_is_agreed().await;
    let denied = service.submit_held(&pull(&["users"])).await;
    let denied = service.respond(&denied, &denial()).await;
    assert!(denied.body["disclosed"].is_null(), "{}", denied.text);
    // Agreed when it was asked and no more when it is approved.
    let withdrawn = service.submit_held(&pull(&["users"])).await;
    let withdraw = |agreement: &mut Value| agreement["acm"]["disclosure"] = json!(["groups"]);
    service.change(AGREEMENT, withdraw).await;
    let answered = service.respond(&withdrawn, &approval()).await;
    assert_eq!(answered.body["status"], "rejected", "{}", answered.text);
    assert!(answered.body["disclosed"].is_null());
    let suspend = |agreement: &mut Value| agreement["status"] = json!("suspended");
    service.change(AGREEMENT, suspend).await;
    let suspended = service.submit(&pull(&["groups"])).await;
    assert_eq!(suspended.body["status"], "rejected");
    assert!(suspended.body["disclosed"].is_null());
    let mut outbound = pull(&["groups"]);
    outbound["direction"] = json!("outbound");
    assert!(service.submit(&outbound).await.body["disclosed"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_about_groups_learns_of_those_alone() {
    let service = TestService::start().await;
    service.all_is_agreed().await;
    let told = service.submit(&about(&["groups"], &[GROUP])).await;
    assert_eq!(ids(view(&told, 0)), [GROUP]);
    // An internal group and one that does not exist look alike.
    let unknown = [
        "sip:leitung-intern@mc.de.example",
        "sip:nirgends@mc.de.example",
    ];
    let told = service.submit(&about(&["groups"], &unknown)).await;
    assert_eq!(view(&told, 0)["groups"], json!([]), "{}", told.text);
    for (groups, count) in [(GROUP, 1), (unknown[0], 0)] {
        let held = service.submit_held(&about(&["users"], &[groups])).await;
        let answered = service.respond(&held, &approval()).await;
        assert_eq!(
            answered.body["disclosed"][0]["user_count"], count,
            "{groups}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_is_for_its_submitter_and_the_auditor_and_stays_what_was_told() {
    let mut other = CallerTokens::new();
    let mut service = TestService::start_with(|settings| {
        other = settings.make_callers(&[("acms-2", "acms")]).unwrap();
    })
    .await;
    let submit = || {
        let call = service.call(reqwest::Method::POST, "/v1/requests", "acms");
        send(
            call.header("idempotency-key", "one")
                .json(&pull(&["groups"])),
        )
    };
    let told = submit().await;
    let again = submit().await;
    assert_eq!(again.body["disclosed"], told.body["disclosed"]);
    let path = format!("/v1/requests/{}", told.body["id"].as_str().unwrap());
    for (caller, is_shown) in [
        ("acms", true),
        ("auditor", true),
        ("reviewer", false),
        ("security-officer", false),
        ("operator", false),
    ] {
        let read = service.get(&path, caller).await;
        assert_eq!(read.status, 200, "{}", read.text);
        assert_eq!(!view(&read, 0).is_null(), is_shown, "{caller}");
        assert_eq!(
            read.body["disclosed"][0]["digest"],
            told.body["disclosed"][0]["digest"]
        );
    }
    let call = service.call(reqwest::Method::GET, &path, "without token");
    let foreign = send(call.bearer_auth(&other["acms-2"])).await;
    assert_eq!(foreign.problem(), (403, "forbidden"));
    // The registry moves on; what was told stays.
    let disable = |group: &mut Value| group["enabled"] = json!(false);
    service
        .change(&format!("/v1/groups/{GROUP}"), disable)
        .await;
    assert_eq!(view(&service.get(&path, "acms").await, 0), view(&told, 0));
    let anew = service.submit(&pull(&["groups"])).await;
    assert!(!ids(view(&anew, 0)).contains(&GROUP));
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let (store, archive) = open_store(&data, |_| {}).unwrap();
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    assert_eq!((report.mismatches, report.identical), (0, 2), "{report:?}");
    store.close().await;
}
