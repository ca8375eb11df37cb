use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::decision::facts::Lookup;
use crate::decision::facts::ReadKey;
use crate::decision_log::LogIndex;
use crate::decision_log::OutcomeCounts;
use crate::domain::document::Document;
use crate::domain::lifecycle::ItemState;
use crate::domain::obligation::Due;
use crate::domain::obligation::Occasion;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::time::Timestamp;
use crate::store::command::Arising;
use crate::store::command::BodyDigest;
use crate::store::command::Idempotency;
use crate::store::command::KeyDigest;
use crate::store::command::RequestId;
use crate::store::event::DocumentChange;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::Claim;
use crate::store::state::KEY_RETENTION_MILLISECONDS;
use crate::store::state::RowKey;
use crate::store::state::State;

fn put(kind: DocumentKind, json: serde_json::Value) -> DocumentChange {
    let document = Document::from_json(kind, json).unwrap();
    DocumentChange::Put(document.key().unwrap(), Arc::new(document))
}

fn user(id: &str, identity: &str) -> DocumentChange {
    put(
        DocumentKind::User,
        json!({"id": id, "enabled": true, "identities": {"mcptt": identity, "mcdata": identity}}),
    )
}

fn system(id: &str, prefixes: &[&str]) -> DocumentChange {
    put(
        DocumentKind::System,
        json!({"mc_system_id": id, "tel_prefixes": prefixes}),
    )
}

fn profile(id: &str, user: Option<&str>) -> DocumentChange {
    let mut json =
        json!({"id": id, "home_system": "mc.de.example", "enabled": true, "services": []});
    if let Some(user) = user {
        json["user"] = json!(user);
    }
    put(DocumentKind::MigratedProfile, json)
}

fn deleted(change: &DocumentChange) -> DocumentChange {
    DocumentChange::Deleted(change.key().clone())
}

struct Log {
    state: State,
    next: u64,
}

impl Log {
    fn new() -> Self {
        Self {
            state: State::default(),
            next: 0,
        }
    }

    fn add(&mut self, at: i64, body: EventBody) -> Vec<RowKey> {
        let event = Event::new(Timestamp::from_milliseconds(at), body);
        let rows = self.state.apply(&event, LogIndex(self.next));
        self.next += 1;
        rows
    }

    fn write(&mut self, changes: Vec<DocumentChange>) {
        let actor = None;
        self.add(0, EventBody::DocumentsWritten { changes, actor });
    }

    fn submit(&mut self, number: u128, at: i64, items: Vec<ItemState>) -> RequestId {
        let request_id = RequestId(Uuid::from_u128(number));
        self.add(
            at,
            EventBody::Submitted {
                reminders: Vec::new(),
                request_id,
                caller: "front-end".into(),
                idempotency: Some(Idempotency {
                    key: key(number),
                    body: BodyDigest::of(b"body"),
                }),
                correlation: None,
                items,
                changes: Vec::new(),
                counts: OutcomeCounts::default(),
                bound_to: None,
                reduces: None,
                adds: None,
                access: None,
            },
        );
        request_id
    }
}

fn key(number: u128) -> KeyDigest {
    KeyDigest::of("front-end", &number.to_string())
}

fn pending(expires_at: Option<i64>) -> ItemState {
    ItemState::Pending {
        expires_at: expires_at.map(Timestamp::from_milliseconds),
    }
}

#[test]
fn a_number_is_home_where_its_longest_prefix_is() {
    let mut log = Log::new();
    let (nl, m2m) = (
        system("mc.nl.example", &["+31"]),
        system("mc.m2m.example", &["+3197"]),
    );
    log.write(vec![nl.clone(), m2m.clone()]);
    let home = |log: &Log, tel: &str| {
        let home = log.state.home_of_number(tel);
        home.map(|home| home.as_str().to_owned())
    };
    assert_eq!(home(&log, "+31201").as_deref(), Some("mc.nl.example"));
    assert_eq!(home(&log, "+31971").as_deref(), Some("mc.m2m.example"));
    assert_eq!(home(&log, "+3197").as_deref(), Some("mc.m2m.example"));
    assert_eq!(home(&log, "+49"), None);
    log.write(vec![system("mc.other.example", &["+3197"])]);
    assert_eq!(home(&log, "+31971"), None, "two systems have the prefix");
    log.write(vec![deleted(&m2m)]);
    assert_eq!(home(&log, "+31971").as_deref(), Some("mc.other.example"));
    log.write(vec![system("mc.other.example", &[])]);
    assert_eq!(home(&log, "+31971").as_deref(), Some("mc.nl.example"));
}

