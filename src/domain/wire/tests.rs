use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::IdempotencyKey;
use super::InvalidIdempotencyKey;
use super::Problem;
use super::WireLimits;
use super::parse_request;
use super::read_request;
use super::strict_json;
use super::write_request;
use crate::domain::identity::McSystemId;
use crate::domain::request::OperationBody;
use crate::domain::request::PushedConfiguration;
use crate::domain::request::Urgency;

fn thumbprint() -> String {
    format!("sha256:{}", "ab".repeat(32))
}

fn common(operation: &str, direction: &str) -> Value {
    json!({
        "operation": operation, "direction": direction, "correlation_id": "nl-2026-000917",
        "peer": { "system": "mc.nl.example", "certificate": thumbprint() },
        "requesting_system": "mc.nl.example", "receiving_system": "mc.de.example",
    })
}

fn with(mut base: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

fn without(mut base: Value, name: &str) -> Value {
    base.as_object_mut().unwrap().shift_remove(name).unwrap();
    base
}

fn membership_update() -> Value {
    with(
        common("group-membership-update", "inbound"),
        &json!({
            "requester": { "mc_service_id": "sip:control.3@mc.nl.example" },
            "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
            "group": "sip:unfall-07@mc.de.example",
            "members": ["sip:officer.114@mc.nl.example"], "change": "add",
            "urgency": "high", "justification": "German-speaking officer at the scene",
        }),
    )
}

fn affiliation() -> Value {
    with(
        common("affiliation", "inbound"),
        &json!({
            "user": "sip:officer.114@mc.nl.example", "group": "sip:unfall-07@mc.de.example",
            "service": "mcptt", "serving_system": "mc.nl.example",
        }),
    )
}

fn migration() -> Value {
    with(
        common("migration-service-authorization", "home-consent"),
        &json!({
            "user": "sip:officer.114@mc.nl.example",
            "serving_mc_service_id": "sip:guest.9@mc.de.example",
            "services": ["mcptt", "mcdata"], "profile_index": 2,
        }),
    )
}

const SECRET: &str = "hunter2-correct-horse";

fn push() -> Value {
    with(
        common("ue-configuration-push", "inbound"),
        &json!({
            "requester": { "mc_service_id": "sip:admin@mc.nl.example", "organisation": "KLPD" },
            "mc_system_id": "mc.nl.example",
            "configuration": {
                "mc_system_id": "mc.nl.example",
                "pdn_connectivity": [{
                    "hplmn": "204-08", "vplmn": "262-01",
                    "mc_services": { "apn": "mcx.nl", "credentials": SECRET },
                    "mc_identity_management": { "apn": "idm.nl" },
                }],
                "servers": {
                    "ipv6": true, "mc_service_servers": { "mcptt": "sip:mcptt@mc.nl.example" },
                    "idms": "https://idms.nl", "gms": "https://gms.nl",
                    "cms": "https://cms.nl", "kms": "https://kms.nl",
                },
                "default_user_profile": "1",
            },
        }),
    )
}

fn problems(value: &Value) -> Vec<Problem> {
    read_request(value, WireLimits::default()).expect_err("a bad request was taken")
}

/// Asserts that exactly one problem is found, and which.
fn refused(value: &Value, pointer: &str, detail: &str) {
    let found = problems(value);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].pointer, pointer, "{found:#?}");
    assert!(found[0].detail.contains(detail), "{found:#?}");
}

#[test]
fn a_written_request_reads_as_itself() {
    for value in [membership_update(), affiliation(), migration()] {
        let request = parse_request(value.to_string().as_bytes(), WireLimits::default()).unwrap();
        let written = write_request(&request).unwrap();
        let again = read_request(&written, WireLimits::default()).unwrap();
        assert_eq!(again, request);
        for (name, member) in value.as_object().unwrap() {
            assert_eq!(&written[name], member, "{name}");
        }
    }
}

#[test]
fn pushed_configuration_arrives_clear_and_is_not_written() {
    let request = read_request(&push(), WireLimits::default()).unwrap();
    let OperationBody::UeConfigurationPush(body) = &request.body else {
        panic!("not a push: {request:?}");
    };
    let PushedConfiguration::Clear(data) = &body.configuration else {
        panic!("not clear");
    };
    assert_eq!(serde_json::to_value(data).unwrap(), push()["configuration"]);
    assert!(write_request(&request).is_err());
    assert!(!format!("{request:?}").contains(SECRET));
}

