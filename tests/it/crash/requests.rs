//! Requests from the Netherlands to Germany that come out in every way.

#![cfg(test)]

use serde_json::Value;
use serde_json::json;

/// The thumbprint that the example agreement knows.
const CERTIFICATE: &str = "sha256:4239f1615a9775fd52be4942427ebd2b2938cf68e74ab182227851884ed3faf8";

/// One of a row of requests; while the agreement is active, they are accepted, held and refused in turn.
pub(crate) fn request(number: u64) -> Value {
    let officer = format!("sip:officer.{number}@mc.nl.example");
    let mut request = match number % 4 {
        0 | 1 => migration(&officer),
        2 => membership(&officer, "sip:sonderlage-1@mc.de.example"),
        _ => membership(&officer, "sip:leitung-intern@mc.de.example"),
    };
    request["correlation_id"] = json!(format!("nl-2026-{number:06}"));
    request
}

/// The example agreement in another status, with places for all who come and a link that was measured long ago.
pub(crate) fn agreement_in_status(mut agreement: Value, status: &str) -> Value {
    agreement["status"] = json!(status);
    let migration = agreement["migration"].as_object_mut().unwrap();
    migration.remove("quota");
    migration.insert("link_age_seconds_max".to_owned(), json!(u32::MAX));
    agreement
}

fn migration(user: &str) -> Value {
    json!({
        "operation": "migration-service-authorization",
        "direction": "inbound",
        "peer": { "system": "mc.nl.example", "certificate": CERTIFICATE },
        "requesting_system": "mc.nl.example",
        "receiving_system": "mc.de.example",
        "user": user,
        "services": ["mcptt"]
    })
}

fn membership(member: &str, group: &str) -> Value {
    json!({
        "operation": "group-membership-update",
        "direction": "inbound",
        "peer": { "system": "mc.nl.example", "certificate": CERTIFICATE },
        "requesting_system": "mc.nl.example",
        "receiving_system": "mc.de.example",
        "requester": { "mc_service_id": "sip:control.3@mc.nl.example" },
        "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
        "group": group,
        "members": [member],
        "change": "add",
        "urgency": "high",
        "justification": "German-speaking officer at the scene"
    })
}
