//! Text over columns: concatenation, length, case, positions, replacement, LIKE.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Datum, Int32Array, StringViewArray, StringViewBuilder, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use dictdb_types::Result;
use memchr::memmem::Finder;

use super::VectorFn;
use super::operand::{argument, mismatch};
use crate::scalar::like::{ilike, like};
use crate::scalar::limits::check_growth;
use crate::scalar::text::{char_count, replace};

pub(super) const LENGTHS: &[(&str, VectorFn)] =
    &[("textlen", |args| lengths(args, char_count)), ("textoctetlen", |args| lengths(args, |text| text.len() as i32))];

pub(super) const CASES: &[(&str, VectorFn)] = &[
    ("lower", |args| mapped(args, str::make_ascii_lowercase)),
    ("upper", |args| mapped(args, str::make_ascii_uppercase)),
];

pub(super) const POSITIONS: &[(&str, VectorFn)] = &[("textpos", positions)];

pub(super) const KERNELS: &[(&str, VectorFn)] = &[
    ("textcat", concat),
    ("replace_text", replaced),
    ("textlike", |args| matches(args, like, false)),
    ("textnlike", |args| matches(args, like, true)),
    ("texticlike", |args| matches(args, ilike, false)),
    ("texticnlike", |args| matches(args, ilike, true)),
];

/// A column of text, or one text for all rows.
#[derive(Clone, Copy)]
struct Texts<'a> {
    array: &'a StringViewArray,
    is_scalar: bool,
}

impl<'a> Texts<'a> {
    fn new(args: &[&'a dyn Datum], index: usize) -> Result<Self> {
        let (array, is_scalar) = argument(args, index)?.get();
        Ok(Texts { array: array.as_string_view_opt().ok_or_else(|| mismatch(array))?, is_scalar })
    }

    fn get(&self, row: usize) -> &'a str {
        self.array.value(if self.is_scalar { 0 } else { row })
    }

    fn is_null_scalar(&self) -> bool {
        self.is_scalar && (self.array.is_empty() || self.array.is_null(0))
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        if self.is_scalar { None } else { self.array.nulls() }
    }
}

fn rows(left: Texts<'_>, right: Texts<'_>) -> usize {
    match (left.is_scalar, right.is_scalar) {
        (false, _) => left.array.len(),
        (true, false) => right.array.len(),
        (true, true) => 1,
    }
}

fn concat(args: &[&dyn Datum]) -> Result<ArrayRef> {
    let (left, right) = (Texts::new(args, 0)?, Texts::new(args, 1)?);
    let len = rows(left, right);
    if left.is_null_scalar() || right.is_null_scalar() {
        return Ok(new_null_array(&DataType::Utf8View, len));
    }
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    let mut out = StringViewBuilder::with_capacity(len);
    let mut text = String::new();
    for row in 0..len {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.append_null();
            continue;
        }
        let (a, b) = (left.get(row), right.get(row));
        check_growth(a.len(), b.len())?;
        text.clear();
        text.push_str(a);
        text.push_str(b);
        out.append_value(&text);
    }
    Ok(Arc::new(out.finish()))
}

/// Texts with the letters of the `C` locale in one case.
fn mapped(args: &[&dyn Datum], map: fn(&mut str)) -> Result<ArrayRef> {
    let texts = Texts::new(args, 0)?;
    let mut out = StringViewBuilder::with_capacity(texts.array.len());
    let mut buffer = String::new();
    for text in texts.array {
        let Some(text) = text else {
            out.append_null();
            continue;
        };
        buffer.clear();
        buffer.push_str(text);
        map(&mut buffer);
        out.append_value(&buffer);
    }
    Ok(Arc::new(out.finish()))
}

/// The character at which the second text begins in the first, from 1; 0 if it does not.
fn positions(args: &[&dyn Datum]) -> Result<ArrayRef> {
    let (texts, sought) = (Texts::new(args, 0)?, Texts::new(args, 1)?);
    let len = rows(texts, sought);
    if texts.is_null_scalar() || sought.is_null_scalar() {
        return Ok(new_null_array(&DataType::Int32, len));
    }
    let nulls = NullBuffer::union(texts.nulls(), sought.nulls());
    let one = sought.is_scalar.then(|| Finder::new(sought.get(0)));
    let position = |row: usize| {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return 0;
        }
        let text = texts.get(row);
        let found = match &one {
            Some(finder) => finder.find(text.as_bytes()),
            None => text.find(sought.get(row)),
        };
        found.map_or(0, |at| char_count(&text[..at]) + 1)
    };
    let values: Vec<i32> = (0..len).map(position).collect();
    Ok(Arc::new(Int32Array::new(values.into(), nulls)))
}

