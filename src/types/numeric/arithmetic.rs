//! The four operations, remainders, greatest common divisor and factorial, with PostgreSQL's result scales.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, Zero};

use super::rounding::divide_rounded;
use super::{MAX_DISPLAY_SCALE, MAX_SCALE, MIN_SIGNIFICANT_DIGITS, Numeric, POW10, Repr, overflow, pow10};
use crate::{Error, Result, SqlState};

/// 22012 `division by zero`.
fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

/// Two coefficients brought to the larger of their scales.
fn aligned(a: &Numeric, b: &Numeric) -> Option<(BigInt, BigInt, u16)> {
    let ((mut x, xs), (mut y, ys)) = (a.finite()?, b.finite()?);
    match xs.cmp(&ys) {
        Ordering::Less => x *= pow10(u64::from(ys - xs)),
        Ordering::Greater => y *= pow10(u64::from(xs - ys)),
        Ordering::Equal => {}
    }
    Some((x, y, xs.max(ys)))
}

/// Two small coefficients brought to the larger of their scales; `None` when one no longer fits.
fn aligned_small(a: &Numeric, b: &Numeric) -> Option<(i64, i64, u16)> {
    let (Repr::Small { coefficient: x, scale: xs }, Repr::Small { coefficient: y, scale: ys }) = (&a.0, &b.0) else {
        return None;
    };
    match xs.cmp(ys) {
        Ordering::Equal => Some((*x, *y, *xs)),
        Ordering::Less => Some((x.checked_mul(*POW10.get(usize::from(ys - xs))?)?, *y, *ys)),
        Ordering::Greater => Some((*x, y.checked_mul(*POW10.get(usize::from(xs - ys))?)?, *xs)),
    }
}

/// What an operation gives when an operand is NaN or infinite; `None` when both are finite.
enum Special {
    NaN,
    Infinite { a: i32, b: i32 },
}

/// Signs are those of infinities only: a finite operand counts as 0.
fn special(a: &Numeric, b: &Numeric) -> Option<Special> {
    if a.is_finite() && b.is_finite() {
        return None;
    }
    if a.is_nan() || b.is_nan() {
        return Some(Special::NaN);
    }
    let sign = |n: &Numeric| if n.is_infinite() { n.signum() } else { 0 };
    Some(Special::Infinite { a: sign(a), b: sign(b) })
}

impl Numeric {
    /// `self + other`.
    pub fn add(&self, other: &Self) -> Result<Self> {
        if let Some((x, y, scale)) = aligned_small(self, other) {
            return Ok(Self::from_i128(i128::from(x) + i128::from(y), scale));
        }
        match special(self, other) {
            None => {}
            Some(Special::Infinite { a, b }) if a * b >= 0 => return Ok(Self::infinity(a + b < 0)),
            Some(_) => return Ok(Self::NAN),
        }
        let (x, y, scale) = aligned(self, other).ok_or_else(overflow)?;
        Self::from_big(x + y, u64::from(scale))
    }

