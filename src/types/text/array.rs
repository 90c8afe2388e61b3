//! Text of arrays: `{1,{…}}`, optionally with `[lower:upper]=` before, and the blank-separated vectors.

use std::borrow::Cow;

use super::integer::{invalid, is_space, out_of_range};
use super::{input, input_null, output};
use crate::{Array, Datum, Dimension, Env, Error, Oid, Result, SqlState, Type, oids};

/// Most dimensions of an array.
pub const MAX_DIMENSIONS: usize = 6;

fn malformed(text: &str, detail: impl Into<String>) -> Error {
    let message = format!("malformed array literal: \"{text}\"");
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
}

/// 54000 `number of array dimensions (n) exceeds the maximum allowed (6)`.
pub fn too_many_dimensions(count: usize) -> Error {
    let message = format!("number of array dimensions ({count}) exceeds the maximum allowed ({MAX_DIMENSIONS})");
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

/// Reads an array whose elements are separated by `delimiter`; 22P02 with PostgreSQL's details, 2202E, 54000.
pub(super) fn input_array(text: &str, element: Type, delimiter: u8, env: &dyn Env) -> Result<Array> {
    let (declared, braces) = declared_dimensions(text)?;
    // What is wrong between the braces is reported with these only.
    let parsed = Braces::new(braces, delimiter).parse()?;
    let mut dims = parsed.dims.iter().map(|len| Dimension { len: *len, lower: 1 }).collect::<Vec<_>>();
    if !declared.is_empty() {
        if !declared.iter().map(|d| d.len).eq(parsed.dims.iter().copied()) {
            return Err(malformed(text, "Specified array dimensions do not match array contents."));
        }
        dims = declared;
    }
    if let Some(d) = dims.iter().find(|d| d.lower.checked_add(d.len).is_none()) {
        let message = format!("array lower bound is too large: {}", d.lower);
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let mut items = Vec::with_capacity(parsed.items.len());
    for item in parsed.items {
        items.push(match item {
            Some(item) => input(&item, element, env)?,
            None => input_null(element, env)?,
        });
    }
    Ok(Array { element: element.oid, dims, items })
}

/// The `[lower:upper]…=` in front, and what follows it.
fn declared_dimensions(text: &str) -> Result<(Vec<Dimension>, &str)> {
    let mut dims = vec![];
    let mut rest = skip_blanks(text);
    while let Some(inner) = rest.strip_prefix('[') {
        if dims.len() == MAX_DIMENSIONS {
            return Err(too_many_dimensions(MAX_DIMENSIONS + 1));
        }
        let (first, after) = bound(inner);
        let Some(first) = first else {
            return Err(malformed(text, "\"[\" must introduce explicitly-specified array dimensions."));
        };
        let (lower, upper, after) = match after.strip_prefix(':') {
            None => (1, first, after),
            Some(after) => match bound(after) {
                (Some(upper), after) => (first, upper, after),
                (None, _) => return Err(malformed(text, "Missing array dimension value.")),
            },
        };
        let after = after.strip_prefix(']');
        rest = skip_blanks(after.ok_or_else(|| malformed(text, "Missing \"]\" after array dimensions."))?);
        if upper < lower {
            let message = "upper bound cannot be less than lower bound";
            return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
        }
        dims.push(Dimension { len: upper.wrapping_sub(lower).wrapping_add(1), lower });
    }
    if dims.is_empty() {
        if rest.starts_with('{') {
            return Ok((dims, rest));
        }
        return Err(malformed(text, "Array value must start with \"{\" or dimension information."));
    }
    let rest = rest.strip_prefix('=').ok_or_else(|| malformed(text, "Missing \"=\" after array dimensions."))?;
    match skip_blanks(rest) {
        rest if rest.starts_with('{') => Ok((dims, rest)),
        _ => Err(malformed(text, "Array contents must start with \"{\".")),
    }
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8))
}

/// A signed number, as C's `atoi` reads it from digits and signs.
fn bound(text: &str) -> (Option<i32>, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit() && b != b'-' && b != b'+').unwrap_or(text.len());
    if end == 0 {
        return (None, text);
    }
    let (number, rest) = text.split_at(end);
    let digits_end = number.bytes().skip(1).position(|b| !b.is_ascii_digit()).map_or(number.len(), |at| at + 1);
    (Some(number[..digits_end].parse::<i64>().unwrap_or(0) as i32), rest)
}

/// Where in an array's text the parser stands.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    LevelStarted,
    Element,
    QuotedElement,
    ElementDelimited,
    LevelCompleted,
    LevelDelimited,
}

/// What lies between the braces: the lengths of the dimensions, and the elements' texts.
struct Parsed<'a> {
    dims: Vec<i32>,
    items: Vec<Option<Cow<'a, str>>>,
}