#[test]
fn urgency_is_normal_unless_said() {
    let request = read_request(
        &without(membership_update(), "urgency"),
        WireLimits::default(),
    );
    assert_eq!(request.unwrap().urgency, Urgency::Normal);
}

#[test]
fn missing_members_are_named() {
    for (value, names) in [
        (
            membership_update(),
            &[
                "operation",
                "direction",
                "correlation_id",
                "peer",
                "requesting_system",
                "receiving_system",
                "requester",
                "target",
                "group",
                "members",
                "change",
            ][..],
        ),
        (
            affiliation(),
            &["user", "group", "service", "serving_system"],
        ),
        (migration(), &["user", "services", "peer"]),
        (push(), &["requester", "mc_system_id", "configuration"]),
    ] {
        for name in names {
            let found = problems(&without(value.clone(), name));
            let expected = Problem {
                pointer: format!("/{name}"),
                detail: format!("`{name}` is missing"),
            };
            assert!(found.contains(&expected), "{name}: {found:#?}");
        }
    }
}

/// Asserts that a membership update with these members has exactly one problem, and which.
fn wrong(members: &Value, pointer: &str, detail: &str) {
    refused(&with(membership_update(), members), pointer, detail);
}

#[test]
fn wrong_values_are_told_with_their_place() {
    for (members, pointer, detail) in [
        (
            json!({"operation": "affilation"}),
            "/operation",
            "did you mean `affiliation`",
        ),
        (
            json!({"direction": "home-consent"}),
            "/direction",
            "only outbound, inbound",
        ),
        (
            json!({"direction": "sideways"}),
            "/direction",
            "`sideways` is not a direction",
        ),
        (
            json!({"direction": "outbound"}),
            "/peer",
            "outbound request has no peer",
        ),
        (
            json!({"correlation_id": ""}),
            "/correlation_id",
            "1 to 128 visible",
        ),
        (
            json!({"correlation_id": "a b"}),
            "/correlation_id",
            "1 to 128 visible",
        ),
        (
            json!({"correlation_id": "x".repeat(129)}),
            "/correlation_id",
            "1 to 128",
        ),
        (
            json!({"correlation_id": 7}),
            "/correlation_id",
            "a string, not a number",
        ),
        (
            json!({"peer": "mc.nl.example"}),
            "/peer",
            "an object, not a string",
        ),
        (
            json!({"peer": {"system": "mc.nl.example"}}),
            "/peer/certificate",
            "is missing",
        ),
        (
            json!({"peer": {"system": "mc.nl.example", "certificate": "sha256:12"}}),
            "/peer/certificate",
            "64 hexadecimal digits",
        ),
    ] {
        wrong(&members, pointer, detail);
    }
}

#[test]
fn wrong_information_elements_are_told_with_their_place() {
    for (members, pointer, detail) in [
        (
            json!({"requesting_system": "mc.nl.example."}),
            "/requesting_system",
            "ends with a dot",
        ),
        (
            json!({"requester": {"mc_service_id": "mailto:a@mc.nl.example"}}),
            "/requester/mc_service_id",
            "not a `sip:`, `sips:` or `tel:` URI",
        ),
        (
            json!({"requester": {"mc_service_id": "sip:a@mc_x.nl"}}),
            "/requester/mc_service_id",
            "`mc_x.nl` is not a domain name",
        ),
        (
            json!({"target": {}}),
            "/target",
            "`mc_service_id`, `functional_alias` or both",
        ),
        (json!({"members": []}), "/members", "has 0 elements"),
        (
            json!({"members": "sip:a@b.example"}),
            "/members",
            "an array, not a string",
        ),
        (
            json!({"members": [null]}),
            "/members/0",
            "a string, not null",
        ),
        (
            json!({"members": ["tel:+31-20", "sip:a@mc.nl.example", "tel:+3120"]}),
            "/members/2",
            "same user as `/members/0`",
        ),
        (
            json!({"change": "remove"}),
            "/change",
            "`remove` is not a change: add, delete",
        ),
        (
            json!({"urgency": "hihg"}),
            "/urgency",
            "did you mean `high`",
        ),
        (json!({"urgency": null}), "/urgency", "a string, not null"),
        (
            json!({"justification": "x".repeat(4097)}),
            "/justification",
            "1 to 4096",
        ),
        (json!({"memebrs": []}), "/memebrs", "did you mean `members`"),
        (
            json!({"services": ["mcptt"]}),
            "/services",
            "unknown member `services`",
        ),
        (json!({"a/b~c": 1}), "/a~1b~0c", "unknown member `a/b~c`"),
    ] {
        wrong(&members, pointer, detail);
    }
}

