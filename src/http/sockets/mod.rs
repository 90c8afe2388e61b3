//! WebSockets: `/ws/changes?table=…`, committed changes of a table, and `/ws/listen?channel=…`, payloads of NOTIFY; with
//! `&database=…` those of another database than that of `/api`.
//!
//! ```text
//!   handshake: origin, access, rate, number ─► what may be read ─► 101 ─► serve: messages out, pings, close codes
//! ```
//! | code | when |
//! |---|---|
//! | 1000 | the table was dropped or restored, or the client says good-bye |
//! | 1001 | the server ends |
//! | 1008 | the client sends more messages than `http_rate_limit` allows |
//! | 1009 | a message of the client is too large |
//! | 1011 | a change cannot be told |
//! | 1013 | the client is slower than the changes, or does not answer pings |
//!
//! What a client sends means nothing; it is counted. Rights are looked at when the WebSocket begins.

mod census;
mod serve;
mod source;

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, RawQuery, Request, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dictdb_session::Instance;

use crate::answer::{Fault, Refusal};
use crate::query::pairs;
use crate::{Peer, Phase, State, origin};
pub(crate) use census::Census;
use serve::{MAX_MESSAGE_BYTES, serve};
use source::Source;

/// Longest name of a channel, as in PostgreSQL.
const MAX_CHANNEL_BYTES: usize = 63;

/// The routes, without what every request passes.
pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new().route("/ws/changes", get(changes)).route("/ws/listen", get(listen))
}

/// Pages of other origins may open WebSockets without asking first, so they are refused here unless they are configured.
pub(crate) async fn check_origin(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    if is_foreign(request.headers(), &state.options.origins) {
        return Refusal::Plain(StatusCode::FORBIDDEN, "Pages of this origin may not connect".to_owned())
            .into_response();
    }
    next.run(request).await
}

fn is_foreign(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    !(host.is_some() && host == own || origin::is_allowed(allowed, origin))
}

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

async fn changes(
    Extract(state): Extract<Arc<State>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    upgrade: Upgrade,
) -> Result<Response, Refusal> {
    let (asked, upgrade) = (Asked::read(query, "table", &state)?, upgradable(upgrade)?);
    let instance = state.instance()?;
    let relation = source::find_table(&state, &asked.database, &asked.name).await?;
    let database = instance.database(&asked.database)?;
    begin(&state, peer, upgrade, || {
        let changes = instance.follow_table(&database, relation).map_err(source::not_followed)?;
        Ok(Source::Changes(Box::new(changes)))
    })
}

async fn listen(
    Extract(state): Extract<Arc<State>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    upgrade: Upgrade,
) -> Result<Response, Refusal> {
    let (asked, upgrade) = (Asked::read(query, "channel", &state)?, upgradable(upgrade)?);
    let channel = asked.name;
    if channel.len() > MAX_CHANNEL_BYTES {
        let message = format!("String should have at most {MAX_CHANNEL_BYTES} bytes");
        return Err(Refusal::Invalid(vec![Fault::new("string_too_long", &["query", "channel"], message)]));
    }
    let instance = state.instance()?;
    source::enter(&state, &asked.database).await?;
    let database = instance.database(&asked.database)?;
    begin(&state, peer, upgrade, || Ok(Source::Notices(Box::new(instance.follow_channel(&database, &channel)))))
}

/// What a query asks for.
struct Asked {
    /// The table or the channel.
    name: String,
    /// Where it is.
    database: Arc<str>,
}

impl Asked {
    /// Reads a query with the parameter `wanted` and perhaps a database. 422 for any other.
    fn read(query: Option<String>, wanted: &str, state: &State) -> Result<Asked, Refusal> {
        let fault =
            |kind, name: &str, message| Err(Refusal::Invalid(vec![Fault::new(kind, &["query", name], message)]));
        let (mut name, mut database) = (None, None);
        for pair in pairs(query.as_deref().unwrap_or_default()) {
            match pair {
                None => return fault("value_error", wanted, "The query is not valid UTF-8"),
                Some((own, value)) if own == wanted => name = Some(value).filter(|value| !value.is_empty()),
                Some((own, value)) if own == "database" => database = Some(value.into()),
                Some((other, _)) => return fault("extra_forbidden", &other, "Extra inputs are not permitted"),
            }
        }
        let database = database.unwrap_or_else(|| state.options.database.clone());
        name.map_or_else(|| fault("missing", wanted, "Field required"), |name| Ok(Asked { name, database }))
    }
}

fn upgradable(upgrade: Upgrade) -> Result<WebSocketUpgrade, Refusal> {
    upgrade.map_err(|rejection| Refusal::Plain(StatusCode::UPGRADE_REQUIRED, rejection.body_text()))
}

/// Enters the WebSocket into the census and has it served once the handshake is done.
fn begin(
    state: &Arc<State>,
    peer: Peer,
    upgrade: WebSocketUpgrade,
    open: impl FnOnce() -> Result<Source, Refusal>,
) -> Result<Response, Refusal> {
    let member = state.lifecycle.census().enter(state.options.max_websockets);
    let member = member.ok_or_else(|| Refusal::unavailable("There are as many WebSockets as there may be"))?;
    // It listens before the client knows that it does: nothing that is committed after the handshake is missed.
    let (source, state) = (open()?, state.clone());
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES * 2).max_frame_size(MAX_MESSAGE_BYTES * 2);
    Ok(upgrade.on_upgrade(move |socket| async move { serve(socket, source, &state, peer, member).await }))
}

impl State {
    /// The instance; 503 while there is none.
    fn instance(&self) -> Result<Arc<Instance>, Refusal> {
        let instance = match self.lifecycle.phase() {
            Phase::Ready => self.lifecycle.instance(),
            Phase::Draining => return Err(Refusal::unavailable("The server is shutting down")),
            Phase::Starting => None,
        };
        instance.cloned().ok_or_else(|| Refusal::unavailable("The server is starting up"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn pages_of_other_origins_are_foreign() {
        let headers = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:8000"));
            origin.map(|origin| headers.insert(header::ORIGIN, HeaderValue::from_static(origin)));
            headers
        };
        let allowed = ["https://desk.example".to_owned()];
        for origin in [None, Some("http://localhost:8000"), Some("https://desk.example")] {
            assert!(!is_foreign(&headers(origin), &allowed), "{origin:?}");
        }
        for origin in ["http://localhost:3000", "https://evil.example", "null"] {
            assert!(is_foreign(&headers(Some(origin)), &allowed), "{origin}");
        }
    }
}
