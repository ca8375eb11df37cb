//! Reading requests back: the answer is made from the record, the states from the store.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;

use crate::app::App;
use crate::app::affected::Affected;
use crate::app::affected::FIRST_PAGE;
use crate::app::afterwards::Afterwards;
use crate::app::answer::AccessAnswer;
use crate::app::answer::BundleAnswer;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::ItemAnswer;
use crate::app::answer::QuorumAnswer;
use crate::app::answer::Receipt;
use crate::app::answer::RefusalAnswer;
use crate::app::answer::ReminderAnswer;
use crate::app::answer::RequestAnswer;
use crate::app::answer::ResponseAnswer;
use crate::app::answer::WaitingAnswer;
use crate::app::decide_again::RevocationPart;
use crate::app::decide_again::Revoked;
use crate::app::disclosure::DisclosureAnswer;
use crate::app::disclosure::told;
use crate::app::error::AppError;
use crate::app::obligations::Reported;
use crate::app::obligations::Reports;
use crate::app::obligations::obligation_answers;
use crate::app::obligations::summary;
use crate::app::outward::PartnerView;
use crate::app::outward::Stands;
use crate::app::permission::Action;
use crate::app::report::PartnerAnswer;
use crate::app::report::ReportAnswer;
use crate::app::report::partner_answers;
use crate::app::report::report_answer;
use crate::app::respond::Agreed;
use crate::app::respond::Completing;
use crate::app::respond::GivenBy;
use crate::app::respond::ReviewPart;
use crate::app::respond::ReviewerPart;
use crate::app::respond::Terms;
use crate::app::reviewer::Answerers;
use crate::app::reviewer::Voters;
use crate::app::reviewer::escalated_to;
use crate::decision::decide::ItemDecision;
use crate::decision::facts::other_system;
use crate::decision::obligation::Obligation;
use crate::decision::quorum::Quorum;
use crate::decision::record::DecisionRecord;
use crate::decision::record::PartClass;
use crate::decision::record::RecordError;
use crate::decision::record::RecordPart;
use crate::decision::record::StatePart;
use crate::decision_log::LogIndex;
use crate::decision_log::PartClass as LeafPartClass;
use crate::decision_log::StoredPart;
use crate::domain::identity::McServiceId;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::status;
use crate::domain::operation::Direction;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::request::elements::InformationElements;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::PersonDigest;
use crate::store::command::RequestId;
use crate::store::command::Vote;
use crate::store::command::Votes;
use crate::store::embedded::StoredEntry;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::RequestEntry;
use crate::store::state::Tally;

/// How many requests with one correlation id are told at once.
const CORRELATED_REQUESTS_MAX: usize = 100;

impl App {
    /// A request and where it stands.
    pub fn request(&self, caller: &Caller, id: RequestId) -> Result<RequestAnswer, AppError> {
        self.permit_on_request(caller, Action::ReadRequest, id)?;
        let answer = self.request_answer(id)?;
        Ok(self.shown_to(caller, id, answer))
    }

    /// The same, and who could approve what waits of it.
    pub fn request_and_answerers(
        &self,
        caller: &Caller,
        id: RequestId,
    ) -> Result<RequestAnswer, AppError> {
        let mut answer = self.request(caller, id)?;
        self.tell_answerers(caller, id, &mut answer)?;
        Ok(answer)
    }

    /// A request as the partner may see it, and its version.
    pub fn partner_view(
        &self,
        caller: &Caller,
        id: RequestId,
    ) -> Result<(PartnerView, u64), AppError> {
        self.permit_on_request(caller, Action::ReadRequest, id)?;
        let standing = self.standing(id)?;
        let version = standing.entry.version;
        let items = latest_decisions(standing.submitted, &standing.responses, &standing.reports);
        let waits_for_nobody = standing.entry.is_evaluation();
        let items = items.into_iter().zip(standing.entry.items).enumerate();
        let items: Vec<_> = items
            .map(|(number, (decision, state))| Stands {
                waits_for_nobody,
                decision,
                state,
                lapse: standing.refusals.get(&number).map(|it| it.reason),
            })
            .collect();
        Ok((PartnerView::new(&standing.record.request, &items), version))
    }

