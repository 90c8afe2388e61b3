//! `numeric`: exact decimal numbers with a display scale, NaN and infinities.
//!
//! A finite value is `coefficient / 10^scale`, where `scale` is PostgreSQL's display scale: `1.50` is `(150, 2)` and
//! stays so. Coefficients that fit a machine word are inline and take the fast path of every operation; the rest are
//! big integers behind an `Arc`. Results, their scales and their errors are those of PostgreSQL 15's `numeric.c`.
//!
//! ```text
//!   text        numeric_in, numeric_out          convert     integers, floats
//!   binary      base 10000 wire form             rounding    round, trunc, ceil, typmod, scales
//!   arithmetic  + - * / % div gcd lcm !          compare     order, equality, hash, key digits
//!   functions   sqrt exp ln log power            fixed       binary fixed point under `functions`
//!   view        small numbers in Arrow's views    wide        two words, outside of `Numeric`
//! ```
//!
//! The SQL functions themselves are in the functions crate and call the methods here.

use std::sync::Arc;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{Signed, ToPrimitive};

use crate::{Error, Result, SqlState};

mod arithmetic;
mod binary;
mod compare;
mod convert;
mod fixed;
mod functions;
mod moments;
mod rounding;
#[cfg(test)]
mod tests;
mod text;
mod view;
mod wide;

pub use moments::Moments;
pub use rounding::precision_and_scale;
pub use text::NumericText;
pub use view::{SmallNumeric, rescaled};
pub use wide::WideNumeric;

/// Most digits before the decimal point.
pub const MAX_INTEGER_DIGITS: u64 = 131_072;
/// Most digits after the decimal point.
pub const MAX_SCALE: u16 = 16_383;
/// Most digits after the point that division and transcendental functions choose by themselves.
const MAX_DISPLAY_SCALE: i64 = 1000;
/// Significant digits that those functions give at least.
const MIN_SIGNIFICANT_DIGITS: i64 = 16;

/// An exact decimal: `coefficient / 10^scale`, or one of the three special values.
///
/// Small coefficients are inline; the representation is canonical, so a value that fits inline is never boxed.
#[derive(Clone, Debug)]
pub struct Numeric(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Small { coefficient: i64, scale: u16 },
    Big(Arc<(BigInt, u16)>),
    NaN,
    Infinity,
    NegInfinity,
}

/// A value taken apart, for code that must treat every kind.
#[derive(Clone, Debug)]
pub enum Parts<'a> {
    /// A finite value with a small coefficient.
    Small(i64, u16),
    /// A finite value whose coefficient does not fit an `i64`.
    Big(&'a BigInt, u16),
    /// NaN.
    NaN,
    /// Infinity; `true` for the negative one.
    Infinity(bool),
}

/// 22003 `value overflows numeric format`.
fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

/// `10^n` that fits an `i64`.
const POW10: [i64; 19] = {
    let mut table = [1; 19];
    let mut n = 1;
    while n < 19 {
        table[n] = table[n - 1] * 10;
        n += 1;
    }
    table
};

/// `10^n` for any `n`.
fn pow10(n: u64) -> BigInt {
    match POW10.get(n as usize) {
        Some(&power) => BigInt::from(power),
        None => BigInt::from(10u32).pow(u32::try_from(n).unwrap_or(u32::MAX)),
    }
}

/// Number of decimal digits of a magnitude; zero has none.
fn digit_count(magnitude: &BigUint) -> u64 {
    let bits = magnitude.bits();
    if bits == 0 {
        return 0;
    }
    // 2^(bits-1) <= m < 2^bits, so this is the count or one less.
    let low = ((bits - 1) as f64 * std::f64::consts::LOG10_2) as u64;
    match magnitude.to_u128() {
        Some(small) => u64::from(small.ilog10()) + 1,
        _ if *magnitude >= *pow10(low + 1).magnitude() => low + 2,
        _ if *magnitude >= *pow10(low).magnitude() => low + 1,
        _ => low,
    }
}

impl Numeric {
    /// Zero.
    pub const ZERO: Numeric = Numeric::new(0, 0);
    /// One.
    pub const ONE: Numeric = Numeric::new(1, 0);
    /// NaN, which equals itself and is larger than everything else.
    pub const NAN: Numeric = Numeric(Repr::NaN);
    /// Infinity.
    pub const INFINITY: Numeric = Numeric(Repr::Infinity);
    /// Minus infinity.
    pub const NEG_INFINITY: Numeric = Numeric(Repr::NegInfinity);

    /// `coefficient / 10^scale`. The scale must not pass [`MAX_SCALE`].
    pub const fn new(coefficient: i64, scale: u16) -> Self {
        debug_assert!(scale <= MAX_SCALE);
        Numeric(Repr::Small { coefficient, scale })
    }

    /// `coefficient / 10^scale`; 22003 beyond numeric's limits.
    pub fn from_big(coefficient: BigInt, scale: u64) -> Result<Self> {
        let scale = u16::try_from(scale).ok().filter(|s| *s <= MAX_SCALE).ok_or_else(overflow)?;
        // A coefficient below 2^435411 has at most 131072 digits whatever its scale.
        if coefficient.bits() > 435_411 && digit_count(coefficient.magnitude()) > MAX_INTEGER_DIGITS + u64::from(scale)
        {
            return Err(overflow());
        }
        Ok(Self::canonical(coefficient, scale))
    }

    /// `coefficient / 10^scale` of a double-width product or sum.
    pub fn from_i128(coefficient: i128, scale: u16) -> Self {
        match i64::try_from(coefficient) {
            Ok(small) => Self::new(small, scale),
            Err(_) => Numeric(Repr::Big(Arc::new((BigInt::from(coefficient), scale)))),
        }
    }

