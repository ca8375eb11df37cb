//! Answering held items. Approval is a decision too: the ceiling is evaluated again, with fresh facts.

mod agreed;
mod ballot;
mod form;
mod given;

use serde::Deserialize;
use serde::Serialize;
use tokio::sync::MutexGuard;
use uuid::Uuid;

use crate::app::App;
use crate::app::answer::RequestAnswer;
use crate::app::consequence::Granted;
use crate::app::error::AppError;
use crate::app::error::Standing;
use crate::app::obligations::Gathering;
use crate::app::permission::Action;
use crate::app::reminding::further_reminders;
use crate::app::respond::ballot::Counted;
use crate::app::respond::ballot::Voter;
use crate::app::respond::ballot::Waiting;
use crate::app::respond::form::Answered;
use crate::app::respond::form::Said;
use crate::app::response_settings::change_of;
use crate::app::reviewer::Answerers;
use crate::app::reviewer::Eligible;
use crate::app::reviewer::Reviewer;
use crate::app::seen::Required;
use crate::app::submit::ATTEMPTS_MAX;
use crate::app::submit::Evaluation;
use crate::app::submit::is_accepted;
use crate::app::submit::record;
use crate::app::taken_back::TakenBack;
use crate::app::taken_back::TakenBackItem;
use crate::decision::facts::Facts;
use crate::decision::facts::other_system;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::identity::McServiceId;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::status;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::access::ApprovalId;
use crate::store::access::Approved;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Person;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::Respond;
use crate::store::command::Vote;
use crate::store::command::Votes;
use crate::store::state::RequestEntry;
use crate::store::state::State;

pub(in crate::app) use agreed::Agreed;
pub(in crate::app) use agreed::Terms;
pub(in crate::app) use ballot::Completing;
pub use form::ItemsAnswer;
pub use form::ReviewAnswer;
pub use form::Verdict;
pub(in crate::app) use given::GivenBy;

/// The part of a record that says what was answered; nothing personal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "review")]
pub(in crate::app) struct ReviewPart {
    pub(in crate::app) answer: Verdict,
    pub(in crate::app) items: Vec<usize>,
    /// Items, of all that are answered, that are not granted because they were taken back since they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::app) taken_back: Vec<usize>,
    /// By what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::app) taken_back_by: Vec<TakenBackItem>,
    pub(in crate::app) answered_at: Timestamp,
    pub(in crate::app) caller: String,
    /// What was answered to other items at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::app) further: Vec<FurtherAnswer>,
    /// How it was counted, where it gave the approval that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::app) completes: Option<Completing>,
}

/// An answer to other items in the same entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::app) struct FurtherAnswer {
    pub(in crate::app) answer: Verdict,
    pub(in crate::app) items: Vec<usize>,
}

/// The part of a record that says who answered, and in which words.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "reviewer")]
pub(in crate::app) struct ReviewerPart {
    pub(in crate::app) reviewer: McServiceId,
    pub(in crate::app) reason: String,
    /// Why other items were answered as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::app) further: Vec<String>,
}

impl App {
    /// Answers held items of a request.
    ///
    /// `required` is what the reviewer saw: a version of the request, or all of it that could matter.
    pub async fn respond(
        &self,
        caller: Caller,
        id: RequestId,
        answer: ReviewAnswer,
        required: Option<Required>,
    ) -> Result<RequestAnswer, AppError> {
        self.permit_on_request(&caller, Action::AnswerRequest, id)?;
        let answered = answer.checked()?;
        let app = self.clone();
        let work =
            async move { Box::pin(app.respond_checked(caller, id, answered, required)).await };
        tokio::spawn(work)
            .await
            .map_err(|error| AppError::OutcomeUnknown(Box::new(error)))?
    }

