//! What is done to store and model: random operations, and the commands that they become.

use comity::decision::facts::ReadKey;
use comity::domain::lifecycle::ItemState;
use comity::domain::lifecycle::Stage;
use comity::domain::obligation::Occasion;
use comity::domain::outcome::PartnerOutcome;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::store::Command;
use comity::store::command::Acknowledge;
use comity::store::command::Arising;
use comity::store::command::Expected;
use comity::store::command::Interrupt;
use comity::store::command::PersonDigest;
use comity::store::command::Remind;
use comity::store::command::Submit;
use comity::store::command::TellOverdue;
use comity::store::command::Vote;
use comity::store::command::Votes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::HOUR;
use super::Model;
use super::reminders::asked;
use crate::store::support::PARTNER;
use crate::store::support::agreement;
use crate::store::support::answered;
use crate::store::support::at;
use crate::store::support::at_partner;
use crate::store::support::correlation;
use crate::store::support::delete;
use crate::store::support::expire;
use crate::store::support::key;
use crate::store::support::link;
use crate::store::support::migration;
use crate::store::support::pending;
use crate::store::support::publish;
use crate::store::support::put;
use crate::store::support::report;
use crate::store::support::request_id;
use crate::store::support::respond;
use crate::store::support::revoke;
use crate::store::support::submit;
use crate::store::support::system;
use crate::store::support::under_key;
use crate::store::support::unverified;
use crate::store::support::user;
use crate::store::support::withdraw;
use crate::store::support::write_at;

#[derive(Clone, Debug)]
pub(super) enum Operation {
    WriteUsers(Vec<(u8, Vec<u8>, Precondition)>),
    DeleteUser(u8, Precondition),
    WriteSystem(u8, u8),
    WriteAgreement(bool),
    /// A user and a service; whether the entry is written or deleted.
    WriteMigration(u8, u8, bool),
    /// The same of one whose home could not be asked.
    WriteUnverified(u8, u8),
    /// Whether it is up.
    WriteLink(bool),
    Submit {
        key: Option<(u8, u8)>,
        reads: Vec<u8>,
        pending_hours: Vec<i64>,
        writes: Option<u8>,
        bound: bool,
        /// Another request that it obliges in.
        other: Option<usize>,
    },
    /// Which of its obligations, whether it was done, and whether the version is named.
    Note {
        request: usize,
        which: u8,
        done: bool,
        seen: bool,
    },
    TellOverdue(usize),
    Interrupt,
    Remind(usize),
    /// Whose answer it is, and what it makes of each item.
    Respond {
        request: usize,
        behind: u64,
        person: u8,
        items: Vec<(u32, Said)>,
    },
    /// How far each item has come, by a number.
    Report {
        request: usize,
        behind: u64,
        items: Vec<(u32, u8)>,
    },
    /// Withdrawn (0), revoked (1), or over (2).
    End {
        request: usize,
        behind: u64,
        items: Vec<u32>,
        how: u8,
    },
    /// How many versions after the first one was seen.
    Acknowledge(usize, u64),
    Expire {
        request: usize,
        items: Vec<u32>,
    },
    Publish {
        ahead: u64,
    },
}

/// What an answer makes of an item: settled, or counted while it goes on waiting.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said {
    Granted,
    Refused,
    Approved,
    Denied,
    /// Denied, and what was approved before counts no more.
    DeniedAfresh,
    Afresh,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Precondition {
    Any,
    Absent,
    Current,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// So many hours later, these commands at once.
    Burst(i64, Vec<Operation>),
    /// These commands, and the power goes after so many changes of the disk.
    PowerCut(u64, Option<u64>, Vec<Operation>),
    Close,
    Drop,
}

