//! A whole service in this process: store, use cases, watcher and server, put together and taken apart.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::callbacks;
use super::configuration_keys;
use super::data_directory::bind_to_system;
use super::data_directory::operator_token;
use super::data_directory::random_bytes;
use super::data_directory::refuse_lost_log;
use super::data_directory::sealing_key;
use super::data_directory::signing_key;
use super::log_key::log_signer;
use super::webhooks;
use super::webhooks::InvalidWebhooks;
use super::witnesses;
use crate::app::App;
use crate::app::Settings;
use crate::app::access_request::Offer;
use crate::app::clock::Clock;
use crate::app::clock::SystemClock;
use crate::app::clock::WallClock;
use crate::app::erasure::Retention;
use crate::app::error::AppError;
use crate::app::open::Foundations;
use crate::config::callbacks::CallbackSettings;
use crate::config::published_log::PublishedLogSettings;
use crate::config::webhooks::WebhookSettings;
use crate::domain::identity::McSystemId;
use crate::domain::time::Timestamp;
use crate::http::server::Server;
use crate::http::settings::HttpSettings;
use crate::http::state::ServiceState;
use crate::identity::caller::CallerEntry;
use crate::identity::caller::CallerList;
use crate::identity::caller::LOCAL_OPERATOR;
use crate::identity::caller::OPERATOR_ROLE;
use crate::identity::token::Token;
use crate::policy::manifest;
use crate::policy::watch::Patience;
use crate::policy::watch::Watch;
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::Interrupt;
use crate::store::embedded::OpenError;
use crate::store::embedded::Progress;
use crate::store::embedded::archive::Archive;
use crate::store::embedded::archive::ArchiveError;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::RealDisk;
use crate::store::embedded::projection::ProjectionBackend;
use crate::store::embedded::projection::SledBackend;
use crate::store::embedded::settings::QUEUE_COMMANDS;
use crate::store::embedded::settings::Settings as StoreSettings;
use crate::store::state::ENDED_REQUESTS;
use crate::telemetry::metrics::Metrics;

/// The file in the data directory that holds the local operator's token.
pub const OPERATOR_TOKEN_FILE: &str = "operator.token";

/// A stage with fewer steps than ten times this ends before anybody asks.
const PROGRESS_WORTH_TELLING: u64 = 100_000;

/// Names the access bundle in force.
const ACCESS_BUNDLE_FILE: &str = "access-bundle";

/// Tokens by caller name.
pub type CallerTokens = BTreeMap<String, String>;

/// What one service needs.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// The MC system that it decides for.
    pub system: McSystemId,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it keeps everything.
    pub data_directory: PathBuf,
    /// The bundle's directory.
    pub policies: PathBuf,
    /// The access bundle's directory.
    pub access_policies: PathBuf,
    /// The directory of a bundle that follows what is decided and decides nothing.
    pub shadow_policies: Option<PathBuf>,
    /// The directory of the keys under which accepted configuration is kept, if it is not in the data directory.
    pub configuration_keys: Option<PathBuf>,
    /// Who may call, beside the local operator.
    pub callers: CallerList,
    /// Where events are sent.
    pub webhooks: Vec<WebhookSettings>,
    /// Who may be called when an access request has ended.
    pub callbacks: Vec<CallbackSettings>,
    /// How much and how long the interface takes.
    pub http: HttpSettings,
    /// Dry runs of one caller in a minute.
    pub dry_runs_per_minute_max: u64,
    /// How long a visitor is served unverified once the link to their home is back.
    pub decide_again_grace_seconds: u64,
    /// What is offered of access requests; absent: nothing.
    pub access_offer: Option<Offer>,
    /// How long personal parts of records are kept.
    pub retention: Retention,
    /// Commands that may wait to be sequenced.
    pub queue_commands_max: usize,
    /// How the decision log is published.
    pub published_log: PublishedLogSettings,
    /// When a change of the policy files is taken over.
    pub patience: Patience,
    /// How many requests that have ended stay in memory.
    pub ended_requests: usize,
    /// Ends a start that takes long.
    pub interrupt: Interrupt,
}