    async fn respond_checked(
        &self,
        caller: Caller,
        id: RequestId,
        answered: Answered,
        required: Option<Required>,
    ) -> Result<RequestAnswer, AppError> {
        let version = required.and_then(Required::version);
        for _ in 0..ATTEMPTS_MAX {
            let standing = self.aside(move |app| app.standing(id)).await?;
            let (known, quorums) = (standing.policies(), standing.quorums());
            let (since, agreed) = (standing.since(), standing.agreed());
            let (voters, mut entry) = (standing.voters, standing.entry);
            let (request, then) = (standing.record.request, standing.record.facts);
            let partner = other_system(&request).clone();
            check_version(id, &entry, version)?;
            let found = (&entry, &request, &then);
            let reviewer = self.reviewer(&caller, &answered.reviewer, found)?;
            // Nobody publishes between the gate and the publication of a change of responses.
            let change = change_of(&request).cloned();
            let publishing = self.publishing_of(change.is_some()).await;
            let (taken_back, mut evaluation) = self.judged_anew(&request, &entry).await?;
            let approvers = self.approvers(&voters, entry.tallies.values(), found);
            let present = self.present();
            entry.stands_at(present.earliest);
            self.check_seen(&caller, (id, &request, &entry), &evaluation, required)?;
            // What the reviewer is, and who approved before, is nothing that they saw.
            let persons = approvers.reads().chain([reviewer.read()]);
            evaluation.read_set.entries.extend(persons);
            let waiting = Waiting {
                entry: &entry,
                request: &request,
                evaluation: &evaluation,
                known: &known,
                quorums: &quorums,
                since: &since,
                agreed: &agreed,
                approvers: &approvers,
                taken_back: &taken_back.items(),
                unsettled: self.unsettled(),
                present,
            };
            let (counted, person) = self.counted((id, &reviewer), &waiting, &answered)?;
            let granted = granted(&entry, &counted);
            let told = self.disclosed((&request, id), &mut evaluation, &granted)?;
            let candidate = match change.filter(|_| !granted.is_empty()) {
                Some(change) => Some(self.changed_responses(&change, id, &mut evaluation).await?),
                None => None,
            };
            let decided = Decided {
                request,
                evaluation,
                counted,
                person,
                granted,
                taken_back,
                told,
                in_time_at: present.latest,
            };
            let command = response(&caller, id, &entry, &answered, decided)?;
            self.refuse_over_lapsing(&partner, &command.writes)?;
            match self.commit(Command::Respond(command)).await {
                Ok(_) => {
                    if let Some(candidate) = candidate {
                        self.publish_responses(candidate, id).await;
                    }
                    drop(publishing);
                    return self.answer_after(&caller, id).await;
                }
                Err(CommitError::Refused(Refusal::Stale(_))) => self.reach_sequenced().await,
                Err(CommitError::Refused(refusal))
                    if version.is_none() && is_overtaken(&refusal) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Contended)
    }

    /// Waits until the bundle that was sequenced last is the one in force here.
    async fn reach_sequenced(&self) {
        let sequenced = self.store().view(State::generation);
        self.live().reached(sequenced).await;
    }

    /// Which items were taken back since, and what policy says of all of them now.
    async fn judged_anew(
        &self,
        request: &InterSystemRequest,
        entry: &RequestEntry,
    ) -> Result<(TakenBack, Evaluation), AppError> {
        // What is granted in between changes what was looked at.
        let taken_back = self.taken_back(request, entry)?;
        Ok((taken_back, self.evaluate(request).await?))
    }

    /// Keeps everybody else from publishing, if so asked.
    async fn publishing_of(&self, is_change: bool) -> Option<MutexGuard<'_, ()>> {
        if is_change {
            Some(self.publishing().lock().await)
        } else {
            None
        }
    }

    /// What the answer makes of the items, and whose it is.
    fn counted(
        &self,
        (id, reviewer): (RequestId, &Reviewer),
        waiting: &Waiting<'_>,
        answered: &Answered,
    ) -> Result<(Vec<Counted>, Person), AppError> {
        let person = reviewer.person(self.sealing_key(), id);
        let person = person.ok_or_else(|| AppError::Broken("no digest of a person".into()))?;
        let voter = Voter {
            reviewer,
            person: &person,
        };
        let mut answerers = Answerers::new(self, waiting.request);
        let counted = waiting.count(voter, answered, &mut answerers)?;
        Ok((counted, person))
    }

    /// The reviewer is an enabled user of ours, and neither asked for this nor gets it (ruling 26).
    fn reviewer(
        &self,
        caller: &Caller,
        identity: &McServiceId,
        (entry, request, then): (&RequestEntry, &InterSystemRequest, &Facts),
    ) -> Result<Reviewer, AppError> {
        if *entry.caller == *caller.name {
            return Err(AppError::Originator);
        }
        Eligible::new(self, (entry, request, then)).find(identity)
    }
}

/// Whether somebody else answered first: what that left is looked at anew, unless the reviewer named the version that
/// they saw.
fn is_overtaken(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Version { .. } | Refusal::NotPending { .. } | Refusal::AnsweredBefore { .. }
    )
}

pub(in crate::app) fn check_version(
    id: RequestId,
    entry: &RequestEntry,
    required: Option<u64>,
) -> Result<(), AppError> {
    if required.is_some_and(|required| required != entry.version) {
        return Err(AppError::RevisionMismatch {
            key: id.to_string(),
            present: Some(Revision(entry.version)),
        });
    }
    Ok(())
}

pub(in crate::app) fn standing(entry: &RequestEntry) -> Standing {
    Standing {
        status: status(entry.items.iter().copied()),
        states: entry.items.iter().map(|item| item.as_str()).collect(),
        version: entry.version,
    }
}

/// What an answer is made of.
struct Decided {
    request: InterSystemRequest,
    evaluation: Evaluation,
    /// What it makes of each item that is answered.
    counted: Vec<Counted>,
    /// Whose it is.
    person: Person,
    /// The numbers of the items from whose grant something follows.
    granted: Vec<usize>,
    /// What was taken back since it was asked for.
    taken_back: TakenBack,
    /// What it discloses, as parts of its record.
    told: Vec<RecordPart>,
    /// The moment at which the items must still be in time.
    in_time_at: Timestamp,
}