    /// Requests with a correlation id, oldest first, as far as the caller may read them; the latest where there are
    /// too many. Those that ended long ago are found by their own names alone.
    pub fn correlated_requests(
        &self,
        caller: &Caller,
        correlation_id: &str,
    ) -> Result<Vec<RequestAnswer>, AppError> {
        self.permit_on_requests_of(caller, Action::ReadRequest, &caller.name)?;
        let Some(digest) = self.sealing_key().correlation(correlation_id) else {
            return Ok(Vec::new());
        };
        let mut found: Vec<(LogIndex, RequestId)> = self.store().view(|state| {
            let found = state.correlated(&digest);
            let readable = found.filter(|entry| {
                let may = self.permit_on_requests_of(caller, Action::ReadRequest, &entry.caller);
                may.is_ok()
            });
            readable.map(|entry| (entry.submitted, entry.id)).collect()
        });
        found.sort_unstable();
        let latest = found.len().saturating_sub(CORRELATED_REQUESTS_MAX);
        let latest = found.split_off(latest);
        latest
            .into_iter()
            .filter_map(|(_, id)| match self.request_answer(id) {
                Ok(answer) => Some(Ok(self.shown_to(caller, id, answer))),
                // The correlation id was erased with it.
                Err(AppError::RecordErased(_)) => None,
                Err(error) => Some(Err(error)),
            })
            .collect()
    }

    /// A request as it stands now, even where its expiry is not written yet; while the clock has just jumped, nothing has
    /// expired that may be in time.
    pub(in crate::app) fn request_entry(&self, id: RequestId) -> Result<RequestEntry, AppError> {
        let found = self.store().request(id);
        let found = found.map_err(|error| AppError::Broken(Box::new(error)))?;
        let found = found.ok_or_else(|| AppError::UnknownRequest(id.to_string()))?;
        let mut entry = RequestEntry::clone(&found);
        entry.stands_at(self.present().earliest);
        Ok(entry)
    }

    pub(in crate::app) fn submitted_record(
        &self,
        entry: &RequestEntry,
    ) -> Result<DecisionRecord, AppError> {
        decision_record(&self.entry(entry.submitted)?)
    }

    pub(in crate::app) fn submitted_record_at(
        &self,
        index: LogIndex,
    ) -> Result<DecisionRecord, AppError> {
        decision_record(&self.entry(index)?)
    }

    pub(in crate::app) fn entry(&self, index: LogIndex) -> Result<StoredEntry, AppError> {
        self.store()
            .record(index)
            .map_err(|error| AppError::Broken(Box::new(error)))
    }

    /// What the log and the store say of a request.
    pub(in crate::app) fn standing(&self, id: RequestId) -> Result<Standing, AppError> {
        let entry = self.request_entry(id)?;
        let stored = self.entry(entry.submitted)?;
        let parts = DividedParts::of(&stored);
        let mut record = parts.decision()?;
        let (mut responses, mut reports) = (Vec::new(), Vec::new());
        let mut noted = Reports::new();
        let mut when_refused: BTreeMap<usize, Vec<Obligation>> =
            refusal_obligations(&record.items).collect();
        let (mut voters, mut given) = (Voters::new(), GivenBy::default());
        let mut disclosed: Vec<DisclosureAnswer> =
            told(&stored, &parts.attached).into_iter().collect();
        let revoked = revoked(&parts);
        let mut afterwards = Afterwards::default();
        let mut refusals = BTreeMap::new();
        let mut standing = RequestEntry::submitted_by(&stored.event, entry.submitted);
        if let Some(standing) = &standing {
            afterwards.settled.take(&[], standing);
        }
        for index in &entry.further {
            let stored = self.entry(*index)?;
            let parts = DividedParts::of(&stored);
            if answers(&stored.event, id) {
                disclosed.extend(told(&stored, &parts.attached));
                when_refused.extend(refusal_obligations(&parts.decision()?.items));
                voters.extend(voter(&stored, &parts));
                given.take(votes_of(&stored.event), completes(&parts));
                responses.extend(response_answers(&stored, &parts)?);
            } else if reports_on(&stored.event, id) {
                disclosed.extend(told(&stored, &parts.attached));
                reports.push(report_answer(*index, &stored)?);
            } else if let EventBody::ObligationNoted { obligation, .. } = &stored.event.body {
                let reported = Reported::read(&parts.attached);
                noted.insert(*obligation, (reported, receipt(*index, &stored)));
            }
            afterwards.take(&stored, &parts, id);
            if let Some(standing) = &mut standing {
                let before = standing.items.clone();
                let refused = refused_by(*index, &stored, (&before, standing), &when_refused);
                refusals.extend(refused);
                afterwards.settled.take(&before, standing);
            }
        }
        let partner = partner_answers(&reports, &entry.items, |item| {
            when_refused.get(&item).cloned().unwrap_or_default()
        });
        let decisions = std::mem::take(&mut record.items);
        let submitted = decisions.into_iter().map(DecisionAnswer::from).collect();
        Ok(Standing {
            revoked,
            reports,
            partner,
            receipt: receipt(entry.submitted, &stored),
            entry,
            record,
            responses,
            voters,
            given: given.complete(),
            disclosed,
            submitted,
            refusals,
            afterwards,
            noted,
        })
    }

