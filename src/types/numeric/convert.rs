//! Between `numeric` and the machine's numbers, with PostgreSQL's roundings and errors.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::{Numeric, Repr};
use crate::{Error, Result, SqlState};

macro_rules! from_integer {
    ($($int:ty),*) => {
        $(impl From<$int> for Numeric {
            fn from(value: $int) -> Self {
                Numeric::from_i128(i128::from(value), 0)
            }
        })*
    };
}

from_integer!(i16, i32, i64, u32, u64, i128);

impl Numeric {
    /// `float8` to `numeric`: 15 significant digits, as PostgreSQL casts.
    pub fn from_f64(value: f64) -> Result<Self> {
        from_float(value, 14)
    }

    /// `float4` to `numeric`: 6 significant digits.
    pub fn from_f32(value: f32) -> Result<Self> {
        from_float(f64::from(value), 5)
    }

    /// The nearest `float8`; 22003 when it is too large for one.
    pub fn to_f64(&self) -> Result<f64> {
        let value = self.to_f64_lossy();
        if self.is_finite() && (value.is_infinite() || (value == 0.0 && !self.is_zero())) {
            return Err(out_of_range(format!("\"{self}\" is out of range for type double precision")));
        }
        Ok(value)
    }

    /// The nearest `float4`; 22003 when it is too large or too small for one.
    pub fn to_f32(&self) -> Result<f32> {
        let value: f32 = self.to_string().parse().unwrap_or(f32::NAN);
        if self.is_finite() && (value.is_infinite() || (value == 0.0 && !self.is_zero())) {
            return Err(out_of_range(format!("\"{self}\" is out of range for type real")));
        }
        Ok(value)
    }

    /// The nearest `f64`, infinite where the value is too large: for estimates.
    pub fn to_f64_lossy(&self) -> f64 {
        match &self.0 {
            Repr::Small { coefficient, scale: 0 } => *coefficient as f64,
            // Both operands are exact, so the quotient is the nearest.
            Repr::Small { coefficient, scale } if *scale <= 18 && coefficient.unsigned_abs() < 1 << 53 => {
                *coefficient as f64 / 10f64.powi(i32::from(*scale))
            }
            Repr::NaN => f64::NAN,
            Repr::Infinity => f64::INFINITY,
            Repr::NegInfinity => f64::NEG_INFINITY,
            _ => self.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// The integer nearest to the value, halves away from zero; 22003, and 0A000 for NaN and infinities.
    pub fn to_i64(&self) -> Result<i64> {
        self.to_integer("bigint", |n| n.to_i64())
    }

    /// Likewise for `integer`.
    pub fn to_i32(&self) -> Result<i32> {
        self.to_integer("integer", |n| n.to_i32())
    }

    /// Likewise for `smallint`.
    pub fn to_i16(&self) -> Result<i16> {
        self.to_integer("smallint", |n| n.to_i16())
    }

    fn to_integer<T>(&self, name: &str, convert: impl Fn(&BigInt) -> Option<T>) -> Result<T> {
        if !self.is_finite() {
            let what = if self.is_nan() { "NaN" } else { "infinity" };
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot convert {what} to {name}")));
        }
        let rounded = self.round(0)?.finite().map(|(coefficient, _)| coefficient);
        rounded.as_ref().and_then(convert).ok_or_else(|| out_of_range(format!("{name} out of range")))
    }
}

fn out_of_range(message: String) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}

/// Rounds to `digits + 1` significant digits and reads the result.
fn from_float(value: f64, digits: usize) -> Result<Numeric> {
    if value.is_nan() {
        return Ok(Numeric::NAN);
    }
    if value.is_infinite() {
        return Ok(Numeric::infinity(value < 0.0));
    }
    // `%.15g` shows no trailing zeros after the point, so that 1.5 becomes 1.5 and not 1.50000000000000.
    Numeric::parse(&format!("{value:.digits$e}")).map(|n| n.trim_scale())
}