struct Braces<'a> {
    text: &'a str,
    delimiter: u8,
    at: usize,
    state: State,
    /// Members seen so far at each open level.
    open: Vec<i32>,
    /// Length of a complete sub-array at each level.
    lengths: [Option<i32>; MAX_DIMENSIONS],
    /// The level at which elements stand.
    element_level: Option<usize>,
    items: Vec<Option<Cow<'a, str>>>,
}

impl<'a> Braces<'a> {
    fn new(text: &'a str, delimiter: u8) -> Self {
        Braces {
            text,
            delimiter,
            at: 0,
            state: State::Start,
            open: vec![],
            lengths: [None; MAX_DIMENSIONS],
            element_level: None,
            items: vec![],
        }
    }

    fn parse(mut self) -> Result<Parsed<'a>> {
        loop {
            let byte = *self.text.as_bytes().get(self.at).ok_or_else(|| self.end_of_input())?;
            match byte {
                b'{' => self.open_level()?,
                b'}' => {
                    self.close_level()?;
                    if self.open.is_empty() {
                        break;
                    }
                }
                b'"' => self.quoted_element()?,
                _ if byte == self.delimiter => self.delimit()?,
                _ if is_space(byte) => {}
                _ => {
                    self.plain_element()?;
                    continue;
                }
            }
            self.at += 1;
        }
        if !self.text.bytes().skip(self.at + 1).all(is_space) {
            return Err(malformed(self.text, "Junk after closing right brace."));
        }
        let dims = match self.items.is_empty() {
            true => vec![],
            false => self.lengths.iter().map_while(|length| *length).collect(),
        };
        Ok(Parsed { dims, items: self.items })
    }

    fn end_of_input(&self) -> Error {
        malformed(self.text, "Unexpected end of input.")
    }

    fn unexpected(&self, byte: u8) -> Error {
        malformed(self.text, format!("Unexpected \"{}\" character.", char::from(byte)))
    }

    fn ragged(&self) -> Error {
        malformed(self.text, "Multidimensional arrays must have sub-arrays with matching dimensions.")
    }

    fn open_level(&mut self) -> Result<()> {
        if !matches!(self.state, State::Start | State::LevelStarted | State::LevelDelimited) {
            return Err(self.unexpected(b'{'));
        }
        if self.open.len() == MAX_DIMENSIONS {
            return Err(too_many_dimensions(MAX_DIMENSIONS + 1));
        }
        self.open.push(0);
        self.state = State::LevelStarted;
        Ok(())
    }

    fn close_level(&mut self) -> Result<()> {
        let empty = self.state == State::LevelStarted && self.open.len() == 1;
        let complete = matches!(self.state, State::Element | State::QuotedElement | State::LevelCompleted);
        if !complete && !empty {
            return Err(self.unexpected(b'}'));
        }
        let members = self.open.pop().unwrap_or(0);
        match &mut self.lengths[self.open.len()] {
            Some(length) if *length != members => return Err(self.ragged()),
            length => *length = Some(members),
        }
        if let Some(outer) = self.open.last_mut() {
            *outer += 1;
        }
        self.state = State::LevelCompleted;
        Ok(())
    }

    fn delimit(&mut self) -> Result<()> {
        self.state = match self.state {
            State::Element | State::QuotedElement => State::ElementDelimited,
            State::LevelCompleted => State::LevelDelimited,
            _ => return Err(self.unexpected(self.delimiter)),
        };
        Ok(())
    }

    /// Counts an element, which must stand as deep as all others.
    fn push(&mut self, item: Option<Cow<'a, str>>) -> Result<()> {
        if *self.element_level.get_or_insert(self.open.len()) != self.open.len() {
            return Err(self.ragged());
        }
        if let Some(members) = self.open.last_mut() {
            *members += 1;
        }
        self.items.push(item);
        Ok(())
    }

    /// Reads from the opening quote to the closing one.
    fn quoted_element(&mut self) -> Result<()> {
        if !matches!(self.state, State::LevelStarted | State::ElementDelimited) {
            return Err(malformed(self.text, "Unexpected array element."));
        }
        let start = self.at + 1;
        let mut unescaped: Option<String> = None;
        let mut from = start;
        let mut at = start;
        loop {
            match self.text.as_bytes().get(at).ok_or_else(|| self.end_of_input())? {
                b'"' => break,
                b'\\' => {
                    unescaped.get_or_insert_default().push_str(&self.text[from..at]);
                    from = at + 1;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        let item = match unescaped {
            Some(text) => Cow::Owned(text + &self.text[from..at]),
            None => Cow::Borrowed(&self.text[start..at]),
        };
        self.at = at;
        self.state = State::QuotedElement;
        self.push(Some(item))
    }

    /// Reads up to the delimiter or brace that ends the element; blanks around it do not belong to it.
    fn plain_element(&mut self) -> Result<()> {
        let may_start = matches!(self.state, State::LevelStarted | State::ElementDelimited);
        let start = self.at;
        let mut at = start;
        let mut significant = start;
        let mut unescaped: Option<String> = None;
        let mut from = start;
        if !may_start {
            return Err(match self.text.as_bytes()[start] {
                b'\\' => self.unexpected(b'\\'),
                _ => malformed(self.text, "Unexpected array element."),
            });
        }
        loop {
            match *self.text.as_bytes().get(at).ok_or_else(|| self.end_of_input())? {
                b'"' => return Err(malformed(self.text, "Unexpected array element.")),
                b'{' => return Err(self.unexpected(b'{')),
                b'}' => break,
                byte if byte == self.delimiter => break,
                b'\\' => {
                    if self.text.len() == at + 1 {
                        return Err(self.end_of_input());
                    }
                    unescaped.get_or_insert_default().push_str(&self.text[from..at]);
                    from = at + 1;
                    at += 2;
                    significant = at;
                }
                byte => {
                    at += 1;
                    if !is_space(byte) {
                        significant = at;
                    }
                }
            }
        }
        // An escaped character may be longer than the byte that was stepped over.
        while !self.text.is_char_boundary(significant) {
            significant += 1;
        }
        let item = match unescaped {
            Some(text) => Some(Cow::Owned(text + &self.text[from..significant])),
            None => {
                Some(Cow::Borrowed(&self.text[start..significant])).filter(|item| !item.eq_ignore_ascii_case("null"))
            }
        };
        self.at = at;
        self.state = State::Element;
        self.push(item)
    }
}

/// Appends the text of an array.
pub(super) fn write_array(array: &Array, delimiter: u8, env: &dyn Env, out: &mut String) -> Result<()> {
    if array.items.is_empty() || array.dims.is_empty() {
        out.push_str("{}");
        return Ok(());
    }
    if array.dims.iter().any(|d| d.lower != 1) {
        for d in &array.dims {
            out.push_str(&format!("[{}:{}]", d.lower, i64::from(d.lower) + i64::from(d.len) - 1));
        }
        out.push('=');
    }
    let mut items = array.items.iter();
    write_level(array, &array.dims, &mut items, delimiter, env, out)
}

fn write_level(
    array: &Array,
    dims: &[Dimension],
    items: &mut std::slice::Iter<'_, Datum>,
    delimiter: u8,
    env: &dyn Env,
    out: &mut String,
) -> Result<()> {
    let Some((dimension, inner)) = dims.split_first() else { return Ok(()) };
    out.push('{');
    for n in 0..dimension.len {
        if n > 0 {
            out.push(char::from(delimiter));
        }
        match inner.is_empty() {
            true => write_item(items.next().unwrap_or(&Datum::Null), array.element, delimiter, env, out)?,
            false => write_level(array, inner, items, delimiter, env, out)?,
        }
    }
    out.push('}');
    Ok(())
}

fn write_item(item: &Datum, element: Oid, delimiter: u8, env: &dyn Env, out: &mut String) -> Result<()> {
    if item.is_null() {
        out.push_str("NULL");
        return Ok(());
    }
    let start = out.len();
    output(item, element, env, out)?;
    let text = &out[start..];
    let special = |b: u8| matches!(b, b'"' | b'\\' | b'{' | b'}') || b == delimiter || is_space(b);
    if text.is_empty() || text.eq_ignore_ascii_case("null") || text.bytes().any(special) {
        let quoted = super::quote(text, |b| matches!(b, b'"' | b'\\').then_some(b'\\'));
        out.truncate(start);
        out.push_str(&quoted);
    }
    Ok(())
}

/// Reads an `int2vector` or `oidvector`: elements separated by blanks. 22P02, 22003.
pub(super) fn input_vector(text: &str, element: Oid, env: &dyn Env) -> Result<Array> {
    let mut items = Vec::new();
    let mut rest = skip_blanks(text);
    while !rest.is_empty() {
        let end = rest.bytes().position(is_space).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // An error shows the text from the bad element on; an oid ends where its digits do.
        items.push(input(word, Type::new(element), env).map_err(|error| match error.code() {
            SqlState::INVALID_TEXT_REPRESENTATION if element == oids::OID => invalid("oid", behind_number(rest)),
            SqlState::INVALID_TEXT_REPRESENTATION => invalid("smallint", rest),
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE if element == oids::INT2 => out_of_range("smallint", rest),
            _ => error,
        })?);
        rest = skip_blanks(after);
    }
    Ok(Array::zero_based(element, items))
}

/// What follows a signed number.
fn behind_number(text: &str) -> &str {
    let digits = text.trim_start_matches(['-', '+']);
    digits.trim_start_matches(|c: char| c.is_ascii_digit())
}

/// Appends an `int2vector` or `oidvector`.
pub(super) fn write_vector(array: &Array, env: &dyn Env, out: &mut String) -> Result<()> {
    for (n, item) in array.items.iter().enumerate() {
        if n > 0 {
            out.push(' ');
        }
        output(item, array.element, env, out)?;
    }
    Ok(())
}
