//! Splitting the text of a date, time or interval into fields.
//!
//! A field's kind is only a first guess from its characters; what it means is decided in context by the readers.

use std::ops::Range;

use super::fault::Fault;
use super::word;

/// More fields than this are no date.
pub(super) const MAX_FIELDS: usize = 25;
/// Characters of all fields together, with a separator each, in a date or time.
pub(super) const MAX_DATETIME_CHARS: usize = 153;
/// As [`MAX_DATETIME_CHARS`] for an interval.
pub(super) const MAX_INTERVAL_CHARS: usize = 256;

/// What a field looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Digits, perhaps with one decimal point.
    #[default]
    Number,
    /// Digits and delimiters, or a name with punctuation: a date, or a time zone such as `america/new_york`.
    Date,
    /// Digits, colons, perhaps a decimal point.
    Time,
    /// Letters.
    Word,
    /// A sign and letters.
    SignedWord,
    /// A sign and digits, colons, points, dashes: a displacement, or a signed number.
    Signed,
}

/// The fields of one text, in lower case.
#[derive(Default)]
pub(super) struct Tokens {
    text: String,
    fields: Vec<(Kind, Range<usize>)>,
}

impl Tokens {
    /// Number of fields.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The kind of a field.
    pub(super) fn kind(&self, index: usize) -> Option<Kind> {
        self.fields.get(index).map(|(kind, _)| *kind)
    }

    /// A field.
    pub(super) fn get(&self, index: usize) -> Option<(Kind, &str)> {
        self.fields.get(index).map(|(kind, range)| (*kind, &self.text[range.clone()]))
    }

    /// Every field in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (Kind, &str)> {
        self.fields.iter().map(|(kind, range)| (*kind, &self.text[range.clone()]))
    }

    /// Splits a text. `max_chars` limits the characters of all fields.
    pub(super) fn split(text: &str, max_chars: usize) -> Result<Tokens, Fault> {
        let mut splitter = Splitter { rest: text.as_bytes(), max_chars, out: Tokens::default() };
        splitter.out.text.reserve(text.len());
        splitter.out.fields.reserve(4);
        while let Some(byte) = splitter.peek() {
            if is_space(byte) || (byte.is_ascii_punctuation() && !matches!(byte, b'.' | b'+' | b'-')) {
                splitter.rest = &splitter.rest[1..];
                continue;
            }
            if splitter.out.len() >= MAX_FIELDS {
                return Err(Fault::Format);
            }
            let start = splitter.out.text.len();
            let kind = splitter.field(byte, start)?;
            splitter.out.fields.push((kind, start..splitter.out.text.len()));
        }
        Ok(splitter.out)
    }
}

/// C's `isspace`.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

struct Splitter<'a> {
    rest: &'a [u8],
    max_chars: usize,
    out: Tokens,
}

impl Splitter<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes one character. Each finished field has cost one more than its length.
    fn take(&mut self) -> Result<(), Fault> {
        if let Some((byte, rest)) = self.rest.split_first() {
            if self.out.text.len() + self.out.len() + 1 >= self.max_chars {
                return Err(Fault::Format);
            }
            self.out.text.push(byte.to_ascii_lowercase() as char);
            self.rest = rest;
        }
        Ok(())
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Result<(), Fault> {
        while self.peek().is_some_and(&wanted) {
            self.take()?;
        }
        Ok(())
    }

    fn at_digit(&self) -> bool {
        self.peek().is_some_and(|b| b.is_ascii_digit())
    }

    /// Takes the field that begins with `first`.
    fn field(&mut self, first: u8, start: usize) -> Result<Kind, Fault> {
        match first {
            b'0'..=b'9' => self.after_digits(),
            b'.' => {
                self.take()?;
                self.take_while(|b| b.is_ascii_digit())?;
                Ok(Kind::Number)
            }
            b'a'..=b'z' | b'A'..=b'Z' => self.after_letters(start),
            b'+' | b'-' => self.after_sign(),
            _ => Err(Fault::Format),
        }
    }

    fn after_digits(&mut self) -> Result<Kind, Fault> {
        self.take_while(|b| b.is_ascii_digit())?;
        match self.peek() {
            Some(b':') => {
                self.take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'))?;
                Ok(Kind::Time)
            }
            Some(delimiter @ (b'-' | b'/' | b'.')) => self.after_delimiter(delimiter),
            _ => Ok(Kind::Number),
        }
    }

    /// A date with numeric fields needs the same delimiter twice; with a month name anything goes.
    fn after_delimiter(&mut self, delimiter: u8) -> Result<Kind, Fault> {
        self.take()?;
        if !self.at_digit() {
            self.take_while(|b| b.is_ascii_alphanumeric() || b == delimiter)?;
            return Ok(Kind::Date);
        }
        self.take_while(|b| b.is_ascii_digit())?;
        if self.peek() == Some(delimiter) {
            self.take_while(|b| b.is_ascii_digit() || b == delimiter)?;
            return Ok(Kind::Date);
        }
        Ok(if delimiter == b'.' { Kind::Number } else { Kind::Date })
    }

    /// Letters may go on to a date with a leading month, or to the name of a time zone. Before a digit or plus sign
    /// that is only so if the letters are no word of their own (`t120000`, `january8`).
    fn after_letters(&mut self, start: usize) -> Result<Kind, Fault> {
        self.take_while(|b| b.is_ascii_alphabetic())?;
        let goes_on = match self.peek() {
            Some(b'-' | b'/' | b'.') => true,
            Some(b'+' | b'0'..=b'9') => word::datetime_word(&self.out.text[start..]).is_none(),
            _ => false,
        };
        if !goes_on {
            return Ok(Kind::Word);
        }
        self.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'/' | b'_' | b'.' | b':'))?;
        Ok(Kind::Date)
    }

    fn after_sign(&mut self) -> Result<Kind, Fault> {
        self.take()?;
        while self.peek().is_some_and(is_space) {
            self.rest = &self.rest[1..];
        }
        match self.peek() {
            Some(b'0'..=b'9') => {
                self.take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'-'))?;
                Ok(Kind::Signed)
            }
            Some(b) if b.is_ascii_alphabetic() => {
                self.take_while(|b| b.is_ascii_alphabetic())?;
                Ok(Kind::SignedWord)
            }
            _ => Err(Fault::Format),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_kinds() {
        let cases: &[(&str, &[(Kind, &str)])] = &[
            (
                "2001-02-16 20:38:40.5+01",
                &[(Kind::Date, "2001-02-16"), (Kind::Time, "20:38:40.5"), (Kind::Signed, "+01")],
            ),
            ("Jan 8, 99 BC", &[(Kind::Word, "jan"), (Kind::Number, "8"), (Kind::Number, "99"), (Kind::Word, "bc")]),
            ("20011225T040506", &[(Kind::Number, "20011225"), (Kind::Word, "t"), (Kind::Number, "040506")]),
            ("now America/New_York", &[(Kind::Word, "now"), (Kind::Date, "america/new_york")]),
            ("- infinity", &[(Kind::SignedWord, "-infinity")]),
        ];
        for (text, fields) in cases {
            let tokens = Tokens::split(text, MAX_DATETIME_CHARS).expect(text);
            assert_eq!(tokens.iter().collect::<Vec<_>>(), *fields, "{text}");
        }
        assert!(Tokens::split("8 ü", MAX_DATETIME_CHARS).is_err());
        assert!(Tokens::split(&"1 ".repeat(26), MAX_DATETIME_CHARS).is_err());
    }
}
