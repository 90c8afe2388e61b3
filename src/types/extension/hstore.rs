//! `hstore`: a set of keys with texts, each of which may be NULL.
//!
//! Keys are unique and sorted by length, then by their bytes, as PostgreSQL keeps them. Of several values for one key the first counts.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::{Error, Result, SqlState};

/// A key and its value.
pub type Pair = (Arc<str>, Option<Arc<str>>);

/// Longest key and longest value, in bytes.
const MAX_BYTES: usize = 0x3FFF_FFFF;

/// A value of the type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hstore(Vec<Pair>);

fn key_order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

impl FromIterator<Pair> for Hstore {
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        let mut pairs: Vec<Pair> = pairs.into_iter().collect();
        pairs.sort_by(|(a, _), (b, _)| key_order(a, b));
        pairs.dedup_by(|(later, _), (first, _)| later == first);
        Hstore(pairs)
    }
}

impl Hstore {
    /// The pairs in order.
    pub fn pairs(&self) -> &[Pair] {
        &self.0
    }

    /// The value of a key; the outer `None` is a key that is not there.
    pub fn get(&self, key: &str) -> Option<&Option<Arc<str>>> {
        let at = self.0.binary_search_by(|(own, _)| key_order(own, key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Order of the type (`hstore_cmp`): the empty one first, then by all keys and values as one string, then by where they end.
    pub fn compare(&self, other: &Hstore) -> Ordering {
        if self.0.is_empty() || other.0.is_empty() {
            return self.0.len().cmp(&other.0.len());
        }
        let (own, others) = (self.strings(), other.strings());
        own.cmp(&others).then_with(|| self.0.len().cmp(&other.0.len())).then_with(|| {
            let entries = self.ends().zip(other.ends());
            entries.map(|(a, b)| a.cmp(&b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        })
    }

    /// Keys and values one after the other.
    pub(crate) fn strings(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (key, value) in &self.0 {
            bytes.extend_from_slice(key.as_bytes());
            bytes.extend_from_slice(value.as_deref().unwrap_or_default().as_bytes());
        }
        bytes
    }

    /// Where each key and value ends among the strings, and whether it is NULL.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (u32, bool)> + '_ {
        let mut end = 0;
        self.0.iter().flat_map(move |(key, value)| {
            let of_key = end + key.len() as u32;
            end = of_key + value.as_ref().map_or(0, |value| value.len() as u32);
            [(of_key, false), (end, value.is_none())]
        })
    }

    /// Appends `"key"=>"value", …`.
    pub fn write(&self, out: &mut String) {
        for (at, (key, value)) in self.0.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            write_quoted(key, out);
            out.push_str("=>");
            match value {
                Some(value) => write_quoted(value, out),
                None => out.push_str("NULL"),
            }
        }
    }

    /// Reads the text form. XX000 as PostgreSQL 15 answers; 22001.
    pub fn parse(text: &str) -> Result<Hstore> {
        let mut reader = Reader { text, at: 0 };
        let mut pairs = Vec::new();
        while let Some((key, _)) = reader.word(false)? {
            let key = checked(key, "key")?;
            reader.arrow()?;
            let (value, quoted) = reader.word(true)?.ok_or_else(unexpected_end)?;
            let is_null = !quoted && value.eq_ignore_ascii_case("null");
            let value = checked(value, "value")?;
            pairs.push((key, (!is_null).then_some(value)));
            if !reader.comma()? {
                break;
            }
        }
        Ok(pairs.into_iter().collect())
    }
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// 22001 for a key or value that is too long.
pub fn checked(text: impl AsRef<str> + Into<Arc<str>>, what: &str) -> Result<Arc<str>> {
    if text.as_ref().len() > MAX_BYTES {
        let message = format!("string too long for hstore {what}");
        return Err(Error::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, message));
    }
    Ok(text.into())
}

fn unexpected_end() -> Error {
    Error::new(SqlState::INTERNAL_ERROR, "Unexpected end of string")
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn advance(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.advance();
        }
    }

    fn fault(&self, c: char) -> Error {
        Error::new(SqlState::INTERNAL_ERROR, format!("Syntax error near \"{c}\" at position {}", self.at))
    }

    /// The next key or value and whether it was quoted; `None` at the end. An `=` ends a key, a comma a value.
    fn word(&mut self, is_value: bool) -> Result<Option<(String, bool)>> {
        self.skip_space();
        match self.peek() {
            None => return Ok(None),
            Some('"') => {
                self.advance();
                return self.quoted().map(|word| Some((word, true)));
            }
            Some(c @ '=') if !is_value => return Err(self.fault(c)),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut first = true;
        while let Some(c) = self.peek() {
            let ends = is_space(c) || if is_value { c == ',' && !first } else { c == '=' };
            if ends {
                break;
            }
            self.advance();
            first = false;
            word.push(if c == '\\' { self.advance().ok_or_else(unexpected_end)? } else { c });
        }
        Ok(Some((word, false)))
    }

    fn quoted(&mut self) -> Result<String> {
        let mut word = String::new();
        loop {
            match self.advance().ok_or_else(unexpected_end)? {
                '"' => return Ok(word),
                '\\' => word.push(self.advance().ok_or_else(unexpected_end)?),
                c => word.push(c),
            }
        }
    }

    /// `=>`.
    fn arrow(&mut self) -> Result<()> {
        self.skip_space();
        for wanted in ['=', '>'] {
            match self.peek() {
                Some(c) if c == wanted => self.advance(),
                Some(c) => return Err(self.fault(c)),
                None => return Err(unexpected_end()),
            };
        }
        Ok(())
    }

    /// Whether another pair follows.
    fn comma(&mut self) -> Result<bool> {
        self.skip_space();
        match self.peek() {
            None => Ok(false),
            Some(',') => {
                self.advance();
                Ok(true)
            }
            Some(c) => Err(self.fault(c)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        match Hstore::parse(text) {
            Ok(value) => {
                let mut out = String::new();
                value.write(&mut out);
                out
            }
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn texts_are_read_and_written_as_by_postgresql() {
        assert_eq!(
            round_trip("  a=>1 , \"b c\" => NULL,d=>null , e=>\"null\""),
            "\"a\"=>\"1\", \"d\"=>NULL, \"e\"=>\"null\", \"b c\"=>NULL"
        );
        assert_eq!(round_trip("a=>1,a=>2"), "\"a\"=>\"1\"");
        assert_eq!(round_trip("a\\=b=>q\\\"w"), "\"a=b\"=>\"q\\\"w\"");
        assert_eq!(round_trip("=>1"), "Syntax error near \"=\" at position 0");
        assert_eq!(round_trip("a b=>1"), "Syntax error near \"b\" at position 2");
        assert_eq!(round_trip("a=>"), "Unexpected end of string");
        assert_eq!(round_trip(""), "");
    }
}
