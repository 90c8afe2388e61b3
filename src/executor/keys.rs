//! Keys of rows: the bytes under which rows are grouped, joined and made distinct, and the order they are sorted in.
//!
//! Built on [`dictdb_types::sort_key`], so equality and order are PostgreSQL's for every type.

use std::cmp::Ordering;

use dictdb_planner::expr::SortKey;
use dictdb_types::{Datum, Error, Oid, Physical, Result, Type, TypeLookup, oids, order, sort_key};

use crate::eval::{Code, CompileContext, Scope, compile};
use crate::row::Row;

/// Appends the key of one value for equality and hashing: NULL equals NULL.
pub(crate) fn append_equality_key(value: &Datum, oid: Oid, key: &mut Vec<u8>) {
    sort_key::encode(value, oid, false, false, key);
}

/// Writes the equality key of values of these base types.
pub(crate) fn equality_key(values: &[Datum], types: &[Oid], key: &mut Vec<u8>) {
    key.clear();
    for (value, oid) in values.iter().zip(types) {
        append_equality_key(value, *oid, key);
    }
}

/// One ORDER BY key, compiled.
#[derive(Debug)]
pub(crate) struct OrderKey {
    /// What is ordered.
    pub code: Code,
    /// Base type, which knows the order.
    pub oid: Oid,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST`.
    pub nulls_first: bool,
}

impl OrderKey {
    /// Compiles a list of keys.
    pub fn compile_all(keys: &[SortKey], cx: &CompileContext<'_>) -> Result<Box<[OrderKey]>> {
        keys.iter()
            .map(|key| {
                Ok(OrderKey {
                    code: compile(&key.expr, cx)?,
                    oid: cx.types.base_type(key.expr.ty()).oid,
                    descending: key.descending,
                    nulls_first: key.nulls_first,
                })
            })
            .collect()
    }

    /// Order of two values of this key. Most keys are integers.
    #[inline]
    pub fn compare(&self, a: &Datum, b: &Datum) -> Ordering {
        match (a, b) {
            (Datum::Int4(a), Datum::Int4(b)) if self.descending => b.cmp(a),
            (Datum::Int4(a), Datum::Int4(b)) => a.cmp(b),
            _ => self.compare_any(a, b),
        }
    }

    fn compare_any(&self, a: &Datum, b: &Datum) -> Ordering {
        compare_nulls(a, b, self.nulls_first).unwrap_or_else(|| {
            let order = order::compare_as(self.oid, a, b);
            if self.descending { order.reverse() } else { order }
        })
    }
}

/// Order of two values of which at least one is NULL.
fn compare_nulls(a: &Datum, b: &Datum, nulls_first: bool) -> Option<Ordering> {
    let order = match (a.is_null(), b.is_null()) {
        (false, false) => return None,
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    };
    Some(if nulls_first { order } else { order.reverse() })
}

/// Values of the keys in a row.
pub(crate) fn order_values(keys: &[OrderKey], scope: Scope<'_>) -> Result<Row> {
    keys.iter().map(|key| key.code.eval(scope)).collect()
}

/// Order of two rows of key values.
pub(crate) fn compare_values(keys: &[OrderKey], a: &[Datum], b: &[Datum]) -> Ordering {
    let by_key = keys.iter().zip(a.iter().zip(b)).map(|(key, (a, b))| key.compare(a, b));
    by_key.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Base types of some types.
pub(crate) fn base_oids<'t>(types: impl IntoIterator<Item = &'t Type>, lookup: &dyn TypeLookup) -> Box<[Oid]> {
    types.into_iter().map(|ty| lookup.base_type(*ty).oid).collect()
}

/// How the two sides of an equi-join key are brought to one kind before their bytes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinKeyKind {
    /// Both are of this type already.
    Same(Oid),
    /// Integers of different width.
    Integer,
    /// A date against a timestamp.
    Timestamp,
}

impl JoinKeyKind {
    /// The kind for two types; 0A000 for pairs that have no common key.
    pub fn of(left: Type, right: Type, lookup: &dyn TypeLookup) -> Result<Self> {
        let (left_oid, right_oid) = (lookup.base_type(left).oid, lookup.base_type(right).oid);
        if left_oid == right_oid {
            return Ok(JoinKeyKind::Same(left_oid));
        }
        if (left_oid == oids::TIMESTAMPTZ) != (right_oid == oids::TIMESTAMPTZ) {
            // What is equal depends on the time zone.
            return Err(Error::unsupported(format_args!("hash join of types {left_oid} and {right_oid}")));
        }
        match (lookup.physical(left_oid), lookup.physical(right_oid)) {
            (Physical::Int2 | Physical::Int4 | Physical::Int8, Physical::Int2 | Physical::Int4 | Physical::Int8) => {
                Ok(JoinKeyKind::Integer)
            }
            (Physical::Float4 | Physical::Float8, Physical::Float4 | Physical::Float8) => {
                Ok(JoinKeyKind::Same(oids::FLOAT8))
            }
            (Physical::Date, Physical::Timestamp) | (Physical::Timestamp, Physical::Date) => Ok(JoinKeyKind::Timestamp),
            (a, b) if a == b => Ok(JoinKeyKind::Same(left_oid)),
            _ => Err(Error::unsupported(format_args!("hash join of types {left_oid} and {right_oid}"))),
        }
    }

    /// Appends the key of a value of either side.
    pub fn append(self, value: &Datum, key: &mut Vec<u8>) {
        match self {
            JoinKeyKind::Same(oid) => append_equality_key(value, oid, key),
            JoinKeyKind::Integer => append_equality_key(&widen(value), dictdb_types::oids::INT8, key),
            JoinKeyKind::Timestamp => append_equality_key(&to_timestamp(value), dictdb_types::oids::TIMESTAMP, key),
        }
    }
}

fn widen(value: &Datum) -> Datum {
    match value {
        Datum::Int2(v) => Datum::Int8(i64::from(*v)),
        Datum::Int4(v) => Datum::Int8(i64::from(*v)),
        other => other.clone(),
    }
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

fn to_timestamp(value: &Datum) -> Datum {
    match value {
        Datum::Date(i32::MAX) => Datum::Timestamp(i64::MAX),
        Datum::Date(i32::MIN) => Datum::Timestamp(i64::MIN),
        Datum::Date(days) => Datum::Timestamp(i64::from(*days).saturating_mul(MICROS_PER_DAY)),
        other => other.clone(),
    }
}
