//! Pending ACM data, as TS 23.280 clause 10.17.3.1 describes it: notification, get, response.

use serde_json::Value;
use serde_json::json;

use super::events::Reader;
use super::support::DISPATCHER;
use super::support::NL;
use super::support::OFFICER;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::membership;
use super::support::with;

const PENDING: &str = "/v1/pending-acm-data?mc_service_id=";
const STREAM: &str = "/v1/events?types=acm.pending-data";
/// On the same desk, and not holding the alias.
const PATROL: &str = "sip:streife.12@mc.de.example";

async fn waiting(service: &TestService, caller: &str, user: &str) -> Vec<Value> {
    let found = service.get(&format!("{PENDING}{user}"), caller).await;
    assert_eq!(found.status, 200, "{}", found.text);
    assert_eq!(found.body["mc_service_id"], user);
    found.body["acm_data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_addressed_user_is_notified_and_gets_what_waits_for_them() {
    let service = TestService::start().await;
    let mut reader = Reader::open(&service, "acms", STREAM, None).await;
    let to_alias = membership(&[OFFICER]);
    let to_user = with(
        &with(&to_alias, "/target", json!({ "mc_service_id": DISPATCHER })),
        "/correlation_id",
        "nl-2026-000918",
    );
    let first = service.submit_held(&to_alias).await;
    let second = service.submit_held(&to_user).await;
    let id = |path: &str| path.strip_prefix("/v1/requests/").unwrap().to_owned();
    // The notification.
    let told = reader.take(2).await;
    assert_eq!(told[0].data["request_id"], id(&first));
    assert_eq!(
        told[0].data["functional_alias"],
        "sip:leitstelle@mc.de.example"
    );
    assert!(told[0].data.get("mc_service_id").is_none());
    assert_eq!(told[1].data["request_id"], id(&second));
    assert_eq!(told[1].data["mc_service_id"], DISPATCHER);
    assert_eq!(told[1].data["partner"], NL);
    // The get request and its response, to front-end and reviewer alike.
    for caller in ["acms", "reviewer"] {
        let acm_data = waiting(&service, caller, DISPATCHER).await;
        let ids: Vec<&Value> = acm_data.iter().map(|data| &data["id"]).collect();
        assert_eq!(ids, [&json!(id(&first)), &json!(id(&second))]);
        let data = &acm_data[1];
        assert_eq!(data["status"], "pending");
        assert_eq!(data["operation"], "group-membership-update");
        assert_eq!(data["correlation_id"], "nl-2026-000918");
        assert_eq!(data["version"], 1);
        assert_eq!(data["request"]["urgency"], "high");
        let text = data["request"].to_string();
        assert!(text.contains(REQUESTER) && text.contains(OFFICER), "{text}");
        assert!(waiting(&service, caller, PATROL).await.is_empty());
    }
    // Page by page, each after the one before, whatever is answered meanwhile.
    let address = format!("{PENDING}{DISPATCHER}&limit=1");
    let page = service.get(&address, "reviewer").await;
    assert_eq!(page.body["acm_data"].as_array().unwrap().len(), 1);
    assert_eq!(page.body["acm_data"][0]["id"], json!(id(&first)));
    let next = page.body["next"].as_u64().unwrap();
    let page = service
        .get(&format!("{address}&after={next}"), "reviewer")
        .await;
    assert_eq!(page.body["acm_data"][0]["id"], json!(id(&second)));
    assert_eq!(page.body["next"], Value::Null, "{}", page.text);
    let wrong = service.get(&format!("{address}&after=x"), "reviewer").await;
    assert_eq!(wrong.problem(), (400, "invalid-request"));
    // What was answered waits no more.
    let answered = service.respond(&first, &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let acm_data = waiting(&service, "reviewer", DISPATCHER).await;
    assert_eq!(acm_data.len(), 1);
    assert_eq!(acm_data[0]["id"], id(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_to_whom_it_may_be_and_of_known_users() {
    let service = TestService::start().await;
    let mut own = Reader::open(&service, "acms", STREAM, None).await;
    let mut all = Reader::open(&service, "operator", "/v1/events", None).await;
    // Of another front-end: no business of this one.
    let other = service
        .post("/v1/requests", "operator", &membership(&[OFFICER]))
        .await;
    assert_eq!(other.status, 202, "{}", other.text);
    assert!(waiting(&service, "acms", DISPATCHER).await.is_empty());
    assert_eq!(waiting(&service, "reviewer", DISPATCHER).await.len(), 1);
    let held = service.submit_held(&membership(&[OFFICER])).await;
    let told = own.next().await.unwrap();
    assert!(held.ends_with(told.data["request_id"].as_str().unwrap()));
    // Who may read requests and not whom they wait for is told of the requests alone.
    for _ in 0..2 {
        assert_eq!(all.next().await.unwrap().kind, "request.submitted");
    }
    let stranger = service
        .get(&format!("{PENDING}{OFFICER}"), "reviewer")
        .await;
    assert_eq!(stranger.problem(), (404, "not-found"));
    let nobody = service.get(&format!("{PENDING}nobody"), "reviewer").await;
    assert_eq!(nobody.problem(), (400, "invalid-request"));
    let parameter = &nobody.body["errors"][0]["parameter"];
    assert_eq!(parameter, "mc_service_id");
    // What is granted at once waits for nobody.
    let at_once = with(&membership(&[OFFICER]), "/change", "delete");
    let decided = service.submit(&at_once).await;
    assert_eq!(decided.status, 200, "{}", decided.text);
    service.submit_held(&membership(&[OFFICER])).await;
    let next = own.next().await.unwrap();
    assert_ne!(next.data["request_id"], decided.body["id"]);
}
