//! Type modifiers as written, `numeric(10, 2)`, to the number that `pg_attribute.atttypmod` holds.
//!
//! The way back is [`crate::type_name`]. [`coerce`] applies a modifier to a value.

use std::sync::Arc;

use crate::datetime::{interval_typmod, round_micros, scale_timestamp};
use crate::text::string::{fit_bit, fit_bpchar, fit_name, fit_varbit, fit_varchar};
use crate::{Array, Datum, Error, Oid, Result, SqlState, Type, oids};

/// Longest `char(n)` and `varchar(n)`.
const MAX_LENGTH: i64 = 10_485_760;
/// Longest `bit(n)`.
const MAX_BITS: i64 = 83_886_080;
/// Largest precision of numeric, and of its scale either way.
const MAX_NUMERIC: i64 = 1000;
/// Digits of a second that are kept.
const MAX_SECONDS: i64 = 6;

/// The modifier of a type (as the type's modifier input function would make it). `interval` has its field mask first.
///
/// 22023 for values out of range, 42601 for a type that takes none.
pub fn from_modifiers(oid: Oid, modifiers: &[String]) -> Result<i32> {
    let numbers = modifiers
        .iter()
        .map(|text| {
            text.parse::<i64>().map_err(|_| {
                Error::new(
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    format!("invalid input syntax for type integer: \"{text}\""),
                )
            })
        })
        .collect::<Result<Vec<i64>>>()?;
    match (oid, numbers.as_slice()) {
        (oids::BPCHAR, [length]) => self::length("char", *length, MAX_LENGTH).map(|n| n + 4),
        (oids::VARCHAR, [length]) => self::length("varchar", *length, MAX_LENGTH).map(|n| n + 4),
        (oids::BIT, [length]) => self::length("bit", *length, MAX_BITS),
        (oids::VARBIT, [length]) => self::length("varbit", *length, MAX_BITS),
        (oids::NUMERIC, [precision]) => numeric(*precision, 0),
        (oids::NUMERIC, [precision, scale]) => numeric(*precision, *scale),
        (oids::NUMERIC, _) => Err(invalid("invalid NUMERIC type modifier".to_owned())),
        (oids::TIME, [digits]) => seconds("TIME", "", *digits),
        (oids::TIMETZ, [digits]) => seconds("TIME", " WITH TIME ZONE", *digits),
        (oids::TIMESTAMP, [digits]) => seconds("TIMESTAMP", "", *digits),
        (oids::TIMESTAMPTZ, [digits]) => seconds("TIMESTAMP", " WITH TIME ZONE", *digits),
        (oids::INTERVAL, [mask]) => interval(*mask, None),
        (oids::INTERVAL, [mask, digits]) => interval(*mask, Some(*digits)),
        (
            oids::BPCHAR
            | oids::VARCHAR
            | oids::BIT
            | oids::VARBIT
            | oids::TIME
            | oids::TIMETZ
            | oids::TIMESTAMP
            | oids::TIMESTAMPTZ
            | oids::INTERVAL,
            _,
        ) => Err(invalid("invalid type modifier".to_owned())),
        _ => {
            let name = crate::builtin_types::by_oid(oid).map_or_else(|| oid.to_string(), |info| info.name.to_string());
            Err(Error::new(SqlState::SYNTAX_ERROR, format!("type modifier is not allowed for type \"{name}\"")))
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn length(name: &str, length: i64, max: i64) -> Result<i32> {
    match length {
        n if n < 1 => Err(invalid(format!("length for type {name} must be at least 1"))),
        n if n > max => Err(invalid(format!("length for type {name} cannot exceed {max}"))),
        n => Ok(n as i32),
    }
}

fn numeric(precision: i64, scale: i64) -> Result<i32> {
    if !(1..=MAX_NUMERIC).contains(&precision) {
        return Err(invalid(format!("NUMERIC precision {precision} must be between 1 and {MAX_NUMERIC}")));
    }
    if !(-MAX_NUMERIC..=MAX_NUMERIC).contains(&scale) {
        return Err(invalid(format!("NUMERIC scale {scale} must be between -{MAX_NUMERIC} and {MAX_NUMERIC}")));
    }
    Ok((((precision as i32) << 16) | (scale as i32 & 0x7ff)) + 4)
}

/// More digits than there are mean all of them; PostgreSQL warns and goes on.
fn seconds(name: &str, suffix: &str, digits: i64) -> Result<i32> {
    if digits < 0 {
        return Err(invalid(format!("{name}({digits}){suffix} precision must not be negative")));
    }
    Ok(digits.min(MAX_SECONDS) as i32)
}

fn interval(mask: i64, digits: Option<i64>) -> Result<i32> {
    const ALL_DIGITS: i64 = 0xffff;
    if digits.is_some_and(|digits| digits < 0) {
        return Err(invalid(format!("INTERVAL({}) precision must not be negative", digits.unwrap_or_default())));
    }
    Ok(((mask & 0x7fff) << 16 | digits.map_or(ALL_DIGITS, |digits| digits.min(MAX_SECONDS))) as i32)
}

/// Fits a value of a type without modifier into the same type with `ty.typmod`; array elements each.
///
/// An explicit cast cuts character and bit strings silently, an assignment fails (22001, 22026). Numbers are rounded
/// and fail with 22003 when they do not fit; times and intervals are rounded.
pub fn coerce(value: &Datum, ty: Type, explicit: bool) -> Result<Datum> {
    if ty.typmod < 0 {
        return Ok(value.clone());
    }
    Ok(match (ty.oid, value) {
        (oids::NUMERIC, Datum::Numeric(v)) => Datum::Numeric(v.apply_typmod(ty.typmod)?),
        (oids::VARCHAR, Datum::Text(v)) => match fit_varchar(v, ty.typmod, explicit)? {
            fitting if fitting.len() == v.len() => value.clone(),
            cut => Datum::text(cut),
        },
        (oids::BPCHAR, Datum::Text(v)) => Datum::Text(fit_bpchar(v, ty.typmod, explicit)?),
        (oids::NAME, Datum::Text(v)) => Datum::text(fit_name(v)),
        (oids::BIT, Datum::Text(v)) => Datum::text(fit_bit(v.to_string(), ty.typmod, explicit)?),
        (oids::VARBIT, Datum::Text(v)) => Datum::text(fit_varbit(v.to_string(), ty.typmod, explicit)?),
        (oids::TIME, Datum::Time(v)) => Datum::Time(round_micros(*v, ty.typmod)),
        (oids::TIMETZ, Datum::TimeTz(v, west)) => Datum::TimeTz(round_micros(*v, ty.typmod), *west),
        (oids::TIMESTAMP | oids::TIMESTAMPTZ, Datum::Timestamp(v)) => Datum::Timestamp(scale_timestamp(*v, ty.typmod)?),
        (oids::INTERVAL, Datum::Interval(v)) => Datum::Interval(interval_typmod::restrict(*v, ty.typmod)?),
        (_, Datum::Array(array)) => {
            let element = Type::with_typmod(array.element, ty.typmod);
            let items = array.items.iter().map(|item| coerce(item, element, explicit)).collect::<Result<_>>()?;
            Datum::Array(Arc::new(Array { element: array.element, dims: array.dims.clone(), items }))
        }
        _ => value.clone(),
    })
}
