//! Counters and gauges in the `OpenMetrics` text format.

use std::sync::atomic::AtomicU64;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// What was decided, on which side, how.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DecisionLabels {
    /// The operation.
    pub operation: &'static str,
    /// The direction.
    pub direction: &'static str,
    /// The outcome.
    pub outcome: &'static str,
}

/// What was requested over HTTP, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HttpLabels {
    /// The method.
    pub method: String,
    /// The matched route, never the path.
    pub route: String,
    /// The status.
    pub status: u16,
}

/// Which of the two bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BundleKind {
    /// The one that decides on inter-system requests.
    Policies,
    /// The one that decides who may call this service.
    Access,
    /// The one that follows what is decided, and decides nothing.
    Shadow,
}

/// A bundle as a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BundleLabels {
    bundle: &'static str,
}

/// What came out, and what would under the shadow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShadowLabels {
    from: &'static str,
    to: &'static str,
}

impl From<BundleKind> for BundleLabels {
    fn from(kind: BundleKind) -> Self {
        let bundle = match kind {
            BundleKind::Policies => "policies",
            BundleKind::Access => "access",
            BundleKind::Shadow => "shadow",
        };
        Self { bundle }
    }
}

/// What is measured only when somebody asks.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Whether requests can be decided and recorded.
    pub ready: bool,
    /// Commands that wait to be sequenced.
    pub queued_commands: u64,
    /// Entries of the log that are applied.
    pub applied_entries: u64,
    /// Entries of the log that the projection holds.
    pub projected_entries: u64,
    /// Whether the projection is whole.
    pub projection_whole: bool,
    /// Migrations that are to be decided again.
    pub migrations_to_decide_again: u64,
    /// Whether the clock has not just jumped.
    pub clock_settled: bool,
    /// Obligations of which nothing was reported.
    pub obligations_open: u64,
    /// Obligations that could not be done.
    pub obligations_failed: u64,
    /// Obligations of which nothing was reported in time.
    pub obligations_overdue: u64,
}

type Number = Gauge<u64, AtomicU64>;
type Real = Gauge<f64, AtomicU64>;

const SECONDS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
];