/// Texts with every occurrence of one text replaced by another.
fn replaced(args: &[&dyn Datum]) -> Result<ArrayRef> {
    let [texts, from, to] = [Texts::new(args, 0)?, Texts::new(args, 1)?, Texts::new(args, 2)?];
    let all = [texts, from, to];
    let len = all.iter().filter(|texts| !texts.is_scalar).map(|texts| texts.array.len()).next().unwrap_or(1);
    if all.iter().any(Texts::is_null_scalar) {
        return Ok(new_null_array(&DataType::Utf8View, len));
    }
    let nulls = all.iter().fold(None, |nulls, texts| NullBuffer::union(nulls.as_ref(), texts.nulls()));
    let mut out = StringViewBuilder::with_capacity(len);
    for row in 0..len {
        match nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            true => out.append_null(),
            false => out.append_value(replace(texts.get(row), from.get(row), to.get(row))?),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn lengths(args: &[&dyn Datum], length: fn(&str) -> i32) -> Result<ArrayRef> {
    let texts = Texts::new(args, 0)?;
    if texts.is_null_scalar() {
        return Ok(new_null_array(&DataType::Int32, 1));
    }
    let len = if texts.is_scalar { 1 } else { texts.array.len() };
    let of = |row: usize| if texts.array.is_null(row) { 0 } else { length(texts.get(row)) };
    let values: Vec<i32> = (0..len).map(of).collect();
    Ok(Arc::new(Int32Array::new(values.into(), texts.nulls().cloned())))
}

/// What a LIKE pattern asks for, where that is simpler than matching.
enum Shape<'a> {
    Equal(&'a str),
    Prefix(&'a str),
    Suffix(&'a str),
    Inside(Box<Finder<'a>>),
    General,
}

impl<'a> Shape<'a> {
    fn of(pattern: &'a str) -> Self {
        let plain = |text: &str| !text.contains(['%', '_', '\\']);
        match (pattern.strip_prefix('%'), pattern.strip_suffix('%')) {
            _ if plain(pattern) => Shape::Equal(pattern),
            (Some(rest), Some(_)) if rest.strip_suffix('%').is_some_and(plain) => {
                Shape::Inside(Box::new(Finder::new(rest.strip_suffix('%').unwrap_or(rest))))
            }
            (Some(rest), _) if plain(rest) => Shape::Suffix(rest),
            (_, Some(rest)) if plain(rest) => Shape::Prefix(rest),
            _ => Shape::General,
        }
    }

    fn matches(&self, text: &str) -> Option<bool> {
        Some(match self {
            Shape::Equal(part) => text == *part,
            Shape::Prefix(part) => text.starts_with(part),
            Shape::Suffix(part) => text.ends_with(part),
            Shape::Inside(part) => part.find(text.as_bytes()).is_some(),
            Shape::General => return None,
        })
    }
}

fn matches(args: &[&dyn Datum], matcher: fn(&str, &str) -> Result<bool>, negated: bool) -> Result<ArrayRef> {
    let (texts, patterns) = (Texts::new(args, 0)?, Texts::new(args, 1)?);
    let len = rows(texts, patterns);
    if texts.is_null_scalar() || patterns.is_null_scalar() {
        return Ok(new_null_array(&DataType::Boolean, len));
    }
    let nulls = NullBuffer::union(texts.nulls(), patterns.nulls());
    // Case makes every pattern general.
    let shape = if patterns.is_scalar && std::ptr::fn_addr_eq(matcher, like as fn(&str, &str) -> Result<bool>) {
        Shape::of(patterns.get(0))
    } else {
        Shape::General
    };
    let mut bits = Vec::with_capacity(len);
    for row in 0..len {
        let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let matched = match valid {
            false => false,
            true => match shape.matches(texts.get(row)) {
                Some(matched) => matched,
                None => matcher(texts.get(row), patterns.get(row))?,
            },
        };
        bits.push(matched != negated);
    }
    Ok(Arc::new(BooleanArray::new(bits.into(), nulls)))
}