/// The numbers of the items that are granted; where an approval is all that was asked for, nothing is.
fn granted(entry: &RequestEntry, counted: &[Counted]) -> Vec<usize> {
    if entry.asked().is_some() {
        return Vec::new();
    }
    let granted = counted.iter().filter(|item| is_accepted(item.state));
    granted.map(|item| item.number).collect()
}

/// The approval that an answer gives, where that is what was asked for.
fn approval(
    entry: &RequestEntry,
    counted: &[Counted],
    now: Timestamp,
) -> Result<Option<Approved>, AppError> {
    let is_given = counted.iter().any(|item| item.state == ItemState::Granted);
    let Some(asked) = entry.asked().filter(|_| is_given) else {
        return Ok(None);
    };
    let given = asked.approve(ApprovalId(Uuid::new_v4()), now);
    let over = || AppError::NotPending {
        detail: "the time until which the approval was wanted is over".to_owned(),
        current: Some(Box::new(standing(entry))),
    };
    given.ok_or_else(over).map(Some)
}

fn response(
    caller: &Caller,
    id: RequestId,
    entry: &RequestEntry,
    answered: &Answered,
    decided: Decided,
) -> Result<Respond, AppError> {
    let Decided {
        request,
        evaluation,
        counted,
        person,
        granted,
        taken_back,
        told,
        in_time_at,
    } = decided;
    let wide = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let states = counted.iter().map(|item| (wide(item.number), item.state));
    let items: Vec<(u32, ItemState)> = states.collect();
    let votes = counted.iter();
    let votes = votes.filter_map(|item| Some((wide(item.number), item.vote.clone()?)));
    let votes: Vec<(u32, Vote)> = votes.collect();
    let lapsed = counted.iter().flat_map(|item| {
        let number = wide(item.number);
        item.lapsed.iter().map(move |person| (number, *person))
    });
    let lapsed = lapsed.collect();
    let approval = approval(entry, &counted, evaluation.now)?;
    let writes = Granted {
        request: &request,
        request_id: id,
        evaluation: &evaluation,
        submitted: Some(Revision(entry.submitted.0)),
        items: granted.clone(),
    }
    .writes()?;
    let (read_set, at) = (evaluation.read_set.clone(), evaluation.now);
    let mut gathering = Gathering::new(&request, id, at);
    for item in counted.iter().filter(|item| granted.contains(&item.number)) {
        if let Some(decision) = evaluation.items.get(item.number) {
            gathering.accepted(item.number, item.state, decision);
        }
    }
    let obligations = gathering.into_arising();
    let waiting = counted.iter().filter(|item| item.state.is_pending());
    let waiting =
        waiting.filter_map(|it| Some((wide(it.number), evaluation.items.get(it.number)?)));
    let reminders = further_reminders(entry, waiting, at);
    let record = record(caller, &request, id, evaluation);
    let mut parts = record
        .into_parts()
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    parts.extend(told);
    let completes = counted.first().filter(|_| approval.is_some());
    let completes = completes.and_then(|item| item.completes.clone());
    let made = (&*counted, &taken_back, completes);
    parts.extend(review_parts(caller, answered, made, at)?);
    Ok(Respond {
        request_id: id,
        expected_version: entry.version,
        items,
        votes: (!votes.is_empty()).then(|| Votes {
            lapsed,
            ..Votes::new(person, votes)
        }),
        reminders,
        approval,
        read_set,
        turned: taken_back.seen,
        writes,
        obligations,
        parts,
        at,
        in_time_at,
    })
}

/// What was answered, and by whom in which words.
fn review_parts(
    caller: &Caller,
    answered: &Answered,
    (counted, taken_back, completes): (&[Counted], &TakenBack, Option<Completing>),
    at: Timestamp,
) -> Result<[RecordPart; 2], AppError> {
    let nothing = || AppError::Broken("an answer says nothing".into());
    // Where none is named, those that were counted.
    let numbers = |said: &Said| match &said.items {
        Some(items) => items.clone(),
        None => counted.iter().map(|item| item.number).collect(),
    };
    let (first, further) = answered.said.split_first().ok_or_else(nothing)?;
    let others = further.iter().map(|said| FurtherAnswer {
        answer: said.verdict,
        items: numbers(said),
    });
    let taken_back_by = taken_back.among(counted.iter().map(|item| item.number));
    let review = ReviewPart {
        answer: first.verdict,
        items: numbers(first),
        taken_back: taken_back_by.iter().map(|it| it.item).collect(),
        taken_back_by,
        answered_at: at,
        caller: caller.name.clone(),
        further: others.collect(),
        completes,
    };
    let reviewer = ReviewerPart {
        reviewer: answered.reviewer.clone(),
        reason: first.reason.clone(),
        further: further.iter().map(|said| said.reason.clone()).collect(),
    };
    let whose = PartClass::Personal(answered.reviewer.to_string());
    Ok([part(PartClass::State, &review)?, part(whose, &reviewer)?])
}

fn part(class: PartClass, body: &impl Serialize) -> Result<RecordPart, AppError> {
    let body = serde_json::to_vec(body).map_err(|error| AppError::Broken(Box::new(error)))?;
    Ok(RecordPart { class, body })
}
