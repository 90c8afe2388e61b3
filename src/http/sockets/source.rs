//! What a WebSocket tells of.

use std::sync::Arc;

use axum::http::StatusCode;
use dictdb_session::feed::{Changes, End, Notices};
use dictdb_types::{Error, Oid, SqlState};
use serde_json::{Value, json};

use crate::State;
use crate::answer::{Fault, Refusal};
use crate::sql::Statement;

/// Where messages come from.
pub(super) enum Source {
    /// Committed changes of a table.
    Changes(Box<Changes>),
    /// Notifications of a channel.
    Notices(Box<Notices>),
}

impl Source {
    /// Whether messages wait to be told.
    pub(super) fn has_more(&self) -> bool {
        match self {
            Source::Changes(changes) => changes.has_more(),
            Source::Notices(notices) => notices.has_more(),
        }
    }

    /// The next messages. May be given up at any time without losing one.
    pub(super) async fn next(&mut self) -> Result<Arc<[Arc<str>]>, End> {
        match self {
            Source::Changes(changes) => changes.next().await,
            Source::Notices(notices) => notices.next().await.map(|notification| {
                let message = json!({
                    "channel": *notification.channel,
                    "payload": *notification.payload,
                    "pid": notification.sender,
                });
                Arc::from([message.to_string().into()])
            }),
        }
    }
}

const FIND: &str = "SELECT json_build_array(oid::bigint, relkind, has_table_privilege(oid, 'SELECT'), \
                    row_security_active(oid))::text FROM pg_class WHERE oid = to_regclass($1)";

/// The table of that name, as `/api`'s role knows it. 404, 403 without SELECT on all of it, 422 for what is no table; what
/// [`refused`] says of the database.
pub(super) async fn find_table(state: &State, database: &Arc<str>, name: &str) -> Result<Oid, Refusal> {
    let found = state.try_ask(database, Statement { text: FIND, params: &[Some(name)] }).await?;
    let found = found.map_err(|error| match error.code() {
        // Names that are none, or that name another database.
        SqlState::INVALID_NAME | SqlState::SYNTAX_ERROR | SqlState::FEATURE_NOT_SUPPORTED => {
            Refusal::Invalid(vec![Fault::new("value_error", &["query", "table"], error.message())])
        }
        _ => refused(error),
    })?;
    let refuse = |status, detail: String| Err(Refusal::Plain(status, detail));
    let found: Option<Value> = found.and_then(|found| serde_json::from_str(&found).ok());
    let Some(found) = found else {
        return refuse(StatusCode::NOT_FOUND, format!("Table {name} does not exist"));
    };
    if found[2] != true || found[3] == true {
        return refuse(StatusCode::FORBIDDEN, format!("Permission denied for table {name}"));
    }
    match (found[1].as_str(), found[0].as_u64().and_then(|oid| u32::try_from(oid).ok())) {
        (Some("r"), Some(oid)) => Ok(Oid(oid)),
        (Some("p"), _) => refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{name} is partitioned: its partitions have the rows, and changes"),
        ),
        _ => refuse(StatusCode::UNPROCESSABLE_ENTITY, format!("{name} is not a table")),
    }
}

/// Whether `/api`'s role may be in a database. Errors as of [`refused`].
pub(super) async fn enter(state: &State, database: &Arc<str>) -> Result<(), Refusal> {
    let entered = state.try_ask(database, Statement { text: "SELECT NULL::text", params: &[] }).await?;
    entered.map(drop).map_err(refused)
}

/// What is said against being in a database: 404 when there is none, 403 without the right to connect.
fn refused(error: Error) -> Refusal {
    match error.code() {
        SqlState::UNDEFINED_DATABASE => Refusal::Plain(StatusCode::NOT_FOUND, error.message().to_owned()),
        SqlState::INSUFFICIENT_PRIVILEGE => Refusal::Plain(StatusCode::FORBIDDEN, error.message().to_owned()),
        _ => error.into(),
    }
}

/// What the feed says against a table: 422 for one without rows of its own (a system catalog), 404 for one that has just been dropped.
pub(super) fn not_followed(error: Error) -> Refusal {
    match error.code() {
        SqlState::WRONG_OBJECT_TYPE => Refusal::Plain(StatusCode::UNPROCESSABLE_ENTITY, error.message().to_owned()),
        SqlState::UNDEFINED_TABLE => Refusal::Plain(StatusCode::NOT_FOUND, error.message().to_owned()),
        _ => error.into(),
    }
}
