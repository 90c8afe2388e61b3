//! `/metrics`: the text that Prometheus reads.
//!
//! ```text
//!   requests  ─► RequestMeter (a recorder that lives as long as the server)  ─┐
//!   sessions' cells, log, memory ─► readings (a recorder made for the scrape) ─┼─► one text
//!   durations, counted in buckets ─► histograms                               ─┤
//!   dictdb.metric_queries ─► queries                                          ─┘
//! ```
//! Recorders and their text are `metrics-exporter-prometheus`'s. It takes no buckets that were counted elsewhere and no counters with
//! fractions, so that such histograms and what queries find are written here.

mod family;
mod histogram;
mod names;
mod process;
mod queries;
mod readings;
mod requests;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Extract;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::{Phase, State};
pub(crate) use requests::{Request, RequestMeter, UPKEEP_INTERVAL};

/// The format of the text.
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// `/metrics`.
pub(crate) async fn show(Extract(state): Extract<Arc<State>>) -> Response {
    let mut text = state.meter.render();
    let observation = state.lifecycle.instance().map(|instance| instance.observe());
    text.push_str(&readings::render(&state.lifecycle, observation.as_ref()));
    if let Some(observation) = &observation {
        histogram::write(observation, &mut text);
    }
    // A server that ends lets no more queries in.
    if let Some(instance) = state.lifecycle.instance().filter(|_| state.lifecycle.phase() == Phase::Ready) {
        text.push_str(&queries::render(&state, instance).await);
    }
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}
