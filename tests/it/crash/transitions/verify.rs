//! What must be true of every request after a restart, whatever was under way.
//!
//! Three tell of each transition: the client that was answered, the request itself, and the events. They agree.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::ledger::Asked;
use super::ledger::Kind;
use super::ledger::Ledger;
use super::ledger::Operation;
use super::ledger::Said;
use super::world::Account;
use super::world::Shape;

/// What is told of a request by events, and by itself.
pub(super) struct Seen<'a> {
    pub(super) events: Vec<&'a Value>,
    pub(super) request: Value,
}

/// Reads every request that events tell of, and finds out which of the ledger's it is.
pub(super) async fn look<'a>(
    operator: &Account,
    ledger: &Ledger,
    events: &'a [Value],
) -> BTreeMap<usize, Seen<'a>> {
    let mut told: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for event in events {
        if let Some(id) = event["request_id"].as_str() {
            told.entry(id).or_default().push(event);
        }
    }
    let asked = ledger.requests.iter().enumerate();
    let known: BTreeMap<&str, usize> = asked
        .map(|(place, asked)| (asked.body["correlation_id"].as_str().unwrap(), place))
        .collect();
    let mut seen = BTreeMap::new();
    for (id, events) in told {
        let request = operator.get(&format!("/v1/requests/{id}")).await;
        let place = known[request["correlation_id"].as_str().unwrap()];
        let twice = seen.insert(place, Seen { events, request });
        assert!(twice.is_none(), "one submission, two requests: {id}");
    }
    seen
}

/// Checks each request by itself, and what all of them leave in the registry.
pub(super) async fn check(operator: &Account, ledger: &Ledger, seen: &BTreeMap<usize, Seen<'_>>) {
    let mut granted = BTreeSet::new();
    for (place, asked) in ledger.requests.iter().enumerate() {
        let Some(seen) = seen.get(&place) else {
            assert_eq!(asked.answer, None, "acknowledged, and not there");
            continue;
        };
        check_answers(asked, &seen.request);
        check_operations(ledger, place, seen);
        check_events(seen);
        check_items(asked, seen);
        check_obligations(&seen.request);
        if asked.shape != Shape::Outbound {
            granted.extend(granted_members(asked, &seen.request));
        }
    }
    assert_eq!(memberships(operator).await, granted);
}

/// Both are of the same request, decided in the same entry.
pub(super) fn assert_same(one: &Value, other: &Value) {
    for same in ["id", "record", "bundle", "decided_at", "correlation_id"] {
        assert_eq!(one[same], other[same], "{same}");
    }
}

/// What was answered before is still told, word for word, and more came behind it.
fn check_answers(asked: &Asked, request: &Value) {
    for shown in asked.answer.iter().chain(&asked.shown) {
        assert_same(shown, request);
        assert!(shown["version"].as_u64() <= request["version"].as_u64());
        for kind in Kind::ALL {
            let (before, now) = (kind.told(shown), kind.told(request));
            assert!(now.starts_with(&before), "{before:?}\n{now:?}");
        }
    }
}

/// What was acknowledged is there once, what was refused is not, and what nobody knows of is there once or not at all.
fn check_operations(ledger: &Ledger, place: usize, seen: &Seen<'_>) {
    let request = &seen.request;
    for kind in Kind::ALL {
        let tags = kind.tags(request);
        let distinct: BTreeSet<&String> = tags.iter().collect();
        assert_eq!(distinct.len(), tags.len(), "twice: {request}");
        let operations: Vec<&Operation> = ledger.of(kind, place).collect();
        for tag in &tags {
            let is_it = |it: &&&Operation| it.tag == *tag && !matches!(it.said, Said::Refused(_));
            let of_it = operations.iter().find(is_it);
            assert!(
                of_it.is_some(),
                "{tag} was refused, or never asked for: {request}"
            );
        }
        for operation in operations {
            check_done(kind, operation, request);
        }
    }
    check_acknowledgements(ledger, place, seen);
}

fn check_done(kind: Kind, operation: &Operation, request: &Value) {
    let Said::Done(answer) = &operation.said else {
        return;
    };
    match kind {
        Kind::Answer | Kind::Withdrawal | Kind::Revocation | Kind::Report => {
            let is_told = kind.tags(request).contains(&operation.tag);
            // A repetition of what another call did writes nothing.
            let may_be_another = matches!(kind, Kind::Withdrawal | Kind::Revocation)
                && !kind.tags(request).is_empty()
                && !kind.tags(answer).contains(&operation.tag);
            assert!(is_told || may_be_another, "{operation:?}: {request}");
        }
        Kind::Obligation => {
            let all = request["obligations"].as_array().unwrap();
            let is_it = |it: &&Value| operation.path.ends_with(it["id"].as_str().unwrap());
            let reported = all.iter().find(is_it).unwrap();
            let outcome = &operation.body["outcome"];
            // What failed and was revoked since is owed no more, and keeps what was said of it.
            let is_overtaken = reported["state"] == "overtaken" && *outcome == "failed";
            assert!(is_overtaken || reported["state"] == *outcome, "{request}");
        }
        Kind::Acknowledgement => {
            let version = operation.body["version"].as_u64();
            assert!(request["acknowledged"].as_u64() >= version, "{request}");
        }
        Kind::Submission => {}
    }
}

