//! Halves laid side by side: what fits, what does not, and that nothing of an agreement is passed over.

mod properties;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::Circumstances;
use super::Half;
use super::Mismatch;
use super::Severity;
use super::mirror;
use crate::domain::agreement::AcmTerms;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::MigrationTerms;
use crate::domain::identity::McSystemId;
use crate::domain::time::Timestamp;

const CERTIFICATE: &str = "sha256:4239f1615a9775fd52be4942427ebd2b2938cf68e74ab182227851884ed3faf8";
const AT: &str = "2026-11-21T09:00:00.000Z";

/// Members that concern one side alone.
const NOT_COMPARED: [&str; 4] = [
    "/migration/link_failure/profile",
    "/migration/link_age_seconds_max",
    "/migration/access_minutes_max",
    "/review_contact",
];

fn nl() -> McSystemId {
    "mc.nl.example".parse().unwrap()
}

fn de() -> McSystemId {
    "mc.de.example".parse().unwrap()
}

/// An agreement in which every member is written and every flag is set.
///
/// Each section is made from the members that serialisation gives it, so that a flag that is added is set here as well.
fn full(partner: &McSystemId) -> Value {
    let mut json = json!({
        "partner": partner,
        "status": "active",
        "valid_from": "2026-01-01T00:00:00.000Z",
        "valid_until": "2028-01-01T00:00:00.000Z",
        "certificates": [CERTIFICATE],
        "interconnection": {},
        "migration": {
            "link_failure": { "profile": "visitors", "life_minutes_max": 60 },
            "quota": 20,
            "listed_users_only": true,
            "link_age_seconds_max": 120,
            "access_minutes_max": 600
        },
        "limited_migration": {},
        "acm": { "disclosure": ["users", "groups", "security-level"], "members_max": 50 },
        "addresses": [{ "function": "SIP-core", "address": "sip:core.example", "pdn": "mc" }],
        "kms_uris": ["https://kms.example"],
        "offered_kms_uris": ["https://kms.example"],
        "information_sharing": ["multicast", "cell", "location"],
        "priority_ceiling": 5,
        "areas": ["border"],
        "logging_delivery": true,
        "review_contact": "sip:desk@example"
    });
    let complete = serde_json::to_value(agreement(&json)).unwrap();
    for pointer in leaves(&complete) {
        if complete.pointer(&pointer) == Some(&json!(false)) {
            let (section, name) = pointer.rsplit_once('/').unwrap();
            json.pointer_mut(section).unwrap()[name] = json!(true);
        }
    }
    json
}

fn agreement(json: &Value) -> Agreement {
    serde_json::from_value(json.clone()).unwrap()
}

/// Pointers to everything that is no object.
fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| {
                let below = leaves(member);
                below.into_iter().map(move |rest| format!("/{name}{rest}"))
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            vec![String::new()]
        }
    }
}

fn laid_side_by_side(ours: &Agreement, theirs: &Agreement) -> Vec<Mismatch> {
    at(ours, theirs, AT.parse().unwrap())
}

fn at(ours: &Agreement, theirs: &Agreement, at: Timestamp) -> Vec<Mismatch> {
    let (nl, de) = (nl(), de());
    let circumstances = Circumstances {
        at,
        certificates_end: &BTreeMap::new(),
    };
    mirror(half(&nl, ours), half(&de, theirs), circumstances)
}

fn half<'a>(system: &'a McSystemId, agreement: &'a Agreement) -> Half<'a> {
    Half {
        system,
        agreement,
        key_servers: None,
    }
}

fn changed(json: &Value, pointer: &str, value: Value) -> Agreement {
    let mut json = json.clone();
    let (section, name) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(section).unwrap()[name] = value;
    agreement(&json)
}

/// Something else that the member could say.
fn another(pointer: &str, value: &Value) -> Value {
    match value {
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        Value::Array(_) => json!([]),
        Value::String(_) if pointer == "/partner" => json!("mc.be.example"),
        Value::String(_) if pointer == "/status" => json!("suspended"),
        Value::String(_) if pointer.starts_with("/valid_") => json!("2027-01-01T00:00:00.000Z"),
        Value::String(_) => json!("something else"),
        Value::Null | Value::Object(_) => panic!("{pointer}"),
    }
}

