//! What a batch has already changed, though it is not applied yet.

use std::collections::HashSet;

use crate::decision::facts::AccessKey;
use crate::decision::facts::ReadKey;
use crate::decision::facts::ReadSet;
use crate::domain::document::Document;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::store::access::Access;
use crate::store::access::ApprovalId;
use crate::store::access::Use;
use crate::store::command::Command;
use crate::store::command::KeyDigest;
use crate::store::command::RequestId;
use crate::store::command::Submit;
use crate::store::command::Turn;
use crate::store::command::Turned;
use crate::store::command::Write;
use crate::store::erasure::ErasureId;
use crate::store::event::DocumentChange;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::Claim;
use crate::store::state::State;
use crate::store::state::claims_of;

/// What the commands of a batch change.
///
/// No command joins a batch that changes something it looks at: the batch is written and applied
/// first. So every command is checked against a state that holds all that was sequenced before it,
/// as far as it can see, and batches hold only commands that know nothing of each other.
#[derive(Debug, Default)]
pub(super) struct Touched {
    documents: HashSet<DocumentKey>,
    claims: HashSet<Claim>,
    numbers: bool,
    aliases: HashSet<FunctionalAlias>,
    /// Homes whose users were registered as served elsewhere, or no longer are.
    homes: HashSet<McSystemId>,
    /// Identities that serving systems gave to users, or took from them.
    served_as: HashSet<McServiceId>,
    /// By what access grants are found that were given or taken.
    access: HashSet<AccessKey>,
    requests: HashSet<RequestId>,
    approvals: HashSet<ApprovalId>,
    keys: HashSet<KeyDigest>,
    bundle: bool,
    /// Whether what waits is judged otherwise, because an agreement lapsed or something was taken away.
    interrupted: bool,
    /// With whom something was given, set or taken away that other requests take away, set or give, or such a request
    /// changed.
    turned: HashSet<(McSystemId, Turn)>,
    erasures: HashSet<ErasureId>,
}

impl Touched {
    /// Whether the command looks at something that is changed.
    pub(super) fn concerns(&self, command: &Command) -> bool {
        match command {
            Command::WriteDocuments(write) => self.concerns_writes(&write.writes),
            Command::Submit(submit) => self.concerns_submission(submit),
            Command::SubmitTogether(submits) => submits
                .iter()
                .any(|submit| self.concerns_submission(submit)),
            Command::Respond(respond) => {
                self.interrupted
                    || self.is_turned(&respond.turned)
                    || self.requests.contains(&respond.request_id)
                    || self.concerns_reads(&respond.read_set)
                    || self.concerns_writes(&respond.writes)
            }
            Command::Report(report) => {
                self.interrupted
                    || self.requests.contains(&report.request_id)
                    || self.concerns_reads(&report.read_set)
                    || self.concerns_writes(&report.writes)
            }
            Command::Withdraw(withdraw) => {
                self.interrupted
                    || self.requests.contains(&withdraw.request_id)
                    || self.concerns_writes(&withdraw.writes)
            }
            Command::NoteObligation(note) => {
                self.interrupted || self.requests.contains(&note.request_id)
            }
            Command::Revoke(revoke) => {
                self.interrupted
                    || self.requests.contains(&revoke.request_id)
                    || self.concerns_writes(&revoke.writes)
            }
            Command::Acknowledge(acknowledge) => {
                self.interrupted || self.requests.contains(&acknowledge.request_id)
            }
            Command::Expire(expire) => {
                self.interrupted || self.requests.contains(&expire.request_id)
            }
            Command::Remind(remind) => {
                self.interrupted || self.requests.contains(&remind.request_id)
            }
            // What waits, and under what, is seen whole.
            Command::Interrupt(_) | Command::TellOverdue(_) => true,
            Command::Publish(_) => self.bundle,
            Command::Erasure(noted) => self.erasures.contains(&noted.id),
            Command::RefusePublication(_)
            | Command::DryRuns(_)
            | Command::BeginSigning(_)
            | Command::NoteSecretsRead(_)
            | Command::NoteRecordsRead(_) => false,
        }
    }

    fn concerns_submission(&self, submit: &Submit) -> bool {
        self.requests.contains(&submit.request_id)
            || self.is_turned(&submit.turned)
            || self.concerns_approval(submit.access.as_deref())
            || submit
                .idempotency
                .is_some_and(|idempotency| self.keys.contains(&idempotency.key))
            || self.concerns_reads(&submit.read_set)
            || self.concerns_writes(&submit.writes)
    }

    fn is_turned(&self, seen: &[Turned]) -> bool {
        let turned = |seen: &Turned| self.turned.contains(&(seen.partner.clone(), seen.turn));
        !seen.is_empty() && (self.interrupted || seen.iter().any(turned))
    }

    fn concerns_approval(&self, access: Option<&Access>) -> bool {
        used(access).is_some_and(|used| {
            self.approvals.contains(&used.approval) || self.requests.contains(&used.request)
        })
    }

    fn concerns_writes(&self, writes: &[Write]) -> bool {
        writes.iter().any(|write| {
            self.documents.contains(&write.key)
                || write.document.as_deref().is_some_and(|document| {
                    let mut claims = claims_of(document).into_iter();
                    claims.any(|claim| self.claims.contains(&claim))
                })
        })
    }

