//! `pgcrypto`: `pgp_sym_encrypt` and its kin.

use dictdb_types::{Datum, Error, Result, Severity, SqlState};

use super::digest::bytes_of;
use super::pgp_message::{CIPHERS, DIGESTS, Settings, decrypted, encrypted, fault};
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = &[
    ("pgp_sym_encrypt_text", |_, args| encrypt(args, true)),
    ("pgp_sym_encrypt_bytea", |_, args| encrypt(args, false)),
    ("pgp_sym_decrypt_text", |cx, args| decrypt(cx, args, true)),
    ("pgp_sym_decrypt_bytea", |cx, args| decrypt(cx, args, false)),
];

/// Bytes that a count of hashed bytes may stand for.
const COUNTS: std::ops::RangeInclusive<u32> = 1024..=65_011_712;

fn encrypt(args: &[Datum], is_text: bool) -> Result<Datum> {
    let options = Options::read(args, false)?;
    let message = encrypted(bytes_of(args, 0)?, is_text, bytes_of(args, 1)?, &options.settings)?;
    Ok(Datum::Bytea(message.into()))
}

fn decrypt(cx: &CallContext<'_>, args: &[Datum], is_text: bool) -> Result<Datum> {
    let options = Options::read(args, true)?;
    let read = decrypted(bytes_of(args, 0)?, bytes_of(args, 1)?, options.settings.converts_line_ends)?;
    if is_text && read.binary {
        return Err(fault("Not text data"));
    }
    for (name, expected) in &options.expected {
        let found = setting_of(&read.found, name);
        if found != *expected {
            let message = format!("pgp_decrypt: unexpected {name}: expected {expected} got {found}");
            cx.env.notice(Error::with_severity(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message));
        }
    }
    if !is_text {
        return Ok(Datum::Bytea(read.data.into()));
    }
    cx.env.decode("UTF8", &read.data).map(Datum::text)
}

/// A number of what a message was made with, as the tests of messages name it.
fn setting_of(found: &Settings, name: &str) -> i64 {
    match name {
        "cipher_algo" => found.cipher.into(),
        "disable_mdc" => found.without_hash.into(),
        "use_sess_key" => found.session_key.into(),
        "s2k_mode" => found.mode.into(),
        "s2k_count" => found.count.unwrap_or_default().into(),
        "s2k_digest_algo" => found.digest.into(),
        "s2k_cipher_algo" => found.password_cipher.into(),
        "compress_algo" => found.compression.into(),
        _ => found.unicode.into(),
    }
}

/// The third argument: `name=value, …`.
#[derive(Default)]
struct Options {
    settings: Settings,
    /// What a message is expected to be made with.
    expected: Vec<(&'static str, i64)>,
}

impl Options {
    /// 39000 for what is no option.
    fn read(args: &[Datum], decrypts: bool) -> Result<Options> {
        let mut options = Options::default();
        if args.len() < 3 {
            return Ok(options);
        }
        let text = String::from_utf8_lossy(bytes_of(args, 2)?).to_ascii_lowercase();
        if text.is_empty() {
            return Ok(options);
        }
        let items = text.strip_suffix(',').unwrap_or(&text).split(',');
        for item in items {
            let (name, value) = item.split_once('=').ok_or_else(illegal)?;
            let (name, value) = (name.trim(), value.trim());
            if name.is_empty() || value.is_empty() || value.contains(['=', ' ', '\t', '\n']) {
                return Err(illegal());
            }
            match name.strip_prefix("expect-").filter(|_| decrypts) {
                Some(name) => options.expect(name, value)?,
                None if name == "debug" && decrypts => {}
                None => options.set(name, value)?,
            }
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let settings = &mut self.settings;
        let number = leading_number(value);
        let small = |allowed: &[u8]| u8::try_from(number).ok().filter(|n| allowed.contains(n)).ok_or_else(illegal);
        match name {
            "cipher-algo" => settings.cipher = cipher_number(value)?,
            "s2k-cipher-algo" => settings.password_cipher = cipher_number(value)?,
            "s2k-digest-algo" => settings.digest = digest_number(value)?,
            "disable-mdc" => settings.without_hash = number != 0,
            "sess-key" => settings.session_key = number != 0,
            "s2k-mode" => settings.mode = small(&[0, 1, 3])?,
            "s2k-count" => {
                let count = u32::try_from(number).ok().filter(|count| settings.mode == 3 && COUNTS.contains(count));
                settings.count = Some(count.ok_or_else(illegal)?);
            }
            "compress-algo" => settings.compression = small(&[0, 1, 2])?,
            "compress-level" => settings.level = small(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])?.into(),
            "convert-crlf" => settings.converts_line_ends = number != 0,
            "unicode-mode" => settings.unicode = number != 0,
            _ => return Err(illegal()),
        }
        Ok(())
    }

    fn expect(&mut self, name: &str, value: &str) -> Result<()> {
        let number = leading_number(value);
        self.expected.push(match name {
            "cipher-algo" => ("cipher_algo", cipher_number(value)?.into()),
            "disable-mdc" => ("disable_mdc", number),
            "sess-key" => ("use_sess_key", number),
            "s2k-mode" => ("s2k_mode", number),
            "s2k-count" => ("s2k_count", number),
            "s2k-digest-algo" => ("s2k_digest_algo", digest_number(value)?.into()),
            "s2k-cipher-algo" => ("s2k_cipher_algo", cipher_number(value)?.into()),
            "compress-algo" => ("compress_algo", number),
            "unicode-mode" => ("unicode_mode", number),
            _ => return Err(illegal()),
        });
        Ok(())
    }
}

fn illegal() -> Error {
    fault("Illegal argument to function")
}

fn cipher_number(name: &str) -> Result<u8> {
    let known = CIPHERS.iter().find(|(known, ..)| *known == name);
    known.map(|(_, number, ..)| *number).ok_or_else(|| fault("Unsupported cipher algorithm"))
}

fn digest_number(name: &str) -> Result<u8> {
    let known = DIGESTS.iter().find(|(known, _)| *known == name);
    known.map(|(_, number)| *number).ok_or_else(|| fault("Unsupported digest algorithm"))
}

/// The number at the front of a text, zero where there is none.
fn leading_number(text: &str) -> i64 {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or_default()
}
