//! Proof of identity: trust, password in clear, MD5, SCRAM-SHA-256 with or without channel binding.
//!
//! The SCRAM exchange is pgwire's. A user who does not exist goes through the whole exchange against a verifier that nobody
//! knows the password of, so that an answer does not tell who exists.

use dictdb_session::Instance;
use dictdb_types::{Error, Result, Severity, SqlState};
use pgwire::api::auth::sasl::scram::{SCRAM_ITERATIONS, ScramSecret, ScramServerAuth};
use pgwire::messages::startup::{Authentication, PasswordMessageFamily};
use sha2::{Digest, Sha256};

use super::stream::Stream;
use crate::configuration::{Access, Method, Tls};
use crate::password::{Stored, Verifier};

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
            Method::Md5 => self.check_md5(stream, user, instance).await?,
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
        let stored = stored(user, instance).unwrap_or_else(|| Stored::Scram(self.of_nobody(user)));
        // Deriving the key takes milliseconds on purpose, also for a user who does not exist.
        match tokio::task::block_in_place(|| stored.fits(user, &password)) {
            true => Ok(()),
            false => Err(wrong_password(user)),
        }
    }

    /// By what is stored of the password: a hash of the hash, or the exchange.
    async fn check_md5(&self, stream: &mut Stream, user: &str, instance: &Instance) -> Result<()> {
        let salt = rand::random::<[u8; 4]>();
        let Some(expected) = stored(user, instance).and_then(|stored| stored.md5_answer(&salt)) else {
            return self.exchange(stream, user, instance).await;
        };
        stream.send(&Authentication::MD5Password(salt.to_vec()));
        let answer = receive(stream).await?.into_password().map_err(malformed)?.password;
        if answer == expected { Ok(()) } else { Err(wrong_password(user)) }
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
        match stored(user, instance) {
            Some(Stored::Scram(verifier)) => verifier.into(),
            _ => self.of_nobody(user).into(),
        }
    }

    /// A verifier that fits no password, with the same salt whenever somebody asks.
    fn of_nobody(&self, user: &str) -> Verifier {
        let salt = Sha256::new().chain_update(self.mock_seed).chain_update(user).finalize();
        Verifier {
            salt: salt[..16].to_vec(),
            iterations: SCRAM_ITERATIONS,
            stored_key: rand::random::<[u8; 32]>().to_vec(),
            server_key: rand::random::<[u8; 32]>().to_vec(),
        }
    }
}

/// What is stored of a user's password.
fn stored(user: &str, instance: &Instance) -> Option<Stored> {
    let stored = instance.role(user).and_then(|role| role.password.clone());
    stored.and_then(|stored| Stored::parse(&stored))
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
