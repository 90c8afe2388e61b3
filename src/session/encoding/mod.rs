//! Texts in other encodings than UTF-8: what clients speak, what files hold, `convert_from` and its kin.
//!
//! ```text
//!   client ─ message ─► decode ─► UTF-8 … statement … UTF-8 ─► encode ─ message ─► client
//! ```
//! A connection whose encoding is UTF8 has no codec and pays one branch for that. The tables are those of the crate `encoding_rs`;
//! where browsers read more into an encoding than its standard has, this module takes it away again. Errors are PostgreSQL's: 22021 for
//! bytes that are no character, 22P05 for a character that the other encoding lacks.

mod codec;
mod functions;
mod multi_byte;
mod single_byte;

pub use codec::Codec;
pub(crate) use codec::for_client;
pub(crate) use functions::{FUNCTIONS, text_in};

use dictdb_types::{Error, Oid, SqlState, oids};

/// Whether values of a type are text on the wire in the binary format, too: they are in the client's encoding.
pub fn is_text_in_binary(ty: Oid) -> bool {
    const TEXTS: &[Oid] = &[
        oids::TEXT,
        oids::VARCHAR,
        oids::BPCHAR,
        oids::NAME,
        oids::UNKNOWN,
        oids::CSTRING,
        oids::JSON,
        // A version number comes before the text.
        oids::JSONB,
    ];
    TEXTS.contains(&ty)
}

fn hex_list(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// 22021.
pub(crate) fn invalid_bytes(bytes: &[u8], encoding: &str) -> Error {
    let message = format!("invalid byte sequence for encoding \"{encoding}\": {}", hex_list(bytes));
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
}

/// 22P05.
fn no_equivalent(bytes: &[u8], from: &str, to: &str) -> Error {
    let bytes = hex_list(bytes);
    let message =
        format!("character with byte sequence {bytes} in encoding \"{from}\" has no equivalent in encoding \"{to}\"");
    Error::new(SqlState::UNTRANSLATABLE_CHARACTER, message)
}
