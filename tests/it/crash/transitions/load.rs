//! Clients that do everything that can be done to a request, until nobody answers any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::watch;

use super::ledger::Asked;
use super::ledger::Kind;
use super::ledger::Ledger;
use super::ledger::Operation;
use super::ledger::Said;
use super::steps;
use super::steps::Step;
use super::verify::assert_same;
use super::world::Account;
use super::world::Accounts;
use super::world::Shape;
use crate::crash::random::Random;

/// What operations may be refused with, as others did something before them.
const REFUSALS: [&str; 8] = [
    "not-pending",
    "already-answered",
    "reviewer-forbidden",
    "not-granted",
    "not-at-partner",
    "obligation-settled",
    "revision-mismatch",
    "contended",
];

/// In the middle of what the service is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Aim {
    Operation(Kind),
    /// An answer to what two persons decide.
    Quorum,
    /// What falls due at once is written, one after the other.
    Expiry,
}

impl Aim {
    pub(super) fn all() -> Vec<Self> {
        let operations = Kind::ALL.into_iter().map(Self::Operation);
        operations.chain([Self::Quorum, Self::Expiry]).collect()
    }
}

/// What clients have in common.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) accounts: Accounts,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    /// How often which operation was about to be sent.
    pub(super) sending: Arc<watch::Sender<BTreeMap<Aim, usize>>>,
}

impl Load {
    pub(super) fn new(accounts: Accounts, ledger: Ledger) -> Self {
        Self {
            accounts,
            ledger: Arc::new(Mutex::new(ledger)),
            sending: Arc::new(watch::channel(BTreeMap::new()).0),
        }
    }

    /// Takes the ledger when all clients are gone.
    pub(super) fn into_ledger(self) -> Ledger {
        Arc::into_inner(self.ledger).unwrap().into_inner().unwrap()
    }

    fn about_to_send(&self, aim: Aim) {
        self.sending
            .send_modify(|sent| *sent.entry(aim).or_default() += 1);
    }

    /// One client, until the service is gone.
    pub(super) async fn run(self, first: u64, mut random: Random) {
        for number in first.. {
            let shape = match random.within(0..8) {
                0 => Shape::One,
                1 | 2 => Shape::Two,
                3 => Shape::Automatic,
                4 => Shape::Refused,
                5 => Shape::Outbound,
                _ => Shape::Short,
            };
            let twice = random.within(0..4) == 0;
            let Some((request, mut standing)) = self.submit(shape, number, twice).await else {
                return;
            };
            for _ in 0..random.within(0..7) {
                let planned = steps::plan(shape, &standing, &mut random);
                if self.take(request, shape, planned).await.is_none() {
                    return;
                }
                let id = standing["id"].as_str().unwrap();
                let path = format!("/v1/requests/{id}");
                let Ok(found) = self.accounts.acms.call(Method::GET, &path).send().await else {
                    return;
                };
                let Ok(found) = found.json().await else {
                    return;
                };
                standing = found;
            }
        }
    }

    /// Submits one of a row of requests, perhaps twice at the same instant; tells its place and how it stands.
    pub(super) async fn submit(
        &self,
        shape: Shape,
        number: u64,
        twice: bool,
    ) -> Option<(usize, Value)> {
        let key = format!("key-{number}");
        let body = shape.request(number);
        let request = {
            let mut ledger = self.ledger.lock().unwrap();
            ledger.requests.push(Asked {
                key: key.clone(),
                shape,
                body: body.clone(),
                answer: None,
                shown: Vec::new(),
            });
            ledger.requests.len() - 1
        };
        self.about_to_send(Aim::Operation(Kind::Submission));
        let acms = &self.accounts.acms;
        let answers = if twice {
            let sent = tokio::join!(submit(acms, &key, &body), submit(acms, &key, &body));
            vec![sent.0, sent.1]
        } else {
            vec![submit(acms, &key, &body).await]
        };
        let mut known = None;
        for said in answers {
            let answer = done(said)?;
            let mut ledger = self.ledger.lock().unwrap();
            let before = ledger.requests[request].answer.replace(answer.clone());
            if let Some(before) = before {
                assert_same(&before, &answer);
            }
            known = Some((request, answer));
        }
        known
    }