/// The flags of the agreement and, for each, what its absence in our half is.
fn flags() -> Vec<(&'static str, &'static str, Severity)> {
    let blocking = Severity::Blocking;
    let one_sided = Severity::OneSided;
    let informational = Severity::Informational;
    let mut flags = vec![
        ("/migration/inbound", "/migration/outbound", blocking),
        ("/migration/outbound", "/migration/inbound", one_sided),
        (
            "/limited_migration/inbound",
            "/limited_migration/outbound",
            blocking,
        ),
        (
            "/limited_migration/outbound",
            "/limited_migration/inbound",
            one_sided,
        ),
    ];
    for (outgoing, incoming) in [
        (
            "/interconnection/mcptt_private_outgoing",
            "/interconnection/mcptt_private_incoming",
        ),
        (
            "/interconnection/mcptt_group_outgoing",
            "/interconnection/mcptt_group_incoming",
        ),
        (
            "/interconnection/mcvideo_private_outgoing",
            "/interconnection/mcvideo_private_incoming",
        ),
        (
            "/interconnection/mcvideo_group_outgoing",
            "/interconnection/mcvideo_group_incoming",
        ),
        (
            "/interconnection/mcdata_private_outgoing",
            "/interconnection/mcdata_private_incoming",
        ),
        (
            "/interconnection/mcdata_group_outgoing",
            "/interconnection/mcdata_group_incoming",
        ),
        (
            "/interconnection/regroup_outgoing",
            "/interconnection/regroup_incoming",
        ),
    ] {
        flags.push((incoming, outgoing, blocking));
        flags.push((outgoing, incoming, one_sided));
    }
    for (pointer, severity) in [
        ("/migration/mcptt_private", informational),
        ("/migration/mcptt_group", informational),
        ("/migration/mcvideo", informational),
        ("/migration/mcvideo_group", informational),
        ("/migration/mcdata", informational),
        ("/migration/mcdata_group", informational),
        ("/acm/group_membership", blocking),
        ("/acm/configuration_push", blocking),
        ("/acm/user_configuration", blocking),
        ("/acm/migration_users", blocking),
        ("/acm/joint_groups", blocking),
        ("/logging_delivery", informational),
        ("/migration/listed_users_only", informational),
    ] {
        flags.push((pointer, pointer, severity));
    }
    flags
}

#[test]
fn what_mirrors_fits() {
    let (ours, theirs) = (agreement(&full(&de())), agreement(&full(&nl())));
    assert_eq!(laid_side_by_side(&ours, &theirs), []);
}

#[test]
fn each_flag_has_its_mismatch_and_no_other() {
    let (ours, theirs) = (full(&de()), agreement(&full(&nl())));
    for (pointer, counterpart, severity) in flags() {
        let without = changed(&ours, pointer, json!(false));
        let found = laid_side_by_side(&without, &theirs);
        let [mismatch] = &found[..] else {
            panic!("{pointer}: {found:?}")
        };
        assert_eq!(mismatch.severity, severity, "{pointer}");
        assert_eq!(
            (mismatch.ours.pointer, mismatch.theirs.pointer),
            (pointer, counterpart)
        );
        assert_eq!(
            (&mismatch.ours.value, &mismatch.theirs.value),
            (&json!(false), &json!(true))
        );
        assert!(mismatch.remedy.contains(pointer), "{}", mismatch.remedy);
    }
}

/// A member that is added to the agreement fails here until the mirror knows it.
#[test]
fn nothing_of_an_agreement_is_passed_over() {
    let (ours, theirs) = (full(&de()), agreement(&full(&nl())));
    let known: BTreeSet<&str> = flags().into_iter().map(|(pointer, _, _)| pointer).collect();
    let serialized = serde_json::to_value(agreement(&ours)).unwrap();
    for pointer in leaves(&serialized) {
        let value = serialized.pointer(&pointer).unwrap();
        assert!(
            !value.is_boolean() || known.contains(pointer.as_str()),
            "{pointer}"
        );
        let other = changed(&ours, &pointer, another(&pointer, value));
        let noticed = !laid_side_by_side(&other, &theirs).is_empty();
        assert_ne!(
            noticed,
            NOT_COMPARED.contains(&pointer.as_str()),
            "{pointer}"
        );
    }
    // What may be left out is noticed as well.
    for pointer in [
        "/valid_until",
        "/priority_ceiling",
        "/migration/quota",
        "/acm/members_max",
    ] {
        let other = changed(&ours, pointer, Value::Null);
        assert_eq!(laid_side_by_side(&other, &theirs).len(), 1, "{pointer}");
    }
    for section in [
        "/interconnection",
        "/migration",
        "/limited_migration",
        "/acm",
    ] {
        let other = changed(&ours, section, Value::Null);
        assert!(!laid_side_by_side(&other, &theirs).is_empty(), "{section}");
    }
}