    pub(in crate::app) fn request_answer(&self, id: RequestId) -> Result<RequestAnswer, AppError> {
        let (standing, tallies) = self.standing_now(id)?;
        let Standing {
            entry,
            receipt,
            record,
            responses,
            disclosed,
            submitted,
            reports,
            mut partner,
            mut revoked,
            mut refusals,
            mut afterwards,
            noted,
            ..
        } = standing;
        let affected = self.affected_of(&record.request, &entry);
        let quorums = quorums(&submitted, &responses);
        let acknowledged = entry.delivery.acknowledged;
        let items = latest_decisions(submitted, &responses, &reports).into_iter();
        let items = items.zip(entry.items.iter().copied()).enumerate();
        let items = items.map(|(number, (decision, state))| {
            let refusal = refusals.remove(&number);
            let lapse = refusal.as_ref().map(|it| it.reason);
            let decided = decision.partner_reason.clone();
            let mut answer = ItemAnswer {
                partner: partner.remove(&number),
                revoked: revoked.remove(&number),
                refusal,
                delivered: afterwards.settled.is_delivered(number, acknowledged),
                quorum: quorum_answer(&quorums, &tallies, (number, state)),
                reminded: ReminderAnswer::of(&entry, number),
                ..ItemAnswer::new(decision, state, lapse)
            };
            afterwards.tell(number, &mut answer);
            if let Some(access) = entry.access.as_deref() {
                answer.of_access(access, state, decided);
            }
            answer
        });
        let items: Vec<ItemAnswer> = items.collect();
        let said = (items.as_slice(), responses.as_slice());
        let obligations = obligation_answers(&entry, noted, said, self.present().earliest);
        let status = status(entry.items.iter().copied());
        Ok(RequestAnswer {
            bundle: bundle_of(&record),
            access: entry.access.as_deref().map(AccessAnswer::new),
            id: id.to_string(),
            status,
            summary: summary((status, entry.ended.len()), &obligations),
            operation: record.request.body.operation(),
            direction: record.request.direction,
            correlation_id: record.request.correlation_id,
            items,
            selection: record.selection,
            record: receipt,
            decided_at: record.now,
            responses,
            reports,
            withdrawals: afterwards.withdrawals,
            revocations: afterwards.revocations,
            disclosed,
            obligations,
            affected,
            expiry_paused: self.expiry_paused().filter(|_| entry.is_open()),
            seen: None,
            request: None,
            acknowledged: (acknowledged > 0).then_some(acknowledged),
            version: entry.version,
        })
    }
}

fn bundle_of(record: &DecisionRecord) -> BundleAnswer {
    BundleAnswer {
        generation: record.bundle.generation,
        digest: record.bundle.digest.clone(),
    }
}

