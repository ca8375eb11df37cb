//! What the own front-end reports of a request that a partner answers: sent, held there, answered, delivered (ruling 8).
//!
//! What was cleared here is granted only by the partner, so what follows from a grant is written with its answer.

mod answer;
mod consequence;
mod effect;
mod wire;

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::answer::RequestAnswer;
use crate::app::error::AppError;
use crate::app::obligations::Gathering;
use crate::app::permission::Action;
use crate::app::respond::check_version;
use crate::app::submit::ATTEMPTS_MAX;
use crate::app::submit::Evaluation;
use crate::app::submit::record;
use crate::app::taken_back::goes_on;
use crate::decision::facts::Lookup;
use crate::decision::facts::ReadKey;
use crate::decision::facts::ReadSet;
use crate::decision::facts::other_system;
use crate::decision::obligation::Limits;
use crate::decision::record::DecisionRecord;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::document::Document;
use crate::domain::home_refusal::HomeRefusal;
use crate::domain::operation::Direction;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::request::Peer;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Refusal;
use crate::store::command::Report as ReportCommand;
use crate::store::command::RequestId;
use crate::store::state::RequestEntry;
use crate::store::state::State;

use consequence::Consequence;
use effect::Move;

pub use answer::PartnerAnswer;
pub use answer::ReportAnswer;
pub(in crate::app) use answer::evaluates;
pub(in crate::app) use answer::partner_answers;
pub(in crate::app) use answer::report_answer;
pub use wire::Answered;
pub use wire::PartnerPending;
pub use wire::Report;
pub use wire::ReportedItem;
pub use wire::Sent;

/// Under what a part is found that says something freely and is about nobody in particular.
const TEXT_SUBJECT: &str = "text";

/// Which report it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// It was sent to the partner.
    Sent,
    /// The partner holds it.
    PartnerPending,
    /// The partner answered.
    Answered,
    /// The answer was delivered to whoever asked.
    Delivered,
}

/// The part of a record that says what was reported; nothing personal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "report")]
pub(in crate::app) struct ReportPart {
    pub(in crate::app) report: ReportKind,
    /// The items, and what the partner answered about each, if it did.
    pub(in crate::app) items: Vec<(usize, Option<PartnerOutcome>)>,
    /// When it happened, as the front-end says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::app) at: Option<Timestamp>,
    /// How long the partner holds it, as the front-end says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::app) expires_at: Option<Timestamp>,
    /// Who answered, as the front-end attests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::app) peer: Option<Peer>,
    pub(in crate::app) reported_at: Timestamp,
    pub(in crate::app) caller: String,
    /// Whether the entry holds a decision as well: what the partner granted was decided again.
    pub(in crate::app) evaluated: bool,
}

/// The part of a record that says what the partner said of one person's items.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "partner-words")]
pub(in crate::app) struct WordsPart {
    pub(in crate::app) words: Vec<Words>,
}

/// What the partner said of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::app) struct Words {
    pub(in crate::app) item: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::app) reason: Option<String>,
    #[serde(default)]
    pub(in crate::app) limits: Limits,
}

impl App {
    /// Takes a report in; one that says nothing new changes nothing.
    ///
    /// `required` is the version of the request on which the front-end relies.
    pub async fn report(
        &self,
        caller: Caller,
        id: RequestId,
        report: Report,
        required: Option<u64>,
    ) -> Result<RequestAnswer, AppError> {
        self.permit_on_request(&caller, Action::ReportRequest, id)?;
        report.check(self.now())?;
        let app = self.clone();
        let work = tokio::spawn(async move {
            Box::pin(app.report_checked(caller, id, report, required)).await
        });
        work.await
            .map_err(|error| AppError::OutcomeUnknown(Box::new(error)))?
    }

