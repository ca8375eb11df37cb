//! A store that is filled through the product's own write path, without HTTP.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use comity::app::App;
use comity::app::Settings;
use comity::app::clock::SystemClock;
use comity::app::log::LogSigner;
use comity::app::log::Witnesses;
use comity::app::open::Foundations;
use comity::app::sealing::SealingKey;
use comity::app::vault::Vault;
use comity::app::webhooks::Webhooks;
use comity::cli::registry::read_documents;
use comity::decision_log::checkpoint::LogKey;
use comity::decision_log::checkpoint::Origin;
use comity::domain::request::InterSystemRequest;
use comity::domain::wire::WireLimits;
use comity::domain::wire::read_request;
use comity::identity::caller::Caller;
use comity::identity::signing::SigningKey;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::archive::Archive;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::projection::SledBackend;
use comity::store::embedded::settings::Settings as StoreSettings;
use comity::telemetry::metrics::Metrics;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

const CLIENTS: u64 = 128;
const CERTIFICATE: &str = "sha256:4239f1615a9775fd52be4942427ebd2b2938cf68e74ab182227851884ed3faf8";

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn operator() -> Caller {
    Caller::new("local-operator", ["operator"])
}

/// What partners ask by turns: a membership that is held, one that is granted, an affiliation, one that is refused.
fn request(number: u64) -> InterSystemRequest {
    let member = format!("sip:officer.{}@mc.nl.example", number % 5_000);
    let body = match number % 4 {
        0 => membership(&member, "sip:sonderlage-1@mc.de.example", None),
        1 => membership(
            &member,
            "sip:loeschzug-3@mc.de.example",
            Some("fire.nl.example"),
        ),
        2 => affiliation(&member, "sip:loeschzug-3@mc.de.example"),
        _ => affiliation(&member, "sip:unfall-07@mc.de.example"),
    };
    let mut request = json!({
        "direction": "inbound",
        "peer": { "system": "mc.nl.example", "certificate": CERTIFICATE },
        "correlation_id": format!("nl-2026-{number:06}"),
        "requesting_system": "mc.nl.example",
        "receiving_system": "mc.de.example",
    });
    for (name, value) in body.as_object().unwrap() {
        request[name] = value.clone();
    }
    read_request(&request, WireLimits::default()).unwrap()
}

fn membership(member: &str, group: &str, organisation: Option<&str>) -> Value {
    let mut body = json!({
        "operation": "group-membership-update",
        "requester": { "mc_service_id": "sip:control.3@mc.nl.example" },
        "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
        "group": group,
        "members": [member],
        "change": "add",
        "urgency": "high",
        "justification": "German-speaking officer at the scene"
    });
    if let Some(organisation) = organisation {
        body["requester"]["organisation"] = json!(organisation);
    }
    body
}

fn affiliation(member: &str, group: &str) -> Value {
    json!({
        "operation": "affiliation",
        "user": member,
        "group": group,
        "service": "mcptt",
        "serving_system": "mc.nl.example"
    })
}

/// Opens the store and the archive of a directory.
pub(crate) fn open(directory: &Path) -> (EmbeddedStore, Archive) {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(directory));
    let opened_at = "2026-01-01T00:00:00.000Z".parse().unwrap();
    let settings = StoreSettings::new(Arc::new(SledBackend::new(directory)), opened_at);
    let store = EmbeddedStore::open(Arc::clone(&disk), &settings, &mut |_| {}).unwrap();
    (store, Archive::open(disk).unwrap())
}

pub(crate) async fn serve(directory: &Path) -> App {
    let (store, archive) = open(directory);
    let origin = Origin::of_system("mc.de.example");
    let foundations = Foundations {
        store,
        archive,
        sealing_key: SealingKey::from_bytes([7; 32]),
        signing_key: SigningKey::from_seed(&[7; 32]).unwrap(),
        vault: Vault::new(Zeroizing::new([7; 32]), []).unwrap(),
        metrics: Arc::new(Metrics::new()),
        access_in_force: directory.join("access-bundle"),
        webhooks: Webhooks::default(),
        callbacks: comity::app::callbacks::Callbacks::default(),
        log_signer: LogSigner {
            keys: vec![LogKey::from_seed(&origin, &[7; 32]).unwrap()],
            origin,
            after: None,
        },
        witnesses: Witnesses::none(),
    };
    let settings = Settings {
        system: "mc.de.example".parse().unwrap(),
        policies: package("policies"),
        access_policies: package("policies/access"),
        shadow_policies: None,
        workers: 2,
        dry_runs_per_minute_max: 600,
        decide_again_grace_seconds: 600,
        retention: comity::app::erasure::Retention::default(),
        access_offer: None,
    };
    let app = App::open(settings, foundations, Box::new(SystemClock::default()));
    let app = app.await.unwrap();
    let documents = read_documents(&package("examples/registry/de")).unwrap();
    let documents = documents.into_iter().map(|(_, document)| document);
    app.import(&operator(), documents.collect()).await.unwrap();
    app
}

/// Submits so many requests, and leaves the directory as a service that was stopped.
pub(crate) async fn fill(directory: &Path, count: u64) {
    let app = serve(directory).await;
    let numbers = Arc::new(AtomicU64::new(0));
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (app, numbers) = (app.clone(), Arc::clone(&numbers));
        working.spawn(async move {
            loop {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                let key = Some(format!("key-{number}"));
                app.submit(operator(), key, request(number)).await.unwrap();
            }
        });
    }
    working.join_all().await;
    app.close().await;
}