#[test]
fn wrong_migrations_are_told_with_their_place() {
    for (members, pointer, detail) in [
        (json!({"services": []}), "/services", "has 0 elements"),
        (
            json!({"services": ["mcptt", "mcptt"]}),
            "/services/1",
            "names `mcptt` again",
        ),
        (
            json!({"services": ["mcpt"]}),
            "/services/0",
            "did you mean `mcptt`",
        ),
        (
            json!({"profile_index": 65536}),
            "/profile_index",
            "0 to 65535",
        ),
        (json!({"profile_index": -1}), "/profile_index", "0 to 65535"),
        (
            json!({"profile_index": 1.5}),
            "/profile_index",
            "0 to 65535",
        ),
        (
            json!({"profile_index": "1"}),
            "/profile_index",
            "a whole number, not a string",
        ),
    ] {
        refused(&with(migration(), &members), pointer, detail);
    }
    let outbound = without(with(migration(), &json!({"direction": "outbound"})), "peer");
    refused(&outbound, "/direction", "only inbound, home-consent");
}

#[test]
fn all_problems_are_told_at_once() {
    let value = without(
        with(
            membership_update(),
            &json!({"urgency": 1, "group": "x", "members": ["y", "z"], "extra": 1}),
        ),
        "correlation_id",
    );
    let found = problems(&value);
    let mut pointers: Vec<&str> = found.iter().map(|p| p.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/correlation_id",
            "/extra",
            "/group",
            "/members/0",
            "/members/1",
            "/urgency"
        ]
    );
}

#[test]
fn a_flood_of_problems_is_counted_not_listed() {
    let members: Vec<String> = (0..500).map(|number| format!("x{number}")).collect();
    let found = problems(&with(membership_update(), &json!({ "members": members })));
    assert_eq!(found.len(), 101);
    assert_eq!(found[100].detail, "400 more problems were found");
}

#[test]
fn the_number_of_members_is_limited() {
    let limits = WireLimits {
        members: 2,
        ..WireLimits::default()
    };
    let users = |count: usize| -> Value {
        (0..count)
            .map(|number| json!(format!("sip:u{number}@mc.nl.example")))
            .collect()
    };
    let request = |count| with(membership_update(), &json!({ "members": users(count) }));
    assert!(read_request(&request(2), limits).is_ok());
    let found = read_request(&request(3), limits).unwrap_err();
    assert_eq!(
        found[0].to_string(),
        "/members: has 3 elements, but must have 1 to 2"
    );
}

#[test]
fn no_problem_repeats_a_secret() {
    let cases: [(&str, Value); 9] = [
        ("/configuration", json!(SECRET)),
        ("/configuration/mc_system_id", json!(SECRET.repeat(2) + "_")),
        ("/configuration/pdn_connectivity", json!([SECRET])),
        ("/configuration/pdn_connectivity/0/hplmn", json!(SECRET)),
        (
            "/configuration/pdn_connectivity/0/mc_services",
            json!(SECRET),
        ),
        (
            "/configuration/pdn_connectivity/0/mc_services/credentials",
            json!([SECRET]),
        ),
        ("/configuration/servers", json!(SECRET)),
        ("/configuration/servers/ipv6", json!(SECRET)),
        (
            "/requester/mc_service_id",
            json!(format!("sip:a:{SECRET}@mc.nl.example")),
        ),
    ];
    for (pointer, value) in cases {
        let mut request = push();
        *request.pointer_mut(pointer).unwrap() = value;
        let found = problems(&request);
        assert!(
            found.iter().any(|p| p.pointer.starts_with(pointer)),
            "{pointer}: {found:#?}"
        );
        assert!(!format!("{found:?}").contains(SECRET), "{found:#?}");
    }
}

