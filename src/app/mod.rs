//! The use cases: the only floor that both reads the store and decides.
//!
//! [`App::open`] brings the service up with the last good bundle; everything else is one verb a file.

pub mod access_bundle;
pub mod access_request;
pub mod acknowledge;
pub mod administer;
pub mod affected;
mod afterwards;
pub mod answer;
pub mod callbacks;
pub mod clock;
pub mod coherence;
pub mod configuration;
mod consequence;
mod cooperation;
pub mod credentials;
pub mod decide_again;
pub mod disclosure;
pub mod erased;
pub mod erasure;
pub mod error;
pub mod events;
pub mod export;
pub mod grants;
pub mod health;
pub mod history;
pub mod housekeeping;
pub mod impact;
pub mod jobs;
mod kept_file;
pub mod lapsed;
pub mod live;
pub mod log;
pub mod mirror;
mod names;
pub mod obligations;
pub mod open;
pub mod outward;
pub mod pending_data;
pub mod permission;
pub mod plausibility;
pub mod pool;
pub mod publish;
mod rate;
pub mod recorded;
pub mod records;
mod register;
mod reminding;
pub mod replaced_file;
pub mod replay;
pub mod report;
pub mod requests;
pub mod respond;
pub mod response_settings;
mod reviewer;
pub mod reviews;
pub mod revoke;
pub mod sealing;
pub mod search;
pub mod seen;
pub mod shadow;
mod standing;
pub mod submit;
pub mod taken_back;
mod things;
mod undone;
pub mod vault;
pub mod webhooks;
pub mod withdraw;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use self::access_request::Offer;
use self::answer::RequestAnswer;
use self::callbacks::Callbacks;
use self::clock::Clock;
use self::clock::Present;
use self::erasure::Retention;
use self::erasure::Rounds;
use self::error::AppError;
use self::history::History;
use self::housekeeping::DryRunCounts;
use self::impact::ImpactReport;
use self::jobs::Jobs;
use self::jobs::Slots;
use self::live::Live;
use self::log::LogSigner;
use self::log::Publishing;
use self::log::Witnesses;
use self::permission::Access;
use self::permission::Action;
use self::permission::Object;
use self::permission::Permit;
use self::publish::Attempt;
use self::publish::AttemptOutcome;
use self::rate::Rate;
use self::records::Reads;
use self::replay::ReplayReport;
use self::sealing::SealingKey;
use self::seen::Views;
use self::shadow::Shadow;
use self::vault::Vault;
use self::webhooks::Webhooks;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::identity::caller::ITSELF;
use crate::identity::signing::SigningKey;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Committed;
use crate::store::command::RequestId;
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::archive::Archive;
use crate::store::state::RequestEntry;
use crate::telemetry::metrics::BundleKind;
use crate::telemetry::metrics::DecisionLabels;
use crate::telemetry::metrics::Metrics;

/// What the use cases need to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The MC system that this service decides for.
    pub system: McSystemId,
    /// The bundle's directory.
    pub policies: PathBuf,
    /// The access bundle's directory.
    pub access_policies: PathBuf,
    /// The directory of a bundle that follows what is decided and decides nothing.
    pub shadow_policies: Option<PathBuf>,
    /// How many copies of the engine there are.
    pub workers: usize,
    /// Dry runs of one caller in a minute.
    pub dry_runs_per_minute_max: u64,
    /// How long a visitor is served unverified once the link to their home is back.
    pub decide_again_grace_seconds: u64,
    /// What is offered of access requests; absent: nothing.
    pub access_offer: Option<Offer>,
    /// How long personal parts of records are kept.
    pub retention: Retention,
}

/// The service's use cases; clones share one service.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    store: EmbeddedStore,
    archive: Archive,
    live: Live,
    access: Access,
    access_in_force: PathBuf,
    last_access_attempt: Mutex<Option<Attempt>>,
    clock: Clock,
    sealing_key: SealingKey,
    signing_key: SigningKey,
    vault: Vault,
    metrics: Arc<Metrics>,
    publishing: tokio::sync::Mutex<()>,
    /// Whether responses are approved that are not in force yet: until they are, nothing is decided.
    responses_behind: AtomicBool,
    migrating: tokio::sync::Mutex<()>,
    last_attempt: Mutex<Option<Attempt>>,
    dry_runs: Mutex<DryRunCounts>,
    dry_run_rate: Mutex<Rate>,
    /// Who read which records lately.
    reads: Mutex<Reads>,
    /// What was read for views that were given out lately.
    views: Mutex<Views>,
    history: History,
    webhooks: Webhooks,
    log_signer: LogSigner,
    witnesses: Witnesses,
    log_publishing: Mutex<Publishing>,
    callbacks: Callbacks,
    slots: Arc<Slots>,
    replays: Jobs<ReplayReport>,
    impacts: Jobs<ImpactReport>,
    shadow: Shadow,
    /// The last interruption of which nothing is left to be revoked.
    lapsed_to: AtomicU64,
    /// Held while something is erased.
    erasures: tokio::sync::Mutex<Rounds>,
}

