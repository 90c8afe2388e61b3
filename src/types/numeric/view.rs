//! Small numbers inside the views of Arrow's `BinaryView`: [`crate::opaque`]'s form of most numbers is short enough to
//! stand in the view itself, so that a column of them is computed with without following a pointer.
//!
//! ```text
//!   bits 0…31 length   32…39 tag 20+n   40…47 scale, below 128   48… the coefficient's n bytes
//! ```

use std::cmp::Ordering;

use super::POW10;
use crate::opaque::tag;

/// Scales whose form is one byte.
const SCALES: u16 = 0x80;
/// Bytes of the form besides the coefficient: tag and scale.
const HEAD_BYTES: u32 = 2;
const LARGEST_TAG: u32 = (tag::NUMERIC_8 - tag::NUMERIC) as u32;

/// A finite number with a word for its coefficient and a scale below 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmallNumeric {
    /// What is to be divided by the power of ten.
    pub coefficient: i64,
    /// The exponent of that power: digits after the point.
    pub scale: u16,
}

impl SmallNumeric {
    /// The number in a view of an encoded column; `None` for what is no such number, also for a NULL's empty view.
    #[inline]
    pub fn of_view(view: u128) -> Option<Self> {
        let bytes = u32::from((view >> 32) as u8).wrapping_sub(u32::from(tag::NUMERIC));
        let scale = u16::from((view >> 40) as u8);
        if bytes > LARGEST_TAG || scale >= SCALES {
            return None;
        }
        // No byte at all is zero, whatever it is shifted by.
        let shift = (64 - 8 * bytes) & 63;
        let coefficient = (((view >> 48) as u64) << shift) as i64 >> shift;
        Some(SmallNumeric { coefficient, scale })
    }

    /// Whether a number of this scale can be one of these.
    pub fn has_scale(scale: u16) -> bool {
        scale < SCALES
    }

    /// The view; its scale has to be below 128, as that of all these numbers is.
    #[inline]
    pub fn view(self) -> u128 {
        debug_assert!(self.scale < SCALES);
        let magnitude = self.coefficient ^ (self.coefficient >> 63);
        // As many bytes as hold the sign bit too.
        let bytes = if self.coefficient == 0 { 0 } else { (64 - magnitude.leading_zeros()) / 8 + 1 };
        let word = self.coefficient as u64 & u64::MAX.checked_shr(64 - 8 * bytes).unwrap_or(0);
        u128::from(bytes + HEAD_BYTES)
            | u128::from(u32::from(tag::NUMERIC) + bytes) << 32
            | u128::from(self.scale) << 40
            | u128::from(word) << 48
    }

    /// The coefficient at a scale that is not smaller, if it fits.
    #[inline]
    pub fn coefficient_at(self, scale: u16) -> Option<i64> {
        let by = usize::from(scale - self.scale);
        if by == 0 { Some(self.coefficient) } else { self.coefficient.checked_mul(*POW10.get(by)?) }
    }

    /// Both coefficients at the larger scale.
    #[inline]
    fn aligned(self, other: Self) -> Option<(i64, i64, u16)> {
        let scale = self.scale.max(other.scale);
        Some((self.coefficient_at(scale)?, other.coefficient_at(scale)?, scale))
    }

    /// The sum, if it is such a number.
    #[inline]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other)?;
        Some(SmallNumeric { coefficient: a.checked_add(b)?, scale })
    }

    /// The difference, if it is such a number.
    #[inline]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other)?;
        Some(SmallNumeric { coefficient: a.checked_sub(b)?, scale })
    }

    /// The product, if it is such a number.
    #[inline]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let scale = self.scale + other.scale;
        let coefficient = self.coefficient.checked_mul(other.coefficient)?;
        (scale < SCALES).then_some(SmallNumeric { coefficient, scale })
    }

    /// The number with so many digits after the point, halves rounded away from zero, if it is such a number.
    pub fn checked_round(self, digits: i32) -> Option<Self> {
        let scale = u16::try_from(digits).ok().filter(|scale| Self::has_scale(*scale))?;
        let Some(lost) = self.scale.checked_sub(scale).filter(|lost| *lost > 0) else {
            return Some(SmallNumeric { coefficient: self.coefficient_at(scale)?, scale });
        };
        let power = *POW10.get(usize::from(lost))?;
        let (quotient, rest) = (self.coefficient / power, self.coefficient % power);
        let up = rest.unsigned_abs() >= power.unsigned_abs() - rest.unsigned_abs();
        Some(SmallNumeric { coefficient: quotient + if up { self.coefficient.signum() } else { 0 }, scale })
    }

    /// The same value without zeros at the end of its fraction: what equal numbers have in common.
    #[inline]
    pub fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.coefficient % 10 == 0 {
            self.coefficient /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The order of the values, unless it takes more than words to find.
    #[inline]
    pub fn checked_cmp(self, other: Self) -> Option<Ordering> {
        let (a, b, _) = self.aligned(other)?;
        Some(a.cmp(&b))
    }
}

