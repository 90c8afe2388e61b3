//! How large a value a function may build: PostgreSQL's one gigabyte, so that a short call cannot take the memory.

use dictdb_types::{Error, Result, SqlState};

/// Bytes of a value of variable length (PostgreSQL's `MaxAllocSize`).
pub(crate) const MAX_VALUE_BYTES: usize = 0x3fff_ffff;

/// 54000 if `bytes` is more than a value may have, for functions that are told a length.
pub(crate) fn check_requested(bytes: Option<usize>) -> Result<usize> {
    match bytes {
        Some(bytes) if bytes <= MAX_VALUE_BYTES => Ok(bytes),
        _ => Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "requested length too large")),
    }
}

/// XX000 if `bytes` is more than a value may have, for functions that only a caller of theirs tells a length.
pub(crate) fn check_allocation(bytes: usize) -> Result<()> {
    if bytes <= MAX_VALUE_BYTES {
        return Ok(());
    }
    Err(Error::internal(format!("invalid memory alloc request size {bytes}")))
}

/// 54000 if a buffer of `have` bytes may not take `more`.
pub fn check_growth(have: usize, more: usize) -> Result<()> {
    if have.saturating_add(more) < MAX_VALUE_BYTES {
        return Ok(());
    }
    Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "out of memory")
        .detail(format!("Cannot enlarge string buffer containing {have} bytes by {more} more bytes.")))
}

/// Appends, or 54000.
pub(crate) fn push(out: &mut String, text: &str) -> Result<()> {
    check_growth(out.len(), text.len())?;
    out.push_str(text);
    Ok(())
}