#[test]
fn identities_follow_their_users() {
    let mut log = Log::new();
    let identity = "sip:a@mc.nl.example".parse().unwrap();
    log.write(vec![user("one", "sip:a@mc.nl.example")]);
    assert_eq!(log.state.person(&identity).unwrap().as_str(), "one");
    // In one entry the identity passes from one user to another, whichever is written first.
    log.write(vec![
        user("two", "sip:a@mc.nl.example"),
        user("one", "sip:b@mc.nl.example"),
    ]);
    assert_eq!(log.state.person(&identity).unwrap().as_str(), "two");
    let read = log.state.read(&ReadKey::Identity(identity.clone()));
    assert_eq!(read, Some(Revision(1)));
    log.write(vec![deleted(&user("two", "sip:a@mc.nl.example"))]);
    assert_eq!(log.state.person(&identity), None);
    assert!(log.state.holder(&Claim::Identity(identity)).is_none());
}

#[test]
fn own_profile_comes_before_the_general_one() {
    let mut log = Log::new();
    let (general, own) = (
        profile("general", None),
        profile("own", Some("sip:hans@mc.de.example")),
    );
    log.write(vec![general.clone(), own.clone()]);
    let find = |log: &Log, user: &str| {
        let user = user.parse().unwrap();
        let home = "mc.de.example".parse().unwrap();
        let found = log.state.migrated_profile(&user, &home);
        found.map(|id| id.as_str().to_owned())
    };
    assert_eq!(find(&log, "sip:hans@mc.de.example").as_deref(), Some("own"));
    assert_eq!(
        find(&log, "sip:eva@mc.de.example").as_deref(),
        Some("general")
    );
    log.write(vec![deleted(&own)]);
    assert_eq!(
        find(&log, "sip:hans@mc.de.example").as_deref(),
        Some("general")
    );
    log.write(vec![deleted(&general)]);
    assert_eq!(find(&log, "sip:hans@mc.de.example"), None);
}

#[test]
fn a_request_lives_as_its_items_do() {
    let mut log = Log::new();
    let id = log.submit(
        1,
        10,
        vec![pending(Some(100)), pending(None), ItemState::Granted],
    );
    let other = log.submit(2, 11, vec![ItemState::Refused]);
    let due = |log: &Log, now| log.state.due(Timestamp::from_milliseconds(now));
    assert_eq!(due(&log, 99), []);
    assert_eq!(due(&log, 100), [(id, vec![0])]);
    assert_eq!(
        log.state.next_expiry(),
        Some(Timestamp::from_milliseconds(100))
    );
    let open = |log: &Log| {
        log.state
            .open_requests(None)
            .map(|entry| entry.id)
            .collect::<Vec<_>>()
    };
    assert_eq!((open(&log), log.state.open_count()), (vec![id], 1));
    assert!(!log.state.request(other).unwrap().is_open());
    let items = vec![0];
    log.add(
        101,
        EventBody::Expired {
            request_id: id,
            items,
        },
    );
    assert_eq!(due(&log, 1_000), []);
    assert_eq!(open(&log), [id]);
    log.add(
        102,
        EventBody::Responded {
            reminders: Vec::new(),
            request_id: id,
            items: vec![(1, ItemState::Granted)],
            votes: None,
            approval: None,
            changes: Vec::new(),
        },
    );
    let entry = log.state.request(id).unwrap();
    assert_eq!(
        entry.items,
        [ItemState::Expired, ItemState::Granted, ItemState::Granted]
    );
    assert_eq!((entry.version, entry.submitted), (3, LogIndex(0)));
    assert_eq!(entry.further, [LogIndex(2), LogIndex(3)]);
    assert_eq!(open(&log), []);
    let page: Vec<_> = log.state.open_requests(Some(LogIndex(0))).collect();
    assert!(page.is_empty());
}

