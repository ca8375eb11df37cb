//! What an approval rests on is read afresh when it is used: what would be granted, and who gave it.

use std::fs;

use comity::cli::service::ServiceSettings;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::again;
use super::approved;
use super::asked;
use super::evaluate;
use super::held;
use super::offering;
use super::question;
use super::start;
use super::tasks::pass;
use super::told;
use crate::front::clock::Hands;
use crate::front::support::Answer;
use crate::front::support::DISPATCHER;
use crate::front::support::NL;
use crate::front::support::OFFICER;
use crate::front::support::TestService;
use crate::front::support::approval;
use crate::front::support::eventually;
use crate::front::support::send;
use crate::front::support::with;

const EXPIRED: (&str, &str, bool) = ("approval_expired", "request", true);
const OUT_OF_SCOPE: (&str, &str, bool) = ("out_of_scope", "request", true);
const APPROVER: &str = "/v1/users/dispatch-1";
const SECOND: &str = "/v1/users/dispatch-2";

type Change = fn(&mut Value);

fn lapsed(answer: &Answer) -> &Value {
    &answer.body["context"]["urn:comity:decision"]["approval_lapsed"]
}

/// Lets only those answer who are on duty, or were turned to.
fn on_duty(settings: &mut ServiceSettings) {
    offering(settings);
    let respond = settings.policies.join("access/respond.cedar");
    let text = fs::read_to_string(&respond).unwrap();
    let narrowed = text.replace(
        "  resource\n);",
        "  resource\n)\nwhen {\n  principal.roles.contains(\"duty-officer\") || context.escalated_to.containsAny(principal.roles)\n};",
    );
    assert_ne!(narrowed, text);
    fs::write(&respond, narrowed).unwrap();
}

async fn is_permitted(service: &TestService, given: &Value) {
    let used = evaluate(service, &again(&question(), given)).await;
    assert_eq!(used.body["decision"], true, "{}", used.text);
    assert_eq!(*lapsed(&used), Value::Null);
}

