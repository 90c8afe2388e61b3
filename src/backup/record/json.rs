//! JSON strings and the little syntax around them, as records need it: written and read byte by byte.

use std::borrow::Cow;

/// Appends a string with its quotes.
pub(crate) fn put_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    put_escaped(text, out);
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || byte == 0x7f
}

/// The first byte that cannot stay as it is. Bytes are looked at many at once, without a branch for each.
fn next_escape(bytes: &[u8]) -> Option<usize> {
    let (chunks, _) = bytes.as_chunks::<32>();
    let has_one = |chunk: &[u8; 32]| chunk.iter().fold(false, |found, byte| found | needs_escape(*byte));
    let start = chunks.iter().position(has_one).unwrap_or(chunks.len()) * 32;
    bytes[start..].iter().position(|byte| needs_escape(*byte)).map(|found| start + found)
}

fn put_escaped(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut start = 0;
    while let Some(found) = next_escape(&bytes[start..]) {
        out.extend_from_slice(&bytes[start..start + found]);
        let byte = bytes[start + found];
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        start += found + 1;
    }
    out.extend_from_slice(&bytes[start..]);
}

/// Takes a string from the front, its quotes included; `None` when there is none.
pub(crate) fn take_string<'a>(rest: &mut &'a str) -> Option<Cow<'a, str>> {
    let inner = rest.strip_prefix('"')?;
    let mut at = memchr::memchr2(b'"', b'\\', inner.as_bytes())?;
    let bytes = inner.as_bytes();
    if bytes[at] == b'"' {
        *rest = &inner[at + 1..];
        return Some(Cow::Borrowed(&inner[..at]));
    }
    // Escapes: the end is the first quote that no backslash is before.
    while bytes[at] == b'\\' {
        at += 2;
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
    }
    let whole = &rest[..at + 2];
    *rest = &inner[at + 1..];
    serde_json::from_str::<String>(whole).ok().map(Cow::Owned)
}

/// Takes a number, `true`, `false` or `null` from the front: what there is up to the next comma or brace.
pub(crate) fn take_word<'a>(rest: &mut &'a str) -> &'a str {
    let end = memchr::memchr2(b',', b'}', rest.as_bytes()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_they_are_written() {
        for text in [
            "",
            "plain",
            "\"\\\n\r\t\u{1}\u{7f}",
            "ends with \\",
            "ä€😀",
            "forty characters without anything to escape\n",
            "\\\"",
            "a\\\"b\"c\\",
        ] {
            let mut out = Vec::new();
            put_string(text, &mut out);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
            out.extend_from_slice(b", 1}");
            let mut rest = std::str::from_utf8(&out).unwrap();
            assert_eq!(take_string(&mut rest).as_deref(), Some(text));
            assert_eq!(rest, ", 1}");
        }
        assert_eq!(take_string(&mut "\"open"), None);
        assert_eq!(take_string(&mut "\"open\\"), None);
        assert_eq!(take_string(&mut "\"open\\\""), None);
    }
}
