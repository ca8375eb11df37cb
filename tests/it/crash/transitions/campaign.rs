//! The rounds: load, a kill, a restart, and what must be true then.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use tokio::sync::watch;

use super::ledger::Kind;
use super::ledger::Ledger;
use super::ledger::Said;
use super::load::Aim;
use super::load::Load;
use super::repeat;
use super::repeat::Unknown;
use super::stream;
use super::stream::Told;
use super::verify;
use super::world;
use super::world::Account;
use super::world::Accounts;
use super::world::Shape;
use crate::crash::PATIENCE;
use crate::crash::home::Home;
use crate::crash::random::Random;
use crate::crash::receiver;
use crate::crash::receiver::Receiver;
use crate::crash::receiver::Reply;
use crate::crash::rounds;
use crate::crash::service::Service;
use crate::crash::service::replay_identically;
use crate::crash::tell;

const CLIENTS: u64 = 6;
/// So often one data directory is killed.
const ROUNDS_A_HOME: usize = 5;
/// Numbers of requests: a thousand for each client of a round.
const NUMBERS_A_ROUND: u64 = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_a_transition_leaves_all_of_it_or_nothing() {
    let mut random = Random::new();
    let begun = Instant::now();
    let all = rounds(4, 27);
    let aims = Aim::all();
    let mut figures = Figures::default();
    // Short campaigns do not always begin with the same.
    let mut aim = random.index(aims.len());
    let mut done = 0;
    while done < all {
        let mut campaign = Campaign::begin().await;
        let rounds = ROUNDS_A_HOME.min(all - done);
        for _ in 0..rounds {
            campaign.round(aims[aim], &mut random, &mut figures).await;
            aim = (aim + 1) % aims.len();
        }
        campaign.end(&mut figures);
        done += rounds;
    }
    figures.rounds = done;
    assert!(figures.acknowledged.values().sum::<usize>() > 0);
    tell(&format!(
        "kill -9 in the middle of transitions, {} s: {figures:?}",
        begun.elapsed().as_secs()
    ));
}

/// What a campaign did.
#[derive(Debug, Default)]
struct Figures {
    rounds: usize,
    killed_while_starting: usize,
    acknowledged: BTreeMap<Kind, usize>,
    refused: usize,
    unknown: Unknown,
    expired: usize,
    expired_while_down: usize,
    events: usize,
    webhook_messages: usize,
    decisions_replayed: u64,
}

/// One data directory.
struct Campaign {
    home: Home,
    receiver: Receiver,
    ledger: Ledger,
    /// What happened, as far as it was seen by the last restart.
    events: Vec<Value>,
    /// The number of the next request that only shows how far the log has come.
    next: u64,
}

impl Campaign {
    async fn begin() -> Self {
        let receiver = Receiver::start().await;
        let home = world::home(&receiver);
        let service = Service::start(&home);
        service.import(&home);
        world::import_reviewers(&Accounts::of(&service).operator).await;
        service.kill();
        let ledger = Ledger {
            kills: 1,
            ..Ledger::default()
        };
        Self {
            home,
            receiver,
            ledger,
            events: Vec::new(),
            next: 0,
        }
    }

    async fn round(&mut self, aim: Aim, random: &mut Random, figures: &mut Figures) {
        let told = self.kill_under_load(aim, random).await;
        let killed = jiff::Timestamp::now();
        if random.within(0..2) == 0 {
            self.wait_for_expiries().await;
        }
        while random.within(0..3) == 0 {
            let moment = Duration::from_millis(random.within(0..400));
            Service::start_and_kill(&self.home, moment);
            self.ledger.kills += 1;
            figures.killed_while_starting += 1;
        }
        let service = Service::start(&self.home);
        let up_again = jiff::Timestamp::now();
        let load = Load::new(Accounts::of(&service), std::mem::take(&mut self.ledger));
        let operator = load.accounts.operator.clone();
        let seen = self.verify(&load).await;
        assert!(self.events.starts_with(&told), "told, and not so any more");
        figures.expired_while_down += self.expired_between(&load, killed, up_again);
        let events = self.events.clone();
        let ledger = load.ledger.lock().unwrap().clone();
        let looked = verify::look(&operator, &ledger, &events).await;
        assert_eq!(looked.len(), seen);
        let submissions = repeat::submissions(&load, &looked).await;
        let operations = repeat::operations(&load, &looked).await;
        figures.unknown.there += submissions.there + operations.there;
        figures.unknown.not_there += submissions.not_there + operations.not_there;
        self.verify(&load).await;
        self.check_webhook(&load).await;
        service.kill();
        self.ledger = load.into_ledger();
        self.ledger.kills += 1;
    }

