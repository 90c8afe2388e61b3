//! Functions that PostgreSQL's own aggregates are made of, where their states are ordinary values: aggregates of users may name them.
//!
//! The built-in aggregates do not call them; they have accumulators in [`crate::aggregate`]. States are as in PostgreSQL: `{N, Sx, Sxx}`
//! of floats (Youngs and Cramer), `{count, sum}` of integers.

use dictdb_types::{Array, Datum, Error, Numeric, Result, bail, oids};

use crate::args::kernels;
use crate::kernel::ScalarFn;
use crate::scalar::integer::out_of_range;

/// Functions of this family.
pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "int8inc_any" => |count: i64, _value: &Datum| count.checked_add(1).ok_or_else(out_of_range::<i64>),
    "int8dec_any" => |count: i64, _value: &Datum| count.checked_sub(1).ok_or_else(out_of_range::<i64>),
    "int2_sum" => |sum: Option<i64>, value: Option<i16>| add(sum, value.map(i64::from)),
    "int4_sum" => |sum: Option<i64>, value: Option<i32>| add(sum, value.map(i64::from)),
    "int2_avg_accum" => |state: &Array, value: i16| average_step(state, i64::from(value), 1),
    "int4_avg_accum" => |state: &Array, value: i32| average_step(state, i64::from(value), 1),
    "int2_avg_accum_inv" => |state: &Array, value: i16| average_step(state, i64::from(value), -1),
    "int4_avg_accum_inv" => |state: &Array, value: i32| average_step(state, i64::from(value), -1),
    "int8_avg" => |state: &Array| average(state),
    "float8_accum" => |state: &Array, value: f64| moments_step(state, value),
    "float4_accum" => |state: &Array, value: f32| moments_step(state, f64::from(value)),
    "float8_combine" => |a: &Array, b: &Array| combine(a, b),
    "float8_avg" => |state: &Array| of_moments(state, 0.0, |n, sum, _| sum / n),
    "float8_var_pop" => |state: &Array| of_moments(state, 0.0, |n, _, squares| squares / n),
    "float8_var_samp" => |state: &Array| of_moments(state, 1.0, |n, _, squares| squares / (n - 1.0)),
    "float8_stddev_pop" => |state: &Array| of_moments(state, 0.0, |n, _, squares| (squares / n).sqrt()),
    "float8_stddev_samp" => |state: &Array| of_moments(state, 1.0, |n, _, squares| (squares / (n - 1.0)).sqrt()),
};

fn add(sum: Option<i64>, value: Option<i64>) -> Result<Option<i64>> {
    match (sum, value) {
        (sum, None) => Ok(sum),
        (None, value) => Ok(value),
        (Some(sum), Some(value)) => sum.checked_add(value).map(Some).ok_or_else(out_of_range::<i64>),
    }
}

/// `{count, sum}`. XX000 for another shape, as PostgreSQL answers.
fn counted(state: &Array) -> Result<(i64, i64)> {
    match state.items.as_slice() {
        [Datum::Int8(count), Datum::Int8(sum)] => Ok((*count, *sum)),
        _ => Err(Error::internal("expected 2-element int8 array")),
    }
}

fn average_step(state: &Array, value: i64, direction: i64) -> Result<Array> {
    let (count, sum) = counted(state)?;
    let items = vec![Datum::Int8(count + direction), Datum::Int8(sum.wrapping_add(direction * value))];
    Ok(Array::vector(oids::INT8, items))
}

fn average(state: &Array) -> Result<Option<Numeric>> {
    let (count, sum) = counted(state)?;
    if count == 0 {
        return Ok(None);
    }
    Numeric::from(sum).div(&Numeric::from(count)).map(Some)
}

/// `{N, Sx, Sxx}`.
fn moments(state: &Array, function: &str) -> Result<(f64, f64, f64)> {
    match state.items.as_slice() {
        [Datum::Float8(n), Datum::Float8(sum), Datum::Float8(squares)] => Ok((*n, *sum, *squares)),
        _ => Err(Error::internal(format!("{function}: expected 3-element float8 array"))),
    }
}

fn moments_step(state: &Array, value: f64) -> Result<Array> {
    let (before, old_sum, old_squares) = moments(state, "float8_accum")?;
    let (n, sum) = (before + 1.0, old_sum + value);
    let mut squares = old_squares;
    if before > 0.0 {
        let difference = value * n - sum;
        squares += difference * difference / (n * before);
        if (sum.is_infinite() || squares.is_infinite()) && !old_sum.is_infinite() && !value.is_infinite() {
            bail!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
        }
        if sum.is_infinite() || squares.is_infinite() {
            squares = f64::NAN;
        }
    } else if value.is_nan() || value.is_infinite() {
        squares = f64::NAN;
    }
    Ok(Array::vector(oids::FLOAT8, [n, sum, squares].map(Datum::Float8).to_vec()))
}

fn combine(a: &Array, b: &Array) -> Result<Array> {
    let (n, sum, squares) = moments(a, "float8_combine")?;
    let (other_n, other_sum, other_squares) = moments(b, "float8_combine")?;
    let (all, total, deviations) = match (n, other_n) {
        (0.0, _) => (other_n, other_sum, other_squares),
        (_, 0.0) => (n, sum, squares),
        _ => {
            let all = n + other_n;
            let distance = sum / n - other_sum / other_n;
            (all, sum + other_sum, squares + other_squares + n * other_n * distance * distance / all)
        }
    };
    let overflows = |value: f64, parts: [f64; 2]| value.is_infinite() && !parts.iter().any(|part| part.is_infinite());
    if overflows(total, [sum, other_sum]) || overflows(deviations, [squares, other_squares]) {
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
    }
    Ok(Array::vector(oids::FLOAT8, [all, total, deviations].map(Datum::Float8).to_vec()))
}

/// A figure of more than so many values.
fn of_moments(state: &Array, above: f64, figure: impl Fn(f64, f64, f64) -> f64) -> Result<Option<f64>> {
    let (n, sum, squares) = moments(state, "float8_avg")?;
    Ok((n > above).then(|| figure(n, sum, squares)))
}