async fn is_refused_for_its_approvers(service: &TestService, given: &Value, what: &str) {
    let refused = evaluate(service, &again(&question(), given)).await;
    assert_eq!(told(&refused), EXPIRED, "{what}: {}", refused.text);
    assert_eq!(*lapsed(&refused), "approvers", "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_less_than_would_be_granted_now_is_out_of_scope() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    let ceiling = async |priority: u8| {
        let change = |it: &mut Value| it["priority_ceiling"] = json!(priority);
        service
            .change(&format!("/v1/agreements/{NL}"), change)
            .await;
    };
    ceiling(9).await;
    let refused = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&refused), OUT_OF_SCOPE, "{}", refused.text);
    assert_eq!(*lapsed(&refused), "terms");
    // Another can be asked for, and what is less than was approved is covered.
    let anew = approved(&service, &question()).await;
    ceiling(3).await;
    let used = evaluate(&service, &again(&question(), &anew)).await;
    assert_eq!(used.body["decision"], true, "{}", used.text);
    let limits = &used.body["context"]["urn:comity:decision"]["limits"];
    assert_eq!(limits["priority_cap"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_counts_as_long_as_who_gave_it_may_give_it() {
    let service = TestService::start_with(on_duty).await;
    let before = service.get(APPROVER, "operator").await.body;
    let changes: [(&str, Change); 3] = [
        ("disabled", |user| user["enabled"] = json!(false)),
        ("the subject", |user| {
            user["functional_aliases"] = json!([OFFICER]);
        }),
        ("of no role that answers", |user| user["roles"] = json!([])),
    ];
    for (what, change) in changes {
        let given = approved(&service, &question()).await;
        service.change(APPROVER, change).await;
        is_refused_for_its_approvers(&service, &given, what).await;
        // It was not used up: whoever may approve again approved.
        service
            .change(APPROVER, |user| *user = before.clone())
            .await;
        is_permitted(&service, &given).await;
    }
    let given = approved(&service, &question()).await;
    let etag = service.get(APPROVER, "operator").await;
    let delete = service.call(Method::DELETE, APPROVER, "operator");
    let deleted = send(delete.header("if-match", etag.header("etag"))).await;
    assert!(deleted.status < 300, "{}", deleted.text);
    is_refused_for_its_approvers(&service, &given, "deleted").await;
    // Their name is somebody else's by now.
    let mut other = before.clone();
    other["id"] = json!("another");
    let made = service
        .put("/v1/users/another", ("if-none-match", "*"), &other)
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    is_refused_for_its_approvers(&service, &given, "another's").await;
}

/// Every one of them counts, for the roles that they still have.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_who_approved_each_counts_for_the_roles_that_they_still_have() {
    let mut service = TestService::start_with(|settings| {
        offering(settings);
        let text = "// For this test.\n@id(\"membership.groups\")\n\
             @category(\"review.group-membership\")\n@response(\"manual-review\")\n\
             @approvals(\"duty-officer:1, shift-leader:1\")\n@reason(\"Two groups decide.\")\n\
             forbid (principal, action == MCX::Action::\"addGroupMember\", resource)\n\
             when { context.direction == \"inbound\" };\n";
        fs::write(settings.policies.join("review/groups.cedar"), text).unwrap();
    })
    .await;
    let roles = async |service: &TestService, user: &str, roles: &[&str]| {
        let change = |it: &mut Value| it["roles"] = json!(roles);
        service.change(user, change).await;
    };
    roles(&service, APPROVER, &["duty-officer"]).await;
    roles(&service, SECOND, &["shift-leader"]).await;
    let task = asked(&service, &question()).await;
    let first = service.respond(&held(&task), &approval()).await;
    assert_eq!(first.items("/state"), ["pending"], "{}", first.text);
    let second = with(&approval(), "/reviewer", "sip:dispatch.2@mc.de.example");
    let second = service.respond(&held(&task), &second).await;
    assert_eq!(second.items("/state"), ["granted"], "{}", second.text);
    let read = service.get(&task, "acms").await;
    let given = read.body["result"]["approval"].clone();
    // The one who approved first, and the one who completed it; over a start too.
    roles(&service, APPROVER, &["shift-leader"]).await;
    is_refused_for_its_approvers(&service, &given, "first").await;
    roles(&service, APPROVER, &["duty-officer"]).await;
    roles(&service, SECOND, &["duty-officer"]).await;
    service.stop().await;
    service.resume().await.unwrap();
    is_refused_for_its_approvers(&service, &given, "second").await;
    roles(&service, SECOND, &["shift-leader", "duty-officer"]).await;
    is_permitted(&service, &given).await;
}

/// Who was turned to because nobody had answered in time approved by that, and the approval counts for it.
#[tokio::test(flavor = "multi_thread")]
async fn who_approved_because_they_were_turned_to_counts() {
    let hands = Hands::new();
    let service = TestService::start_with_clock(hands.clone(), on_duty).await;
    let only_escalated = |it: &mut Value| it["roles"] = json!(["shift-leader"]);
    let task = asked(&service, &question()).await;
    service.change(APPROVER, only_escalated).await;
    let refused = service.respond(&held(&task), &approval()).await;
    assert_eq!(refused.problem(), (403, "reviewer-forbidden"));
    pass(&hands, 3_700_000);
    let answered = eventually("the escalation", async || {
        let answered = service.respond(&held(&task), &approval()).await;
        (answered.status == 200).then_some(answered)
    })
    .await;
    assert_eq!(answered.items("/state"), ["granted"], "{}", answered.text);
    let read = service.get(&task, "acms").await;
    let given = read.body["result"]["approval"].clone();
    assert_eq!(approval()["reviewer"], DISPATCHER);
    is_permitted(&service, &given).await;
}