    /// Gives what a reader of events was told by then.
    async fn kill_under_load(&mut self, aim: Aim, random: &mut Random) -> Vec<Value> {
        let replies = (0..random.within(0..3)).map(|_| {
            let before = (0..random.within(0..40)).map(|_| Reply::Taken);
            before.chain([[Reply::Refused, Reply::Nothing][random.index(2)]])
        });
        let replies: Vec<Reply> = replies.flatten().collect();
        self.receiver.will(replies);
        let service = Service::start(&self.home);
        let load = Load::new(Accounts::of(&service), std::mem::take(&mut self.ledger));
        let (told, listening) = Told::listen(load.accounts.operator.clone()).await;
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..CLIENTS {
            let first = self.next + (client + 1) * 1_000;
            clients.spawn(load.clone().run(first, Random::from_seed(random.next())));
        }
        self.next += NUMBERS_A_ROUND;
        let nth = usize::try_from(random.within(1..40)).unwrap();
        let reached = async {
            match aim {
                Aim::Expiry => {
                    let nth = expiries(&self.events) + nth.min(12);
                    reached(told.expired(), |count| *count >= nth).await;
                }
                Aim::Operation(_) | Aim::Quorum => {
                    let sent = load.sending.subscribe();
                    reached(sent, |sent| sent.get(&aim).is_some_and(|sent| *sent >= nth)).await;
                }
            }
        };
        reached.await;
        tokio::time::sleep(Duration::from_micros(random.within(0..6_000))).await;
        service.kill();
        while let Some(ended) = clients.join_next().await {
            ended.unwrap();
        }
        listening.await.unwrap();
        self.ledger = load.into_ledger();
        self.ledger.kills += 1;
        told.events()
    }

    /// Lets everything that expires soon fall due while nobody is there to see it.
    async fn wait_for_expiries(&self) {
        let asked = self.ledger.requests.iter();
        let answers = asked.filter(|it| it.shape == Shape::Short);
        let answers = answers.filter_map(|it| it.answer.as_ref());
        let moments = answers.filter_map(|answer| answer["items"][0]["expires_at"].as_str());
        let moments = moments.map(|it| it.parse::<jiff::Timestamp>().unwrap());
        let Some(last) = moments.max() else {
            return;
        };
        let left = last.duration_since(jiff::Timestamp::now());
        if let Ok(left) = Duration::try_from(left) {
            tokio::time::sleep(left).await;
        }
    }

    /// How many requests expired that fell due between two moments.
    fn expired_between(&self, load: &Load, from: jiff::Timestamp, to: jiff::Timestamp) -> usize {
        let is_expired = |id: &Value| {
            let mut expired = self.events.iter().filter(|it| is_expiry(it));
            expired.any(|event| event["request_id"] == *id)
        };
        let ledger = load.ledger.lock().unwrap();
        let answers = ledger.requests.iter().filter_map(|it| it.answer.as_ref());
        answers
            .filter(|answer| {
                let due = answer["items"][0]["expires_at"].as_str();
                let due = due.and_then(|it| it.parse::<jiff::Timestamp>().ok());
                due.is_some_and(|due| due >= from && due < to) && is_expired(&answer["id"])
            })
            .count()
    }

