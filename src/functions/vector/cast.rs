//! Casts among columns of numbers.

use arrow::datatypes::{Float32Type, Float64Type, Int16Type, Int32Type, Int64Type};

use super::VectorFn;
use super::operand::unary;
use crate::scalar::float::{narrow, to_int2, to_int4, to_int8};
use crate::scalar::integer::in_range;

/// A cast that cannot fail.
macro_rules! widen {
    ($from:ty => $to:ty, $cast:expr) => {
        |args| unary::<$from, $to>(args, |v| ($cast(v), false), |v| Ok($cast(v)))
    };
}

/// A cast to a narrower integer, wrong where the value does not come back.
macro_rules! narrower {
    ($from:ty, $wide:ty => $to:ty, $native:ty) => {
        |args| {
            unary::<$from, $to>(
                args,
                |v| (v as $native, <$wide>::from(v as $native) != v),
                |v| in_range(<$native>::try_from(v).ok()),
            )
        }
    };
}

/// A cast that its scalar twin checks; the fast form only tells whether to ask it.
macro_rules! checked {
    ($from:ty => $to:ty, $fast:expr, $exact:expr) => {
        |args| unary::<$from, $to>(args, $fast, $exact)
    };
}

pub(super) const WIDENING: &[(&str, VectorFn)] = &[
    ("i2toi4", widen!(Int16Type => Int32Type, i32::from)),
    ("int28", widen!(Int16Type => Int64Type, i64::from)),
    ("int48", widen!(Int32Type => Int64Type, i64::from)),
    ("i2tof", widen!(Int16Type => Float32Type, f32::from)),
    ("i2tod", widen!(Int16Type => Float64Type, f64::from)),
    ("i4tof", widen!(Int32Type => Float32Type, |v| v as f32)),
    ("i4tod", widen!(Int32Type => Float64Type, f64::from)),
    ("i8tof", widen!(Int64Type => Float32Type, |v| v as f32)),
    ("i8tod", widen!(Int64Type => Float64Type, |v| v as f64)),
    ("ftod", widen!(Float32Type => Float64Type, f64::from)),
];

pub(super) const CHECKED: &[(&str, VectorFn)] = &[
    ("i4toi2", narrower!(Int32Type, i32 => Int16Type, i16)),
    ("int82", narrower!(Int64Type, i64 => Int16Type, i16)),
    ("int84", narrower!(Int64Type, i64 => Int32Type, i32)),
    ("dtof", checked!(Float64Type => Float32Type, |v| (v as f32, (v as f32).is_infinite() || v as f32 == 0.0), narrow)),
    ("ftoi2", checked!(Float32Type => Int16Type, |v: f32| rounded_i16(v.into()), |v: f32| to_int2(v.into()))),
    ("ftoi4", checked!(Float32Type => Int32Type, |v: f32| rounded_i32(v.into()), |v: f32| to_int4(v.into()))),
    ("ftoi8", checked!(Float32Type => Int64Type, |v: f32| rounded_i64(v.into()), |v: f32| to_int8(v.into()))),
    ("dtoi2", checked!(Float64Type => Int16Type, rounded_i16, to_int2)),
    ("dtoi4", checked!(Float64Type => Int32Type, rounded_i32, to_int4)),
    ("dtoi8", checked!(Float64Type => Int64Type, rounded_i64, to_int8)),
];

fn rounded_i16(value: f64) -> (i16, bool) {
    let rounded = value.round_ties_even();
    (rounded as i16, !(-32768.0..32768.0).contains(&rounded))
}

fn rounded_i32(value: f64) -> (i32, bool) {
    let rounded = value.round_ties_even();
    (rounded as i32, !(-2147483648.0..2147483648.0).contains(&rounded))
}

fn rounded_i64(value: f64) -> (i64, bool) {
    let rounded = value.round_ties_even();
    (rounded as i64, !(-9223372036854775808.0..9223372036854775808.0).contains(&rounded))
}
