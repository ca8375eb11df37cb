use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::decision::record::PartClass as RecordClass;
use crate::decision::record::RecordPart;
use crate::decision_log::LEAF_LIMIT_BYTES;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::decision_log::OutcomeCounts;
use crate::decision_log::Part;
use crate::decision_log::PartClass;
use crate::decision_log::Payload;
use crate::decision_log::SALT_BYTES;
use crate::decision_log::StoredPart;
use crate::decision_log::verify;
use crate::domain::document::Document;
use crate::domain::lapse::Interruption;
use crate::domain::lapse::Lapse;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::Stage;
use crate::domain::obligation::Due;
use crate::domain::obligation::Duty;
use crate::domain::obligation::ObligationOutcome;
use crate::domain::obligation::Occasion;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::time::Timestamp;
use crate::store::State;
use crate::store::access::Access;
use crate::store::access::ApprovalId;
use crate::store::access::Approved;
use crate::store::access::Asked;
use crate::store::access::Bundled;
use crate::store::command::Arising;
use crate::store::command::BodyDigest;
use crate::store::command::CorrelationDigest;
use crate::store::command::Idempotency;
use crate::store::command::KeyDigest;
use crate::store::command::Person;
use crate::store::command::PersonDigest;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;
use crate::store::command::Vote;
use crate::store::command::Votes;
use crate::store::erasure::ErasureGround;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureScope;
use crate::store::erasure::ErasureStep;
use crate::store::event::DecodeError;
use crate::store::event::DocumentChange;
use crate::store::event::EncodeError;
use crate::store::event::Encoded;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::event::OverdueObligation;
use crate::store::records_read::ReadWay;
use crate::store::records_read::RecordsRead;
use crate::store::records_read::WhatRead;
use crate::store::reminder::Reminder;

const AT: i64 = 1_700_000_000_123;

fn encode(event: &Event, record: Vec<RecordPart>) -> Encoded {
    let salts = |bytes: &mut [u8]| {
        for (number, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(number % 251).unwrap();
        }
        Ok(())
    };
    event.encode(record, salts).unwrap()
}

fn put(kind: DocumentKind, json: serde_json::Value) -> DocumentChange {
    let document = Document::from_json(kind, json).unwrap();
    DocumentChange::Put(document.key().unwrap(), Arc::new(document))
}

fn user(id: &str) -> DocumentChange {
    put(
        DocumentKind::User,
        json!({"id": id, "enabled": true, "identities": {"mcptt": format!("sip:{id}@mc.nl.example")}}),
    )
}

fn group() -> DocumentChange {
    put(
        DocumentKind::Group,
        json!({
            "id": "sip:fire@mc.nl.example", "enabled": true, "interconnection": true, "services": ["mcptt"],
            "members": ["sip:jan@mc.nl.example", "sip:piet@mc.nl.example"],
            "partners": [{
                "system": "mc.de.example", "review_additions": true, "review_deletions": false,
                "members": ["sip:hans@mc.de.example"],
            }],
        }),
    )
}

fn agreement() -> DocumentChange {
    put(
        DocumentKind::Agreement,
        json!({
            "partner": "mc.de.example", "status": "active", "valid_from": "2026-01-01T00:00:00.000Z",
            "review_contact": "Inspector Jansen",
        }),
    )
}

fn event(body: EventBody) -> Event {
    Event::new(Timestamp::from_milliseconds(AT), body)
}

fn erasure() -> EventBody {
    EventBody::Erasure {
        id: ErasureId(Uuid::from_u128(9)),
        step: Box::new(ErasureStep::Asked {
            scope: ErasureScope::Records(LogIndex(3), LogIndex(5)),
            ground: ErasureGround::Unlawful,
            by: Person::from(PersonDigest::from_bytes([7; 32])).into(),
        }),
        actor: Some("Officer de Vries".to_owned()),
        reason: Some("Officer de Vries left".to_owned()),
        subjects: vec!["users/officer-de-vries".to_owned()],
    }
}

fn secrets_read() -> EventBody {
    EventBody::SecretsRead {
        key: DocumentKey {
            kind: DocumentKind::UeConfiguration,
            id: "mc.de.example".parse().unwrap(),
        },
        version: 3,
        actor: Some("Officer de Vries".to_owned()),
    }
}

