//! The SQL functions and operators over regular expressions, except `regexp_replace`.

use std::rc::Rc;

use dictdb_types::{Array, Datum, Error, Result, SqlState, bail, oids};

use super::compiled::Compiled;
use super::dissect::Spans;
use super::syntax::parse_flags;
use super::{compile, is_match, substring};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "textregexeq" => |s: &str, p: &str| is_match(s, p, false),
    "textregexne" => |s: &str, p: &str| is_match(s, p, false).map(|m| !m),
    "texticregexeq" => |s: &str, p: &str| is_match(s, p, true),
    "texticregexne" => |s: &str, p: &str| is_match(s, p, true).map(|m| !m),
    "nameregexeq" => |s: &str, p: &str| is_match(s, p, false),
    "nameregexne" => |s: &str, p: &str| is_match(s, p, false).map(|m| !m),
    "nameicregexeq" => |s: &str, p: &str| is_match(s, p, true),
    "nameicregexne" => |s: &str, p: &str| is_match(s, p, true).map(|m| !m),
    "textregexsubstr" => |s: &str, p: &str| substring(s, p),
    "regexp_match" => |s: &str, p: &str, flags: &str| first_match(s, p, flags),
    "regexp_match_no_flags" => |s: &str, p: &str| first_match(s, p, ""),
    "regexp_like" => |s: &str, p: &str, flags: &str| like(s, p, flags),
    "regexp_like_no_flags" => |s: &str, p: &str| is_match(s, p, false),
    "regexp_count" => |s: &str, p: &str, start: i32, flags: &str| count(s, p, start, flags),
    "regexp_count_no_flags" => |s: &str, p: &str, start: i32| count(s, p, start, ""),
    "regexp_count_no_start" => |s: &str, p: &str| count(s, p, 1, ""),
    "regexp_instr" => |s: &str, p: &str, start: i32, n: i32, end: i32, flags: &str, sub: i32| instr(s, p, start, n, end, flags, sub),
    "regexp_instr_no_subexpr" => |s: &str, p: &str, start: i32, n: i32, end: i32, flags: &str| instr(s, p, start, n, end, flags, 0),
    "regexp_instr_no_flags" => |s: &str, p: &str, start: i32, n: i32, end: i32| instr(s, p, start, n, end, "", 0),
    "regexp_instr_no_endoption" => |s: &str, p: &str, start: i32, n: i32| instr(s, p, start, n, 0, "", 0),
    "regexp_instr_no_n" => |s: &str, p: &str, start: i32| instr(s, p, start, 1, 0, "", 0),
    "regexp_instr_no_start" => |s: &str, p: &str| instr(s, p, 1, 1, 0, "", 0),
    "regexp_substr" => |s: &str, p: &str, start: i32, n: i32, flags: &str, sub: i32| substr(s, p, start, n, flags, sub),
    "regexp_substr_no_subexpr" => |s: &str, p: &str, start: i32, n: i32, flags: &str| substr(s, p, start, n, flags, 0),
    "regexp_substr_no_flags" => |s: &str, p: &str, start: i32, n: i32| substr(s, p, start, n, "", 0),
    "regexp_substr_no_n" => |s: &str, p: &str, start: i32| substr(s, p, start, 1, "", 0),
    "regexp_substr_no_start" => |s: &str, p: &str| substr(s, p, 1, 1, "", 0),
    "regexp_split_to_array" => |s: &str, p: &str, flags: &str| split_array(s, p, flags),
    "regexp_split_to_array_no_flags" => |s: &str, p: &str| split_array(s, p, ""),
};

/// Compiles under a function's flags; `g` is 22023 unless the function takes it.
fn compile_for(function: &str, pattern: &str, flags: &str) -> Result<Rc<Compiled>> {
    let (options, global) = parse_flags(flags)?;
    if global {
        bail!(INVALID_PARAMETER_VALUE, "{function}() does not support the \"global\" option");
    }
    compile(pattern, options)
}

/// 22023 naming a parameter.
pub(super) fn bad_parameter(name: &str, value: i32) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"{name}\": {value}"))
}

/// Byte offset of a character position counted from 1; `None` past the end.
pub(super) fn start_offset(text: &str, start: i32) -> Result<Option<usize>> {
    if start <= 0 {
        return Err(bad_parameter("start", start));
    }
    let skip = start as usize - 1;
    Ok(text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(skip))
}

/// Successive matches from a byte offset, as `g` and the counting functions see them.
pub(super) struct Matches<'a> {
    compiled: Rc<Compiled>,
    text: &'a str,
    next: Option<usize>,
    captures: bool,
}

impl<'a> Matches<'a> {
    pub(super) fn new(compiled: Rc<Compiled>, text: &'a str, from: Option<usize>, captures: bool) -> Self {
        Matches { compiled, text, next: from, captures }
    }
}