/// The service's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    start: Instant,
    decided_items: Family<DecisionLabels, Counter>,
    requests: Family<HttpLabels, Counter>,
    request_seconds: Histogram,
    commit_seconds: Histogram,
    shadow_decisions: Counter,
    shadow_changed_items: Family<ShadowLabels, Counter>,
    generation: Number,
    refused_publications: Family<BundleLabels, Counter>,
    attempted_at: Family<BundleLabels, Real>,
    attempt_succeeded: Family<BundleLabels, Number>,
    ready: Number,
    queued_commands: Number,
    applied_entries: Number,
    projected_entries: Number,
    projection_whole: Number,
    migrations_to_decide_again: Number,
    clock_settled: Number,
    obligations_open: Number,
    obligations_failed: Number,
    obligations_overdue: Number,
    uptime_seconds: Real,
    resident_memory_bytes: Number,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that have counted nothing.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("comity"),
            start: Instant::now(),
            decided_items: Family::default(),
            requests: Family::default(),
            request_seconds: Histogram::new(SECONDS),
            commit_seconds: Histogram::new(SECONDS),
            shadow_decisions: Counter::default(),
            shadow_changed_items: Family::default(),
            generation: Gauge::default(),
            refused_publications: Family::default(),
            attempted_at: Family::default(),
            attempt_succeeded: Family::default(),
            ready: Gauge::default(),
            queued_commands: Gauge::default(),
            applied_entries: Gauge::default(),
            projected_entries: Gauge::default(),
            projection_whole: Gauge::default(),
            migrations_to_decide_again: Gauge::default(),
            clock_settled: Gauge::default(),
            obligations_open: Gauge::default(),
            obligations_failed: Gauge::default(),
            obligations_overdue: Gauge::default(),
            uptime_seconds: Gauge::default(),
            resident_memory_bytes: Gauge::default(),
        };
        metrics.register_counted();
        metrics.register_measured();
        metrics.register_obligations();
        metrics
    }

    fn register_counted(&mut self) {
        let registry = &mut self.registry;
        registry.register("decided_items", "Items decided", self.decided_items.clone());
        registry.register(
            "http_requests",
            "HTTP requests answered",
            self.requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "Time to answer an HTTP request",
            self.request_seconds.clone(),
        );
        registry.register(
            "commit_seconds",
            "Time until a command is durable and applied",
            self.commit_seconds.clone(),
        );
        registry.register(
            "shadow_decisions",
            "Requests that the shadow decided too",
            self.shadow_decisions.clone(),
        );
        registry.register(
            "shadow_changed_items",
            "Items that would have come out otherwise under the shadow",
            self.shadow_changed_items.clone(),
        );
        registry.register(
            "refused_publications",
            "Bundles that did not pass the gate",
            self.refused_publications.clone(),
        );
        registry.register(
            "publication_attempt_timestamp_seconds",
            "When a bundle was last read",
            self.attempted_at.clone(),
        );
        registry.register(
            "publication_attempt_succeeded",
            "Whether the bundle that was last read is in force",
            self.attempt_succeeded.clone(),
        );
        registry.register(
            "bundle_generation",
            "Generation of the bundle in force",
            self.generation.clone(),
        );
    }

    fn register_obligations(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "clock_settled",
            "Whether the wall clock has not just jumped; while it has, nothing expires",
            self.clock_settled.clone(),
        );
        registry.register(
            "obligations_open",
            "Obligations of which nothing was reported",
            self.obligations_open.clone(),
        );
        registry.register(
            "obligations_failed",
            "Obligations that could not be done",
            self.obligations_failed.clone(),
        );
        registry.register(
            "obligations_overdue",
            "Obligations of which nothing was reported in time",
            self.obligations_overdue.clone(),
        );
    }

    fn register_measured(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "ready",
            "Whether requests can be decided and recorded",
            self.ready.clone(),
        );
        registry.register(
            "queued_commands",
            "Commands that wait to be sequenced",
            self.queued_commands.clone(),
        );
        registry.register(
            "applied_entries",
            "Entries of the log that are applied",
            self.applied_entries.clone(),
        );
        registry.register(
            "projected_entries",
            "Entries of the log that the projection holds",
            self.projected_entries.clone(),
        );
        registry.register(
            "projection_whole",
            "Whether the projection is whole",
            self.projection_whole.clone(),
        );
        registry.register(
            "migrations_to_decide_again",
            "Services of visitors that are to be decided again, with their homes",
            self.migrations_to_decide_again.clone(),
        );
        registry.register(
            "uptime_seconds",
            "Time since the service started",
            self.uptime_seconds.clone(),
        );
        registry.register(
            "resident_memory_bytes",
            "Memory that the process holds",
            self.resident_memory_bytes.clone(),
        );
    }

    /// Counts a decided item.
    pub fn decided(&self, labels: &DecisionLabels) {
        self.decided_items.get_or_create(labels).inc();
    }

    /// Counts an answered HTTP request.
    pub fn answered(&self, labels: &HttpLabels, seconds: f64) {
        self.requests.get_or_create(labels).inc();
        self.request_seconds.observe(seconds);
    }

    /// Notes how long a command took.
    pub fn committed(&self, seconds: f64) {
        self.commit_seconds.observe(seconds);
    }

    /// Counts requests that the shadow decided too.
    pub fn shadow_decided(&self, requests: u64) {
        self.shadow_decisions.inc_by(requests);
    }

    /// Counts items that came out so, and would have come out so under the shadow.
    pub fn shadowed(&self, from: &'static str, to: &'static str, items: u64) {
        let labels = ShadowLabels { from, to };
        let changed = self.shadow_changed_items.get_or_create(&labels);
        changed.inc_by(items);
    }

    /// Notes the bundle in force.
    pub fn published(&self, generation: u64) {
        self.generation.set(generation);
    }

    /// Notes that a bundle was read, when, and whether it passed.
    pub fn publication_attempted(&self, kind: BundleKind, at_milliseconds: i64, succeeded: bool) {
        let labels = BundleLabels::from(kind);
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds of this age are exact in 53 bits"
        )]
        let seconds = at_milliseconds as f64 / 1_000.0;
        self.attempted_at.get_or_create(&labels).set(seconds);
        self.attempt_succeeded
            .get_or_create(&labels)
            .set(u64::from(succeeded));
        let refused = self.refused_publications.get_or_create(&labels);
        refused.inc_by(u64::from(!succeeded));
    }

    /// Takes over what is measured only when somebody asks.
    pub fn measured(&self, measured: &Measured) {
        self.ready.set(u64::from(measured.ready));
        self.queued_commands.set(measured.queued_commands);
        self.applied_entries.set(measured.applied_entries);
        self.projection_whole
            .set(u64::from(measured.projection_whole));
        self.migrations_to_decide_again
            .set(measured.migrations_to_decide_again);
        self.clock_settled.set(u64::from(measured.clock_settled));
        self.obligations_open.set(measured.obligations_open);
        self.obligations_failed.set(measured.obligations_failed);
        self.obligations_overdue.set(measured.obligations_overdue);
        self.uptime_seconds.set(self.start.elapsed().as_secs_f64());
        if let Some(bytes) = resident_memory_bytes() {
            self.resident_memory_bytes.set(bytes);
        }
    }

    /// All of it as text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

/// What Linux says that the process holds; elsewhere it is not known.
fn resident_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::DecisionLabels;
    use super::Metrics;

    #[test]
    fn what_was_counted_is_in_the_text() {
        let metrics = Metrics::new();
        let labels = DecisionLabels {
            operation: "affiliation",
            direction: "inbound",
            outcome: "accept",
        };
        metrics.decided(&labels);
        metrics.decided(&labels);
        let text = metrics.encode();
        assert!(text.contains("comity_decided_items_total{operation=\"affiliation\",direction=\"inbound\",outcome=\"accept\"} 2"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