/// Each raises what was acknowledged before, and one client does them one after the other.
fn check_acknowledgements(ledger: &Ledger, place: usize, seen: &Seen<'_>) {
    let versions = |is_wanted: &dyn Fn(&Said) -> bool| {
        let all = ledger.of(Kind::Acknowledgement, place);
        let wanted = all.filter(|it| is_wanted(&it.said));
        let versions = wanted.map(|it| it.body["version"].as_u64().unwrap());
        versions.collect::<BTreeSet<u64>>()
    };
    let surely = versions(&|said| matches!(said, Said::Done(_))).len();
    let perhaps = versions(&|said| !matches!(said, Said::Refused(_))).len();
    let told = count(seen, "request.delivered");
    assert!(
        (surely..=perhaps).contains(&told),
        "{surely}, {told}, {perhaps}"
    );
    assert_eq!(told > 0, seen.request["acknowledged"].is_u64());
}

fn count(seen: &Seen<'_>, kind: &str) -> usize {
    seen.events.iter().filter(|it| it["type"] == kind).count()
}

/// The entry of the log in which something stands.
pub(super) fn index(told: &Value) -> u64 {
    told["record"]["index"].as_u64().unwrap()
}

/// The entries of the events of a kind; each once.
fn entries(seen: &Seen<'_>, kinds: &[&str]) -> BTreeSet<u64> {
    let of_kind = |it: &&&Value| kinds.iter().any(|kind| it["type"] == *kind);
    let events: Vec<&&Value> = seen.events.iter().filter(of_kind).collect();
    let id = |it: &&Value| it["id"].as_str().unwrap().parse().unwrap();
    let entries: BTreeSet<u64> = events.iter().map(|it| id(it)).collect();
    assert_eq!(entries.len(), events.len(), "{events:?}");
    entries
}

