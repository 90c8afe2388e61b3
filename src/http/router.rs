//! Which path leads where, and what every request passes on its way.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::answer::Refusal;
use crate::{State, access, bugs, deadline, docs, health, metered, metrics, openapi, origin, rate, size, sockets};

/// The whole interface.
pub(crate) fn make(state: Arc<State>) -> Router {
    let sockets = sockets::routes().layer(from_fn_with_state(state.clone(), sockets::check_origin));
    let api = bugs::routes()
        .merge(sockets)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(state.clone(), rate::limit))
        .layer(from_fn_with_state(state.clone(), access::check));
    Router::new()
        .route("/health", get(health::overall))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/ready", get(health::ready))
        .route("/health/startup", get(health::startup))
        .route("/metrics", get(metrics::show))
        .route("/openapi.json", get(openapi::show))
        .route("/docs", get(docs::show))
        .method_not_allowed_fallback(method_not_allowed)
        .merge(api)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(state.options.body_bytes))
        .layer(from_fn_with_state(state.clone(), size::limit))
        .layer(from_fn_with_state(state.clone(), deadline::limit))
        .layer(from_fn_with_state(state.clone(), origin::allow))
        .layer(from_fn_with_state(state.clone(), metered::count))
        .with_state(state)
}

async fn not_found() -> Response {
    Refusal::not_found().into_response()
}

async fn method_not_allowed() -> Response {
    Refusal::Plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed".to_owned()).into_response()
}
