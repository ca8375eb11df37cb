//! The life of requests, played at random against a naive model: answers, expiry, suspension, publication, two things
//! at the same moment, and a disk that fails or forgets in the midst of it.

mod bundle;
mod model;
mod world;

use std::collections::BTreeMap;

use comity::app::replay::replay_all;
use comity::http::problem::Problem;
use comity::store::command::RequestId;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::Operation as DiskOperation;
use comity::store::embedded::disk::PowerCut;

use self::bundle::Mode;
use self::model::Answer;
use self::model::Model;
use self::model::Named;
use self::model::Operation;
use self::model::Outcome;
use self::model::Seen;
use self::world::REVIEWERS;
use self::world::World;
use super::random::Random;
use super::rounds;
use super::tell;

/// Requests that operations choose among: the newest.
const RECENT: usize = 8;

/// What is published, and how often.
const MODES: [Mode; 7] = [
    Mode::One,
    Mode::One,
    Mode::Two,
    Mode::Two,
    Mode::Two,
    Mode::Automatic,
    Mode::Reject,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_live_as_the_model_says() {
    let mut random = Random::new();
    let mut figures = BTreeMap::new();
    for _ in 0..rounds(2, 50) {
        let mut campaign = Campaign::begin(&mut random, &mut figures).await;
        while campaign.operations < rounds(150, 2_000) {
            campaign.step().await;
        }
        campaign.end().await;
    }
    tell(&format!("lifecycle: {figures:?}"));
}

struct Campaign<'a> {
    random: &'a mut Random,
    figures: &'a mut BTreeMap<&'static str, usize>,
    world: World,
    /// Everything that may be behind what was seen: who of two came first does not always show.
    // INVARIANT: never empty, and alike in all that is seen.
    models: Vec<Model>,
    operations: usize,
}

/// What is seen from outside.
struct View {
    active: bool,
    requests: Vec<(usize, Vec<Seen>)>,
}

impl View {
    fn is_of(&self, model: &Model) -> bool {
        let mut requests = self.requests.iter();
        model.active == self.active && requests.all(|(number, seen)| *seen == model.seen(*number))
    }
}

/// An operation and how it came out; `None` where that is unknown, or nothing was done.
type Ran = (Operation, Option<Outcome>);