    /// `self - other`.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        if let Some((x, y, scale)) = aligned_small(self, other) {
            return Ok(Self::from_i128(i128::from(x) - i128::from(y), scale));
        }
        self.add(&other.neg())
    }

    /// `self * other`; the scales add up.
    pub fn mul(&self, other: &Self) -> Result<Self> {
        if let (Repr::Small { coefficient: x, scale: xs }, Repr::Small { coefficient: y, scale: ys }) =
            (&self.0, &other.0)
            && xs + ys <= MAX_SCALE
        {
            return Ok(Self::from_i128(i128::from(*x) * i128::from(*y), xs + ys));
        }
        if let Some(special) = special(self, other) {
            let sign = self.signum() * other.signum();
            return Ok(match special {
                Special::Infinite { .. } if sign != 0 => Self::infinity(sign < 0),
                _ => Self::NAN,
            });
        }
        let ((x, xs), (y, ys)) = (self.finite().ok_or_else(overflow)?, other.finite().ok_or_else(overflow)?);
        let scale = u64::from(xs) + u64::from(ys);
        match scale.checked_sub(u64::from(MAX_SCALE)) {
            None | Some(0) => Self::from_big(x * y, scale),
            Some(excess) => Self::from_big(divide_rounded(x * y, pow10(excess)), u64::from(MAX_SCALE)),
        }
    }

    /// The quotient where an operand is special or the divisor zero.
    fn special_quotient(&self, other: &Self) -> Result<Option<Self>> {
        match special(self, other) {
            Some(Special::NaN) => Ok(Some(Self::NAN)),
            _ if other.is_zero() => Err(division_by_zero()),
            None => Ok(None),
            Some(Special::Infinite { b: 0, .. }) => Ok(Some(Self::infinity(self.signum() * other.signum() < 0))),
            Some(Special::Infinite { a: 0, .. }) => Ok(Some(Self::ZERO)),
            Some(Special::Infinite { .. }) => Ok(Some(Self::NAN)),
        }
    }

    /// `self / other`, rounded to at least 16 significant digits; 22012.
    pub fn div(&self, other: &Self) -> Result<Self> {
        match self.special_quotient(other)? {
            Some(quotient) => Ok(quotient),
            None => self.div_to_scale(other, self.quotient_scale(other)),
        }
    }

    /// The scale PostgreSQL selects for a quotient of finite values.
    fn quotient_scale(&self, other: &Self) -> i64 {
        let leading = (self.leading_groups(1), other.leading_groups(1));
        quotient_scale(leading.0, leading.1, self.dscale().max(other.dscale()).into())
    }

    /// The quotient of finite values with this many digits after the point; the divisor is not zero.
    pub(super) fn div_to_scale(&self, other: &Self, scale: i64) -> Result<Self> {
        if let Some(quotient) = self.div_small(other, scale) {
            return Ok(quotient);
        }
        let ((mut x, xs), (mut y, ys)) = (self.finite().ok_or_else(overflow)?, other.finite().ok_or_else(overflow)?);
        let shift = scale + i64::from(ys) - i64::from(xs);
        if shift >= 0 {
            x *= pow10(shift.unsigned_abs())
        } else {
            y *= pow10(shift.unsigned_abs())
        }
        Self::from_big(divide_rounded(x, y), scale.unsigned_abs())
    }

    /// A quotient whose parts fit 128 bits.
    fn div_small(&self, other: &Self, scale: i64) -> Option<Self> {
        let (Repr::Small { coefficient: x, scale: xs }, Repr::Small { coefficient: y, scale: ys }) =
            (&self.0, &other.0)
        else {
            return None;
        };
        let shift = scale + i64::from(*ys) - i64::from(*xs);
        let power = i128::from(*POW10.get(usize::try_from(shift).ok()?)?);
        let (dividend, divisor) = (i128::from(*x) * power, i128::from(*y));
        let (quotient, rest) = (dividend / divisor, dividend % divisor);
        let up = rest.unsigned_abs() * 2 >= divisor.unsigned_abs();
        let away = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
        Some(Self::from_i128(quotient + if up { away } else { 0 }, u16::try_from(scale).ok()?))
    }

    /// `div(self, other)`: the integer quotient, truncated toward zero; 22012.
    pub fn div_trunc(&self, other: &Self) -> Result<Self> {
        if let Some(quotient) = self.special_quotient(other)? {
            return Ok(quotient);
        }
        let (x, y, _) = aligned(self, other).ok_or_else(overflow)?;
        Self::from_big(x / y, 0)
    }

    /// `self % other`, with the sign of `self`; 22012.
    pub fn rem(&self, other: &Self) -> Result<Self> {
        if let Some((x, y, scale)) = aligned_small(self, other)
            && y != 0
        {
            return Ok(Self::new(x.checked_rem(y).unwrap_or(0), scale));
        }
        match special(self, other) {
            Some(Special::NaN) => return Ok(Self::NAN),
            _ if other.is_zero() => return Err(division_by_zero()),
            Some(Special::Infinite { a: 0, .. }) => return Ok(self.clone()),
            Some(Special::Infinite { .. }) => return Ok(Self::NAN),
            None => {}
        }
        let (x, y, scale) = aligned(self, other).ok_or_else(overflow)?;
        Self::from_big(x % y, u64::from(scale))
    }

    /// Greatest common divisor, never negative.
    pub fn gcd(&self, other: &Self) -> Result<Self> {
        match aligned(self, other) {
            Some((x, y, scale)) => Self::from_big(x.gcd(&y), u64::from(scale)),
            None => Ok(Self::NAN),
        }
    }

    /// Least common multiple, never negative; 22003.
    pub fn lcm(&self, other: &Self) -> Result<Self> {
        match aligned(self, other) {
            Some((x, y, scale)) if x.is_zero() || y.is_zero() => Self::from_big(BigInt::zero(), u64::from(scale)),
            // The multiple of the values, not of the coefficients: one factor loses the common divisor.
            Some((x, y, scale)) => Self::from_big((&x / x.gcd(&y) * y).abs(), u64::from(scale)),
            None => Ok(Self::NAN),
        }
    }

    /// `factorial(n)`; 22003 for negative and for too large arguments.
    pub fn factorial(n: i64) -> Result<Self> {
        if n < 0 {
            return Err(Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                "factorial of a negative number is undefined",
            ));
        }
        // 32178! is beyond numeric's range.
        if n > 32_177 {
            return Err(overflow());
        }
        Self::from_big(product(1, n.max(1)), 0)
    }

    /// `self + 1`.
    pub fn inc(&self) -> Result<Self> {
        self.add(&Self::ONE)
    }

    /// `width_bucket(operand, low, high, count)`; 2201G for bad bounds or counts, 22003 for too many buckets.
    pub fn width_bucket(&self, low: &Self, high: &Self, count: i32) -> Result<i32> {
        let invalid = |message: &str| Error::new(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, message);
        if count <= 0 {
            return Err(invalid("count must be greater than zero"));
        }
        if self.is_nan() || low.is_nan() || high.is_nan() {
            return Err(invalid("operand, lower bound, and upper bound cannot be NaN"));
        }
        if low.is_infinite() || high.is_infinite() {
            return Err(invalid("lower and upper bounds must be finite"));
        }
        let too_many = || Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
        let rising = low < high;
        match low.cmp(high) {
            Ordering::Equal => Err(invalid("lower bound cannot equal upper bound")),
            _ if if rising { self < low } else { self > low } => Ok(0),
            _ if if rising { self >= high } else { self <= high } => count.checked_add(1).ok_or_else(too_many),
            _ => self.bucket(low, high, count),
        }
    }

    fn bucket(&self, low: &Self, high: &Self, count: i32) -> Result<i32> {
        let (part, whole) = (self.sub(low)?.abs(), high.sub(low)?.abs());
        // As PostgreSQL 15 rounds the quotient: a value right below the upper bound may be in the bucket beyond the last.
        let bucket = part.mul(&Self::from(count))?.div(&whole)?.add(&Self::from(1))?;
        bucket.floor()?.to_i32()
    }
}

/// The product of all integers from `low` to `high`, split in halves so that factors grow evenly.
/// The scale of a quotient by the leading groups of dividend and divisor, at least `scale` (`select_div_scale`).
pub(super) fn quotient_scale(dividend: Option<(i64, u64)>, divisor: Option<(i64, u64)>, scale: i64) -> i64 {
    let ((weight1, first1), (weight2, first2)) = (dividend.unwrap_or((0, 0)), divisor.unwrap_or((0, 0)));
    let weight = weight1 - weight2 - i64::from(first1 <= first2);
    (MIN_SIGNIFICANT_DIGITS - weight * 4).max(scale).clamp(0, MAX_DISPLAY_SCALE)
}

fn product(low: i64, high: i64) -> BigInt {
    if high - low < 16 {
        return (low..=high).fold(BigInt::from(1), |product, n| product * n);
    }
    let middle = low + (high - low) / 2;
    product(low, middle) * product(middle + 1, high)
}
