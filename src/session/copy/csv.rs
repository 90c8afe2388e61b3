//! Fields of a line in CSV format, and back.

use dictdb_types::Result;

use super::bad_format;
use super::options::Options;

/// What a field looked like.
pub(super) struct Field<'a> {
    /// Its text without quotes.
    pub text: &'a [u8],
    /// Whether any of it stood in quotes: then it is not NULL by itself.
    pub quoted: bool,
}

/// Calls `field` with each field of a line.
pub(super) fn split(line: &[u8], options: &Options, mut field: impl FnMut(Field<'_>) -> Result<()>) -> Result<()> {
    let mut text = Vec::new();
    let mut at = 0;
    loop {
        text.clear();
        let (next, quoted, more) = read_field(line, at, options, &mut text)?;
        field(Field { text: &text, quoted })?;
        if !more {
            return Ok(());
        }
        at = next;
    }
}

/// Reads one field; where the next begins, whether this one had quotes, whether there is another.
fn read_field(line: &[u8], start: usize, options: &Options, text: &mut Vec<u8>) -> Result<(usize, bool, bool)> {
    let (mut at, mut quoted, mut in_quote) = (start, false, false);
    while let Some(byte) = line.get(at).copied() {
        at += 1;
        if !in_quote {
            match byte {
                byte if byte == options.delimiter => return Ok((at, quoted, true)),
                byte if byte == options.quote => (quoted, in_quote) = (true, true),
                byte => text.push(byte),
            }
            continue;
        }
        let next = line.get(at).copied();
        if byte == options.escape && next.is_some_and(|next| next == options.escape || next == options.quote) {
            text.extend(next);
            at += 1;
        } else if byte == options.quote {
            in_quote = false;
        } else {
            text.push(byte);
        }
    }
    if in_quote {
        return Err(bad_format("unterminated CSV quoted field"));
    }
    Ok((at, quoted, false))
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
        split(line.as_bytes(), &options(), |field| {
            found.push((String::from_utf8_lossy(field.text).into_owned(), field.quoted));
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
