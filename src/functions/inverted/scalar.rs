//! The classes of `btree_gin` and `bloom`: a value is its only key, in order.

use dictdb_types::{Datum, Error, Oid, Result, sort_key};

use super::{Condition, Key, NULL_PART, PART, part};

/// What the functions that search are called, before the name of the type.
const QUERY: &str = "gin_extract_query_";

/// Whether a function searches for single values.
pub(super) fn is_query_function(name: &str) -> bool {
    name.starts_with(QUERY)
}

pub(super) fn keys(value: &Datum, oid: Oid) -> Result<Vec<Key>> {
    Ok(vec![key(value, oid)])
}

/// `<`, `<=`, `=`, `>=`, `>` are 1 to 5, as in btree.
pub(super) fn condition(strategy: i16, operand: &Datum, oid: Oid) -> Result<Condition> {
    let key = key(operand, oid);
    Ok(match strategy {
        1 | 2 => Condition::Range(vec![PART], key),
        3 => Condition::Key(key),
        4 | 5 => Condition::Range(key, vec![NULL_PART]),
        other => return Err(Error::internal(format!("strategy {other} of btree_gin"))),
    })
}

/// `=` is 1, and all there is.
pub(super) fn equality(strategy: i16, operand: &Datum, oid: Oid) -> Result<Condition> {
    match strategy {
        1 => Ok(Condition::Key(key(operand, oid))),
        other => Err(Error::internal(format!("strategy {other} of bloom"))),
    }
}

fn key(value: &Datum, oid: Oid) -> Key {
    let mut bytes = Vec::with_capacity(16);
    sort_key::encode(value, oid, false, false, &mut bytes);
    part(&bytes)
}
