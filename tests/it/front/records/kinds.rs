//! A log with every kind of entry, made through the front door.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use serde_json::json;

use super::exports::exported;
use crate::front::clock::Hands;
use crate::front::support::Answer;
use crate::front::support::CERTIFICATE;
use crate::front::support::DE;
use crate::front::support::DISPATCHER;
use crate::front::support::NL;
use crate::front::support::OFFICER;
use crate::front::support::REQUESTER;
use crate::front::support::TestService;
use crate::front::support::approval;
use crate::front::support::denial;
use crate::front::support::eventually;
use crate::front::support::inbound;
use crate::front::support::membership;
use crate::front::support::with;

pub(crate) const WITHDRAWN: &str = "sip:officer.115@mc.nl.example";
pub(crate) const LATE: &str = "sip:officer.116@mc.nl.example";
pub(crate) const OURS: &str = "sip:streife.12@mc.de.example";
pub(crate) const SAID: &str = "was seen by sip:officer.114@mc.nl.example elsewhere";

/// Every kind of leaf.
pub(crate) const KINDS: [&str; 15] = [
    "genesis",
    "registry",
    "request",
    "review",
    "report",
    "withdrawal",
    "revocation",
    "acknowledgement",
    "obligation",
    "expiry",
    "reminder",
    "publication",
    "refusal",
    "dry-run-summary",
    "administrative",
];

/// A service whose log has them all; it still runs.
pub(crate) async fn every_kind() -> TestService {
    let hands = Hands::new();
    let mut service = TestService::start_by(hands.clone()).await;
    reviewed(&service).await;
    at_the_partner(&service).await;
    told(&service).await;
    configured(&service).await;
    let late = service.submit_held(&membership(&[LATE])).await;
    pass(&hands, 31 * 60);
    eventually("the reminder", async || {
        let read = service.get(&late, "reviewer").await;
        read.items("/reminded_at")
            .first()
            .filter(|it| it.is_string())
            .map(drop)
    })
    .await;
    pass(&hands, 5 * 3_600);
    eventually("the expiry", async || {
        let read = service.get(&late, "reviewer").await;
        (read.items("/state") == ["expired"]).then_some(())
    })
    .await;
    published(&service).await;
    suspended(&service).await;
    // Dry runs are summed up once a minute, and when the service stops.
    service.stop().await;
    service.resume_by(hands).await;
    for kind in KINDS {
        let seen = async || kinds(&service).await.contains(kind).then_some(());
        eventually(kind, seen).await;
    }
    service
}

async fn kinds(service: &TestService) -> BTreeSet<String> {
    let lines = exported(service, "").await;
    let kinds = lines.iter().filter_map(|line| line["kind"].as_str());
    kinds.map(str::to_owned).collect()
}

/// A little at a time, as time goes: nothing here is a jump.
fn pass(hands: &Hands, seconds: i64) {
    for _ in 0..seconds / 4 {
        hands.pass(4_000);
    }
}

