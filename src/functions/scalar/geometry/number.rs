//! Arithmetic and fuzzy comparison of coordinates.

use dictdb_types::Result;
use dictdb_types::geometry::EPSILON;
pub(super) use dictdb_types::geometry::fuzzy_eq as eq;

use crate::scalar::float::{checked_product, checked_quotient, checked_sum, overflow, underflow};

pub(super) use crate::scalar::float::compare;

pub(super) fn zero(a: f64) -> bool {
    a.abs() <= EPSILON
}

/// Not the negation of [`eq`]: NaN is neither equal to a number nor different from it.
pub(super) fn ne(a: f64, b: f64) -> bool {
    a != b && (a - b).abs() > EPSILON
}

pub(super) fn lt(a: f64, b: f64) -> bool {
    a + EPSILON < b
}

pub(super) fn le(a: f64, b: f64) -> bool {
    a <= b + EPSILON
}

pub(super) fn gt(a: f64, b: f64) -> bool {
    a > b + EPSILON
}

pub(super) fn ge(a: f64, b: f64) -> bool {
    a + EPSILON >= b
}

/// The sum; 22003, as all of these.
pub(super) fn add(a: f64, b: f64) -> Result<f64> {
    checked_sum(a + b, a, b)
}

pub(super) fn sub(a: f64, b: f64) -> Result<f64> {
    checked_sum(a - b, a, b)
}

pub(super) fn mul(a: f64, b: f64) -> Result<f64> {
    checked_product(a * b, a, b)
}

/// The quotient; 22012 also.
pub(super) fn div(a: f64, b: f64) -> Result<f64> {
    checked_quotient(a / b, a, b)
}

/// The smaller in PostgreSQL's order, where NaN is the largest.
pub(super) fn min(a: f64, b: f64) -> f64 {
    if compare(a, b).is_lt() { a } else { b }
}

pub(super) fn max(a: f64, b: f64) -> f64 {
    if compare(a, b).is_gt() { a } else { b }
}

/// The length of the hypotenuse, without squaring what would overflow.
pub(super) fn hypotenuse(x: f64, y: f64) -> Result<f64> {
    if x.is_infinite() || y.is_infinite() {
        return Ok(f64::INFINITY);
    }
    if x.is_nan() || y.is_nan() {
        return Ok(f64::NAN);
    }
    let (x, y) = (x.abs(), y.abs());
    let (longer, shorter) = if x < y { (y, x) } else { (x, y) };
    if shorter == 0.0 {
        return Ok(longer);
    }
    let ratio = shorter / longer;
    let length = longer * (1.0 + ratio * ratio).sqrt();
    match length {
        length if length.is_infinite() => Err(overflow()),
        0.0 => Err(underflow()),
        length => Ok(length),
    }
}