#[test]
fn the_list_names_places_effect_and_remedy() {
    let ours = agreement(&full(&de()));
    let theirs = changed(
        &full(&nl()),
        "/interconnection/mcptt_private_incoming",
        json!(false),
    );
    let found = serde_json::to_value(laid_side_by_side(&ours, &theirs)).unwrap();
    let expected = json!([{
        "severity": "blocking",
        "ours": {
            "system": "mc.nl.example",
            "pointer": "/interconnection/mcptt_private_outgoing",
            "value": true
        },
        "theirs": {
            "system": "mc.de.example",
            "pointer": "/interconnection/mcptt_private_incoming",
            "value": false
        },
        "effect": "MCPTT private calls from mc.nl.example to mc.de.example will be refused there: \
            `/interconnection/mcptt_private_incoming` of mc.de.example is false",
        "remedy": "mc.de.example sets `/interconnection/mcptt_private_incoming`, \
            or mc.nl.example clears `/interconnection/mcptt_private_outgoing`",
        "source": "TR 23.781 clause 6.1.1"
    }]);
    assert_eq!(found, expected);
}

/// Does not compile when a term is added; then `full` writes it, and the test above asks whether the mirror notices it.
#[test]
fn every_term_is_written_in_the_full_agreement() {
    let full = agreement(&full(&de()));
    let Agreement {
        partner: _,
        status: _,
        valid_from: _,
        valid_until: Some(_),
        certificates,
        interconnection: Some(_),
        migration: Some(migration),
        limited_migration: Some(_),
        acm: Some(acm),
        addresses,
        kms_uris,
        offered_kms_uris,
        information_sharing,
        priority_ceiling: Some(_),
        areas,
        logging_delivery: true,
        review_contact: Some(_),
    } = full
    else {
        panic!("{full:?}")
    };
    assert!(!certificates.is_empty() && !addresses.is_empty());
    assert!(!kms_uris.is_empty() && !areas.is_empty());
    assert!(!offered_kms_uris.is_empty() && !information_sharing.is_empty());
    let MigrationTerms {
        inbound: true,
        mcptt_private: true,
        mcptt_group: true,
        mcvideo: true,
        mcvideo_group: true,
        mcdata: true,
        mcdata_group: true,
        outbound: true,
        listed_users_only: true,
        link_failure: Some(_),
        quota: Some(_),
        link_age_seconds_max: Some(_),
        access_minutes_max: Some(_),
    } = migration
    else {
        panic!("{migration:?}")
    };
    let AcmTerms {
        group_membership: true,
        configuration_push: true,
        disclosure,
        user_configuration: true,
        migration_users: true,
        joint_groups: true,
        members_max: Some(_),
    } = acm
    else {
        panic!("{acm:?}")
    };
    assert_eq!(disclosure.len(), 3);
}

#[test]
fn halves_about_others_are_not_compared_further() {
    let ours = agreement(&full(&de()));
    let theirs = changed(&full(&nl()), "/interconnection", json!({}));
    let elsewhere = changed(&full(&nl()), "/partner", json!("mc.be.example"));
    assert!(laid_side_by_side(&ours, &theirs).len() > 1);
    let found = laid_side_by_side(&ours, &elsewhere);
    let [mismatch] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(mismatch.theirs.value, json!("mc.be.example"));
    assert!(
        mismatch.effect.contains("mc.be.example"),
        "{}",
        mismatch.effect
    );

    let (de, no_certificates) = (de(), BTreeMap::new());
    let circumstances = Circumstances {
        at: AT.parse().unwrap(),
        certificates_end: &no_certificates,
    };
    let found = mirror(half(&de, &ours), half(&de, &ours), circumstances);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn status_and_period_are_compared_for_the_moment() {
    let ours = full(&de());
    let theirs = |pointer: &str, value: &str| changed(&full(&nl()), pointer, json!(value));
    let severities = |ours: &Agreement, theirs: &Agreement, moment: &str| -> Vec<Severity> {
        let found = at(ours, theirs, moment.parse().unwrap());
        found.iter().map(|mismatch| mismatch.severity).collect()
    };
    let active = agreement(&ours);
    for status in ["draft", "suspended", "ended"] {
        let other = theirs("/status", status);
        assert_eq!(severities(&active, &other, AT), [Severity::Blocking]);
    }
    let suspended = changed(&ours, "/status", json!("suspended"));
    assert_eq!(
        severities(&suspended, &theirs("/status", "draft"), AT),
        [Severity::Informational]
    );
    assert_eq!(
        severities(&suspended, &theirs("/status", "suspended"), AT),
        []
    );

    // The gap at the beginning matters until it is over, to the millisecond.
    let later = theirs("/valid_from", "2026-06-01T00:00:00.000Z");
    let last = "2026-05-31T23:59:59.999Z";
    assert_eq!(severities(&active, &later, last), [Severity::Blocking]);
    assert_eq!(severities(&active, &later, "2026-06-01T00:00:00.000Z"), []);
    // So does the one at the end.
    let shorter = theirs("/valid_until", "2027-01-01T00:00:00.000Z");
    assert_eq!(severities(&active, &shorter, AT), [Severity::Blocking]);
    assert_eq!(
        severities(&active, &shorter, "2027-12-31T23:59:59.999Z"),
        [Severity::Blocking]
    );
    assert_eq!(
        severities(&active, &shorter, "2028-01-01T00:00:00.000Z"),
        []
    );
    // One that begins when the other ends has no moment in common with it.
    let apart = theirs("/valid_until", "2026-01-01T00:00:00.001Z");
    let touching = changed(&ours, "/valid_from", json!("2026-01-01T00:00:00.001Z"));
    let found = at(&touching, &apart, AT.parse().unwrap());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].effect.contains("never in force together"),
        "{found:?}"
    );
    let never = theirs("/valid_until", "2025-01-01T00:00:00.000Z");
    assert_eq!(severities(&active, &never, AT), [Severity::Blocking]);
}

