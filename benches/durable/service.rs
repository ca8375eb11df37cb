//! The whole path of a submission without HTTP: decided, sequenced, durable, answered.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use comity::app::App;
use comity::app::Settings;
use comity::app::clock::SystemClock;
use comity::app::log::LogSigner;
use comity::app::log::Witnesses;
use comity::app::open::Foundations;
use comity::app::sealing::SealingKey;
use comity::app::vault::Vault;
use comity::cli::registry::read_documents;
use comity::decision_log::checkpoint::LogKey;
use comity::decision_log::checkpoint::Origin;
use comity::domain::request::InterSystemRequest;
use comity::domain::time::Timestamp;
use comity::domain::wire::WireLimits;
use comity::domain::wire::parse_request;
use comity::identity::caller::Caller;
use comity::identity::signing::SigningKey;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::archive::Archive;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::projection::SledBackend;
use comity::store::embedded::settings::Settings as StoreSettings;
use comity::telemetry::metrics::Metrics;
use serde_json::json;

use crate::syncs::floor;
use zeroize::Zeroizing;

const LASTING: Duration = Duration::from_secs(3);
const CERTIFICATE: &str = "sha256:4239f1615a9775fd52be4942427ebd2b2938cf68e74ab182227851884ed3faf8";

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn operator() -> Caller {
    Caller::new("local-operator", ["operator"])
}

/// A membership update that is held, for one officer after the other.
fn request(number: u64) -> InterSystemRequest {
    let body = json!({
        "operation": "group-membership-update",
        "direction": "inbound",
        "peer": { "system": "mc.nl.example", "certificate": CERTIFICATE },
        "correlation_id": format!("nl-2026-{number:06}"),
        "requesting_system": "mc.nl.example",
        "receiving_system": "mc.de.example",
        "requester": { "mc_service_id": "sip:control.3@mc.nl.example" },
        "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
        "group": "sip:sonderlage-1@mc.de.example",
        "members": [format!("sip:officer.{number}@mc.nl.example")],
        "change": "add",
        "urgency": "high",
        "justification": "German-speaking officer at the scene"
    });
    parse_request(body.to_string().as_bytes(), WireLimits::default()).unwrap()
}

async fn open(directory: &Path, batch_commands: usize) -> App {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(directory));
    let opened_at: Timestamp = "2026-01-01T00:00:00.000Z".parse().unwrap();
    let mut settings = StoreSettings::new(Arc::new(SledBackend::new(directory)), opened_at);
    settings.batch_commands = batch_commands;
    let origin = Origin::of_system("mc.de.example");
    let foundations = Foundations {
        store: EmbeddedStore::open(Arc::clone(&disk), &settings, &mut |_| {}).unwrap(),
        archive: Archive::open(disk).unwrap(),
        sealing_key: SealingKey::from_bytes([7; 32]),
        signing_key: SigningKey::from_seed(&[7; 32]).unwrap(),
        vault: Vault::new(Zeroizing::new([7; 32]), []).unwrap(),
        metrics: Arc::new(Metrics::new()),
        access_in_force: directory.join("access-bundle"),
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

/// How many batches were ever appended: the anchor counts them.
fn batches(directory: &Path) -> u64 {
    let bytes = std::fs::read(directory.join("anchor")).unwrap();
    let sequence =
        |slot: usize| u64::from_be_bytes(bytes[slot + 16..slot + 24].try_into().unwrap());
    sequence(0).max(sequence(4_096))
}

/// Lets so many clients submit one request after the other; gives how many were answered a second.
async fn submit(app: &App, clients: u64, numbers: &Arc<AtomicU64>) -> f64 {
    let first = numbers.load(Ordering::Relaxed);
    let began = Instant::now();
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let (app, numbers) = (app.clone(), Arc::clone(numbers));
        working.spawn(async move {
            while began.elapsed() < LASTING {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                let key = Some(format!("key-{number}"));
                app.submit(operator(), key, request(number)).await.unwrap();
            }
        });
    }
    working.join_all().await;
    let answered = numbers.load(Ordering::Relaxed) - first;
    f64::from(u32::try_from(answered).unwrap()) / began.elapsed().as_secs_f64()
}

pub(crate) fn print(directory: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!(
        "\n## Service\n\n| clients | commands a batch, at most | requests/s | of them a batch | requests to syncs |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for (clients, batch_commands) in [
        (1, 256),
        (16, 256),
        (64, 256),
        (256, 256),
        (256, 1),
        (256, 16),
    ] {
        let home = directory.join(format!("service-{clients}-{batch_commands}"));
        let app = runtime.block_on(open(&home, batch_commands));
        let numbers = Arc::new(AtomicU64::new(0));
        let (syncs_before, batches_before) = (floor(directory), batches(&home));
        let rate = runtime.block_on(submit(&app, clients, &numbers));
        let written = batches(&home) - batches_before;
        let syncs = f64::midpoint(syncs_before, floor(directory));
        let answered = f64::from(u32::try_from(numbers.load(Ordering::Relaxed)).unwrap());
        let each = answered / f64::from(u32::try_from(written).unwrap());
        println!(
            "| {clients} | {batch_commands} | {rate:.0} | {each:.1} | {:.2} |",
            rate / syncs
        );
        runtime.block_on(app.close());
    }
}
