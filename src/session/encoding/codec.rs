//! One encoding, both ways.

use std::borrow::Cow;
use std::sync::LazyLock;

use dictdb_types::{Error, Result, encoding};

use super::multi_byte::MultiByte;
use super::single_byte::SingleByte;
use super::{invalid_bytes, no_equivalent};

/// An encoding that texts can be converted from and to.
#[derive(Debug)]
pub struct Codec {
    /// Its name, as PostgreSQL shows it.
    pub name: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Single(SingleByte),
    Multi(MultiByte),
}

/// Every encoding that there is a codec for, by its number; `None` for UTF8 and SQL_ASCII, which need none, and for the rest.
static CODECS: LazyLock<Vec<Option<Codec>>> =
    LazyLock::new(|| encoding::NAMES.iter().map(|name| codec(name)).collect());

fn codec(name: &'static str) -> Option<Codec> {
    let single = || SingleByte::named(name).map(Kind::Single);
    let multi = || MultiByte::named(name).map(Kind::Multi);
    Some(Codec { name, kind: single().or_else(multi)? })
}

/// The codec of a client that has set this encoding, by the name that is shown; UTF8 and SQL_ASCII have none.
pub(crate) fn for_client(name: &str) -> Option<&'static Codec> {
    if matches!(name, "UTF8" | "SQL_ASCII") {
        return None;
    }
    CODECS.get(encoding::number(name)?)?.as_ref()
}

impl Codec {
    /// Bytes as text. 22021, 22P05; also for a zero byte, which no text has.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, str>> {
        if let Some(at) = memchr::memchr(0, bytes) {
            return Err(invalid_bytes(&bytes[at..=at], self.name));
        }
        if let Some(ascii) = ascii(bytes) {
            return Ok(Cow::Borrowed(ascii));
        }
        let mut text = String::with_capacity(bytes.len() * 2);
        let (_, failure) = self.decode_prefix(bytes, true, &mut text);
        failure.map_or(Ok(Cow::Owned(text)), Err)
    }

    /// Appends what can be read of the beginning of some bytes: how many that were, and why it goes no further. A character that
    /// may go on in bytes to come is left, unless these are the last ones.
    pub(crate) fn decode_prefix(&self, bytes: &[u8], at_end: bool, text: &mut String) -> (usize, Option<Error>) {
        let mut read = 0;
        while let Some(first) = bytes.get(read) {
            if first.is_ascii() {
                let end = bytes[read..].iter().position(|byte| !byte.is_ascii()).map_or(bytes.len(), |n| read + n);
                // Every encoding here has ASCII for what begins with a byte of it.
                text.extend(bytes[read..end].iter().map(|byte| char::from(*byte)));
                read = end;
                continue;
            }
            let rest = &bytes[read..];
            let length = match &self.kind {
                Kind::Single(_) => Some(1),
                Kind::Multi(multi) => match multi.length(rest) {
                    Ok(length) => length,
                    Err(bad) => return (read, Some(invalid_bytes(&rest[..bad], self.name))),
                },
            };
            let Some(length) = length else {
                let failure = at_end.then(|| invalid_bytes(rest, self.name));
                return (read, failure);
            };
            let is_known = match &self.kind {
                Kind::Single(single) => single.decode(*first).map(|c| text.push(c)).is_some(),
                Kind::Multi(multi) => multi.decode(&rest[..length], text),
            };
            if !is_known {
                return (read, Some(no_equivalent(&rest[..length], self.name, "UTF8")));
            }
            read += length;
        }
        (read, None)
    }

    /// Appends text as bytes. 22P05.
    pub fn encode(&self, text: &str, out: &mut Vec<u8>) -> Result<()> {
        self.encode_or(text, out, |c, _| Err(no_equivalent(c.encode_utf8(&mut [0; 4]).as_bytes(), "UTF8", self.name)))
    }

    /// Likewise, with a question mark for what the encoding lacks: messages must arrive.
    pub fn encode_lossy(&self, text: &str, out: &mut Vec<u8>) {
        let replaced = self.encode_or(text, out, |_, out| {
            out.push(b'?');
            Ok(())
        });
        debug_assert!(replaced.is_ok(), "every character has a replacement");
    }

    fn encode_or(
        &self,
        text: &str,
        out: &mut Vec<u8>,
        mut missing: impl FnMut(char, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        for c in text.chars() {
            let is_known = match &self.kind {
                _ if c.is_ascii() => {
                    out.push(c as u8);
                    true
                }
                Kind::Single(single) => single.encode(c).map(|byte| out.push(byte)).is_some(),
                Kind::Multi(multi) => multi.encode(c, out),
            };
            if !is_known {
                missing(c, out)?;
            }
        }
        Ok(())
    }
}

fn ascii(bytes: &[u8]) -> Option<&str> {
    if bytes.is_ascii() { std::str::from_utf8(bytes).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways(name: &str, text: &str, bytes: &[u8]) {
        let codec = for_client(name).unwrap();
        assert_eq!(codec.decode(bytes).unwrap(), text, "{name}");
        let mut encoded = Vec::new();
        codec.encode(text, &mut encoded).unwrap();
        assert_eq!(encoded, bytes, "{name}");
    }

    #[test]
    fn texts_go_both_ways() {
        both_ways("LATIN1", "né", b"n\xe9");
        both_ways("LATIN5", "ğı", b"\xf0\xfd");
        both_ways("LATIN9", "€", b"\xa4");
        both_ways("WIN1252", "€", b"\x80");
        both_ways("WIN1251", "да", b"\xe4\xe0");
        both_ways("KOI8R", "да", b"\xc4\xc1");
        both_ways("EUC_JP", "日本", b"\xc6\xfc\xcb\xdc");
        both_ways("SJIS", "日本", b"\x93\xfa\x96\x7b");
        both_ways("EUC_KR", "한", b"\xc7\xd1");
        both_ways("GBK", "中", b"\xd6\xd0");
        both_ways("BIG5", "中", b"\xa4\xa4");
        both_ways("GB18030", "中\u{1f600}", b"\xd6\xd0\x94\x39\xfc\x36");
    }

    #[test]
    fn what_is_no_character_and_what_has_no_equivalent_are_told_apart() {
        let error =
            |name: &str, bytes: &[u8]| for_client(name).unwrap().decode(bytes).unwrap_err().message().to_owned();
        assert_eq!(error("EUC_JP", b"\xc6"), "invalid byte sequence for encoding \"EUC_JP\": 0xc6");
        assert_eq!(error("EUC_JP", b"\xc6\x41"), "invalid byte sequence for encoding \"EUC_JP\": 0xc6 0x41");
        let message =
            "character with byte sequence 0x81 in encoding \"WIN1252\" has no equivalent in encoding \"UTF8\"";
        assert_eq!(error("WIN1252", b"\x81"), message);
        let latin = for_client("LATIN1").unwrap();
        let message =
            "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"";
        assert_eq!(latin.encode("a€", &mut Vec::new()).unwrap_err().message(), message);
    }

    #[test]
    fn a_character_may_go_on_in_the_next_bytes() {
        let codec = for_client("EUC_JP").unwrap();
        let mut text = String::new();
        let (read, failure) = codec.decode_prefix(b"a\xc6\xfc\xcb", false, &mut text);
        assert_eq!((read, failure.is_none(), text.as_str()), (3, true, "a日"));
    }
}
