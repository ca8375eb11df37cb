//! Counters and gauges in the `OpenMetrics` text format.

use std::sync::atomic::AtomicU64;

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

const SECONDS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
];

/// The service's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    decided_items: Family<DecisionLabels, Counter>,
    requests: Family<HttpLabels, Counter>,
    request_seconds: Histogram,
    commit_seconds: Histogram,
    generation: Gauge<u64, AtomicU64>,
    refused_publications: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that have counted nothing.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("comity");
        let decided_items = Family::default();
        registry.register("decided_items", "Items decided", decided_items.clone());
        let requests = Family::default();
        registry.register("http_requests", "HTTP requests answered", requests.clone());
        let request_seconds = Histogram::new(SECONDS);
        registry.register(
            "http_request_seconds",
            "Time to answer an HTTP request",
            request_seconds.clone(),
        );
        let commit_seconds = Histogram::new(SECONDS);
        registry.register(
            "commit_seconds",
            "Time until a command is durable and applied",
            commit_seconds.clone(),
        );
        let generation = Gauge::default();
        registry.register(
            "bundle_generation",
            "Generation of the bundle in force",
            generation.clone(),
        );
        let refused_publications = Counter::default();
        registry.register(
            "refused_publications",
            "Bundles that did not pass the gate",
            refused_publications.clone(),
        );
        Self {
            registry,
            decided_items,
            requests,
            request_seconds,
            commit_seconds,
            generation,
            refused_publications,
        }
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

    /// Notes the bundle in force.
    pub fn published(&self, generation: u64) {
        self.generation.set(generation);
    }

    /// Counts a bundle that did not pass.
    pub fn publication_refused(&self) {
        self.refused_publications.inc();
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
