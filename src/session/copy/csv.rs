//! Fields of a line in CSV format, and back.

use dictdb_types::Result;
use memchr::memchr2;

use super::bad_format;
use super::options::Options;

/// What a field looked like.
pub(super) struct Field<'a> {
    /// Its text without quotes.
    pub text: &'a str,
    /// Whether any of it stood in quotes: then it is not NULL by itself.
    pub quoted: bool,
}

impl<'a> Field<'a> {
    /// NULL is the null string without quotes, unless the options say otherwise for the column.
    pub(super) fn value(&self, column: &str, options: &Options) -> Option<&'a str> {
        let is_null = self.text == options.null
            && if self.quoted { options.force_null.contains(column) } else { !options.force_not_null.contains(column) };
        (!is_null).then_some(self.text)
    }
}

/// Calls `field` with each field of a line. A field without quotes is a part of the line.
pub(super) fn split(line: &str, options: &Options, mut field: impl FnMut(Field<'_>) -> Result<()>) -> Result<()> {
    let bytes = line.as_bytes();
    let mut unquoted = String::new();
    let mut start = 0;
    loop {
        let end = memchr2(options.delimiter, options.quote, &bytes[start..]).map(|found| start + found);
        let next = match end {
            Some(end) if bytes[end] == options.quote => {
                unquoted.clear();
                let next = unquote(line, start, options, &mut unquoted)?;
                field(Field { text: &unquoted, quoted: true })?;
                next
            }
            _ => {
                field(Field { text: &line[start..end.unwrap_or(line.len())], quoted: false })?;
                end.map(|end| end + 1)
            }
        };
        let Some(next) = next else { return Ok(()) };
        start = next;
    }
}

/// Reads a field with quotes that begins there; where the next one begins, if there is one.
fn unquote(line: &str, start: usize, options: &Options, text: &mut String) -> Result<Option<usize>> {
    let bytes = line.as_bytes();
    let (mut at, mut in_quote) = (start, false);
    loop {
        let (one, other) = if in_quote { (options.quote, options.escape) } else { (options.delimiter, options.quote) };
        let Some(found) = memchr2(one, other, &bytes[at..]) else { break };
        text.push_str(&line[at..at + found]);
        let byte = bytes[at + found];
        at += found + 1;
        if !in_quote {
            if byte == options.delimiter {
                return Ok(Some(at));
            }
            in_quote = true;
            continue;
        }
        match bytes.get(at).copied().filter(|next| *next == options.escape || *next == options.quote) {
            Some(next) if byte == options.escape => {
                text.push(char::from(next));
                at += 1;
            }
            _ if byte == options.quote => in_quote = false,
            _ => text.push(char::from(byte)),
        }
    }
    if in_quote {
        return Err(bad_format("unterminated CSV quoted field"));
    }
    text.push_str(&line[at..]);
    Ok(None)
}

/// Appends a value, in quotes if it needs them or `force` says so.
pub(super) fn write(value: &[u8], options: &Options, force: bool, only_column: bool, out: &mut Vec<u8>) {
    let special = |byte: &u8| [options.delimiter, options.quote, b'\n', b'\r'].contains(byte);
    // An only column's value must not look like the end of the data.
    let marker = only_column && value == b"\\.";
    if !(force || marker || value == options.null.as_bytes() || value.iter().any(special)) {
        out.extend_from_slice(value);
        return;
    }
    out.push(options.quote);
    for byte in value {
        if *byte == options.quote || *byte == options.escape {
            out.push(options.escape);
        }
        out.push(*byte);
    }
    out.push(options.quote);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::options::CopyFormat;

    fn options() -> Options {
        let mut options = Options::read(&[], true, None).unwrap();
        (options.format, options.delimiter, options.null) = (CopyFormat::Csv, b',', String::new());
        options
    }

    fn fields(line: &str) -> Result<Vec<(String, bool)>> {
        let mut found = Vec::new();
        split(line, &options(), |field| {
            found.push((field.text.to_owned(), field.quoted));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn quotes_are_undone() {
        let field = |text: &str, quoted| (text.to_owned(), quoted);
        assert_eq!(fields("1,,\"\"").unwrap(), [field("1", false), field("", false), field("", true)]);
        assert_eq!(fields("\"a\"\"b\nc\",x").unwrap(), [field("a\"b\nc", true), field("x", false)]);
        assert_eq!(fields("a\"b,c\"d").unwrap(), [field("ab,cd", true)]);
        assert_eq!(fields("ä\"ö,\"\"\"\",").unwrap_err().message(), "unterminated CSV quoted field");
        assert_eq!(fields("ä\"ö,\"\"\"\"\",").unwrap(), [field("äö,\"\"", true), field("", false)]);
        assert_eq!(fields("\"abc").unwrap_err().message(), "unterminated CSV quoted field");
    }

    #[test]
    fn quotes_are_written_where_they_are_needed() {
        let written = |value: &str, force| {
            let mut out = Vec::new();
            write(value.as_bytes(), &options(), force, false, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written("a b", false), "a b");
        assert_eq!(written("", false), "\"\"");
        assert_eq!(written("a,\"b", false), "\"a,\"\"b\"");
        assert_eq!(written("x", true), "\"x\"");
    }
}
