//! Records: written in parts, read from them, decided again.

use comity::decision::decide::selection;
use comity::decision::entities::KnownEntities;
use comity::decision::facts::Facts;
use comity::decision::record::BundleReference;
use comity::decision::record::DecisionRecord;
use comity::decision::record::ENGINE_VERSION;
use comity::decision::record::FORMAT_VERSION;
use comity::decision::record::PartClass;
use comity::decision::record::RecordError;
use comity::decision::record::RecordPart;
use comity::decision::record::StatePart;
use comity::decision::record::differences;
use comity::decision::record::replay;
use comity::decision::record::replay_knowing;
use comity::domain::document::Document;
use comity::domain::outcome::Outcome;
use comity::domain::request::OperationBody;
use comity::domain::request::PushedConfiguration;
use comity::domain::ue_configuration::UeConfigurationData;
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::front::records::schema::RecordSchema;
use crate::golden::SCENES;
use crate::golden::Scene;
use crate::golden::engine_of;

fn record(scene: &Scene) -> DecisionRecord {
    let (facts, _) = scene.registry.gather(&scene.request, scene.now);
    let items = scene.decide(engine_of(scene));
    DecisionRecord {
        selection: selection(&scene.request, &facts, &items),
        version: FORMAT_VERSION,
        request_id: Uuid::from_u128(0x0123_4567_89ab_4def_8123_4567_89ab_cdef),
        request: scene.request.clone(),
        facts,
        now: scene.now,
        caller: "acms".to_owned(),
        bundle: BundleReference {
            digest: engine_of(scene).bundle().digest().to_string(),
            generation: 3,
        },
        engine_version: ENGINE_VERSION.to_owned(),
        items,
    }
}

#[test]
fn parts_make_the_record_again_in_any_order() {
    for scene in SCENES.iter() {
        let record = record(scene);
        let mut parts = record.clone().into_parts().unwrap();
        assert_eq!(parts[0].class, PartClass::State);
        assert_eq!(DecisionRecord::from_parts(&parts).unwrap(), record);
        parts.reverse();
        assert_eq!(
            DecisionRecord::from_parts(&parts).unwrap(),
            record,
            "{}",
            scene.name
        );
    }
}

#[test]
fn a_record_decided_again_is_the_same() {
    for scene in SCENES.iter() {
        let parts = record(scene).into_parts().unwrap();
        let record = DecisionRecord::from_parts(&parts).unwrap();
        let replayed = replay(&record, engine_of(scene));
        assert_eq!(differences(&record.items, &replayed), [], "{}", scene.name);
    }
}

#[test]
fn what_was_built_for_other_records_makes_no_difference() {
    // The scenes speak of the same partners and groups with other contents, so that a name alone would mislead.
    let known = KnownEntities::default();
    for scene in SCENES.iter().chain(SCENES.iter().rev()) {
        let record = record(scene);
        let replayed = replay_knowing(&record, engine_of(scene), &known);
        assert_eq!(replayed, record.items, "{}", scene.name);
    }
}

#[test]
fn what_people_were_told_is_in_the_record_and_decided_again() {
    let scene = scene("deletion-inbound-held");
    let mut record = record(scene);
    let item = &mut record.items[0];
    assert!(item.partner_text.is_some() && !item.notes.is_empty());
    item.partner_text = Some("Something else.".to_owned());
    item.notes.clear();
    let parts = record.clone().into_parts().unwrap();
    let read = DecisionRecord::from_parts(&parts).unwrap();
    let differences = differences(&read.items, &replay(&read, engine_of(scene)));
    let members: Vec<_> = differences.iter().map(|it| it.member).collect();
    assert_eq!(members, ["partner_text", "notes"]);
}

#[test]
fn differences_are_named() {
    let scene = &SCENES[0];
    let recorded = record(scene).items;
    let mut replayed = recorded.clone();
    replayed[0].outcome = match recorded[0].outcome {
        Outcome::Accept => Outcome::Reject,
        Outcome::Reject | Outcome::Review => Outcome::Accept,
    };
    replayed[0].categories.push("other".to_owned());
    let named: Vec<_> = differences(&recorded, &replayed)
        .iter()
        .map(|difference| (difference.item, difference.member))
        .collect();
    assert_eq!(named, [(0, "outcome"), (0, "categories")]);
    assert_eq!(differences(&recorded, &[])[0].member, "items");
}

