//! `metaphone`: an English word by its consonants.

use dictdb_types::{Error, Result, SqlState};

/// Longest text and longest code, in bytes.
const LENGTH_MAX: usize = 255;

/// The code of a word, of at most so many letters. 22023, 2200F.
pub(super) fn metaphone(text: &str, most: i32) -> Result<String> {
    let invalid = |message: String| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    if text.is_empty() {
        return Ok(String::new());
    }
    if text.len() > LENGTH_MAX {
        return invalid(format!("argument exceeds the maximum length of {LENGTH_MAX} bytes"));
    }
    if most > LENGTH_MAX as i32 {
        return invalid(format!("output exceeds the maximum length of {LENGTH_MAX} bytes"));
    }
    if most <= 0 {
        let code = SqlState::ZERO_LENGTH_CHARACTER_STRING;
        return Err(Error::new(code, "output cannot be empty string"));
    }
    Ok(Word { letters: text.as_bytes(), code: String::new(), most: most as usize }.coded())
}

struct Word<'a> {
    letters: &'a [u8],
    code: String,
    most: usize,
}

impl Word<'_> {
    /// The letter at a place, in upper case; 0 outside.
    fn at(&self, place: usize, distance: isize) -> u8 {
        let letter = place.checked_add_signed(distance).and_then(|place| self.letters.get(place));
        letter.map_or(0, u8::to_ascii_uppercase)
    }

    fn coded(mut self) -> String {
        let first = self.letters.iter().position(u8::is_ascii_alphabetic);
        let Some(mut place) = first else { return self.code };
        place += self.beginning(place);
        while place < self.letters.len() && self.code.len() < self.most {
            let letter = self.at(place, 0);
            let repeated = letter == self.at(place, -1) && letter != b'C';
            if letter.is_ascii_alphabetic() && !repeated {
                let (sounds, more) = self.sounds(place, letter);
                self.code.push_str(sounds);
                place += more;
            }
            place += 1;
        }
        self.code
    }

    /// Codes what is special where a word begins; how many letters that were.
    fn beginning(&mut self, place: usize) -> usize {
        let next = self.at(place, 1);
        let (sound, letters) = match self.at(place, 0) {
            b'A' if next == b'E' => ('E', 2),
            b'G' | b'K' | b'P' if next == b'N' => ('N', 2),
            b'X' => ('S', 1),
            vowel @ (b'A' | b'E' | b'I' | b'O' | b'U') => (char::from(vowel), 1),
            b'W' if next == b'R' => ('R', 2),
            b'W' if is_vowel(next) => ('W', 2),
            _ => return 0,
        };
        self.code.push(sound);
        letters
    }

    /// What a letter sounds like where it stands, and how many letters after it belong to that.
    fn sounds(&self, place: usize, letter: u8) -> (&'static str, usize) {
        let (last, next, after) = (self.at(place, -1), self.at(place, 1), self.at(place, 2));
        let sound = match letter {
            b'B' if last != b'M' => "B",
            b'C' => return self.sounds_of_c(place),
            b'D' if next == b'G' && is_soft(after) => return ("J", 1),
            b'D' => "T",
            b'G' => return self.sounds_of_g(place),
            b'H' if is_vowel(next) && !changes_h(last) => "H",
            b'K' if last != b'C' => "K",
            b'P' if next == b'H' => "F",
            b'P' => "P",
            b'Q' => "K",
            b'S' if next == b'I' && matches!(after, b'O' | b'A') => "X",
            b'S' if next == b'H' => return ("X", 1),
            b'S' if next == b'C' && after == b'H' => return (if self.at(place, 3) == b'W' { "X" } else { "SK" }, 2),
            b'S' => "S",
            b'T' if next == b'I' && matches!(after, b'O' | b'A') => "X",
            b'T' if next == b'H' => return ("0", 1),
            b'T' => "T",
            b'V' => "F",
            b'W' if is_vowel(next) => "W",
            b'X' => "KS",
            b'Y' if is_vowel(next) => "Y",
            b'Z' => "S",
            b'F' => "F",
            b'J' => "J",
            b'L' => "L",
            b'M' => "M",
            b'N' => "N",
            b'R' => "R",
            _ => "",
        };
        (sound, 0)
    }

    fn sounds_of_c(&self, place: usize) -> (&'static str, usize) {
        let (last, next, after) = (self.at(place, -1), self.at(place, 1), self.at(place, 2));
        match next {
            b'I' if after == b'A' => ("X", 0),
            soft if is_soft(soft) => (if last == b'S' { "" } else { "S" }, 0),
            b'H' => (if after == b'R' || last == b'S' { "K" } else { "X" }, 1),
            _ => ("K", 0),
        }
    }

    fn sounds_of_g(&self, place: usize) -> (&'static str, usize) {
        let (last, next, after) = (self.at(place, -1), self.at(place, 1), self.at(place, 2));
        match next {
            b'H' if matches!(self.at(place, -3), b'B' | b'D' | b'H') || self.at(place, -4) == b'H' => ("", 0),
            b'H' => ("F", 1),
            b'N' if after_word(after) || after == b'E' && self.at(place, 3) == b'D' => ("", 0),
            b'N' => ("K", 0),
            soft if is_soft(soft) && last != b'G' => ("J", 0),
            _ => ("K", 0),
        }
    }
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'A' | b'E' | b'I' | b'O' | b'U')
}

/// Before these C and G are soft.
fn is_soft(letter: u8) -> bool {
    matches!(letter, b'E' | b'I' | b'Y')
}

/// After these H is silent.
fn changes_h(letter: u8) -> bool {
    matches!(letter, b'C' | b'G' | b'P' | b'S' | b'T')
}

/// No letter of a word.
fn after_word(letter: u8) -> bool {
    !letter.is_ascii_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_sound() {
        assert_eq!(metaphone("GUMBO", 4).unwrap(), "KM");
        assert_eq!(metaphone("Thompson", 9).unwrap(), "0MPSN");
        assert_eq!(metaphone("schwartz", 9).unwrap(), "XWRTS");
        assert_eq!(metaphone("", 4).unwrap(), "");
        assert!(metaphone("a", 0).is_err());
    }
}
