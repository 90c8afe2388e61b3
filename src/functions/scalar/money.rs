//! `money`: whole cents in a `bigint`. The currency is that of locale C: dollars and two digits.

use dictdb_types::{Error, Numeric, Result, SqlState};

use super::float::{checked_product, checked_quotient};
use super::integer::division_by_zero;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "cash_eq" => |a: i64, b: i64| a == b,
    "cash_ne" => |a: i64, b: i64| a != b,
    "cash_lt" => |a: i64, b: i64| a < b,
    "cash_le" => |a: i64, b: i64| a <= b,
    "cash_gt" => |a: i64, b: i64| a > b,
    "cash_ge" => |a: i64, b: i64| a >= b,
    "cash_cmp" => |a: i64, b: i64| a.cmp(&b) as i32,
    "cashlarger" => |a: i64, b: i64| a.max(b),
    "cashsmaller" => |a: i64, b: i64| a.min(b),
    "cash_pl" => |a: i64, b: i64| in_range(a.checked_add(b)),
    "cash_mi" => |a: i64, b: i64| in_range(a.checked_sub(b)),
    "cash_mul_int2" => |a: i64, b: i16| in_range(a.checked_mul(b.into())),
    "cash_mul_int4" => |a: i64, b: i32| in_range(a.checked_mul(b.into())),
    "cash_mul_int8" => |a: i64, b: i64| in_range(a.checked_mul(b)),
    "cash_mul_flt4" => |a: i64, b: f32| product(a, b.into()),
    "cash_mul_flt8" => |a: i64, b: f64| product(a, b),
    "int2_mul_cash" => |b: i16, a: i64| in_range(a.checked_mul(b.into())),
    "int4_mul_cash" => |b: i32, a: i64| in_range(a.checked_mul(b.into())),
    "int8_mul_cash" => |b: i64, a: i64| in_range(a.checked_mul(b)),
    "flt4_mul_cash" => |b: f32, a: i64| product(a, b.into()),
    "flt8_mul_cash" => |b: f64, a: i64| product(a, b),
    "cash_div_int2" => |a: i64, b: i16| divide(a, b.into()),
    "cash_div_int4" => |a: i64, b: i32| divide(a, b.into()),
    "cash_div_int8" => |a: i64, b: i64| divide(a, b),
    "cash_div_flt4" => |a: i64, b: f32| rounded(checked_quotient(a as f64 / f64::from(b), a as f64, b.into())?),
    "cash_div_flt8" => |a: i64, b: f64| rounded(checked_quotient(a as f64 / b, a as f64, b)?),
    "cash_div_cash" => |a: i64, b: i64| checked_quotient(a as f64 / b as f64, a as f64, b as f64),
    "cash_numeric" => |a: i64| Numeric::new(a, 2),
    "numeric_cash" => |a: &Numeric| a.mul(&Numeric::from(100))?.to_i64(),
    "int4_cash" => |a: i32| i64::from(a) * 100,
    "int8_cash" => |a: i64| super::integer::in_range(a.checked_mul(100)),
    "cash_words" => |a: i64| words(a),
};

/// 22003 for more than there can be.
pub(crate) fn in_range(cents: Option<i64>) -> Result<i64> {
    cents.ok_or_else(|| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "money out of range"))
}

fn product(cents: i64, by: f64) -> Result<i64> {
    let cents = cents as f64;
    rounded(checked_product(cents * by, cents, by)?)
}

fn rounded(cents: f64) -> Result<i64> {
    in_range(super::float::to_int8(cents).ok())
}

fn divide(cents: i64, by: i64) -> Result<i64> {
    if by == 0 { Err(division_by_zero()) } else { in_range(cents.checked_div(by)) }
}

const SMALL: [&str; 28] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
];

/// A number below a thousand in words, with "and" before the last part of a round one as PostgreSQL has it.
fn below_thousand(value: u64) -> String {
    let small = |n: u64| SMALL[n as usize];
    let tens = |n: u64| SMALL[(n / 10) as usize + 18];
    let rest = value % 100;
    if value <= 20 {
        return small(value).to_owned();
    }
    if rest == 0 {
        return format!("{} hundred", small(value / 100));
    }
    if value > 99 {
        if rest.is_multiple_of(10) && rest > 10 {
            return format!("{} hundred {}", small(value / 100), tens(rest));
        }
        if rest < 20 {
            return format!("{} hundred and {}", small(value / 100), small(rest));
        }
        return format!("{} hundred {} {}", small(value / 100), tens(rest), small(rest % 10));
    }
    if rest.is_multiple_of(10) {
        return tens(rest).to_owned();
    }
    if rest < 20 {
        return small(rest).to_owned();
    }
    format!("{} {}", tens(rest), small(rest % 10))
}

/// An amount in words.
fn words(cents: i64) -> String {
    let (total, sign) = (cents.unsigned_abs(), if cents < 0 { "minus " } else { "" });
    let (dollars, cents) = (total / 100, total % 100);
    let mut out = sign.to_owned();
    for (power, name) in [(15, "quadrillion"), (12, "trillion"), (9, "billion"), (6, "million"), (3, "thousand")] {
        let group = dollars / 10u64.pow(power) % 1000;
        if group > 0 {
            out += &format!("{} {name} ", below_thousand(group));
        }
    }
    if dollars % 1000 > 0 || dollars == 0 {
        out += &below_thousand(dollars % 1000);
    }
    out += if dollars == 1 { " dollar and " } else { " dollars and " };
    out += &below_thousand(cents);
    out += if cents == 1 { " cent" } else { " cents" };
    super::ctype::to_upper(&out[..1]) + &out[1..]
}
