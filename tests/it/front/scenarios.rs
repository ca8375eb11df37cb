//! Every scenario through the front door: its registry imported, its request posted at its time.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use comity::app::clock::WallClock;
use comity::app::coherence::check_registry;
use comity::decision::decide::ItemDecision;
use comity::domain::outcome::Outcome;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::domain::time::Timestamp;
use comity::workbench::scenario::Responses;
use comity::workbench::scenario::compare::differences;
use comity::workbench::scenario::suite::manifest_with;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::TestService;
use super::support::approval;
use super::support::send;
use crate::golden::SCENES;
use crate::golden::Scene;

/// Scenarios of requests that no front-end may post: they are decided from records alone.
const NOT_POSTED_MAX: usize = 12;

/// What requests write by themselves.
const WRITTEN_BY_REQUESTS: [DocumentKind; 12] = [
    DocumentKind::Group,
    DocumentKind::Agreement,
    DocumentKind::AccessGrant,
    DocumentKind::Migration,
    DocumentKind::OpenDeletion,
    DocumentKind::UeConfiguration,
    DocumentKind::ResponseSettings,
    DocumentKind::HomeRefusal,
    DocumentKind::Membership,
    DocumentKind::MigrationUser,
    DocumentKind::ScheduledChange,
    DocumentKind::SharedGroup,
];

/// A clock that stands until it is set.
#[derive(Clone)]
struct SetClock(Arc<AtomicI64>);

impl SetClock {
    fn set(&self, to: Timestamp) {
        self.0.store(to.as_milliseconds(), Ordering::SeqCst);
    }
}

