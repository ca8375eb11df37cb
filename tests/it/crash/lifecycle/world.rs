//! The use cases over a disk that fails and forgets, by a clock that stands still until it is told.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use comity::app::clock::WallClock;
use comity::app::error::AppError;
use comity::app::publish::AttemptOutcome;
use comity::app::respond::ReviewAnswer;
use comity::app::revoke::Revocation;
use comity::app::withdraw::Withdrawal;
use comity::domain::document::Document;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::domain::wire::WireLimits;
use comity::domain::wire::parse_request;
use comity::identity::caller::Caller;
use comity::store::command::Expected;
use comity::store::command::RequestId;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::disk::PowerCut;
use comity::store::embedded::disk::VolatileDisk;
use comity::store::embedded::settings::Settings as StoreSettings;
use serde_json::Value;
use serde_json::json;

use super::bundle;
use super::bundle::Mode;
use super::model::Answer;
use super::model::Named;
use super::model::Operation;
use super::model::Outcome;
use super::model::Seen;
use crate::crash::home::Home;
use crate::crash::local::Local;
use crate::crash::local::operator;
use crate::crash::local::store_settings;
use crate::crash::requests::agreement_in_status;

pub(super) const REVIEWERS: usize = 3;

/// How many requests that have ended stay in memory: few, so that they are put away in the midst of it.
const ENDED_REQUESTS: usize = 20;

/// Later than the log begins.
const BEGIN: i64 = 1_793_600_000_000;

#[derive(Clone, Debug)]
struct Hands(Arc<AtomicI64>);

impl WallClock for Hands {
    fn wall_milliseconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn steady_milliseconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The service of a campaign.
pub(super) struct World {
    home: Home,
    memory: MemoryDisk,
    pub(super) faulty: FaultyDisk,
    pub(super) volatile: VolatileDisk,
    hands: Hands,
    local: Option<Local>,
}

impl World {
    pub(super) async fn begin(mode: Mode) -> Self {
        let home = Home::new();
        bundle::begin(&home.policies(), mode);
        let memory = MemoryDisk::default();
        let hands = Hands(Arc::new(AtomicI64::new(BEGIN)));
        let (volatile, faulty) = disks(&memory);
        let local = open(&home, &faulty, &hands).await;
        local.import().await;
        let reviewers = (0..REVIEWERS).map(|number| {
            let user = json!({ "id": format!("reviewer-{number}"), "enabled": true,
                "identities": { "mcptt": reviewer(number) } });
            Document::from_json(DocumentKind::User, user).unwrap()
        });
        let imported = local.app.import(&operator(), reviewers.collect()).await;
        imported.unwrap();
        Self {
            home,
            memory,
            faulty,
            volatile,
            hands,
            local: Some(local),
        }
    }

    /// Loses what was not synced, and starts again.
    pub(super) async fn restart(&mut self) {
        self.volatile.cut_power(PowerCut::DropUnsynced);
        // The lock on the disk goes with the store.
        drop(self.local.take());
        (self.volatile, self.faulty) = disks(&self.memory);
        self.local = Some(open(&self.home, &self.faulty, &self.hands).await);
    }

    pub(super) fn local(&self) -> &Local {
        self.local.as_ref().unwrap()
    }

    pub(super) fn now(&self) -> i64 {
        self.hands.wall_milliseconds()
    }

