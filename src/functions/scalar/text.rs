//! `text`: lengths, parts, padding, trimming, replacing. A character is a Unicode code point.
//!
//! Comparisons are in `text_compare`, splitting and joining in `split_join`, patterns in `like` and `regex`.

use dictdb_types::{Error, Result, SqlState, bail};

use super::ctype;
use super::integer::in_range;
use super::limits::{check_growth, check_requested, push};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "textlen" => |s: &str| char_count(s),
    "textoctetlen" => |s: &str| s.len() as i32,
    "bit_length(text)" => |s: &str| in_range((s.len() as i32).checked_mul(8)),
    "textcat" => |a: &str, b: &str| concat(a, b),
    "lower" => |s: &str| ctype::to_lower(s),
    "upper" => |s: &str| ctype::to_upper(s),
    "initcap" => |s: &str| ctype::initcap(s),
    "text_substr" => |s: &str, start: i32, len: i32| substring(s, start, Some(len)),
    "text_substr_no_len" => |s: &str, start: i32| substring(s, start, None),
    "textpos" => |s: &str, search: &str| position(s, search),
    "textoverlay" => |s: &str, new: &str, start: i32, len: i32| overlay(s, new, start, len),
    "textoverlay_no_len" => |s: &str, new: &str, start: i32| overlay(s, new, start, char_count(new)),
    "btrim" => |s: &str, set: &str| trim(s, set, true, true),
    "ltrim" => |s: &str, set: &str| trim(s, set, true, false),
    "rtrim" => |s: &str, set: &str| trim(s, set, false, true),
    "btrim1" => |s: &str| s.trim_matches(' '),
    "ltrim1" => |s: &str| s.trim_start_matches(' '),
    "rtrim1" => |s: &str| s.trim_end_matches(' '),
    "lpad" => |s: &str, len: i32, fill: &str| pad(s, len, fill, Side::Left),
    "rpad" => |s: &str, len: i32, fill: &str| pad(s, len, fill, Side::Right),
    "lpad(text,integer)" => |s: &str, len: i32| pad(s, len, " ", Side::Left),
    "rpad(text,integer)" => |s: &str, len: i32| pad(s, len, " ", Side::Right),
    "repeat" => |s: &str, count: i32| repeat(s, count),
    "replace_text" => |s: &str, from: &str, to: &str| replace(s, from, to),
    "translate" => |s: &str, from: &str, to: &str| translate(s, from, to),
    "text_reverse" => |s: &str| s.chars().rev().collect::<String>(),
    "text_left" => |s: &str, n: i32| left(s, n),
    "text_right" => |s: &str, n: i32| right(s, n),
    "text_starts_with" => |s: &str, prefix: &str| s.starts_with(prefix),
    "ascii" => |s: &str| s.chars().next().map_or(0, |c| c as i32),
    "chr" => |code: i32| chr(code),
};

/// Number of characters.
pub(crate) fn char_count(s: &str) -> i32 {
    if s.is_ascii() { s.len() as i32 } else { s.chars().count() as i32 }
}

/// Byte offset of the character with index `chars`, or the end.
fn byte_offset(s: &str, chars: usize) -> usize {
    if s.is_ascii() {
        return chars.min(s.len());
    }
    s.char_indices().nth(chars).map_or(s.len(), |(at, _)| at)
}

fn concat(a: &str, b: &str) -> Result<String> {
    check_growth(a.len(), b.len())?;
    let mut out = String::with_capacity(a.len() + b.len());
    out.push_str(a);
    out.push_str(b);
    Ok(out)
}

/// 22011.
#[cold]
pub(crate) fn negative_length() -> Error {
    Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed")
}

/// Zero-based half-open span of `substring(… from start for len)`; `None` as its end is the end of the value.
pub(crate) fn substring_span(start: i32, len: Option<i32>) -> Result<(usize, Option<usize>)> {
    let first = (i64::from(start) - 1).max(0) as usize;
    let Some(len) = len else { return Ok((first, None)) };
    if len < 0 {
        return Err(negative_length());
    }
    // An end past the range of integers is past any value.
    Ok(match start.checked_add(len) {
        Some(end) => (first, Some((i64::from(end) - 1).max(first as i64) as usize)),
        None => (first, None),
    })
}

