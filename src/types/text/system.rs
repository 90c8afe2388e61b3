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

/// A `pg_snapshot` taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Everything before is finished.
    pub xmin: u64,
    /// Nothing from here on has begun.
    pub xmax: u64,
    /// What is unfinished between the two, ascending.
    pub in_progress: Vec<u64>,
}

impl Snapshot {
    /// Reads `xmin:xmax:xip,…`; `None` for what is no snapshot.
    pub fn parse(text: &str) -> Option<Snapshot> {
        let mut parts = text.splitn(3, ':');
        let mut bound = || parts.next()?.parse::<i64>().ok().filter(|xid| *xid > 0).map(i64::cast_unsigned);
        let (xmin, xmax) = (bound()?, bound()?);
        let list = parts.next()?;
        if xmax < xmin {
            return None;
        }
        let mut in_progress: Vec<u64> = vec![];
        for item in list.split(',').filter(|_| !list.is_empty()) {
            let xid: u64 = item.parse().ok()?;
            let last = in_progress.last().copied().unwrap_or(0);
            if !(xmin..xmax).contains(&xid) || xid < last {
                return None;
            }
            if xid > last {
                in_progress.push(xid);
            }
        }
        Some(Snapshot { xmin, xmax, in_progress })
    }

    /// Appends the canonical text.
    pub fn write(&self, out: &mut String) {
        let list: Vec<String> = self.in_progress.iter().map(u64::to_string).collect();
        out.push_str(&format!("{}:{}:{}", self.xmin, self.xmax, list.join(",")));
    }
}

/// Reads a `pg_snapshot` or `txid_snapshot` into its canonical text. 22P02.
pub fn input_snapshot(text: &str) -> Result<String> {
    let snapshot = Snapshot::parse(text).ok_or_else(|| invalid("pg_snapshot", text))?;
    let mut out = String::new();
    snapshot.write(&mut out);
    Ok(out)
}

/// Reads a `tid`, `(block,offset)`, into the block number shifted over 16 bits of offset. 22P02.
pub fn input_tid(text: &str) -> Result<i64> {
    let parse = || {
        let (_, inner) = text.split_once('(')?;
        let (block, offset) = inner.split_once(',')?;
        let (offset, _) = offset.split_once(')')?;
        let (block, offset) = (block.trim_ascii_start(), offset.trim_ascii_start());
        // Nothing at all is zero, as C's strtoul reads it.
        let block = if block.is_empty() { "0" } else { block };
        let block = block.parse::<u32>().or_else(|_| block.parse::<i32>().map(|block| block as u32)).ok()?;
        let offset = if offset.is_empty() { 0 } else { offset.parse().ok()? };
        Some(tid(block, offset))
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