    async fn report_checked(
        &self,
        caller: Caller,
        id: RequestId,
        report: Report,
        required: Option<u64>,
    ) -> Result<RequestAnswer, AppError> {
        for _ in 0..ATTEMPTS_MAX {
            let entry = self.request_entry(id)?;
            check_version(id, &entry, required)?;
            let submitted = self.submitted_record(&entry)?;
            let generation = self.store().view(State::generation);
            let mut read_set = ReadSet {
                entries: Vec::new(),
                generation,
            };
            if let Report::Answered(answered) = &report {
                let read = self.check_origin(&submitted.request, answered)?;
                read_set.entries.push(read);
            }
            let earlier = self.earlier_answers(&entry)?;
            let now = self.present();
            let latest = now.latest;
            if entry.items.iter().any(|item| item.is_overdue(latest)) {
                // By one of the times that may be right somebody waits no longer.
                return Err(self.unsettled().into());
            }
            let moves = effect::of(&report, (&entry, &submitted), &earlier, now)?;
            if moves.is_empty() {
                return self.request_answer(id);
            }
            let moves = self.unless_refused_since(&entry, &submitted, moves)?;
            let moves = self.unless_interrupted_since(&entry, &submitted.request, moves)?;
            let judged = self.judged(&submitted.request, moves).await?;
            let made = Made {
                id,
                entry: &entry,
                report: &report,
                submitted,
                judged,
                read_set,
                in_time_at: latest,
            };
            let command = self.report_command(&caller, made)?;
            match self.commit(Command::Report(command)).await {
                Ok(_) => return self.request_answer(id).map_err(AppError::after_commit),
                Err(CommitError::Refused(Refusal::Stale(_))) => {
                    let sequenced = self.store().view(State::generation);
                    self.live().reached(sequenced).await;
                }
                // Another report came first: what this one still says is looked at anew.
                Err(CommitError::Refused(
                    Refusal::Version { .. } | Refusal::NotAtPartner { .. },
                )) if required.is_none() => self.check_is_in_memory(&entry)?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Contended)
    }

    /// An answer joins the request by its correlation id, and comes from the system that was asked, known by its
    /// certificate (ruling 2). What was read to know that is read again when it is sequenced.
    fn check_origin(
        &self,
        request: &InterSystemRequest,
        answered: &Answered,
    ) -> Result<(ReadKey, Option<Revision>), AppError> {
        if answered.correlation_id != request.correlation_id {
            let detail = "the correlation id is not that of the request";
            return Err(AppError::PeerRefused(detail.to_owned()));
        }
        let asked = other_system(request);
        if answered.peer.system != *asked {
            let detail = format!("the request was put to `{asked}`, and it answers");
            return Err(AppError::PeerRefused(detail));
        }
        let key = DocumentKey {
            kind: DocumentKind::Agreement,
            id: asked
                .as_str()
                .parse()
                .map_err(|error| AppError::Broken(Box::new(error)))?,
        };
        let found = self.store().view(|state| state.document(&key));
        let is_known = match found.as_ref().map(|found| found.value.as_ref()) {
            Some(Document::Agreement(agreement)) => {
                agreement.certificates.contains(&answered.peer.certificate)
            }
            Some(_) | None => false,
        };
        if !is_known {
            let detail = format!("`{asked}` is not known by this certificate");
            return Err(AppError::PeerRefused(detail));
        }
        let revision = found.map(|found| found.revision);
        Ok((ReadKey::Document(key), revision))
    }

    /// What the partner grants is decided again: what policy refuses by now is not granted.
    /// A home's consent to an older question does not undo what it refused to a newer one (ruling 11).
    fn unless_refused_since(
        &self,
        entry: &RequestEntry,
        submitted: &DecisionRecord,
        mut moves: Vec<Move>,
    ) -> Result<Vec<Move>, AppError> {
        let request = &submitted.request;
        let OperationBody::MigrationServiceAuthorization(asked) = &request.body else {
            return Ok(moves);
        };
        if request.direction != Direction::Inbound {
            return Ok(moves);
        }
        for it in moves.iter_mut().filter(|it| it.is_granted()) {
            let decision = submitted.items.get(it.number);
            let Some(service) = decision.and_then(|decision| decision.item.service) else {
                continue;
            };
            let key = DocumentKey {
                kind: DocumentKind::HomeRefusal,
                id: HomeRefusal::id(&asked.user, service)
                    .map_err(|error| AppError::Broken(Box::new(error)))?,
            };
            let refused = self.store().view(|state| state.revision(&key));
            if refused.is_some_and(|refused| refused.0 > entry.submitted.0) {
                it.overrule();
            }
        }
        Ok(moves)
    }

    /// A partner's consent that the cooperation goes on does not undo what interrupted it since we asked (ADR 0026).
    fn unless_interrupted_since(
        &self,
        entry: &RequestEntry,
        request: &InterSystemRequest,
        mut moves: Vec<Move>,
    ) -> Result<Vec<Move>, AppError> {
        if goes_on(&request.body) && moves.iter().any(Move::is_granted) {
            let taken_back = self.taken_back(request, entry)?;
            let granted = moves.iter_mut().filter(|it| it.is_granted());
            let over = granted.filter(|it| taken_back.by.contains_key(&it.number));
            over.for_each(Move::overrule);
        }
        Ok(moves)
    }

    /// Of a request that ended long ago nothing more is noted: its items stand in the log alone. One that has ended since
    /// it was read is looked at anew: what is reported may be what ended it.
    fn check_is_in_memory(&self, entry: &RequestEntry) -> Result<(), AppError> {
        let put_away = self
            .store()
            .view(|state| state.put_away(entry.id).map(|request| request.version()));
        if put_away != Some(entry.version) {
            return Ok(());
        }
        let detail = "the request ended so long ago that nothing more is noted of it".to_owned();
        Err(AppError::NotAtPartner {
            detail,
            current: None,
        })
    }

    async fn judged(
        &self,
        request: &InterSystemRequest,
        moves: Vec<Move>,
    ) -> Result<Judged, AppError> {
        if !moves.iter().any(Move::is_granted) {
            let evaluation = None;
            return Ok(Judged { moves, evaluation });
        }
        let evaluation = self.evaluate(request).await?;
        let moves = moves
            .into_iter()
            .map(|it| it.judged(&evaluation.items))
            .collect();
        Ok(Judged {
            moves,
            evaluation: Some(evaluation),
        })
    }

    fn report_command(&self, caller: &Caller, made: Made<'_>) -> Result<ReportCommand, AppError> {
        let Made {
            id,
            entry,
            report,
            submitted,
            judged: Judged { moves, evaluation },
            mut read_set,
            in_time_at,
        } = made;
        let at = evaluation
            .as_ref()
            .map_or_else(|| self.now(), |evaluation| evaluation.now);
        let consequence = Consequence {
            id,
            entry,
            submitted: &submitted,
            moves: &moves,
            evaluation: evaluation.as_ref(),
            at,
        };
        let (writes, read) = self.store().view(|state| consequence.writes(state))?;
        read_set.entries.extend(read);
        if let Some(evaluation) = &evaluation {
            read_set.generation = evaluation.read_set.generation;
            read_set
                .entries
                .extend(evaluation.read_set.entries.iter().cloned());
        }
        let mut gathering = Gathering::new(&submitted.request, id, at);
        for it in moves.iter().filter(|it| it.stands_granted()) {
            let decided = evaluation.as_ref().map(|evaluation| &evaluation.items);
            if let Some(decision) = decided.and_then(|items| items.get(it.number)) {
                gathering.granted_by_partner(it.number, decision);
            }
        }
        let obligations = gathering.into_arising();
        let mut parts = parts(
            caller,
            report,
            &submitted,
            &moves,
            (at, evaluation.is_some()),
        )?;
        if let Some(evaluation) = evaluation {
            let decided = record(caller, &submitted.request, id, evaluation).into_parts();
            let mut decided = decided.map_err(|error| AppError::Broken(Box::new(error)))?;
            decided.append(&mut parts);
            parts = decided;
        }
        Ok(ReportCommand {
            request_id: id,
            expected_version: entry.version,
            items: moves.iter().map(Move::numbered).collect(),
            read_set,
            writes,
            obligations,
            parts,
            at,
            in_time_at,
        })
    }
}

/// Where items go, once what is granted was decided again.
struct Judged {
    moves: Vec<Move>,
    evaluation: Option<Evaluation>,
}

/// What a report is made into an entry of.
struct Made<'a> {
    id: RequestId,
    entry: &'a RequestEntry,
    report: &'a Report,
    submitted: DecisionRecord,
    judged: Judged,
    read_set: ReadSet,
    /// The moment at which the items must still be in time.
    in_time_at: Timestamp,
}