async fn done(service: &TestService, path: &str, caller: &str, body: &Value) -> Answer {
    let answer = service.post(path, caller, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer
}

/// Held, granted, reported done, fetched, revoked; and held, refused; and held, withdrawn.
async fn reviewed(service: &TestService) {
    done(
        service,
        "/v1/decisions",
        "security-officer",
        &membership(&[OFFICER]),
    )
    .await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let granted = service.respond(&path, &approval()).await;
    assert_eq!(granted.body["status"], "accepted", "{}", granted.text);
    let note =
        json!({ "outcome": "failed", "detail": "the KMS of sip:dispatch.1@mc.de.example is down" });
    done(service, &format!("{path}/obligations/0-2"), "acms", &note).await;
    let seen = json!({ "version": 2 });
    done(service, &format!("{path}/acknowledgement"), "acms", &seen).await;
    let revocation = json!({ "reason": SAID, "revoked_by": DISPATCHER });
    done(
        service,
        &format!("{path}/revocation"),
        "reviewer",
        &revocation,
    )
    .await;
    let refused = service.submit_held(&membership(&[OFFICER])).await;
    service.respond(&refused, &denial()).await;
    let withdrawn = service.submit_held(&membership(&[WITHDRAWN])).await;
    let reason = json!({ "reason": "the operation is over", "withdrawn_by": REQUESTER });
    done(service, &format!("{withdrawn}/withdrawal"), "acms", &reason).await;
}

/// Cleared, sent, answered.
async fn at_the_partner(service: &TestService) {
    let cleared = service
        .submit(&json!({
            "operation": "group-membership-update",
            "direction": "outbound",
            "correlation_id": "de-2026-000031",
            "requesting_system": DE,
            "receiving_system": NL,
            "requester": { "mc_service_id": DISPATCHER },
            "target": { "mc_service_id": "sip:control.3@mc.nl.example" },
            "group": "sip:grensteam-1@mc.nl.example",
            "members": [OURS],
            "change": "add"
        }))
        .await;
    assert_eq!(cleared.body["status"], "cleared", "{}", cleared.text);
    let path = format!("/v1/requests/{}", cleared.body["id"].as_str().unwrap());
    let reports = format!("{path}/reports");
    done(service, &reports, "acms", &json!({ "report": "sent" })).await;
    let answered = json!({
        "report": "answered",
        "correlation_id": "de-2026-000031",
        "peer": { "system": NL, "certificate": CERTIFICATE },
        "items": [{ "subject": OURS, "outcome": "accept", "reason": "welcome" }]
    });
    done(service, &reports, "acms", &answered).await;
}

/// Asked for what is told at once: an affiliation, groups, and where to connect.
async fn told(service: &TestService) {
    for request in [
        inbound(json!({
            "operation": "affiliation", "user": OFFICER, "group": "sip:unfall-07@mc.de.example",
            "service": "mcptt", "serving_system": NL
        })),
        inbound(json!({
            "operation": "configuration-information",
            "requester": { "mc_service_id": REQUESTER },
            "kinds": ["groups", "users"]
        })),
        json!({
            "operation": "partner-connection-details",
            "direction": "outbound",
            "correlation_id": "de-2026-000041",
            "requesting_system": DE,
            "receiving_system": DE,
            "user": OURS,
            "location": { "plmn": "204-08" },
            "services": ["mcptt"],
            "ue": "ue-7"
        }),
    ] {
        let answer = service.submit(&request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

/// Configuration is pushed, approved, and its secrets are read.
async fn configured(service: &TestService) {
    let push = inbound(json!({
        "operation": "ue-configuration-push",
        "requester": { "mc_service_id": REQUESTER },
        "mc_system_id": NL,
        "configuration": {
            "mc_system_id": NL,
            "pdn_connectivity": [{
                "hplmn": "204-04", "mc_services": { "apn": "mc.first", "credentials": "hunter2" }
            }],
            "servers": {
                "idms": "https://idms.mc.nl.example", "gms": "https://gms.mc.nl.example",
                "cms": "https://cms.mc.nl.example", "kms": "https://kms-7.mc.nl.example"
            }
        }
    }));
    let path = service.submit_held(&push).await;
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    let secrets = "/v1/ue-configurations/mc.nl.example/secrets";
    let secrets = service.get(secrets, "configuration-manager").await;
    assert_eq!(secrets.status, 200, "{}", secrets.text);
}

async fn attempted(service: &TestService, outcome: &str) {
    eventually(outcome, async || {
        let now = service.get("/v1/policies", "security-officer").await;
        (now.body["last_attempt"]["outcome"] == outcome).then_some(())
    })
    .await;
}

/// Another bundle comes into force, and one does not.
async fn published(service: &TestService) {
    let manifest = service.policy_file("bundle.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let line = "\"group-membership.visiting-officer\" = \"automatic\"\n# end\n";
    fs::write(&manifest, text.replace("# end\n", line)).unwrap();
    attempted(service, "published").await;
    fs::write(&manifest, "nonsense").unwrap();
    attempted(service, "refused").await;
}

/// What waits under an agreement that is suspended is refused with it, and what was granted is listed.
async fn suspended(service: &TestService) {
    let other = with(&membership(&[LATE]), "/correlation_id", "nl-2026-000099");
    let answer = service.submit(&other).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let suspend = |agreement: &mut Value| agreement["status"] = json!("suspended");
    service
        .change(&format!("/v1/agreements/{NL}"), suspend)
        .await;
}