/// Who has to agree before an item is granted, while it waits.
fn quorum_answer(
    quorums: &[Quorum],
    tallies: &Tallies,
    (number, state): (usize, ItemState),
) -> Option<QuorumAnswer> {
    let quorum = quorums.get(number).filter(|_| state.is_pending())?;
    let tally = tallies.get(&number).map(|(tally, _)| tally);
    let none = Tally::default();
    Some(QuorumAnswer::new(quorum, tally.unwrap_or(&none)))
}

/// Marks the answers that count no more: those of which that was written down since, and those of which it is so now.
fn mark_lapsed(responses: &mut [ResponseAnswer], tallies: &Tallies) {
    let now = tallies.iter().flat_map(|(number, (_, lapsed))| {
        let lapsed = lapsed.iter();
        lapsed.map(|person| (*number, *person))
    });
    let mut lapsed: BTreeSet<(usize, PersonDigest)> = now.collect();
    // From the last on, since what somebody approved again counts again.
    for response in responses.iter_mut().rev() {
        for waiting in &mut response.waiting {
            let of_item = response.person.map(|person| (waiting.item, person));
            if waiting.counts && of_item.is_some_and(|it| lapsed.contains(&it)) {
                waiting.counts = false;
                waiting.lapsed = true;
            }
        }
        lapsed.extend(&response.lapsed);
    }
}

/// Who answered, by their record.
fn voter(stored: &StoredEntry, parts: &DividedParts) -> Option<(PersonDigest, McServiceId)> {
    let person = match votes_of(&stored.event) {
        Some(votes) => votes.person,
        None => completes(parts)?.person,
    };
    let reviewer: ReviewerPart = parts.first()?;
    Some((person, reviewer.reviewer))
}

/// How an answer gave the approval that was asked for, if it did.
fn completes(parts: &DividedParts) -> Option<Completing> {
    parts.first::<ReviewPart>()?.completes
}

/// A request and what became of it.
pub(in crate::app) struct Standing {
    pub(in crate::app) entry: RequestEntry,
    receipt: Receipt,
    /// As it was submitted, without its items.
    pub(in crate::app) record: DecisionRecord,
    responses: Vec<ResponseAnswer>,
    /// Who answered.
    pub(in crate::app) voters: Voters,
    /// Who gave the approval that it asked for, of those that were given since that is recorded.
    pub(in crate::app) given: Option<GivenBy>,
    disclosed: Vec<DisclosureAnswer>,
    reports: Vec<ReportAnswer>,
    /// What the partner answered, by item.
    partner: BTreeMap<usize, PartnerAnswer>,
    /// What ended with the decision, by item.
    revoked: BTreeMap<usize, Revoked>,
    /// Why items were refused that waited, by number.
    refusals: BTreeMap<usize, RefusalAnswer>,
    afterwards: Afterwards,
    /// What was reported of obligations last.
    noted: Reports,
    /// What was decided about each item when it was submitted.
    submitted: Vec<DecisionAnswer>,
}

/// Who approved and denied the pending items, by number, as far as that counts now; and whose approval does not any more.
pub(in crate::app) type Tallies = BTreeMap<usize, (Tally, Vec<PersonDigest>)>;

impl App {
    /// A request with its answers as they count now.
    fn standing_now(&self, id: RequestId) -> Result<(Standing, Tallies), AppError> {
        let mut standing = self.standing(id)?;
        let tallies = self.tallies_now(&standing);
        mark_lapsed(&mut standing.responses, &tallies);
        Ok((standing, tallies))
    }

    /// Who has answered the items that wait, read afresh.
    pub(in crate::app) fn tallies_now(&self, standing: &Standing) -> Tallies {
        let entry = &standing.entry;
        let request = &standing.record.request;
        if entry.tallies.is_empty() {
            return Tallies::new();
        }
        let about = (entry, request, &standing.record.facts);
        let approvers = self.approvers(&standing.voters, entry.tallies.values(), about);
        let mut answerers = Answerers::new(self, request);
        let latest = standing.latest();
        let tallies = latest.iter().enumerate().map(|(number, decision)| {
            let escalated_to = escalated_to(entry, number);
            let asked = (decision.categories.as_slice(), &escalated_to);
            let tally = tally_of(entry, number);
            (number, approvers.counting(tally, asked, &mut answerers))
        });
        tallies.collect()
    }

