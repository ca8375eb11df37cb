//! Visitors whose home could not be asked, once it can be (ruling 22): they are listed, they end after a grace unless the
//! home consents, and what their end obliges to was said when they were let in.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::app::App;
use crate::app::administer::PAGE_DOCUMENTS_MAX;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::submit::Evaluation;
use crate::decision::obligation::Obligation;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::document::Document;
use crate::domain::migration::Migration;
use crate::domain::outcome::Outcome;
use crate::domain::registry::DocumentId;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::Expected;
use crate::store::command::RequestId;
use crate::store::command::Write;
use crate::store::command::WriteDocuments;

/// Who writes what happens by itself.
const ACTOR: &str = "comity";

/// How many services end in one entry of the log.
const ENDED_AT_ONCE_MAX: usize = 1_000;

/// How old a measurement of the link may be where the agreement does not say.
const LINK_AGE_SECONDS_MAX: i64 = 300;

/// An entry of the register that is to be decided again.
#[derive(Clone, Debug)]
pub struct ToDecideAgain {
    /// The revision of the entry.
    pub revision: Revision,
    /// The entry.
    pub document: Arc<Document>,
    /// Since when it is to be.
    pub since: Timestamp,
    /// When it ends unless the home consents.
    pub ends_at: Timestamp,
    /// What its end obliges to.
    pub obligations: Vec<Obligation>,
}

/// What ends with a decision: a service that was granted without asking the home, and what that obliges to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// The item of the request that failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub item: Option<usize>,
    /// The request by which it was granted.
    pub request_id: Uuid,
    /// What its end obliges to.
    pub obligations: Vec<Obligation>,
}

/// The part of a record that says what ended with a decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "revocation")]
pub(in crate::app) struct RevocationPart {
    pub(in crate::app) revoked: Vec<Revoked>,
}

/// Whether it is the home that asks, known by its certificate, and the link to it was measured lately: what is refused
/// for want of these says nothing of the visitor.
fn is_asked_by_home(
    request: &InterSystemRequest,
    evaluation: &Evaluation,
    entry: &Migration,
) -> bool {
    let shared = &evaluation.facts.shared;
    let (Some(peer), Some(agreement), Some(link)) = (
        request.peer.as_ref(),
        shared.agreement.as_ref().map(|found| &found.value),
        shared.link.as_ref().map(|found| &found.value),
    ) else {
        return false;
    };
    let age_max = agreement.migration.as_ref();
    let age_max = age_max.and_then(|terms| terms.link_age_seconds_max);
    let age_max = age_max.map_or(LINK_AGE_SECONDS_MAX, i64::from);
    let good_until = link.measured_at.plus_milliseconds(age_max * 1_000);
    peer.system == entry.home_system
        && agreement.certificates.contains(&peer.certificate)
        && evaluation.now <= good_until
}

/// The parts of a record, with what ended.
pub(in crate::app) fn with_revocations(
    mut parts: Vec<RecordPart>,
    request: &InterSystemRequest,
    revoked: &[(Write, Revoked)],
) -> Result<Vec<RecordPart>, AppError> {
    let (Some(user), false) = (request.body.elements().subject(), revoked.is_empty()) else {
        return Ok(parts);
    };
    let part = RevocationPart {
        revoked: revoked.iter().map(|(_, revoked)| revoked.clone()).collect(),
    };
    let body = serde_json::to_vec(&part).map_err(|error| AppError::Broken(Box::new(error)))?;
    parts.push(RecordPart {
        class: PartClass::Personal(user.to_string()),
        body,
    });
    Ok(parts)
}

