//! HTTP requests as metrics: counted when they are answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Label, with_local_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

/// How often recorded values are sorted into their buckets.
pub(crate) const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 75.0];
const BYTES: &[f64] = &[100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0];

/// One answered request.
pub(crate) struct Request {
    pub method: &'static str,
    /// The pattern of its path.
    pub endpoint: String,
    pub status: u16,
    pub seconds: f64,
    pub request_bytes: u64,
    pub response_bytes: u64,
}

/// Counts requests.
pub(crate) struct RequestMeter {
    recorder: PrometheusRecorder,
    requests: AtomicU64,
    errors: AtomicU64,
}

impl RequestMeter {
    pub(crate) fn new() -> RequestMeter {
        let builder = with_buckets(PrometheusBuilder::new(), "_seconds", SECONDS);
        let recorder = with_buckets(builder, "_bytes", BYTES).build_recorder();
        with_local_recorder(&recorder, || {
            metrics::describe_counter!("http_requests_total", "HTTP requests that were answered.");
            metrics::describe_histogram!("http_request_duration_seconds", "Time to answer HTTP requests.");
            metrics::describe_histogram!("http_request_size_bytes", "Sizes of the bodies of HTTP requests.");
            metrics::describe_histogram!("http_response_size_bytes", "Sizes of the bodies of HTTP answers.");
        });
        RequestMeter { recorder, requests: AtomicU64::new(0), errors: AtomicU64::new(0) }
    }

    pub(crate) fn count(&self, request: &Request) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if request.status >= 500 {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        let place = vec![Label::new("method", request.method), Label::new("endpoint", request.endpoint.clone())];
        let mut outcome = place.clone();
        outcome.push(Label::new("status", request.status.to_string()));
        with_local_recorder(&self.recorder, || {
            metrics::counter!("http_requests_total", outcome).increment(1);
            metrics::histogram!("http_request_duration_seconds", place).record(request.seconds);
            metrics::histogram!("http_request_size_bytes").record(request.request_bytes as f64);
            metrics::histogram!("http_response_size_bytes").record(request.response_bytes as f64);
        });
    }

    /// Requests that were answered, and how many of them with a server's error.
    pub(crate) fn requests_and_errors(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.errors.load(Ordering::Relaxed))
    }

    pub(crate) fn render(&self) -> String {
        self.recorder.handle().render()
    }

    pub(crate) fn keep_up(&self) {
        self.recorder.handle().run_upkeep();
    }
}

/// Counts what ends so in these buckets.
fn with_buckets(builder: PrometheusBuilder, suffix: &str, buckets: &[f64]) -> PrometheusBuilder {
    // Only an empty list of buckets is refused.
    builder.set_buckets_for_metric(Matcher::Suffix(suffix.to_owned()), buckets).unwrap_or_default()
}
