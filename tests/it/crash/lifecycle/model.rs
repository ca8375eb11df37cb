//! What should come of it, told naively.

use std::collections::BTreeSet;

use comity::store::command::RequestId;

use super::bundle::Mode;

/// Everything that the campaign looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) now: i64,
    pub(super) mode: Mode,
    pub(super) active: bool,
    pub(super) requests: Vec<Request>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) items: Vec<Item>,
    /// The policies that reviewers could have seen.
    known: BTreeSet<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    state: State,
    needed: usize,
    approvals: BTreeSet<usize>,
    /// Since when it waits for what it waits for.
    since: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending { expires_at: i64 },
    Granted,
    Refused,
    Withdrawn,
    Revoked,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Answer(Answer),
    /// Takes back what waits.
    Withdraw(Named),
    /// Takes back what was granted.
    Revoke(Named),
    /// Writes down what is overdue.
    Expire,
    Suspend,
    Resume,
    Publish(Mode),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Which request.
    pub(super) request: usize,
    /// Which reviewer.
    pub(super) reviewer: usize,
    pub(super) approves: bool,
    /// Which items; every one that can be answered if absent.
    pub(super) items: Option<Vec<usize>>,
}

/// Items of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Which request.
    pub(super) request: usize,
    /// Which items; every one that it can be said of if absent.
    pub(super) items: Option<Vec<usize>>,
}

/// How an operation comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    NotPending,
    AlreadyAnswered,
    NotGranted,
}

/// What is seen of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) state: &'static str,
    /// Given and needed approvals, while it waits.
    pub(super) approvals: Option<(usize, usize)>,
}

impl Model {
    /// Takes in a request that was submitted now.
    pub(super) fn submit(&mut self, id: RequestId, items: usize) {
        let state = match (self.active, self.mode) {
            (false, _) | (true, Mode::Reject) => State::Refused,
            (true, Mode::Automatic) => State::Granted,
            (true, Mode::One | Mode::Two) => State::Pending {
                expires_at: self.now + self.mode.milliseconds(),
            },
        };
        let item = Item {
            state,
            needed: self.mode.persons(),
            approvals: BTreeSet::new(),
            since: self.now,
        };
        self.requests.push(Request {
            id,
            items: vec![item; items],
            known: self.mode.determining().iter().copied().collect(),
        });
    }

    /// Whether an item of a request waits.
    pub(super) fn waits(&self, request: usize) -> bool {
        let items = &self.requests[request].items;
        items.iter().any(|item| item.waits(self.now))
    }

    /// What is seen of a request.
    pub(super) fn seen(&self, request: usize) -> Vec<Seen> {
        let items = self.requests[request].items.iter();
        items.map(|item| item.seen(self.now)).collect()
    }

    pub(super) fn apply(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Answer(answer) => return self.answer(answer),
            Operation::Withdraw(named) => {
                let now = self.now;
                let waits = move |item: &Item| item.waits(now);
                return self.end(named, waits, (State::Withdrawn, Outcome::NotPending));
            }
            Operation::Revoke(named) => {
                let is_granted = |item: &Item| item.state == State::Granted;
                return self.end(named, is_granted, (State::Revoked, Outcome::NotGranted));
            }
            Operation::Expire => {}
            Operation::Suspend => {
                self.active = false;
                let now = self.now;
                let items = self.requests.iter_mut().flat_map(|it| &mut it.items);
                for item in items.filter(|item| item.waits(now)) {
                    item.state = State::Refused;
                }
            }
            Operation::Resume => self.active = true,
            Operation::Publish(mode) => self.mode = *mode,
        }
        Outcome::Done
    }

    /// Puts items into a state in which they stay; what is there already stays there.
    fn end(
        &mut self,
        named: &Named,
        may: impl Fn(&Item) -> bool,
        (end, barred): (State, Outcome),
    ) -> Outcome {
        let items = &mut self.requests[named.request].items;
        if let Some(numbers) = &named.items {
            let mut all = numbers.iter().map(|number| &items[*number]);
            if !all.all(|item| item.state == end || may(item)) {
                return barred;
            }
            for number in numbers {
                items[*number].state = end;
            }
            return Outcome::Done;
        }
        let was_there = items.iter().any(|item| item.state == end);
        let mut found = false;
        for item in items.iter_mut().filter(|item| may(item)) {
            item.state = end;
            found = true;
        }
        if found || was_there {
            Outcome::Done
        } else {
            barred
        }
    }

    fn answer(&mut self, answer: &Answer) -> Outcome {
        let (now, mode) = (self.now, self.mode);
        let request = &mut self.requests[answer.request];
        let mut answered = Vec::new();
        let mut barred = None;
        let all = 0..request.items.len();
        for number in answer.items.clone().unwrap_or_else(|| all.collect()) {
            match request.answered(number, answer, mode, now) {
                Ok(item) => answered.push((number, item)),
                Err(outcome) if answer.items.is_some() => return outcome,
                Err(Outcome::NotPending) => {}
                Err(outcome) => barred = Some(outcome),
            }
        }
        if answered.is_empty() {
            return barred.unwrap_or(Outcome::NotPending);
        }
        for (number, item) in answered {
            request.items[number] = item;
        }
        request.known.extend(mode.determining());
        Outcome::Done
    }
}

impl Request {
    /// An item after an answer, if it can be answered so.
    fn answered(
        &self,
        number: usize,
        answer: &Answer,
        mode: Mode,
        now: i64,
    ) -> Result<Item, Outcome> {
        let mut item = self.items[number].clone();
        let State::Pending { expires_at } = item.state else {
            return Err(Outcome::NotPending);
        };
        if now >= expires_at {
            return Err(Outcome::NotPending);
        }
        let holds = matches!(mode, Mode::One | Mode::Two);
        let is_known = mode.determining().iter().all(|it| self.known.contains(it));
        let is_more = holds && (mode.persons() > item.needed || !is_known);
        if holds {
            item.needed = item.needed.max(mode.persons());
        }
        if is_more {
            item.since = now;
        }
        let until = expires_at.min(item.since + mode.milliseconds());
        if holds && now >= until {
            item.state = State::Pending { expires_at: until };
            return Ok(item);
        }
        if !answer.approves {
            item.state = State::Refused;
            return Ok(item);
        }
        if is_more {
            item.approvals.clear();
        } else if !item.approvals.insert(answer.reviewer) {
            return Err(Outcome::AlreadyAnswered);
        }
        item.state = match mode {
            Mode::Reject => State::Refused,
            Mode::One | Mode::Two | Mode::Automatic if item.approvals.len() >= item.needed => {
                State::Granted
            }
            Mode::One | Mode::Two => State::Pending { expires_at: until },
            Mode::Automatic => item.state,
        };
        Ok(item)
    }
}

impl Item {
    fn waits(&self, now: i64) -> bool {
        matches!(self.state, State::Pending { expires_at } if now < expires_at)
    }

    fn seen(&self, now: i64) -> Seen {
        let waits = self.waits(now);
        Seen {
            state: match self.state {
                State::Pending { .. } if waits => "pending",
                State::Pending { .. } => "expired",
                State::Granted => "granted",
                State::Refused => "refused",
                State::Withdrawn => "withdrawn",
                State::Revoked => "revoked",
            },
            approvals: waits.then_some((self.approvals.len(), self.needed)),
        }
    }
}