fn records_read() -> EventBody {
    let found_by = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let search = RecordsRead {
        what: WhatRead {
            way: ReadWay::Search,
            index: None,
            from: Some(Timestamp::from_milliseconds(AT)),
            until: None,
            terms: found_by("partner", "mc.de.example"),
            people: found_by("user", "sip:officer.114@mc.nl.example"),
        },
        answers: 1,
        records: 12,
        covers_until: Some(Timestamp::from_milliseconds(AT + 1)),
        under: None,
    };
    let again = RecordsRead {
        what: WhatRead::record(LogIndex(7)),
        answers: 3,
        records: 3,
        covers_until: None,
        under: Some(LogIndex(9)),
    };
    EventBody::RecordsRead {
        reads: vec![search, again],
        actor: Some("Officer de Vries".to_owned()),
    }
}

fn reported(request_id: RequestId) -> EventBody {
    let held = ItemState::AtPartner {
        stage: Stage::PartnerPending,
        expires_at: None,
    };
    let refused = ItemState::Answered {
        outcome: PartnerOutcome::Reject,
        delivered: false,
    };
    EventBody::Reported {
        request_id,
        items: vec![(0, held), (1, refused)],
        changes: vec![user("piet")],
    }
}

#[expect(clippy::too_many_lines, reason = "one of each")]
fn every_kind() -> Vec<Event> {
    let counts = OutcomeCounts {
        accept: 1,
        reject: 2,
        review: 3,
    };
    let request_id = RequestId(Uuid::from_u128(7));
    let deleted = DocumentKey {
        kind: DocumentKind::User,
        id: "kees".parse().unwrap(),
    };
    [
        EventBody::Genesis {
            origin: Uuid::from_u128(1),
        },
        EventBody::DocumentsWritten {
            changes: vec![
                user("jan"),
                group(),
                agreement(),
                DocumentChange::Deleted(deleted),
            ],
            actor: Some("Officer de Vries".to_owned()),
        },
        EventBody::Submitted {
            reminders: vec![reminder(), Reminder::default()],
            request_id,
            caller: "front-end".into(),
            idempotency: Some(Idempotency {
                key: KeyDigest::of("front-end", "k"),
                body: BodyDigest::of(b"body"),
            }),
            correlation: Some(CorrelationDigest::from_bytes([7; 32])),
            items: vec![
                ItemState::Granted,
                ItemState::Pending {
                    expires_at: Some(Timestamp::from_milliseconds(AT + 5)),
                },
            ],
            changes: vec![group()],
            counts,
            bound_to: Some("mc.nl.example".parse().unwrap()),
            reduces: None,
            adds: None,
            access: Some(Box::new(asked(request_id))),
        },
        responded(request_id),
        reported(request_id),
        withdrawn(request_id),
        revoked(request_id),
        EventBody::Acknowledged {
            request_id,
            version: 3,
        },
        EventBody::Expired {
            request_id,
            items: vec![1],
        },
        EventBody::Reminded {
            request_id,
            items: vec![1],
            escalated: [("shift-leader".parse().unwrap(), vec![0, 1])].into(),
        },
        EventBody::DryRuns {
            caller: "front-end".into(),
            minute: Timestamp::from_milliseconds(AT),
            counts,
        },
        secrets_read(),
        records_read(),
        erasure(),
    ]
    .map(event)
    .into_iter()
    .chain(publications())
    .chain([interrupting(), obliging(), ending(request_id)])
    .chain(obligations(request_id))
    .collect()
}

fn asked(task: RequestId) -> Access {
    Access::Approval(Asked {
        task,
        bundled: Some(Bundled {
            number: 0,
            evaluations: vec![RequestId(Uuid::from_u128(4)), task],
        }),
        evaluation: RequestId(Uuid::from_u128(4)),
        scope: ScopeDigest::from_bytes([3; 32]),
        thing: Some(ScopeDigest::from_bytes([4; 32])),
        lasts: 9,
        handle_until: Some(Timestamp::from_milliseconds(AT + 99)),
        wanted_until: Some(Timestamp::from_milliseconds(AT + 8)),
        approval: None,
        callback: true,
    })
}

fn ending(request_id: RequestId) -> Event {
    let body = EventBody::Revoked {
        request_id,
        submitter: "front-end".into(),
        items: vec![1],
        changes: Vec::new(),
        ended: false,
    };
    Event {
        ends: vec![ScopeDigest::from_bytes([5; 32])],
        ..event(body)
    }
}

fn withdrawn(request_id: RequestId) -> EventBody {
    EventBody::Withdrawn {
        request_id,
        items: vec![0, 2],
        changes: vec![user("piet")],
    }
}