    fn canonical(coefficient: BigInt, scale: u16) -> Self {
        match coefficient.to_i64() {
            Some(small) => Self::new(small, scale),
            None => Numeric(Repr::Big(Arc::new((coefficient, scale)))),
        }
    }

    /// An infinity.
    pub const fn infinity(negative: bool) -> Self {
        if negative { Self::NEG_INFINITY } else { Self::INFINITY }
    }

    /// The value taken apart.
    pub fn parts(&self) -> Parts<'_> {
        match &self.0 {
            Repr::Small { coefficient, scale } => Parts::Small(*coefficient, *scale),
            Repr::Big(big) => Parts::Big(&big.0, big.1),
            Repr::NaN => Parts::NaN,
            Repr::Infinity => Parts::Infinity(false),
            Repr::NegInfinity => Parts::Infinity(true),
        }
    }

    /// Coefficient and scale of a finite value.
    fn finite(&self) -> Option<(BigInt, u16)> {
        match &self.0 {
            Repr::Small { coefficient, scale } => Some((BigInt::from(*coefficient), *scale)),
            Repr::Big(big) => Some((big.0.clone(), big.1)),
            _ => None,
        }
    }

    /// Whether this is NaN.
    pub fn is_nan(&self) -> bool {
        matches!(self.0, Repr::NaN)
    }

    /// Whether this is one of the infinities.
    pub fn is_infinite(&self) -> bool {
        matches!(self.0, Repr::Infinity | Repr::NegInfinity)
    }

    /// Whether this is a number proper.
    pub fn is_finite(&self) -> bool {
        matches!(self.0, Repr::Small { .. } | Repr::Big(_))
    }

    /// Whether this is zero of any scale.
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Repr::Small { coefficient: 0, .. })
    }

    /// -1, 0 or 1; 0 for NaN.
    pub fn signum(&self) -> i32 {
        match &self.0 {
            Repr::Small { coefficient, .. } => coefficient.signum() as i32,
            Repr::Big(big) => match big.0.sign() {
                Sign::Minus => -1,
                Sign::NoSign => 0,
                Sign::Plus => 1,
            },
            Repr::NaN => 0,
            Repr::Infinity => 1,
            Repr::NegInfinity => -1,
        }
    }

    /// Whether this is below zero.
    pub fn is_negative(&self) -> bool {
        self.signum() < 0
    }

    /// The display scale of a finite value, else zero.
    fn dscale(&self) -> u16 {
        match &self.0 {
            Repr::Small { scale, .. } => *scale,
            Repr::Big(big) => big.1,
            _ => 0,
        }
    }

    /// The same value with the sign turned.
    pub fn neg(&self) -> Self {
        match &self.0 {
            Repr::Small { coefficient, scale } => Self::from_i128(-i128::from(*coefficient), *scale),
            Repr::Big(big) => Self::canonical(-&big.0, big.1),
            Repr::NaN => Self::NAN,
            Repr::Infinity => Self::NEG_INFINITY,
            Repr::NegInfinity => Self::INFINITY,
        }
    }

    /// The magnitude.
    pub fn abs(&self) -> Self {
        match &self.0 {
            Repr::Big(big) if big.0.is_positive() => self.clone(),
            _ if self.is_negative() => self.neg(),
            _ => self.clone(),
        }
    }

    /// The decimal exponent of the leading digit (`3` for 1234.5, `-2` for 0.012); `None` for zero and special values.
    fn leading_exponent(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small { coefficient: 0, .. } => None,
            Repr::Small { coefficient, scale } => {
                Some(i64::from(coefficient.unsigned_abs().ilog10()) - i64::from(*scale))
            }
            Repr::Big(big) => Some(digit_count(big.0.magnitude()) as i64 - 1 - i64::from(big.1)),
            _ => None,
        }
    }

    /// The weight in base 10000 and the leading `count` digits of that base, read as one integer.
    ///
    /// Result scales are chosen from these, so they must be what PostgreSQL's representation shows.
    fn leading_groups(&self, count: i64) -> Option<(i64, u64)> {
        if let Repr::Small { coefficient, scale } = self.0
            && let Some(groups) = small_leading_groups(coefficient.unsigned_abs(), scale.into(), count)
        {
            return Some(groups);
        }
        let (coefficient, scale) = self.finite()?;
        leading_groups(&coefficient, scale.into(), count)
    }
}

/// [`leading_groups`] where everything fits 64 bits.
fn small_leading_groups(magnitude: u64, scale: i64, count: i64) -> Option<(i64, u64)> {
    let weight = (i64::from(magnitude.checked_ilog10()?) - scale).div_euclid(4);
    let shift = (weight - count + 1) * 4 + scale;
    let power = 10u64.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    let leading = if shift >= 0 { magnitude / power } else { magnitude.checked_mul(power)? };
    Some((weight, leading))
}

/// [`Numeric::leading_groups`] of `coefficient / 10^scale`; `None` for zero.
fn leading_groups(coefficient: &BigInt, scale: i64, count: i64) -> Option<(i64, u64)> {
    let digits = i64::try_from(digit_count(coefficient.magnitude())).ok().filter(|digits| *digits > 0)?;
    let weight = (digits - 1 - scale).div_euclid(4);
    let shift = (weight - count + 1) * 4 + scale;
    let power = pow10(shift.unsigned_abs());
    let leading = if shift >= 0 { coefficient.abs() / power } else { coefficient.abs() * power };
    Some((weight, leading.to_u64().unwrap_or(0)))
}
