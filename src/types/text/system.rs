//! Text of `money`, `tid` and `pg_lsn`.

use super::integer::{invalid, is_space, out_of_range};
use crate::Result;

/// Reads a `money` with the C locale's signs: dollars, commas between digits, a minus or parentheses. 22P02, 22003.
pub fn input_money(text: &str) -> Result<i64> {
    let mut rest = skip_blanks(text.as_bytes());
    let mut negative = false;
    if let Some(after) = rest.strip_prefix(b"$") {
        rest = skip_blanks(after);
    }
    match rest {
        [b'-', after @ ..] => (negative, rest) = (true, after),
        [b'(', after @ ..] => (negative, rest) = (true, after),
        [b'+', after @ ..] => rest = after,
        _ => {}
    }
    rest = skip_blanks(rest);
    if let Some(after) = rest.strip_prefix(b"$") {
        rest = skip_blanks(after);
    }
    let (mut value, mut fraction) = (0i64, None);
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'0'..=b'9' if fraction.is_none_or(|n| n < 2) => {
                // Summed up below zero, where there is room for one more.
                let next = value.checked_mul(10).and_then(|v| v.checked_sub(i64::from(byte - b'0')));
                value = next.ok_or_else(|| out_of_range("money", text))?;
                fraction = fraction.map(|n| n + 1);
            }
            b'0'..=b'9' => break,
            b'.' if fraction.is_none() => fraction = Some(0),
            b',' => {}
            _ => break,
        }
        rest = after;
    }
    let out_of_range = || out_of_range("money", text);
    if matches!(rest.first(), Some(b'5'..=b'9')) {
        value = value.checked_sub(1).ok_or_else(out_of_range)?;
    }
    for _ in fraction.unwrap_or(0)..2 {
        value = value.checked_mul(10).ok_or_else(out_of_range)?;
    }
    let rest = &rest[rest.iter().take_while(|b| b.is_ascii_digit()).count()..];
    let tail_is_fine = rest.iter().all(|b| is_space(*b) || matches!(b, b')' | b'-' | b'+' | b'$'));
    if !tail_is_fine {
        return Err(invalid("money", text));
    }
    let negative = negative || rest.contains(&b'-');
    if negative { Ok(value) } else { value.checked_neg().ok_or_else(out_of_range) }
}

fn skip_blanks(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|b| is_space(**b)).count()..]
}

/// Appends a `money`: `-$1,234.50`.
pub fn write_money(value: i64, out: &mut String) {
    let magnitude = value.unsigned_abs();
    out.push_str(if value < 0 { "-$" } else { "$" });
    let mut buffer = itoa::Buffer::new();
    let dollars = buffer.format(magnitude / 100);
    for (n, digit) in dollars.chars().enumerate() {
        if n > 0 && (dollars.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(&format!(".{:02}", magnitude % 100));
}

/// Reads a `tid`, `(block,offset)`, into the block number shifted over 16 bits of offset. 22P02.
pub fn input_tid(text: &str) -> Result<i64> {
    let parse = || {
        let (_, inner) = text.split_once('(')?;
        let (block, offset) = inner.split_once(',')?;
        let (offset, _) = offset.split_once(')')?;
        let block = block.parse::<u32>().or_else(|_| block.parse::<i32>().map(|block| block as u32)).ok()?;
        Some(tid(block, offset.parse().ok()?))
    };
    parse().ok_or_else(|| invalid("tid", text))
}

/// The value of a `tid`: its order is that of block, then offset.
pub fn tid(block: u32, offset: u16) -> i64 {
    i64::from(block) << 16 | i64::from(offset)
}

/// Block and offset of a `tid`.
pub fn tid_parts(value: i64) -> (u32, u16) {
    ((value >> 16) as u32, value as u16)
}

/// Appends a `tid`.
pub fn write_tid(value: i64, out: &mut String) {
    let (block, offset) = tid_parts(value);
    out.push_str(&format!("({block},{offset})"));
}

/// Reads a `pg_lsn`: two hexadecimal numbers of up to eight digits. 22P02.
pub fn input_lsn(text: &str) -> Result<i64> {
    let half = |digits: &str| {
        let valid = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if valid { u32::from_str_radix(digits, 16).ok() } else { None }
    };
    let parse = || {
        let (high, low) = text.split_once('/')?;
        Some((u64::from(half(high)?) << 32 | u64::from(half(low)?)) as i64)
    };
    parse().ok_or_else(|| invalid("pg_lsn", text))
}

/// Appends a `pg_lsn`.
pub fn write_lsn(value: i64, out: &mut String) {
    out.push_str(&format!("{:X}/{:X}", value as u64 >> 32, value as u32));
}
