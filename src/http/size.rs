//! Who asks before it sends a body (`Expect: 100-continue`) is told at once that it is too large. Of others as much is read as may be taken.

use std::sync::Arc;

use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::State;
use crate::answer::Refusal;

/// Lets a request pass, unless it asks in vain.
pub(crate) async fn limit(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    if asked_for(request.headers()).is_none_or(|bytes| bytes <= state.options.body_bytes as u64) {
        return next.run(request).await;
    }
    let mut response = Refusal::too_large().into_response();
    // What the client sends nevertheless is not to be taken for its next request.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// How large a body the client asks for.
fn asked_for(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::EXPECT)?;
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
