//! What we set for a partner's group ourselves: as far as its home lets us, and never above the ceiling.

use serde_json::Value;
use serde_json::json;

use super::support::TestService;
use super::support::inbound;

const GROUP: &str = "sip:grensteam-1@mc.nl.example";

fn share(local_settings: &[&str]) -> Value {
    let mut share = json!({
        "operation": "group-configuration-share",
        "group": GROUP,
        "services": ["mcptt"],
        "group_priority": 3,
        "user_priority": 9
    });
    if !local_settings.is_empty() {
        share["local_settings"] = json!(local_settings);
    }
    inbound(share)
}

async fn shared(service: &TestService, request: &Value) -> (Value, Value) {
    let answer = service.submit(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.items("/outcome"), ["accept"], "{}", answer.text);
    let kept = service
        .get(&format!("/v1/shared-groups/{GROUP}"), "auditor")
        .await;
    assert_eq!(kept.status, 200, "{}", kept.text);
    (answer.items("/limits")[0].clone(), kept.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn local_settings_count_where_the_home_lets_us_and_below_the_ceiling() {
    let service = TestService::start().await;
    let path = format!("/v1/group-overrides/{GROUP}");
    let settings = |group: u8, user: u8| {
        json!({
            "group": GROUP,
            "home_system": "mc.nl.example",
            "group_priority": group,
            "user_priority": user
        })
    };
    // Without anything of ours: what arrives, capped at the ceiling of 5.
    let (limits, kept) = shared(&service, &share(&["group-priority"])).await;
    assert_eq!(limits["group_priority"], Value::Null, "{limits}");
    assert_eq!(
        (&kept["group_priority"], &kept["user_priority"]),
        (&json!(3), &json!(5))
    );

    let put = service
        .put(&path, ("if-none-match", "*"), &settings(4, 2))
        .await;
    assert_eq!(put.status, 201, "{}", put.text);
    // The home lets us set the one and not the other.
    let (limits, kept) = shared(&service, &share(&["group-priority"])).await;
    assert_eq!(limits["group_priority"], 4, "{limits}");
    assert_eq!(limits["user_priority"], Value::Null);
    assert_eq!(
        (&kept["group_priority"], &kept["user_priority"]),
        (&json!(4), &json!(5))
    );
    // It lets us set nothing.
    let (limits, kept) = shared(&service, &share(&[])).await;
    assert_eq!(limits["group_priority"], Value::Null, "{limits}");
    assert_eq!(
        (&kept["group_priority"], &kept["user_priority"]),
        (&json!(3), &json!(5))
    );
    // It lets us set both, and the ceiling stands above what we set.
    let high = |local: &mut Value| *local = settings(9, 5);
    service.change(&path, high).await;
    let both = share(&["group-priority", "user-priority"]);
    let (limits, kept) = shared(&service, &both).await;
    assert_eq!(
        (&limits["group_priority"], &limits["user_priority"]),
        (&json!(5), &json!(5))
    );
    assert_eq!(
        (&kept["group_priority"], &kept["user_priority"]),
        (&json!(5), &json!(5))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_for_a_group_of_our_own_or_of_nothing_are_refused() {
    let service = TestService::start().await;
    let cases = [
        ("sip:unfall-07@mc.de.example", "mc.de.example", json!(3)),
        (GROUP, "mc.be.example", json!(3)),
        (GROUP, "mc.nl.example", Value::Null),
    ];
    for (group, home, priority) in cases {
        let document = json!({ "group": group, "home_system": home, "group_priority": priority });
        let path = format!("/v1/group-overrides/{group}");
        let put = service.put(&path, ("if-none-match", "*"), &document).await;
        assert_eq!(put.status, 422, "{}", put.text);
    }
    let by_hand = json!([{ "kind": "shared-group", "document": {
        "group": GROUP, "home_system": "mc.nl.example", "services": ["mcptt"],
        "since": "2026-06-01T10:00:00.000Z", "request_id": "00000000-0000-4000-8000-000000000009"
    } }]);
    let imported = service.post("/v1/import", "operator", &by_hand).await;
    assert_eq!(imported.status, 422, "{}", imported.text);
}
