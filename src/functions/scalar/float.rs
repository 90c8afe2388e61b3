//! `real` and `double precision`: arithmetic, comparisons with PostgreSQL's NaN, casts among floats and integers.
//!
//! PostgreSQL reports an infinite result of finite operands as overflow and a zero result of non-zero operands as
//! underflow, both 22003; every NaN equals every NaN and is above all other values.

use std::cmp::Ordering;

use dictdb_types::{Error, Result, SqlState};

use super::integer::{bad_window_offset, division_by_zero, out_of_range};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[
    ARITHMETIC_4,
    ARITHMETIC_8,
    ARITHMETIC_48,
    ARITHMETIC_84,
    COMPARE_4,
    COMPARE_8,
    COMPARE_48,
    COMPARE_84,
    UNARY_4,
    UNARY_8,
    CASTS,
    IN_RANGE,
];

/// What both widths offer to the checks below.
pub(crate) trait Float: Copy + PartialOrd + PartialEq {
    const ZERO: Self;
    fn infinite(self) -> bool;
    fn nan(self) -> bool;
}

impl Float for f32 {
    const ZERO: Self = 0.0;
    fn infinite(self) -> bool {
        self.is_infinite()
    }
    fn nan(self) -> bool {
        self.is_nan()
    }
}

impl Float for f64 {
    const ZERO: Self = 0.0;
    fn infinite(self) -> bool {
        self.is_infinite()
    }
    fn nan(self) -> bool {
        self.is_nan()
    }
}

/// 22003.
#[cold]
pub(crate) fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

/// 22003.
#[cold]
pub(crate) fn underflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow")
}

/// The sum or difference `result` of `a` and `b`, checked.
pub(crate) fn checked_sum<T: Float>(result: T, a: T, b: T) -> Result<T> {
    if result.infinite() && !a.infinite() && !b.infinite() { Err(overflow()) } else { Ok(result) }
}

/// The product `result` of `a` and `b`, checked.
pub(crate) fn checked_product<T: Float>(result: T, a: T, b: T) -> Result<T> {
    if result.infinite() && !a.infinite() && !b.infinite() {
        return Err(overflow());
    }
    if result == T::ZERO && a != T::ZERO && b != T::ZERO {
        return Err(underflow());
    }
    Ok(result)
}

/// The quotient `result` of `a` and `b`, checked.
pub(crate) fn checked_quotient<T: Float>(result: T, a: T, b: T) -> Result<T> {
    if b == T::ZERO && !a.nan() {
        return Err(division_by_zero());
    }
    if result.infinite() && !a.infinite() {
        return Err(overflow());
    }
    if result == T::ZERO && a != T::ZERO && !b.infinite() {
        return Err(underflow());
    }
    Ok(result)
}

/// PostgreSQL's order: NaN equal to itself and above everything.
pub(crate) fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

macro_rules! arithmetic {
    ($table:ident: $prefix:literal, $left:ty, $right:ty => $out:ty) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            concat!($prefix, "pl") => |a: $left, b: $right| {
                let (a, b) = (<$out>::from(a), <$out>::from(b));
                checked_sum(a + b, a, b)
            },
            concat!($prefix, "mi") => |a: $left, b: $right| {
                let (a, b) = (<$out>::from(a), <$out>::from(b));
                checked_sum(a - b, a, b)
            },
            concat!($prefix, "mul") => |a: $left, b: $right| {
                let (a, b) = (<$out>::from(a), <$out>::from(b));
                checked_product(a * b, a, b)
            },
            concat!($prefix, "div") => |a: $left, b: $right| {
                let (a, b) = (<$out>::from(a), <$out>::from(b));
                checked_quotient(a / b, a, b)
            },
        };
    };
}

arithmetic!(ARITHMETIC_4: "float4", f32, f32 => f32);
arithmetic!(ARITHMETIC_8: "float8", f64, f64 => f64);
arithmetic!(ARITHMETIC_48: "float48", f32, f64 => f64);
arithmetic!(ARITHMETIC_84: "float84", f64, f32 => f64);

macro_rules! comparison {
    ($table:ident: $prefix:literal, $left:ty, $right:ty) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            concat!($prefix, "eq") => |a: $left, b: $right| compare(a.into(), b.into()).is_eq(),
            concat!($prefix, "ne") => |a: $left, b: $right| compare(a.into(), b.into()).is_ne(),
            concat!($prefix, "lt") => |a: $left, b: $right| compare(a.into(), b.into()).is_lt(),
            concat!($prefix, "le") => |a: $left, b: $right| compare(a.into(), b.into()).is_le(),
            concat!($prefix, "gt") => |a: $left, b: $right| compare(a.into(), b.into()).is_gt(),
            concat!($prefix, "ge") => |a: $left, b: $right| compare(a.into(), b.into()).is_ge(),
            concat!("bt", $prefix, "cmp") => |a: $left, b: $right| compare(a.into(), b.into()) as i32,
        };
    };
}