/// A coefficient with so many digits more after the point; `None` beyond 128 bits.
#[inline]
pub fn rescaled(coefficient: i128, digits: u16) -> Option<i128> {
    match POW10.get(usize::from(digits)) {
        Some(power) => coefficient.checked_mul(i128::from(*power)),
        None => (coefficient == 0).then_some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Datum, Numeric, opaque, samples};

    /// The view that Arrow makes of a value of up to twelve bytes.
    fn view_of(bytes: &[u8]) -> u128 {
        let mut view = [0; 16];
        view[0] = bytes.len() as u8;
        view[4..4 + bytes.len()].copy_from_slice(bytes);
        u128::from_le_bytes(view)
    }

    #[test]
    fn views_are_the_encoded_form() {
        let mut random = samples::Random::new(11);
        let edges = [0, 1, -1, 127, 128, -128, -129, 255, 256, i64::MAX, i64::MIN];
        let drawn = (0..1000).map(|_| (random.next() as i64) >> random.below(64));
        for coefficient in edges.into_iter().chain(drawn) {
            for scale in [0, 2, 127] {
                let mut bytes = vec![];
                opaque::encode(&Datum::Numeric(Numeric::new(coefficient, scale)), &mut bytes);
                let number = SmallNumeric { coefficient, scale };
                assert_eq!(number.view(), view_of(&bytes), "{number:?}");
                assert_eq!(SmallNumeric::of_view(number.view()), Some(number));
            }
        }
    }

    #[test]
    fn others_are_not_taken_for_numbers() {
        assert_eq!(SmallNumeric::of_view(0), None);
        for value in [Numeric::NAN, Numeric::INFINITY, Numeric::NEG_INFINITY, Numeric::new(1, 128)] {
            let mut bytes = vec![];
            opaque::encode(&Datum::Numeric(value), &mut bytes);
            assert_eq!(SmallNumeric::of_view(view_of(&bytes)), None);
        }
    }

    #[test]
    fn operations_are_those_of_numeric_or_none() {
        let mut random = samples::Random::new(12);
        let mut number = || {
            let coefficient = (random.next() as i64) >> random.below(64);
            SmallNumeric { coefficient, scale: random.below(25) as u16 }
        };
        let numeric = |n: SmallNumeric| Numeric::new(n.coefficient, n.scale);
        for _ in 0..10_000 {
            let (a, b) = (number(), number());
            let pairs = [
                (a.checked_add(b), numeric(a).add(&numeric(b)).unwrap()),
                (a.checked_sub(b), numeric(a).sub(&numeric(b)).unwrap()),
                (a.checked_mul(b), numeric(a).mul(&numeric(b)).unwrap()),
            ];
            for (small, exact) in pairs {
                if let Some(small) = small {
                    assert_eq!(format!("{:?}", numeric(small)), format!("{exact:?}"), "{a:?} {b:?}");
                }
            }
            for digits in [0, 2, 20] {
                if let Some(rounded) = a.checked_round(digits) {
                    assert_eq!(
                        format!("{:?}", numeric(rounded)),
                        format!("{:?}", numeric(a).round(digits).unwrap()),
                        "{a:?}"
                    );
                }
            }
            assert_eq!(format!("{:?}", numeric(a.trimmed())), format!("{:?}", numeric(a).trim_scale()));
            if let Some(order) = a.checked_cmp(b) {
                assert_eq!(order, numeric(a).cmp(&numeric(b)));
            }
        }
    }
}
