//! Stored passwords, as `pg_authid.rolpassword` has them: verifiers of SCRAM-SHA-256, and PostgreSQL's older MD5 hashes.
//!
//! ```text
//!   SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>      salt and keys in base64
//!   md5<32 hexadecimal digits>                                     of the password and the role's name
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dictdb_session::Verifiers;
use md5::Md5;
use pgwire::api::auth::sasl::scram::{SCRAM_ITERATIONS, ScramSecret, gen_salted_password};
use sha2::Digest;

/// What statements ask of stored passwords.
pub(crate) const VERIFIERS: Verifiers = Verifiers {
    is_stored: |text| Stored::parse(text).is_some(),
    make,
    fits: |role, stored, password| Stored::parse(stored).is_some_and(|stored| stored.fits(role, password)),
};

/// Bytes of a key of SCRAM-SHA-256.
const KEY_BYTES: usize = 32;

/// A stored password.
pub(crate) enum Stored {
    /// The hexadecimal digits.
    Md5(String),
    Scram(Verifier),
}

/// What proves a password without being one.
pub(crate) struct Verifier {
    pub salt: Vec<u8>,
    pub iterations: usize,
    pub stored_key: Vec<u8>,
    pub server_key: Vec<u8>,
}

impl From<Verifier> for ScramSecret {
    fn from(Verifier { salt, iterations, stored_key, server_key }: Verifier) -> ScramSecret {
        ScramSecret::Verifier { salt, iterations, stored_key, server_key }
    }
}

impl Stored {
    /// `None` for what is a password itself.
    pub(crate) fn parse(text: &str) -> Option<Stored> {
        if let Some(digits) = text.strip_prefix("md5") {
            let is_hash = digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            return is_hash.then(|| Stored::Md5(digits.to_owned()));
        }
        let (iterations, rest) = text.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
        let (salt, keys) = rest.split_once('$')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let key = |text: &str| STANDARD.decode(text).ok().filter(|key| key.len() == KEY_BYTES);
        Some(Stored::Scram(Verifier {
            salt: STANDARD.decode(salt).ok()?,
            iterations: iterations.parse().ok()?,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        }))
    }

    /// Whether it is of this password. Deriving the key takes milliseconds on purpose.
    pub(crate) fn fits(&self, role: &str, password: &str) -> bool {
        match self {
            Stored::Md5(digits) => *digits == md5_hex(password, role),
            Stored::Scram(Verifier { salt, iterations, stored_key, .. }) => {
                let salted = gen_salted_password(password, salt, *iterations);
                let made = ScramSecret::verifier_from_salted_password(salt.clone(), salted, *iterations);
                matches!(made, ScramSecret::Verifier { stored_key: own, .. } if own == *stored_key)
            }
        }
    }

    /// What a client answers that knows the password and is sent this salt; none for a verifier of SCRAM.
    pub(crate) fn md5_answer(&self, salt: &[u8]) -> Option<String> {
        let Stored::Md5(digits) = self else { return None };
        let digest = Md5::new().chain_update(digits).chain_update(salt).finalize();
        Some(format!("md5{}", hex(&digest)))
    }
}

/// What is stored of a role's password.
fn make(role: &str, password: &str, is_md5: bool) -> String {
    if is_md5 { format!("md5{}", md5_hex(password, role)) } else { make_verifier(password) }
}

/// A verifier with a salt of its own.
pub(crate) fn make_verifier(password: &str) -> String {
    let salt = rand::random::<[u8; 16]>().to_vec();
    let salted = gen_salted_password(password, &salt, SCRAM_ITERATIONS);
    match ScramSecret::verifier_from_salted_password(salt, salted, SCRAM_ITERATIONS) {
        ScramSecret::Verifier { salt, iterations, stored_key, server_key } => format!(
            "SCRAM-SHA-256${iterations}:{}${}:{}",
            STANDARD.encode(salt),
            STANDARD.encode(stored_key),
            STANDARD.encode(server_key)
        ),
        ScramSecret::SaltedPassword { .. } => String::new(),
    }
}

fn md5_hex(password: &str, role: &str) -> String {
    hex(&Md5::new().chain_update(password).chain_update(role).finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
