//! Text of ranges and multiranges: `[1,5)`, `{[1,5),[7,9)}`.

use super::integer::is_space;
use super::record::unquote;
use super::{input, output};
use crate::{Array, Bound, Datum, Env, Error, Oid, Range, Result, SqlState, Type, range};

fn malformed(text: &str, detail: &str) -> Error {
    let message = format!("malformed range literal: \"{text}\"");
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8))
}

/// A bound as it stands in the text; `None` is no bound.
type BoundText = Option<String>;

/// The parts of a range's text: lower and upper bound, and whether each belongs to the range. `None` is `empty`.
type Parts = Option<[(BoundText, bool); 2]>;

/// Reads a range; 22P02 with PostgreSQL's details, 22000 for bounds in the wrong order.
pub(super) fn input_range(text: &str, ty: Oid, subtype: Oid, env: &dyn Env) -> Result<Range> {
    let Some([(lower, lower_inclusive), (upper, upper_inclusive)]) = parse(text)? else {
        return Ok(Range { ty, bounds: None });
    };
    let bound = |text: BoundText, inclusive: bool| -> Result<Bound> {
        Ok(match (text, inclusive) {
            (None, _) => Bound::Unbounded,
            (Some(text), true) => Bound::Inclusive(input(&text, Type::new(subtype), env)?),
            (Some(text), false) => Bound::Exclusive(input(&text, Type::new(subtype), env)?),
        })
    };
    range::make(ty, subtype, bound(lower, lower_inclusive)?, bound(upper, upper_inclusive)?)
}

fn parse(text: &str) -> Result<Parts> {
    let rest = skip_blanks(text);
    if let Some((word, after)) = rest.split_at_checked(5)
        && word.eq_ignore_ascii_case("empty")
    {
        return match skip_blanks(after) {
            "" => Ok(None),
            _ => Err(malformed(text, "Junk after \"empty\" key word.")),
        };
    }
    let (lower_inclusive, rest) = match rest.as_bytes().first() {
        Some(b'[') => (true, &rest[1..]),
        Some(b'(') => (false, &rest[1..]),
        _ => return Err(malformed(text, "Missing left parenthesis or bracket.")),
    };
    let (lower, rest) = bound(text, rest)?;
    let rest = rest.strip_prefix(',').ok_or_else(|| malformed(text, "Missing comma after lower bound."))?;
    let (upper, rest) = bound(text, rest)?;
    let (upper_inclusive, rest) = match rest.as_bytes().first() {
        Some(b']') => (true, &rest[1..]),
        Some(b')') => (false, &rest[1..]),
        _ => return Err(malformed(text, "Too many commas.")),
    };
    if !skip_blanks(rest).is_empty() {
        return Err(malformed(text, "Junk after right parenthesis or bracket."));
    }
    Ok(Some([(lower, lower_inclusive), (upper, upper_inclusive)]))
}

/// One bound up to the comma or bracket after it; nothing at all is no bound, `""` is an empty text.
fn bound<'a>(whole: &str, text: &'a str) -> Result<(BoundText, &'a str)> {
    let ends = |b: u8| matches!(b, b',' | b')' | b']');
    if text.bytes().next().is_some_and(ends) {
        return Ok((None, text));
    }
    let (value, rest) = unquote(text, ends).ok_or_else(|| malformed(whole, "Unexpected end of input."))?;
    Ok((Some(value), rest))
}

/// Appends the text of a range over `subtype`.
pub(super) fn write_range(value: &Range, subtype: Oid, env: &dyn Env, out: &mut String) -> Result<()> {
    let Some((lower, upper)) = &value.bounds else {
        out.push_str("empty");
        return Ok(());
    };
    out.push(if matches!(lower, Bound::Inclusive(_)) { '[' } else { '(' });
    write_bound(lower, subtype, env, out)?;
    out.push(',');
    write_bound(upper, subtype, env, out)?;
    out.push(if matches!(upper, Bound::Inclusive(_)) { ']' } else { ')' });
    Ok(())
}

fn write_bound(bound: &Bound, subtype: Oid, env: &dyn Env, out: &mut String) -> Result<()> {
    let (Bound::Inclusive(value) | Bound::Exclusive(value)) = bound else { return Ok(()) };
    let start = out.len();
    output(value, subtype, env, out)?;
    let special = |b: u8| matches!(b, b'"' | b'\\' | b'(' | b')' | b'[' | b']' | b',') || is_space(b);
    super::quote_member(start, special, out);
    Ok(())
}

fn malformed_multirange(text: &str, detail: &str) -> Error {
    let message = format!("malformed multirange literal: \"{text}\"");
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
}

/// Reads a multirange into an array of its ranges, in order and without overlaps; 22P02.
pub(super) fn input_multirange(text: &str, range_type: Oid, subtype: Oid, env: &dyn Env) -> Result<Array> {
    let fail = |detail: &str| malformed_multirange(text, detail);
    let mut rest = skip_blanks(text).strip_prefix('{').ok_or_else(|| fail("Missing left brace."))?;
    let mut ranges = vec![];
    loop {
        rest = skip_blanks(rest);
        let end = match rest.as_bytes().first() {
            None => return Err(fail("Unexpected end of input.")),
            Some(b'}') if ranges.is_empty() => break,
            Some(b'[' | b'(') => range_end(rest).ok_or_else(|| fail("Unexpected end of input."))?,
            Some(_) if rest.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("empty")) => 5,
            Some(_) => return Err(fail("Expected range start.")),
        };
        ranges.push(input_range(&rest[..end], range_type, subtype, env)?);
        rest = skip_blanks(&rest[end..]);
        match rest.as_bytes().first() {
            None => return Err(fail("Unexpected end of input.")),
            Some(b',') => rest = &rest[1..],
            Some(b'}') => break,
            Some(_) => return Err(fail("Expected comma or end of multirange.")),
        }
    }
    if !skip_blanks(&rest[1..]).is_empty() {
        return Err(fail("Junk after closing right brace."));
    }
    Ok(range::multirange(range_type, ranges))
}

/// Where a range ends that begins with its bracket, the closing one included.
fn range_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b']' | b')' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Appends the text of a multirange.
pub(super) fn write_multirange(value: &Array, subtype: Oid, env: &dyn Env, out: &mut String) -> Result<()> {
    out.push('{');
    for (n, item) in value.items.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        if let Datum::Range(item) = item {
            write_range(item, subtype, env, out)?;
        }
    }
    out.push('}');
    Ok(())
}
