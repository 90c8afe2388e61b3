//! Reading the arguments of system functions.

use dictdb_functions::CallContext;
use dictdb_types::{Datum, Error, Oid, Result};

use crate::StatementEnv;

/// The session that calls.
pub(super) fn session<'a>(cx: &CallContext<'a>) -> Result<&'a StatementEnv> {
    StatementEnv::of(cx.env).ok_or_else(|| Error::internal("called outside a session"))
}

/// An oid argument; zero when it is absent or NULL.
pub(super) fn oid(args: &[Datum], index: usize) -> Oid {
    match args.get(index) {
        Some(Datum::Oid(oid)) => Oid(*oid),
        _ => Oid::INVALID,
    }
}

/// A text argument; empty when it is absent or NULL.
pub(super) fn text(args: &[Datum], index: usize) -> &str {
    match args.get(index) {
        Some(Datum::Text(text)) => text,
        _ => "",
    }
}

/// An integer argument of either width.
pub(super) fn integer(args: &[Datum], index: usize) -> Option<i32> {
    match args.get(index) {
        Some(Datum::Int2(n)) => Some((*n).into()),
        Some(Datum::Int4(n)) => Some(*n),
        _ => None,
    }
}

/// A boolean argument; false when it is absent.
pub(super) fn flag(args: &[Datum], index: usize) -> bool {
    matches!(args.get(index), Some(Datum::Bool(true)))
}

/// A text, or NULL.
pub(super) fn nullable(text: Option<impl AsRef<str>>) -> Datum {
    text.map_or(Datum::Null, Datum::text)
}