#[test]
fn keys_are_kept_a_day_after_the_end_by_the_times_of_entries() {
    let mut log = Log::new();
    let day = KEY_RETENTION_MILLISECONDS;
    log.submit(1, 0, vec![ItemState::Granted]);
    let held = log.submit(2, 0, vec![pending(None)]);
    log.submit(3, day - 1, vec![ItemState::Granted]);
    assert!(log.state.kept_key(&key(1)).is_some());
    log.submit(4, day, vec![ItemState::Granted]);
    assert!(log.state.kept_key(&key(1)).is_none(), "its day is over");
    log.submit(5, day * 10, vec![ItemState::Granted]);
    assert!(log.state.kept_key(&key(2)).is_some(), "the request is open");
    // A clock that goes back does not shorten the day.
    log.add(
        5,
        EventBody::Responded {
            reminders: Vec::new(),
            request_id: held,
            items: vec![(0, ItemState::Refused)],
            votes: None,
            approval: None,
            changes: Vec::new(),
        },
    );
    log.submit(6, day * 11 - 1, vec![]);
    assert!(log.state.kept_key(&key(2)).is_some());
    log.submit(7, day * 11, vec![]);
    assert!(log.state.kept_key(&key(2)).is_none());
}

#[test]
fn what_is_not_there_is_left_alone() {
    let mut log = Log::new();
    let request_id = RequestId(Uuid::from_u128(9));
    let items = vec![0, 7];
    log.add(0, EventBody::Expired { request_id, items });
    log.write(vec![deleted(&user("nobody", "sip:a@mc.nl.example"))]);
    let id = log.submit(1, 0, vec![pending(None)]);
    log.add(
        0,
        EventBody::Responded {
            reminders: Vec::new(),
            request_id: id,
            items: vec![(9, ItemState::Granted)],
            votes: None,
            approval: None,
            changes: Vec::new(),
        },
    );
    assert_eq!(log.state.applied().0, log.next);
    assert_eq!(log.state.request(id).unwrap().items, [pending(None)]);
}

#[test]
fn rows_make_the_same_state_again_in_any_order_and_pages_of_any_size() {
    let mut log = Log::new();
    log.write(vec![
        system("mc.nl.example", &["+31"]),
        user("one", "sip:a@mc.nl.example"),
        user("two", "sip:b@mc.nl.example"),
        profile("general", None),
    ]);
    log.submit(1, 0, vec![pending(Some(100)), ItemState::Granted]);
    log.submit(2, 5, vec![ItemState::Granted]);
    log.add(
        6,
        EventBody::Published {
            digest: "sha256:00".to_owned(),
            generation: 1,
            actor: None,
            summary: None,
        },
    );
    for limit in [1, 2, 3, 100] {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let page = log.state.rows_after(after.as_ref(), limit);
            assert!(page.len() <= limit);
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            rows.extend(page);
        }
        assert_eq!(rows.len(), 1 + 4 + 2 + 2);
        for backwards in [false, true] {
            let mut restored = State::default();
            let mut bytes: Vec<_> = rows
                .iter()
                .map(|(key, value)| (key.encode(), value.encode().unwrap()))
                .collect();
            if backwards {
                bytes.reverse();
            }
            for (key, value) in bytes {
                restored.restore_row(&key, &value).unwrap();
            }
            assert_eq!(restored, log.state);
        }
    }
}

