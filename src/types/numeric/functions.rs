//! Square root, exponential, logarithms and power, with the result scales that PostgreSQL chooses.
//!
//! Each function first estimates the decimal weight of its result the way `numeric.c` does, because the number of
//! digits shown depends on it, and then computes with enough guard digits to round correctly.

use std::f64::consts::{LN_10, LOG10_E};

use num_bigint::BigInt;

use super::rounding::divide_rounded;
use super::{
    MAX_DISPLAY_SCALE, MAX_INTEGER_DIGITS, MAX_SCALE, MIN_SIGNIFICANT_DIGITS, Numeric, fixed, overflow, pow10,
};
use crate::{Error, Result, SqlState};

/// `|x|` from which `exp(x)` overflows or is zero.
const EXP_LIMIT: f64 = 6000.0;
/// Exact powers are computed up to this many digits; beyond, only the significant ones.
const MAX_EXACT_DIGITS: u64 = 200_000;

fn argument_of_logarithm(message: &str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_LOG, message)
}

fn argument_of_power(message: &str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message)
}

/// The scale for a result of this decimal weight.
fn scale_for(weight: i64, at_least: &[&Numeric]) -> i64 {
    let wanted = at_least.iter().map(|n| i64::from(n.dscale())).fold(MIN_SIGNIFICANT_DIGITS - weight, i64::max);
    wanted.clamp(0, MAX_DISPLAY_SCALE)
}

/// Binary digits that hold this many decimal ones.
fn bits_for(digits: i64) -> u64 {
    (digits.max(0) as f64 * std::f64::consts::LOG2_10) as u64 + 16
}

/// `fixed / 2^bits` with `scale` digits after the point.
fn from_fixed(fixed: BigInt, bits: u64, scale: i64) -> Result<Numeric> {
    let coefficient = divide_rounded(fixed * pow10(scale.unsigned_abs()), BigInt::from(1) << bits);
    Numeric::from_big(coefficient, scale.unsigned_abs())
}

impl Numeric {
    /// `sqrt(self)`; 2201F below zero.
    pub fn sqrt(&self) -> Result<Self> {
        if self.is_negative() {
            return Err(argument_of_power("cannot take square root of a negative number"));
        }
        let weight = self.leading_groups(1).map_or(0, |(weight, _)| weight);
        self.sqrt_to(scale_for((weight + 1) * 4 / 2 - 1, &[self]))
    }

    /// `sqrt(self)` of a value that is not negative, with `scale` digits after the point.
    pub fn sqrt_to(&self, scale: i64) -> Result<Self> {
        let Some((coefficient, from)) = self.finite() else { return Ok(self.clone()) };
        // sqrt(c / 10^from) * 10^(scale+1), cut; the digit too many decides the rounding.
        let shift = 2 * (scale + 1) - i64::from(from);
        let power = pow10(shift.unsigned_abs());
        let root = if shift >= 0 { coefficient * power } else { coefficient / power }.sqrt();
        Self::from_big(divide_rounded(root, BigInt::from(10)), scale.unsigned_abs())
    }

    /// `exp(self)`; 22003.
    pub fn exp(&self) -> Result<Self> {
        if !self.is_finite() {
            return Ok(if self.is_negative() { Self::ZERO } else { self.clone() });
        }
        let weight = (self.to_f64_lossy() * LOG10_E).clamp(-2000.0, 2000.0) as i64;
        let scale = scale_for(weight, &[self]);
        let x = self.to_f64_lossy();
        if x.abs() >= EXP_LIMIT {
            return if x > 0.0 { Err(overflow()) } else { Ok(Self::new(0, scale as u16)) };
        }
        let bits = bits_for(scale + (x.abs() * LOG10_E) as i64 + 10);
        exp_fixed(&self.to_fixed(bits), bits, scale)
    }

    /// A finite value in binary fixed point.
    fn to_fixed(&self, bits: u64) -> BigInt {
        match self.finite() {
            Some((coefficient, scale)) => (coefficient << bits) / pow10(u64::from(scale)),
            None => BigInt::default(),
        }
    }

    /// Errors of `ln` and `log` for arguments that are not above zero.
    fn check_logarithm(&self) -> Result<()> {
        match self.signum() {
            -1 => Err(argument_of_logarithm("cannot take logarithm of a negative number")),
            0 if !self.is_nan() => Err(argument_of_logarithm("cannot take logarithm of zero")),
            _ => Ok(()),
        }
    }

    /// `ln(self)`; 2201E.
    pub fn ln(&self) -> Result<Self> {
        self.check_logarithm()?;
        if !self.is_finite() {
            return Ok(self.clone());
        }
        let scale = scale_for(self.ln_weight(), &[self]);
        let bits = bits_for(scale + 10);
        from_fixed(self.ln_fixed(bits), bits, scale)
    }

    /// `ln` of a finite positive value in binary fixed point.
    fn ln_fixed(&self, bits: u64) -> BigInt {
        match self.finite() {
            Some((coefficient, scale)) => fixed::ln(&coefficient, &pow10(u64::from(scale)), bits),
            None => BigInt::default(),
        }
    }

