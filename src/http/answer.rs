//! Answers: JSON, and refusals in the form that FastAPI gives them, which the bug tracker's clients know.
//!
//! ```text
//!   {"detail": "Bug report not found"}
//!   {"detail": [{"type": "missing", "loc": ["body", "title"], "msg": "Field required"}]}      422
//! ```
//! What went wrong inside the server is said in its log and not here.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dictdb_types::{Error, SqlState};
use serde_json::{Value, json};

/// A JSON document with a status.
pub(crate) fn document(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A JSON value with a status.
pub(crate) fn value(status: StatusCode, value: &Value) -> Response {
    document(status, value.to_string())
}

/// A request that is not answered as it wished.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A status and a sentence.
    Plain(StatusCode, String),
    /// 422: what is wrong with which part of the request.
    Invalid(Vec<Fault>),
    /// 429: so many seconds later again.
    TooMany(u64),
    /// 401: a token is wanted.
    Unauthorized,
}

/// One thing wrong with a request.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// Kind of fault, in pydantic's words.
    pub kind: &'static str,
    /// Where: `body` or `query` or `path`, and the field.
    pub place: Vec<String>,
    /// The sentence.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(kind: &'static str, place: &[&str], message: impl Into<String>) -> Fault {
        let place = place.iter().map(|part| (*part).to_owned()).collect();
        Fault { kind, place, message: message.into() }
    }
}

impl Refusal {
    pub(crate) fn not_found() -> Refusal {
        Refusal::Plain(StatusCode::NOT_FOUND, "Not Found".to_owned())
    }

    /// 413.
    pub(crate) fn too_large() -> Refusal {
        Refusal::Plain(StatusCode::PAYLOAD_TOO_LARGE, "The request's body is too large".to_owned())
    }

    /// 503: not now.
    pub(crate) fn unavailable(detail: &str) -> Refusal {
        Refusal::Plain(StatusCode::SERVICE_UNAVAILABLE, detail.to_owned())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Plain(status, detail) => {
                let mut response = value(status, &json!({ "detail": detail }));
                if status == StatusCode::SERVICE_UNAVAILABLE {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                }
                response
            }
            Refusal::Invalid(faults) => {
                let faults: Vec<Value> = faults
                    .iter()
                    .map(|fault| json!({ "type": fault.kind, "loc": fault.place, "msg": fault.message }))
                    .collect();
                value(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "detail": faults }))
            }
            Refusal::TooMany(seconds) => {
                let detail = "Rate limit exceeded";
                let mut response = value(StatusCode::TOO_MANY_REQUESTS, &json!({ "detail": detail }));
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                response
            }
            Refusal::Unauthorized => {
                let mut response = value(StatusCode::UNAUTHORIZED, &json!({ "detail": "Not authenticated" }));
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                response
            }
        }
    }
}

/// What an error of a statement means to who asked over HTTP.
impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        let code = error.code();
        match (code, code.as_str().get(..2).unwrap_or_default()) {
            (SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_OBJECT | SqlState::UNDEFINED_FUNCTION, _) => {
                Refusal::unavailable("The bug tracking schema is not installed (CREATE EXTENSION bug_tracking)")
            }
            // What validation let through and the schema does not: the schema's words are about the client's own values.
            (_, "22" | "23") => Refusal::Invalid(vec![Fault::new("value_error", &["body"], error.message())]),
            (_, "40") => Refusal::unavailable("The request collided with another one"),
            (_, "53") => Refusal::unavailable("The server is at its limits"),
            (SqlState::QUERY_CANCELED, _) => Refusal::unavailable("The request took too long"),
            (_, "57") => Refusal::unavailable("The server is shutting down"),
            _ => {
                tracing::error!(state_code = code.as_str(), "HTTP request failed: {}", error.message());
                Refusal::unavailable("The request could not be answered")
            }
        }
    }
}
