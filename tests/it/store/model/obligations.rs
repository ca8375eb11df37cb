//! What the model knows of obligations: a list for each request, and what becomes of each.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use comity::domain::lifecycle::ItemState;
use comity::domain::obligation::Due;
use comity::domain::obligation::Duty;
use comity::domain::obligation::ObligationId;
use comity::domain::obligation::ObligationOutcome;
use comity::domain::obligation::Occasion;
use comity::domain::outcome::PartnerOutcome;
use comity::domain::time::Timestamp;
use comity::store::Command;
use comity::store::State;
use comity::store::command::Arising;
use comity::store::command::NoteObligation;
use comity::store::command::RequestId;
use comity::store::command::TellOverdue;
use comity::store::state::ObligationPlace;
use comity::store::state::RequestEntry;

use super::HOUR;
use super::Model;
use super::ModelRequest;
use crate::store::support::CALLER;
use crate::store::support::at;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelObligation {
    pub(super) id: ObligationId,
    duty: Duty,
    due: Due,
    told: bool,
    overtaken: bool,
    outcome: Option<ObligationOutcome>,
}

impl ModelObligation {
    fn due_at(&self) -> Option<Timestamp> {
        match self.due {
            Due::At(due) => Some(due),
            Due::Within(_) => None,
        }
    }

    fn is_undone(&self) -> bool {
        let is_done = self.outcome == Some(ObligationOutcome::Done);
        self.due_at().is_some() && !is_done && !self.overtaken
    }
}

impl ModelRequest {
    pub(super) fn owes(&self) -> bool {
        self.obligations.iter().any(ModelObligation::is_undone)
    }

    /// What waits for the partner's refusal comes with it, or never.
    pub(super) fn settle(&mut self, now: i64) {
        let items = self.items.clone();
        let over = self.over.clone();
        self.obligations.retain_mut(|it| {
            let item = it.id.item.map(|number| items[number as usize]);
            let is_over = it.id.item.is_some_and(|number| over.contains(&number));
            if is_over || matches!(item, Some(ItemState::Withdrawn | ItemState::Revoked)) {
                let is_undoing = it.id.occasion == Occasion::Revocation;
                it.overtaken |= !is_undoing && it.is_undone();
                return is_undoing || it.due_at().is_some();
            }
            let (Due::Within(wait), Some(item)) = (it.due, item) else {
                return true;
            };
            let answered = matches!(
                item,
                ItemState::Answered {
                    outcome: PartnerOutcome::Reject,
                    ..
                }
            );
            if answered || item == ItemState::Refused {
                it.due = Due::At(at(now + wait));
                return true;
            }
            item.stage().is_some()
        });
    }

    pub(super) fn check_obligations(&self, entry: &RequestEntry, with_told: bool) {
        let found = entry
            .obligations
            .arisen()
            .map(|(id, tracked)| ModelObligation {
                id,
                duty: tracked.duty.as_ref().clone(),
                due: tracked.due,
                told: with_told && tracked.told,
                overtaken: tracked.overtaken,
                outcome: tracked.report.as_ref().map(|noted| noted.outcome),
            });
        let found: Vec<ModelObligation> = found.collect();
        let arisen = self.obligations.iter().filter(|it| it.due_at().is_some());
        let mut expected: Vec<ModelObligation> = arisen.cloned().collect();
        expected.sort_by_key(|it| it.id);
        for it in &mut expected {
            it.told &= with_told;
        }
        assert_eq!(found, expected);
        let indexes = entry.obligations.arisen();
        let mut indexes = indexes.filter_map(|(_, tracked)| Some(tracked.report.as_ref()?.index.0));
        assert!(indexes.all(|index| self.entries.contains(&index)));
    }
}

impl Model {
    /// Those that are not done, whether or not their requests were put away.
    fn undone(&self) -> impl Iterator<Item = (ObligationPlace, &ModelObligation)> {
        self.requests.iter().flat_map(|request| {
            let undone = request.obligations.iter().filter(|it| it.is_undone());
            undone.filter_map(|it| Some(((it.due_at()?, request.id, it.id), it)))
        })
    }

    fn overdue_untold(&self, now: Timestamp) -> BTreeSet<ObligationPlace> {
        let overdue = self
            .undone()
            .filter(|((due, ..), it)| *due <= now && it.outcome.is_none());
        overdue
            .filter(|(_, it)| !it.told)
            .map(|(place, _)| place)
            .collect()
    }

    /// Takes in what arises: of each request and name once, and of none that was put away and is not what it is about.
    pub(super) fn oblige(&mut self, arising: &[Arising]) {
        let applied = self.applied;
        for arising in arising {
            let request = self.requests.iter_mut();
            let mut request = request.filter(|it| it.id == arising.request_id);
            let is_away =
                |it: &&mut ModelRequest| it.put_away && it.entries.last() != Some(&applied);
            let Some(request) = request.next().filter(|it| !is_away(it)) else {
                continue;
            };
            if request.entries.last() != Some(&applied) {
                request.entries.push(applied);
            }
            for (item, position) in &arising.of {
                let id = ObligationId {
                    item: *item,
                    occasion: arising.occasion,
                    position: *position,
                };
                if request.obligations.iter().any(|it| it.id == id) {
                    continue;
                }
                request.obligations.push(ModelObligation {
                    id,
                    duty: arising.duty.clone(),
                    due: arising.due,
                    told: false,
                    overtaken: false,
                    outcome: None,
                });
            }
        }
    }

