//! What goes wrong with files, in PostgreSQL's words and codes.

use std::io;
use std::path::Path;

use dictdb_types::{Error, SqlState};

/// `could not open file "…": No such file or directory` and the like: 58P01, 42501, 53100, 58030.
pub(crate) fn io_error(action: &str, path: &Path, error: &io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::NotFound => SqlState::UNDEFINED_FILE,
        io::ErrorKind::PermissionDenied => SqlState::INSUFFICIENT_PRIVILEGE,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SqlState::DISK_FULL,
        io::ErrorKind::AlreadyExists => SqlState::DUPLICATE_FILE,
        _ => SqlState::IO_ERROR,
    };
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    Error::new(code, format!("could not {action} \"{}\": {reason}", path.display()))
}

/// XX001: the file is not what was written.
pub(crate) fn damaged(file: &str, what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("backup file \"{file}\" is damaged: {what}"))
}

/// XX001: the file is whole, but does not belong where it is.
pub(crate) fn broken_chain(file: &str, what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("backup file \"{file}\" breaks its chain: {what}"))
}

/// What a failed read is: XX001 when the bytes are not what they should be, 58030 when there are none to be had.
pub(crate) fn unreadable(file: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => damaged(file, error),
        _ => Error::new(SqlState::IO_ERROR, format!("could not read backup file \"{file}\": {error}")),
    }
}
