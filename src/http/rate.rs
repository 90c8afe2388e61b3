//! How often a client may ask: a token for every request, from its address's bucket.

use std::sync::Arc;

use axum::extract::{Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dictdb_session::rate_limits::Client;

use crate::answer::Refusal;
use crate::{Peer, State};

/// Lets a request pass, or answers 429 with the seconds after which it may come again. While there is no instance there is nothing
/// to protect.
pub(crate) async fn limit(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Peer>().map(|peer| Client::Http(peer.0.ip()));
    let taken = match (state.lifecycle.instance(), state.options.rate, client) {
        (Some(instance), Some(rate), Some(client)) => instance.rate_limits.take(client, rate),
        _ => Ok(()),
    };
    match taken {
        Ok(()) => next.run(request).await,
        Err(wait) => Refusal::TooMany(wait.as_secs_f64().ceil().max(1.0) as u64).into_response(),
    }
}
