//! `regexp_replace` in all its signatures.

use dictdb_types::{Error, Result, SqlState};

use super::super::limits::push;
use super::compile;
use super::dissect::Spans;
use super::functions::{Matches, bad_parameter, start_offset};
use super::syntax::{Options, parse_flags};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "textregexreplace_noopt" => |s: &str, p: &str, r: &str| replace(s, p, r, Options::ADVANCED, 1, 1),
    "textregexreplace" => |s: &str, p: &str, r: &str, flags: &str| with_flags(s, p, r, flags),
    "textregexreplace_extended" => |s: &str, p: &str, r: &str, start: i32, n: i32, flags: &str| {
        check(start, n)?;
        replace(s, p, r, parse_flags(flags)?.0, start, n)
    },
    "textregexreplace_extended_no_flags" => |s: &str, p: &str, r: &str, start: i32, n: i32| {
        replace(s, p, r, Options::ADVANCED, start, n)
    },
    "textregexreplace_extended_no_n" => |s: &str, p: &str, r: &str, start: i32| replace(s, p, r, Options::ADVANCED, start, 1),
};

fn with_flags(text: &str, pattern: &str, replacement: &str, flags: &str) -> Result<String> {
    if let Some(digit) = flags.chars().next().filter(char::is_ascii_digit) {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid regular expression option: \"{digit}\""),
        )
        .hint(
            "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.",
        ));
    }
    let (options, global) = parse_flags(flags)?;
    replace(text, pattern, replacement, options, 1, i32::from(!global))
}

/// 22023 for what no match can be counted from or by.
fn check(start: i32, n: i32) -> Result<()> {
    match (start, n) {
        (..=0, _) => Err(bad_parameter("start", start)),
        (_, ..0) => Err(bad_parameter("n", n)),
        _ => Ok(()),
    }
}

/// Replaces the `n`-th match from character `start`, or every one if `n` is zero.
fn replace(text: &str, pattern: &str, replacement: &str, options: Options, start: i32, n: i32) -> Result<String> {
    check(start, n)?;
    let from = start_offset(text, start)?;
    let pieces = pieces(replacement);
    let captures = pieces.iter().any(|piece| matches!(piece, Piece::Capture(1..)));
    let matches = Matches::new(compile(pattern, options)?, text, from, captures);
    let (mut out, mut copied) = (String::new(), 0);
    let skip = if n == 0 { 0 } else { n as usize - 1 };
    for spans in matches.skip(skip).take(if n == 0 { usize::MAX } else { 1 }) {
        let spans = spans?;
        let Some((start, end)) = spans[0] else { continue };
        push(&mut out, &text[copied..start])?;
        append(&mut out, &pieces, text, &spans)?;
        copied = end;
    }
    push(&mut out, &text[copied..])?;
    Ok(out)
}

/// A part of the replacement text.
enum Piece<'a> {
    Text(&'a str),
    Capture(usize),
}

/// Splits at `\1` to `\9`, `\&` and `\\`; a backslash before anything else is itself.
fn pieces(replacement: &str) -> Vec<Piece<'_>> {
    let mut pieces = vec![];
    let mut rest = replacement;
    while let Some(at) = rest.find('\\') {
        let (before, after) = rest.split_at(at);
        pieces.push(Piece::Text(before));
        let (piece, length) = match after.as_bytes().get(1) {
            Some(digit @ b'1'..=b'9') => (Piece::Capture(usize::from(digit - b'0')), 2),
            Some(b'&') => (Piece::Capture(0), 2),
            Some(b'\\') => (Piece::Text("\\"), 2),
            _ => (Piece::Text("\\"), 1),
        };
        pieces.push(piece);
        rest = &after[length..];
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn append(out: &mut String, pieces: &[Piece<'_>], text: &str, spans: &Spans) -> Result<()> {
    for piece in pieces {
        match piece {
            Piece::Text(part) => push(out, part)?,
            Piece::Capture(number) => {
                if let Some((start, end)) = spans.get(*number).copied().flatten() {
                    push(out, &text[start..end])?;
                }
            }
        }
    }
    Ok(())
}