/// Why a service does not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store does not open.
    #[error("the data directory `{}` cannot be used", .0.display())]
    Store(PathBuf, #[source] Box<OpenError>),
    /// The bundle archive does not open.
    #[error("the bundle archive in `{}` cannot be used", .0.display())]
    Archive(PathBuf, #[source] Box<ArchiveError>),
    /// The data directory belongs to another system.
    #[error("the data directory `{}` belongs to `{found}`, not to `{asked}`; give each system a data directory of its own", directory.display())]
    OtherSystem {
        /// The data directory.
        directory: PathBuf,
        /// The system whose it is.
        found: String,
        /// The system that was asked for.
        asked: McSystemId,
    },
    /// A file is gone from a data directory that was in use.
    #[error("the file `{}` is missing from a data directory that was in use; restore it from the backup of the directory; {otherwise}", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
        /// What can be done without a backup.
        otherwise: String,
    },
    /// A file of the data directory cannot be used.
    #[error("the file `{}` cannot be used", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The configured directory of keys is empty.
    #[error("the directory `{}` holds no configuration key; restore it, or begin with a file `0001.key` of 32 random bytes and mode 600", .0.display())]
    NoConfigurationKey(PathBuf),
    /// Webhooks cannot be set up.
    #[error(transparent)]
    Webhooks(#[from] InvalidWebhooks),
    /// Somebody cannot be called.
    #[error("the callbacks `{0}` cannot be set up")]
    Callbacks(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// A witness cannot be called.
    #[error("the witness `{0}` cannot be called")]
    Witness(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The use cases do not come up.
    #[error("the service does not come up")]
    App(#[source] AppError),
    /// The policy directory cannot be watched.
    #[error("the policy directory cannot be watched")]
    Watch(#[source] io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// Stopping did not go to its end.
    #[error("the server did not stop in order")]
    Stop(#[source] io::Error),
}

impl ServiceError {
    /// Whether the start was ended from outside, so that nothing is wrong.
    pub fn is_interruption(&self) -> bool {
        matches!(self, Self::Store(_, error) if error.is_interruption())
    }
}

impl ServiceSettings {
    /// Settings for a service on a free loopback port.
    pub fn local(system: McSystemId, data_directory: PathBuf, policies: PathBuf) -> Self {
        Self {
            published_log: PublishedLogSettings::of_system(&system),
            system,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_directory,
            access_policies: policies.join("access"),
            policies,
            shadow_policies: None,
            configuration_keys: None,
            callers: CallerList::default(),
            webhooks: Vec::new(),
            callbacks: Vec::new(),
            http: HttpSettings::default(),
            dry_runs_per_minute_max: 600,
            decide_again_grace_seconds: 600,
            retention: Retention::default(),
            access_offer: None,
            queue_commands_max: QUEUE_COMMANDS,
            patience: Patience::default(),
            ended_requests: ENDED_REQUESTS,
            interrupt: Interrupt::default(),
        }
    }

    /// Makes callers with one role each; their tokens are in the answer and nowhere else.
    pub fn make_callers(&mut self, callers: &[(&str, &str)]) -> io::Result<CallerTokens> {
        let mut tokens = CallerTokens::new();
        for (name, role) in callers {
            let token = Token::from_random(random_bytes()?);
            tokens.insert((*name).to_owned(), token.reveal().to_owned());
            self.callers.callers.push(CallerEntry {
                name: (*name).to_owned(),
                roles: [(*role).to_owned()].into(),
                token_sha256: token.hash(),
                not_after: None,
            });
        }
        Ok(tokens)
    }
}

/// A service that runs.
#[derive(Debug)]
pub struct Service {
    app: App,
    server: Server,
    tasks: Vec<JoinHandle<()>>,
    operator_token: String,
}

impl Service {
    /// Starts a service; when this returns, it answers.
    pub async fn start(settings: ServiceSettings) -> Result<Self, ServiceError> {
        Self::start_with_clock(settings, Box::new(SystemClock::default())).await
    }

    /// The same, by another clock.
    pub async fn start_with_clock(
        settings: ServiceSettings,
        clock: Box<dyn WallClock>,
    ) -> Result<Self, ServiceError> {
        let opened_at = Timestamp::from_milliseconds(clock.wall_milliseconds());
        let endpoints = webhooks::checked(&settings)?;
        let directory = settings.data_directory.clone();
        let queue_commands = settings.queue_commands_max;
        let (ended_requests, interrupt) = (settings.ended_requests, settings.interrupt.clone());
        let open = move || {
            open_store(&directory, |settings| {
                settings.queue_commands = queue_commands;
                settings.ended_requests = ended_requests;
                settings.journal.interrupt = interrupt;
                settings.opened_at = opened_at;
            })
        };
        let (store, archive) = tokio::task::spawn_blocking(open)
            .await
            .map_err(|error| ServiceError::Stop(io::Error::other(error)))??;
        let directory = &settings.data_directory;
        let has_published = store.published_log().is_some();
        let is_used = store.view(|state| state.bundle().is_some());
        bind_to_system(directory, &settings.system, is_used)?;
        let sealing_key = sealing_key(directory, is_used)?;
        let keys = settings.configuration_keys.as_deref();
        let vault = configuration_keys::vault(directory, keys)?;
        let token = operator_token(directory)?;
        let webhooks = webhooks::set_up(endpoints, &settings, store.started().origin)?;
        let callbacks = callbacks::set_up(&settings, store.started().origin)?;
        let foundations = Foundations {
            store,
            archive,
            sealing_key,
            signing_key: signing_key(directory)?,
            vault,
            metrics: Arc::new(Metrics::new()),
            access_in_force: settings.data_directory.join(ACCESS_BUNDLE_FILE),
            webhooks,
            log_signer: log_signer(directory, &settings.published_log.origin, has_published)?,
            witnesses: witnesses::set_up(&settings.published_log)?,
            callbacks,
        };
        let app = App::open(app_settings(&settings), foundations, clock)
            .await
            .map_err(ServiceError::App)?;
        let publisher = watch_policies(&app, settings.patience)?;
        let mut callers = settings.callers.clone();
        callers.callers.push(CallerEntry {
            name: LOCAL_OPERATOR.to_owned(),
            roles: [OPERATOR_ROLE.to_owned()].into(),
            token_sha256: token.hash(),
            not_after: None,
        });
        let state = ServiceState::new(
            app.clone(),
            callers,
            settings.http,
            settings.published_log.readers,
        );
        let server = Server::listen(settings.listen, state)
            .await
            .map_err(|error| ServiceError::Listen(settings.listen, error))?;
        let mut tasks = vec![publisher];
        tasks.extend(in_the_background(&app));
        Ok(Self {
            app,
            server,
            tasks,
            operator_token: token.reveal().to_owned(),
        })
    }

    /// Where the service listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The local operator's token.
    pub fn operator_token(&self) -> String {
        self.operator_token.clone()
    }

    /// Stops: no new requests, those under way end, everything accepted is durable.
    pub async fn stop(self) -> Result<(), ServiceError> {
        let stopped = self.server.stop().await.map_err(ServiceError::Stop);
        for task in self.tasks {
            task.abort();
        }
        self.app.publish_last_checkpoint().await;
        self.app.close().await;
        stopped
    }
}

/// What goes on beside requests.
fn in_the_background(app: &App) -> Vec<JoinHandle<()>> {
    let mut tasks = vec![app.keep_house(), app.publish_log()];
    tasks.extend(app.follow_by_shadow());
    tasks.extend(app.run_webhooks());
    tasks.extend(app.run_callbacks());
    tasks
}

/// Opens the store and the bundle archive in a data directory, making them if they are new.
pub fn open_store(
    directory: &Path,
    choose: impl FnOnce(&mut StoreSettings),
) -> Result<(EmbeddedStore, Archive), ServiceError> {
    refuse_lost_log(directory)?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(directory));
    disk.create_directories(Path::new(""))
        .map_err(|error| ServiceError::File(directory.to_owned(), error))?;
    let projection = Arc::new(SledBackend::new(directory));
    let mut settings = store_settings(projection);
    choose(&mut settings);
    let store = EmbeddedStore::open(Arc::clone(&disk), &settings, &mut tell_progress)
        .map_err(|error| ServiceError::Store(directory.to_owned(), Box::new(error)))?;
    let archive = Archive::open(disk)
        .map_err(|error| ServiceError::Archive(directory.to_owned(), Box::new(error)))?;
    Ok((store, archive))
}

fn store_settings(projection: Arc<dyn ProjectionBackend>) -> StoreSettings {
    StoreSettings::new(
        projection,
        Clock::new(Box::new(SystemClock::default()), None).now(),
    )
}

/// Says how far a long start is, in tenths.
fn tell_progress(progress: Progress) {
    let Progress { stage, done, total } = progress;
    let tenth = total / 10;
    if tenth > PROGRESS_WORTH_TELLING && done % tenth == 0 {
        tracing::info!(?stage, done, total, "starting");
    }
}

fn app_settings(settings: &ServiceSettings) -> Settings {
    Settings {
        system: settings.system.clone(),
        policies: settings.policies.clone(),
        access_policies: settings.access_policies.clone(),
        shadow_policies: settings.shadow_policies.clone(),
        dry_runs_per_minute_max: settings.dry_runs_per_minute_max,
        decide_again_grace_seconds: settings.decide_again_grace_seconds,
        retention: settings.retention.clone(),
        access_offer: settings.access_offer.clone(),
        workers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    }
}

/// Publishes after every change of a watched tree, until it is aborted.
fn watch_policies(app: &App, patience: Patience) -> Result<JoinHandle<()>, ServiceError> {
    let changed = Arc::new(Notify::new());
    let mut roots = watched_roots(app);
    let mut watch = start_watch(&roots, &changed, patience).map_err(ServiceError::Watch)?;
    let app = app.clone();
    Ok(tokio::spawn(async move {
        loop {
            changed.notified().await;
            if let Err(error) = app.publish_directory("watcher").await {
                tracing::error!(%error, "the policy directory was not taken over");
            }
            if let Err(error) = app.reload_access().await {
                tracing::error!(%error, "the access bundle's directory was not taken over");
            }
            if let Err(error) = app.reload_shadow().await {
                tracing::error!(%error, "the shadow's directory was not taken over");
            }
            let now = watched_roots(&app);
            if now != roots {
                match start_watch(&now, &changed, patience) {
                    Ok(other) => {
                        (roots, watch) = (now, other);
                        // A watch tells only what changes after it began; what came before must be read too.
                        changed.notify_one();
                    }
                    Err(error) => {
                        tracing::error!(%error, roots = ?watch, "the new schema is not watched");
                    }
                }
            }
        }
    }))
}

fn start_watch(roots: &[PathBuf], changed: &Arc<Notify>, patience: Patience) -> io::Result<Watch> {
    let signal = Arc::clone(changed);
    Watch::start(roots.to_vec(), patience, move || {
        signal.notify_one();
    })
}

/// The bundles' directories and the schemas that their manifests name, which may lie outside.
fn watched_roots(app: &App) -> Vec<PathBuf> {
    let settings = app.settings();
    let bundles = [&settings.policies, &settings.access_policies];
    let bundles = || bundles.into_iter().chain(&settings.shadow_policies);
    let schemas = bundles().filter_map(|bundle| named_schema(bundle));
    bundles().cloned().chain(schemas).collect()
}

/// The schema that a manifest names, even if the bundle does not pass otherwise.
fn named_schema(bundle: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(bundle.join(manifest::FILE_NAME)).ok()?;
    let table: toml::Table = text.parse().ok()?;
    Some(bundle.join(table.get("schema")?.as_str()?))
}