#[test]
fn what_is_known_of_certificates_and_key_servers_counts() {
    let permitted = json!(["https://kms.de", "https://old.de"]);
    let (mut ours, mut theirs) = (full(&de()), full(&nl()));
    (ours["kms_uris"], ours["offered_kms_uris"]) = (permitted.clone(), json!([]));
    (theirs["kms_uris"], theirs["offered_kms_uris"]) = (json!([]), permitted);
    let (ours, theirs) = (agreement(&ours), agreement(&theirs));
    let (nl, de) = (nl(), de());
    let expired: Timestamp = AT.parse().unwrap();
    let certificates_end = BTreeMap::from([(CERTIFICATE.parse().unwrap(), expired)]);
    let german = BTreeSet::from(["https://kms.de".to_owned(), "https://new.de".to_owned()]);
    let of_germany = Half {
        key_servers: Some(&german),
        ..half(&de, &theirs)
    };
    let found = |milliseconds| -> Vec<(Severity, String)> {
        let circumstances = Circumstances {
            at: expired.plus_milliseconds(milliseconds),
            certificates_end: &certificates_end,
        };
        let found = mirror(half(&nl, &ours), of_germany, circumstances);
        found
            .into_iter()
            .map(|mismatch| (mismatch.severity, mismatch.effect))
            .collect()
    };
    let before = found(-1);
    let [
        (blocking, refused),
        (one_sided, unused),
        (informational, none),
    ] = &before[..]
    else {
        panic!("{before:?}")
    };
    assert_eq!(*blocking, Severity::Blocking);
    assert!(refused.contains("`https://new.de`"), "{refused}");
    assert_eq!(*one_sided, Severity::OneSided);
    assert!(unused.contains("`https://old.de`"), "{unused}");
    assert_eq!(*informational, Severity::Informational);
    assert!(none.contains("permits no key management server"), "{none}");
    let after = found(0);
    assert_eq!(after.len(), before.len() + 2);
    assert!(after[0].1.contains("have expired"), "{after:?}");
}

#[test]
fn each_side_offers_the_key_servers_that_the_other_permits() {
    let ours = agreement(&full(&de()));
    for (offered, severities) in [
        (json!([]), &[Severity::Blocking][..]),
        (
            json!(["https://kms.example", "https://new.de"]),
            &[Severity::OneSided],
        ),
        (
            json!(["https://new.de"]),
            &[Severity::Blocking, Severity::OneSided],
        ),
    ] {
        let theirs = changed(&full(&nl()), "/offered_kms_uris", offered);
        let found = laid_side_by_side(&ours, &theirs);
        let found: Vec<Severity> = found.iter().map(|it| it.severity).collect();
        assert_eq!(found, severities);
    }
}

#[test]
fn migration_that_leads_nowhere_is_told() {
    let ours = agreement(&full(&de()));
    let full_quota = changed(&full(&nl()), "/migration/quota", json!(0));
    let effects = |found: Vec<Mismatch>| -> Vec<String> {
        found.into_iter().map(|mismatch| mismatch.effect).collect()
    };
    let found = effects(laid_side_by_side(&ours, &full_quota));
    assert!(found[0].contains("the quota is 0"), "{found:?}");
    let bare = changed(&full(&nl()), "/migration", json!({ "inbound": true }));
    let found = effects(laid_side_by_side(&ours, &bare));
    assert!(found[0].contains("refused every service"), "{found:?}");

    let nobody =
        json!({ "mcptt_group": true, "link_failure": { "profile": "p", "life_minutes_max": 1 } });
    let idle = changed(&full(&nl()), "/migration", nobody);
    let at_home = changed(&full(&de()), "/migration", json!({}));
    let found = laid_side_by_side(&at_home, &idle);
    let pointers: Vec<&str> = found
        .iter()
        .map(|mismatch| mismatch.theirs.pointer)
        .collect();
    let life = "/migration/link_failure/life_minutes_max";
    assert_eq!(pointers, ["/migration/mcptt_group", life]);
    assert!(
        found
            .iter()
            .all(|mismatch| !mismatch.severity.prevents_fit())
    );
}
