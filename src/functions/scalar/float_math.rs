//! Mathematics on `double precision`: roots, powers, logarithms, trigonometry in radians and degrees, `random()`.
//!
//! Degree functions are exact where the exact result is representable (`sind(30) = 0.5`), by scaling with the computed
//! values at 30, 45 and 60 degrees as PostgreSQL does.

use std::f64::consts::{LN_2, PI};
use std::sync::LazyLock;

use dictdb_types::{Error, Result, SqlState, bail};

use super::float::{checked_product, checked_quotient, compare, overflow, underflow};
use super::integer::out_of_range;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "dround" => |a: f64| a.round_ties_even(),
    "dceil" => |a: f64| a.ceil(),
    "dfloor" => |a: f64| a.floor(),
    "dtrunc" => |a: f64| a.trunc(),
    "dsign" => |a: f64| if a > 0.0 { 1.0 } else if a < 0.0 { -1.0 } else { 0.0 },
    "dsqrt" => |a: f64| sqrt(a),
    // Correctly rounded, which older C libraries under PostgreSQL are not: there the cube root of 27 is not 3.
    "dcbrt" => |a: f64| a.cbrt(),
    "dpow" => |a: f64, b: f64| power(a, b),
    "dexp" => |a: f64| exp(a),
    "dlog1" => |a: f64| logarithm(a, f64::ln),
    "dlog10" => |a: f64| logarithm(a, f64::log10),
    "dpi" => | | PI,
    "degrees" => |a: f64| degrees(a),
    "radians" => |a: f64| scale(a, PI / 180.0),
    "dsin" => |a: f64| bounded(a, f64::sin),
    "dcos" => |a: f64| bounded(a, f64::cos),
    "dtan" => |a: f64| bounded(a, f64::tan),
    "dcot" => |a: f64| bounded(a, |a| 1.0 / a.tan()),
    "dasin" => |a: f64| unit(a, f64::asin),
    "dacos" => |a: f64| unit(a, f64::acos),
    "datan" => |a: f64| a.atan(),
    "datan2" => |y: f64, x: f64| y.atan2(x),
    "dsinh" => |a: f64| a.sinh(),
    "dcosh" => |a: f64| a.cosh(),
    "dtanh" => |a: f64| a.tanh(),
    "dasinh" => |a: f64| asinh(a),
    "dacosh" => |a: f64| if a < 1.0 { Err(input_out_of_range()) } else { Ok(acosh(a)) },
    "datanh" => |a: f64| if !(-1.0..=1.0).contains(&a) && !a.is_nan() { Err(input_out_of_range()) } else { Ok(atanh(a)) },
    "dsind" => |a: f64| bounded(a, sind),
    "dcosd" => |a: f64| bounded(a, cosd),
    "dtand" => |a: f64| bounded(a, tand),
    "dcotd" => |a: f64| bounded(a, cotd),
    "dasind" => |a: f64| unit(a, |a| if a >= 0.0 { asind_q1(a) } else { -asind_q1(-a) }),
    "dacosd" => |a: f64| unit(a, |a| if a >= 0.0 { acosd_q1(a) } else { 90.0 + asind_q1(-a) }),
    "datand" => |a: f64| a.atan() / DEGREES.atan_1 * 45.0,
    "datan2d" => |y: f64, x: f64| y.atan2(x) / DEGREES.atan_1 * 45.0,
    "width_bucket_float8" => |v: f64, low: f64, high: f64, count: i32| width_bucket(v, low, high, count),
};

const LARGE: f64 = (1u64 << 28) as f64;

/// Inverse hyperbolic sine by the C library's formulas, so that the last digit agrees; the next two likewise.
fn asinh(value: f64) -> f64 {
    let x = value.abs();
    let result = if !x.is_finite() || x < 1.0 / LARGE {
        return value;
    } else if x > LARGE {
        x.ln() + LN_2
    } else if x > 2.0 {
        (2.0 * x + 1.0 / ((x * x + 1.0).sqrt() + x)).ln()
    } else {
        let square = x * x;
        (x + square / (1.0 + (1.0 + square).sqrt())).ln_1p()
    };
    result.copysign(value)
}

/// Of values from 1.
fn acosh(value: f64) -> f64 {
    if !value.is_finite() {
        value
    } else if value >= LARGE {
        value.ln() + LN_2
    } else if value > 2.0 {
        (2.0 * value - 1.0 / (value + (value * value - 1.0).sqrt())).ln()
    } else {
        let above = value - 1.0;
        (above + (2.0 * above + above * above).sqrt()).ln_1p()
    }
}