    fn concerns_reads(&self, read_set: &ReadSet) -> bool {
        self.bundle
            || read_set.entries.iter().any(|(key, _)| match key {
                ReadKey::Document(key) => self.documents.contains(key),
                ReadKey::Identity(identity) => {
                    self.claims.contains(&Claim::Identity(identity.clone()))
                }
                ReadKey::Number(_) => self.numbers,
                ReadKey::Alias(alias) => self.aliases.contains(alias),
                ReadKey::Visitors(home) => self.homes.contains(home),
                ReadKey::ServedAs(identity) => self.served_as.contains(identity),
                ReadKey::Access(found_by) => self.access.contains(found_by),
                ReadKey::MigratedProfile { user, home } => [Some(user), None].iter().any(|user| {
                    self.claims.contains(&Claim::Profile {
                        home: home.clone(),
                        user: user.cloned(),
                        occasion: None,
                    })
                }),
            })
    }

    /// Adds what an event changes in this state.
    pub(super) fn add(&mut self, event: &Event, state: &State) {
        self.interrupted |= !event.interrupted.is_empty();
        let ended = event.ends.iter();
        self.approvals
            .extend(ended.flat_map(|thing| state.approvals_of(thing)));
        let obliged = event.obligations.iter();
        self.requests.extend(obliged.map(|it| it.request_id));
        self.add_body(&event.body, state);
    }

    fn add_body(&mut self, body: &EventBody, state: &State) {
        match body {
            EventBody::DocumentsWritten { changes, .. } => self.add_changes(changes, state),
            EventBody::Submitted {
                request_id,
                idempotency,
                changes,
                reduces,
                adds,
                access,
                ..
            } => {
                self.interrupted |= reduces.is_some();
                self.add_turns((reduces.clone(), adds.clone()));
                self.approvals
                    .extend(used(access.as_deref()).map(|used| used.approval));
                self.requests.insert(*request_id);
                self.keys
                    .extend(idempotency.map(|idempotency| idempotency.key));
                self.add_changes(changes, state);
            }
            EventBody::Responded {
                request_id,
                changes,
                ..
            }
            | EventBody::Reported {
                request_id,
                changes,
                ..
            }
            | EventBody::Withdrawn {
                request_id,
                changes,
                ..
            }
            | EventBody::Revoked {
                request_id,
                changes,
                ..
            } => {
                self.requests.insert(*request_id);
                self.add_turns(state.turns_of(*request_id));
                self.add_changes(changes, state);
            }
            EventBody::Expired { request_id, .. }
            | EventBody::ObligationNoted { request_id, .. }
            | EventBody::Acknowledged { request_id, .. }
            | EventBody::Reminded { request_id, .. } => {
                self.requests.insert(*request_id);
            }
            EventBody::ObligationsOverdue { obligations } => {
                let requests = obligations.iter();
                self.requests.extend(requests.map(|it| it.request_id));
            }
            EventBody::Published { .. } => self.bundle = true,
            EventBody::Erasure { id, .. } => {
                self.erasures.insert(*id);
            }
            EventBody::Genesis { .. }
            | EventBody::PublicationRefused { .. }
            | EventBody::DryRuns { .. }
            | EventBody::SigningBegun(_)
            | EventBody::SecretsRead { .. }
            | EventBody::RecordsRead { .. } => {}
        }
    }

    fn add_turns(&mut self, (reduces, adds): (Option<McSystemId>, Option<McSystemId>)) {
        let reduces = reduces.map(|partner| (partner, Turn::Reduces));
        let adds = adds.map(|partner| (partner, Turn::Adds));
        self.turned.extend(reduces.into_iter().chain(adds));
    }

    fn add_changes(&mut self, changes: &[DocumentChange], state: &State) {
        for change in changes {
            let key = change.key();
            self.numbers |= key.kind == DocumentKind::System;
            if let DocumentChange::Put(_, document) = change {
                self.add_content(document);
            }
            if let Some(document) = state.document_under(key) {
                self.add_content(document);
            }
            self.documents.insert(key.clone());
        }
    }

    fn add_content(&mut self, document: &Document) {
        self.claims.extend(claims_of(document));
        match document {
            Document::User(user) => self.aliases.extend(user.functional_aliases.iter().cloned()),
            Document::Migration(entry) => {
                self.homes.insert(entry.home_system.clone());
                self.served_as.extend(entry.serving_mc_service_id.clone());
            }
            Document::AccessGrant(grant) => self.access.extend(AccessKey::all_of(grant)),
            Document::System(_)
            | Document::Agreement(_)
            | Document::Group(_)
            | Document::MigratedProfile(_)
            | Document::Link(_)
            | Document::UeConfiguration(_)
            | Document::OpenDeletion(_)
            | Document::AreaMap(_)
            | Document::PartnerKeys(_)
            | Document::ResponseSettings(_)
            | Document::HomeRefusal(_)
            | Document::Membership(_)
            | Document::MigrationUser(_)
            | Document::ScheduledChange(_)
            | Document::SharedGroup(_)
            | Document::GroupOverride(_) => {}
        }
    }
}

/// The approval that a submission uses up.
fn used(access: Option<&Access>) -> Option<&Use> {
    match access {
        Some(Access::Evaluation { uses, .. }) => uses.as_ref(),
        Some(Access::Approval(_)) | None => None,
    }
}