fn precondition() -> impl Strategy<Value = Precondition> {
    prop_oneof![
        Just(Precondition::Any),
        Just(Precondition::Absent),
        Just(Precondition::Current),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        2 => Just(Said::Granted),
        2 => Just(Said::Refused),
        6 => Just(Said::Approved),
        2 => Just(Said::Denied),
        1 => Just(Said::DeniedAfresh),
        1 => Just(Said::Afresh),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let users = vec((0_u8..4, vec(0_u8..5, 0..3), precondition()), 1..3);
    prop_oneof![
        4 => users.prop_map(Operation::WriteUsers),
        1 => (0_u8..4, precondition()).prop_map(|(user, expected)| Operation::DeleteUser(user, expected)),
        1 => (0_u8..2, 0_u8..2).prop_map(|(system, prefix)| Operation::WriteSystem(system, prefix)),
        1 => any::<bool>().prop_map(Operation::WriteAgreement),
        2 => (0_u8..2, 0_u8..2, any::<bool>())
            .prop_map(|(user, service, is_there)| Operation::WriteMigration(user, service, is_there)),
        1 => (0_u8..2, 0_u8..2)
            .prop_map(|(user, service)| Operation::WriteUnverified(user, service)),
        2 => any::<bool>().prop_map(Operation::WriteLink),
        4 => (
            option::of((0_u8..3, 0_u8..2)),
            vec(0_u8..READS, 0..3),
            vec(-30_i64..40, 0..3),
            option::weighted(0.2, 0_u8..4),
            any::<bool>(),
            option::weighted(0.2, 0_usize..6),
        )
            .prop_map(|(key, reads, pending_hours, writes, bound, other)| Operation::Submit {
                key,
                reads,
                pending_hours,
                writes,
                bound,
                other,
            }),
        1 => Just(Operation::Interrupt),
        4 => (0_usize..6, 0_u64..2, 0_u8..3, vec((0_u32..3, said()), 1..3)).prop_map(
            |(request, behind, person, items)| Operation::Respond { request, behind, person, items }
        ),
        3 => (0_usize..6, 0_u64..2, vec((0_u32..3, 0_u8..6), 1..3))
            .prop_map(|(request, behind, items)| Operation::Report { request, behind, items }),
        5 => (0_usize..6, 0_u64..2, vec(0_u32..3, 1..3), 0_u8..3).prop_map(
            |(request, behind, items, how)| Operation::End { request, behind, items, how }
        ),
        3 => (0_usize..6, 0_u64..5)
            .prop_map(|(request, seen)| Operation::Acknowledge(request, seen)),
        2 => (0_usize..6, vec(0_u32..3, 1..3))
            .prop_map(|(request, items)| Operation::Expire { request, items }),
        2 => (0..8_usize).prop_map(Operation::Remind),
        1 => (0_u64..2).prop_map(|ahead| Operation::Publish { ahead }),
        5 => (0_usize..6, any::<u8>(), any::<bool>(), any::<bool>()).prop_map(
            |(request, which, done, seen)| Operation::Note { request, which, done, seen }
        ),
        2 => (1_usize..4).prop_map(Operation::TellOverdue),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_i64..20, vec(operation(), 1..12)).prop_map(|(hours, burst)| Step::Burst(hours, burst)),
        2 => (0_u64..24, option::of(any::<u64>()), vec(operation(), 1..12))
            .prop_map(|(after, seed, burst)| Step::PowerCut(after, seed, burst)),
        1 => Just(Step::Close),
        1 => Just(Step::Drop),
    ]
}

impl Model {
    fn expected(&self, precondition: Precondition, key: &DocumentKey) -> Expected {
        match (precondition, self.revision(key)) {
            (Precondition::Any, _) => Expected::Any,
            (Precondition::Absent, _) | (Precondition::Current, None) => Expected::Absent,
            (Precondition::Current, Some(revision)) => Expected::Revision(revision),
        }
    }

    pub(super) fn name_of(&self, request: usize) -> u64 {
        // One more than there are, so that unknown ones are asked for too.
        request as u64 % (self.named + 1)
    }

    fn version_of(&self, request: usize) -> (u64, u64) {
        let number = self.name_of(request);
        let mut known = self.requests.iter();
        let known = known.find(|known| known.id == request_id(number));
        (number, known.map_or(1, |known| known.entries.len() as u64))
    }

    /// What somebody who sees this state would send.
    #[expect(clippy::too_many_lines, reason = "one arm an operation")]
    pub(super) fn command(&mut self, operation: &Operation) -> Command {
        match operation {
            Operation::WriteUsers(users) => {
                let writes = users.iter().map(|(number, identities, precondition)| {
                    let document = user(*number, identities);
                    let expected = self.expected(*precondition, &document.key().unwrap());
                    put(&document, expected)
                });
                write_at(writes.collect(), self.now)
            }
            Operation::DeleteUser(number, precondition) => {
                let key = key(DocumentKind::User, &format!("u{number}"));
                let expected = self.expected(*precondition, &key);
                write_at(vec![delete(key, expected)], self.now)
            }
            Operation::WriteSystem(number, prefix) => {
                let prefix = ["+49", "+491"][usize::from(*prefix)];
                let document = system(&format!("mc{number}.example"), prefix);
                write_at(vec![put(&document, Expected::Any)], self.now)
            }
            Operation::WriteAgreement(active) => self.agreement(*active),
            Operation::WriteMigration(user, service, is_there) => {
                let document = migration(*user, ["mcptt", "mcdata"][usize::from(*service)]);
                let write = if *is_there {
                    put(&document, Expected::Any)
                } else {
                    delete(document.key().unwrap(), Expected::Any)
                };
                write_at(vec![write], self.now)
            }
            Operation::WriteUnverified(user, service) => self.unverified(*user, *service),
            Operation::WriteLink(up) => {
                let document = link(if *up { "up" } else { "down" });
                write_at(vec![put(&document, Expected::Any)], self.now)
            }
            Operation::Submit {
                key,
                reads,
                pending_hours,
                writes,
                bound,
                other,
            } => {
                let mut submit = self.submission(reads, pending_hours, *writes);
                submit.obligations = self.obligations_of(&submit, *other);
                Command::Submit(keyed(submit, *key, *bound))
            }
            Operation::Interrupt => interrupt(self.now),
            Operation::Respond {
                request,
                behind,
                person,
                items,
            } => self.answer(*request, *behind, *person, items),
            Operation::Report {
                request,
                behind,
                items,
            } => self.reports(*request, *behind, items),
            Operation::End {
                request,
                behind,
                items,
                how,
            } => self.ending((*request, *behind), items, *how),
            Operation::Remind(request) => self.remind(*request),
            Operation::Acknowledge(request, seen) => self.acknowledgement(*request, *seen),
            Operation::Expire { request, items } => {
                expire(self.name_of(*request), items.clone(), self.now)
            }
            Operation::Note {
                request,
                which,
                done,
                seen,
            } => self.notes(*request, *which, *done, *seen),
            Operation::TellOverdue(limit) => Command::TellOverdue(TellOverdue {
                at: at(self.now),
                limit: *limit,
            }),
            Operation::Publish { ahead } => publish(self.generation + 1 + ahead),
        }
    }

