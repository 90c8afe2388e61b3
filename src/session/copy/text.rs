//! Fields of a line in text format, and back.

use dictdb_types::Result;
use dictdb_types::text::from_utf8;
use memchr::memchr2;

use super::options::Options;

/// Calls `field` with each field of a line; `None` is NULL. A field without escapes is a part of the line. 22021 for escapes
/// that make what is no text.
pub(super) fn split(line: &str, options: &Options, mut field: impl FnMut(Option<&str>) -> Result<()>) -> Result<()> {
    let mut unescaped = Vec::new();
    let mut start = 0;
    loop {
        let (end, has_escapes) = field_end(line.as_bytes(), start, options.delimiter);
        let raw = &line[start..end];
        if raw == options.null {
            field(None)?;
        } else if has_escapes {
            unescaped.clear();
            unescape(raw.as_bytes(), &mut unescaped);
            field(Some(from_utf8(&unescaped)?))?;
        } else {
            field(Some(raw))?;
        }
        if end >= line.len() {
            return Ok(());
        }
        start = end + 1;
    }
}

/// Where the field that begins at `start` ends, and whether it has backslashes.
fn field_end(line: &[u8], start: usize, delimiter: u8) -> (usize, bool) {
    let mut at = start;
    let mut has_escapes = false;
    while let Some(found) = line.get(at..).and_then(|rest| memchr2(delimiter, b'\\', rest)) {
        at += found;
        if line[at] == delimiter {
            return (at, has_escapes);
        }
        has_escapes = true;
        at += 2;
    }
    (line.len(), has_escapes)
}

fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(escaped) = bytes.next() else {
            out.push(b'\\');
            break;
        };
        match escaped {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'0'..=b'7' => {
                let mut value = u32::from(escaped - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|digit| (b'0'..=b'7').contains(digit)) else { break };
                    value = value << 3 | u32::from(digit - b'0');
                }
                out.push((value & 0xff) as u8);
            }
            b'x' if bytes.peek().is_some_and(u8::is_ascii_hexdigit) => {
                let mut value = 0;
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(u8::is_ascii_hexdigit) else { break };
                    value = value << 4 | char::from(digit).to_digit(16).unwrap_or(0);
                }
                out.push(value as u8);
            }
            other => out.push(other),
        }
    }
}

/// Appends a value with what must be escaped in it.
pub(super) fn write(value: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    for byte in value {
        let letter = match *byte {
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            11 => b'v',
            b'\\' => b'\\',
            other if other == delimiter => other,
            other => {
                out.push(other);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Vec<Option<String>> {
        let options = Options::read(&[], true, None).unwrap();
        let mut found = Vec::new();
        split(line, &options, |field| {
            found.push(field.map(str::to_owned));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn escapes_are_undone() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(fields("1\t\\N\t"), [some("1"), None, some("")]);
        assert_eq!(fields("a\\tb\\x41\\101\\\\\tq"), [some("a\tbAA\\"), some("q")]);
        assert_eq!(fields("a\\\tb"), [some("a\tb")]);
        assert_eq!(fields("\\q\\"), [some("q\\")]);
        assert_eq!(fields("\\\\N"), [some("\\N")]);
        assert_eq!(fields("\\ä\tö\\xc3\\xa4"), [some("ä"), some("öä")]);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut out = Vec::new();
        write(b"a\tb\n\\|", b'|', &mut out);
        assert_eq!(out, b"a\\tb\\n\\\\\\|");
    }
}
