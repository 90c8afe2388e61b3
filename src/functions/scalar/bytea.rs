//! `bytea`: comparisons, parts, single bytes and bits, digests.

use dictdb_types::{Error, Result, SqlState, bail};
use md5::{Digest, Md5};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::integer::in_range;
use super::limits::check_growth;
use super::text::{negative_length, substring_span};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "byteaeq" => |a: &[u8], b: &[u8]| a == b,
    "byteane" => |a: &[u8], b: &[u8]| a != b,
    "bytealt" => |a: &[u8], b: &[u8]| a < b,
    "byteale" => |a: &[u8], b: &[u8]| a <= b,
    "byteagt" => |a: &[u8], b: &[u8]| a > b,
    "byteage" => |a: &[u8], b: &[u8]| a >= b,
    "byteacmp" => |a: &[u8], b: &[u8]| a.cmp(b) as i32,
    "byteaoctetlen" => |a: &[u8]| a.len() as i32,
    "bit_length(bytea)" => |a: &[u8]| in_range((a.len() as i32).checked_mul(8)),
    "byteacat" => |a: &[u8], b: &[u8]| check_growth(a.len(), b.len()).map(|()| [a, b].concat()),
    "bytea_substr" => |a: &[u8], start: i32, len: i32| part(a, start, Some(len)).map(<[u8]>::to_vec),
    "bytea_substr_no_len" => |a: &[u8], start: i32| part(a, start, None).map(<[u8]>::to_vec),
    "byteapos" => |a: &[u8], search: &[u8]| position(a, search),
    "byteaoverlay" => |a: &[u8], new: &[u8], start: i32, len: i32| overlay(a, new, start, len),
    "byteaoverlay_no_len" => |a: &[u8], new: &[u8], start: i32| overlay(a, new, start, new.len() as i32),
    "byteatrim" => |a: &[u8], set: &[u8]| trim(a, set, true, true).to_vec(),
    "bytealtrim" => |a: &[u8], set: &[u8]| trim(a, set, true, false).to_vec(),
    "byteartrim" => |a: &[u8], set: &[u8]| trim(a, set, false, true).to_vec(),
    "byteaGetByte" => |a: &[u8], n: i32| Ok(i32::from(a[index(n.into(), a.len())?])),
    "byteaSetByte" => |a: &[u8], n: i32, new: i32| set_byte(a, n, new as u8),
    "byteaGetBit" => |a: &[u8], n: i64| {
        let n = index(n, a.len() * 8)?;
        Ok(i32::from(a[n / 8] >> (n % 8) & 1))
    },
    "byteaSetBit" => |a: &[u8], n: i64, new: i32| set_bit(a, n, new),
    "bytea_bit_count" => |a: &[u8]| a.iter().map(|byte| i64::from(byte.count_ones())).sum::<i64>(),
    "md5_text" => |s: &str| hex(&Md5::digest(s)),
    "md5_bytea" => |a: &[u8]| hex(&Md5::digest(a)),
    "sha224_bytea" => |a: &[u8]| Sha224::digest(a).to_vec(),
    "sha256_bytea" => |a: &[u8]| Sha256::digest(a).to_vec(),
    "sha384_bytea" => |a: &[u8]| Sha384::digest(a).to_vec(),
    "sha512_bytea" => |a: &[u8]| Sha512::digest(a).to_vec(),
};

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// SQL's `substring` by bytes.
fn part(bytes: &[u8], start: i32, len: Option<i32>) -> Result<&[u8]> {
    let (first, end) = substring_span(start, len)?;
    let end = end.unwrap_or(bytes.len()).min(bytes.len());
    Ok(bytes.get(first..end).unwrap_or_default())
}

fn position(bytes: &[u8], search: &[u8]) -> i32 {
    if search.is_empty() {
        return 1;
    }
    bytes.windows(search.len()).position(|window| window == search).map_or(0, |at| at as i32 + 1)
}

fn overlay(bytes: &[u8], new: &[u8], start: i32, len: i32) -> Result<Vec<u8>> {
    if start <= 0 {
        return Err(negative_length());
    }
    let end = in_range(start.checked_add(len))?;
    check_growth(bytes.len().saturating_mul(2), new.len())?;
    Ok([part(bytes, 1, Some(start - 1))?, new, part(bytes, end, None)?].concat())
}

fn trim<'a>(bytes: &'a [u8], set: &[u8], start: bool, end: bool) -> &'a [u8] {
    let kept = |byte: &u8| !set.contains(byte);
    let from = if start { bytes.iter().position(kept).unwrap_or(bytes.len()) } else { 0 };
    let to = if end { bytes.iter().rposition(kept).map_or(from, |last| last + 1) } else { bytes.len() };
    &bytes[from..to.max(from)]
}

/// A position from zero inside a value of `len` bytes or bits, or 2202E.
fn index(n: i64, len: usize) -> Result<usize> {
    match usize::try_from(n) {
        Ok(n) if n < len => Ok(n),
        _ => Err(Error::new(
            SqlState::ARRAY_SUBSCRIPT_ERROR,
            format!("index {n} out of valid range, 0..{}", len as i64 - 1),
        )),
    }
}

fn set_byte(bytes: &[u8], n: i32, new: u8) -> Result<Vec<u8>> {
    let n = index(n.into(), bytes.len())?;
    let mut bytes = bytes.to_vec();
    bytes[n] = new;
    Ok(bytes)
}

fn set_bit(bytes: &[u8], n: i64, new: i32) -> Result<Vec<u8>> {
    let n = index(n, bytes.len() * 8)?;
    let mask = 1 << (n % 8);
    let mut bytes = bytes.to_vec();
    match new {
        0 => bytes[n / 8] &= !mask,
        1 => bytes[n / 8] |= mask,
        _ => bail!(INVALID_PARAMETER_VALUE, "new bit must be 0 or 1"),
    }
    Ok(bytes)
}