/// Every text by which the request or a document about a person could tell whom the record is about.
fn personal(scene: &Scene) -> Vec<String> {
    let mut texts = vec![scene.request.correlation_id.clone()];
    texts.extend(scene.request.justification.clone());
    let json = serde_json::to_value(&scene.request).unwrap();
    let body = &json["body"];
    for pointer in [
        "/requester/mc_service_id",
        "/requester/functional_alias",
        "/requester/organisation",
        "/target/mc_service_id",
        "/target/functional_alias",
        "/user",
        "/serving_mc_service_id",
        "/ue",
        "/token/verified/token_id_hash",
        "/token/verified/client_id",
        "/sip_private_identity",
        "/sip_public_identity",
        "/location/fix/measured_at",
    ] {
        texts.extend(
            body.pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned),
        );
    }
    for member in body["members"].as_array().into_iter().flatten() {
        texts.push(member.as_str().unwrap().to_owned());
    }
    for document in scene.registry.documents.values() {
        match document.value.as_ref() {
            Document::User(user) => {
                texts.push(user.id.to_string());
                texts.extend(user.identities.iter().map(|(_, id)| id.to_string()));
                texts.extend(user.functional_aliases.iter().map(ToString::to_string));
            }
            Document::Group(group) => {
                let foreign = group.partners.iter().flat_map(|partner| &partner.members);
                texts.extend(group.members.iter().chain(foreign).map(ToString::to_string));
            }
            // A general profile may be named by an agreement, which is nobody's.
            Document::MigratedProfile(profile) if profile.user.is_none() => {}
            Document::MigratedProfile(profile) => texts.push(profile.id.to_string()),
            Document::Agreement(agreement) => texts.extend(agreement.review_contact.clone()),
            Document::Migration(migration) => {
                texts.extend(
                    migration
                        .serving_mc_service_id
                        .as_ref()
                        .map(ToString::to_string),
                );
            }
            Document::OpenDeletion(deletion) => texts.push(deletion.person.to_string()),
            Document::AccessGrant(grant) => texts.push(grant.user.to_string()),
            Document::HomeRefusal(refusal) => texts.push(refusal.user.to_string()),
            Document::Membership(membership) => texts.push(membership.member.to_string()),
            Document::MigrationUser(listed) => texts.push(listed.user.to_string()),
            Document::System(_)
            | Document::ScheduledChange(_)
            | Document::SharedGroup(_)
            | Document::GroupOverride(_)
            | Document::Link(_)
            | Document::UeConfiguration(_)
            | Document::ResponseSettings(_)
            | Document::AreaMap(_)
            | Document::PartnerKeys(_) => {}
        }
    }
    texts
}

#[test]
fn the_part_that_is_nobodys_names_nobody() {
    for scene in SCENES.iter() {
        let parts = record(scene).into_parts().unwrap();
        for part in parts.iter().filter(|part| part.class == PartClass::State) {
            let body = String::from_utf8(part.body.clone()).unwrap();
            for text in personal(scene) {
                assert!(!body.contains(&text), "{}: `{text}` in {body}", scene.name);
            }
        }
    }
}

#[test]
fn a_persons_parts_name_nobody_else() {
    let scene = scene("membership-inbound-bulk");
    let parts = record(scene).into_parts().unwrap();
    let other = "sip:officer.2@mc.nl.example";
    for part in &parts {
        let body = String::from_utf8(part.body.clone()).unwrap();
        let is_theirs = part.class == PartClass::Personal(other.to_owned());
        assert_eq!(body.contains(&format!("\"{other}\"")), is_theirs, "{body}");
    }
}

#[test]
fn the_parties_to_a_call_are_in_parts_of_their_own() {
    for (case, asked) in [
        (
            "private-call-inbound-dispatchers-only",
            "sip:beamtin.22@mc.de.example",
        ),
        (
            "private-call-outbound-accepted",
            "sip:beamter.21@mc.de.example",
        ),
        (
            "data-transaction-inbound-accepted",
            "sip:data.21@mc.de.example",
        ),
        ("logging-outbound-accepted", "sip:officer.114@mc.nl.example"),
    ] {
        let parts = record(scene(case)).into_parts().unwrap();
        let theirs = PartClass::Personal(asked.to_owned());
        assert!(parts.iter().any(|part| part.class == theirs), "{case}");
        for part in &parts {
            let body = String::from_utf8(part.body.clone()).unwrap();
            assert_eq!(body.contains(asked), part.class == theirs, "{case}: {body}");
            // The lists of whom somebody may call, or be called by, never leave the registry.
            assert!(!body.contains("kapitein.1"), "{case}: {body}");
            assert!(!body.contains("leitstellen"), "{case}: {body}");
        }
    }
}

