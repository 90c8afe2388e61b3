//! `fuzzystrmatch`: how far texts are apart, and how they sound. Letters are those of ASCII.

use dictdb_types::{Error, Result, SqlState};

use super::double_metaphone::double_metaphone;
use super::metaphone::metaphone;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "levenshtein" => |a: &str, b: &str| levenshtein(a, b, Costs::EVEN, None),
    "levenshtein_with_costs" => |a: &str, b: &str, insert: i32, delete: i32, substitute: i32|
        levenshtein(a, b, Costs { insert, delete, substitute }, None),
    "levenshtein_less_equal" => |a: &str, b: &str, most: i32| levenshtein(a, b, Costs::EVEN, Some(most)),
    "levenshtein_less_equal_with_costs" =>
        |a: &str, b: &str, insert: i32, delete: i32, substitute: i32, most: i32|
            levenshtein(a, b, Costs { insert, delete, substitute }, Some(most)),
    "soundex" => |text: &str| String::from_utf8_lossy(&soundex(text)).into_owned(),
    "difference" => |a: &str, b: &str| {
        let code = |text: &str| {
            let mut code = soundex(text);
            code.resize(4, 0);
            code
        };
        code(a).iter().zip(&code(b)).filter(|(a, b)| a == b).count() as i32
    },
    "metaphone" => |text: &str, most: i32| metaphone(text, most),
    "dmetaphone" => |text: &str| double_metaphone(text).0,
    "dmetaphone_alt" => |text: &str| double_metaphone(text).1,
};

/// Longest text that is compared, in characters.
const LEVENSHTEIN_MAX: usize = 255;

/// What it costs to make one text of the other.
#[derive(Clone, Copy)]
struct Costs {
    insert: i32,
    delete: i32,
    substitute: i32,
}

impl Costs {
    const EVEN: Costs = Costs { insert: 1, delete: 1, substitute: 1 };
}

/// The least cost of making `b` of `a`; what is more than `most`, if that is not negative, is one more. 22023.
fn levenshtein(a: &str, b: &str, costs: Costs, most: Option<i32>) -> Result<i32> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.is_empty() {
        return Ok((b.len() as i32).wrapping_mul(costs.insert));
    }
    if b.is_empty() {
        return Ok((a.len() as i32).wrapping_mul(costs.delete));
    }
    if a.len().max(b.len()) > LEVENSHTEIN_MAX {
        let message = format!("levenshtein argument exceeds maximum length of {LEVENSHTEIN_MAX} characters");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let distance = distance(&a, &b, costs);
    Ok(match most.filter(|most| *most >= 0 && distance > *most) {
        Some(most) => most.saturating_add(1),
        None => distance,
    })
}

fn distance(a: &[char], b: &[char], costs: Costs) -> i32 {
    // Costs from nothing, and from more and more of `a`, to each beginning of `b`.
    let mut before: Vec<i32> = (0..=a.len() as i32).map(|length| length.wrapping_mul(costs.delete)).collect();
    let mut row = vec![0; a.len() + 1];
    for (number, to) in b.iter().enumerate() {
        row[0] = (number as i32 + 1).wrapping_mul(costs.insert);
        for (at, from) in a.iter().enumerate() {
            let substituted = before[at].wrapping_add(if from == to { 0 } else { costs.substitute });
            let inserted = before[at + 1].wrapping_add(costs.insert);
            let deleted = row[at].wrapping_add(costs.delete);
            row[at + 1] = substituted.min(inserted).min(deleted);
        }
        std::mem::swap(&mut before, &mut row);
    }
    before[a.len()]
}

/// What each letter sounds like.
const SOUNDS: &[u8; 26] = b"01230120022455012623010202";

/// A letter and three digits; nothing for a text without letters.
fn soundex(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let Some(first) = bytes.iter().position(u8::is_ascii_alphabetic) else { return Vec::new() };
    let mut code = vec![bytes[first].to_ascii_uppercase()];
    for pair in bytes[first..].windows(2) {
        let sound = sound(pair[1]);
        if code.len() < 4 && pair[1].is_ascii_alphabetic() && sound != self::sound(pair[0]) && sound != b'0' {
            code.push(sound);
        }
    }
    code.resize(4, b'0');
    code
}

fn sound(byte: u8) -> u8 {
    match byte.to_ascii_uppercase() {
        letter @ b'A'..=b'Z' => SOUNDS[usize::from(letter - b'A')],
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_sounds() {
        let even = |a, b, most| levenshtein(a, b, Costs::EVEN, most).unwrap();
        assert_eq!(even("GUMBO", "GAMBOL", None), 2);
        assert_eq!(even("extensive", "exhaustive", Some(2)), 3);
        assert_eq!(even("extensive", "exhaustive", Some(4)), 4);
        let costs = Costs { insert: 2, delete: 1, substitute: 1 };
        assert_eq!(levenshtein("GUMBO", "GAMBOL", costs, None).unwrap(), 3);
        assert!(levenshtein(&"a".repeat(256), "b", Costs::EVEN, None).is_err());
        assert_eq!(soundex("Anne"), b"A500");
        assert_eq!(soundex(""), b"");
        assert_eq!(soundex("Margaret"), b"M626");
    }
}