    /// Checks everything, when what is overdue has expired; tells how many requests there are.
    async fn verify(&mut self, load: &Load) -> usize {
        let operator = &load.accounts.operator;
        let begun = Instant::now();
        loop {
            self.read_on(load).await;
            if self.is_settled() {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "what is overdue expires");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let last = self.events.last().map(name);
        let is_last = |event: &Value| Some(name(event)) == last;
        let whole = stream::read(operator, "0", is_last).await;
        assert!(whole == self.events, "told otherwise than before");
        let ledger = load.ledger.lock().unwrap().clone();
        let seen = verify::look(operator, &ledger, &self.events).await;
        verify::check(operator, &ledger, &seen).await;
        seen.len()
    }

    /// Whether nothing waits any more that expires soon.
    fn is_settled(&self) -> bool {
        let mut waits = BTreeMap::new();
        for event in self.events.iter().filter(|it| it["urgency"] == "low") {
            waits.insert(event["request_id"].as_str(), event["status"] == "pending");
        }
        !waits.values().any(|waits| *waits)
    }

    /// Reads the events from where they were read to: what was told once is so for ever.
    async fn read_on(&mut self, load: &Load) {
        let shape = Shape::Refused;
        let (_, marker) = load.submit(shape, self.next, false).await.unwrap();
        self.next += 1;
        let is_marker = |event: &Value| event["request_id"] == marker["id"];
        let operator = &load.accounts.operator;
        let after = self.events.last().map(name);
        let after = after.unwrap_or_else(|| "0".to_owned());
        self.events
            .extend(stream::read(operator, &after, is_marker).await);
    }

    /// Everything was sent, too.
    async fn check_webhook(&self, load: &Load) {
        let last = name(self.events.last().unwrap());
        self.receiver.until(|delivery| delivery.id == last).await;
        noted(&load.accounts.operator, &last).await;
        let deliveries = self.receiver.deliveries().borrow().clone();
        let kills = load.ledger.lock().unwrap().kills;
        receiver::check(&deliveries, &self.events, kills);
    }

    /// Replays all of it, and counts.
    fn end(self, figures: &mut Figures) {
        let report = replay_identically(&self.home.data());
        let decided = self.events.iter().filter(|event| is_decided(event));
        assert_eq!(report["decisions"], decided.count(), "{report}");
        figures.decisions_replayed += report["decisions"].as_u64().unwrap();
        figures.events += self.events.len();
        figures.webhook_messages += self.receiver.deliveries().borrow().len();
        figures.expired += expiries(&self.events);
        *figures.acknowledged.entry(Kind::Submission).or_default() += self.ledger.requests.len();
        for operation in &self.ledger.operations {
            match &operation.said {
                Said::Done(_) => *figures.acknowledged.entry(operation.kind).or_default() += 1,
                Said::Refused(_) => figures.refused += 1,
                Said::Nothing => {}
            }
        }
    }
}

/// Waits until the webhook has taken note of the last event.
async fn noted(operator: &Account, last: &str) {
    let begun = Instant::now();
    loop {
        let webhooks = operator.get("/v1/webhooks").await;
        let cursor = webhooks["webhooks"][0]["cursor"].as_str().unwrap();
        if last.split_once('@').unwrap().0 == cursor {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{webhooks}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The name of an event, with that of its log.
fn name(event: &Value) -> String {
    let text = |member: &str| event[member].as_str().unwrap();
    format!("{}@{}", text("id"), text("log"))
}

/// What is decided again, or for the first time: also what a partner has accepted.
fn is_decided(event: &Value) -> bool {
    let accepted = |item: &Value| item["state"] == "partner-accepted";
    event["type"] == "request.submitted"
        || event["type"] == "request.answered"
        || (event["type"] == "request.reported"
            && event["items"].as_array().unwrap().iter().any(accepted))
}

fn is_expiry(event: &Value) -> bool {
    event["type"] == "request.expired"
}

fn expiries(events: &[Value]) -> usize {
    events.iter().filter(|event| is_expiry(event)).count()
}

async fn reached<T>(mut seen: watch::Receiver<T>, is_so: impl FnMut(&T) -> bool) {
    let reached = tokio::time::timeout(PATIENCE, seen.wait_for(is_so)).await;
    reached.expect("the moment comes").unwrap();
}
