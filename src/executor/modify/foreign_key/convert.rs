//! Values of one side of a foreign key as the types of the other.
//!
//! A child's value means the parent's value that it is equal to, if there is one. The other way it is not always one value: the
//! numerics that are near a `real` all refer to it. Such children are compared in the parent's types, without an index.

use dictdb_types::{Datum, Numeric, Oid, oids};

use crate::row::Row;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Types whose values several values of another type can be equal to, or whose values are not at once of another.
const INEXACT: [Oid; 6] = [oids::NUMERIC, oids::FLOAT4, oids::FLOAT8, oids::DATE, oids::TIMESTAMP, oids::BPCHAR];

/// Whether a parent's value is one value of the child's type, or none.
pub(super) fn is_exact(child: Oid, parent: Oid) -> bool {
    child == parent || !INEXACT.contains(&child) && !INEXACT.contains(&parent)
}

/// Values of types as others; `None` when a value does not fit, so nothing can be equal to it.
pub(super) fn convert(values: &[Datum], from: &[Oid], to: &[Oid]) -> Option<Row> {
    values.iter().zip(from).zip(to).map(|((value, from), to)| convert_value(value, *from, *to)).collect()
}

/// One of them.
pub(super) fn convert_value(value: &Datum, from: Oid, to: Oid) -> Option<Datum> {
    let integer = match value {
        _ if from == to => return Some(value.clone()),
        Datum::Int2(v) => Some(i64::from(*v)),
        Datum::Int4(v) => Some(i64::from(*v)),
        Datum::Int8(v) => Some(*v),
        Datum::Oid(v) => Some(i64::from(*v)),
        _ => None,
    };
    if let Some(converted) = integer.and_then(|integer| convert_integer(integer, to)) {
        return converted;
    }
    match (value, to) {
        (Datum::Float4(v), oids::FLOAT8) => Some(Datum::Float8(f64::from(*v))),
        (Datum::Float8(v), oids::FLOAT4) => {
            let near = *v as f32;
            (f64::from(near).total_cmp(v).is_eq() || v.is_nan()).then_some(Datum::Float4(near))
        }
        (Datum::Numeric(v), oids::FLOAT4) => v.to_f32().ok().map(Datum::Float4),
        (Datum::Numeric(v), oids::FLOAT8) => v.to_f64().ok().map(Datum::Float8),
        (Datum::Numeric(v), oids::INT2 | oids::INT4 | oids::INT8) => {
            let whole = v.to_i64().ok().filter(|whole| Numeric::from(*whole) == *v)?;
            convert_integer(whole, to).flatten()
        }
        (Datum::Date(i32::MIN), oids::TIMESTAMP) => Some(Datum::Timestamp(i64::MIN)),
        (Datum::Date(i32::MAX), oids::TIMESTAMP) => Some(Datum::Timestamp(i64::MAX)),
        (Datum::Date(days), oids::TIMESTAMP) => i64::from(*days).checked_mul(MICROS_PER_DAY).map(Datum::Timestamp),
        (Datum::Timestamp(i64::MIN), oids::DATE) if from == oids::TIMESTAMP => Some(Datum::Date(i32::MIN)),
        (Datum::Timestamp(i64::MAX), oids::DATE) if from == oids::TIMESTAMP => Some(Datum::Date(i32::MAX)),
        (Datum::Timestamp(micros), oids::DATE) if from == oids::TIMESTAMP => {
            let days = (micros % MICROS_PER_DAY == 0).then_some(micros / MICROS_PER_DAY)?;
            i32::try_from(days).ok().map(Datum::Date)
        }
        (Datum::Text(text), _) if from == oids::BPCHAR => Some(Datum::text(text.trim_end_matches(' '))),
        _ => Some(value.clone()),
    }
}

/// An integer as a number of another type, of which it may be none; `None` when that type is none of numbers.
#[allow(clippy::option_option, reason = "no number and another type are two things")]
fn convert_integer(integer: i64, to: Oid) -> Option<Option<Datum>> {
    Some(match to {
        oids::INT2 => i16::try_from(integer).ok().map(Datum::Int2),
        oids::INT4 => i32::try_from(integer).ok().map(Datum::Int4),
        oids::INT8 => Some(Datum::Int8(integer)),
        oids::NUMERIC => Some(Datum::Numeric(Numeric::from(integer))),
        oids::FLOAT8 => Some(Datum::Float8(integer as f64)),
        oids::FLOAT4 => Some(Datum::Float4(integer as f32)),
        oids::OID | oids::REGCLASS => u32::try_from(integer).ok().map(Datum::Oid),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_or_match_nothing() {
        assert!(matches!(convert_value(&Datum::Int8(5), oids::INT8, oids::INT4), Some(Datum::Int4(5))));
        assert!(convert_value(&Datum::Int8(1 << 40), oids::INT8, oids::INT4).is_none());
        assert!(matches!(convert_value(&Datum::Int4(5), oids::INT4, oids::NUMERIC), Some(Datum::Numeric(_))));
        assert!(convert_value(&Datum::Float8(0.1), oids::FLOAT8, oids::FLOAT4).is_none());
        let noon = Datum::Timestamp(MICROS_PER_DAY / 2);
        assert!(convert_value(&noon, oids::TIMESTAMP, oids::DATE).is_none());
    }
}
