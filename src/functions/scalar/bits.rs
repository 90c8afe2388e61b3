//! `bit` and `bit varying`: a value is text of `0` and `1`.

use dictdb_types::{Error, Result, SqlState, bail};

use super::integer::{in_range, out_of_range};
use super::text::{negative_length, substring_span};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "biteq" => |a: &str, b: &str| a == b,
    "bitne" => |a: &str, b: &str| a != b,
    "bitlt" => |a: &str, b: &str| a < b,
    "bitle" => |a: &str, b: &str| a <= b,
    "bitgt" => |a: &str, b: &str| a > b,
    "bitge" => |a: &str, b: &str| a >= b,
    "bitcmp" => |a: &str, b: &str| a.cmp(b) as i32,
    "bit_and" => |a: &str, b: &str| combine(a, b, "AND", |a, b| a & b),
    "bit_or" => |a: &str, b: &str| combine(a, b, "OR", |a, b| a | b),
    "bitxor" => |a: &str, b: &str| combine(a, b, "XOR", |a, b| a ^ b),
    "bitnot" => |a: &str| a.bytes().map(|bit| if bit == b'0' { '1' } else { '0' }).collect::<String>(),
    "bitshiftleft" => |a: &str, n: i32| shift(a, n.into()),
    "bitshiftright" => |a: &str, n: i32| shift(a, -i64::from(n)),
    "bitcat" => |a: &str, b: &str| [a, b].concat(),
    "bitsubstr" => |a: &str, start: i32, len: i32| part(a, start, Some(len)),
    "bitsubstr_no_len" => |a: &str, start: i32| part(a, start, None),
    "bitoverlay" => |a: &str, new: &str, start: i32, len: i32| overlay(a, new, start, len),
    "bitoverlay_no_len" => |a: &str, new: &str, start: i32| overlay(a, new, start, new.len() as i32),
    "bitposition" => |a: &str, search: &str| position(a, search),
    "bitlength" => |a: &str| a.len() as i32,
    "bit_length(bit)" => |a: &str| a.len() as i32,
    "bitoctetlength" => |a: &str| a.len().div_ceil(8) as i32,
    "bit_bit_count" => |a: &str| a.bytes().filter(|bit| *bit == b'1').count() as i64,
    "bitgetbit" => |a: &str, n: i32| Ok(i32::from(a.as_bytes()[index(a, n)?] == b'1')),
    "bitsetbit" => |a: &str, n: i32, new: i32| set(a, n, new),
    "bitfromint4" => |value: i32, typmod: i32| from_integer(value.into(), 32, typmod),
    "bitfromint8" => |value: i64, typmod: i32| from_integer(value, 64, typmod),
    "bittoint4" => |a: &str| to_integer(a, 32).map(|bits| bits as i32).ok_or_else(out_of_range::<i32>),
    "bittoint8" => |a: &str| to_integer(a, 64).map(|bits| bits as i64).ok_or_else(out_of_range::<i64>),
    "bit" => |a: &str, typmod: i32, explicit: bool| fixed(a, typmod, explicit),
    "varbit" => |a: &str, typmod: i32, explicit: bool| varying(a, typmod, explicit),
};

fn combine(a: &str, b: &str, name: &str, op: fn(u8, u8) -> u8) -> Result<String> {
    if a.len() != b.len() {
        bail!(STRING_DATA_LENGTH_MISMATCH, "cannot {name} bit strings of different sizes");
    }
    Ok(a.bytes().zip(b.bytes()).map(|(a, b)| char::from(b'0' + op(a & 1, b & 1))).collect())
}

/// Shifts left, or right if negative; the length stays.
fn shift(bits: &str, n: i64) -> String {
    let width = bits.len();
    let by = (n.unsigned_abs() as usize).min(width);
    let zeros = "0".repeat(by);
    if n >= 0 { bits[by..].to_owned() + &zeros } else { zeros + &bits[..width - by] }
}

fn part(bits: &str, start: i32, len: Option<i32>) -> Result<&str> {
    let (first, end) = substring_span(start, len)?;
    let end = end.unwrap_or(bits.len()).min(bits.len());
    Ok(bits.get(first..end).unwrap_or_default())
}

fn overlay(bits: &str, new: &str, start: i32, len: i32) -> Result<String> {
    if start <= 0 {
        return Err(negative_length());
    }
    let end = in_range(start.checked_add(len))?;
    Ok([part(bits, 1, Some(start - 1))?, new, part(bits, end, None)?].concat())
}

fn position(bits: &str, search: &str) -> i32 {
    if bits.is_empty() || search.len() > bits.len() {
        return i32::from(!bits.is_empty() && search.is_empty());
    }
    bits.find(search).map_or(0, |at| at as i32 + 1)
}

fn index(bits: &str, n: i32) -> Result<usize> {
    match usize::try_from(n) {
        Ok(n) if n < bits.len() => Ok(n),
        _ => Err(Error::new(
            SqlState::ARRAY_SUBSCRIPT_ERROR,
            format!("bit index {n} out of valid range (0..{})", bits.len() as i64 - 1),
        )),
    }
}

fn set(bits: &str, n: i32, new: i32) -> Result<String> {
    let n = index(bits, n)?;
    let new = match new {
        0 => "0",
        1 => "1",
        _ => bail!(INVALID_PARAMETER_VALUE, "new bit must be 0 or 1"),
    };
    Ok([&bits[..n], new, &bits[n + 1..]].concat())
}

/// Longest bit string (`VARBITMAXLEN`).
const MAX_BITS: i32 = i32::MAX - 7;

/// The low bits of a two's complement number, extended by its sign; `typmod` is the number of bits.
fn from_integer(value: i64, width: u32, typmod: i32) -> String {
    let bits = if typmod <= 0 || typmod > MAX_BITS { 1 } else { typmod as usize };
    let low = bits.min(width as usize);
    let sign = if value < 0 { "1" } else { "0" };
    let digits = format!("{value:064b}");
    sign.repeat(bits - low) + &digits[64 - low..]
}

/// Bits as a number, `None` if there are more than `width`.
fn to_integer(bits: &str, width: usize) -> Option<u64> {
    (bits.len() <= width).then(|| bits.bytes().fold(0, |value, bit| value << 1 | u64::from(bit == b'1')))
}

fn fixed(bits: &str, typmod: i32, explicit: bool) -> Result<String> {
    if typmod <= 0 || typmod > MAX_BITS || typmod as usize == bits.len() {
        return Ok(bits.to_owned());
    }
    let width = typmod as usize;
    if !explicit {
        bail!(STRING_DATA_LENGTH_MISMATCH, "bit string length {} does not match type bit({width})", bits.len());
    }
    Ok(match bits.get(..width) {
        Some(kept) => kept.to_owned(),
        None => bits.to_owned() + &"0".repeat(width - bits.len()),
    })
}

fn varying(bits: &str, typmod: i32, explicit: bool) -> Result<&str> {
    if typmod <= 0 || typmod as usize >= bits.len() {
        return Ok(bits);
    }
    if !explicit {
        bail!(STRING_DATA_RIGHT_TRUNCATION, "bit string too long for type bit varying({typmod})");
    }
    Ok(&bits[..typmod as usize])
}