    pub(super) fn noted(&self, note: &NoteObligation) -> Result<Self, &'static str> {
        let mut after = self.clone();
        let request = after.find(note.request_id)?;
        let version = request.entries.len() as u64;
        if note
            .expected_version
            .is_some_and(|expected| expected != version)
        {
            return Err("version");
        }
        let found = request
            .obligations
            .iter_mut()
            .find(|it| it.id == note.obligation);
        let found = found.filter(|it| it.due_at().is_some());
        let found = found.ok_or("unknown obligation")?;
        match found.outcome {
            Some(ObligationOutcome::Done) => return Err("obligation done"),
            Some(before) if before == note.outcome => return Err("nothing due"),
            _ => found.outcome = Some(note.outcome),
        }
        request.entries.push(self.applied);
        Ok(after)
    }

    pub(super) fn told(&self, tell: &TellOverdue) -> Result<Self, &'static str> {
        let overdue = self.overdue_untold(tell.at);
        let told: Vec<_> = overdue.into_iter().take(tell.limit).collect();
        if told.is_empty() {
            return Err("nothing due");
        }
        let mut after = self.clone();
        for (_, id, obligation) in told {
            let request = after.find(id)?;
            let obligations = request.obligations.iter_mut();
            obligations
                .filter(|it| it.id == obligation)
                .for_each(|it| it.told = true);
        }
        Ok(after)
    }

    /// Of those that ended, and of those that ended and owe something, the first to end are put away.
    pub(super) fn put_away(&mut self) {
        for owes in [false, true] {
            let mut ended: Vec<(u64, RequestId)> = Vec::new();
            for request in &self.requests {
                let open = request.items.iter().any(|item| item.is_open());
                if !open && !request.put_away && request.owes() == owes {
                    ended.push((*request.entries.last().unwrap(), request.id));
                }
            }
            ended.sort_unstable();
            let over = ended.len().saturating_sub(self.ended_limit);
            for (_, id) in &ended[..over] {
                self.find(*id).unwrap().put_away = true;
            }
        }
    }

    pub(super) fn check_obligations(&self, state: &State) {
        let undone: BTreeMap<ObligationPlace, _> = self.undone().collect();
        let found: Vec<ObligationPlace> = state.unfinished_obligations(None).collect();
        assert!(found.iter().eq(undone.keys()), "{found:?}");
        let is_failed = |it: &ModelObligation| it.outcome == Some(ObligationOutcome::Failed);
        let failed = undone.iter().filter(|(_, it)| is_failed(it));
        let failed: Vec<ObligationPlace> = failed.map(|(place, _)| *place).collect();
        assert_eq!(state.failed_obligations(None).collect::<Vec<_>>(), failed);
        if let [first, rest @ ..] = &found[..] {
            let after: Vec<_> = state.unfinished_obligations(Some(*first)).collect();
            assert_eq!(after, rest);
        }
        let now = at(self.now);
        let counts = state.obligation_counts(now);
        assert_eq!(counts.failed, failed.len());
        assert_eq!(counts.open, undone.len() - failed.len());
        let overdue = undone
            .iter()
            .filter(|((due, ..), it)| *due <= now && it.outcome.is_none());
        assert_eq!(counts.overdue, overdue.count());
        let untold: BTreeSet<_> = state.overdue_untold(now).collect();
        assert_eq!(untold, self.overdue_untold(now));
    }

    /// What a decision obliges to: two things of each item that is granted, one of the request, and one that the
    /// partner's refusal would oblige to.
    pub(super) fn arising(
        &self,
        request_id: RequestId,
        occasion: Occasion,
        items: &[(u32, ItemState)],
    ) -> Vec<Arising> {
        let duty = |name: &str| Duty {
            name: name.to_owned(),
            system: None,
            function: "CMS".to_owned(),
            partner: Some("mc.de.example".parse().unwrap()),
        };
        let made = |occasion, name: &str, due, of| Arising {
            request_id,
            occasion,
            duty: duty(name),
            due,
            of,
        };
        let due = |hours: i64| Due::At(at(self.now + hours * HOUR));
        let mut arising = Vec::new();
        for (number, state) in items {
            let accepted = matches!(
                state,
                ItemState::Answered {
                    outcome: PartnerOutcome::Accept,
                    ..
                }
            );
            if state.stage().is_some() {
                let of = vec![(Some(*number), 0)];
                let within = Due::Within(3 * HOUR);
                arising.push(made(Occasion::PartnerRefused, "notify", within, of));
            }
            if *state == ItemState::Granted || accepted || state.stage().is_some() {
                let of = vec![(Some(*number), 0), (Some(*number), 1)];
                arising.push(made(occasion, "provision", due(i64::from(*number) * 7), of));
                arising.push(made(occasion, "deliver", due(12), vec![(None, 0)]));
            }
        }
        arising
    }

    /// What is reported of one of the obligations that there could be.
    pub(super) fn notes(&self, request: usize, which: u8, done: bool, seen: bool) -> Command {
        let number = self.name_of(request);
        let id = crate::store::support::request_id(number);
        let known = self.requests.iter().find(|known| known.id == id);
        let named = known.map_or(&[][..], |known| &known.obligations);
        let index = usize::from(which) % (named.len() + 1);
        let obligation = named
            .get(index)
            .map_or("7-revoked-7".parse().unwrap(), |it| it.id);
        let version = known.map_or(1, |known| known.entries.len() as u64);
        Command::NoteObligation(NoteObligation {
            request_id: id,
            expected_version: seen.then_some(version),
            obligation,
            outcome: if done {
                ObligationOutcome::Done
            } else {
                ObligationOutcome::Failed
            },
            caller: CALLER.into(),
            parts: Vec::new(),
            at: at(self.now),
        })
    }
}
