//! Encodings of East Asia: ASCII, and characters of two to four bytes.

use encoding_rs::{EncoderResult, Encoding};

/// Bytes of the longest character.
const LONGEST: usize = 4;

/// How characters are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Both bytes are of the upper half.
    Euc,
    /// Likewise, with one more after 8F, and half width katakana after 8E.
    EucJp,
    /// A byte of the upper half and another one; half width katakana are single bytes.
    ShiftJis,
    /// A byte of the upper half and another one.
    Pair,
    /// Likewise, or four bytes of which the second is a digit.
    Gb18030,
}

/// An encoding, as `encoding_rs` has it; of larger ones, the characters of this form.
#[derive(Debug)]
pub(super) struct MultiByte {
    table: &'static Encoding,
    form: Form,
}

const TABLES: &[(&str, &Encoding, Form)] = &[
    ("EUC_JP", encoding_rs::EUC_JP, Form::EucJp),
    ("EUC_CN", encoding_rs::GBK, Form::Euc),
    ("EUC_KR", encoding_rs::EUC_KR, Form::Euc),
    ("SJIS", encoding_rs::SHIFT_JIS, Form::ShiftJis),
    ("BIG5", encoding_rs::BIG5, Form::Pair),
    ("GBK", encoding_rs::GBK, Form::Pair),
    ("UHC", encoding_rs::EUC_KR, Form::Pair),
    ("GB18030", encoding_rs::GB18030, Form::Gb18030),
];

impl Form {
    /// The length that the first bytes of a character give it.
    fn announced(self, first: u8, second: Option<u8>) -> usize {
        match self {
            _ if first.is_ascii() => 1,
            Form::EucJp if first == 0x8f => 3,
            Form::ShiftJis if (0xa1..=0xdf).contains(&first) => 1,
            Form::Gb18030 if second.is_some_and(|byte| byte.is_ascii_digit()) => LONGEST,
            _ => 2,
        }
    }

    fn may_follow(self, byte: u8) -> bool {
        match self {
            Form::Euc | Form::EucJp => (0xa1..=0xfe).contains(&byte),
            Form::ShiftJis => (0x40..=0x7e).contains(&byte) || (0x80..=0xfc).contains(&byte),
            Form::Pair => byte >= 0x40 || byte == 0x31,
            Form::Gb18030 => byte >= 0x30,
        }
    }
}

impl MultiByte {
    pub(super) fn named(name: &str) -> Option<MultiByte> {
        let (_, table, form) = TABLES.iter().find(|(known, ..)| *known == name)?;
        Some(MultiByte { table, form: *form })
    }

    /// The length of the character at the beginning of some bytes, `None` when they end within it. The error is the number of bytes
    /// that are no character.
    pub(super) fn length(&self, bytes: &[u8]) -> Result<Option<usize>, usize> {
        let Some(first) = bytes.first() else { return Ok(None) };
        let length = self.form.announced(*first, bytes.get(1).copied());
        let there = &bytes[..length.min(bytes.len())];
        if there.iter().skip(1).any(|byte| !self.form.may_follow(*byte)) {
            return Err(there.len());
        }
        Ok((there.len() == length).then_some(length))
    }

    /// Appends the character of these bytes; false when there is none.
    pub(super) fn decode(&self, bytes: &[u8], text: &mut String) -> bool {
        let decoded = self.table.decode_without_bom_handling_and_without_replacement(bytes);
        decoded.map(|character| text.push_str(&character)).is_some()
    }

    /// Appends the bytes of a character; false when it has none.
    pub(super) fn encode(&self, c: char, out: &mut Vec<u8>) -> bool {
        let mut buffer = [0; LONGEST * 2];
        let mut encoder = self.table.new_encoder();
        let text = c.encode_utf8(&mut [0; 4]).to_owned();
        let (result, _, written) = encoder.encode_from_utf8_without_replacement(&text, &mut buffer, true);
        let bytes = &buffer[..written];
        let is_whole = result == EncoderResult::InputEmpty && self.length(bytes) == Ok(Some(written));
        if is_whole {
            out.extend_from_slice(bytes);
        }
        is_whole
    }
}
