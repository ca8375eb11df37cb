//! Submitting an inter-system request: gather, decide, sequence; again, a few times at most, if the facts change meanwhile.

use std::collections::BTreeMap;

use tokio::sync::MutexGuard;

use crate::app::App;
use crate::app::access_request::Purpose;
use crate::app::access_request::Settled;
use crate::app::answer::BundleAnswer;
use crate::app::answer::DryRunAnswer;
use crate::app::answer::RequestAnswer;
use crate::app::configuration;
use crate::app::consequence::Granted;
use crate::app::credentials::Presented;
use crate::app::decide_again::Revoked;
use crate::app::decide_again::with_revocations;
use crate::app::error::AppError;
use crate::app::obligations::Gathering;
use crate::app::permission::Action;
use crate::app::pool;
use crate::app::register;
use crate::app::reminding::first_reminders;
use crate::app::standing::Standing;
use crate::app::standing::standing;
use crate::app::taken_back::gives;
use crate::decision::decide::ItemDecision;
use crate::decision::decide::select;
use crate::decision::decide::selection;
use crate::decision::facts::Facts;
use crate::decision::facts::ReadSet;
use crate::decision::facts::gather;
use crate::decision::facts::other_system;
use crate::decision::query::is_reducing;
use crate::decision::record::BundleReference;
use crate::decision::record::DecisionRecord;
use crate::decision::record::ENGINE_VERSION;
use crate::decision::record::FORMAT_VERSION;
use crate::decision::record::RecordPart;
use crate::decision_log::OutcomeCounts;
use crate::domain::identity::McSystemId;
use crate::domain::kept_configuration::KeptUeConfiguration;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::Received;
use crate::domain::lifecycle::Stage;
use crate::domain::migration::Migration;
use crate::domain::obligation::Occasion;
use crate::domain::operation::Direction;
use crate::domain::outcome::Outcome;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::request::elements::Need;
use crate::domain::response_settings::ResponseSettings;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::Arising;
use crate::store::command::BodyDigest;
use crate::store::command::Command;
use crate::store::command::CommandOutcome;
use crate::store::command::CommitError;
use crate::store::command::CorrelationDigest;
use crate::store::command::Idempotency;
use crate::store::command::KeyDigest;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::Submit;
use crate::store::command::Write;

/// How often a decision is made anew when what it read has changed.
pub const ATTEMPTS_MAX: usize = 16;

/// How long a visitor waits for the consent of their home.
pub(in crate::app) const CONSENT_WAIT_MILLISECONDS: i64 = 5 * 60 * 1_000;

/// What was decided, under which bundle, on what; not yet recorded.
#[derive(Debug)]
pub(in crate::app) struct Evaluation {
    pub(in crate::app) facts: Facts,
    pub(in crate::app) read_set: ReadSet,
    pub(in crate::app) now: Timestamp,
    pub(in crate::app) bundle: BundleReference,
    pub(in crate::app) items: Vec<ItemDecision>,
    /// What a grant may change.
    pub(in crate::app) standing: Standing,
    /// Where a visitor is registered already whose home is to be asked.
    pub(in crate::app) register: BTreeMap<McService, Migration>,
    /// What is kept of the configuration that the request pushes anew.
    pub(in crate::app) kept_configuration: Option<Versioned<KeptUeConfiguration>>,
    /// The response settings that its grant writes.
    pub(in crate::app) response_settings: Option<ResponseSettings>,
}

/// A request that is ready to be decided: its secrets are sealed or examined.
pub(in crate::app) struct Prepared {
    purpose: Purpose,
    request_id: RequestId,
    idempotency: Option<Idempotency>,
    /// The digest of what was asked.
    body: BodyDigest,
    /// By what it is found again.
    correlation: Option<CorrelationDigest>,
    request: InterSystemRequest,
    /// What it pushes, as it is kept with the record unless it is refused.
    sealed: Option<RecordPart>,
}

