//! `tsvector`: lexemes in the order of their bytes, each once, with ascending positions.

use super::{
    MAX_LEXEME_BYTES, MAX_POSITION, MAX_POSITIONS, MAX_VECTOR_BYTES, split_text, split_u16, split_u32, write_quoted,
};
use crate::{Error, Result, SqlState};

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1 to [`MAX_POSITION`].
    pub at: u16,
    /// 0 to 3 for D to A.
    pub weight: u8,
}

/// A lexeme of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// Its text.
    pub word: String,
    /// Where it stands; empty when that is not known.
    pub positions: Vec<Position>,
}

/// A `tsvector`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// Sorted by their bytes, without duplicates.
    pub lexemes: Vec<Lexeme>,
}

impl Position {
    fn from_wire(bits: u16) -> Self {
        Position { at: bits & MAX_POSITION, weight: (bits >> 14) as u8 }
    }

    /// Weight and position in 16 bits.
    pub(super) fn to_wire(self) -> u16 {
        u16::from(self.weight) << 14 | self.at
    }
}

impl Vector {
    /// Sorts lexemes, and merges equal ones and equal positions. 54000 when they are too large together.
    pub fn new(mut lexemes: Vec<Lexeme>) -> Result<Vector> {
        lexemes.sort_by(|a, b| a.word.as_bytes().cmp(b.word.as_bytes()));
        let mut merged: Vec<Lexeme> = Vec::with_capacity(lexemes.len());
        for lexeme in lexemes {
            match merged.last_mut() {
                Some(last) if last.word == lexeme.word => last.positions.extend(lexeme.positions),
                _ => merged.push(lexeme),
            }
        }
        merged.iter_mut().for_each(|lexeme| settle(&mut lexeme.positions));
        let vector = Vector { lexemes: merged };
        let bytes = vector.data_bytes();
        if bytes > MAX_VECTOR_BYTES {
            let message = format!("string is too long for tsvector ({bytes} bytes, max {MAX_VECTOR_BYTES} bytes)");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        Ok(vector)
    }

    /// The lexeme of this text.
    pub fn find(&self, word: &str) -> Option<&Lexeme> {
        let found = self.lexemes.binary_search_by(|lexeme| lexeme.word.as_bytes().cmp(word.as_bytes()));
        found.ok().map(|index| &self.lexemes[index])
    }

    /// The lexemes that begin with this text.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Lexeme> {
        let start = self.lexemes.partition_point(|lexeme| lexeme.word.as_bytes() < prefix.as_bytes());
        self.lexemes[start..].iter().take_while(move |lexeme| lexeme.word.starts_with(prefix))
    }

    /// Reads a datum's bytes; `None` when they are no vector.
    pub fn from_bytes(bytes: &[u8]) -> Option<Vector> {
        let (vector, rest) = Vector::split_from(bytes)?;
        rest.is_empty().then_some(vector)
    }

    /// Reads a vector from the front of bytes, lexemes in any order.
    pub fn split_from(bytes: &[u8]) -> Option<(Vector, &[u8])> {
        let (count, mut rest) = split_u32(bytes)?;
        let mut lexemes = Vec::with_capacity((count as usize).min(rest.len()));
        for _ in 0..count {
            let (word, after) = split_text(rest)?;
            let (positions, after) = split_u16(after)?;
            let (head, after) = after.split_at_checked(usize::from(positions) * 2)?;
            let read = |pair: &[u8]| Position::from_wire(u16::from_be_bytes([pair[0], pair[1]]));
            lexemes.push(Lexeme { word: word.to_owned(), positions: head.chunks_exact(2).map(read).collect() });
            rest = after;
        }
        Some((Vector { lexemes }, rest))
    }

    /// The datum's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = (self.lexemes.len() as u32).to_be_bytes().to_vec();
        for lexeme in &self.lexemes {
            out.extend_from_slice(lexeme.word.as_bytes());
            out.push(0);
            out.extend_from_slice(&(lexeme.positions.len() as u16).to_be_bytes());
            lexeme.positions.iter().for_each(|position| out.extend_from_slice(&position.to_wire().to_be_bytes()));
        }
        out
    }

    /// Bytes that PostgreSQL keeps the texts and positions in.
    fn data_bytes(&self) -> usize {
        self.lexemes.iter().fold(0, |bytes, lexeme| {
            let bytes = bytes + lexeme.word.len();
            let aligned = bytes.next_multiple_of(2);
            if lexeme.positions.is_empty() { bytes } else { aligned + 2 + 2 * lexeme.positions.len() }
        })
    }

    /// Bytes that PostgreSQL keeps the whole value in, which its order begins with.
    pub(super) fn stored_bytes(&self) -> usize {
        8 + 4 * self.lexemes.len() + self.data_bytes()
    }

    /// Appends the text form.
    pub fn write(&self, out: &mut String) {
        for (n, lexeme) in self.lexemes.iter().enumerate() {
            if n > 0 {
                out.push(' ');
            }
            write_quoted(&lexeme.word, out);
            for (n, position) in lexeme.positions.iter().enumerate() {
                out.push(if n == 0 { ':' } else { ',' });
                out.push_str(itoa::Buffer::new().format(position.at));
                out.push_str(["", "C", "B", "A"][usize::from(position.weight & 3)]);
            }
        }
    }
}

/// Sorts positions, keeps the heaviest of equal ones, and cuts what is too many or beyond the last place.
fn settle(positions: &mut Vec<Position>) {
    positions.sort_by_key(|position| (position.at, std::cmp::Reverse(position.weight)));
    positions.dedup_by_key(|position| position.at);
    positions.truncate(MAX_POSITIONS);
}

/// 54000 for a lexeme that is too long.
pub(super) fn check_lexeme(word: &str) -> Result<()> {
    if word.len() < MAX_LEXEME_BYTES {
        return Ok(());
    }
    let message = format!("word is too long ({} bytes, max {} bytes)", word.len(), MAX_LEXEME_BYTES - 1);
    Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message))
}