/// SQL's `substring`: positions count from 1 and may lie outside.
pub(crate) fn substring(s: &str, start: i32, len: Option<i32>) -> Result<&str> {
    let (first, end) = substring_span(start, len)?;
    let tail = s.get(byte_offset(s, first)..).unwrap_or_default();
    Ok(match end {
        Some(end) => tail.get(..byte_offset(tail, end - first)).unwrap_or_default(),
        None => tail,
    })
}

/// Position in characters from 1, or 0.
fn position(s: &str, search: &str) -> i32 {
    s.find(search).map_or(0, |at| char_count(&s[..at]) + 1)
}

fn overlay(s: &str, new: &str, start: i32, len: i32) -> Result<String> {
    if start <= 0 {
        return Err(negative_length());
    }
    let end = in_range(start.checked_add(len))?;
    let mut out = substring(s, 1, Some(start - 1))?.to_owned();
    push(&mut out, new)?;
    push(&mut out, substring(s, end, None)?)?;
    Ok(out)
}

fn trim<'a>(s: &'a str, set: &str, start: bool, end: bool) -> &'a str {
    let s = if start { s.trim_start_matches(|c| set.contains(c)) } else { s };
    if end { s.trim_end_matches(|c| set.contains(c)) } else { s }
}

#[derive(PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

fn pad(s: &str, len: i32, fill: &str, side: Side) -> Result<String> {
    let have = char_count(s) as usize;
    // Nothing to fill up with leaves the text as long as it is.
    let most = if fill.is_empty() { have } else { usize::MAX };
    let len = (len.max(0) as usize).min(most);
    check_requested(len.checked_mul(4))?;
    let missing = len.saturating_sub(have);
    let padding: String = fill.chars().cycle().take(missing).collect();
    let kept = &s[..byte_offset(s, len)];
    Ok(if side == Side::Left { padding + kept } else { kept.to_owned() + &padding })
}

fn repeat(s: &str, count: i32) -> Result<String> {
    let count = count.max(0) as usize;
    check_requested(s.len().checked_mul(count).and_then(|n| n.checked_add(4)))?;
    Ok(s.repeat(count))
}

pub(crate) fn replace(s: &str, from: &str, to: &str) -> Result<String> {
    if from.is_empty() {
        return Ok(s.to_owned());
    }
    let mut out = String::with_capacity(s.len());
    let mut rest = s;
    while let Some((before, after)) = rest.split_once(from) {
        push(&mut out, before)?;
        push(&mut out, to)?;
        rest = after;
    }
    push(&mut out, rest)?;
    Ok(out)
}

fn translate(s: &str, from: &str, to: &str) -> String {
    let target = |c: char| match from.chars().position(|f| f == c) {
        Some(index) => to.chars().nth(index),
        None => Some(c),
    };
    s.chars().filter_map(target).collect()
}

/// The first `n` characters, or all but the last `-n`.
pub(crate) fn left(s: &str, n: i32) -> &str {
    let keep = if n >= 0 { n as usize } else { (i64::from(char_count(s)) + i64::from(n)).max(0) as usize };
    &s[..byte_offset(s, keep)]
}

/// The last `n` characters, or all but the first `-n`.
pub(crate) fn right(s: &str, n: i32) -> &str {
    // PostgreSQL's negation of the least number is that number, which skips nothing.
    let n = if n == i32::MIN { i32::MAX } else { n };
    let skip =
        if n >= 0 { (i64::from(char_count(s)) - i64::from(n)).max(0) as usize } else { n.unsigned_abs() as usize };
    &s[byte_offset(s, skip)..]
}

fn chr(code: i32) -> Result<String> {
    if code < 0 {
        bail!(INVALID_PARAMETER_VALUE, "character number must be positive");
    }
    if code == 0 {
        bail!(PROGRAM_LIMIT_EXCEEDED, "null character not permitted");
    }
    if code > 0x0010_ffff {
        bail!(PROGRAM_LIMIT_EXCEEDED, "requested character too large for encoding: {code}");
    }
    match char::from_u32(code as u32) {
        Some(c) => Ok(c.to_string()),
        None => bail!(PROGRAM_LIMIT_EXCEEDED, "requested character not valid for encoding: {code}"),
    }
}
