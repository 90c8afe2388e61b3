//! No answer takes for ever: after the limit it is 503.

use std::sync::Arc;

use axum::extract::{Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::State;
use crate::answer::Refusal;

/// Lets a request pass, and answers in its place when it takes too long.
pub(crate) async fn limit(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(state.options.timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::unavailable("The request took too long").into_response(),
    }
}
