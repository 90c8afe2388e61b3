//! Functions that bring indexes up to date: `gin_clean_pending_list`, `brin_summarize_new_values` and their kin.
//!
//! Indexes are up to date with every row that is written: no list of a gin index waits, no block of a brin index lacks its
//! summary. So there is nothing left to do; what is asked for is checked.

use dictdb_catalog::{IndexMethod, RelationKind};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Result, SqlState};

use super::arguments::{oid, session};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("gin_clean_pending_list", |cx, args| check(cx, args, IndexMethod::Gin).map(|()| Datum::Int8(0))),
    ("brin_summarize_new_values", |cx, args| check(cx, args, IndexMethod::Brin).map(|()| Datum::Int4(0))),
    ("brin_summarize_range", |cx, args| check_range(cx, args).map(|()| Datum::Int4(0))),
    ("brin_desummarize_range", |cx, args| check_range(cx, args).map(|()| Datum::text(""))),
];

/// 42809 unless the first argument is an index of this method.
fn check(cx: &CallContext<'_>, args: &[Datum], method: IndexMethod) -> Result<()> {
    let wanted = oid(args, 0);
    let relation = session(cx)?.catalog.relation(wanted);
    let relation = relation.ok_or_else(|| Error::internal(format!("could not open relation with OID {wanted}")))?;
    let wrong =
        |what: &str| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {what}", relation.name)));
    match &relation.kind {
        RelationKind::Index(info) if info.method == method => Ok(()),
        RelationKind::Index(_) if method == IndexMethod::Gin => wrong("a GIN index"),
        RelationKind::Index(_) => wrong("a BRIN index"),
        _ => wrong("an index"),
    }
}

/// Likewise with a block number as second argument. 22003.
fn check_range(cx: &CallContext<'_>, args: &[Datum]) -> Result<()> {
    match args.get(1) {
        Some(Datum::Int8(block)) if u32::try_from(*block).is_err() => {
            let message = format!("block number out of range: {block}");
            Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message))
        }
        _ => check(cx, args, IndexMethod::Brin),
    }
}
