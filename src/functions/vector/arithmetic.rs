//! `+ - * / %` over columns of integers and floats, checked as their scalar twins are.

use arrow::datatypes::{Float32Type, Float64Type, Int16Type, Int32Type, Int64Type};

use super::VectorFn;
use super::operand::{binary, unary};
use crate::scalar::float::{checked_product, checked_quotient, checked_sum};
use crate::scalar::float_math::sqrt;
use crate::scalar::integer::{division_by_zero, in_range};

/// One kernel: the fast form says whether something is wrong, the exact form what.
macro_rules! integer {
    ($left:ty, $right:ty => $out:ty, $native:ty, $overflowing:ident, $checked:ident) => {
        |args| {
            binary::<$left, $right, $out>(
                args,
                |a, b| <$native>::from(a).$overflowing(b.into()),
                |a, b| in_range(<$native>::from(a).$checked(b.into())),
            )
        }
    };
}

macro_rules! quotient {
    ($left:ty, $right:ty => $out:ty, $native:ty, $wrapping:ident, $checked:expr) => {
        |args| {
            binary::<$left, $right, $out>(
                args,
                |a, b| {
                    let (a, b) = (<$native>::from(a), <$native>::from(b));
                    // A divisor of one stands in for those that cannot divide.
                    let bad = b == 0 || b == -1;
                    (a.$wrapping(if b == 0 { 1 } else { b }), bad)
                },
                |a, b| {
                    let (a, b) = (<$native>::from(a), <$native>::from(b));
                    if b == 0 { Err(division_by_zero()) } else { in_range($checked(a, b)) }
                },
            )
        }
    };
}

macro_rules! integers {
    ($($prefix:literal: $left:ty, $right:ty => $out:ty, $native:ty;)*) => {
        &[$(
            (concat!($prefix, "pl"), integer!($left, $right => $out, $native, overflowing_add, checked_add)),
            (concat!($prefix, "mi"), integer!($left, $right => $out, $native, overflowing_sub, checked_sub)),
            (concat!($prefix, "mul"), integer!($left, $right => $out, $native, overflowing_mul, checked_mul)),
            (concat!($prefix, "div"), quotient!($left, $right => $out, $native, wrapping_div, <$native>::checked_div)),
            // Only symbols that PostgreSQL has are ever looked up: there is no "int24mod".
            (concat!($prefix, "mod"), quotient!($left, $right => $out, $native, wrapping_rem, |a: $native, b| Some(a.wrapping_rem(b)))),
        )*]
    };
}

pub(super) const INTEGERS: &[(&str, VectorFn)] = integers! {
    "int2": Int16Type, Int16Type => Int16Type, i16;
    "int4": Int32Type, Int32Type => Int32Type, i32;
    "int8": Int64Type, Int64Type => Int64Type, i64;
    "int24": Int16Type, Int32Type => Int32Type, i32;
    "int42": Int32Type, Int16Type => Int32Type, i32;
    "int28": Int16Type, Int64Type => Int64Type, i64;
    "int82": Int64Type, Int16Type => Int64Type, i64;
    "int48": Int32Type, Int64Type => Int64Type, i64;
    "int84": Int64Type, Int32Type => Int64Type, i64;
};

macro_rules! float {
    ($left:ty, $right:ty => $out:ty, $native:ty, $op:tt, $check:ident, $suspect:expr) => {
        |args| {
            binary::<$left, $right, $out>(
                args,
                |a, b| {
                    let result = <$native>::from(a) $op <$native>::from(b);
                    (result, $suspect(result, <$native>::from(b)))
                },
                |a, b| {
                    let (a, b) = (<$native>::from(a), <$native>::from(b));
                    $check(a $op b, a, b)
                },
            )
        }
    };
}

macro_rules! floats {
    ($($prefix:literal: $left:ty, $right:ty => $out:ty, $native:ty;)*) => {
        &[$(
            (concat!($prefix, "pl"), float!($left, $right => $out, $native, +, checked_sum, |r: $native, _| r.is_infinite())),
            (concat!($prefix, "mi"), float!($left, $right => $out, $native, -, checked_sum, |r: $native, _| r.is_infinite())),
            (concat!($prefix, "mul"), float!($left, $right => $out, $native, *, checked_product, |r: $native, _| r.is_infinite() || r == 0.0)),
            (concat!($prefix, "div"), float!($left, $right => $out, $native, /, checked_quotient, |r: $native, b| r.is_infinite() || r == 0.0 || b == 0.0)),
        )*
        ("float4um", |args| unary::<Float32Type, Float32Type>(args, |a| (-a, false), |a| Ok(-a))),
        ("float8um", |args| unary::<Float64Type, Float64Type>(args, |a| (-a, false), |a| Ok(-a))),
        ("float8abs", |args| unary::<Float64Type, Float64Type>(args, |a| (a.abs(), false), |a| Ok(a.abs()))),
        ("int2um", |args| unary::<Int16Type, Int16Type>(args, |a| a.overflowing_neg(), |a| in_range(a.checked_neg()))),
        ("int4um", |args| unary::<Int32Type, Int32Type>(args, |a| a.overflowing_neg(), |a| in_range(a.checked_neg()))),
        ("int8um", |args| unary::<Int64Type, Int64Type>(args, |a| a.overflowing_neg(), |a| in_range(a.checked_neg()))),
        ("int4abs", |args| unary::<Int32Type, Int32Type>(args, |a| a.overflowing_abs(), |a| in_range(a.checked_abs()))),
        ("int8abs", |args| unary::<Int64Type, Int64Type>(args, |a| a.overflowing_abs(), |a| in_range(a.checked_abs()))),
        ]
    };
}

pub(super) const FLOATS: &[(&str, VectorFn)] = floats! {
    "float4": Float32Type, Float32Type => Float32Type, f32;
    "float8": Float64Type, Float64Type => Float64Type, f64;
    "float48": Float32Type, Float64Type => Float64Type, f64;
    "float84": Float64Type, Float32Type => Float64Type, f64;
};

/// A function of floats that cannot fail.
macro_rules! rounding {
    ($round:expr) => {
        |args| unary::<Float64Type, Float64Type>(args, |a: f64| ($round(a), false), |a: f64| Ok($round(a)))
    };
}

pub(super) const ROUNDINGS: &[(&str, VectorFn)] = &[
    ("dround", rounding!(f64::round_ties_even)),
    ("dceil", rounding!(f64::ceil)),
    ("dfloor", rounding!(f64::floor)),
    ("dtrunc", rounding!(f64::trunc)),
];

pub(super) const ROOTS: &[(&str, VectorFn)] =
    &[("dsqrt", |args| unary::<Float64Type, Float64Type>(args, |a| (a.sqrt(), a < 0.0), sqrt))];
