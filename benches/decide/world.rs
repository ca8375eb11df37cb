//! The example registries, the shipped bundle, and requests against them.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use comity::cli::registry::read_documents;
use comity::decision::decide::ItemDecision;
use comity::decision::decide::decide;
use comity::decision::engine::Engine;
use comity::decision::facts::gather;
use comity::domain::document::Document;
use comity::domain::identity::McSystemId;
use comity::domain::request::InterSystemRequest;
use comity::domain::time::Timestamp;
use comity::domain::wire::WireLimits;
use comity::domain::wire::read_request;
use comity::policy::bundle::Bundle;
use comity::policy::source::BundleSource;
use comity::store::state::State;
use serde_json::Value;
use serde_json::json;

/// The certificate by which the German registry knows the Dutch system, and the other way round.
pub(crate) const DUTCH_CERTIFICATE: &str =
    "sha256:4239f1615a9775fd52be4942427ebd2b2938cf68e74ab182227851884ed3faf8";
const GERMAN_CERTIFICATE: &str =
    "sha256:750a4f6e1a8cc219c0d19387d4dc23f086938adb84d960217d9ae5b633684e68";

/// What decides, and on what.
pub(crate) struct World {
    pub(crate) local: McSystemId,
    pub(crate) state: State,
}

impl World {
    /// One system with its example registry.
    pub(crate) fn example(country: &str) -> Self {
        Self {
            local: format!("mc.{country}.example").parse().unwrap(),
            state: State::of_documents(documents(country)).unwrap(),
        }
    }

    /// The whole path from a parsed request to its outcome.
    pub(crate) fn decide(
        &self,
        engine: &Engine,
        request: &InterSystemRequest,
    ) -> Vec<ItemDecision> {
        let (facts, _read_set) = gather(&self.local, request, &self.state, now());
        decide(engine, request, &facts, now())
    }
}

/// A moment at which the agreements of the examples are in force.
pub(crate) fn now() -> Timestamp {
    // 2026-06-01T12:00:00Z, not parsed, because that would be measured.
    Timestamp::from_milliseconds(1_780_315_200_000)
}

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn documents(country: &str) -> Vec<Document> {
    let root = package("examples/registry").join(country);
    let documents = read_documents(&root).unwrap();
    documents
        .into_iter()
        .map(|(_, document)| document)
        .collect()
}

pub(crate) fn shipped() -> BundleSource {
    BundleSource::read(&package("policies")).unwrap()
}

/// The manifest of bundles that have not all of the shipped policies.
pub(crate) const SMALL_MANIFEST: &str =
    "name = \"small\"\nschema = \"mcx.cedarschema\"\nlevel = 1\ndefault_expiry = \"PT4H\"\n";

/// The shipped schema with these policies.
pub(crate) fn engine(manifest: &str, files: impl IntoIterator<Item = (String, String)>) -> Engine {
    let shipped = shipped();
    let source = BundleSource::from_texts(manifest, "mcx.cedarschema", shipped.schema(), files);
    Engine::new(Arc::new(compile(&source)))
}

/// A bundle that must be good.
pub(crate) fn compile(source: &BundleSource) -> Bundle {
    Bundle::compile(source).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

fn read(request: &Value) -> InterSystemRequest {
    read_request(request, WireLimits::default()).unwrap()
}

/// The Dutch officer asks for a German group: seed 000, as the German system is asked.
pub(crate) fn inbound_membership(organisation: Option<&str>, group: &str) -> InterSystemRequest {
    let mut request = json!({
        "operation": "group-membership-update", "direction": "inbound",
        "correlation_id": "nl-2026-000917",
        "peer": { "system": "mc.nl.example", "certificate": DUTCH_CERTIFICATE },
        "requesting_system": "mc.nl.example", "receiving_system": "mc.de.example",
        "requester": { "mc_service_id": "sip:control.3@mc.nl.example" },
        "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
        "group": group,
        "members": ["sip:officer.114@mc.nl.example"], "change": "add",
        "urgency": "high", "justification": "German-speaking officer at the scene"
    });
    if let Some(organisation) = organisation {
        request["requester"]["organisation"] = json!(organisation);
    }
    read(&request)
}

/// One of our users proposes another for a German group.
pub(crate) fn outbound_membership(requester: &str, member: &str) -> InterSystemRequest {
    read(&json!({
        "operation": "group-membership-update", "direction": "outbound",
        "correlation_id": "nl-2026-000917",
        "requesting_system": "mc.nl.example", "receiving_system": "mc.de.example",
        "requester": { "mc_service_id": requester },
        "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
        "group": "sip:unfall-07@mc.de.example",
        "members": [member], "change": "add"
    }))
}

/// The German system asks whether the migration of one of our users stands.
pub(crate) fn home_consent(user: &str) -> InterSystemRequest {
    read(&json!({
        "operation": "migration-service-authorization", "direction": "home-consent",
        "correlation_id": "de-2026-000311",
        "peer": { "system": "mc.de.example", "certificate": GERMAN_CERTIFICATE },
        "requesting_system": "mc.de.example", "receiving_system": "mc.nl.example",
        "user": user, "services": ["mcptt"]
    }))
}
