//! LIKE and ILIKE over `text`, `name` and `bytea`: `%`, `_`, and a backslash that takes the next character literally.
//!
//! `ESCAPE` other than the backslash is rewritten by `like_escape` before the pattern comes here.

use dictdb_types::{Error, Result, SqlState};

use super::ctype;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "textlike" => |s: &str, p: &str| matches(s.as_bytes(), p.as_bytes(), CHARACTER),
    "textnlike" => |s: &str, p: &str| matches(s.as_bytes(), p.as_bytes(), CHARACTER).map(|m| !m),
    "namelike" => |s: &str, p: &str| matches(s.as_bytes(), p.as_bytes(), CHARACTER),
    "namenlike" => |s: &str, p: &str| matches(s.as_bytes(), p.as_bytes(), CHARACTER).map(|m| !m),
    "bytealike" => |s: &[u8], p: &[u8]| matches(s, p, BYTE),
    "byteanlike" => |s: &[u8], p: &[u8]| matches(s, p, BYTE).map(|m| !m),
    "texticlike" => |s: &str, p: &str| ignoring_case(s, p),
    "texticnlike" => |s: &str, p: &str| ignoring_case(s, p).map(|m| !m),
    "nameiclike" => |s: &str, p: &str| ignoring_case(s, p),
    "nameicnlike" => |s: &str, p: &str| ignoring_case(s, p).map(|m| !m),
    "like_escape" => |p: &str, escape: &str| rewrite_escape(p, escape),
    "like_escape_bytea" => |p: &[u8], escape: &[u8]| rewrite_escape_bytes(p, escape),
};

/// Bytes in the character at the start of a non-empty slice: what `_` takes.
type Step = fn(u8) -> usize;

const CHARACTER: Step = |first| match first {
    0..0xc0 => 1,
    0xc0..0xe0 => 2,
    0xe0..0xf0 => 3,
    _ => 4,
};

const BYTE: Step = |_| 1;

/// `text LIKE pattern`. 22025.
pub fn is_like(text: &str, pattern: &str) -> Result<bool> {
    matches(text.as_bytes(), pattern.as_bytes(), CHARACTER)
}

/// LIKE over bytes. One `%` at a time is reconsidered, so the time is at most the product of the lengths.
fn matches(s: &[u8], p: &[u8], step: Step) -> Result<bool> {
    let (mut si, mut pi) = (0, 0);
    let mut percent: Option<(usize, usize)> = None;
    loop {
        let matched = match (p.get(pi), s.get(si)) {
            (None, None) => return Ok(true),
            (Some(b'%'), _) => {
                if pi + 1 == p.len() {
                    return Ok(true);
                }
                percent = Some((pi + 1, si));
                pi += 1;
                continue;
            }
            (Some(b'_'), Some(&c)) => Some((1, step(c))),
            (Some(b'\\'), c) if pi + 1 == p.len() => {
                if c.is_some() || percent.is_some_and(|(after, _)| after == pi) {
                    return Err(trailing_escape());
                }
                None
            }
            (Some(b'\\'), Some(c)) => (p[pi + 1] == *c).then_some((2, 1)),
            (Some(literal), Some(c)) => (literal == c).then_some((1, 1)),
            _ => None,
        };
        match (matched, percent) {
            (Some((pattern, text)), _) => {
                pi += pattern;
                si = (si + text).min(s.len());
            }
            (None, Some((after, from))) if from < s.len() => {
                let from = (from + step(s[from])).min(s.len());
                percent = Some((after, from));
                (pi, si) = (after, from);
            }
            _ => return Ok(false),
        }
    }
}

#[cold]
fn trailing_escape() -> Error {
    Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "LIKE pattern must not end with escape character")
}

fn ignoring_case(s: &str, p: &str) -> Result<bool> {
    matches(ctype::to_lower(s).as_bytes(), ctype::to_lower(p).as_bytes(), CHARACTER)
}

/// LIKE over text, for the column kernels.
pub(crate) fn like(s: &str, p: &str) -> Result<bool> {
    matches(s.as_bytes(), p.as_bytes(), CHARACTER)
}

/// ILIKE over text.
pub(crate) fn ilike(s: &str, p: &str) -> Result<bool> {
    ignoring_case(s, p)
}

/// 22025: more than one escape character.
#[cold]
pub(crate) fn invalid_escape() -> Error {
    Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
        .hint("Escape string must be empty or one character.")
}

/// The pattern with a backslash as its escape character.
fn rewrite_escape(pattern: &str, escape: &str) -> Result<String> {
    let mut chars = escape.chars();
    let escape = chars.next();
    if chars.next().is_some() {
        return Err(invalid_escape());
    }
    let mut out = String::with_capacity(pattern.len());
    let mut escaped = false;
    for c in pattern.chars() {
        if Some(c) == escape && !escaped {
            out.push('\\');
            escaped = true;
            continue;
        }
        if c == '\\' && escape != Some('\\') && !escaped {
            out.push('\\');
        }
        out.push(c);
        escaped = false;
    }
    Ok(out)
}

fn rewrite_escape_bytes(pattern: &[u8], escape: &[u8]) -> Result<Vec<u8>> {
    if escape.len() > 1 {
        return Err(invalid_escape());
    }
    let escape = escape.first().copied();
    let mut out = Vec::with_capacity(pattern.len());
    let mut escaped = false;
    for &c in pattern {
        if Some(c) == escape && !escaped {
            out.push(b'\\');
            escaped = true;
            continue;
        }
        if c == b'\\' && escape != Some(b'\\') && !escaped {
            out.push(b'\\');
        }
        out.push(c);
        escaped = false;
    }
    Ok(out)
}