impl<'a> Campaign<'a> {
    async fn begin(random: &'a mut Random, figures: &'a mut BTreeMap<&'static str, usize>) -> Self {
        let mode = MODES[random.index(MODES.len())];
        let world = World::begin(mode).await;
        let model = Model {
            now: world.now(),
            mode,
            active: true,
            requests: Vec::new(),
        };
        Self {
            random,
            figures,
            world,
            models: vec![model],
            operations: 0,
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.figures.entry(what).or_default() += 1;
    }

    async fn step(&mut self) {
        if self.random.within(0..6) == 0 {
            let minutes = [1, 1, 1, 5, 5, 29, 30, 31, 60][self.random.index(9)];
            self.world.pass(minutes * 60_000);
            let now = self.world.now();
            self.models.iter_mut().for_each(|model| model.now = now);
        }
        match self.random.within(0..20) {
            0..6 => self.submit().await,
            6..14 => {
                let operation = self.choose();
                self.run(vec![operation]).await;
            }
            14..18 => {
                let operations = self.choose_two();
                self.run(operations).await;
            }
            18 => self.fail().await,
            _ => {
                self.count("crashes");
                self.world.restart().await;
            }
        }
        if self.random.within(0..50) == 0 {
            self.check_all();
        }
    }

    /// Submits a request, sometimes twice at the same moment.
    async fn submit(&mut self) {
        if !self.model().active && self.random.within(0..2) == 0 {
            return self.run(vec![Operation::Resume]).await;
        }
        let number = self.model().requests.len();
        let items = 1 + self.random.index(3);
        let id = if self.random.within(0..4) == 0 {
            let (one, other) = tokio::join!(
                self.world.submit(number, items),
                self.world.submit(number, items)
            );
            self.operations += 1;
            let id = one.unwrap();
            assert_eq!(id, other.unwrap(), "one request for a key");
            id
        } else {
            self.world.submit(number, items).await.unwrap()
        };
        self.operations += 1;
        self.count("submitted");
        let models = self.models.iter_mut();
        models.for_each(|model| model.submit(id, items));
        self.check(number);
    }

    fn choose(&mut self) -> Operation {
        match self.random.within(0..40) {
            0 => Operation::Suspend,
            1 | 2 => Operation::Resume,
            3..6 => Operation::Publish(MODES[self.random.index(MODES.len())]),
            6 => Operation::Expire,
            _ if self.model().requests.is_empty() => Operation::Expire,
            7 | 8 => Operation::Withdraw(self.named()),
            9 | 10 => Operation::Revoke(self.named()),
            number => self.answer(number > 15),
        }
    }

    /// Two that may be at the same moment: nobody edits the files twice at once.
    fn choose_two(&mut self) -> Vec<Operation> {
        let one = self.choose();
        let other = match (&one, self.choose()) {
            (Operation::Publish(_), Operation::Publish(_)) => Operation::Expire,
            (_, other) => other,
        };
        vec![one, other]
    }

    fn named(&mut self) -> Named {
        let count = self.model().requests.len();
        let request = count - 1 - self.random.index(count.min(RECENT));
        let all = self.model().requests[request].items.len();
        let items = (self.random.within(0..2) == 0).then(|| vec![self.random.index(all)]);
        Named { request, items }
    }

    fn answer(&mut self, approves: bool) -> Operation {
        let count = self.model().requests.len();
        let recent = count.saturating_sub(RECENT)..count;
        let waiting: Vec<usize> = recent
            .clone()
            .filter(|it| self.model().waits(*it))
            .collect();
        // Mostly what waits, and sometimes what does so no more.
        let request = if waiting.is_empty() || self.random.within(0..5) == 0 {
            recent.start + self.random.index(recent.len())
        } else {
            waiting[self.random.index(waiting.len())]
        };
        let all = self.model().requests[request].items.len();
        let items = (self.random.within(0..2) == 0).then(|| vec![self.random.index(all)]);
        Operation::Answer(Answer {
            request,
            reviewer: self.random.index(REVIEWERS),
            approves,
            items,
        })
    }

    /// Runs operations at the same moment; what is seen must be what some order of them leads to.
    async fn run(&mut self, operations: Vec<Operation>) {
        let ran = self.carry_out(operations).await;
        for (operation, outcome) in &ran {
            assert!(outcome.is_some(), "{operation:?} came out unknown");
        }
        self.settle(&ran);
    }

    async fn carry_out(&mut self, operations: Vec<Operation>) -> Vec<Ran> {
        self.operations += operations.len();
        let ids: Vec<RequestId> = self.model().requests.iter().map(|it| it.id).collect();
        let outcomes = match operations.as_slice() {
            [one] => vec![self.world.run(one, &ids).await],
            [one, other] => {
                self.count("at the same moment");
                let (one, other) =
                    tokio::join!(self.world.run(one, &ids), self.world.run(other, &ids));
                vec![one, other]
            }
            _ => panic!("one or two"),
        };
        let outcomes = outcomes.into_iter().map(|outcome| match outcome {
            Ok(outcome) => Some(outcome),
            Err(error) => {
                let told = format!("{error:?}");
                let problem = Problem::from(error);
                assert!(problem.status().is_server_error(), "{told}");
                None
            }
        });
        operations.into_iter().zip(outcomes).collect()
    }

    /// Goes on with the model that explains what is seen.
    fn settle(&mut self, ran: &[Ran]) {
        for (_, outcome) in ran {
            self.count(match outcome {
                Some(Outcome::Done) => "done",
                Some(Outcome::NotPending) => "too late",
                Some(Outcome::AlreadyAnswered) => "answered before",
                Some(Outcome::NotGranted) => "not granted",
                None => "unknown",
            });
        }
        let seen = self.seen();
        let mut explanations: Vec<Model> = Vec::new();
        for before in &self.models {
            for order in orders(ran) {
                for model in explained(before, &order) {
                    if !explanations.contains(&model) && seen.is_of(&model) {
                        explanations.push(model);
                    }
                }
            }
        }
        if explanations.is_empty() {
            let about = self.differences(ran);
            panic!("{ran:?} is not explained: {about:#?}");
        }
        self.models = explanations;
    }

    /// What is seen and what was there before, of the requests that were answered and of what differs.
    fn differences(&self, ran: &[Ran]) -> Vec<String> {
        let active = (self.model().active, self.world.is_active());
        let mut told = vec![format!("in {:?}, active {active:?}", self.model().mode)];
        for (id, number) in self.recent() {
            let request = &self.model().requests[number];
            let expected = self.model().seen(number);
            let seen = self.world.seen(id);
            let is_answered = ran.iter().any(|(operation, _)| match operation {
                Operation::Answer(answer) => answer.request == number,
                Operation::Withdraw(named) | Operation::Revoke(named) => named.request == number,
                Operation::Expire
                | Operation::Suspend
                | Operation::Resume
                | Operation::Publish(_) => false,
            });
            if is_answered || seen != expected {
                told.push(format!("{number}: {seen:?}, before {request:?}"));
            }
        }
        told
    }

    /// One of those that may be behind it.
    fn model(&self) -> &Model {
        &self.models[0]
    }

    fn recent(&self) -> impl Iterator<Item = (RequestId, usize)> + '_ {
        let count = self.model().requests.len();
        let numbers = count.saturating_sub(RECENT)..count;
        numbers.map(|number| (self.model().requests[number].id, number))
    }