    /// Does what is planned, all at once; none if the service is gone.
    async fn take(&self, request: usize, shape: Shape, planned: Vec<Step>) -> Option<()> {
        let mut steps = tokio::task::JoinSet::new();
        for step in planned {
            let load = self.clone();
            steps.spawn(async move { load.step(request, shape, step).await });
        }
        let said = steps.join_all().await;
        (!said.contains(&Said::Nothing)).then_some(())
    }

    async fn step(&self, request: usize, shape: Shape, step: Step) -> Said {
        let (place, tag) = {
            let mut ledger = self.ledger.lock().unwrap();
            let place = ledger.operations.len();
            let tag = step.tag.clone().unwrap_or_else(|| format!("tag-{place}"));
            let mut body = step.body.clone();
            if let Some(member) = step.kind_of_tag() {
                body[member] = Value::from(tag.clone());
            }
            ledger.operations.push(Operation {
                kind: step.kind,
                request,
                path: step.path.clone(),
                body: body.clone(),
                tag,
                said: Said::Nothing,
            });
            (place, body)
        };
        if step.kind == Kind::Answer && shape == Shape::Two {
            self.about_to_send(Aim::Quorum);
        }
        self.about_to_send(Aim::Operation(step.kind));
        let account = self.account(step.kind);
        let said = post(account, &step.path, &tag, step.version).await;
        let mut ledger = self.ledger.lock().unwrap();
        if let Said::Done(answer) = &said
            && answer["items"].is_array()
        {
            ledger.requests[request].shown.push(answer.clone());
        }
        ledger.operations[place].said = said.clone();
        said
    }

    /// Who does what.
    pub(super) fn account(&self, kind: Kind) -> &Account {
        match kind {
            Kind::Answer | Kind::Revocation => &self.accounts.reviewer,
            Kind::Submission
            | Kind::Withdrawal
            | Kind::Report
            | Kind::Obligation
            | Kind::Acknowledgement => &self.accounts.acms,
        }
    }
}

/// A submission is never refused as such.
fn done(said: Said) -> Option<Value> {
    match said {
        Said::Done(answer) => Some(answer),
        Said::Refused(problem) => panic!("{problem}"),
        Said::Nothing => None,
    }
}

/// Submits a request under its key.
pub(super) async fn submit(acms: &Account, key: &str, body: &Value) -> Said {
    let call = acms.call(Method::POST, "/v1/requests").json(body);
    say(call.header("Idempotency-Key", key)).await
}

/// Does something to a request; with a version, only if it is still that one.
pub(super) async fn post(
    account: &Account,
    path: &str,
    body: &Value,
    version: Option<u64>,
) -> Said {
    let call = account.call(Method::POST, path).json(body);
    match version {
        Some(version) => say(call.header("If-Match", format!("\"r{version}\""))).await,
        None => say(call).await,
    }
}

async fn say(call: reqwest::RequestBuilder) -> Said {
    let Ok(response) = call.send().await else {
        return Said::Nothing;
    };
    let status = response.status();
    let Ok(text) = response.text().await else {
        return Said::Nothing;
    };
    let answer: Value = serde_json::from_str(&text).unwrap();
    if status.is_success() {
        return Said::Done(answer);
    }
    let kind = answer["type"].as_str().unwrap();
    match kind.strip_prefix("urn:comity:problem:").unwrap() {
        "outcome-unknown" => Said::Nothing,
        known if REFUSALS.contains(&known) => Said::Refused(known.to_owned()),
        _ => panic!("{text}"),
    }
}
