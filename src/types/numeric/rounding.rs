//! Rounding to a scale or to a declared `numeric(p,s)`, and what asks for scales.
//!
//! Numeric always rounds half away from zero.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::{MAX_INTEGER_DIGITS, MAX_SCALE, Numeric, POW10, Repr, pow10};
use crate::{Error, Result, SqlState};

/// Places before the point beyond which nothing is left to round.
const MAX_PLACES_BEFORE: i32 = MAX_INTEGER_DIGITS as i32 + 1;
/// Places after the point that a value can have.
const MAX_PLACES_AFTER: i32 = MAX_SCALE as i32;

/// What to do with the digits that go.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    Round,
    Truncate,
    Floor,
    Ceil,
}

/// `dividend / divisor` rounded half away from zero.
pub(super) fn divide_rounded(dividend: BigInt, divisor: BigInt) -> BigInt {
    divide(dividend, &divisor, Cut::Round)
}

fn divide(dividend: BigInt, divisor: &BigInt, cut: Cut) -> BigInt {
    let negative = dividend.is_negative() != divisor.is_negative();
    let quotient = &dividend / divisor;
    let rest = dividend - &quotient * divisor;
    let away = match cut {
        Cut::Round => (rest.magnitude() << 1u8) >= *divisor.magnitude(),
        Cut::Truncate => false,
        Cut::Floor => negative && !rest.is_zero(),
        Cut::Ceil => !negative && !rest.is_zero(),
    };
    match (away, negative) {
        (false, _) => quotient,
        (true, true) => quotient - 1,
        (true, false) => quotient + 1,
    }
}

impl Numeric {
    /// `round(self, scale)`; a negative scale rounds before the point.
    pub fn round(&self, scale: i32) -> Result<Self> {
        self.to_scale(scale.clamp(-MAX_PLACES_BEFORE, MAX_PLACES_AFTER), Cut::Round)
    }

    /// Rounds to any scale, beyond the limits of `round()`.
    pub(super) fn rounded(&self, scale: i32) -> Result<Self> {
        self.to_scale(scale, Cut::Round)
    }

    /// `trunc(self, scale)`.
    pub fn trunc(&self, scale: i32) -> Result<Self> {
        self.to_scale(scale.clamp(-MAX_PLACES_BEFORE, MAX_PLACES_AFTER), Cut::Truncate)
    }

    /// The smallest integer not below.
    pub fn ceil(&self) -> Result<Self> {
        self.to_scale(0, Cut::Ceil)
    }

    /// The largest integer not above.
    pub fn floor(&self) -> Result<Self> {
        self.to_scale(0, Cut::Floor)
    }

    fn to_scale(&self, target: i32, cut: Cut) -> Result<Self> {
        let drop = i32::from(self.dscale()) - target;
        match &self.0 {
            Repr::Small { .. } | Repr::Big(_) if drop == 0 => Ok(self.clone()),
            Repr::Small { coefficient, .. } if target >= 0 && (1..19).contains(&drop) => {
                Ok(Self::new(cut_small(*coefficient, POW10[drop as usize], cut), target as u16))
            }
            Repr::Small { coefficient, .. } if target >= 0 && (-18..0).contains(&drop) => {
                let unit = i128::from(POW10[drop.unsigned_abs() as usize]);
                Ok(Self::from_i128(i128::from(*coefficient) * unit, target as u16))
            }
            Repr::Small { .. } | Repr::Big(_) => self.to_scale_big(target, cut),
            _ => Ok(self.clone()),
        }
    }

    fn to_scale_big(&self, target: i32, cut: Cut) -> Result<Self> {
        let Some((coefficient, from)) = self.finite() else { return Ok(self.clone()) };
        let drop = i64::from(from) - i64::from(target);
        let mut result = if drop > 0 {
            divide(coefficient, &pow10(drop.unsigned_abs()), cut)
        } else {
            coefficient * pow10(drop.unsigned_abs())
        };
        if target < 0 {
            result *= pow10(u64::from(target.unsigned_abs()));
        }
        Self::from_big(result, target.max(0) as u64)
    }

    /// Digits after the point, as `scale()` shows; `None` for special values.
    pub fn scale(&self) -> Option<i32> {
        self.is_finite().then(|| i32::from(self.dscale()))
    }

    /// Digits after the point that are needed to keep the value; 0 for special values.
    pub fn min_scale(&self) -> i32 {
        i32::from(self.trimmed().dscale())
    }

    /// The value without trailing zeros after the point.
    pub fn trim_scale(&self) -> Self {
        self.trimmed()
    }

    fn trimmed(&self) -> Self {
        match &self.0 {
            Repr::Small { coefficient: 0, .. } => Self::ZERO,
            Repr::Small { coefficient, scale } => {
                let (mut coefficient, mut scale) = (*coefficient, *scale);
                while scale > 0 && coefficient % 10 == 0 {
                    coefficient /= 10;
                    scale -= 1;
                }
                Self::new(coefficient, scale)
            }
            Repr::Big(big) if big.1 > 0 => {
                let digits = big.0.magnitude().to_radix_le(10);
                let zeros = digits.iter().take_while(|d| **d == 0).count().min(usize::from(big.1));
                match zeros {
                    0 => self.clone(),
                    _ => Self::canonical(&big.0 / pow10(zeros as u64), big.1 - zeros as u16),
                }
            }
            _ => self.clone(),
        }
    }

    /// Whether there is nothing but zeros after the point.
    pub fn is_integral(&self) -> bool {
        self.is_finite() && self.min_scale() == 0
    }

    /// Rounds to `numeric(precision, scale)` and checks that it fits; typmod -1 lets everything pass. 22003.
    pub fn apply_typmod(&self, typmod: i32) -> Result<Self> {
        let Some((precision, scale)) = precision_and_scale(typmod) else { return Ok(self.clone()) };
        if self.is_nan() {
            return Ok(self.clone());
        }
        if self.is_infinite() {
            let detail = format!("A field with precision {precision}, scale {scale} cannot hold an infinite value.");
            return Err(field_overflow().detail(detail));
        }
        let rounded = self.to_scale(scale, Cut::Round)?;
        let room = precision - scale;
        if rounded.leading_exponent().is_some_and(|exponent| exponent + 1 > i64::from(room)) {
            let limit = if room == 0 { "1".to_owned() } else { format!("10^{room}") };
            let detail = format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than {limit}."
            );
            return Err(field_overflow().detail(detail));
        }
        Ok(rounded)
    }
}

fn cut_small(coefficient: i64, unit: i64, cut: Cut) -> i64 {
    let (quotient, rest) = (coefficient / unit, coefficient % unit);
    let away = match cut {
        Cut::Round => rest.unsigned_abs() * 2 >= unit.unsigned_abs(),
        Cut::Truncate => false,
        Cut::Floor => rest < 0,
        Cut::Ceil => rest > 0,
    };
    if away { quotient + if coefficient < 0 { -1 } else { 1 } } else { quotient }
}

fn field_overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow")
}

/// Precision and scale in a type modifier of `numeric`; `None` without one.
pub fn precision_and_scale(typmod: i32) -> Option<(i32, i32)> {
    let packed = typmod.checked_sub(4).filter(|packed| *packed >= 0)?;
    Some(((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024))
}