    /// PostgreSQL's estimate of the decimal weight of `ln(self)`.
    fn ln_weight(&self) -> i64 {
        let near_one = *self >= Self::new(9, 1) && *self <= Self::new(11, 1);
        if near_one {
            return self.sub(&Self::ONE).ok().and_then(|x| x.leading_exponent()).unwrap_or(0);
        }
        let Some((weight, leading)) = self.leading_groups(2) else { return 0 };
        let ln = (leading as f64).ln() + ((weight - 1) * 4) as f64 * LN_10;
        ln.abs().log10() as i64
    }

    /// `log(base, self)`; 2201E, 22012 for base one.
    pub fn log(&self, base: &Self) -> Result<Self> {
        if self.is_nan() || base.is_nan() {
            return Ok(Self::NAN);
        }
        base.check_logarithm()?;
        self.check_logarithm()?;
        match (base.is_infinite(), self.is_infinite()) {
            (true, true) => return Ok(Self::NAN),
            (true, false) => return Ok(Self::ZERO),
            (false, true) => return Ok(Self::INFINITY),
            (false, false) => {}
        }
        let (base_weight, weight) = (base.ln_weight(), self.ln_weight());
        let scale = scale_for(weight - base_weight, &[base, self]);
        // Each logarithm needs as many significant digits as the quotient and some more.
        let digits = (scale - base_weight).max(scale + weight - 2 * base_weight) + 20;
        let bits = bits_for(digits.max(scale + 20));
        let (ln_base, ln_self) = (base.ln_fixed(bits), self.ln_fixed(bits));
        if ln_base == BigInt::default() {
            return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        from_fixed((ln_self << bits) / ln_base, bits, scale)
    }

    /// `log(self)`, base ten.
    pub fn log10(&self) -> Result<Self> {
        self.log(&Self::new(10, 0))
    }

    /// `power(self, exponent)`; 2201F, 22003.
    pub fn power(&self, exponent: &Self) -> Result<Self> {
        if let Some(one_or_nan) = self.power_with_nan(exponent) {
            return Ok(one_or_nan);
        }
        let integral = exponent.is_infinite() || exponent.is_integral();
        if self.is_zero() && exponent.is_negative() {
            return Err(argument_of_power("zero raised to a negative power is undefined"));
        }
        if self.is_negative() && !integral {
            return Err(argument_of_power("a negative number raised to a non-integer power yields a complex result"));
        }
        if !self.is_finite() || !exponent.is_finite() {
            return Ok(self.power_with_infinity(exponent));
        }
        match exponent.to_i32() {
            Ok(n) if integral => self.power_integer(n),
            _ => self.power_real(exponent, integral && exponent.is_odd()),
        }
    }

    /// POSIX: NaN ^ 0 = 1, 1 ^ NaN = 1, otherwise NaN stays.
    fn power_with_nan(&self, exponent: &Self) -> Option<Self> {
        match (self.is_nan(), exponent.is_nan()) {
            (false, false) => None,
            (true, false) if exponent.is_zero() => Some(Self::ONE),
            (false, true) if *self == Self::ONE => Some(Self::ONE),
            _ => Some(Self::NAN),
        }
    }

    /// POSIX's rules where at least one operand is infinite.
    fn power_with_infinity(&self, exponent: &Self) -> Self {
        if *self == Self::ONE || exponent.is_zero() {
            return Self::ONE;
        }
        if self.is_zero() {
            return Self::ZERO;
        }
        let grows = exponent.signum() > 0;
        if exponent.is_infinite() {
            return match self.abs().cmp(&Self::ONE) {
                std::cmp::Ordering::Equal => Self::ONE,
                by_one if by_one.is_gt() == grows => Self::INFINITY,
                _ => Self::ZERO,
            };
        }
        match grows {
            false => Self::ZERO,
            true => Self::infinity(self.is_negative() && exponent.is_odd()),
        }
    }

    fn is_odd(&self) -> bool {
        self.trim_scale().finite().is_some_and(|(coefficient, scale)| scale == 0 && coefficient.bit(0))
    }

    /// A power whose exponent is an `integer`: at least 16 digits after the point, whatever stands before it.
    fn power_integer(&self, n: i32) -> Result<Self> {
        let scale = MIN_SIGNIFICANT_DIGITS.max(i64::from(self.dscale())).min(MAX_DISPLAY_SCALE);
        match n {
            0 => return Self::ONE.round(scale as i32),
            1 => return self.round(scale as i32),
            -1 => return Self::ONE.div_to_scale(self, scale),
            _ if self.is_zero() => return Ok(Self::new(0, scale as u16)),
            _ => {}
        }
        // self ~ leading * 10^(4 * (weight - 3)), so this is nearly the decimal weight of the result.
        let (weight, leading) = self.leading_groups(4).ok_or_else(overflow)?;
        let weight = f64::from(n) * ((leading as f64).log10() + (4 * (weight - 3)) as f64);
        if weight > (MAX_INTEGER_DIGITS + 4) as f64 {
            return Err(overflow());
        }
        if weight + 1.0 < -(scale as f64) {
            return Ok(Self::new(0, scale as u16));
        }
        self.power_by_squaring(n, scale, scale + weight as i64)
    }

    /// `self^n`, exactly where that is small and otherwise with the digits that the result shows.
    fn power_by_squaring(&self, n: i32, scale: i64, significant: i64) -> Result<Self> {
        let (coefficient, from) = self.finite().ok_or_else(overflow)?;
        let count = n.unsigned_abs();
        let exact_digits = super::digit_count(coefficient.magnitude()) * u64::from(count);
        let keep = match exact_digits <= MAX_EXACT_DIGITS {
            true => u64::MAX,
            false => significant.max(0).unsigned_abs() + 24,
        };
        let (mantissa, dropped) = power_truncated(&coefficient, count, keep);
        // The value is mantissa * 10^(dropped - from * count).
        let exponent = dropped as i64 - i64::from(from) * i64::from(count);
        let shift = if n > 0 { scale + exponent } else { scale - exponent };
        let power = pow10(shift.unsigned_abs());
        let (dividend, divisor) = match (n > 0, shift >= 0) {
            (true, true) => return Self::from_big(mantissa * power, scale.unsigned_abs()),
            (true, false) => (mantissa, power),
            (false, true) => (power, mantissa),
            (false, false) => (BigInt::from(1), mantissa * power),
        };
        Self::from_big(divide_rounded(dividend, divisor), scale.unsigned_abs())
    }

    /// A power with a fractional or huge exponent, through the logarithm of the magnitude.
    fn power_real(&self, exponent: &Self, odd: bool) -> Result<Self> {
        if self.is_zero() {
            return Ok(Self::new(0, MIN_SIGNIFICANT_DIGITS as u16));
        }
        let magnitude = self.abs();
        let ln_weight = magnitude.ln_weight();
        // The scale follows from eight digits of the logarithm, rounded where PostgreSQL rounds them.
        let rough_scale = (8 - ln_weight).clamp(0, i64::from(MAX_SCALE));
        let rough_bits = bits_for(rough_scale + 10);
        let rough = from_fixed(magnitude.ln_fixed(rough_bits), rough_bits, rough_scale)?;
        let x = rough.mul(exponent)?.rounded(rough_scale as i32)?.to_f64_lossy();
        if x.abs() > EXP_LIMIT * 1.003_333 {
            return if x > 0.0 { Err(overflow()) } else { Ok(Self::new(0, MAX_DISPLAY_SCALE as u16)) };
        }
        let weight = (x * LOG10_E) as i64;
        let scale = scale_for(weight, &[self, exponent]);
        if x.abs() >= EXP_LIMIT {
            return if x > 0.0 { Err(overflow()) } else { Ok(Self::new(0, scale as u16)) };
        }
        let bits = bits_for(scale + weight.abs() + exponent.leading_exponent().unwrap_or(0).max(0) + 20);
        let (coefficient, from) = exponent.finite().ok_or_else(overflow)?;
        let argument = magnitude.ln_fixed(bits) * coefficient / pow10(u64::from(from));
        let result = exp_fixed(&argument, bits, scale)?;
        Ok(if odd && self.is_negative() { result.neg() } else { result })
    }
}

/// `e^(x / 2^bits)` with `scale` digits after the point.
fn exp_fixed(x: &BigInt, bits: u64, scale: i64) -> Result<Numeric> {
    let (mantissa, k) = fixed::exp(x, bits);
    let shift = bits as i64 - k;
    let dividend = mantissa * pow10(scale.unsigned_abs());
    match shift {
        0.. => {
            Numeric::from_big(divide_rounded(dividend, BigInt::from(1) << shift.unsigned_abs()), scale.unsigned_abs())
        }
        _ => Numeric::from_big(dividend << shift.unsigned_abs(), scale.unsigned_abs()),
    }
}

/// `base^n` with at most `keep` leading digits, and the power of ten that was dropped.
fn power_truncated(base: &BigInt, n: u32, keep: u64) -> (BigInt, u64) {
    let trim = |value: BigInt, dropped: u64| -> (BigInt, u64) {
        // Cutting costs a division, so a few digits too many are left alone.
        if keep == u64::MAX || value.bits() < bits_for(keep as i64 + 16) {
            return (value, dropped);
        }
        let excess = super::digit_count(value.magnitude()).saturating_sub(keep);
        (value / pow10(excess), dropped + excess)
    };
    let (mut result, mut dropped) = (BigInt::from(1), 0);
    for bit in (0..u32::BITS - n.leading_zeros()).rev() {
        (result, dropped) = trim(&result * &result, dropped * 2);
        if n >> bit & 1 == 1 {
            (result, dropped) = trim(result * base, dropped);
        }
    }
    (result, dropped)
}