impl App {
    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The MC system that this service decides for.
    pub fn local_system(&self) -> &McSystemId {
        &self.0.settings.system
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Permits or forbids an action to a caller.
    pub fn permit<'a>(&self, caller: &'a Caller, action: Action) -> Result<Permit<'a>, AppError> {
        self.0.access.permit(caller, action, Object::Service)
    }

    /// Permits or forbids an action on a request to a caller.
    ///
    /// Of a request that is not there, only those learn who could at least read one of their own.
    fn permit_on_request(
        &self,
        caller: &Caller,
        action: Action,
        id: RequestId,
    ) -> Result<RequestEntry, AppError> {
        let found = self.request_entry(id);
        let submitter = match &found {
            Ok(entry) => &*entry.caller,
            Err(_) => caller.name.as_str(),
        };
        self.permit_on_requests_of(caller, action, submitter)?;
        found
    }

    /// Permits or forbids an action on what one account submitted to a caller.
    fn permit_on_requests_of(
        &self,
        caller: &Caller,
        action: Action,
        submitter: &str,
    ) -> Result<(), AppError> {
        let object = Object::Request { submitter };
        self.0.access.permit(caller, action, object)?;
        Ok(())
    }

    /// An answer as a caller may see it: what was disclosed is for those who may read that.
    fn shown_to(&self, caller: &Caller, id: RequestId, mut answer: RequestAnswer) -> RequestAnswer {
        let may_read = answer.disclosed.is_empty()
            || self
                .permit_on_request(caller, Action::ReadDisclosure, id)
                .is_ok();
        if !may_read {
            for disclosed in &mut answer.disclosed {
                disclosed.view = None;
            }
        }
        answer
    }

    /// Does what can take long where it keeps no other request waiting.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        let app = self.clone();
        tokio::task::spawn_blocking(move || work(&app))
            .await
            .map_err(|error| AppError::Broken(Box::new(error)))?
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Between which moments the present one surely is.
    fn present(&self) -> Present {
        self.0.clock.present()
    }

    fn store(&self) -> &EmbeddedStore {
        &self.0.store
    }

    /// Hands a command to the store, and measures how long it takes.
    async fn commit(&self, command: Command) -> Result<Committed, CommitError> {
        let start = Instant::now();
        let committed = self.store().commit(command).await;
        self.metrics().committed(start.elapsed().as_secs_f64());
        committed
    }

    fn archive(&self) -> &Archive {
        &self.0.archive
    }

    fn live(&self) -> &Live {
        &self.0.live
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn sealing_key(&self) -> &SealingKey {
        &self.0.sealing_key
    }

    fn signing_key(&self) -> &SigningKey {
        &self.0.signing_key
    }

    fn vault(&self) -> &Vault {
        &self.0.vault
    }

    fn replays(&self) -> &Jobs<ReplayReport> {
        &self.0.replays
    }

    fn impacts(&self) -> &Jobs<ImpactReport> {
        &self.0.impacts
    }

    /// Ends the jobs that run.
    fn close_jobs(&self) {
        self.0.slots.close();
    }

    /// On how many cores a job runs: not on all, as decisions go on meanwhile.
    fn job_workers(&self) -> usize {
        self.settings().workers.div_ceil(2)
    }

    fn publishing(&self) -> &tokio::sync::Mutex<()> {
        &self.0.publishing
    }

    fn dry_runs(&self) -> MutexGuard<'_, DryRunCounts> {
        self.0
            .dry_runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn last_attempt(&self) -> Option<Attempt> {
        self.0
            .last_attempt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_last_attempt(&self, attempt: Attempt) {
        let succeeded = attempt.outcome != AttemptOutcome::Refused;
        self.metrics().publication_attempted(
            BundleKind::Policies,
            attempt.at.as_milliseconds(),
            succeeded,
        );
        *self
            .0
            .last_attempt
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(attempt);
    }

    /// Whether a document's facts fit the schema in force.
    fn conforms(&self, document: &Document) -> Result<(), String> {
        let live = self.live().current();
        let Some(engine) = live.engine() else {
            return Err("no engine is in force".to_owned());
        };
        crate::decision::conformity::conforms(engine.bundle(), document)
            .map_err(|error| error.to_string())
    }

    fn count_decision(&self, request: &InterSystemRequest, outcomes: &[Outcome]) {
        for outcome in outcomes {
            self.metrics().decided(&DecisionLabels {
                operation: request.body.operation().as_str(),
                direction: request.direction.as_str(),
                outcome: outcome.as_str(),
            });
        }
    }

    /// The caller that the service itself is, for what it does on its own.
    pub fn itself() -> Caller {
        Caller::new(ITSELF, ["operator"])
    }
}
