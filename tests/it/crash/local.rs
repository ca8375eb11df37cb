//! The use cases in this process, over a disk that a test chooses.

#![cfg(test)]

use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use comity::app::App;
use comity::app::Settings;
use comity::app::clock::SystemClock;
use comity::app::clock::WallClock;
use comity::app::error::AppError;
use comity::app::log::LogSigner;
use comity::app::log::Witnesses;
use comity::app::open::Foundations;
use comity::app::sealing::SealingKey;
use comity::app::vault::Vault;
use comity::cli::registry::read_documents;
use comity::decision_log::checkpoint::LogKey;
use comity::decision_log::checkpoint::Origin;
use comity::domain::time::Timestamp;
use comity::domain::wire::WireLimits;
use comity::domain::wire::parse_request;
use comity::identity::caller::Caller;
use comity::identity::signing::SigningKey;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::OpenError;
use comity::store::embedded::archive::Archive;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::OpenError as JournalError;
use comity::store::embedded::projection::SledBackend;
use comity::store::embedded::settings::Settings as StoreSettings;
use comity::telemetry::metrics::Metrics;
use serde_json::Value;
use zeroize::Zeroizing;

use super::home::Home;
use super::home::german_registry;

/// How long a lock may outlast its holder.
const PATIENCE: Duration = Duration::from_secs(10);

/// A service without its HTTP server.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) app: App,
    pub(crate) store: EmbeddedStore,
    pub(crate) archive: Archive,
}

impl Local {
    /// Brings the use cases up; the projection is kept in the home, all else on the disk.
    pub(crate) async fn open(home: &Home, disk: Arc<dyn Disk>, journal: JournalSettings) -> Self {
        let settings = StoreSettings {
            journal,
            ..store_settings(home)
        };
        Self::open_with(home, disk, settings).await
    }

    /// The same with other settings of the store.
    pub(crate) async fn open_with(
        home: &Home,
        disk: Arc<dyn Disk>,
        settings: StoreSettings,
    ) -> Self {
        Self::open_by(Box::new(SystemClock::default()), home, disk, settings).await
    }

    /// The same by another clock.
    pub(crate) async fn open_by(
        clock: Box<dyn WallClock>,
        home: &Home,
        disk: Arc<dyn Disk>,
        settings: StoreSettings,
    ) -> Self {
        std::fs::create_dir_all(home.data()).unwrap();
        let store = open_store(&disk, &settings);
        let archive = Archive::open(disk).unwrap();
        let origin = Origin::of_system("mc.de.example");
        let foundations = Foundations {
            store: store.clone(),
            archive: archive.clone(),
            sealing_key: SealingKey::from_bytes([7; 32]),
            signing_key: SigningKey::from_seed(&[7; 32]).unwrap(),
            vault: Vault::new(Zeroizing::new([7; 32]), []).unwrap(),
            metrics: Arc::new(Metrics::new()),
            access_in_force: home.policies().join("access-in-force"),
            webhooks: comity::app::webhooks::Webhooks::default(),
            log_signer: LogSigner {
                keys: vec![LogKey::from_seed(&origin, &[7; 32]).unwrap()],
                origin,
                after: None,
            },
            witnesses: Witnesses::none(),
            callbacks: comity::app::callbacks::Callbacks::default(),
        };
        let settings = Settings {
            system: "mc.de.example".parse().unwrap(),
            policies: home.policies(),
            access_policies: home.policies().join("access"),
            shadow_policies: None,
            dry_runs_per_minute_max: 600,
            decide_again_grace_seconds: 600,
            retention: comity::app::erasure::Retention::default(),
            access_offer: None,
            workers: 2,
        };
        let app = App::open(settings, foundations, clock).await;
        Self {
            app: app.unwrap(),
            store,
            archive,
        }
    }

    /// Imports the example registry.
    pub(crate) async fn import(&self) {
        let documents = read_documents(&german_registry()).unwrap();
        let documents = documents.into_iter().map(|(_, document)| document);
        let (caller, documents) = (operator(), documents.collect());
        self.app.import(&caller, documents).await.unwrap();
    }

    /// Submits a request; the answer is the one that HTTP would give.
    pub(crate) async fn submit(&self, key: &str, body: &Value) -> Result<Value, AppError> {
        let body = serde_json::to_vec(body).unwrap();
        let request = parse_request(&body, WireLimits::default()).unwrap();
        let answer = self.app.submit(operator(), Some(key.to_owned()), request);
        Ok(serde_json::to_value(answer.await?).unwrap())
    }

    /// Reads a request that was answered.
    pub(crate) fn request(&self, answer: &Value) -> Value {
        let id = answer["id"].as_str().unwrap().parse().unwrap();
        serde_json::to_value(self.app.request(&operator(), id).unwrap()).unwrap()
    }
}

/// The caller that the local operator's token stands for.
pub(crate) fn operator() -> Caller {
    Caller::new("local-operator", ["operator"])
}

/// Opens a store that nobody else has open.
///
/// A test in another thread that starts a process takes the lock file along until that process runs
/// its own program, so the lock may outlast its holder by a moment.
pub(crate) fn open_store(disk: &Arc<dyn Disk>, settings: &StoreSettings) -> EmbeddedStore {
    let begun = Instant::now();
    loop {
        match EmbeddedStore::open(Arc::clone(disk), settings, &mut |_| {}) {
            Ok(store) => return store,
            Err(OpenError::Journal(JournalError::InUse { .. })) if begun.elapsed() < PATIENCE => {
                thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The settings of a store in a home.
pub(crate) fn store_settings(home: &Home) -> StoreSettings {
    let opened_at: Timestamp = "2026-11-01T06:00:00.000Z".parse().unwrap();
    StoreSettings::new(Arc::new(SledBackend::new(home.data())), opened_at)
}
