//! Health: is the process there, has it started, does it take work, and how is it altogether.
//!
//! | path | asks | 503 when |
//! |---|---|---|
//! | `/health/live` | does the process answer | never |
//! | `/health/startup` | has the data directory been read | not yet |
//! | `/health/ready`, `/ready` | may work be sent | starting, draining, the database does not answer |
//! | `/health` | everything, in detail | the same |

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::Response;
use dictdb_session::Instance;
use dictdb_session::observation::{BreakerState, Observation};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::answer::value;
use crate::{Phase, State};

/// How long the result of a look at the database is good.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long the database may take to answer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// Share of `max_connections` or `max_memory` from which on the server is called degraded.
const HIGH_PERCENT: u64 = 95;

/// The last look at the database.
#[derive(Default)]
pub(crate) struct Check {
    last: Mutex<Option<Checked>>,
}

#[derive(Clone)]
struct Checked {
    at: Instant,
    time: Timestamp,
    answers: bool,
}

impl State {
    /// Whether the database answers a query, asked at most once a second.
    async fn check(&self, instance: &Arc<Instance>) -> Checked {
        let mut last = self.health.last.lock().await;
        if let Some(checked) = last.as_ref().filter(|checked| checked.at.elapsed() < CHECK_INTERVAL) {
            return checked.clone();
        }
        let answers = match tokio::time::timeout(CHECK_TIMEOUT, self.probe(instance)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!("health check failed: {}", error.message());
                false
            }
            Err(_) => {
                tracing::warn!("health check failed: no answer within {} s", CHECK_TIMEOUT.as_secs());
                false
            }
        };
        let checked = Checked { at: Instant::now(), time: Timestamp::now(), answers };
        *last = Some(checked.clone());
        checked
    }
}

/// `/health/live`: the process answers. Nothing else is looked at.
pub(crate) async fn live(Extract(state): Extract<Arc<State>>) -> Response {
    value(StatusCode::OK, &json!({ "status": "alive", "uptime": state.lifecycle.uptime().as_secs() }))
}

/// `/health/startup`.
pub(crate) async fn startup(Extract(state): Extract<Arc<State>>) -> Response {
    let duration = rounded(state.lifecycle.start_duration().as_secs_f64());
    match state.lifecycle.phase() {
        Phase::Starting => {
            let recovery = state.lifecycle.recovery().status();
            let progress = json!({
                "phase": recovery.phase.name(),
                "progress": rounded(recovery.progress()),
                "records": recovery.records,
                "lsn": recovery.end_lsn.to_string(),
            });
            let answer = json!({ "status": "starting", "duration": duration, "recovery": progress });
            value(StatusCode::SERVICE_UNAVAILABLE, &answer)
        }
        _ => value(StatusCode::OK, &json!({ "status": "started", "duration": duration })),
    }
}

/// `/health/ready` and `/ready`.
pub(crate) async fn ready(Extract(state): Extract<Arc<State>>) -> Response {
    let database = match (state.lifecycle.phase(), state.lifecycle.instance()) {
        (Phase::Ready, Some(instance)) => state.check(instance).await.answers,
        _ => false,
    };
    let status = match state.lifecycle.phase() {
        Phase::Starting => "starting",
        Phase::Draining => "draining",
        Phase::Ready if database => "ready",
        Phase::Ready => "not ready",
    };
    let ready = status == "ready";
    let components = json!({ "database": database, "cache": state.lifecycle.instance().is_some() });
    let answer = json!({ "status": status, "ready": ready, "components": components });
    value(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &answer)
}

/// `/health`.
pub(crate) async fn overall(Extract(state): Extract<Arc<State>>) -> Response {
    let (requests, errors) = state.meter.requests_and_errors();
    let mut last_check = Value::Null;
    let mut components = Map::new();
    let database = match (state.lifecycle.phase(), state.lifecycle.instance()) {
        (Phase::Starting, _) | (_, None) => "starting",
        (Phase::Draining, _) => "draining",
        (Phase::Ready, Some(instance)) => {
            let checked = state.check(instance).await;
            last_check = Value::String(time(checked.time.as_microsecond()));
            components = parts(&instance.observe());
            if checked.answers { "healthy" } else { "unhealthy" }
        }
    };
    components.insert("database".to_owned(), json!({ "status": database }));
    let degraded = components.values().any(|part| part["status"] == "degraded");
    let status = match database {
        "healthy" if degraded => "degraded",
        other => other,
    };
    let rate = if requests == 0 { 0.0 } else { errors as f64 * 100.0 / requests as f64 };
    let answer = json!({
        "status": status,
        "uptime_seconds": rounded(state.lifecycle.uptime().as_secs_f64()),
        "requests": requests,
        "errors": errors,
        "error_rate": format!("{rate:.2}%"),
        "database": database,
        "last_db_check": last_check,
        "timestamp": time(Timestamp::now().as_microsecond()),
        "components": components,
    });
    let serves = matches!(status, "healthy" | "degraded");
    value(if serves { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &answer)
}

/// The parts of a server that may be in trouble while it still answers.
fn parts(observation: &Observation) -> Map<String, Value> {
    let mut parts = Map::new();
    let mut put = |name: &str, degraded: bool, details: Value| {
        let mut part = json!({ "status": if degraded { "degraded" } else { "healthy" } });
        if let (Some(part), Value::Object(details)) = (part.as_object_mut(), details) {
            part.extend(details);
        }
        parts.insert(name.to_owned(), part);
    };
    let (sessions, memory) = (&observation.sessions, &observation.memory);
    let details = json!({ "used": sessions.count(), "limit": sessions.limit });
    put("connections", is_high(sessions.count(), sessions.limit), details);
    let details = json!({ "used_bytes": memory.reserved_bytes, "limit_bytes": memory.limit_bytes });
    put("memory", is_high(memory.reserved_bytes, memory.limit_bytes), details);
    if let Some(log) = &observation.log {
        put("wal", log.failure.is_some(), json!({ "failed": log.failure.is_some() }));
    }
    let backups = &observation.backups;
    let details = json!({
        "consecutive_failures": backups.consecutive_failures,
        "deltas_since_full": backups.deltas_since_full,
        "last_success": backups.last_success_micros.map(time),
        "running": backups.is_running,
        "periodic": backups.is_periodic,
    });
    put("backup", backups.consecutive_failures > 0, details);
    let is_closed = |(_, state): &(&str, BreakerState)| *state == BreakerState::Closed;
    let states = observation.breakers.iter().map(|(name, state)| ((*name).to_owned(), Value::from(state.name())));
    put("circuit_breakers", !observation.breakers.iter().all(is_closed), Value::Object(states.collect()));
    put("cache", false, json!({ "statements": observation.cached_plans }));
    parts
}

/// To the microsecond, which is what clients can read.
fn time(micros: i64) -> String {
    Timestamp::from_microsecond(micros).unwrap_or_default().to_string()
}

fn is_high(used: u64, limit: u64) -> bool {
    limit > 0 && used.saturating_mul(100) >= limit.saturating_mul(HIGH_PERCENT)
}

/// Milliseconds are exact enough.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