comparison!(COMPARE_4: "float4", f32, f32);
comparison!(COMPARE_8: "float8", f64, f64);
comparison!(COMPARE_48: "float48", f32, f64);
comparison!(COMPARE_84: "float84", f64, f32);

macro_rules! unary {
    ($table:ident: $prefix:literal, $ty:ty) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            concat!($prefix, "um") => |a: $ty| -a,
            concat!($prefix, "up") => |a: $ty| a,
            concat!($prefix, "abs") => |a: $ty| a.abs(),
            concat!($prefix, "larger") => |a: $ty, b: $ty| if compare(a.into(), b.into()).is_gt() { a } else { b },
            concat!($prefix, "smaller") => |a: $ty, b: $ty| if compare(a.into(), b.into()).is_lt() { a } else { b },
        };
    };
}

unary!(UNARY_4: "float4", f32);
unary!(UNARY_8: "float8", f64);

const CASTS: &[(&str, ScalarFn)] = kernels! {
    "i2tof" => |a: i16| f32::from(a),
    "i2tod" => |a: i16| f64::from(a),
    "i4tof" => |a: i32| a as f32,
    "i4tod" => |a: i32| f64::from(a),
    "i8tof" => |a: i64| a as f32,
    "i8tod" => |a: i64| a as f64,
    "ftod" => |a: f32| f64::from(a),
    "dtof" => |a: f64| narrow(a),
    "ftoi2" => |a: f32| to_int2(a.into()),
    "ftoi4" => |a: f32| to_int4(a.into()),
    "ftoi8" => |a: f32| to_int8(a.into()),
    "dtoi2" => |a: f64| to_int2(a),
    "dtoi4" => |a: f64| to_int4(a),
    "dtoi8" => |a: f64| to_int8(a),
};

/// `double precision` to `real`.
pub(crate) fn narrow(value: f64) -> Result<f32> {
    let result = value as f32;
    if result.is_infinite() && !value.is_infinite() {
        return Err(overflow());
    }
    if result == 0.0 && value != 0.0 {
        return Err(underflow());
    }
    Ok(result)
}

/// Rounds half to even, as C's `rint`.
pub(crate) fn to_int2(value: f64) -> Result<i16> {
    let value = value.round_ties_even();
    if (-32768.0..32768.0).contains(&value) { Ok(value as i16) } else { Err(out_of_range::<i16>()) }
}

pub(crate) fn to_int4(value: f64) -> Result<i32> {
    let value = value.round_ties_even();
    if (-2147483648.0..2147483648.0).contains(&value) { Ok(value as i32) } else { Err(out_of_range::<i32>()) }
}

/// `double precision` to `bigint`, rounding half to even.
pub(crate) fn to_int8(value: f64) -> Result<i64> {
    let value = value.round_ties_even();
    let limit = 9223372036854775808.0;
    if (-limit..limit).contains(&value) { Ok(value as i64) } else { Err(out_of_range::<i64>()) }
}

const IN_RANGE: &[(&str, ScalarFn)] = kernels! {
    "in_range_float8_float8" => |v: f64, base: f64, off: f64, sub: bool, less: bool| window_bound(v, base, off, sub, less),
    "in_range_float4_float8" => |v: f32, base: f32, off: f64, sub: bool, less: bool| {
        window_bound(v.into(), base.into(), off, sub, less)
    },
};

/// `value <= base ± offset` (or `>=`), NaN in a frame with NaN only, infinities in a frame of their own.
fn window_bound(value: f64, base: f64, offset: f64, subtract: bool, less: bool) -> Result<bool> {
    if offset.is_nan() || offset < 0.0 {
        return Err(bad_window_offset());
    }
    if value.is_nan() {
        return Ok(if base.is_nan() { true } else { !less });
    }
    if base.is_nan() {
        return Ok(less);
    }
    // ∞ - ∞ would be NaN; PostgreSQL takes such a bound as including everything.
    if offset.is_infinite() && base.is_infinite() && (base > 0.0) == subtract {
        return Ok(true);
    }
    let bound = if subtract { base - offset } else { base + offset };
    Ok(if less { value <= bound } else { value >= bound })
}
