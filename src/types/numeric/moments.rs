//! Sums of numbers and of their squares, as variances need them: exact, and not bounded by what `numeric` itself holds.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::arithmetic::quotient_scale;
use super::rounding::divide_rounded;
use super::{Numeric, Parts, SmallNumeric, WideNumeric, leading_groups, pow10};
use crate::Result;

/// Count, sum and sum of squares.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    count: i64,
    /// Digits after the point of `sum`; `squares` has twice as many.
    scale: u64,
    sum: BigInt,
    squares: BigInt,
    /// Sums of small values of this scale that are not in the two above yet.
    small_sum: i128,
    small_squares: i128,
    /// Whether NaN or an infinity was among them: no deviation from such a mean is defined.
    is_nan: bool,
}

impl Moments {
    /// Takes a number in.
    pub fn add(&mut self, value: &Numeric) {
        self.count += 1;
        match value.parts() {
            Parts::Small(coefficient, scale) if u64::from(scale) == self.scale => self.add_small(coefficient.into()),
            Parts::Small(coefficient, scale) => self.add_big(&BigInt::from(coefficient), scale.into()),
            Parts::Big(coefficient, scale) => self.add_big(coefficient, scale.into()),
            Parts::NaN | Parts::Infinity(_) => self.is_nan = true,
        }
    }

    fn add_small(&mut self, coefficient: i128) {
        let square = coefficient * coefficient;
        if self.small_squares.checked_add(square).is_none() {
            self.gather();
        }
        // As long as the squares fit, so do the values.
        self.small_sum += coefficient;
        self.small_squares += square;
    }

    fn add_big(&mut self, coefficient: &BigInt, scale: u64) {
        self.gather();
        if scale > self.scale {
            self.sum *= pow10(scale - self.scale);
            self.squares *= pow10(2 * (scale - self.scale));
            self.scale = scale;
        }
        let coefficient = coefficient * pow10(self.scale - scale);
        self.squares += &coefficient * &coefficient;
        self.sum += coefficient;
    }

    fn gather(&mut self) {
        self.sum += std::mem::take(&mut self.small_sum);
        self.squares += std::mem::take(&mut self.small_squares);
    }

    /// The variance of the numbers, or of what they are a sample of, with the scale PostgreSQL gives it; `None` of too few.
    /// 22003 where it is out of `numeric`'s range.
    pub fn variance(&mut self, of_sample: bool) -> Result<Option<Numeric>> {
        if self.count <= i64::from(of_sample) {
            return Ok(None);
        }
        if self.is_nan {
            return Ok(Some(Numeric::NAN));
        }
        if let Some(variance) = self.small_variance(of_sample) {
            return Ok(Some(variance.into()));
        }
        self.gather();
        let dividend = &self.squares * self.count - &self.sum * &self.sum;
        if !dividend.is_positive() {
            return Ok(Some(Numeric::ZERO));
        }
        let divisor = BigInt::from(self.count) * (self.count - i64::from(of_sample));
        let from = 2 * self.scale;
        let leading = (leading_groups(&dividend, from.cast_signed(), 1), leading_groups(&divisor, 0, 1));
        let scale = quotient_scale(leading.0, leading.1, from.cast_signed()).unsigned_abs();
        let (up, down) = (scale.saturating_sub(from), from.saturating_sub(scale));
        Numeric::from_big(divide_rounded(dividend * pow10(up), divisor * pow10(down)), scale).map(Some)
    }

    /// The variance of at least one number where words hold all it is made of.
    fn small_variance(&self, of_sample: bool) -> Option<WideNumeric> {
        let scale = u16::try_from(2 * self.scale).ok().filter(|scale| SmallNumeric::has_scale(*scale))?;
        if !self.sum.is_zero() || !self.squares.is_zero() {
            return None;
        }
        let (count, sum) = (i128::from(self.count), self.small_sum);
        let dividend = self.small_squares.checked_mul(count)?.checked_sub(sum.checked_mul(sum)?)?;
        let divisor = count.checked_mul(count - i128::from(of_sample))?;
        let dividend = Some(dividend).filter(|dividend| *dividend > 0)?;
        WideNumeric { coefficient: dividend, scale }.checked_div(WideNumeric { coefficient: divisor, scale: 0 })
    }
}