impl App {
    /// Entries of the register that are to be decided again, in the order of their ids, after one id.
    pub fn to_decide_again(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ToDecideAgain>, AppError> {
        self.permit(caller, Action::ReadRegistry)?;
        let after: Option<DocumentId> = after.and_then(|after| after.parse().ok());
        let mut found: Vec<(DocumentId, Revision, Arc<Document>, Timestamp)> =
            self.store().view(|state| {
                let listed = state.to_decide_again();
                let listed = listed.filter_map(|(revision, document, since)| {
                    let id = document.key().ok()?.id;
                    Some((id, revision, Arc::clone(document), since))
                });
                listed
                    .filter(|(id, ..)| after.as_ref().is_none_or(|after| id > after))
                    .collect()
            });
        found.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
        found.truncate(limit.min(PAGE_DOCUMENTS_MAX));
        let listed = found.into_iter().map(|(_, revision, document, since)| {
            let mut obligations = Vec::new();
            if let Document::Migration(entry) = document.as_ref() {
                obligations = self.revocation(entry)?;
            }
            Ok(ToDecideAgain {
                revision,
                document,
                since,
                ends_at: since.plus_milliseconds(self.grace_milliseconds()),
                obligations,
            })
        });
        listed.collect()
    }

    fn grace_milliseconds(&self) -> i64 {
        let seconds = self.settings().decide_again_grace_seconds;
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000)
    }

    /// What the end of an unverified service obliges to, as the policies said by which it was granted; nothing where
    /// it was written by hand.
    pub(in crate::app) fn revocation(
        &self,
        entry: &Migration,
    ) -> Result<Vec<Obligation>, AppError> {
        let granted = match self.request_entry(RequestId(entry.request_id)) {
            Ok(granted) => granted,
            Err(AppError::UnknownRequest(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let items = self.submitted_record(&granted)?.items.into_iter();
        let mut items = items.filter(|decision| decision.item.service == Some(entry.service));
        Ok(items
            .next()
            .map(|item| item.when_refused)
            .unwrap_or_default())
    }

    /// What ends because its home, which can be asked again, asks for what is refused here: the decision again has
    /// failed.
    pub(in crate::app) fn revoked(
        &self,
        request: &InterSystemRequest,
        evaluation: &Evaluation,
    ) -> Result<Vec<(Write, Revoked)>, AppError> {
        let mut revoked = Vec::new();
        let link = evaluation.facts.shared.link.as_ref();
        for (number, decision) in evaluation.items.iter().enumerate() {
            let entry = decision.item.service;
            let entry = entry.and_then(|service| evaluation.register.get(&service));
            let (Some(entry), Some(link), Outcome::Reject) = (entry, link, decision.outcome) else {
                continue;
            };
            let is_due = entry.decide_again_since(&link.value).is_some();
            if !is_due || !is_asked_by_home(request, evaluation, entry) {
                continue;
            }
            let key = Document::Migration(entry.clone()).key();
            let key = key.map_err(|error| AppError::Broken(Box::new(error)))?;
            let write = Write {
                key,
                // What was there is in the read set.
                expected: Expected::Any,
                document: None,
            };
            let ended = Revoked {
                item: Some(number),
                request_id: entry.request_id,
                obligations: self.revocation(entry)?,
            };
            revoked.push((write, ended));
        }
        Ok(revoked)
    }

    /// Ends what is served unverified for longer than the grace after the link came back; while the clock has just
    /// jumped, nothing.
    pub async fn end_unverified(&self) {
        let now = self.now();
        if self.clock().jump().is_some() {
            return;
        }
        let (grace, surely) = (self.grace_milliseconds(), self.present().earliest);
        let writes: Vec<Write> = self.store().view(|state| {
            let over = state.to_decide_again();
            let over = over.filter(|(.., since)| since.plus_milliseconds(grace) <= surely);
            let over = over.filter_map(|(revision, document, _)| {
                Some(Write {
                    key: document.key().ok()?,
                    expected: Expected::Revision(revision),
                    document: None,
                })
            });
            over.take(ENDED_AT_ONCE_MAX).collect()
        });
        if writes.is_empty() {
            return;
        }
        let command = Command::WriteDocuments(WriteDocuments {
            writes,
            actor: ACTOR.to_owned(),
            ends: Vec::new(),
            at: now,
        });
        if let Err(error) = self.commit(command).await {
            tracing::warn!(%error, "what was not decided again could not be ended; the next round tries again");
        }
    }
}
