//! Functions of `tsvector`: length, weights, parts, concatenation, order.

use dictdb_types::tsearch::{Lexeme, MAX_POSITION, MAX_POSITIONS, Position, Vector, compare};
use dictdb_types::{Array, Datum, Result, bail, oids};

use super::vector;
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "tsvector_length" => |a: &[u8]| Ok(vector(a)?.lexemes.len() as i32),
    "tsvector_strip" => |a: &[u8]| {
        let mut own = vector(a)?;
        own.lexemes.iter_mut().for_each(|lexeme| lexeme.positions.clear());
        Ok(own.to_bytes())
    },
    "tsvector_setweight" => |a: &[u8], weight: &str| {
        let weight = weight_number(weight)?;
        let mut own = vector(a)?;
        own.lexemes.iter_mut().for_each(|lexeme| set_weight(lexeme, weight));
        Ok(own.to_bytes())
    },
    "tsvector_setweight_by_filter" => |a: &[u8], weight: &str, words: &Array| {
        let weight = weight_number(weight)?;
        let words = known_texts(words);
        let mut own = vector(a)?;
        let chosen = own.lexemes.iter_mut().filter(|lexeme| words.contains(&lexeme.word.as_str()));
        chosen.for_each(|lexeme| set_weight(lexeme, weight));
        Ok(own.to_bytes())
    },
    "tsvector_concat" => |a: &[u8], b: &[u8]| concat(vector(a)?, vector(b)?).map(|joined| joined.to_bytes()),
    "tsvector_delete_str" => |a: &[u8], word: &str| {
        let mut own = vector(a)?;
        own.lexemes.retain(|lexeme| lexeme.word != word);
        Ok(own.to_bytes())
    },
    "tsvector_delete_arr" => |a: &[u8], words: &Array| {
        let words = known_texts(words);
        let mut own = vector(a)?;
        own.lexemes.retain(|lexeme| !words.contains(&lexeme.word.as_str()));
        Ok(own.to_bytes())
    },
    "tsvector_filter" => |a: &[u8], weights: &Array| {
        let weights = weights.items.iter().map(filter_weight).collect::<Result<Vec<_>>>()?;
        let mut own = vector(a)?;
        own.lexemes.iter_mut().for_each(|lexeme| lexeme.positions.retain(|at| weights.contains(&at.weight)));
        own.lexemes.retain(|lexeme| !lexeme.positions.is_empty());
        Ok(own.to_bytes())
    },
    "tsvector_to_array" => |a: &[u8]| {
        Ok(Array::vector(oids::TEXT, vector(a)?.lexemes.iter().map(|lexeme| Datum::text(&lexeme.word)).collect()))
    },
    "array_to_tsvector" => |words: &Array| from_array(words).map(|own| own.to_bytes()),
    "tsvector_eq" => |a: &[u8], b: &[u8]| compare(oids::TSVECTOR, a, b).is_eq(),
    "tsvector_ne" => |a: &[u8], b: &[u8]| compare(oids::TSVECTOR, a, b).is_ne(),
    "tsvector_lt" => |a: &[u8], b: &[u8]| compare(oids::TSVECTOR, a, b).is_lt(),
    "tsvector_le" => |a: &[u8], b: &[u8]| compare(oids::TSVECTOR, a, b).is_le(),
    "tsvector_gt" => |a: &[u8], b: &[u8]| compare(oids::TSVECTOR, a, b).is_gt(),
    "tsvector_ge" => |a: &[u8], b: &[u8]| compare(oids::TSVECTOR, a, b).is_ge(),
    "tsvector_cmp" => |a: &[u8], b: &[u8]| compare(oids::TSVECTOR, a, b) as i32,
};

fn set_weight(lexeme: &mut Lexeme, weight: u8) {
    lexeme.positions.iter_mut().for_each(|position| position.weight = weight);
}

fn letter_number(letter: char) -> Option<u8> {
    Some(match letter.to_ascii_uppercase() {
        'A' => 3,
        'B' => 2,
        'C' => 1,
        'D' => 0,
        _ => return None,
    })
}

fn weight_number(letter: &str) -> Result<u8> {
    let letter = letter.chars().next().unwrap_or('\0');
    match letter_number(letter) {
        Some(weight) => Ok(weight),
        None => bail!(INTERNAL_ERROR, "unrecognized weight: {}", letter as u32),
    }
}

fn filter_weight(letter: &Datum) -> Result<u8> {
    let Datum::Text(letter) = letter else {
        bail!(NULL_VALUE_NOT_ALLOWED, "weight array may not contain nulls");
    };
    match letter.chars().next().and_then(letter_number) {
        Some(weight) => Ok(weight),
        None => bail!(INVALID_PARAMETER_VALUE, "unrecognized weight: \"{letter}\""),
    }
}

/// The elements that are not NULL, which no lexeme is.
fn known_texts(words: &Array) -> Vec<&str> {
    let texts = words.items.iter().filter_map(|item| match item {
        Datum::Text(word) => Some(&**word),
        _ => None,
    });
    texts.collect()
}

fn from_array(words: &Array) -> Result<Vector> {
    let mut lexemes = Vec::with_capacity(words.items.len());
    for item in &words.items {
        match item {
            Datum::Text(word) if word.is_empty() => {
                bail!(ZERO_LENGTH_CHARACTER_STRING, "lexeme array may not contain empty strings")
            }
            Datum::Text(word) => lexemes.push(Lexeme { word: word.to_string(), positions: vec![] }),
            _ => bail!(NULL_VALUE_NOT_ALLOWED, "lexeme array may not contain nulls"),
        }
    }
    Vector::new(lexemes)
}

/// The second document behind the first.
fn concat(a: Vector, b: Vector) -> Result<Vector> {
    let last = a.lexemes.iter().filter_map(|lexeme| lexeme.positions.last()).map(|position| position.at).max();
    let offset = last.unwrap_or(0);
    let mut lexemes = a.lexemes;
    for mut lexeme in b.lexemes {
        let own = lexemes.iter().find(|own| own.word == lexeme.word).map_or(0, |own| own.positions.len());
        shift(&mut lexeme.positions, offset, own);
        lexemes.push(lexeme);
    }
    Vector::new(lexemes)
}

/// Moves positions back, as many as fit behind `own` others; all beyond the last place share it.
fn shift(positions: &mut Vec<Position>, offset: u16, own: usize) {
    positions.truncate(MAX_POSITIONS.saturating_sub(own));
    positions.iter_mut().for_each(|position| position.at = position.at.saturating_add(offset).min(MAX_POSITION));
}
