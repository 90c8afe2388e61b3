//! Quoting and parsing of identifiers and literals.

use dictdb_types::{Array, Datum, Error, Result, SqlState, oids, quote_identifier, quote_literal};

use crate::args::kernels;
use crate::io;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "quote_ident" => |s: &str| quote_identifier(s).into_owned(),
    "quote_literal" => |s: &str| quote_literal(s),
    "quote_nullable" => |s: Option<&str>| s.map_or_else(|| "NULL".to_owned(), quote_literal),
    "quote_literal(anyelement)" => |cx; value: &Datum| {
        as_text(cx, value).map(|s| s.map(|s| quote_literal(&s)))
    },
    "quote_nullable(anyelement)" => |cx; value: &Datum| {
        as_text(cx, value).map(|s| s.map_or_else(|| "NULL".to_owned(), |s| quote_literal(&s)))
    },
    "parse_ident" => |s: &str, strict: bool| parse_ident(s, strict),
};

fn as_text(cx: &CallContext<'_>, value: &Datum) -> Result<Option<String>> {
    if value.is_null() { Ok(None) } else { io::cast_to_text(cx, cx.arg_type(0).oid, value).map(Some) }
}

/// Splits a qualified name into its parts. Without `strict`, what follows the last part may be anything.
fn parse_ident(s: &str, strict: bool) -> Result<Array> {
    let invalid =
        || Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("string is not a valid identifier: \"{s}\""));
    let blanks = |text: &str| text.len() - text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']).len();
    let mut parts = vec![];
    let mut rest = &s[blanks(s)..];
    loop {
        let after_dot = !parts.is_empty();
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = closing_quote(quoted).ok_or_else(|| invalid().detail("String has unclosed double quotes."))?;
            if end == 0 {
                return Err(invalid().detail("Quoted identifier must not be empty."));
            }
            parts.push(Datum::text(quoted[..end].replace("\"\"", "\"")));
            rest = &quoted[end + 1..];
        } else {
            let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
            let length = rest.find(|c: char| !starts(c) && !c.is_ascii_digit() && c != '$').unwrap_or(rest.len());
            if length == 0 || !rest.starts_with(starts) {
                return Err(match (rest.starts_with('.'), after_dot) {
                    (true, _) => invalid().detail("No valid identifier before \".\"."),
                    (false, true) => invalid().detail("No valid identifier after \".\"."),
                    (false, false) => invalid(),
                });
            }
            parts.push(Datum::text(super::ctype::to_lower(&rest[..length])));
            rest = &rest[length..];
        }
        rest = &rest[blanks(rest)..];
        match rest.strip_prefix('.') {
            Some(after) => rest = &after[blanks(after)..],
            None if strict && !rest.is_empty() => return Err(invalid()),
            None => break,
        }
    }
    Ok(Array::vector(oids::TEXT, parts))
}

/// Where a quoted identifier ends; doubled quotes are part of it.
fn closing_quote(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find('"')?;
        if !text[at + 1..].starts_with('"') {
            return Some(at);
        }
        from = at + 2;
    }
}