#[test]
fn repeated_members_are_refused_wherever_they_are() {
    for (text, pointer) in [
        (r#"{"a":1,"a":1}"#, "/a"),
        (r#"{"x":[0,{"a":1,"b":2,"a":3}]}"#, "/x/1/a"),
        (r#"{"a":1,"\u0061":1}"#, "/a"),
    ] {
        let problem = strict_json(text.as_bytes(), WireLimits::default()).unwrap_err();
        assert_eq!(problem.pointer, pointer);
        assert_eq!(problem.detail, "the member `a` appears twice");
    }
    assert!(strict_json(br#"{"a":{"a":1},"b":{"a":1}}"#, WireLimits::default()).is_ok());
}

#[test]
fn nesting_ends_at_the_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let limits = WireLimits::default();
    assert!(strict_json(nested(32).as_bytes(), limits).is_ok());
    let problem = strict_json(nested(33).as_bytes(), limits).unwrap_err();
    assert_eq!(problem.pointer, "/0".repeat(32));
    assert_eq!(problem.detail, "nested too deeply");
    let beside = format!("[{},{}]", nested(31), nested(31));
    assert!(strict_json(beside.as_bytes(), limits).is_ok());
    assert!(strict_json("[".repeat(100_000).as_bytes(), limits).is_err());
}

#[test]
fn what_is_not_json_is_told_by_line_and_column() {
    let limits = WireLimits::default();
    for text in [
        "",
        "{",
        "{} {}",
        "{'a':1}",
        "[1,]",
        "nul",
        "\u{feff}{}",
        "[1e999]",
        "\"\\ud800\"",
    ] {
        let problem = strict_json(text.as_bytes(), limits).unwrap_err();
        assert_eq!(problem.pointer, "");
        assert!(problem.detail.starts_with("not a JSON text: "), "{problem}");
        assert!(problem.detail.contains("line 1 column"), "{problem}");
    }
    assert!(strict_json(b"\"\xff\"", limits).is_err());
}

#[test]
fn strict_reading_gives_what_lenient_reading_gives() {
    let text = br#"{"a":[1,-2,3.5,true,null,"x\n"],"b":{},"c":18446744073709551615}"#;
    let strict = strict_json(text, WireLimits::default()).unwrap();
    assert_eq!(strict, serde_json::from_slice::<Value>(text).unwrap());
}

#[test]
fn idempotency_keys_are_read_bare_or_quoted() {
    let key = |text: &str| text.parse::<IdempotencyKey>();
    assert_eq!(key("7b0c-x").unwrap().as_str(), "7b0c-x");
    assert_eq!(key(r#""7b0c-x""#).unwrap(), key("7b0c-x").unwrap());
    assert_eq!(key(r#""a\"b\\c""#).unwrap().as_str(), r#"a"b\c"#);
    assert!(key(&"k".repeat(255)).is_ok());
    for wrong in ["", "a b", "ä", "\"\"", "a\u{7f}", &"k".repeat(256)] {
        assert_eq!(
            key(wrong),
            Err(InvalidIdempotencyKey::Characters),
            "{wrong:?}"
        );
    }
    for wrong in ["\"", "\"a", "\"a\"b\"", "\"a\\\"", "\"a\\x\""] {
        assert_eq!(key(wrong), Err(InvalidIdempotencyKey::Quoting), "{wrong:?}");
    }
    let unusual = key(r#""\"a\"""#).unwrap();
    let written = serde_json::to_string(&unusual).unwrap();
    assert_eq!(
        serde_json::from_str::<IdempotencyKey>(&written).unwrap(),
        unusual
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a-z~/]{0,6}", inner, 0..5)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse_request(&bytes, WireLimits::default()).is_err());
    }

    #[test]
    fn any_json_is_read_as_it_is(value in any_json()) {
        let read = strict_json(value.to_string().as_bytes(), WireLimits::default());
        prop_assert_eq!(read.unwrap(), value);
    }

    /// Whatever stands in whichever place, there is an answer, and every problem names a place in reach.
    #[test]
    fn no_value_in_any_place_panics(
        value in any_json(),
        place in 0_usize..4,
        member in any::<prop::sample::Index>(),
    ) {
        let mut request = [membership_update(), affiliation(), migration(), push()][place].clone();
        let members = request.as_object_mut().unwrap();
        let name = members.keys().nth(member.index(members.len())).unwrap().clone();
        let same = members[&name] == value;
        let is_system = name.ends_with("system") || name == "mc_system_id";
        let fits = is_system && value.as_str().is_some_and(|text| text.parse::<McSystemId>().is_ok());
        members[&name] = value;
        match read_request(&request, WireLimits::default()) {
            Ok(_) => prop_assert!(same || fits || ["correlation_id", "justification"].contains(&name.as_str())
                || name == "profile_index"),
            Err(found) => prop_assert!(!found.is_empty()),
        }
    }
}
