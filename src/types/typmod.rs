//! Type modifiers: from the numbers in `varchar(3)`, and applied to values.
//!
//! Modifiers are written by [`crate::modifier_text`].

use crate::datetime::{interval_typmod, round_micros, scale_timestamp};
use crate::text::string::{fit_bit, fit_bpchar, fit_name, fit_varbit, fit_varchar};
use crate::{Array, Datum, Error, Result, Severity, SqlState, Type, oids};

/// Longest declared `varchar` and `char`.
const MAX_CHARACTERS: i32 = 10_485_760;
/// Longest declared `bit` and `varbit`: eight times what a datum holds in bytes.
const MAX_BITS: i32 = 83_886_080;
/// Digits after the second of times.
const MAX_TIME_PRECISION: i32 = 6;
/// Largest precision and scale of `numeric`.
const MAX_NUMERIC_PRECISION: i32 = 1000;

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// The modifier that `type_name(modifiers…)` stands for.
///
/// For `interval` the first number is the bit mask of its fields, as the grammar gives it, then the precision. What is
/// merely odd (a precision above 6) goes to `notices` as a warning. 22023 for bad numbers, 42601 for types that take no
/// modifier.
pub fn typmod_in(oid: crate::Oid, type_name: &str, modifiers: &[i32], notices: &mut Vec<Error>) -> Result<i32> {
    match oid {
        oids::NUMERIC | oids::NUMERIC_ARRAY => numeric(modifiers),
        oids::VARCHAR | oids::VARCHAR_ARRAY => length("varchar", MAX_CHARACTERS, 4, modifiers),
        oids::BPCHAR | oids::BPCHAR_ARRAY => length("char", MAX_CHARACTERS, 4, modifiers),
        oids::BIT | oids::BIT_ARRAY => length("bit", MAX_BITS, 0, modifiers),
        oids::VARBIT | oids::VARBIT_ARRAY => length("varbit", MAX_BITS, 0, modifiers),
        oids::TIME | oids::TIME_ARRAY => precision("TIME", "", modifiers, notices),
        oids::TIMETZ | oids::TIMETZ_ARRAY => precision("TIME", " WITH TIME ZONE", modifiers, notices),
        oids::TIMESTAMP | oids::TIMESTAMP_ARRAY => precision("TIMESTAMP", "", modifiers, notices),
        oids::TIMESTAMPTZ | oids::TIMESTAMPTZ_ARRAY => precision("TIMESTAMP", " WITH TIME ZONE", modifiers, notices),
        oids::INTERVAL | oids::INTERVAL_ARRAY => interval(modifiers, notices),
        _ => {
            let message = format!("type modifier is not allowed for type \"{type_name}\"");
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

fn numeric(modifiers: &[i32]) -> Result<i32> {
    let (precision, scale) = match modifiers {
        [precision] => (*precision, 0),
        [precision, scale] => (*precision, *scale),
        _ => return Err(invalid("invalid NUMERIC type modifier")),
    };
    let limit = MAX_NUMERIC_PRECISION;
    if !(1..=limit).contains(&precision) {
        return Err(invalid(format!("NUMERIC precision {precision} must be between 1 and {limit}")));
    }
    if !(-limit..=limit).contains(&scale) {
        return Err(invalid(format!("NUMERIC scale {scale} must be between -{limit} and {limit}")));
    }
    Ok((precision << 16 | scale & 0x7ff) + 4)
}

fn length(name: &str, limit: i32, offset: i32, modifiers: &[i32]) -> Result<i32> {
    match modifiers {
        [length] if *length < 1 => Err(invalid(format!("length for type {name} must be at least 1"))),
        [length] if *length > limit => Err(invalid(format!("length for type {name} cannot exceed {limit}"))),
        [length] => Ok(length + offset),
        _ => Err(invalid("invalid type modifier")),
    }
}

fn precision(name: &str, zone: &str, modifiers: &[i32], notices: &mut Vec<Error>) -> Result<i32> {
    match modifiers {
        [digits] if *digits < 0 => Err(invalid(format!("{name}({digits}){zone} precision must not be negative"))),
        [digits] if *digits > MAX_TIME_PRECISION => {
            let message = format!("{name}({digits}){zone} precision reduced to maximum allowed, {MAX_TIME_PRECISION}");
            notices.push(Error::with_severity(Severity::Warning, SqlState::INVALID_PARAMETER_VALUE, message));
            Ok(MAX_TIME_PRECISION)
        }
        [digits] => Ok(*digits),
        _ => Err(invalid("invalid type modifier")),
    }
}

/// Precision in the lower half that means "none given".
const FULL_PRECISION: i32 = 0xffff;
/// The fields of an interval without any named.
const ALL_FIELDS: i32 = 0x7fff;

fn interval(modifiers: &[i32], notices: &mut Vec<Error>) -> Result<i32> {
    match modifiers {
        [ALL_FIELDS] => Ok(-1),
        [fields] => Ok(fields << 16 | FULL_PRECISION),
        [_, digits] if *digits < 0 => Err(invalid(format!("INTERVAL({digits}) precision must not be negative"))),
        [fields, digits] => {
            if *digits > MAX_TIME_PRECISION {
                let message = format!("INTERVAL({digits}) precision reduced to maximum allowed, {MAX_TIME_PRECISION}");
                notices.push(Error::with_severity(Severity::Warning, SqlState::INVALID_PARAMETER_VALUE, message));
            }
            Ok(fields << 16 | (*digits).min(MAX_TIME_PRECISION))
        }
        _ => Err(invalid("invalid INTERVAL type modifier")),
    }
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
            Datum::Array(std::sync::Arc::new(Array { element: array.element, dims: array.dims.clone(), items }))
        }
        _ => value.clone(),
    })
}