impl WallClock for SetClock {
    fn wall_milliseconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn steady_milliseconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// One system under one set of responses, with the documents that it has now.
struct House {
    service: TestService,
    clock: SetClock,
    documents: BTreeMap<DocumentKey, Value>,
    /// Configuration that was pushed and approved: what was pushed, and what is stored of it.
    pushed: BTreeMap<DocumentKey, (Value, Value)>,
}

/// Documents that only decisions write; a registry of a scenario may have them.
const NEVER_BY_HAND: &str = "never by hand";

#[test]
fn every_scenario_rests_on_a_registry_that_a_service_could_hold() {
    let mut wrong = Vec::new();
    for scene in SCENES.iter().flat_map(Scene::decisions) {
        let documents = scene.registry.documents.iter();
        let documents: Vec<_> = documents
            .map(|(key, found)| (key.clone(), found.value.as_ref().clone()))
            .collect();
        let problems = check_registry(&scene.registry.local, &documents);
        for (key, problem) in problems {
            if !problem.detail.contains(NEVER_BY_HAND) {
                wrong.push(format!("{}: {key}: {}", scene.name, problem.detail));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stdout,
    reason = "how many scenarios cannot be posted is told to whoever runs the test"
)]
async fn scenarios_come_out_the_same_through_the_front_door() {
    let mut groups: BTreeMap<(String, Responses, Option<&str>), Vec<&Scene>> = BTreeMap::new();
    let mut not_posted = Vec::new();
    for scene in SCENES.iter() {
        // What a token vouches for is never posted, only a token.
        if scene.posted.is_none() && scene.request.body.elements().credential().is_some() {
            continue;
        }
        if scene.posted.is_none() {
            not_posted.push(&scene.name);
            continue;
        }
        // Time went on while a request waited, so that it has a house of its own.
        let mut responses = scene.responses.clone();
        let mut alone = None;
        if let Some(before) = &scene.before {
            if before.responses != scene.responses {
                // Policies that change in between are in `reviews`.
                continue;
            }
            responses = before.responses.clone();
            alone = Some(scene.name.as_str());
        }
        let group = (scene.registry.local.to_string(), responses, alone);
        groups.entry(group).or_default().push(scene);
    }
    let mut not_written = Vec::new();
    let mut wrong = Vec::new();
    for ((local, responses, _), mut scenes) in groups {
        // Time does not run backwards.
        scenes.sort_by_key(|scene| scene.now);
        let first = scenes[0].before.as_deref().unwrap_or(scenes[0]);
        let mut house = House::open(&local, &responses, first.now).await;
        for scene in scenes {
            if let Some(before) = scene.before.as_deref() {
                wrong.extend(house.approved(before, scene).await);
                continue;
            }
            house.clock.set(scene.now);
            match house.furnish(scene).await {
                Ok(()) => wrong.extend(house.differences(scene).await),
                Err(problem) => not_written.push(format!("{}: {problem}", scene.name)),
            }
        }
        house.service.stop().await;
    }
    println!("{} not posted: {not_posted:?}", not_posted.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(not_posted.len() <= NOT_POSTED_MAX, "{not_posted:?}");
    assert!(not_written.is_empty(), "{not_written:#?}");
}

impl House {
    async fn open(local: &str, responses: &Responses, now: Timestamp) -> Self {
        let clock = SetClock(Arc::new(AtomicI64::new(now.as_milliseconds())));
        let change = |settings: &mut comity::cli::service::ServiceSettings| {
            settings.system = local.parse().unwrap();
            let manifest = settings.policies.join("bundle.toml");
            let text = fs::read_to_string(&manifest).unwrap();
            if let Some(switched) = manifest_with(&text, responses) {
                fs::write(&manifest, format!("{switched}\n# end\n")).unwrap();
            }
        };
        Self {
            service: TestService::start_empty_by(Box::new(clock.clone()), change).await,
            clock,
            documents: BTreeMap::new(),
            pushed: BTreeMap::new(),
        }
    }

    /// Brings the registry to what the scenario says; tells why it cannot be written.
    async fn furnish(&mut self, scene: &Scene) -> Result<(), String> {
        let wanted: BTreeMap<DocumentKey, Value> = scene
            .registry
            .documents
            .iter()
            .filter(|(key, _)| key.kind != DocumentKind::UeConfiguration)
            .map(|(key, document)| (key.clone(), document.value.to_json().unwrap()))
            .collect();
        if let Some(key) = pushed_only_as_digests(scene) {
            return Err(format!("`{key}` is not in clear"));
        }
        self.look_again().await;
        let further: Vec<DocumentKey> = self.documents.keys().cloned().collect();
        for key in further {
            if !wanted.contains_key(&key) && !self.is_as_pushed(&key, scene) {
                self.delete(&key).await;
            }
        }
        self.push(scene, &wanted).await?;
        self.import(&wanted).await
    }

    /// Whether a document is what a push of the scenario's configuration leaves.
    fn is_as_pushed(&self, key: &DocumentKey, scene: &Scene) -> bool {
        let wanted = scene.registry.in_clear.get(key);
        let pushed = self.pushed.get(key);
        wanted.zip(pushed).is_some_and(|(data, (clear, stored))| {
            json!(data) == *clear && self.documents.get(key) == Some(stored)
        })
    }

    async fn import(&mut self, wanted: &BTreeMap<DocumentKey, Value>) -> Result<(), String> {
        let changed: Vec<_> = wanted
            .iter()
            .filter(|(key, document)| self.documents.get(*key) != Some(*document))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let body = changed
            .iter()
            .map(|(key, document)| json!({ "kind": key.kind, "document": document }))
            .collect();
        let answer = self.service.post("/v1/import", "operator", &body).await;
        if answer.status != 200 {
            return Err(answer.text);
        }
        for (key, document) in changed {
            self.documents.insert(key.clone(), document.clone());
        }
        Ok(())
    }

    /// What the scenario has of pushed configuration, pushed and approved while the agreement is as it should be.
    async fn push(
        &mut self,
        scene: &Scene,
        wanted: &BTreeMap<DocumentKey, Value>,
    ) -> Result<(), String> {
        for (key, data) in &scene.registry.in_clear {
            if self.is_as_pushed(key, scene) {
                continue;
            }
            let agreement = DocumentKey {
                kind: DocumentKind::Agreement,
                id: key.id.clone(),
            };
            let Some(document) = wanted.get(&agreement) else {
                return Err(format!("`{key}` without an agreement to push it under"));
            };
            let mut open = document.clone();
            open["status"] = json!("active");
            open["valid_from"] = json!("2000-01-01T00:00:00.000Z");
            open["acm"]["configuration_push"] = json!(true);
            if let Some(members) = open.as_object_mut() {
                members.shift_remove("valid_until");
            }
            let local = &scene.registry.local;
            let reviewer = DocumentKey {
                kind: DocumentKind::User,
                id: "first-push-reviewer".parse().unwrap(),
            };
            let identity = format!("sip:first.push.reviewer@{local}");
            let user = json!({
                "id": reviewer.id, "identities": { "mcptt": identity }, "enabled": true,
                "acm_operations": ["ue-configuration-push"]
            });
            let needed = [(agreement, open.clone()), (reviewer.clone(), user)];
            self.import(&BTreeMap::from(needed)).await?;
            let push = json!({
                "operation": "ue-configuration-push", "direction": "inbound",
                "correlation_id": "first-push",
                "peer": { "system": key.id, "certificate": open["certificates"][0] },
                "requesting_system": key.id, "receiving_system": local,
                "requester": { "mc_service_id": format!("sip:first.push@{}", key.id) },
                "mc_system_id": key.id, "configuration": data
            });
            let path = self.service.submit_held(&push).await;
            let mut approval = approval();
            approval["reviewer"] = identity.into();
            let answered = self.service.respond(&path, &approval).await;
            assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
            self.delete(&reviewer).await;
            self.look_again().await;
            let stored = self.documents[key].clone();
            self.pushed.insert(key.clone(), (json!(data), stored));
        }
        Ok(())
    }

    /// Sees what requests have written.
    async fn look_again(&mut self) {
        self.documents
            .retain(|key, _| !WRITTEN_BY_REQUESTS.contains(&key.kind));
        for kind in WRITTEN_BY_REQUESTS {
            let path = format!("/v1/{}?limit=1000", kind.plural());
            let listed = self.service.get(&path, "operator").await;
            for entry in listed.body["documents"].as_array().unwrap() {
                let id = entry["id"].as_str().unwrap().parse().unwrap();
                let key = DocumentKey { kind, id };
                self.documents.insert(key, entry["document"].clone());
            }
        }
    }

    async fn delete(&mut self, key: &DocumentKey) {
        let id = key.id.as_str().replace('%', "%25").replace(';', "%3B");
        let path = format!("/v1/{}/{}", key.kind.plural(), id.replace('+', "%2B"));
        let found = self.service.get(&path, "operator").await;
        assert_eq!(found.status, 200, "{key}: {}", found.text);
        let call = self.service.call(Method::DELETE, &path, "operator");
        let deleted = send(call.header("if-match", found.header("etag"))).await;
        assert!(deleted.status < 300, "{key}: {}", deleted.text);
        self.documents.remove(key);
    }

    /// Submits what is held, and approves it once time and registry are those of the scenario.
    async fn approved(&mut self, before: &Scene, scene: &Scene) -> Vec<String> {
        self.clock.set(before.now);
        self.furnish(before).await.unwrap();
        let submitted = self.service.submit(before.posted.as_ref().unwrap()).await;
        let mut found = differences(before, &decisions(&submitted));
        self.clock.set(scene.now);
        self.furnish(scene).await.unwrap();
        let reviewer = format!("sip:late.reviewer@{}", scene.registry.local);
        let key = DocumentKey {
            kind: DocumentKind::User,
            id: "late-reviewer".parse().unwrap(),
        };
        let user = json!({ "id": key.id, "identities": { "mcptt": reviewer }, "enabled": true });
        self.import(&BTreeMap::from([(key, user)])).await.unwrap();
        let mut approval = approval();
        approval["reviewer"] = reviewer.into();
        let path = submitted.header("location");
        let answered = self.service.respond(path, &approval).await;
        let is_refused = |answer: &Answer| answer.items("/state").iter().all(|it| it == "refused");
        if answered.status == 409 {
            // It was refused before anybody approved it, as at a suspension.
            let read = self.service.get(path, "auditor").await;
            let expected = scene.expect.iter().all(|it| it.outcome == Outcome::Reject);
            assert!(
                expected && is_refused(&read),
                "{}: {}",
                scene.name,
                read.text
            );
            return found;
        }
        assert_eq!(answered.status, 200, "{}: {}", scene.name, answered.text);
        let mut evaluated = answered.body["responses"][0].clone();
        evaluated["items"] = evaluated["evaluated"].clone();
        let evaluated = Answer {
            body: evaluated,
            ..answered
        };
        found.extend(differences(scene, &decisions(&evaluated)));
        let told = |detail| format!("{}: {detail}", scene.name);
        found.into_iter().map(told).collect()
    }

    async fn differences(&self, scene: &Scene) -> Vec<String> {
        let answer = self.service.submit(scene.posted.as_ref().unwrap()).await;
        let found = if [200, 202].contains(&answer.status) {
            differences(scene, &decisions(&answer))
        } else {
            vec![answer.text]
        };
        let told = |detail| format!("{}: {detail}", scene.name);
        found.into_iter().map(told).collect()
    }
}

fn pushed_only_as_digests(scene: &Scene) -> Option<&DocumentKey> {
    let mut stored = scene.registry.documents.keys();
    stored.find(|key| {
        key.kind == DocumentKind::UeConfiguration && !scene.registry.in_clear.contains_key(key)
    })
}

fn asked(quorum: &Value) -> Value {
    let sets = quorum["approvals"].as_array().unwrap().iter();
    let sets = sets.map(|set| {
        let groups = set["groups"].as_object().into_iter().flatten();
        let groups: serde_json::Map<String, Value> = groups
            .map(|(group, count)| (group.clone(), count["needed"].clone()))
            .collect();
        json!({ "persons": set["persons"]["needed"], "groups": groups })
    });
    let sets: Vec<Value> = sets.collect();
    json!({ "approvals": sets, "denials": quorum["denials"]["needed"] })
}

/// The items of an answer as they were decided.
fn decisions(answer: &Answer) -> Vec<ItemDecision> {
    let items = answer.body["items"].as_array().unwrap();
    let decision = |item: &Value| {
        let mut item = item.clone();
        // What is asked for, without what was given.
        let quorum = item.as_object_mut().unwrap().shift_remove("quorum");
        if let Some(quorum) = quorum {
            item["quorum"] = asked(&quorum);
        }
        item["item"] = item.clone();
        serde_json::from_value(item).unwrap()
    };
    items.iter().map(decision).collect()
}