    /// What is affected by an interruption of ours that was granted: our half changes whatever the partner answers.
    fn affected_of(&self, request: &InterSystemRequest, entry: &RequestEntry) -> Option<Affected> {
        let is_granted = entry.items.iter().any(|item| item.is_granted_here());
        let is_ours = request.direction == Direction::Outbound && is_granted;
        if let OperationBody::CooperationStatusChange(change) = &request.body
            && is_ours
            && change.is_reducing()
        {
            Some(self.affected_by(other_system(request), None, FIRST_PAGE))
        } else {
            None
        }
    }
}

/// Whether an event is an answer to the request, not one that merely concerns it.
fn answers(event: &Event, id: RequestId) -> bool {
    matches!(&event.body, EventBody::Responded { request_id, .. } if *request_id == id)
}

/// Whether an event is a report on the request.
fn reports_on(event: &Event, id: RequestId) -> bool {
    matches!(&event.body, EventBody::Reported { request_id, .. } if *request_id == id)
}

/// The items that an entry refuses because the agreement lapsed under which they waited; `standing` takes the entry in.
fn refused_by(
    index: LogIndex,
    stored: &StoredEntry,
    (before, standing): (&[ItemState], &mut RequestEntry),
    when_refused: &BTreeMap<usize, Vec<Obligation>>,
) -> Vec<(usize, RefusalAnswer)> {
    standing.change_by(&stored.event, index);
    let Some(reason) = standing.lapse_by(&stored.event) else {
        return Vec::new();
    };
    let items = before.iter().zip(&standing.items).enumerate();
    let refused =
        items.filter(|(_, (before, after))| before.is_open() && **after == ItemState::Refused);
    let refusal = |number, before: &ItemState| {
        // Nobody was told anything of what the partner was not asked.
        let asked = before.stage().and(when_refused.get(&number));
        let answer = RefusalAnswer {
            reason,
            refused_at: stored.event.at,
            record: receipt(index, stored),
            obligations: asked.cloned().unwrap_or_default(),
        };
        (number, answer)
    };
    refused
        .map(|(number, (before, _))| refusal(number, before))
        .collect()
}

impl Standing {
    /// The policies that determined an answer, when the request was submitted or when somebody answered since.
    pub(in crate::app) fn policies(&self) -> BTreeSet<String> {
        let evaluated = self.responses.iter().flat_map(|answer| &answer.evaluated);
        let policies = evaluated
            .chain(&self.submitted)
            .flat_map(|decision| &decision.policies);
        let mut names = BTreeSet::new();
        for policy in policies {
            // Few policies determine many items.
            if !names.contains(&policy.id) {
                names.insert(policy.id.clone());
            }
        }
        names
    }

    /// Whether anybody answered it: what policy granted by itself, nobody has looked at.
    pub(in crate::app) fn was_answered(&self) -> bool {
        !self.responses.is_empty()
    }

    /// What those agreed to who approved.
    pub(in crate::app) fn agreed(&self) -> Agreed {
        Agreed::of(&self.responses)
    }

    /// What was agreed to last.
    pub(in crate::app) fn terms(&self) -> Option<Terms> {
        let last = self.responses.last()?;
        Some(Terms::new(last.evaluated.first()?, last.answered_at))
    }

    /// What was last decided about each item.
    pub(in crate::app) fn latest(&self) -> Vec<DecisionAnswer> {
        latest_decisions(self.submitted.clone(), &self.responses, &self.reports)
    }

    /// What the grant of an item obliged to, by us and once the partner had answered.
    pub(in crate::app) fn granted_obligations(
        &self,
        number: usize,
        decision: &DecisionAnswer,
    ) -> Vec<Obligation> {
        if self.entry.asked().is_some() {
            return Vec::new();
        }
        let mut obligations = decision.obligations.clone();
        let answered = self.partner.get(&number);
        obligations.extend(answered.into_iter().flat_map(|it| it.obligations.clone()));
        obligations
    }