fn reminder() -> Reminder {
    let role = |role: &str| role.parse().unwrap();
    let at = |later| Timestamp::from_milliseconds(AT + later);
    Reminder {
        items: [0, 1].into(),
        every: Some(60_000),
        next: Some(at(60_000)),
        escalate: [(role("security-officer"), at(9))].into(),
        reminded_at: Some(at(0)),
        escalated: [(role("shift-leader"), at(1))].into(),
    }
}

fn revoked(request_id: RequestId) -> EventBody {
    EventBody::Revoked {
        request_id,
        submitter: "front-end".into(),
        items: vec![1],
        ended: false,
        changes: vec![user("piet")],
    }
}

/// One item is settled, another waits on with one more approval.
fn responded(request_id: RequestId) -> EventBody {
    EventBody::Responded {
        reminders: vec![reminder()],
        request_id,
        items: vec![
            (
                0,
                ItemState::Pending {
                    expires_at: Some(Timestamp::from_milliseconds(AT + 5)),
                },
            ),
            (1, ItemState::Refused),
        ],
        votes: Some(Votes {
            person: PersonDigest::from_bytes([9; 32]),
            also: [PersonDigest::from_bytes([8; 32])].into(),
            lapsed: vec![(0, PersonDigest::from_bytes([7; 32]))],
            items: vec![(
                0,
                Vote::Approval {
                    roles: ["duty-officer".parse().unwrap()].into(),
                },
            )],
        }),
        approval: Some(Approved {
            id: ApprovalId(Uuid::from_u128(5)),
            at: Timestamp::from_milliseconds(AT),
            until: Timestamp::from_milliseconds(AT + 9),
        }),
        changes: vec![user("piet")],
    }
}

fn publications() -> [Event; 2] {
    [
        EventBody::Published {
            digest: "sha256:00".to_owned(),
            generation: 3,
            actor: Some("Officer de Vries".to_owned()),
            summary: Some("a rule for Jan".to_owned()),
        },
        EventBody::PublicationRefused {
            digest: "sha256:01".to_owned(),
            summary: Some("unknown entity `jan`".to_owned()),
        },
    ]
    .map(event)
}

/// An event that obliges to something, at once and perhaps later.
fn obliging() -> Event {
    let arising = |occasion, due, of| Arising {
        request_id: RequestId(Uuid::from_u128(7)),
        occasion,
        duty: duty(),
        due,
        of,
    };
    let at = Due::At(Timestamp::from_milliseconds(AT + 5));
    let obligations = vec![
        arising(Occasion::Grant, at, vec![(Some(0), 0), (None, 1)]),
        arising(Occasion::PartnerRefused, Due::Within(9), vec![(Some(0), 0)]),
    ];
    let body = EventBody::Expired {
        request_id: RequestId(Uuid::from_u128(7)),
        items: vec![1],
    };
    Event {
        obligations,
        ..event(body)
    }
}

fn duty() -> Duty {
    Duty {
        name: "deliver-group-keys".to_owned(),
        system: Some("mc.nl.example".parse().unwrap()),
        function: "KMS".to_owned(),
        partner: None,
    }
}

fn obligations(request_id: RequestId) -> [Event; 2] {
    [
        EventBody::ObligationNoted {
            request_id,
            obligation: "0-accepted-1".parse().unwrap(),
            duty: duty(),
            outcome: ObligationOutcome::Failed,
            by: "front-end".into(),
        },
        EventBody::ObligationsOverdue {
            obligations: vec![OverdueObligation {
                request_id,
                obligation: "r-0".parse().unwrap(),
                duty: duty(),
                due_at: Timestamp::from_milliseconds(AT),
            }],
        },
    ]
    .map(event)
}

/// An event that refuses what waits under two agreements.
fn interrupting() -> Event {
    let partner = |name: &str| name.parse().unwrap();
    let interrupted = vec![
        Interruption {
            partner: partner("mc.nl.example"),
            lapse: Lapse::Suspended,
            at_partner: true,
            revokes: true,
        },
        Interruption {
            partner: partner("mc.be.example"),
            lapse: Lapse::Ended,
            at_partner: false,
            revokes: false,
        },
    ];
    let body = EventBody::DocumentsWritten {
        changes: Vec::new(),
        actor: None,
    };
    Event {
        interrupted,
        ..event(body)
    }
}