    pub(super) fn pass(&self, milliseconds: i64) {
        self.hands.0.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Submits as the ACM server does.
    pub(super) async fn submit(&self, number: usize, items: usize) -> Result<RequestId, AppError> {
        let body = serde_json::to_vec(&addition(number, items)).unwrap();
        let request = parse_request(&body, WireLimits::default()).unwrap();
        let caller = Caller::new("acms", ["acms"]);
        let answer = self
            .local()
            .app
            .submit(caller, Some(format!("key-{number}")), request)
            .await?;
        Ok(answer.id.parse().unwrap())
    }

    pub(super) async fn run(
        &self,
        operation: &Operation,
        ids: &[RequestId],
    ) -> Result<Outcome, AppError> {
        let app = &self.local().app;
        match operation {
            Operation::Answer(answer) => self.answer(answer, ids[answer.request]).await,
            Operation::Withdraw(named) => self.withdraw(named, ids[named.request]).await,
            Operation::Revoke(named) => self.revoke(named, ids[named.request]).await,
            Operation::Expire => {
                app.expire_overdue().await;
                Ok(Outcome::Done)
            }
            Operation::Suspend => self.set_agreement("suspended").await,
            Operation::Resume => self.set_agreement("active").await,
            Operation::Publish(mode) => {
                bundle::write(&self.home.policies(), *mode);
                let outcome = app.publish_directory("campaign").await?;
                assert_ne!(outcome, AttemptOutcome::Refused);
                Ok(Outcome::Done)
            }
        }
    }

    async fn answer(&self, answer: &Answer, id: RequestId) -> Result<Outcome, AppError> {
        let verdict = if answer.approves { "approve" } else { "deny" };
        let mut body =
            json!({ "reviewer": reviewer(answer.reviewer), "answer": verdict, "reason": "model" });
        if let Some(items) = &answer.items {
            body["items"] = json!(items);
        }
        let body: ReviewAnswer = serde_json::from_value(body).unwrap();
        let caller = Caller::new("reviewer", ["reviewer"]);
        match self.local().app.respond(caller, id, body, None).await {
            Ok(_) => Ok(Outcome::Done),
            Err(AppError::NotPending { .. }) => Ok(Outcome::NotPending),
            Err(AppError::AlreadyAnswered(_)) => Ok(Outcome::AlreadyAnswered),
            Err(error) => Err(error),
        }
    }

    async fn withdraw(&self, named: &Named, id: RequestId) -> Result<Outcome, AppError> {
        let mut body = json!({ "reason": "model" });
        if let Some(items) = &named.items {
            body["items"] = json!(items);
        }
        let body: Withdrawal = serde_json::from_value(body).unwrap();
        let caller = Caller::new("acms", ["acms"]);
        match self.local().app.withdraw(caller, id, body, None).await {
            Ok(_) => Ok(Outcome::Done),
            Err(AppError::NotPending { .. }) => Ok(Outcome::NotPending),
            Err(error) => Err(error),
        }
    }

    async fn revoke(&self, named: &Named, id: RequestId) -> Result<Outcome, AppError> {
        let mut body = json!({ "reason": "model", "revoked_by": reviewer(0) });
        if let Some(items) = &named.items {
            body["items"] = json!(items);
        }
        let body: Revocation = serde_json::from_value(body).unwrap();
        let caller = Caller::new("reviewer", ["reviewer"]);
        match self.local().app.revoke(caller, id, body, None).await {
            Ok(_) => Ok(Outcome::Done),
            Err(AppError::NotGranted { .. }) => Ok(Outcome::NotGranted),
            Err(error) => Err(error),
        }
    }

    async fn set_agreement(&self, status: &str) -> Result<Outcome, AppError> {
        let app = &self.local().app;
        loop {
            let found = app.document(&operator(), &agreement_key())?;
            let agreement = agreement_in_status(found.value.to_json().unwrap(), status);
            let agreement = Document::from_json(DocumentKind::Agreement, agreement).unwrap();
            let expected = Expected::Revision(found.revision);
            let caller = operator();
            let put = app.put_document(&caller, agreement_key(), agreement, expected);
            match put.await {
                Ok(_) => return Ok(Outcome::Done),
                // Somebody else wrote it meanwhile.
                Err(AppError::RevisionMismatch { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn is_active(&self) -> bool {
        let found = self.local().app.document(&operator(), &agreement_key());
        found.unwrap().value.to_json().unwrap()["status"] == "active"
    }

    /// What a request shows of its items.
    pub(super) fn seen(&self, id: RequestId) -> Vec<Seen> {
        let answer = self.local().app.request(&operator(), id).unwrap();
        let answer = serde_json::to_value(answer).unwrap();
        let items = answer["items"].as_array().unwrap();
        let seen: Vec<Seen> = items.iter().map(seen).collect();
        for (number, item) in seen.iter().enumerate() {
            check_obligations(&answer, number, item.state);
        }
        seen
    }
}

/// What is granted obliges to one thing, undoing it to three, and then nobody has to do the one any more; nothing else
/// obliges to anything, and nothing twice.
fn check_obligations(request: &Value, number: usize, state: &str) {
    let all = request["obligations"].as_array().into_iter().flatten();
    let of_item = all.filter(|it| it["item"] == number);
    let word = |it: &Value, member: &str| it[member].as_str().unwrap().to_owned();
    let mut names: Vec<(String, String)> = of_item
        .map(|it| (word(it, "name"), word(it, "state")))
        .collect();
    names.sort_unstable();
    let expected: &[(&str, &str)] = match state {
        "granted" => &[("update-group-membership", "open")],
        "revoked" => &[
            ("end-affiliation", "open"),
            ("renew-group-keys", "open"),
            ("undo-update-group-membership", "open"),
            ("update-group-membership", "overtaken"),
        ],
        _ => &[],
    };
    let expected: Vec<(String, String)> = expected
        .iter()
        .map(|(name, state)| ((*name).to_owned(), (*state).to_owned()))
        .collect();
    assert_eq!(names, expected, "item {number} is {state}: {request}");
}

fn seen(item: &Value) -> Seen {
    let words = [
        "pending",
        "granted",
        "refused",
        "expired",
        "withdrawn",
        "revoked",
    ];
    let state = words.into_iter().find(|word| item["state"] == **word);
    let state = state.unwrap_or_else(|| panic!("{item}"));
    let ways = item["quorum"]["approvals"].as_array();
    let approvals = ways.map(|ways| {
        assert_eq!(ways.len(), 1, "{item}");
        let count = |name: &str| ways[0]["persons"][name].as_u64().unwrap();
        let (given, needed) = (count("given"), count("needed"));
        (
            usize::try_from(given).unwrap(),
            usize::try_from(needed).unwrap(),
        )
    });
    if state == "granted" {
        let obligations = item["obligations"].as_array().unwrap();
        assert_eq!(obligations.len(), 1, "nothing is to be done twice: {item}");
    }
    Seen { state, approvals }
}

fn disks(memory: &MemoryDisk) -> (VolatileDisk, FaultyDisk) {
    let volatile = VolatileDisk::new(Arc::new(memory.clone()));
    let faulty = FaultyDisk::new(Arc::new(volatile.clone()));
    (volatile, faulty)
}

async fn open(home: &Home, disk: &FaultyDisk, hands: &Hands) -> Local {
    let settings = StoreSettings {
        ended_requests: ENDED_REQUESTS,
        ..store_settings(home)
    };
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Local::open_by(Box::new(hands.clone()), home, disk, settings).await
}

fn reviewer(number: usize) -> String {
    format!("sip:reviewer.{number}@mc.de.example")
}

fn agreement_key() -> DocumentKey {
    DocumentKey {
        kind: DocumentKind::Agreement,
        id: "mc.nl.example".parse().unwrap(),
    }
}

/// An addition of so many members.
fn addition(number: usize, items: usize) -> Value {
    let mut request = crate::crash::requests::request(2);
    let member = |item: usize| format!("sip:officer.{number}.{item}@mc.nl.example");
    request["members"] = (0..items).map(member).collect();
    request["correlation_id"] = json!(format!("nl-2026-{number:06}"));
    request
}