/// A decision that is ready to be sequenced.
struct Decided {
    command: Submit,
    outcomes: Vec<Outcome>,
    /// The bundle that it was made under.
    generation: u64,
}

impl App {
    /// Decides a request, records the decision and answers it.
    ///
    /// The work goes on if the caller goes away: what reached the journal stands.
    pub async fn submit(
        &self,
        caller: Caller,
        key: Option<String>,
        request: InterSystemRequest,
    ) -> Result<RequestAnswer, AppError> {
        self.permit(&caller, Action::SubmitRequest)?;
        let request_id = RequestId(uuid::Uuid::new_v4());
        let mut prepared = self.prepared((request_id, None), request, Purpose::Grant)?;
        prepared.idempotency = key.map(|key| Idempotency {
            key: KeyDigest::of(&caller.name, &key),
            body: prepared.body,
        });
        let id = self.sequence(caller.clone(), prepared).await?;
        self.answer_to(&caller, id).await
    }

    /// Makes a request ready: its secrets are sealed or examined.
    pub(in crate::app) fn prepared(
        &self,
        (request_id, idempotency): (RequestId, Option<Idempotency>),
        request: InterSystemRequest,
        purpose: Purpose,
    ) -> Result<Prepared, AppError> {
        let sealed = if purpose.has_consequences() {
            self.seal_configuration(&request, request_id)?
        } else {
            None
        };
        let presented = Presented::new(self.sealing_key().seal(request));
        let body = BodyDigest::of(
            &serde_json::to_vec(&presented.request)
                .map_err(|error| AppError::Broken(Box::new(error)))?,
        );
        let correlation = self
            .sealing_key()
            .correlation(&presented.request.correlation_id);
        Ok(Prepared {
            purpose,
            request_id,
            idempotency,
            body,
            correlation,
            request: self.examined(presented),
            sealed,
        })
    }

    /// Decides a request and records the decision; says under which name.
    ///
    /// The work goes on if the caller goes away.
    pub(in crate::app) async fn sequence(
        &self,
        caller: Caller,
        prepared: Prepared,
    ) -> Result<RequestId, AppError> {
        self.sequence_together(caller, prepared, Vec::new()).await
    }

    /// Decides requests that were asked for together and records the decisions, all of them or none; says under which
    /// name the first stands.
    ///
    /// The work goes on if the caller goes away.
    pub(in crate::app) async fn sequence_together(
        &self,
        caller: Caller,
        first: Prepared,
        further: Vec<Prepared>,
    ) -> Result<RequestId, AppError> {
        let app = self.clone();
        let work =
            tokio::spawn(
                async move { Box::pin(app.submit_prepared(&caller, &first, &further)).await },
            );
        work.await
            .map_err(|error| AppError::OutcomeUnknown(Box::new(error)))?
    }