    /// Since when each item waits for what it waits for: it was asked then, or held anew.
    pub(in crate::app) fn since(&self) -> Vec<Timestamp> {
        let mut since = vec![self.entry.at; self.entry.items.len()];
        for response in &self.responses {
            for waiting in response.waiting.iter().filter(|it| it.afresh) {
                if let Some(since) = since.get_mut(waiting.item) {
                    *since = response.answered_at.max(*since);
                }
            }
        }
        since
    }

    /// What each item waits for, as far as reviewers could have seen.
    pub(in crate::app) fn quorums(&self) -> Vec<Quorum> {
        quorums(&self.submitted, &self.responses)
    }
}

/// What each item waits for: what held it when it was submitted and whenever somebody answered since, all together.
fn quorums(submitted: &[DecisionAnswer], responses: &[ResponseAnswer]) -> Vec<Quorum> {
    let mut quorums: Vec<Quorum> = submitted.iter().map(|it| it.quorum.clone()).collect();
    for response in responses {
        for (number, evaluated) in response.items.iter().zip(&response.evaluated) {
            if let Some(quorum) = quorums.get_mut(*number)
                && evaluated.outcome == Outcome::Review
                && *quorum != evaluated.quorum
            {
                *quorum = quorum.and(&evaluated.quorum);
            }
        }
    }
    quorums
}

/// Who has answered an item that still waits.
fn tally_of(entry: &RequestEntry, number: usize) -> Tally {
    let number = u32::try_from(number).ok();
    number.map_or_else(Tally::default, |number| entry.tally(number))
}

/// What a partner's refusal of an item obliges to; an evaluation that refused it says nothing of that.
fn refusal_obligations(
    items: &[ItemDecision],
) -> impl Iterator<Item = (usize, Vec<Obligation>)> + use<> {
    let said = items.iter().enumerate();
    let said = said.filter(|(_, item)| item.outcome != Outcome::Reject);
    let said: Vec<_> = said
        .map(|(number, item)| (number, item.when_refused.clone()))
        .collect();
    said.into_iter()
}

/// What ended with a decision, by item.
fn revoked(parts: &DividedParts) -> BTreeMap<usize, Revoked> {
    let attached = parts.attached.iter();
    attached
        .filter_map(|part| serde_json::from_slice::<RevocationPart>(&part.body).ok())
        .flat_map(|part| part.revoked)
        .filter_map(|mut ended| Some((ended.item.take()?, ended)))
        .collect()
}

/// What was last decided about each item: at a refusal after the partner's answer, else at an answer to it, else when it was submitted.
///
/// By when it can be approved was settled when it was submitted. A grant is no more than what the partner grants too.
fn latest_decisions(
    mut items: Vec<DecisionAnswer>,
    responses: &[ResponseAnswer],
    reports: &[ReportAnswer],
) -> Vec<DecisionAnswer> {
    let mut latest: BTreeMap<usize, &DecisionAnswer> = BTreeMap::new();
    for response in responses {
        latest.extend(response.items.iter().copied().zip(&response.evaluated));
    }
    for (number, evaluated) in latest {
        if let Some(item) = items.get_mut(number) {
            *item = DecisionAnswer {
                expires_at: item.expires_at,
                ..evaluated.clone()
            };
        }
    }
    for (number, item) in items.iter_mut().enumerate() {
        let refusal = reports.iter().rev().find_map(|it| it.refusal(number));
        if let Some(refusal) = refusal {
            *item = refusal;
        }
        let theirs = reports.iter().find_map(|it| it.granted_limits(number));
        if let Some(theirs) = theirs {
            item.limits = std::mem::take(&mut item.limits).and(theirs);
        }
    }
    items
}

pub(in crate::app) fn receipt(index: LogIndex, stored: &StoredEntry) -> Receipt {
    Receipt {
        index: index.0,
        leaf_hash: stored.leaf.hash().to_string(),
    }
}

/// The parts of the decision record that are left.
pub(in crate::app) fn record_parts(stored: &StoredEntry) -> Vec<RecordPart> {
    stored
        .record
        .iter()
        .filter_map(StoredPart::present)
        .map(|part| record_part(&part.class, part.body.clone()))
        .collect()
}

