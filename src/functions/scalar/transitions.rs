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
    "float8_regr_accum" => |state: &Array, y: f64, x: f64| regression_step(state, y, x),
    "float8_regr_combine" => |a: &Array, b: &Array| combine_regressions(a, b),
    "float8_avg" => |state: &Array| of_moments(state, 0.0, |n, sum, _| sum / n),
    "float8_var_pop" => |state: &Array| of_moments(state, 0.0, |n, _, squares| squares / n),
    "float8_var_samp" => |state: &Array| of_moments(state, 1.0, |n, _, squares| squares / (n - 1.0)),
    "float8_stddev_pop" => |state: &Array| of_moments(state, 0.0, |n, _, squares| (squares / n).sqrt()),
    "float8_stddev_samp" => |state: &Array| of_moments(state, 1.0, |n, _, squares| (squares / (n - 1.0)).sqrt()),
};

/// The first of them begins the sum. It is not looked at for overflow: of such integers nobody has so many.
fn add(sum: Option<i64>, value: Option<i64>) -> Option<i64> {
    match (sum, value) {
        (sum, None) => sum,
        (None, value) => value,
        (Some(sum), Some(value)) => Some(sum.wrapping_add(value)),
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

/// `{N, Sx, Sxx, Sy, Syy, Sxy}`.
fn regression(state: &Array, function: &str) -> Result<[f64; 6]> {
    let figures: Vec<f64> = state
        .items
        .iter()
        .filter_map(|item| match item {
            Datum::Float8(figure) => Some(*figure),
            _ => None,
        })
        .collect();
    let wrong = |_| Error::internal(format!("{function}: expected 6-element float8 array"));
    <[f64; 6]>::try_from(figures).map_err(wrong)
}

fn regression_step(state: &Array, y: f64, x: f64) -> Result<Array> {
    let [before, old_x, mut xx, old_y, mut yy, mut xy] = regression(state, "float8_regr_accum")?;
    let (n, sum_x, sum_y) = (before + 1.0, old_x + x, old_y + y);
    let unbounded = |value: f64| value.is_nan() || value.is_infinite();
    if before > 0.0 {
        let (of_x, of_y, scale) = (x * n - sum_x, y * n - sum_y, 1.0 / (n * before));
        xx += of_x * of_x * scale;
        yy += of_y * of_y * scale;
        xy += of_x * of_y * scale;
        let (finite_x, finite_y) = (!old_x.is_infinite() && !x.is_infinite(), !old_y.is_infinite() && !y.is_infinite());
        let overflows = (sum_x.is_infinite() || xx.is_infinite()) && finite_x
            || (sum_y.is_infinite() || yy.is_infinite()) && finite_y
            || xy.is_infinite() && finite_x && finite_y;
        if overflows {
            bail!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
        }
        for deviation in [&mut xx, &mut yy, &mut xy].into_iter().filter(|deviation| deviation.is_infinite()) {
            *deviation = f64::NAN;
        }
    } else {
        if unbounded(x) {
            (xx, xy) = (f64::NAN, f64::NAN);
        }
        if unbounded(y) {
            (yy, xy) = (f64::NAN, f64::NAN);
        }
    }
    Ok(Array::vector(oids::FLOAT8, [n, sum_x, xx, sum_y, yy, xy].map(Datum::Float8).to_vec()))
}

fn combine_regressions(a: &Array, b: &Array) -> Result<Array> {
    let one = regression(a, "float8_regr_combine")?;
    let other = regression(b, "float8_regr_combine")?;
    let [n1, x1, xx1, y1, yy1, xy1] = one;
    let [n2, x2, xx2, y2, yy2, xy2] = other;
    let figures = if n1 == 0.0 {
        other
    } else if n2 == 0.0 {
        one
    } else {
        let n = n1 + n2;
        let (of_x, of_y) = (x1 / n1 - x2 / n2, y1 / n1 - y2 / n2);
        let joined = |one: f64, other: f64, distance: f64| one + other + n1 * n2 * distance / n;
        [
            n,
            x1 + x2,
            joined(xx1, xx2, of_x * of_x),
            y1 + y2,
            joined(yy1, yy2, of_y * of_y),
            joined(xy1, xy2, of_x * of_y),
        ]
    };
    let parts = one.iter().zip(&other);
    if figures.iter().zip(parts).any(|(sum, (a, b))| sum.is_infinite() && !a.is_infinite() && !b.is_infinite()) {
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
    }
    Ok(Array::vector(oids::FLOAT8, figures.map(Datum::Float8).to_vec()))
}

/// A figure of more than so many values.
fn of_moments(state: &Array, above: f64, figure: impl Fn(f64, f64, f64) -> f64) -> Result<Option<f64>> {
    let (n, sum, squares) = moments(state, "float8_avg")?;
    Ok((n > above).then(|| figure(n, sum, squares)))
}
