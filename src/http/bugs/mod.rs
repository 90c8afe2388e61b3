//! The bug tracker over HTTP: `/api/bugs/…` on the tables of `sql/bug_tracking_schema.sql`.
//!
//! ```text
//!   body, query, path ─► fields (what may stand in them; the OpenAPI description is made from the same tables)
//!                    ─► statements (SQL with parameters: JSON in, JSON out) ─► answer
//! ```
//! JSON's names are camelCase; the statements are the only place where they meet the columns.

pub(crate) mod fields;
mod input;
mod statements;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::Value;

use crate::State;
use crate::answer::{Refusal, document};
use crate::sql::Statement;
use fields::{ATTACHMENT, CHANGES, COMMENT, Field, LISTING, REPORT, TRENDS};
use input::{body, id, query};

type Answer = Result<Response, Refusal>;

/// The paths.
pub(crate) fn routes() -> Router<Arc<State>> {
    let mut routes = Router::new();
    for path in ["/api/bugs", "/api/bugs/"] {
        routes = routes.route(path, get(list).post(create));
    }
    routes
        .route("/api/bugs/{id}", get(show).patch(change))
        .route("/api/bugs/{id}/comments", post(comment))
        .route("/api/bugs/{id}/attachments", post(attach))
        .route("/api/bugs/metrics/summary", get(summary))
        .route("/api/bugs/metrics/trends", get(trends))
}

/// `GET /api/bugs/`: the newest first.
async fn list(Extract(state): Extract<Arc<State>>, RawQuery(text): RawQuery) -> Answer {
    let query = query(text.as_deref(), LISTING)?;
    let params = ["status", "severity", "category", "skip", "limit"].map(|name| query.get(name).map(String::as_str));
    found(state.ask(Statement { text: statements::LIST, params: &params }).await?)
}

/// `POST /api/bugs/`.
async fn create(Extract(state): Extract<Arc<State>>, headers: HeaderMap, bytes: Body) -> Answer {
    let report = body(&headers, bytes, REPORT)?.to_string();
    let answer = state.ask(Statement { text: statements::CREATE, params: &[Some(&report)] }).await?;
    let location = answer.as_deref().and_then(location);
    let mut response = made(answer)?;
    response.headers_mut().extend(location.map(|location| (header::LOCATION, location)));
    Ok(response)
}

/// `GET /api/bugs/{id}`: with comments and attachments.
async fn show(Extract(state): Extract<Arc<State>>, Path(path): Path<String>) -> Answer {
    let id = id(&path)?;
    found(state.ask(Statement { text: statements::SHOW, params: &[Some(&id)] }).await?)
}

/// `PATCH /api/bugs/{id}`: what is named is changed, what is not named stays.
async fn change(request: About) -> Answer {
    found(about(request, CHANGES, statements::CHANGE).await?)
}

/// `POST /api/bugs/{id}/comments`.
async fn comment(request: About) -> Answer {
    made(about(request, COMMENT, statements::ADD_COMMENT).await?)
}

/// `POST /api/bugs/{id}/attachments`.
async fn attach(request: About) -> Answer {
    made(about(request, ATTACHMENT, statements::ADD_ATTACHMENT).await?)
}

/// A request that says something about one report.
type About = (Extract<Arc<State>>, Path<String>, HeaderMap, Body);

/// Runs the statement of such a request over the report's number and what the body says in `fields`.
async fn about(
    (Extract(state), Path(path), headers, bytes): About,
    fields: &'static [Field],
    text: &'static str,
) -> Result<Option<String>, Refusal> {
    let id = id(&path)?;
    let said = body(&headers, bytes, fields)?.to_string();
    state.ask(Statement { text, params: &[Some(&id), Some(&said)] }).await
}

/// `GET /api/bugs/metrics/summary`.
async fn summary(Extract(state): Extract<Arc<State>>) -> Answer {
    found(state.ask(Statement { text: statements::SUMMARY, params: &[] }).await?)
}

/// `GET /api/bugs/metrics/trends?days=30`.
async fn trends(Extract(state): Extract<Arc<State>>, RawQuery(text): RawQuery) -> Answer {
    let query = query(text.as_deref(), TRENDS)?;
    let days = query.get("days").map(String::as_str);
    found(state.ask(Statement { text: statements::TRENDS, params: &[days] }).await?)
}

/// A body as far as it could be read: too long, or broken off.
type Body = Result<Bytes, axum::extract::rejection::BytesRejection>;

fn found(answer: Option<String>) -> Answer {
    match answer {
        Some(json) => Ok(document(StatusCode::OK, json)),
        None => Err(Refusal::Plain(StatusCode::NOT_FOUND, "Bug report not found".to_owned())),
    }
}

/// Likewise for what a request has made.
fn made(answer: Option<String>) -> Answer {
    let mut response = found(answer)?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Where a new report is.
fn location(made: &str) -> Option<HeaderValue> {
    let made: Value = serde_json::from_str(made).ok()?;
    HeaderValue::from_str(&format!("/api/bugs/{}", made.get("id")?.as_str()?)).ok()
}
