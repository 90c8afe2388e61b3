//! Text of composite values: `(1,"b c",)`.

use super::integer::is_space;
use super::{input, input_null, output};
use crate::{Env, Error, Field, Oid, Record, Result, SqlState};

fn malformed(text: &str, detail: &str) -> Error {
    let message = format!("malformed record literal: \"{text}\"");
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8))
}

/// Reads a value of a row type with these fields; 22P02 with PostgreSQL's details.
pub(super) fn input_record(text: &str, ty: Oid, fields: &[Field], env: &dyn Env) -> Result<Record> {
    let mut rest = skip_blanks(text).strip_prefix('(').ok_or_else(|| malformed(text, "Missing left parenthesis."))?;
    let mut values = Vec::with_capacity(fields.len());
    for (n, field) in fields.iter().enumerate() {
        if n > 0 {
            rest = rest.strip_prefix(',').ok_or_else(|| malformed(text, "Too few columns."))?;
        }
        if rest.starts_with([',', ')']) {
            values.push(input_null(field.ty, env)?);
            continue;
        }
        let (value, after) =
            unquote(rest, |b| matches!(b, b',' | b')')).ok_or_else(|| malformed(text, "Unexpected end of input."))?;
        values.push(input(&value, field.ty, env)?);
        rest = after;
    }
    let rest = rest.strip_prefix(')').ok_or_else(|| malformed(text, "Too many columns."))?;
    if !skip_blanks(rest).is_empty() {
        return Err(malformed(text, "Junk after right parenthesis."));
    }
    Ok(Record { ty, types: fields.iter().map(|field| field.ty.oid).collect(), fields: values, names: None })
}

/// Reads up to an unquoted byte that ends a member: quotes anywhere, a doubled quote inside them, backslash escapes.
///
/// Returns the member and what begins with the byte that ended it; `None` at the end of the input.
pub(super) fn unquote(text: &str, ends: impl Fn(u8) -> bool) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut quoted = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            '"' if quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                value.push('"');
            }
            '"' => quoted = !quoted,
            _ if !quoted && c.is_ascii() && ends(c as u8) => return Some((value, &text[at..])),
            _ => value.push(c),
        }
    }
    None
}

/// Appends the text of a composite value.
pub(super) fn write_record(record: &Record, env: &dyn Env, out: &mut String) -> Result<()> {
    out.push('(');
    for (n, (ty, field)) in record.types.iter().zip(&record.fields).enumerate() {
        if n > 0 {
            out.push(',');
        }
        if field.is_null() {
            continue;
        }
        let start = out.len();
        output(field, *ty, env, out)?;
        let special = |b: u8| matches!(b, b'"' | b'\\' | b'(' | b')' | b',') || is_space(b);
        super::quote_member(start, special, out);
    }
    out.push(')');
    Ok(())
}