/// Those of the parts of a record that are of its decision.
pub(in crate::app) fn without_attached(mut parts: Vec<RecordPart>) -> Vec<RecordPart> {
    parts.retain(|part| !is_attached(part));
    parts
}

/// The decision that an entry records.
pub(in crate::app) fn decision_record(stored: &StoredEntry) -> Result<DecisionRecord, AppError> {
    DividedParts::of(stored).decision()
}

/// The decision among the parts of a record; where there is none, why, and what is left that is nobody's.
pub(in crate::app) fn decision_of_parts(
    parts: Vec<StoredPart>,
) -> Result<DecisionRecord, (RecordError, Option<Box<StatePart>>)> {
    let parts = parts.into_iter().filter_map(|part| match part {
        StoredPart::Present(part) => Some(record_part(&part.class, part.body)),
        StoredPart::Erased(_) => None,
    });
    let mut parts: Vec<RecordPart> = parts.collect();
    parts.retain(|part| !is_attached(part));
    DecisionRecord::from_parts(&parts)
        .map_err(|error| (error, StatePart::from_parts(&parts).ok().map(Box::new)))
}

fn record_part(class: &LeafPartClass, body: Vec<u8>) -> RecordPart {
    RecordPart {
        class: match class {
            LeafPartClass::State => PartClass::State,
            LeafPartClass::Personal { subject_key } => PartClass::Personal(subject_key.clone()),
        },
        body,
    }
}

/// The parts of a record that are left, told apart once: a large request has thousands.
pub(in crate::app) struct DividedParts {
    decision: Vec<RecordPart>,
    /// What stands beside the decision.
    attached: Vec<RecordPart>,
    /// Where it stands, if a part of it was erased.
    erased: Option<LogIndex>,
}

impl DividedParts {
    fn of(stored: &StoredEntry) -> Self {
        let (attached, decision) = record_parts(stored).into_iter().partition(is_attached);
        let mut parts = stored.record.iter();
        let is_erased = parts.any(|part| part.present().is_none());
        Self {
            decision,
            attached,
            erased: is_erased.then_some(stored.index),
        }
    }

    fn decision(&self) -> Result<DecisionRecord, AppError> {
        DecisionRecord::from_parts(&self.decision).map_err(|error| match self.erased {
            Some(index) => AppError::RecordErased(index),
            None => AppError::Broken(Box::new(error)),
        })
    }

    /// The first part beside the decision that is of this kind.
    pub(in crate::app) fn first<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        self.all().next()
    }

    /// All parts beside the decision that are of this kind.
    pub(in crate::app) fn all<'a, T: Deserialize<'a>>(&'a self) -> impl Iterator<Item = T> {
        let parts = self.attached.iter();
        parts.filter_map(|part| serde_json::from_slice(&part.body).ok())
    }
}

/// What stands beside the decision in its record, by the word that such parts begin with.
const ATTACHED: [&str; 22] = [
    "access-callback",
    "access-evaluation",
    "access-request",
    "review",
    "reviewer",
    "report",
    "partner-words",
    "revocation",
    "withdrawal",
    "withdrawn-by",
    "revoked-grants",
    "revoked-by",
    "ended-grants",
    "lapse",
    "in-force-at-lapse",
    "undone",
    "sealed-configuration",
    "disclosure",
    "disclosed",
    "disclosed-user",
    "obligation",
    "obligation-words",
];

#[derive(Deserialize)]
struct Tagged {
    part: String,
}

/// How a part begins that says what kind it is: that word is always written first.
const TAG: &[u8] = b"{\"part\":\"";

fn is_attached(part: &RecordPart) -> bool {
    let is_known = |word: &[u8]| ATTACHED.iter().any(|known| known.as_bytes() == word);
    let tagged = part.body.strip_prefix(TAG);
    if let Some(word) = tagged.and_then(|rest| rest.split(|byte| *byte == b'"').next()) {
        return is_known(word);
    }
    let tagged = serde_json::from_slice::<Tagged>(&part.body);
    tagged.is_ok_and(|tagged| is_known(tagged.part.as_bytes()))
}

