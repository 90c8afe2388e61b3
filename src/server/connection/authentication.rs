//! Proof of identity: trust, password in clear, SCRAM-SHA-256 with or without channel binding.
//!
//! The SCRAM exchange is pgwire's. A user who does not exist goes through the whole exchange against a verifier that nobody
//! knows the password of, so that an answer does not tell who exists.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dictdb_session::Instance;
use dictdb_types::{Error, Result, Severity, SqlState};
use pgwire::api::auth::sasl::scram::{SCRAM_ITERATIONS, ScramSecret, ScramServerAuth, gen_salted_password};
use pgwire::messages::startup::{Authentication, PasswordMessageFamily};
use sha2::{Digest, Sha256};

use super::stream::Stream;
use crate::configuration::{Access, Method, Tls};

const SCRAM: &str = "SCRAM-SHA-256";
const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// Authenticates clients as the configuration says.
pub(super) struct Authenticator {
    method: Method,
    plain: ScramServerAuth,
    /// Binds the exchange to the server's certificate; for encrypted connections.
    bound: Option<ScramServerAuth>,
    /// Seeds the verifiers of users who do not exist: the same user always meets the same salt.
    mock_seed: [u8; 16],
}

impl Authenticator {
    pub(super) fn new(access: Access, tls: Option<&Tls>) -> Authenticator {
        let bound = tls.and_then(|tls| {
            let mut bound = ScramServerAuth::new();
            match bound.configure_certificate(&tls.certificate_pem) {
                Ok(()) => Some(bound),
                Err(error) => {
                    tracing::warn!("no channel binding with this certificate: {error}");
                    None
                }
            }
        });
        Authenticator { method: access.method, plain: ScramServerAuth::new(), bound, mock_seed: rand::random() }
    }

    /// Lets the client prove that it is `user`, and tells it so. Fatal errors: 28P01, 08P01.
    pub(super) async fn authenticate(&self, stream: &mut Stream, user: &str, instance: &Instance) -> Result<()> {
        match self.method {
            Method::Trust => {}
            Method::Password => self.check_password(stream, user, instance).await?,
            Method::Scram => self.exchange(stream, user, instance).await?,
        }
        stream.send(&Authentication::Ok);
        Ok(())
    }

    async fn check_password(&self, stream: &mut Stream, user: &str, instance: &Instance) -> Result<()> {
        stream.send(&Authentication::CleartextPassword);
        let answer = receive(stream).await?;
        let password = answer.into_password().map_err(malformed)?.password;
        if password.is_empty() {
            return Err(failed(SqlState::INVALID_PASSWORD, "empty password returned by client".to_owned()));
        }
        let ScramSecret::Verifier { salt, iterations, stored_key, .. } = self.secret(user, instance) else {
            return Err(wrong_password(user));
        };
        // Deriving the key takes milliseconds on purpose.
        let salted = tokio::task::block_in_place(|| gen_salted_password(&password, &salt, iterations));
        match ScramSecret::verifier_from_salted_password(salt, salted, iterations) {
            ScramSecret::Verifier { stored_key: given, .. } if given == stored_key => Ok(()),
            _ => Err(wrong_password(user)),
        }
    }

    async fn exchange(&self, stream: &mut Stream, user: &str, instance: &Instance) -> Result<()> {
        let bound = self.bound.as_ref().filter(|_| stream.is_encrypted());
        let mut mechanisms = vec![SCRAM.to_owned()];
        if bound.is_some() {
            mechanisms.insert(0, SCRAM_PLUS.to_owned());
        }
        stream.send(&Authentication::SASL(mechanisms));
        let first = receive(stream).await?.into_sasl_initial_response().map_err(malformed)?;
        let scram = match (first.auth_method.as_str(), bound) {
            (SCRAM_PLUS, Some(bound)) => bound,
            // Over TLS the exchange must know that binding was on offer, or it could not notice that somebody took it away.
            (SCRAM, bound) => bound.unwrap_or(&self.plain),
            _ => {
                let message = "client selected an invalid SASL authentication mechanism".to_owned();
                return Err(failed(SqlState::PROTOCOL_VIOLATION, message));
            }
        };
        let opening = first.data.unwrap_or_default();
        let secret = self.secret(user, instance);
        let (challenge, waiting) = scram.on_client_first_message_with_secret(&opening, secret).map_err(malformed)?;
        stream.send(&Authentication::SASLContinue(challenge.into()));
        let proof = receive(stream).await?.into_sasl_response().map_err(malformed)?;
        let confirmation = waiting.on_client_final_message(&proof.data).map_err(|_| wrong_password(user))?;
        stream.send(&Authentication::SASLFinal(confirmation.into()));
        Ok(())
    }

    /// The verifier of a user, or one that fits no password.
    fn secret(&self, user: &str, instance: &Instance) -> ScramSecret {
        let stored = instance.role(user).and_then(|role| role.password.clone());
        stored.and_then(|verifier| parse_verifier(&verifier)).unwrap_or_else(|| {
            let salt = Sha256::new().chain_update(self.mock_seed).chain_update(user).finalize();
            ScramSecret::Verifier {
                salt: salt[..16].to_vec(),
                iterations: SCRAM_ITERATIONS,
                stored_key: rand::random::<[u8; 32]>().to_vec(),
                server_key: rand::random::<[u8; 32]>().to_vec(),
            }
        })
    }
}

/// The next message, which must be an answer to authentication. 08006 when the client has left instead.
async fn receive(stream: &mut Stream) -> Result<PasswordMessageFamily> {
    let gone = || failed(SqlState::CONNECTION_FAILURE, "unexpected end of authentication".to_owned());
    stream.flush().await.map_err(|_| gone())?;
    let frame = stream.frame().await?.ok_or_else(gone)?;
    if frame.kind() != b'p' {
        let message = format!("expected password response, got message type {}", frame.kind());
        return Err(failed(SqlState::PROTOCOL_VIOLATION, message));
    }
    let body = frame.into_body();
    // pgwire reads a mechanism's name and a length before it looks whether they are there.
    if body.is_empty() {
        return Err(failed(SqlState::PROTOCOL_VIOLATION, "malformed SCRAM message".to_owned()));
    }
    Ok(PasswordMessageFamily::Raw(body.as_slice().into()))
}

/// `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.
fn parse_verifier(text: &str) -> Option<ScramSecret> {
    let (iterations, rest) = text.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
    let (salt, keys) = rest.split_once('$')?;
    let (stored_key, server_key) = keys.split_once(':')?;
    Some(ScramSecret::Verifier {
        salt: STANDARD.decode(salt).ok()?,
        iterations: iterations.parse().ok()?,
        stored_key: STANDARD.decode(stored_key).ok()?,
        server_key: STANDARD.decode(server_key).ok()?,
    })
}

fn failed(code: SqlState, message: String) -> Error {
    Error::with_severity(Severity::Fatal, code, message)
}

fn wrong_password(user: &str) -> Error {
    failed(SqlState::INVALID_PASSWORD, format!("password authentication failed for user \"{user}\""))
}

fn malformed(error: pgwire::error::PgWireError) -> Error {
    tracing::debug!("malformed authentication message: {error}");
    failed(SqlState::PROTOCOL_VIOLATION, "malformed SCRAM message".to_owned())
}
