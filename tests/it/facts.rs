//! Which facts are gathered, and what is remembered of gathering them.

use comity::decision::facts::ReadKey;
use comity::decision::facts::ReadSet;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::domain::registry::Revision;

use crate::golden::SCENES;
use crate::golden::Scene;

fn scene(name: &str) -> &'static Scene {
    SCENES.iter().find(|scene| scene.name == name).unwrap()
}

/// What was read, as text, with `-` for what was not there.
fn read(scene: &Scene) -> Vec<String> {
    let (_, read_set) = scene.registry.gather(&scene.request, scene.now);
    let is_there = |revision: &Option<Revision>| if revision.is_some() { "" } else { "-" };
    let entries = read_set.entries.iter();
    entries
        .filter(|(key, _)| !is_read_with_an_agreement(key))
        .map(|(key, revision)| match key {
            ReadKey::Document(DocumentKey { kind, id }) => {
                format!("{}{}/{id}", is_there(revision), kind.plural())
            }
            ReadKey::Identity(identity) => format!("{}is {identity}", is_there(revision)),
            ReadKey::Number(number) => format!("{}home of {number}", is_there(revision)),
            ReadKey::Alias(alias) => format!("{}holder of {alias}", is_there(revision)),
            ReadKey::Visitors(home) => format!("{}visitors of {home}", is_there(revision)),
            ReadKey::ServedAs(identity) => format!("{}served as {identity}", is_there(revision)),
            ReadKey::Access(found_by) => format!("{}access by {found_by:?}", is_there(revision)),
            ReadKey::MigratedProfile { user, home } => {
                format!("{}profile for {user} of {home}", is_there(revision))
            }
        })
        .collect()
}

/// Interruptions that are granted for later are looked up with every agreement.
fn is_read_with_an_agreement(key: &ReadKey) -> bool {
    matches!(key, ReadKey::Document(key) if key.kind == DocumentKind::ScheduledChange)
}

#[test]
fn interruptions_for_later_are_read_with_the_agreement() {
    let scene = scene("membership-inbound-visiting-officer");
    let (_, read_set) = scene.registry.gather(&scene.request, scene.now);
    let keys = read_set.entries.iter().map(|(key, _)| key);
    let read: Vec<String> = keys
        .filter(|key| is_read_with_an_agreement(key))
        .map(|key| format!("{key:?}"))
        .collect();
    assert_eq!(read.len(), 2, "{read:?}");
    assert!(
        read.iter().all(|key| key.contains("mc.nl.example;")),
        "{read:?}"
    );
}

#[test]
fn a_membership_update_reads_agreement_group_target_and_memberships() {
    assert_eq!(
        read(scene("membership-inbound-visiting-officer")),
        [
            "agreements/mc.nl.example",
            "users/leitstelle-1",
            "groups/sip:unfall-07@mc.de.example",
            "-memberships/unfall-07@mc.de.example;officer.114@mc.nl.example",
            "holder of sip:leitstelle@mc.de.example",
        ]
    );
}

#[test]
fn absences_are_read_too() {
    assert_eq!(
        read(scene("membership-outbound-subjects")),
        [
            "agreements/mc.de.example",
            "users/control-3",
            "users/officer-114",
            "-open-deletions/unfall-07@mc.de.example;officer-114",
            "is sip:control.3@mc.nl.example",
            "is sip:officer.114@mc.nl.example",
            "-is sip:officer.999@mc.nl.example",
        ]
    );
    assert_eq!(
        read(scene("migration-inbound-no-profile")),
        [
            "agreements/mc.nl.example",
            "links/mc.nl.example",
            "-migration-users/mc.be.example;officer.114@mc.nl.example",
            "-profile for sip:officer.114@mc.nl.example of mc.nl.example",
            "-visitors of mc.nl.example",
        ]
    );
    assert_eq!(
        read(scene("push-inbound-first")),
        [
            "agreements/mc.nl.example",
            "-ue-configurations/mc.nl.example"
        ]
    );
}

#[test]
fn a_number_is_read_with_the_system_that_it_leads_to() {
    assert_eq!(
        read(scene("membership-inbound-member-numbers")),
        [
            "systems/mc.be.example",
            "systems/mc.nl.example",
            "agreements/mc.nl.example",
            "users/leitstelle-1",
            "groups/sip:unfall-07@mc.de.example",
            "-memberships/unfall-07@mc.de.example;+31201234567",
            "-memberships/unfall-07@mc.de.example;+32212345678",
            "home of +31201234567",
            "home of +32212345678",
            "-home of +4712345678",
            "holder of sip:leitstelle@mc.de.example",
        ]
    );
}

#[test]
fn a_third_system_brings_its_agreement() {
    assert_eq!(
        read(scene("affiliation-third-system-accepted")),
        [
            "agreements/mc.be.example",
            "agreements/mc.nl.example",
            "groups/sip:unfall-07@mc.de.example",
            "-migrations/mcptt:officer.114@mc.nl.example",
            "-memberships/unfall-07@mc.de.example;officer.114@mc.nl.example",
            "-profile for sip:officer.114@mc.nl.example of mc.nl.example",
        ]
    );
}

#[test]
fn a_call_reads_the_sets_that_the_called_user_admits() {
    assert_eq!(
        read(scene("private-call-inbound-dispatchers-only")),
        [
            "agreements/mc.nl.example",
            "users/beamtin-22",
            "groups/sip:leitstellen@mc.de.example",
            "-migrations/mcptt:officer.114@mc.nl.example",
            "-memberships/leitstellen@mc.de.example;officer.114@mc.nl.example",
            "is sip:beamtin.22@mc.de.example",
            "-profile for sip:officer.114@mc.nl.example of mc.nl.example",
        ]
    );
    let without = read(scene("private-call-inbound-set-unknown"));
    assert!(without.contains(&"-groups/sip:leitstellen@mc.de.example".to_owned()));
}

#[test]
fn the_register_is_read_for_our_own_and_for_our_visitors() {
    for (case, there) in [
        ("affiliation-outbound-served-abroad", ""),
        ("affiliation-outbound-served-abroad-not-registered", "-"),
        ("affiliation-outbound-serving", ""),
        ("affiliation-outbound-serving-not-registered", "-"),
    ] {
        let entry = format!("{there}migrations/mcptt:officer.114@mc.nl.example");
        assert!(read(scene(case)).contains(&entry), "{case}");
    }
    let counted = read(scene("migration-inbound-quota"));
    assert!(counted.contains(&"visitors of mc.nl.example".to_owned()));
}

#[test]
fn facts_survive_being_written_down() {
    for scene in SCENES.iter() {
        let (facts, read_set) = scene.registry.gather(&scene.request, scene.now);
        let text = serde_json::to_string(&facts).unwrap();
        assert_eq!(facts, serde_json::from_str(&text).unwrap());
        let text = serde_json::to_string(&read_set).unwrap();
        assert_eq!(read_set, serde_json::from_str::<ReadSet>(&text).unwrap());
    }
}