impl Iterator for Matches<'_> {
    type Item = Result<Spans>;

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.next?;
        let found = if self.captures {
            self.compiled.find_captures(self.text, from)
        } else {
            self.compiled.find(self.text, from).map(|span| span.map(|span| vec![Some(span)]))
        };
        let spans = match found {
            Ok(found) => found,
            Err(error) => {
                self.next = None;
                return Some(Err(error));
            }
        };
        self.next = spans.as_ref().and_then(|spans| spans[0]).and_then(|(start, end)| {
            // An empty match moves on by one character; past the end there is nothing more.
            if end > start { Some(end) } else { self.text[end..].chars().next().map(|c| end + c.len_utf8()) }
        });
        spans.map(Ok)
    }
}

/// What `regexp_match` returns of a match: its captures, or the whole of it if the pattern has none.
pub(crate) fn captured(text: &str, spans: &Spans) -> Datum {
    let chosen = if spans.len() > 1 { &spans[1..] } else { &spans[..] };
    let items = chosen.iter().map(|span| span.map_or(Datum::Null, |(start, end)| Datum::text(&text[start..end])));
    Datum::Array(Array::vector(oids::TEXT, items.collect()).into())
}

fn first_match(text: &str, pattern: &str, flags: &str) -> Result<Option<Datum>> {
    let (options, global) = parse_flags(flags)?;
    if global {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "regexp_match() does not support the \"global\" option",
        )
        .hint("Use the regexp_matches function instead."));
    }
    let spans = compile(pattern, options)?.find_captures(text, 0)?;
    Ok(spans.map(|spans| captured(text, &spans)))
}

/// `regexp_matches`: the first match, or with `g` all of them.
pub(crate) fn all_matches(text: &str, pattern: &str, flags: &str) -> Result<Vec<Datum>> {
    let (options, global) = parse_flags(flags)?;
    let matches = Matches::new(compile(pattern, options)?, text, Some(0), true);
    matches.take(if global { usize::MAX } else { 1 }).map(|spans| Ok(captured(text, &spans?))).collect()
}

fn like(text: &str, pattern: &str, flags: &str) -> Result<bool> {
    compile_for("regexp_like", pattern, flags)?.is_match(text)
}

fn count(text: &str, pattern: &str, start: i32, flags: &str) -> Result<i32> {
    let from = start_offset(text, start)?;
    let compiled = compile_for("regexp_count", pattern, flags)?;
    let mut count = 0;
    for spans in Matches::new(compiled, text, from, false) {
        spans?;
        count += 1;
    }
    Ok(count)
}

/// The `n`-th match from `start`, or its capture `sub`.
fn nth(
    function: &str,
    text: &str,
    pattern: &str,
    (start, n, sub): (i32, i32, i32),
    flags: &str,
) -> Result<Option<(usize, usize)>> {
    let from = start_offset(text, start)?;
    let compiled = compile_for(function, pattern, flags)?;
    if sub as usize > compiled.captures().max(1) {
        return Ok(None);
    }
    // A pattern without captures has the whole match as its first one.
    let sub = if compiled.captures() == 0 { 0 } else { sub };
    let mut matches = Matches::new(compiled, text, from, sub > 0);
    match matches.nth(n as usize - 1) {
        Some(spans) => Ok(spans?[sub as usize]),
        None => Ok(None),
    }
}

fn check(name: &str, value: i32, allowed: std::ops::RangeInclusive<i32>) -> Result<()> {
    if allowed.contains(&value) { Ok(()) } else { Err(bad_parameter(name, value)) }
}

fn instr(text: &str, pattern: &str, start: i32, n: i32, end: i32, flags: &str, sub: i32) -> Result<i32> {
    check("start", start, 1..=i32::MAX)?;
    check("n", n, 1..=i32::MAX)?;
    check("endoption", end, 0..=1)?;
    check("subexpr", sub, 0..=i32::MAX)?;
    let span = nth("regexp_instr", text, pattern, (start, n, sub), flags)?;
    Ok(span.map_or(0, |(from, to)| super::super::text::char_count(&text[..if end == 1 { to } else { from }]) + 1))
}

fn substr<'a>(text: &'a str, pattern: &str, start: i32, n: i32, flags: &str, sub: i32) -> Result<Option<&'a str>> {
    check("start", start, 1..=i32::MAX)?;
    check("n", n, 1..=i32::MAX)?;
    check("subexpr", sub, 0..=i32::MAX)?;
    let span = nth("regexp_substr", text, pattern, (start, n, sub), flags)?;
    Ok(span.map(|(from, to)| &text[from..to]))
}

/// The parts between matches. An empty match at the start, at the end or right after another one splits nothing.
pub(crate) fn split<'a>(function: &str, text: &'a str, pattern: &str, flags: &str) -> Result<Vec<&'a str>> {
    let compiled = compile_for(function, pattern, flags)?;
    let (mut parts, mut last) = (vec![], 0);
    for spans in Matches::new(compiled, text, Some(0), false) {
        let Some((start, end)) = spans?[0] else { continue };
        if start < text.len() && end > last {
            parts.push(&text[last..start]);
            last = end;
        }
    }
    parts.push(&text[last..]);
    Ok(parts)
}

fn split_array(text: &str, pattern: &str, flags: &str) -> Result<Array> {
    let parts = split("regexp_split_to_array", text, pattern, flags)?;
    Ok(Array::vector(oids::TEXT, parts.into_iter().map(Datum::text).collect()))
}
