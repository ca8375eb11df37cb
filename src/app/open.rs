//! Bringing the service up: with the last good bundle, even if the files are broken.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;

use crate::app::App;
use crate::app::Inner;
use crate::app::Settings;
use crate::app::access_bundle;
use crate::app::callbacks::Callbacks;
use crate::app::clock::Clock;
use crate::app::clock::WallClock;
use crate::app::error::AppError;
use crate::app::history::History;
use crate::app::jobs::Jobs;
use crate::app::jobs::Slots;
use crate::app::live::Engines;
use crate::app::live::Live;
use crate::app::live::Published;
use crate::app::log::LogSigner;
use crate::app::log::Witnesses;
use crate::app::permission::Access;
use crate::app::publish::read_and_compile;
use crate::app::rate::Rate;
use crate::app::replay::archived_bundle;
use crate::app::sealing::SealingKey;
use crate::app::shadow::Shadow;
use crate::app::vault::Vault;
use crate::app::webhooks::Webhooks;
use crate::decision::engine::Engine;
use crate::identity::signing::SigningKey;
use crate::policy::bundle::Bundle;
use crate::policy::source::BundleSource;
use crate::store::command::Command;
use crate::store::command::Publish;
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::archive::Archive;
use crate::store::embedded::archive::ContentDigest;
use crate::store::state::State;
use crate::telemetry::metrics::Metrics;

/// What the service stands on.
#[derive(Debug)]
pub struct Foundations {
    /// The store, open.
    pub store: EmbeddedStore,
    /// The archive of its bundles, open.
    pub archive: Archive,
    /// The key under which configuration is sealed.
    pub sealing_key: SealingKey,
    /// The key by which the service signs.
    pub signing_key: SigningKey,
    /// The keys under which accepted configuration is kept.
    pub vault: Vault,
    /// Where metrics are counted.
    pub metrics: Arc<Metrics>,
    /// The file that names the access bundle in force.
    pub access_in_force: PathBuf,
    /// Where events are sent.
    pub webhooks: Webhooks,
    /// As whom the log signs.
    pub log_signer: LogSigner,
    /// Who cosigns its checkpoints.
    pub witnesses: Witnesses,
    /// Who may be called when an access request has ended.
    pub callbacks: Callbacks,
}

impl App {
    /// Brings the service up.
    ///
    /// With a bundle in force from before, broken files change nothing. Without one, they are an error.
    pub async fn open(
        settings: Settings,
        foundations: Foundations,
        wall_clock: Box<dyn WallClock>,
    ) -> Result<Self, AppError> {
        let Foundations {
            store,
            archive,
            sealing_key,
            signing_key,
            vault,
            metrics,
            access_in_force,
            webhooks,
            log_signer,
            witnesses,
            callbacks,
        } = foundations;
        let clock = Clock::new(wall_clock, Some(store.view(State::time)));
        let directory = &settings.access_policies;
        let (access, found) =
            access_bundle::open(directory, (&archive, &access_in_force), clock.now())?;
        let (bundle, generation) = match store.view(|state| state.bundle().cloned()) {
            Some(in_force) => (
                archived_bundle(&archive, &in_force.digest)?.1,
                in_force.generation,
            ),
            None => first_publication(&settings, (&store, &archive), &clock).await?,
        };
        let workers = settings.workers.max(1);
        let dry_run_rate = Rate::new(settings.dry_runs_per_minute_max);
        let digest = bundle.digest();
        let engines = Engines::new(Engine::new(Arc::new(bundle)), workers);
        let published = Published::new(generation, digest, engines);
        let slots = Arc::new(Slots::default());
        let app = Self(Arc::new(Inner {
            settings,
            store,
            archive,
            live: Live::new(published),
            access: Access::new(access),
            access_in_force,
            last_access_attempt: std::sync::Mutex::default(),
            clock,
            sealing_key,
            signing_key,
            vault,
            metrics,
            responses_behind: AtomicBool::new(false),
            publishing: tokio::sync::Mutex::default(),
            migrating: tokio::sync::Mutex::default(),
            last_attempt: std::sync::Mutex::default(),
            dry_runs: std::sync::Mutex::default(),
            dry_run_rate: std::sync::Mutex::new(dry_run_rate),
            reads: std::sync::Mutex::default(),
            views: std::sync::Mutex::default(),
            history: History::default(),
            webhooks,
            log_signer,
            witnesses,
            log_publishing: std::sync::Mutex::default(),
            callbacks,
            replays: Jobs::new(&slots),
            impacts: Jobs::new(&slots),
            shadow: Shadow::default(),
            lapsed_to: AtomicU64::new(0),
            erasures: tokio::sync::Mutex::default(),
            slots,
        }));
        app.metrics().published(generation);
        app.note_access_attempt(found);
        app.begin().await?;
        Ok(app)
    }

    /// What is done before anybody is served.
    async fn begin(&self) -> Result<(), AppError> {
        self.begin_signing().await?;
        self.publish_directory("start").await?;
        if let Err(error) = self.reload_shadow().await {
            tracing::error!(%error, "no shadow follows");
        }
        // A restored backup may hold what was erased since.
        self.take_over_erasures().await?;
        self.carry_out_erasures().await;
        Ok(())
    }
}

/// Keeps a bundle under its digest; durable on return.
pub(in crate::app) fn archive_bundle(
    archive: &Archive,
    source: &BundleSource,
) -> Result<(), AppError> {
    let bytes = source.to_archive();
    archive
        .put(&ContentDigest::of(&bytes), &bytes)
        .map(drop)
        .map_err(|error| AppError::NotRecorded(Box::new(error)))
}

async fn first_publication(
    settings: &Settings,
    (store, archive): (&EmbeddedStore, &Archive),
    clock: &Clock,
) -> Result<(Bundle, u64), AppError> {
    let (source, bundle): (BundleSource, Bundle) =
        read_and_compile(&settings.policies).map_err(AppError::Refused)?;
    let digest = bundle.digest();
    archive_bundle(archive, &source)?;
    let generation = 1;
    let publish = Publish {
        digest: digest.to_string(),
        generation,
        actor: "start".to_owned(),
        summary: String::new(),
        at: clock.now(),
    };
    store.commit(Command::Publish(publish)).await?;
    Ok((bundle, generation))
}