#[test]
fn an_erased_part_leaves_the_state_and_no_record() {
    for scene in SCENES.iter() {
        let parts = record(scene).into_parts().unwrap();
        for erased in 1..parts.len().min(5) {
            let mut left = parts.clone();
            left.remove(erased);
            assert!(
                matches!(
                    DecisionRecord::from_parts(&left),
                    Err(RecordError::Incomplete(_))
                ),
                "{} without {:?}",
                scene.name,
                parts[erased].class
            );
            let state = StatePart::from_parts(&left).unwrap();
            assert_eq!(state.operation.operation, scene.request.body.operation());
        }
        assert!(DecisionRecord::from_parts(&parts[1..]).is_err());
    }
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let parts = record(&SCENES[0]).into_parts().unwrap();
    for twice in 0..parts.len() {
        let mut doubled = parts.clone();
        doubled.push(parts[twice].clone());
        assert!(
            matches!(
                DecisionRecord::from_parts(&doubled),
                Err(RecordError::Contradiction(_))
            ),
            "{:?}",
            parts[twice].class
        );
    }
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let mut parts = record(&SCENES[0]).into_parts().unwrap();
    let mut state: Value = serde_json::from_slice(&parts[0].body).unwrap();
    state["version"] = (FORMAT_VERSION + 1).into();
    state["novelty"] = true.into();
    parts[0].body = serde_json::to_vec(&state).unwrap();
    assert!(matches!(
        DecisionRecord::from_parts(&parts),
        Err(RecordError::Newer(version)) if version == FORMAT_VERSION + 1
    ));
}

#[test]
fn configuration_in_clear_is_never_written_and_counts_as_changed() {
    let mut scene = scene("push-inbound-unchanged").clone();
    let OperationBody::UeConfigurationPush(push) = &mut scene.request.body else {
        panic!("another operation");
    };
    let clear: UeConfigurationData = serde_json::from_value(serde_json::json!({
        "mc_system_id": "mc.nl.example",
        "pdn_connectivity": [],
        "servers": { "idms": "i", "gms": "g", "cms": "c", "kms": "k" }
    }))
    .unwrap();
    push.configuration = PushedConfiguration::Clear(Box::new(clear));
    let record = record(&scene);
    assert_eq!(record.items[0].outcome, Outcome::Review);
    assert!(matches!(record.into_parts(), Err(RecordError::NotSealed)));
}

fn scene(name: &str) -> &'static Scene {
    SCENES.iter().find(|scene| scene.name == name).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_people_and_any_words_survive_the_parts(
        scene in any::<prop::sample::Index>(),
        users in prop::collection::vec("[a-z]{1,4}", 0..8),
        words in prop::array::uniform3(".{0,20}"),
        subjects_kept in 0_usize..10,
    ) {
        let mut scene = scene.get(&SCENES[..]).clone();
        scene.request.correlation_id = words[0].clone();
        scene.request.justification = Some(words[1].clone());
        if let OperationBody::GroupMembershipUpdate(update) = &mut scene.request.body {
            update.requester.organisation = Some(words[2].clone());
            update.members = users
                .iter()
                .map(|user| format!("sip:{user}@mc.nl.example").parse().unwrap())
                .collect();
        }
        let mut record = record(&scene);
        truncate(&mut record.facts, subjects_kept);
        let parts: Vec<RecordPart> = record.clone().into_parts().unwrap();
        prop_assert_eq!(DecisionRecord::from_parts(&parts).unwrap(), record);
    }
}

/// Facts may lack subjects; the record keeps what there was.
fn truncate(facts: &mut Facts, kept: usize) {
    facts.subjects.truncate(kept);
}

#[test]
fn every_part_of_a_decision_fits_the_schema() {
    let schema = RecordSchema::of_version(u64::from(FORMAT_VERSION));
    for scene in SCENES.iter() {
        for part in record(scene).into_parts().unwrap() {
            let body: Value = serde_json::from_slice(&part.body).unwrap();
            if let Some(problem) = schema.problem_of_part(&part.class, &body) {
                panic!("{problem}\n{body:#}");
            }
        }
    }
}