    fn seen(&self) -> View {
        let recent = self.recent();
        View {
            active: self.world.is_active(),
            requests: recent
                .map(|(id, number)| (number, self.world.seen(id)))
                .collect(),
        }
    }

    /// Lets the disk fail in the midst of an operation or two, and starts again.
    async fn fail(&mut self) {
        match self.random.within(0..4) {
            0 => self
                .world
                .volatile
                .cut_power_after(self.random.within(0..12), PowerCut::DropUnsynced),
            1 => {
                let seed = self.random.next();
                let changes = self.random.within(0..12);
                self.world
                    .volatile
                    .cut_power_after(changes, PowerCut::Tear { seed });
            }
            number => self.world.faulty.inject(Fault {
                operation: Some(if number == 2 {
                    DiskOperation::Sync
                } else {
                    DiskOperation::Write
                }),
                path_contains: ["", "leaf", "payload", "anchor"][self.random.index(4)].to_owned(),
                skip: self.random.within(0..4),
                mode: [
                    FaultMode::Failed,
                    FaultMode::Short,
                    FaultMode::FailedButDone,
                ][self.random.index(3)],
            }),
        }
        let mut operations = self.choose_two();
        operations.truncate(1 + self.random.index(2));
        self.count("failing disk");
        let ran = self.carry_out(operations).await;
        self.world.restart().await;
        // What the directory holds is published at the start, if it was not before.
        self.settle(&ran);
        for (operation, _) in &ran {
            if let Operation::Publish(mode) = operation {
                let models = self.models.iter_mut();
                models.for_each(|model| model.mode = *mode);
            }
        }
    }

    fn check(&self, number: usize) {
        let id = self.model().requests[number].id;
        let expected = self.model().seen(number);
        assert_eq!(self.world.seen(id), expected, "request {number}");
    }

    fn check_all(&self) {
        for number in 0..self.model().requests.len() {
            self.check(number);
        }
    }

    /// Everything is as the model says, and every decision replays.
    async fn end(mut self) {
        self.check_all();
        self.world.restart().await;
        self.check_all();
        let local = self.world.local();
        let report = replay_all(&local.store, &local.archive, |_, _| {}).unwrap();
        assert_eq!(report.mismatches, 0, "{:?}", report.examples);
        local.app.close().await;
        for _ in 0..self.operations {
            self.count("operations");
        }
    }
}

/// Every order in which they may have been sequenced.
fn orders(ran: &[Ran]) -> Vec<Vec<&Ran>> {
    match ran {
        [one, other] => vec![vec![one, other], vec![other, one]],
        others => vec![others.iter().collect()],
    }
}

/// What an order may have led to: what came out must have come out so; what is unknown was done or was not.
fn explained(before: &Model, order: &[&Ran]) -> Vec<Model> {
    let mut models = vec![before.clone()];
    for (operation, outcome) in order {
        let mut next = Vec::new();
        for model in models {
            let mut done = model.clone();
            let came_out = done.apply(operation);
            match outcome {
                Some(outcome) if *outcome == came_out => next.push(done),
                Some(_) => {}
                None => next.extend([model, done]),
            }
        }
        models = next;
    }
    models
}