/// The part of this kind beside the decision that an entry records, if it is there.
pub(in crate::app) fn attached_part<T: for<'a> Deserialize<'a>>(stored: &StoredEntry) -> Option<T> {
    DividedParts::of(stored).first()
}

/// Who answered, if the entry is an answer and they are not erased.
pub(in crate::app) fn reviewer_of(stored: &StoredEntry) -> Option<McServiceId> {
    let reviewer: ReviewerPart = DividedParts::of(stored).first()?;
    Some(reviewer.reviewer)
}

/// How an answer counts for what goes on waiting.
fn votes_of(event: &Event) -> Option<&Votes> {
    if let EventBody::Responded { votes, .. } = &event.body {
        votes.as_ref()
    } else {
        None
    }
}

fn response_answers(
    stored: &StoredEntry,
    parts: &DividedParts,
) -> Result<Vec<ResponseAnswer>, AppError> {
    let index = stored.index;
    let review: ReviewPart = parts
        .first()
        .ok_or_else(|| AppError::Broken(format!("entry {} holds no review", index.0).into()))?;
    let reviewer: Option<ReviewerPart> = parts.first();
    let decisions = parts.decision()?.items;
    let given = votes_of(&stored.event);
    let item = |number: u32| usize::try_from(number).ok();
    let lapsed = given.into_iter().flat_map(|votes| &votes.lapsed);
    let lapsed = lapsed.filter_map(|(number, person)| Some((item(*number)?, *person)));
    let lapsed: Vec<(usize, PersonDigest)> = lapsed.collect();
    let votes: BTreeMap<usize, &Vote> = given
        .into_iter()
        .flat_map(|votes| &votes.items)
        .filter_map(|(number, vote)| Some((item(*number)?, vote)))
        .collect();
    let mut reasons = reviewer.map(|part| std::iter::once(part.reason).chain(part.further));
    let (taken_back, taken_back_by) = (review.taken_back, review.taken_back_by);
    let further = review.further.into_iter();
    let said = std::iter::once((review.answer, review.items))
        .chain(further.map(|further| (further.answer, further.items)));
    let answers = said.map(|(answer, items)| ResponseAnswer {
        answer,
        reason: reasons
            .as_mut()
            .and_then(Iterator::next)
            .unwrap_or_else(|| "erased".to_owned()),
        evaluated: items
            .iter()
            .filter_map(|number| decisions.get(*number).cloned())
            .map(Into::into)
            .collect(),
        waiting: waiting(&items, &votes),
        taken_back: among(&taken_back, &items),
        taken_back_by: taken_back_by
            .iter()
            .filter(|it| items.contains(&it.item))
            .copied()
            .collect(),
        items,
        person: given.map(|votes| votes.person),
        lapsed: lapsed.clone(),
        answered_at: review.answered_at,
        record: receipt(index, stored),
    });
    Ok(answers.collect())
}

/// Those of the items answered that were taken back.
fn among(taken_back: &[usize], items: &[usize]) -> Vec<usize> {
    let items = items.iter().copied();
    items.filter(|number| taken_back.contains(number)).collect()
}

/// The items that an answer did not settle, and how it counts for them.
fn waiting(items: &[usize], votes: &BTreeMap<usize, &Vote>) -> Vec<WaitingAnswer> {
    let items = items.iter();
    let waiting = items.filter_map(|number| {
        Some(match votes.get(number)? {
            Vote::Approval { roles } => WaitingAnswer {
                item: *number,
                counts: true,
                roles: roles.clone(),
                afresh: false,
                lapsed: false,
            },
            Vote::Denial { afresh } => WaitingAnswer {
                item: *number,
                counts: true,
                roles: BTreeSet::new(),
                afresh: *afresh,
                lapsed: false,
            },
            Vote::Afresh => WaitingAnswer {
                item: *number,
                counts: false,
                roles: BTreeSet::new(),
                afresh: true,
                lapsed: false,
            },
        })
    });
    waiting.collect()
}
