//! Sizes for people: `pg_size_pretty`, `pg_size_bytes`.

use dictdb_types::{Error, Numeric, Result, SqlState};

use super::integer::out_of_range;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "pg_size_pretty" => |bytes: i64| pretty(bytes),
    "pg_size_pretty_numeric" => |bytes: &Numeric| pretty_numeric(bytes),
    "pg_size_bytes" => |text: &str| parse(text),
};

/// A unit: its name, the size from which the next one is used, whether values are rounded, and its power of two.
struct Unit {
    name: &'static str,
    limit: i64,
    round: bool,
    bits: u32,
}

const UNITS: &[Unit] = &[
    Unit { name: "bytes", limit: 10 * 1024, round: false, bits: 0 },
    Unit { name: "kB", limit: 20 * 1024 - 1, round: true, bits: 10 },
    Unit { name: "MB", limit: 20 * 1024 - 1, round: true, bits: 20 },
    Unit { name: "GB", limit: 20 * 1024 - 1, round: true, bits: 30 },
    Unit { name: "TB", limit: 20 * 1024 - 1, round: true, bits: 40 },
    Unit { name: "PB", limit: 20 * 1024 - 1, round: true, bits: 50 },
];

/// Values are carried with one extra bit for rounding, as PostgreSQL does, until the last unit fits.
fn pretty(bytes: i64) -> String {
    let mut size = i128::from(bytes);
    for (index, unit) in UNITS.iter().enumerate() {
        let last = index + 1 == UNITS.len();
        if last || size.abs() < i128::from(unit.limit) {
            return format!("{} {}", if unit.round { half_rounded(size) } else { size }, unit.name);
        }
        let next = &UNITS[index + 1];
        size /= 1 << (next.bits - unit.bits - u32::from(next.round) + u32::from(unit.round));
    }
    bytes.to_string()
}

fn half_rounded(size: i128) -> i128 {
    (size + size.signum()) / 2
}

fn pretty_numeric(bytes: &Numeric) -> Result<String> {
    let mut size = bytes.clone();
    for (index, unit) in UNITS.iter().enumerate() {
        let last = index + 1 == UNITS.len();
        if last || size.abs() < Numeric::from(unit.limit) {
            let shown = if unit.round { half_rounded_numeric(&size)? } else { size };
            return Ok(format!("{shown} {}", unit.name));
        }
        let next = &UNITS[index + 1];
        let shift = next.bits - unit.bits - u32::from(next.round) + u32::from(unit.round);
        size = size.div_trunc(&Numeric::from(1i64 << shift))?;
    }
    Ok(bytes.to_string())
}

fn half_rounded_numeric(size: &Numeric) -> Result<Numeric> {
    let one = Numeric::from(if size.is_negative() { -1 } else { 1 });
    size.add(&one)?.div_trunc(&Numeric::from(2))
}

/// A number with an optional unit, in bytes.
fn parse(text: &str) -> Result<i64> {
    let invalid = || Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid size: \"{text}\""));
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let length = number_length(trimmed).ok_or_else(invalid)?;
    let (number, unit) = trimmed.split_at(length);
    let number = Numeric::parse(number)?;
    let unit = unit.trim_start();
    let bits = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        lower => match UNITS.iter().find(|known| known.name.eq_ignore_ascii_case(lower)) {
            Some(known) => known.bits,
            None => {
                return Err(invalid()
                    .detail(format!("Invalid size unit: \"{unit}\"."))
                    .hint("Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\"."));
            }
        },
    };
    number.mul(&Numeric::from(1i64 << bits))?.to_i64().map_err(|_| out_of_range::<i64>())
}

/// Bytes of the number at the start: sign, digits, point, digits, exponent.
fn number_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let start = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let mut end = digits(start);
    let mut any = end > start;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        any |= fraction > end + 1;
        end = fraction;
    }
    if !any {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    Some(end)
}
