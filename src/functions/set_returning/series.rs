//! `generate_series` over numbers.

use dictdb_types::{Datum, Error, Numeric, Result, SqlState, bail};

use super::{Rows, SetFn};
use crate::args::arg;

/// Functions of this file by `prosrc`.
pub(super) const SETS: &[(&str, SetFn)] = &[
    ("generate_series_int4", |_, args| int4(args, 1)),
    ("generate_series_step_int4", |_, args| int4(args, arg(args, 2)?)),
    ("generate_series_int8", |_, args| int8(args, 1)),
    ("generate_series_step_int8", |_, args| int8(args, arg(args, 2)?)),
    ("generate_series_numeric", |_, args| numeric(args, Numeric::from(1))),
    ("generate_series_step_numeric", |_, args| numeric(args, arg::<&Numeric>(args, 2)?.clone())),
];

/// 22023.
#[cold]
fn zero_step() -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero")
}

fn int4(args: &[Datum], step: i32) -> Result<Rows> {
    let (start, stop): (i32, i32) = (arg(args, 0)?, arg(args, 1)?);
    let rows = integers(start.into(), stop.into(), step.into())?;
    Ok(Box::new(rows.map(|value| Ok(Datum::Int4(value as i32)))))
}

fn int8(args: &[Datum], step: i64) -> Result<Rows> {
    let rows = integers(arg(args, 0)?, arg(args, 1)?, step)?;
    Ok(Box::new(rows.map(|value| Ok(Datum::Int8(value)))))
}

/// A series that ends where the type does.
fn integers(start: i64, stop: i64, step: i64) -> Result<impl Iterator<Item = i64> + Send> {
    if step == 0 {
        return Err(zero_step());
    }
    let inside = move |value: i64| if step > 0 { value <= stop } else { value >= stop };
    let first = Some(start).filter(|start| inside(*start));
    Ok(std::iter::successors(first, move |value| value.checked_add(step).filter(|value| inside(*value))))
}

fn numeric(args: &[Datum], step: Numeric) -> Result<Rows> {
    let (start, stop): (&Numeric, &Numeric) = (arg(args, 0)?, arg(args, 1)?);
    for (what, value) in [("start value", start), ("stop value", stop), ("step size", &step)] {
        if value.is_nan() {
            bail!(INVALID_PARAMETER_VALUE, "{what} cannot be NaN");
        }
        if value.is_infinite() {
            bail!(INVALID_PARAMETER_VALUE, "{what} cannot be infinity");
        }
    }
    if step.is_zero() {
        return Err(zero_step());
    }
    let (mut next, stop) = (Some(start.clone()), stop.clone());
    Ok(Box::new(std::iter::from_fn(move || {
        let current = next.take().filter(|value| if step.is_negative() { *value >= stop } else { *value <= stop })?;
        // What numeric cannot hold is beyond every stop.
        next = current.add(&step).ok();
        Some(Ok(Datum::Numeric(current)))
    })))
}
