//! SQL identifiers as XML names and back (SQL/XML:2008, sections 9.1 and 9.3).

use crate::chars::{is_name, is_name_start};

/// Which characters of an identifier are escaped that XML itself would allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escaping {
    /// Colons anywhere, and a leading `xml`.
    pub full: bool,
    /// Periods, which separate the parts of qualified names.
    pub period: bool,
}

impl Escaping {
    /// What names of elements written in queries get.
    pub const PARTIAL: Escaping = Escaping { full: false, period: false };
    /// What names of columns and tables get.
    pub const FULL: Escaping = Escaping { full: true, period: false };
    /// What parts of qualified names get.
    pub const PART: Escaping = Escaping { full: true, period: true };
}

/// An identifier as a name.
pub fn from_identifier(identifier: &str, escaping: Escaping) -> String {
    let mut out = String::with_capacity(identifier.len());
    for (at, c) in identifier.char_indices() {
        let first = at == 0;
        let rest = &identifier[at..];
        let starts_with_xml = || rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
        let escaped = match c {
            ':' => first || escaping.full,
            '_' => rest[1..].starts_with('x'),
            'x' | 'X' => escaping.full && first && starts_with_xml(),
            '.' if escaping.period => true,
            c if first => !is_old_name_start(c),
            c => !is_old_name(c),
        };
        match escaped {
            true => out.push_str(&format!("_x{:04X}_", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}

/// The first edition of XML knew no names beyond the basic plane.
fn is_old_name_start(c: char) -> bool {
    is_name_start(c) && c <= '\u{FFFF}' && (c.is_ascii() || c.is_alphabetic())
}

fn is_old_name(c: char) -> bool {
    is_name(c) && c <= '\u{FFFF}'
}

/// A name as an identifier: `_x0020_` is a blank again.
pub fn to_identifier(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let code = rest.strip_prefix("_x").and_then(|rest| rest.get(..5)).and_then(|hex| hex.strip_suffix('_'));
        match code.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &rest[7..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_become_names_and_come_back() {
        for (identifier, partial, full) in [
            ("abc", "abc", "abc"),
            ("a b", "a_x0020_b", "a_x0020_b"),
            ("_x1", "_x005F_x1", "_x005F_x1"),
            (":a:b", "_x003A_a:b", "_x003A_a_x003A_b"),
            ("XmlThing", "XmlThing", "_x0058_mlThing"),
            ("1st", "_x0031_st", "_x0031_st"),
            ("é", "é", "é"),
        ] {
            assert_eq!(from_identifier(identifier, Escaping::PARTIAL), partial);
            assert_eq!(from_identifier(identifier, Escaping::FULL), full);
            assert_eq!(to_identifier(full), identifier);
        }
        assert_eq!(from_identifier("a.b", Escaping::PART), "a_x002E_b");
        assert_eq!(to_identifier("_x00"), "_x00");
    }
}
