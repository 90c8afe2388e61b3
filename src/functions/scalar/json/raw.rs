//! A `json` value as its text: cut into members without building a tree.
//!
//! The text was checked when the value was made, so the cuts need not fail: of a text that is no JSON they are merely
//! meaningless.

use std::borrow::Cow;

use dictdb_types::{Jsonb, Result, json};

/// A JSON text without blanks around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a>(&'a str);

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

impl<'a> Raw<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Raw(text.trim_matches(BLANKS))
    }

    /// A text whose strings will be looked at: fails (22P05, 22P02) where one of them cannot be text.
    pub(crate) fn checked(text: &'a str) -> Result<Self> {
        if text.contains("\\u") {
            json::parse(text)?;
        }
        Ok(Raw::new(text))
    }

    pub(crate) fn text(self) -> &'a str {
        self.0
    }

    fn first(self) -> u8 {
        self.0.bytes().next().unwrap_or(b'n')
    }

    pub(crate) fn is_object(self) -> bool {
        self.first() == b'{'
    }

    pub(crate) fn is_array(self) -> bool {
        self.first() == b'['
    }

    pub(crate) fn is_null(self) -> bool {
        self.first() == b'n'
    }

    pub(crate) fn is_string(self) -> bool {
        self.first() == b'"'
    }

    /// The word of `json_typeof`.
    pub(crate) fn type_name(self) -> &'static str {
        match self.first() {
            b'{' => "object",
            b'[' => "array",
            b'"' => "string",
            b't' | b'f' => "boolean",
            b'n' => "null",
            _ => "number",
        }
    }

    /// The text that `->>` shows: strings without quotes and escapes, `null` as nothing. 22P05 for `\u0000`.
    pub(crate) fn plain(self) -> Result<Option<Cow<'a, str>>> {
        if self.is_null() {
            return Ok(None);
        }
        if self.is_string() { unquote(self.0).map(Some) } else { Ok(Some(Cow::Borrowed(self.0))) }
    }

    /// The elements of an array.
    pub(crate) fn elements(self) -> impl Iterator<Item = Raw<'a>> {
        Members { rest: self.inside() }.map(Raw::new)
    }

    /// The pairs of an object, in order and with duplicates; keys as they are written.
    pub(crate) fn pairs(self) -> impl Iterator<Item = (Raw<'a>, Raw<'a>)> {
        Members { rest: self.inside() }.filter_map(|member| {
            let member = member.trim_start_matches(BLANKS);
            let key = string_length(member);
            let value = member.get(key..)?.trim_start_matches(BLANKS).strip_prefix(':')?;
            Some((Raw(&member[..key]), Raw::new(value)))
        })
    }

    /// The value under a key; of several the last.
    pub(crate) fn get(self, wanted: &str) -> Result<Option<Raw<'a>>> {
        let mut found = None;
        if self.is_object() {
            for (key, value) in self.pairs() {
                if unquote(key.0)? == wanted {
                    found = Some(value);
                }
            }
        }
        Ok(found)
    }

    /// The element at an index from zero, or from the end if negative.
    pub(crate) fn element(self, index: i32) -> Option<Raw<'a>> {
        if !self.is_array() {
            return None;
        }
        let index = if index >= 0 {
            index as usize
        } else {
            self.elements().count().checked_sub(index.unsigned_abs() as usize)?
        };
        self.elements().nth(index)
    }

    /// The text between the outer brackets.
    fn inside(self) -> &'a str {
        self.0.get(1..self.0.len().saturating_sub(1)).unwrap_or_default()
    }
}

/// A JSON string as the text it means.
pub(crate) fn unquote(string: &str) -> Result<Cow<'_, str>> {
    if !string.contains('\\') {
        return Ok(Cow::Borrowed(string.get(1..string.len().saturating_sub(1)).unwrap_or_default()));
    }
    Ok(match json::parse(string)? {
        Jsonb::String(text) => Cow::Owned(text.as_ref().to_owned()),
        _ => Cow::Borrowed(string),
    })
}

/// Bytes of the string that a text starts with.
fn string_length(text: &str) -> usize {
    let mut escaped = true;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Cuts at the commas that are in no string and no bracket.
struct Members<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.trim_start_matches(BLANKS).is_empty() {
            return None;
        }
        let bytes = self.rest.as_bytes();
        let (mut at, mut depth) = (0, 0u32);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => at += string_length(&self.rest[at..]) - 1,
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => break,
                _ => {}
            }
            at += 1;
        }
        let member = &self.rest[..at];
        self.rest = self.rest.get(at + 1..).unwrap_or_default();
        Some(member)
    }
}