/// Of values from -1 to 1.
fn atanh(value: f64) -> f64 {
    let x = value.abs();
    let result = if x < 1.0 / LARGE {
        x
    } else if x < 0.5 {
        0.5 * (2.0 * x + 2.0 * x * x / (1.0 - x)).ln_1p()
    } else {
        0.5 * (2.0 * x / (1.0 - x)).ln_1p()
    };
    result.copysign(value)
}

#[cold]
fn input_out_of_range() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range")
}

pub(crate) fn sqrt(value: f64) -> Result<f64> {
    if value < 0.0 {
        bail!(INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number");
    }
    Ok(value.sqrt())
}

fn exp(value: f64) -> Result<f64> {
    let result = value.exp();
    if result.is_infinite() && !value.is_infinite() {
        return Err(overflow());
    }
    if result == 0.0 && !value.is_infinite() {
        return Err(underflow());
    }
    Ok(result)
}

fn logarithm(value: f64, log: fn(f64) -> f64) -> Result<f64> {
    if value == 0.0 {
        bail!(INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of zero");
    }
    if value < 0.0 {
        bail!(INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of a negative number");
    }
    Ok(log(value))
}

fn power(base: f64, exponent: f64) -> Result<f64> {
    if base == 0.0 && exponent < 0.0 {
        bail!(INVALID_ARGUMENT_FOR_POWER_FUNCTION, "zero raised to a negative power is undefined");
    }
    if base < 0.0 && exponent.floor() != exponent && !exponent.is_nan() {
        bail!(
            INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "a negative number raised to a non-integer power yields a complex result"
        );
    }
    let result = base.powf(exponent);
    if base.is_infinite() || exponent.is_infinite() || base.is_nan() || exponent.is_nan() {
        return Ok(result);
    }
    if result.is_infinite() {
        return Err(overflow());
    }
    if result == 0.0 && base != 0.0 {
        return Err(underflow());
    }
    Ok(result)
}

fn scale(value: f64, factor: f64) -> Result<f64> {
    checked_product(value * factor, value, factor)
}

/// A quotient, whose last digit is not that of the product with the inverse.
fn degrees(radians: f64) -> Result<f64> {
    const RADIANS_PER_DEGREE: f64 = PI / 180.0;
    checked_quotient(radians / RADIANS_PER_DEGREE, radians, RADIANS_PER_DEGREE)
}

/// A function that infinity is no input of.
fn bounded(value: f64, function: fn(f64) -> f64) -> Result<f64> {
    if value.is_infinite() { Err(input_out_of_range()) } else { Ok(function(value)) }
}

/// A function of -1 to 1.
fn unit(value: f64, function: fn(f64) -> f64) -> Result<f64> {
    if !value.is_nan() && !(-1.0..=1.0).contains(&value) { Err(input_out_of_range()) } else { Ok(function(value)) }
}

/// Values at the anchor angles, computed once so that scaled results come out exact.
struct Anchors {
    sin_30: f64,
    one_minus_cos_60: f64,
    asin_half: f64,
    acos_half: f64,
    atan_1: f64,
    tan_45: f64,
    cot_45: f64,
}

const RADIANS_PER_DEGREE: f64 = PI / 180.0;

static DEGREES: LazyLock<Anchors> = LazyLock::new(|| {
    let mut anchors = Anchors {
        sin_30: (30.0 * RADIANS_PER_DEGREE).sin(),
        one_minus_cos_60: 1.0 - (60.0 * RADIANS_PER_DEGREE).cos(),
        asin_half: 0.5f64.asin(),
        acos_half: 0.5f64.acos(),
        atan_1: 1.0f64.atan(),
        tan_45: 1.0,
        cot_45: 1.0,
    };
    let (sin, cos) = (anchors.sin_q1(45.0), anchors.cos_q1(45.0));
    anchors.tan_45 = sin / cos;
    anchors.cot_45 = cos / sin;
    anchors
});

impl Anchors {
    fn sin_to_30(&self, degrees: f64) -> f64 {
        (degrees * RADIANS_PER_DEGREE).sin() / self.sin_30 / 2.0
    }

    fn cos_to_60(&self, degrees: f64) -> f64 {
        1.0 - (1.0 - (degrees * RADIANS_PER_DEGREE).cos()) / self.one_minus_cos_60 / 2.0
    }

    /// Sine in the first quadrant.
    fn sin_q1(&self, degrees: f64) -> f64 {
        if degrees <= 30.0 { self.sin_to_30(degrees) } else { self.cos_to_60(90.0 - degrees) }
    }

    /// Cosine in the first quadrant.
    fn cos_q1(&self, degrees: f64) -> f64 {
        if degrees <= 60.0 { self.cos_to_60(degrees) } else { self.sin_to_30(90.0 - degrees) }
    }
}

fn asind_q1(value: f64) -> f64 {
    if value <= 0.5 { value.asin() / DEGREES.asin_half * 30.0 } else { 90.0 - value.acos() / DEGREES.acos_half * 60.0 }
}

fn acosd_q1(value: f64) -> f64 {
    if value <= 0.5 { 90.0 - value.asin() / DEGREES.asin_half * 30.0 } else { value.acos() / DEGREES.acos_half * 60.0 }
}

/// An angle folded into the first quadrant, and what the folds did to the signs of sine and cosine.
struct Folded {
    degrees: f64,
    sin_sign: f64,
    cos_sign: f64,
}

fn fold(degrees: f64) -> Folded {
    let mut folded = Folded { degrees: degrees % 360.0, sin_sign: 1.0, cos_sign: 1.0 };
    if folded.degrees < 0.0 {
        folded.degrees = -folded.degrees;
        folded.sin_sign = -folded.sin_sign;
    }
    if folded.degrees > 180.0 {
        folded.degrees = 360.0 - folded.degrees;
        folded.sin_sign = -folded.sin_sign;
    }
    if folded.degrees > 90.0 {
        folded.degrees = 180.0 - folded.degrees;
        folded.cos_sign = -folded.cos_sign;
    }
    folded
}

fn sind(value: f64) -> f64 {
    let angle = fold(value);
    angle.sin_sign * DEGREES.sin_q1(angle.degrees)
}

fn cosd(value: f64) -> f64 {
    let angle = fold(value);
    angle.cos_sign * DEGREES.cos_q1(angle.degrees)
}

fn tand(value: f64) -> f64 {
    let angle = fold(value);
    let ratio = DEGREES.sin_q1(angle.degrees) / DEGREES.cos_q1(angle.degrees);
    // Adding zero turns a negative zero into a positive one.
    angle.sin_sign * angle.cos_sign * (ratio / DEGREES.tan_45) + 0.0
}

fn cotd(value: f64) -> f64 {
    let angle = fold(value);
    let ratio = DEGREES.cos_q1(angle.degrees) / DEGREES.sin_q1(angle.degrees);
    angle.sin_sign * angle.cos_sign * (ratio / DEGREES.cot_45) + 0.0
}

/// `width_bucket` over floats: 2201G for bad bounds or count, 22003 past `integer`.
fn width_bucket(value: f64, low: f64, high: f64, count: i32) -> Result<i32> {
    check_bucket_count(count)?;
    if value.is_nan() || low.is_nan() || high.is_nan() {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "operand, lower bound, and upper bound cannot be NaN");
    }
    if low.is_infinite() || high.is_infinite() {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "lower and upper bounds must be finite");
    }
    if compare(low, high).is_eq() {
        return Err(equal_bounds());
    }
    let (below, above) = if low < high { (value < low, value >= high) } else { (value > low, value <= high) };
    if below {
        return Ok(0);
    }
    if above {
        return count.checked_add(1).ok_or_else(out_of_range::<i32>);
    }
    // As PostgreSQL 15 rounds it: a value right below the upper bound may be in the bucket beyond the last.
    let (distance, width) = if low < high { (value - low, high - low) } else { (low - value, low - high) };
    let bucket = f64::from(count) * distance / width + 1.0;
    let is_integer = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&bucket);
    // What no integer can hold is the smallest one, as the processor converts it.
    Ok(if is_integer { bucket as i32 } else { i32::MIN })
}

/// 2201G unless positive.
pub(super) fn check_bucket_count(count: i32) -> Result<()> {
    if count <= 0 {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "count must be greater than zero");
    }
    Ok(())
}

/// 2201G.
pub(super) fn equal_bounds() -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "lower bound cannot equal upper bound")
}
