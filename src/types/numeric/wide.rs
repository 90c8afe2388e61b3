//! Numbers with two words for a coefficient, read from and written to [`crate::opaque`]'s form without a big integer between: what
//! quotients and products of money come to.

use super::arithmetic::quotient_scale;
use super::{Numeric, SmallNumeric, small_leading_groups};
use crate::opaque::tag;

/// Scales whose form is one byte.
const SCALES: u16 = 0x80;
/// Bytes before the magnitude: tag, scale, sign, length.
const HEAD_BYTES: usize = 4;

/// `10^n` that fits an `i128`.
const POW10: [i128; 39] = {
    let mut table = [1; 39];
    let mut n = 1;
    while n < 39 {
        table[n] = table[n - 1] * 10;
        n += 1;
    }
    table
};

fn pow10(n: u16) -> Option<i128> {
    POW10.get(usize::from(n)).copied()
}

/// A finite number with two words for its coefficient and a scale below 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WideNumeric {
    /// What is to be divided by the power of ten.
    pub coefficient: i128,
    /// The exponent of that power: digits after the point.
    pub scale: u16,
}

impl From<SmallNumeric> for WideNumeric {
    #[inline]
    fn from(small: SmallNumeric) -> Self {
        WideNumeric { coefficient: small.coefficient.into(), scale: small.scale }
    }
}

impl From<WideNumeric> for Numeric {
    fn from(wide: WideNumeric) -> Self {
        Numeric::from_i128(wide.coefficient, wide.scale)
    }
}

