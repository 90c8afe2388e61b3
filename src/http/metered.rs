//! Every request is counted, with its path's pattern, its status, its duration and sizes.

use std::sync::Arc;
use std::time::Instant;

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State as Extract};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::State;
use crate::metrics::Request as Counted;

/// Lets a request pass and counts it.
pub(crate) async fn count(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = method_name(request.method());
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let request_bytes = length.and_then(|text| text.parse().ok()).unwrap_or(0);
    let endpoint = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    state.meter.count(&Counted {
        method,
        endpoint: endpoint.unwrap_or_else(|| "unmatched".to_owned()),
        status: response.status().as_u16(),
        seconds: begun.elapsed().as_secs_f64(),
        request_bytes,
        response_bytes: response.body().size_hint().lower(),
    });
    response
}

/// Methods are few, so that nobody can make more and more series.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