    fn acknowledgement(&self, request: usize, seen: u64) -> Command {
        Command::Acknowledge(Acknowledge {
            request_id: request_id(self.name_of(request)),
            version: 1 + seen,
            at: at(self.now),
        })
    }

    fn ending(&self, (request, behind): (usize, u64), items: &[u32], how: u8) -> Command {
        let (number, version) = self.version_of(request);
        let version = version.saturating_sub(behind);
        if how > 0 {
            let mut revoke = revoke(number, version, items.to_vec());
            revoke.at = at(self.now);
            revoke.ended = how == 2;
            let granted: Vec<_> = items.iter().map(|it| (*it, ItemState::Granted)).collect();
            let id = request_id(number);
            revoke.obligations = self.arising(id, Occasion::Revocation, &granted);
            return Command::Revoke(revoke);
        }
        let mut withdraw = withdraw(number, version, items.to_vec());
        withdraw.at = at(self.now);
        withdraw.in_time_at = at(self.now - other_clock(number) * HOUR);
        Command::Withdraw(withdraw)
    }

    fn remind(&self, request: usize) -> Command {
        Command::Remind(Remind {
            request_id: request_id(self.name_of(request)),
            at: at(self.now),
        })
    }

    fn agreement(&self, active: bool) -> Command {
        let document = agreement(if active { "active" } else { "suspended" });
        write_at(vec![put(&document, Expected::Any)], self.now)
    }

    fn unverified(&self, user: u8, service: u8) -> Command {
        let document = unverified(user, ["mcptt", "mcdata"][usize::from(service)]);
        write_at(vec![put(&document, Expected::Any)], self.now)
    }

    fn submission(&mut self, reads: &[u8], pending_hours: &[i64], writes: Option<u8>) -> Submit {
        self.named += 1;
        let items = pending_hours.iter().map(|hours| match hours {
            0 => ItemState::Granted,
            ..-20 => at_partner(Stage::Cleared, None),
            ..0 => at_partner(Stage::Cleared, Some(self.now - hours * HOUR)),
            hours => pending(self.now + hours * HOUR),
        });
        let mut submit = submit(self.named, self.generation, items.collect());
        submit.at = at(self.now);
        submit.reminders = asked(&submit, self.now);
        submit.correlation = Some(correlation(self.named));
        let reads = reads.iter().map(|read| {
            let read = read_key(*read);
            let revision = self.read(&read);
            (read, revision)
        });
        submit.read_set.entries = reads.collect();
        let writes = writes.map(|number| put(&user(number, &[number]), Expected::Any));
        submit.writes = writes.into_iter().collect();
        submit
    }

    fn obligations_of(&self, submit: &Submit, other: Option<usize>) -> Vec<Arising> {
        let items: Vec<(u32, ItemState)> = (0..).zip(submit.items.iter().copied()).collect();
        let mut arising = self.arising(submit.request_id, Occasion::Grant, &items);
        if let Some(other) = other {
            let id = request_id(self.name_of(other));
            let ended = [(0, ItemState::Granted)];
            arising.extend(self.arising(id, Occasion::Revocation, &ended));
        }
        arising
    }