impl WideNumeric {
    /// The number of an encoded form that is too long for a view; `None` for what is no such number.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[kind, scale, sign, length], magnitude) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let is_number = kind == tag::BIG_NUMERIC && u16::from(scale) < SCALES && usize::from(length) == magnitude.len();
        if !is_number || magnitude.len() > size_of::<i128>() {
            return None;
        }
        let mut word = [0; size_of::<i128>()];
        word[..magnitude.len()].copy_from_slice(magnitude);
        let magnitude = i128::try_from(u128::from_le_bytes(word)).ok()?;
        Some(WideNumeric { coefficient: if sign == 1 { -magnitude } else { magnitude }, scale: scale.into() })
    }

    /// The number as one that stands in its view, if it is small enough.
    #[inline]
    pub fn small(self) -> Option<SmallNumeric> {
        Some(SmallNumeric { coefficient: i64::try_from(self.coefficient).ok()?, scale: self.scale })
    }

    /// Appends the encoded form of a number that is not small.
    pub fn write(self, out: &mut Vec<u8>) {
        debug_assert!(self.scale < SCALES && self.small().is_none());
        let magnitude = self.coefficient.unsigned_abs();
        let bytes = size_of::<u128>() - magnitude.leading_zeros() as usize / 8;
        out.extend_from_slice(&[tag::BIG_NUMERIC, self.scale as u8, u8::from(self.coefficient < 0), bytes as u8]);
        out.extend_from_slice(&magnitude.to_le_bytes()[..bytes]);
    }

    /// Both coefficients at the larger scale.
    fn aligned(self, other: Self) -> Option<(i128, i128, u16)> {
        let scale = self.scale.max(other.scale);
        let up = |number: Self| number.coefficient.checked_mul(pow10(scale - number.scale)?);
        Some((up(self)?, up(other)?, scale))
    }

    /// The sum, if it is such a number.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other)?;
        Some(WideNumeric { coefficient: a.checked_add(b)?, scale })
    }

    /// The difference, if it is such a number.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other)?;
        Some(WideNumeric { coefficient: a.checked_sub(b)?, scale })
    }

    /// The product, if it is such a number.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let scale = self.scale + other.scale;
        let coefficient = self.coefficient.checked_mul(other.coefficient)?;
        (scale < SCALES).then_some(WideNumeric { coefficient, scale })
    }

    /// The quotient with the scale PostgreSQL selects for it, if it is such a number; `None` for a division by zero.
    pub fn checked_div(self, other: Self) -> Option<Self> {
        if other.coefficient == 0 {
            return None;
        }
        let (leading, least) = ((self.leading_group()?, other.leading_group()?), self.scale.max(other.scale));
        let scale = quotient_scale(leading.0, leading.1, least.into());
        let shift = scale + i64::from(other.scale) - i64::from(self.scale);
        let dividend = self.coefficient.checked_mul(pow10(u16::try_from(shift).ok()?)?)?;
        let quotient = dividend.checked_div(other.coefficient)?;
        let rest = dividend - quotient * other.coefficient;
        // Halves go away from zero; the remainder is below the divisor, so that twice of it may not fit the sign.
        let up = rest.unsigned_abs() >= other.coefficient.unsigned_abs() - rest.unsigned_abs();
        let away = if (dividend < 0) == (other.coefficient < 0) { 1 } else { -1 };
        let scale = u16::try_from(scale).ok().filter(|scale| *scale < SCALES)?;
        Some(WideNumeric { coefficient: quotient.checked_add(if up { away } else { 0 })?, scale })
    }

    /// The weight in base 10000 and the leading digit of that base; `Some(None)` of zero.
    #[allow(
        clippy::option_option,
        reason = "zero has no digit, and others may have one that takes more than words to find"
    )]
    fn leading_group(self) -> Option<Option<(i64, u64)>> {
        let (magnitude, scale) = (self.coefficient.unsigned_abs(), i64::from(self.scale));
        if magnitude == 0 {
            return Some(None);
        }
        if let Ok(word) = u64::try_from(magnitude) {
            return small_leading_groups(word, scale, 1).map(Some);
        }
        let weight = (i64::from(magnitude.ilog10()) - scale).div_euclid(4);
        let shift = weight * 4 + scale;
        let power = pow10(u16::try_from(shift).ok()?)?.unsigned_abs();
        Some(Some((weight, u64::try_from(magnitude / power).ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Datum, opaque, samples};

    fn number(random: &mut samples::Random) -> WideNumeric {
        let word = u128::from(random.next()) << 64 | u128::from(random.next());
        let coefficient = (word as i128) >> random.below(128);
        WideNumeric { coefficient, scale: random.below(30) as u16 }
    }

    #[test]
    fn forms_are_those_of_numeric() {
        let mut random = samples::Random::new(31);
        for _ in 0..10_000 {
            let wide = number(&mut random);
            if wide.small().is_some() {
                continue;
            }
            let (mut own, mut exact) = (vec![], vec![]);
            wide.write(&mut own);
            opaque::encode(&Datum::Numeric(wide.into()), &mut exact);
            assert_eq!(own, exact, "{wide:?}");
            assert_eq!(WideNumeric::of_bytes(&own), Some(wide));
        }
        for value in [Numeric::NAN, Numeric::new(5, 0), Numeric::parse("1e60").unwrap()] {
            let mut bytes = vec![];
            opaque::encode(&Datum::Numeric(value), &mut bytes);
            assert_eq!(WideNumeric::of_bytes(&bytes), None);
        }
    }

    #[test]
    fn operations_are_those_of_numeric_or_none() {
        let mut random = samples::Random::new(32);
        let mut quotients = 0;
        for _ in 0..20_000 {
            let (a, b) = (number(&mut random), number(&mut random));
            let (x, y) = (Numeric::from(a), Numeric::from(b));
            let quotient = (b.coefficient != 0).then(|| (a.checked_div(b), x.div(&y).unwrap()));
            quotients += usize::from(quotient.as_ref().is_some_and(|(own, _)| own.is_some()));
            let pairs = [
                (a.checked_add(b), x.add(&y).unwrap()),
                (a.checked_sub(b), x.sub(&y).unwrap()),
                (a.checked_mul(b), x.mul(&y).unwrap()),
            ];
            for (own, exact) in pairs.into_iter().chain(quotient) {
                if let Some(own) = own {
                    assert_eq!(format!("{:?}", Numeric::from(own)), format!("{exact:?}"), "{a:?} {b:?}");
                }
            }
        }
        assert!(quotients > 1000, "only {quotients} quotients were computed in words");
        let one = WideNumeric { coefficient: 1, scale: 0 };
        assert_eq!(one.checked_div(WideNumeric { coefficient: 0, scale: 2 }), None);
    }
}
