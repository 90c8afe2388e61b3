//! Encodings of one byte per character: ASCII, and a table for the other 128 bytes.

use std::collections::HashMap;

use encoding_rs::Encoding;

/// Bytes that are ASCII.
const HALF: usize = 128;
/// The control characters of ISO 8859, which follow ASCII.
const CONTROLS: std::ops::Range<u8> = 0x80..0xa0;

/// The upper half of an encoding.
#[derive(Debug)]
pub(super) struct SingleByte {
    characters: [Option<char>; HALF],
    bytes: HashMap<char, u8>,
}

/// The encodings with the tables they have, as `encoding_rs` calls them. `ISO 8859-1` and `-9` are parts of Windows' encodings there.
const TABLES: &[(&str, &Encoding)] = &[
    ("LATIN1", encoding_rs::WINDOWS_1252),
    ("LATIN2", encoding_rs::ISO_8859_2),
    ("LATIN3", encoding_rs::ISO_8859_3),
    ("LATIN4", encoding_rs::ISO_8859_4),
    ("LATIN5", encoding_rs::WINDOWS_1254),
    ("LATIN6", encoding_rs::ISO_8859_10),
    ("LATIN7", encoding_rs::ISO_8859_13),
    ("LATIN8", encoding_rs::ISO_8859_14),
    ("LATIN9", encoding_rs::ISO_8859_15),
    ("LATIN10", encoding_rs::ISO_8859_16),
    ("ISO_8859_5", encoding_rs::ISO_8859_5),
    ("ISO_8859_6", encoding_rs::ISO_8859_6),
    ("ISO_8859_7", encoding_rs::ISO_8859_7),
    ("ISO_8859_8", encoding_rs::ISO_8859_8),
    ("WIN866", encoding_rs::IBM866),
    ("WIN874", encoding_rs::WINDOWS_874),
    ("WIN1250", encoding_rs::WINDOWS_1250),
    ("WIN1251", encoding_rs::WINDOWS_1251),
    ("WIN1252", encoding_rs::WINDOWS_1252),
    ("WIN1253", encoding_rs::WINDOWS_1253),
    ("WIN1254", encoding_rs::WINDOWS_1254),
    ("WIN1255", encoding_rs::WINDOWS_1255),
    ("WIN1256", encoding_rs::WINDOWS_1256),
    ("WIN1257", encoding_rs::WINDOWS_1257),
    ("WIN1258", encoding_rs::WINDOWS_1258),
    ("KOI8R", encoding_rs::KOI8_R),
    ("KOI8U", encoding_rs::KOI8_U),
];

impl SingleByte {
    pub(super) fn named(name: &str) -> Option<SingleByte> {
        let (_, table) = TABLES.iter().find(|(known, _)| *known == name)?;
        let is_windows = name.starts_with("WIN");
        let mut characters = [None; HALF];
        let mut bytes = HashMap::with_capacity(HALF);
        for (byte, place) in (0x80..=0xff).zip(&mut characters) {
            *place = match (CONTROLS.contains(&byte), is_windows) {
                (true, false) if !name.starts_with("KOI") => Some(char::from(byte)),
                // Browsers read the bytes that Windows left free as control characters.
                _ => decoded(table, byte).filter(|c| !(is_windows && ('\u{80}'..'\u{a0}').contains(c))),
            };
            if let Some(c) = *place {
                bytes.insert(c, byte);
            }
        }
        Some(SingleByte { characters, bytes })
    }

    pub(super) fn decode(&self, byte: u8) -> Option<char> {
        self.characters.get(usize::from(byte).checked_sub(HALF)?).copied().flatten()
    }

    pub(super) fn encode(&self, c: char) -> Option<u8> {
        self.bytes.get(&c).copied()
    }
}

fn decoded(table: &'static Encoding, byte: u8) -> Option<char> {
    table.decode_without_bom_handling_and_without_replacement(&[byte])?.chars().next()
}
