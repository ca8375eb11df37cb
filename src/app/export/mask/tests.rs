//! Whatever people are called, and wherever else in a record their names stand, nothing of them is left.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::Mask;
use super::Masker;
use crate::app::sealing::SealingKey;

fn masker(asked: &str) -> Masker {
    let mask: Mask = asked.parse().unwrap();
    let key = SealingKey::from_bytes([7; 32]);
    Masker::new(&mask, Some("june"), &key).unwrap().unwrap()
}

fn masked(asked: &str, record: &Value) -> Value {
    let mut record = record.clone();
    masker(asked).mask(&mut record);
    record
}

/// A record about a user, named where users are named, and in every text where policies or people may name them too.
fn record(user: &str, document: &str, group: &str, reason: &str) -> Value {
    let key = format!("{group};{user}");
    json!({
        "version": 1,
        "kind": "request",
        "parts": [
            { "class": "state", "salt": "c2FsdA==", "commitment": "x", "body": {
                "v": 1, "details": 1,
                "event": { "submitted": { "request": "r", "caller": "acms", "idempotency": { "body": "b" } } }
            } },
            { "class": "personal", "subject": format!("memberships/{key}"), "salt": "c2FsdA==", "body": {
                "document": { "change": 0, "key": { "kind": "membership", "id": key }, "document": { "member": user } }
            } },
            { "class": "state", "salt": "c2FsdA==", "body": {
                "version": 1, "engine_version": "e", "operation": { "operation": "affiliation", "elements": { "group": group } },
                "items": [{
                    "outcome": "reject", "reason": "forbidden",
                    "policies": [{ "id": format!("never-{document}"), "category": format!("of {user}") }],
                    "notes": [format!("MCX::User::\"{user}\" is not wanted: {reason}")],
                    "partner_text": format!("Ask {user}."),
                    "detail": { "errors": [{ "message": format!("no attribute of `MCX::User::\"{document}\"`") }] }
                }]
            } },
            { "class": "personal", "subject": user, "salt": "c2FsdA==", "body": {
                "part": "requester", "justification": reason, "correlation_id": format!("about {user}"),
                "elements": { "user": user, "ue": format!("ue of {document}") },
                "facts": { "home": "mc.nl.example", "profile": { "revision": 3, "value": { "user": document } } }
            } },
            { "class": "personal", "subject": user, "salt": "c2FsdA==", "body": {
                "part": "access-request", "subject": { "id": user, "status": document }, "remarks": { "free": reason }
            } }
        ]
    })
}

/// Names that are found in no other word of a record, and in no pseudonym.
fn name() -> impl Strategy<Value = String> {
    "[g-z]{2,5}[0-9]{2,4}(\\.[a-z0-9]{1,6}){0,2}"
}

fn reason() -> impl Strategy<Value = String> {
    "[A-Z][a-z]{3,9}[0-9]{3}( \"?[a-z]{1,9}[0-9]{2}\\\\?){1,4}"
}

proptest! {
    #[test]
    fn nothing_of_what_is_masked_is_left(
        user in name(), host in name(), document in name(), group in name(), reason in reason(),
        treatment in prop::sample::select(vec!["", "=remove", "=pseudonym"])
    ) {
        prop_assume!(!document.contains(&user) && !user.contains(&document));
        prop_assume!(!group.contains(&user) && !user.contains(&group) && !document.contains(&group));
        prop_assume!(!host.contains(&user) && !host.contains(&document) && !group.contains(&document));
        prop_assume!(!reason.contains(&user) && !reason.contains(&document) && !reason.contains(&group));
        let (user_id, group_id) = (format!("sip:{user}@{host}.example"), format!("sip:{group}@grp.example"));
        let plain = record(&user_id, &document, &group_id, &reason);
        for (asked, gone) in [
            (format!("users{treatment}"), vec![&user, &document]),
            (format!("groups{treatment}"), vec![&group]),
            (format!("reasons{treatment}"), vec![&reason]),
            (format!("users{treatment},groups{treatment},reasons{treatment}"), vec![&user, &document, &group, &reason]),
        ] {
            let masked = masked(&asked, &plain).to_string();
            for name in gone {
                let quoted = Value::from(name.as_str()).to_string();
                let quoted = quoted.trim_matches('"');
                prop_assert!(!masked.contains(quoted), "{asked}: {quoted} in {masked}");
            }
        }
    }
}

#[test]
fn what_would_let_guesses_be_tried_out_goes_too() {
    let plain = record(
        "sip:anna@x.example",
        "anna-1",
        "sip:grp@x.example",
        "because",
    );
    let masked = masked("users", &plain);
    for part in masked["parts"].as_array().unwrap() {
        assert!(part.get("salt").is_none(), "{part}");
    }
    let event = &masked["parts"][0]["body"]["event"]["submitted"];
    assert!(event.get("idempotency").is_none());
    // What is asked of nobody stays, and so does who else is named: only users were to go.
    assert_eq!(event["caller"], "acms");
    assert_eq!(
        masked["parts"][2]["body"]["operation"]["elements"]["group"],
        "sip:grp@x.example"
    );
    assert_eq!(masked["parts"][2]["body"]["items"][0]["outcome"], "reject");
    let listed = &masked["masked"];
    assert_eq!(
        listed["digests"],
        json!(["/parts/0/body/event/submitted/idempotency"])
    );
    assert!(!listed.to_string().contains("anna"), "{listed}");
}

#[test]
fn what_cannot_be_masked_is_refused_by_name() {
    for wrong in [
        "",
        "people",
        "users=",
        "users=hash",
        "users,,groups",
        "users people",
    ] {
        let refused = wrong.parse::<Mask>().unwrap_err();
        assert!(refused.to_string().contains("cannot be masked"), "{wrong}");
    }
    let both: Mask = "reasons=pseudonym, users".parse().unwrap();
    assert_eq!(both.to_string(), "users=pseudonym,reasons=pseudonym");
    assert_eq!(both.to_string().parse::<Mask>().unwrap(), both);
}