    async fn submit_prepared(
        &self,
        caller: &Caller,
        first: &Prepared,
        further: &[Prepared],
    ) -> Result<RequestId, AppError> {
        if let Some(id) = self.known_duplicate(first.idempotency)? {
            return Ok(id);
        }
        let _turn = self.turn(first, further).await;
        for _ in 0..ATTEMPTS_MAX {
            let decided = Box::pin(self.decided(caller, first)).await?;
            let (generation, mut outcomes) = (decided.generation, vec![decided.outcomes]);
            let command = if further.is_empty() {
                Command::Submit(decided.command)
            } else {
                let mut commands = vec![decided.command];
                for prepared in further {
                    let decided = Box::pin(self.decided(caller, prepared)).await?;
                    outcomes.push(decided.outcomes);
                    commands.push(decided.command);
                }
                Command::SubmitTogether(commands)
            };
            match self.commit(command).await {
                Ok(committed) => {
                    for (prepared, outcomes) in [first].into_iter().chain(further).zip(&outcomes) {
                        self.count_decision(&prepared.request, outcomes);
                    }
                    return Ok(match committed.outcome {
                        CommandOutcome::Duplicate { request_id } => request_id,
                        CommandOutcome::Sequenced => first.request_id,
                    });
                }
                // An approval that was used or ended meanwhile is judged anew too.
                Err(CommitError::Refused(Refusal::Stale(_) | Refusal::Approval(_))) => {
                    self.catch_up(generation).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Contended)
    }

    /// Decides one request, and makes a command of the decision.
    async fn decided(&self, caller: &Caller, prepared: &Prepared) -> Result<Decided, AppError> {
        let (purpose, request) = (&prepared.purpose, &prepared.request);
        let request_id = prepared.request_id;
        let mut evaluation = self.evaluate(request).await?;
        let generation = evaluation.bundle.generation;
        let outcomes = evaluation.items.iter().map(|item| item.outcome).collect();
        self.check_responses(request, request_id, &evaluation)
            .await?;
        let mut settled = self.settled(caller, purpose, request, &evaluation).await?;
        let reads = std::mem::take(&mut settled.reads);
        evaluation.read_set.entries.extend(reads);
        let revoked = if purpose.has_consequences() {
            self.revoked(request, &evaluation)?
        } else {
            Vec::new()
        };
        let told = self.disclosed((request, request_id), &mut evaluation, &settled.accepted)?;
        let mut command = submission(caller, prepared, evaluation, settled, &revoked)?;
        command.parts.extend(told);
        self.refuse_over_lapsing(other_system(request), &command.writes)?;
        Ok(Decided {
            command,
            outcomes,
            generation,
        })
    }

    async fn answer_to(&self, caller: &Caller, id: RequestId) -> Result<RequestAnswer, AppError> {
        let answer = self.aside(move |app| app.request_answer(id)).await;
        let answer = answer.map_err(AppError::after_commit)?;
        Ok(self.shown_to(caller, id, answer))
    }

    /// What would be answered now; recorded only as a count.
    pub async fn dry_run(
        &self,
        caller: &Caller,
        request: InterSystemRequest,
    ) -> Result<DryRunAnswer, AppError> {
        self.permit(caller, Action::DryRun)?;
        self.check_dry_run_rate(caller)?;
        let request = self.examined(Presented::new(self.sealing_key().seal(request)));
        let evaluation = self.evaluate(&request).await?;
        self.count_dry_run(caller, &evaluation.items);
        let selection = selection(&request, &evaluation.facts, &evaluation.items);
        let mut outcomes = BTreeMap::new();
        for item in &evaluation.items {
            *outcomes.entry(item.outcome).or_insert(0) += 1;
        }
        Ok(DryRunAnswer {
            items: evaluation.items.into_iter().map(Into::into).collect(),
            outcomes,
            selection,
            bundle: BundleAnswer {
                generation: evaluation.bundle.generation,
                digest: evaluation.bundle.digest,
            },
            now: evaluation.now,
        })
    }

    pub(in crate::app) async fn evaluate(
        &self,
        request: &InterSystemRequest,
    ) -> Result<Evaluation, AppError> {
        if self.responses_are_behind() {
            return Err(AppError::ResponsesBehind);
        }
        let live = self.live().current();
        let now = self.now();
        let local = self.local_system();
        let (gathered, standing, register, kept_configuration) = self.store().view(|state| {
            let (facts, mut read_set) = gather(local, request, state, now);
            let standing = standing(request, local, state, &mut read_set);
            let register = register::of_visitor(request, state);
            let kept_configuration = configuration::kept(request, state);
            ((facts, read_set), standing, register, kept_configuration)
        });
        let (mut facts, mut read_set) = gathered;
        self.note_waiting_additions(request, &mut facts)?;
        read_set.entries.extend(register.read);
        read_set.generation = live.generation;
        let bundle = BundleReference {
            digest: live.digest.to_string(),
            generation: live.generation,
        };
        let mut items = pool::decide_in_chunks(&live, request, &facts, now).await?;
        select(request, &facts, &mut items);
        Ok(Evaluation {
            facts,
            read_set,
            now,
            bundle,
            items,
            standing,
            register: register.entries,
            kept_configuration,
            response_settings: None,
        })
    }

    /// Decisions that count visitors take turns: each makes the count of the others stale, and the read set would
    /// turn many of them away when many come at once.
    async fn turn(&self, first: &Prepared, further: &[Prepared]) -> Option<MutexGuard<'_, ()>> {
        let mut requests = [first].into_iter().chain(further).map(|it| &it.request);
        let counts = requests.any(|request| {
            let counts = request.body.elements().needs_to_know(Need::Visitors);
            counts && request.direction == Direction::Inbound
        });
        if counts {
            Some(self.0.migrating.lock().await)
        } else {
            None
        }
    }

    /// Waits until the bundle that overtook a decision is the one in force here.
    async fn catch_up(&self, decided_under: u64) {
        let sequenced = self
            .store()
            .view(super::super::store::state::State::generation);
        if sequenced > decided_under {
            self.live().reached(sequenced).await;
        }
    }

    pub(in crate::app) fn known_duplicate(
        &self,
        idempotency: Option<Idempotency>,
    ) -> Result<Option<RequestId>, AppError> {
        let Some(idempotency) = idempotency else {
            return Ok(None);
        };
        match self.store().view(|state| {
            state
                .kept_key(&idempotency.key)
                .map(|kept| (kept.body, kept.request_id))
        }) {
            Some((body, _)) if body != idempotency.body => Err(AppError::IdempotencyKeyReused),
            Some((_, id)) => Ok(Some(id)),
            None => Ok(None),
        }
    }
}

fn submission(
    caller: &Caller,
    prepared: &Prepared,
    evaluation: Evaluation,
    settled: Settled,
    revoked: &[(Write, Revoked)],
) -> Result<Submit, AppError> {
    let Prepared {
        request_id,
        idempotency,
        correlation,
        request,
        sealed,
        purpose,
        body: _,
    } = prepared;
    let request_id = *request_id;
    let items = settled.states;
    let mut writes = Granted {
        request,
        request_id,
        items: settled.accepted,
        evaluation: &evaluation,
        submitted: None,
    }
    .writes()?;
    writes.extend(revoked.iter().map(|(write, _)| write.clone()));
    let read_set = evaluation.read_set.clone();
    let at = evaluation.now;
    let has_consequences = purpose.has_consequences();
    let obligations = if has_consequences {
        obligations((request, request_id), &items, &evaluation, revoked)
    } else {
        Vec::new()
    };
    let bound_to = bound_to(request, &items);
    let reminders = if items.iter().any(|item| item.is_pending()) {
        first_reminders(&evaluation.items, at)
    } else {
        Vec::new()
    };
    // What waits takes away as soon as somebody agrees: it counts from the moment when it is asked.
    let mut stands = items
        .iter()
        .map(|it| it.is_granted_here() || it.is_pending());
    let counts = stands.any(|it| it);
    let partner = |counts: bool| counts.then(|| other_system(request).clone());
    let reduces = partner(counts && is_reducing(&request.body));
    // An approval that is asked for gives nothing yet, but whoever asks for one to take away has changed their mind.
    let adds = partner(counts && has_consequences && gives(&request.body));
    let record = record(caller, request, request_id, evaluation);
    let mut parts = record
        .into_parts()
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    parts = with_revocations(parts, request, revoked)?;
    if items.iter().any(|item| *item != ItemState::Refused) {
        parts.extend(sealed.clone());
    }
    parts.extend(settled.parts);
    Ok(Submit {
        request_id,
        caller: caller.name.as_str().into(),
        idempotency: *idempotency,
        correlation: *correlation,
        read_set,
        items,
        writes,
        parts,
        counts: settled.counts,
        bound_to,
        reminders,
        reduces,
        adds,
        obligations,
        access: settled.access,
        turned: settled.turned,
        in_time_at: settled.in_time_at.unwrap_or(at),
        at,
    })
}

/// What the items that are accepted oblige to, and what ends with those that are refused.
fn obligations(
    (request, request_id): (&InterSystemRequest, RequestId),
    items: &[ItemState],
    evaluation: &Evaluation,
    revoked: &[(Write, Revoked)],
) -> Vec<Arising> {
    let mut gathering = Gathering::new(request, request_id, evaluation.now);
    for (number, (state, decision)) in items.iter().zip(&evaluation.items).enumerate() {
        gathering.accepted(number, *state, decision);
    }
    for (_, revoked) in revoked {
        if let Some(number) = revoked.item {
            gathering.add(number, Occasion::Revocation, &revoked.obligations);
        }
    }
    gathering.into_arising()
}

/// Where an item begins.
pub(in crate::app) fn decided_state(
    request: &InterSystemRequest,
    item: &ItemDecision,
    now: Timestamp,
) -> ItemState {
    let received = Received::new();
    match item.outcome {
        Outcome::Accept => accepted_state(received, request, now),
        Outcome::Reject => received.refuse().into(),
        Outcome::Review => received.hold(item.expires_at).into(),
    }
}

/// Where an item is that is accepted here: granted, or cleared to be put to the partner.
pub(in crate::app) fn accepted_state(
    received: Received,
    request: &InterSystemRequest,
    now: Timestamp,
) -> ItemState {
    if request.is_answered_by_partner() {
        received.clear(awaited_until(request, now)).into()
    } else {
        received.grant().into()
    }
}

/// How long somebody waits for the partner's answer to what is cleared now.
pub(in crate::app) fn awaited_until(
    request: &InterSystemRequest,
    now: Timestamp,
) -> Option<Timestamp> {
    let waits = request.body.operation().is_interactive();
    waits.then(|| now.plus_milliseconds(CONSENT_WAIT_MILLISECONDS))
}

/// Whether an item was just accepted here.
pub(in crate::app) fn is_accepted(state: ItemState) -> bool {
    state == ItemState::Granted || state.stage() == Some(Stage::Cleared)
}

/// Under whose agreement the open items of a request wait, be it for a person or for the partner's answer: what only
/// takes away waits under none (ruling 14), and neither does what would change the status of the cooperation itself.
/// A visitor's home answers whatever became of the agreement: its refusal is final (ruling 11).
fn bound_to(request: &InterSystemRequest, items: &[ItemState]) -> Option<McSystemId> {
    let asked = request.direction == Direction::Outbound;
    let waits = |item: &ItemState| item.is_pending() || (asked && item.stage().is_some());
    let waits = items.iter().any(waits);
    let stands_alone = matches!(
        request.body,
        OperationBody::CooperationStatusChange(_) | OperationBody::AutomaticResponseChange(_)
    );
    (waits && !stands_alone && !is_reducing(&request.body)).then(|| other_system(request).clone())
}

/// How many items have each outcome.
pub(in crate::app) fn outcome_counts(items: &[ItemDecision]) -> OutcomeCounts {
    let count = |outcome| {
        u32::try_from(items.iter().filter(|item| item.outcome == outcome).count())
            .unwrap_or(u32::MAX)
    };
    OutcomeCounts {
        accept: count(Outcome::Accept),
        reject: count(Outcome::Reject),
        review: count(Outcome::Review),
    }
}

pub(in crate::app) fn record(
    caller: &Caller,
    request: &InterSystemRequest,
    request_id: RequestId,
    evaluation: Evaluation,
) -> DecisionRecord {
    let selection = selection(request, &evaluation.facts, &evaluation.items);
    DecisionRecord {
        version: FORMAT_VERSION,
        request_id: request_id.0,
        request: request.clone(),
        facts: evaluation.facts,
        now: evaluation.now,
        caller: caller.name.clone(),
        bundle: evaluation.bundle,
        engine_version: ENGINE_VERSION.to_owned(),
        selection,
        items: evaluation.items,
    }
}
