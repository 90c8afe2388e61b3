//! A number as digits, before a template lays them out: rounded to the template's places, or `###` when it does not fit.

use dictdb_types::{Error, Numeric, Result, SqlState};

use super::number_template::Shape;
use super::ordinal::roman;

/// Digits a float can have without showing noise.
pub(super) const FLOAT4_DIGITS: usize = 6;
/// As [`FLOAT4_DIGITS`] for double precision.
pub(super) const FLOAT8_DIGITS: usize = 15;

/// The digits a template lays out.
#[derive(Debug)]
pub(super) struct Picture {
    /// Digits with a decimal point, without sign; a Roman numeral; or the whole text in exponent form.
    pub(super) digits: String,
    /// Places before the first digit.
    pub(super) spaces: usize,
    pub(super) negative: bool,
    /// The template's shape, its digits before the point counting those that `V` shifts there.
    pub(super) shape: Shape,
}

impl Picture {
    /// Digits (with sign) laid into a shape: padded, or crosses when there are too many.
    fn new(text: &str, mut shape: Shape) -> Picture {
        shape.before += shape.shift;
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let length = digits.find('.').unwrap_or(digits.len());
        let (digits, spaces) = match shape.before.checked_sub(length) {
            Some(spaces) => (digits.to_owned(), spaces),
            None => (format!("{}.{}", "#".repeat(shape.before), "#".repeat(shape.after)), 0),
        };
        Picture { digits, spaces, negative, shape }
    }

    fn verbatim(digits: String, shape: &Shape) -> Picture {
        Picture { digits, spaces: 0, negative: false, shape: shape.clone() }
    }

    /// Of an integer; 22003 where `V` or a Roman numeral pass the type's range.
    pub(super) fn of_int4(value: i32, shape: &Shape) -> Result<Picture> {
        if shape.roman {
            return Ok(Picture::verbatim(roman(value), shape));
        }
        if shape.exponent {
            return Ok(Picture::verbatim(exponent_form(value.into(), shape.after), shape));
        }
        let factor = 10_f64.powi(shape.shift as i32) as i32;
        Ok(Picture::of_digits(value.wrapping_mul(factor).to_string(), shape))
    }

    /// Of a bigint; 22003 where `V` or a Roman numeral pass the type's range.
    pub(super) fn of_int8(value: i64, shape: &Shape) -> Result<Picture> {
        let out_of_range = |name| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{name} out of range"));
        if shape.roman {
            let small = i32::try_from(value).map_err(|_| out_of_range("integer"))?;
            return Ok(Picture::verbatim(roman(small), shape));
        }
        if shape.exponent {
            return Picture::of_numeric(&Numeric::new(value, 0), shape);
        }
        let factor = 10_i64.checked_pow(shape.shift as u32);
        let shifted = factor.and_then(|factor| value.checked_mul(factor)).ok_or_else(|| out_of_range("bigint"))?;
        Ok(Picture::of_digits(shifted.to_string(), shape))
    }

    /// Of an integer's digits: places after the point are zeros.
    fn of_digits(mut digits: String, shape: &Shape) -> Picture {
        if shape.after > 0 {
            digits.push('.');
            digits.push_str(&"0".repeat(shape.after));
        }
        Picture::new(&digits, shape.clone())
    }

    /// Of a numeric; 22003 where a Roman numeral passes the range of integers.
    pub(super) fn of_numeric(value: &Numeric, shape: &Shape) -> Result<Picture> {
        if shape.roman {
            return Ok(Picture::verbatim(roman(value.round(0)?.to_i32()?), shape));
        }
        if shape.exponent {
            let text = if value.is_finite() { numeric_exponent_form(value, shape.after)? } else { crossed(shape) };
            return Ok(Picture::verbatim(text, shape));
        }
        let shifted = match shape.shift {
            0 => value.clone(),
            shift => value.mul(&power_of_ten(shift as i64)?)?,
        };
        let mut digits = String::new();
        shifted.round(shape.after as i32)?.write(&mut digits);
        Ok(Picture::new(&digits, shape.clone()))
    }

    /// Of a float with so many reliable digits; `value` is the exact widening of a `real`.
    pub(super) fn of_float(value: f64, reliable_digits: usize, shape: &Shape) -> Picture {
        if shape.roman {
            return Picture::verbatim(roman(value.round_ties_even() as i32), shape);
        }
        if shape.exponent {
            let text = if value.is_finite() { exponent_form(value, shape.after) } else { crossed(shape) };
            return Picture::verbatim(text, shape);
        }
        let mut shape = shape.clone();
        let shifted = match (shape.shift, reliable_digits) {
            (0, _) => value,
            (shift, FLOAT4_DIGITS) => f64::from(value as f32 * 10_f64.powi(shift as i32) as f32),
            (shift, _) => value * 10_f64.powi(shift as i32),
        };
        let length = fixed_form(shifted.abs(), 0).len();
        shape.after = shape.after.min(reliable_digits.saturating_sub(length));
        Picture::new(&fixed_form(shifted, shape.after), shape)
    }
}

fn power_of_ten(exponent: i64) -> Result<Numeric> {
    Numeric::new(10, 0).power(&Numeric::new(exponent, 0))
}

/// C's `%.*f`, with PostgreSQL's names for what is not finite.
fn fixed_form(value: f64, places: usize) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => format!("{value:.places$}"),
    }
}

/// C's `%+.*e` with a blank for the plus.
fn exponent_form(value: f64, places: usize) -> String {
    let text = format!("{value:.places$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    let blank = if mantissa.starts_with('-') { "" } else { " " };
    format!("{blank}{mantissa}e{sign}{exponent:0>2}")
}

/// The exponent form of a numeric: the exponent is that of the number before it is rounded.
fn numeric_exponent_form(value: &Numeric, places: usize) -> Result<String> {
    let mut digits = String::new();
    value.abs().write(&mut digits);
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let exponent = match whole.trim_start_matches('0').len() {
        0 => match fraction.find(|c| c != '0') {
            Some(zeros) => -(zeros as i64) - 1,
            None => 0,
        },
        length => length as i64 - 1,
    };
    // The first digit, those asked for, and the one that decides how the last of them is rounded.
    let significant = (whole.to_owned() + fraction).trim_start_matches('0').to_owned();
    let (first, rest) = significant.split_at(significant.len().min(1));
    let shifted = Numeric::parse(&format!("0{first}.{}", &rest[..rest.len().min(places + 1)]))?;
    let mut mantissa = String::new();
    shifted.round(places as i32)?.write(&mut mantissa);
    let sign = if value.is_negative() { '-' } else { ' ' };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    Ok(format!("{sign}{mantissa}e{exponent_sign}{:02}", exponent.abs()))
}

/// What stands for a value without digits in exponent form.
fn crossed(shape: &Shape) -> String {
    format!(" {}.{}", "#".repeat(shape.before), "#".repeat(shape.after + 4))
}

/// The value of digits read by a template with `V`: shifted back.
pub(super) fn unshift(value: &Numeric, shift: usize) -> Result<Numeric> {
    value.mul(&power_of_ten(-(shift as i64))?)
}