#[test]
fn changed_rows_are_all_that_changed() {
    let mut log = Log::new();
    let mut followed = State::default();
    let mut follow = |log: &mut Log, at: i64, body: EventBody| {
        for key in log.add(at, body) {
            // A row is replaced whole, as the projection replaces it.
            let mut rows = followed.rows_after(None, usize::MAX);
            rows.retain(|(other, _)| *other != key);
            rows.extend(log.state.row(&key).map(|value| (key, value)));
            let mut replaced = State::default();
            for (key, value) in rows {
                let value = value.encode().unwrap();
                replaced.restore_row(&key.encode(), &value).unwrap();
            }
            followed = replaced;
        }
        assert_eq!(followed, log.state);
    };
    let request_id = RequestId(Uuid::from_u128(1));
    let one = user("one", "sip:a@mc.nl.example");
    let bodies = [
        EventBody::DocumentsWritten {
            changes: vec![one.clone(), user("two", "sip:b@mc.nl.example")],
            actor: None,
        },
        EventBody::Submitted {
            reminders: Vec::new(),
            request_id,
            caller: "front-end".into(),
            idempotency: Some(Idempotency {
                key: key(1),
                body: BodyDigest::of(b""),
            }),
            correlation: None,
            items: vec![pending(Some(50))],
            changes: vec![deleted(&one)],
            counts: OutcomeCounts::default(),
            bound_to: None,
            reduces: None,
            adds: None,
            access: None,
        },
        EventBody::Responded {
            reminders: Vec::new(),
            request_id,
            items: vec![(0, ItemState::Granted)],
            votes: None,
            approval: None,
            changes: vec![one],
        },
        EventBody::Genesis {
            origin: Uuid::from_u128(2),
        },
    ];
    for (number, body) in (0..).zip(bodies) {
        follow(&mut log, number * KEY_RETENTION_MILLISECONDS, body);
    }
    assert!(log.state.kept_key(&key(1)).is_none());
}

/// A grant that obliges to one thing.
fn obliging(log: &mut Log, number: u128) -> RequestId {
    let request_id = RequestId(Uuid::from_u128(number));
    let body = EventBody::Submitted {
        reminders: Vec::new(),
        request_id,
        caller: "front-end".into(),
        idempotency: None,
        correlation: None,
        items: vec![ItemState::Granted],
        changes: Vec::new(),
        counts: OutcomeCounts::default(),
        bound_to: None,
        reduces: None,
        adds: None,
        access: None,
    };
    let duty = json!({ "name": "deliver", "function": "KMS" });
    let arising = Arising {
        request_id,
        occasion: Occasion::Grant,
        duty: serde_json::from_value(duty).unwrap(),
        due: Due::At(Timestamp::from_milliseconds(5)),
        of: vec![(Some(0), 0)],
    };
    let event = Event {
        obligations: vec![arising],
        ..Event::new(Timestamp::from_milliseconds(0), body)
    };
    log.state.apply(&event, LogIndex(log.next));
    log.next += 1;
    request_id
}

#[test]
fn what_is_owed_by_requests_that_were_put_away_is_kept_up_to_a_limit() {
    let mut log = Log::new();
    log.state.keep_ended(0);
    log.state.requests.keep_owing(2);
    let ids = [1, 2, 3].map(|number| obliging(&mut log, number));
    let owing = log.state.unfinished_obligations(None);
    let owing: Vec<RequestId> = owing.map(|(_, id, _)| id).collect();
    assert_eq!(owing, ids[1..]);
    let owes = |id: &RequestId| log.state.put_away(*id).unwrap().owed.is_some();
    assert_eq!(ids.each_ref().map(owes), [false, true, true]);
    assert!(ids.iter().all(|id| log.state.request(*id).is_none()));
}

#[test]
fn garbage_is_no_row() {
    let mut state = State::default();
    for (key, value) in [
        (&b""[..], &b"{}"[..]),
        (b"h", b"{}"),
        (b"hh", b"{}"),
        (b"d", b""),
        (b"d\x09x", b"12345678{}"),
        (b"d\x03", b"12345678{}"),
        (b"d\x03x", b"1234"),
        (b"k123", b"{}"),
        (b"r123", b"{}"),
        (b"z", b""),
    ] {
        assert!(state.restore_row(key, value).is_err(), "{key:?}");
    }
    let key = DocumentKey {
        kind: DocumentKind::Link,
        id: "x".parse().unwrap(),
    };
    let row = RowKey::Document(key);
    assert_eq!(RowKey::decode(&row.encode()).unwrap(), row);
}
