//! Identities that are not what they look like.

use serde_json::Value;
use serde_json::json;

use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::inbound;
use super::support::membership;
use super::support::with;

const NEW: (&str, &str) = ("if-none-match", "*");

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_nobody_here_is_refused_and_says_so() {
    let service = TestService::start().await;
    let request = membership(&[OFFICER]);
    for (target, policy) in [
        (
            json!({ "functional_alias": "sip:niemand@mc.de.example" }),
            "membership.target-known",
        ),
        (
            json!({ "mc_service_id": "sip:niemand@mc.de.example" }),
            "membership.target-known",
        ),
        (
            json!({ "mc_service_id": "sip:control.3@mc.nl.example" }),
            "membership.target-home",
        ),
    ] {
        let answer = service.submit(&with(&request, "/target", target)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.items("/outcome"), ["reject"]);
        let by = answer.body["items"][0]["policies"].to_string();
        assert!(by.contains(policy), "{by}");
    }
    let known = json!({ "mc_service_id": "sip:dispatch.1@mc.de.example" });
    service.submit_held(&with(&request, "/target", known)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_that_all_give_up_is_nobodys() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let give_up = |user: &mut Value| user["functional_aliases"] = json!([]);
    service.change("/v1/users/dispatch-1", give_up).await;
    let held = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(held.items("/outcome"), ["review"], "another may hold it");
    service.change("/v1/users/dispatch-2", give_up).await;
    let refused = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(refused.items("/outcome"), ["reject"]);
    // What was held is looked at anew when it is approved.
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.items("/state"), ["refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requester_has_no_alias_of_ours() {
    let service = TestService::start().await;
    let alias = "sip:leitstelle@mc.de.example";
    let request = with(
        &membership(&[OFFICER]),
        "/requester/functional_alias",
        alias,
    );
    let answer = service.submit(&request).await;
    assert_eq!(answer.items("/outcome"), ["reject"]);
    let by = answer.body["items"][0]["policies"].to_string();
    assert!(by.contains("requester.alias-home"), "{by}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sip_and_sips_of_one_user_are_listed_twice() {
    let service = TestService::start().await;
    let secure = OFFICER.replacen("sip:", "sips:", 1);
    let refused = service.submit(&membership(&[OFFICER, &secure])).await;
    assert_eq!(refused.problem(), (422, "invalid-input"));
    assert_eq!(refused.pointers(), ["/members/1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_answered_once() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let twice = with(&approval(), "/items", json!([0, 0]));
    let refused = service.respond(&path, &twice).await;
    assert_eq!(refused.problem(), (422, "invalid-input"));
    assert_eq!(refused.pointers(), ["/items/1"]);
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.items("/state"), ["pending"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_systems_have_no_prefix_in_common() {
    let service = TestService::start().await;
    let number = |system: &mut Value| system["tel_prefixes"] = json!(["+31"]);
    service.change(&format!("/v1/systems/{NL}"), number).await;
    let other = json!({ "mc_system_id": "mc.fr.example", "tel_prefixes": ["+33", "+31"] });
    let refused = service.put("/v1/systems/mc.fr.example", NEW, &other).await;
    assert_eq!(refused.problem(), (422, "invalid-input"));
    for named in ["mc.fr.example", NL, "`+31`"] {
        assert!(refused.text.contains(named), "{}", refused.text);
    }
    let longer = with(&other, "/tel_prefixes", json!(["+33", "+3197"]));
    let written = service.put("/v1/systems/mc.fr.example", NEW, &longer).await;
    assert_eq!(written.status, 201, "{}", written.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_of_a_profile_is_home_where_their_number_says() {
    let service = TestService::start().await;
    let number = |system: &mut Value| system["tel_prefixes"] = json!(["+31"]);
    service.change(&format!("/v1/systems/{NL}"), number).await;
    let profile = |home: &str, user: &str| json!({ "id": "guest", "home_system": home, "user": user, "enabled": true, "services": ["mcptt"] });
    let put = async |document: Value| {
        service
            .put("/v1/migrated-profiles/guest", NEW, &document)
            .await
    };
    for (home, user) in [
        ("mc.be.example", "tel:+31201234567"),
        (NL, "tel:+4712345678"),
        ("mc.be.example", OFFICER),
    ] {
        let refused = put(profile(home, user)).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{home} {user}");
        assert_eq!(refused.pointers(), ["/user"]);
    }
    assert_eq!(put(profile(NL, "tel:+31201234567")).await.status, 201);
    // An import may bring the prefix along, and take it away.
    let import = |prefix: &str| {
        let system = json!({ "mc_system_id": "mc.no.example", "tel_prefixes": [prefix] });
        let mut guest = profile("mc.no.example", "tel:+4712345678");
        guest["id"] = json!("guest-no");
        json!([
            { "kind": "migrated-profile", "document": guest },
            { "kind": "system", "document": system }
        ])
    };
    let refused = service.post("/v1/import", "operator", &import("+46")).await;
    assert_eq!(refused.pointers(), ["/0/user"], "{}", refused.text);
    let written = service.post("/v1/import", "operator", &import("+47")).await;
    assert_eq!(written.status, 200, "{}", written.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_does_not_look_native() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let migration = |identity: &str| {
        inbound(json!({
            "operation": "migration-service-authorization",
            "user": OFFICER,
            "serving_mc_service_id": identity,
            "services": ["mcptt"]
        }))
    };
    for (identity, policy) in [
        (
            "sip:officer.115@mc.nl.example",
            "migration.serving-identity-home",
        ),
        (
            "sip:dispatch.1@mc.de.example",
            "migration.serving-identity-free",
        ),
    ] {
        let answer = service.submit(&migration(identity)).await;
        assert_eq!(answer.items("/outcome"), ["reject"], "{identity}");
        let by = answer.body["items"][0]["policies"].to_string();
        assert!(by.contains(policy), "{by}");
    }
    let given = service
        .submit(&migration("sip:visitor.7@mc.de.example"))
        .await;
    assert_eq!(given.items("/outcome"), ["accept"], "{}", given.text);
}