/// One event for each transition, in the entry in which the request has it, and a version for each.
fn check_events(seen: &Seen<'_>) {
    let request = &seen.request;
    assert_eq!(
        entries(seen, &["request.submitted"]),
        [index(request)].into()
    );
    for (kind, event) in [
        (Kind::Answer, "request.answered"),
        (Kind::Withdrawal, "request.withdrawn"),
        (Kind::Revocation, "request.revoked"),
        (Kind::Report, "request.reported"),
    ] {
        let told: BTreeSet<u64> = kind.told(request).into_iter().map(index).collect();
        assert_eq!(entries(seen, &[event]), told, "{request}");
    }
    let obligations = request["obligations"].as_array().into_iter().flatten();
    let reported = obligations
        .map(|it| &it["reported"])
        .filter(|it| it.is_object());
    let reported = reported.map(index);
    let noted = entries(seen, &["obligation.done", "obligation.failed"]);
    assert_eq!(noted, reported.collect(), "{request}");
    let expired = items(request).any(|item| item["state"] == "expired");
    assert_eq!(
        count(seen, "request.expired"),
        usize::from(expired),
        "{request}"
    );
    let changes = seen
        .events
        .iter()
        .filter(|it| it["type"] != "request.delivered");
    let versions: Vec<u64> = changes.map(|it| it["version"].as_u64().unwrap()).collect();
    let expected: Vec<u64> = (1..=request["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, expected, "{:?}", seen.events);
}

fn items(request: &Value) -> impl Iterator<Item = &Value> {
    request["items"].as_array().unwrap().iter()
}

/// Each item is where the transitions that are told of lead: none is there by half.
fn check_items(asked: &Asked, seen: &Seen<'_>) {
    let request = &seen.request;
    let mut states = vec![asked.shape.begins(); items(request).count()];
    let mut history: Vec<(u64, Kind, &Value)> = Vec::new();
    for kind in Kind::ALL {
        let told = kind.told(request).into_iter();
        history.extend(told.map(|told| (index(told), kind, told)));
    }
    history.sort_by_key(|(index, ..)| *index);
    for (_, kind, told) in history {
        for number in told["items"].as_array().unwrap() {
            let number = usize::try_from(number.as_u64().unwrap()).unwrap();
            let state = &mut states[number];
            let (expected, after) = turn(kind, told, number);
            assert!(expected.contains(state), "{state}: {told}");
            *state = after;
        }
    }
    if !entries(seen, &["request.expired"]).is_empty() {
        let waiting = states.iter_mut().filter(|state| **state == "pending");
        waiting.for_each(|state| *state = "expired");
    }
    let found: Vec<&str> = items(request)
        .map(|it| it["state"].as_str().unwrap())
        .collect();
    assert_eq!(found, states, "{request}");
    check_persons(asked, seen);
}

/// From which states something leads, and whereto.
fn turn(kind: Kind, told: &Value, number: usize) -> (&'static [&'static str], &'static str) {
    let waits = |it: &Value| it["item"] == number;
    match kind {
        Kind::Answer if told["answer"] == "deny" => (&["pending"], "refused"),
        Kind::Answer => {
            let waiting = told["waiting"].as_array();
            let is_waiting = waiting.is_some_and(|all| all.iter().any(waits));
            (&["pending"], if is_waiting { "pending" } else { "granted" })
        }
        Kind::Withdrawal => (
            &["pending", "cleared", "sent", "partner-pending"],
            "withdrawn",
        ),
        Kind::Revocation => (&["granted", "partner-accepted", "delivered"], "revoked"),
        Kind::Report => match told["report"].as_str().unwrap() {
            "sent" => (&["cleared"], "sent"),
            "partner-pending" => (&["sent"], "partner-pending"),
            "delivered" => (&["partner-accepted"], "delivered"),
            _ => {
                let evaluated = told["evaluated"]
                    .as_array()
                    .is_some_and(|it| !it.is_empty());
                let after = if evaluated {
                    "partner-accepted"
                } else {
                    "partner-refused"
                };
                (&["partner-pending"], after)
            }
        },
        Kind::Submission | Kind::Obligation | Kind::Acknowledgement => (&[], ""),
    }
}

/// Where two have to agree, two have: nobody is counted twice.
fn check_persons(asked: &Asked, seen: &Seen<'_>) {
    if asked.shape != Shape::Two {
        return;
    }
    for (number, item) in items(&seen.request).enumerate() {
        let approvals = Kind::Answer.told(&seen.request).into_iter().filter(|told| {
            let numbers = told["items"].as_array().unwrap();
            told["answer"] == "approve" && numbers.iter().any(|it| *it == number)
        });
        let is_granted = ["granted", "revoked"]
            .iter()
            .any(|state| item["state"] == *state);
        let approvals = approvals.count();
        assert!(
            !is_granted || approvals == 2,
            "{approvals}: {}",
            seen.request
        );
        assert!(approvals <= 2, "{}", seen.request);
    }
}

/// What is granted obliges to one thing, undoing it to three, and nothing to anything twice.
fn check_obligations(request: &Value) {
    let all = || request["obligations"].as_array().into_iter().flatten();
    let ids: BTreeSet<&str> = all().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), all().count(), "{request}");
    for (number, item) in items(request).enumerate() {
        let of_item = |occasion: &str| {
            let of_item = all().filter(|it| it["item"] == number && it["occasion"] == occasion);
            let mut names: Vec<&str> = of_item.map(|it| it["name"].as_str().unwrap()).collect();
            names.sort_unstable();
            names
        };
        for occasion in ["grant", "partner-accepted", "partner-refused", "revocation"] {
            let names = of_item(occasion);
            let distinct: BTreeSet<&&str> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "{request}");
        }
        let undone = of_item("revocation");
        let is_inbound = request["direction"] == "inbound";
        let (grant, undoing): (&[&str], &[&str]) = match item["state"].as_str().unwrap() {
            "granted" => (&["update-group-membership"], &[]),
            "revoked" => (
                &[],
                &[
                    "end-affiliation",
                    "renew-group-keys",
                    "undo-update-group-membership",
                ],
            ),
            _ => (&[], &[]),
        };
        if is_inbound {
            assert_eq!(undone, undoing, "{request}");
            let open = all().filter(|it| it["item"] == number && it["state"] == "open");
            let open = open.filter(|it| it["occasion"] == "grant").count();
            assert!(open <= grant.len(), "{request}");
            assert!(grant.is_empty() || of_item("grant") == grant, "{request}");
        }
    }
}

/// The members whom a request has let in.
fn granted_members(asked: &Asked, request: &Value) -> Vec<String> {
    let group = asked.body["group"].as_str().unwrap();
    let granted = items(request).filter(|it| it["state"] == "granted");
    let member = |it: &Value| it["subject"].as_str().unwrap().to_owned();
    granted
        .map(|it| format!("{group} {}", member(it)))
        .collect()
}

/// The members that the registry has.
async fn memberships(operator: &Account) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut after = String::new();
    loop {
        let page = operator
            .get(&format!("/v1/memberships?limit=1000{after}"))
            .await;
        let documents = page["documents"].as_array().unwrap();
        for listed in documents {
            let document = &listed["document"];
            let text = |member: &str| document[member].as_str().unwrap();
            found.insert(format!("{} {}", text("group"), text("member")));
        }
        match documents.last() {
            Some(last) if documents.len() == 1_000 => {
                after = format!("&after={}", last["id"].as_str().unwrap());
            }
            _ => return found,
        }
    }
}