fn parts(
    caller: &Caller,
    report: &Report,
    submitted: &DecisionRecord,
    moves: &[Move],
    (at, evaluated): (Timestamp, bool),
) -> Result<Vec<RecordPart>, AppError> {
    let said = ReportPart {
        report: report.kind(),
        items: moves.iter().map(|it| (it.number, it.outcome)).collect(),
        at: report.at(),
        expires_at: report.expires_at(),
        peer: report.peer().cloned(),
        reported_at: at,
        caller: caller.name.clone(),
        evaluated,
    };
    let mut parts = vec![part(PartClass::State, &said)?];
    for it in moves {
        let Some(words) = it.words.clone() else {
            continue;
        };
        let subject = submitted.items.get(it.number);
        let subject = subject.and_then(|item| item.item.subject.as_ref());
        let subject = subject.map_or_else(|| TEXT_SUBJECT.to_owned(), ToString::to_string);
        let words = WordsPart { words: vec![words] };
        parts.push(part(PartClass::Personal(subject), &words)?);
    }
    Ok(parts)
}

fn part(class: PartClass, body: &impl Serialize) -> Result<RecordPart, AppError> {
    let body = serde_json::to_vec(body).map_err(|error| AppError::Broken(Box::new(error)))?;
    Ok(RecordPart { class, body })
}
