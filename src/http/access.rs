//! Who may use `/api`: everybody on this machine, or who knows the token.

use std::sync::Arc;

use axum::extract::{Request, State as Extract};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::State;
use crate::answer::Refusal;

/// The rule of access to `/api`.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everybody.
    Everybody,
    /// Who sends `Authorization: Bearer` with this token.
    Token(Arc<str>),
    /// Nobody: the address can be reached from other machines and no token is configured.
    Nobody,
}

/// Lets a request pass, or answers 401 or 403.
pub(crate) async fn check(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match &state.options.access {
        Access::Everybody => {}
        Access::Token(token) => {
            let given = given.and_then(|value| value.strip_prefix("Bearer "));
            if !given.is_some_and(|given| is_same(given.trim().as_bytes(), token.as_bytes())) {
                return Refusal::Unauthorized.into_response();
            }
        }
        Access::Nobody => {
            let detail = "This interface needs a token: set http_token, or http_auth = 'trust'";
            return Refusal::Plain(StatusCode::FORBIDDEN, detail.to_owned()).into_response();
        }
    }
    next.run(request).await
}

/// Compares without telling by its duration where the difference is.
fn is_same(given: &[u8], wanted: &[u8]) -> bool {
    given.len() == wanted.len() && given.iter().zip(wanted).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