    fn reports(&self, request: usize, behind: u64, items: &[(u32, u8)]) -> Command {
        let number = self.name_of(request);
        let known = self
            .requests
            .iter()
            .find(|known| known.id == request_id(number));
        let version = known.map_or(1, |known| known.entries.len() as u64);
        let items = items.iter().map(|(item, far)| {
            let expires_at = known
                .and_then(|known| known.items.get(*item as usize))
                .and_then(|item| item.expires_at());
            let to = match far {
                0 => ItemState::AtPartner {
                    stage: Stage::Cleared,
                    expires_at,
                },
                1 => ItemState::AtPartner {
                    stage: Stage::Sent,
                    expires_at,
                },
                2 => ItemState::AtPartner {
                    stage: Stage::PartnerPending,
                    expires_at,
                },
                3 => ItemState::Refused,
                4 => answered(PartnerOutcome::Accept, false),
                _ => answered(PartnerOutcome::Reject, false),
            };
            (*item, to)
        });
        let mut report = report(number, version.saturating_sub(behind), items.collect());
        report.read_set.generation = self.generation;
        report.obligations = self.arising(
            request_id(number),
            Occasion::PartnerAccepted,
            &answers_of(&report.items),
        );
        report.at = at(self.now);
        report.in_time_at = at(self.now - other_clock(number) * HOUR);
        Command::Report(report)
    }

    fn answer(&self, request: usize, behind: u64, person: u8, items: &[(u32, Said)]) -> Command {
        let number = self.name_of(request);
        let known = self
            .requests
            .iter()
            .find(|known| known.id == request_id(number));
        let version = known.map_or(1, |known| known.entries.len() as u64);
        let waiting = |item: u32| {
            let present = known.and_then(|known| known.items.get(item as usize));
            present.copied().filter(|it| it.is_pending())
        };
        let role = format!("role-{person}");
        let mut states = Vec::new();
        let mut votes = Vec::new();
        for (item, said) in items {
            let vote = match said {
                Said::Granted | Said::Refused => None,
                Said::Approved => Some(Vote::Approval {
                    roles: [role.parse().unwrap()].into(),
                }),
                Said::Denied => Some(Vote::Denial { afresh: false }),
                Said::DeniedAfresh => Some(Vote::Denial { afresh: true }),
                Said::Afresh => Some(Vote::Afresh),
            };
            let state = match said {
                Said::Granted => ItemState::Granted,
                Said::Refused => ItemState::Refused,
                Said::Approved | Said::Denied | Said::DeniedAfresh | Said::Afresh => {
                    waiting(*item).unwrap_or(pending(self.now + HOUR))
                }
            };
            states.push((*item, state));
            votes.extend(vote.map(|vote| (*item, vote)));
        }
        let mut respond = respond(number, version.saturating_sub(behind), states);
        let person = PersonDigest::from_bytes([person; 32]);
        respond.votes = (!votes.is_empty()).then(|| Votes::new(person.into(), votes));
        respond.read_set.generation = self.generation;
        respond.obligations = self.arising(request_id(number), Occasion::Grant, &respond.items);
        respond.at = at(self.now);
        respond.in_time_at = at(self.now - other_clock(number) * HOUR);
        Command::Respond(respond)
    }
}

fn keyed(mut submit: Submit, key: Option<(u8, u8)>, bound: bool) -> Submit {
    submit.bound_to = bound.then(|| PARTNER.parse().unwrap());
    match key {
        Some((key, body)) => under_key(submit, &key.to_string(), &body.to_string()),
        None => submit,
    }
}

/// What is still on its way to an answer obliges to nothing more.
fn answers_of(items: &[(u32, ItemState)]) -> Vec<(u32, ItemState)> {
    let items = items.iter().copied();
    items.filter(|(_, to)| to.stage().is_none()).collect()
}

/// By how many hours another clock, by which requests of a number are judged to be in time, is behind.
fn other_clock(number: u64) -> i64 {
    i64::try_from(number % 3).unwrap() * 5
}

/// How many things a decision may have read.
pub(super) const READS: u8 = 11;

/// What a decision may have read.
pub(super) fn read_key(number: u8) -> ReadKey {
    match number {
        0..=4 => ReadKey::Identity(format!("sip:i{number}@mc.nl.example").parse().unwrap()),
        5 => ReadKey::Number("+49123".to_owned()),
        6 => ReadKey::Document(key(DocumentKind::Agreement, "mc.de.example")),
        7 => ReadKey::Document(key(DocumentKind::User, "u0")),
        8 => ReadKey::Visitors("mc.nl.example".parse().unwrap()),
        9 => ReadKey::ServedAs("sip:guest.1@mc.be.example".parse().unwrap()),
        _ => ReadKey::Document(key(DocumentKind::User, "u1")),
    }
}

fn interrupt(now: i64) -> Command {
    Command::Interrupt(Interrupt {
        partners: vec![PARTNER.parse().unwrap(), "mc.be.example".parse().unwrap()],
        actor: "comity".to_owned(),
        at: at(now),
    })
}