/// What was written before there were interruptions says nothing of them, and is read.
#[test]
fn an_entry_without_interruptions_is_written_as_it_always_was() {
    let submitted = event(EventBody::Submitted {
        reminders: Vec::new(),
        request_id: RequestId(Uuid::from_u128(7)),
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
    });
    let encoded = encode(&submitted, Vec::new());
    let state = encoded.payload.parts()[0].present().unwrap();
    let text = str::from_utf8(&state.body).unwrap();
    assert!(
        !text.contains("bound_to")
            && !text.contains("interrupted")
            && !text.contains("obligations"),
        "{text}"
    );
}

fn erased(payload: Payload) -> Payload {
    let parts = payload.into_parts();
    Payload::new(parts.into_iter().map(StoredPart::erased).collect()).unwrap()
}

#[test]
fn every_event_comes_back_as_it_was_written() {
    let record = vec![
        RecordPart {
            class: RecordClass::State,
            body: b"{}".to_vec(),
        },
        RecordPart {
            class: RecordClass::Personal("sip:jan@mc.nl.example".to_owned()),
            body: b"{\"who\":1}".to_vec(),
        },
    ];
    for event in every_kind() {
        let encoded = encode(&event, record.clone());
        verify(&encoded.leaf, &encoded.payload).unwrap();
        assert_eq!(encoded.leaf.outcomes(), event.body.counts());
        assert_eq!(encoded.leaf.time().as_millisecond(), AT);
        let payload = Payload::parse(&encoded.payload.encode()).unwrap();
        let stored = Event::decode(payload).unwrap();
        assert_eq!(stored.event, event);
        let bodies: Vec<_> = stored
            .record
            .iter()
            .map(|part| part.present().unwrap().body.clone())
            .collect();
        assert_eq!(bodies, [b"{}".to_vec(), b"{\"who\":1}".to_vec()]);
    }
}

#[test]
fn leaf_and_state_parts_name_nobody() {
    for event in every_kind() {
        let encoded = encode(&event, Vec::new());
        let mut open = encoded.leaf.to_string();
        assert!(open.len() < LEAF_LIMIT_BYTES);
        for part in encoded.payload.parts() {
            let part = part.present().unwrap();
            if part.class == PartClass::State {
                open.push_str(str::from_utf8(&part.body).unwrap());
            }
        }
        for name in ["jan", "piet", "hans", "kees", "Jansen", "Vries", "rule"] {
            assert!(!open.contains(name), "{name} in {open}");
        }
    }
}

#[test]
fn every_person_has_a_part_under_their_own_key() {
    let event = event(EventBody::DocumentsWritten {
        changes: vec![user("jan"), group()],
        actor: None,
    });
    let mut subjects: Vec<String> = encode(&event, Vec::new())
        .payload
        .into_parts()
        .into_iter()
        .filter_map(|part| match part.present()?.class.clone() {
            PartClass::Personal { subject_key } => Some(subject_key),
            PartClass::State => None,
        })
        .collect();
    subjects.sort();
    assert_eq!(
        subjects,
        [
            "sip:hans@mc.de.example",
            "sip:jan@mc.nl.example",
            "sip:piet@mc.nl.example",
            "users/jan"
        ]
    );
}

#[test]
fn erased_events_lead_to_the_state_that_erasing_leads_to() {
    let mut events = every_kind();
    // What is erased was deleted before: users, and members of groups.
    events.push(event(EventBody::DocumentsWritten {
        changes: ["jan", "piet"]
            .map(|id| {
                DocumentChange::Deleted(DocumentKey {
                    kind: DocumentKind::User,
                    id: id.parse().unwrap(),
                })
            })
            .to_vec(),
        actor: Some("Officer de Vries".to_owned()),
    }));
    let DocumentChange::Put(key, _) = group() else {
        panic!("the group is put");
    };
    events.push(event(EventBody::DocumentsWritten {
        changes: vec![
            DocumentChange::Deleted(key),
            DocumentChange::Deleted(agreement().key().clone()),
        ],
        actor: None,
    }));
    let (mut whole, mut without) = (State::default(), State::default());
    for (index, event) in (0..).map(LogIndex).zip(&events) {
        whole.apply(event, index);
        let payload = erased(encode(event, Vec::new()).payload);
        without.apply(&Event::decode(payload).unwrap().event, index);
    }
    assert!(whole.applied().0 > 0 && whole.request(RequestId(Uuid::from_u128(7))).is_some());
    assert_eq!(whole, without);
}

#[test]
fn erasing_one_member_leaves_the_others() {
    let written = event(EventBody::DocumentsWritten {
        changes: vec![group()],
        actor: None,
    });
    let parts = encode(&written, Vec::new()).payload.into_parts();
    let parts = parts.into_iter().map(|part| match part.present() {
        Some(present)
            if matches!(&present.class, PartClass::Personal { subject_key } if subject_key.contains("jan")) =>
        {
            part.erased()
        }
        _ => part,
    });
    let stored = Event::decode(Payload::new(parts.collect()).unwrap()).unwrap();
    let EventBody::DocumentsWritten { changes, .. } = stored.event.body else {
        panic!("another event");
    };
    let [DocumentChange::Put(_, document)] = changes.as_slice() else {
        panic!("the group is gone");
    };
    let Document::Group(group) = document.as_ref() else {
        panic!("another document");
    };
    assert_eq!(group.members.len(), 1);
    assert_eq!(group.partners[0].members.len(), 1);
}

#[test]
fn what_is_no_event_is_refused() {
    let decode = |payload: Payload| Event::decode(payload).unwrap_err();
    let empty = Payload::of([]).unwrap();
    assert!(matches!(decode(empty), DecodeError::NoState));
    let genesis = every_kind().remove(0);
    let mut parts = encode(&genesis, Vec::new()).payload.into_parts();
    let StoredPart::Present(mut part) = parts.remove(0) else {
        panic!("erased");
    };
    part.body = str::from_utf8(&part.body)
        .unwrap()
        .replace("\"v\":1", "\"v\":2")
        .into_bytes();
    let newer = Payload::of([part.clone()]).unwrap();
    assert!(matches!(
        decode(newer),
        DecodeError::UnknownVersion { version: 2 }
    ));
    part.body.truncate(5);
    assert!(matches!(
        decode(Payload::of([part]).unwrap()),
        DecodeError::Json(_)
    ));
}

#[test]
fn what_was_written_before_there_were_reports_is_read_still() {
    let items = r#"[{"state":"granted"},{"state":"pending","expires_at":null}]"#;
    let id = "00000000-0000-0000-0000-000000000007";
    for (event, kind) in [
        (
            format!(
                r#"{{"submitted":{{"request":"{id}","caller":"c","items":{items},"counts":{{"accept":1,"reject":0,"review":1}}}}}}"#
            ),
            LeafKind::Request,
        ),
        (
            format!(r#"{{"responded":{{"request":"{id}","items":[[1,{{"state":"granted"}}]]}}}}"#),
            LeafKind::Review,
        ),
    ] {
        let body =
            format!(r#"{{"v":1,"at":"2026-03-01T12:00:00.123Z","details":0,"event":{event}}}"#);
        let part = Part {
            class: PartClass::State,
            salt: [0; SALT_BYTES],
            body: body.clone().into_bytes(),
        };
        let stored = Event::decode(Payload::of([part]).unwrap()).unwrap();
        assert_eq!(stored.event.body.kind(), kind, "{body}");
        assert_eq!(stored.event.body.counts().accept, 1);
    }
}

#[test]
fn an_event_before_1970_or_without_salts_is_refused() {
    let mut early = every_kind().remove(0);
    let no_salts = early.encode(Vec::new(), |_| Err(EncodeError::Salts("dry".to_owned())));
    assert!(matches!(no_salts, Err(EncodeError::Salts(_))));
    early.at = Timestamp::from_milliseconds(-1);
    let result = early.encode(Vec::new(), |_| Ok(()));
    assert!(matches!(result, Err(EncodeError::Leaf(_))));
}

#[test]
fn kinds_are_those_of_the_log() {
    let kinds: Vec<LeafKind> = every_kind().iter().map(|event| event.body.kind()).collect();
    assert_eq!(
        kinds,
        [
            LeafKind::Genesis,
            LeafKind::Registry,
            LeafKind::Request,
            LeafKind::Review,
            LeafKind::Report,
            LeafKind::Withdrawal,
            LeafKind::Revocation,
            LeafKind::Acknowledgement,
            LeafKind::Expiry,
            LeafKind::Reminder,
            LeafKind::DryRunSummary,
            LeafKind::Administrative,
            LeafKind::Administrative,
            LeafKind::Administrative,
            LeafKind::Publication,
            LeafKind::Refusal,
            LeafKind::Registry,
            LeafKind::Expiry,
            LeafKind::Revocation,
            LeafKind::Obligation,
            LeafKind::Obligation,
        ]
    );
}
