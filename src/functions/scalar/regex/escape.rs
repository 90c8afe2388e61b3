//! Reads backslash escapes and bracket expressions.

use super::class::CharSet;
use super::fault::Fault;
use super::parse::Parser;
use super::syntax::{Assertion, Flavor};

/// What a backslash sequence means.
pub(super) enum Escape {
    Char(char),
    Set(CharSet),
    Assert(Assertion),
    BackReference(usize),
}

impl Parser {
    /// Reads what follows a backslash outside brackets.
    pub(super) fn escape(&mut self) -> Result<Escape, Fault> {
        let c = self.peek().ok_or(Fault::Escape)?;
        self.at += 1;
        if self.options.flavor != Flavor::Advanced || !c.is_ascii_alphanumeric() {
            return Ok(Escape::Char(c));
        }
        if let Some(set) = class_escape(c) {
            return Ok(Escape::Set(set));
        }
        Ok(match c {
            'A' => Escape::Assert(Assertion::TextStart),
            'Z' => Escape::Assert(Assertion::TextEnd),
            'm' => Escape::Assert(Assertion::WordStart),
            'M' => Escape::Assert(Assertion::WordEnd),
            'y' => Escape::Assert(Assertion::WordEdge),
            'Y' => Escape::Assert(Assertion::NotWordEdge),
            '1'..='9' => return self.digits_escape(),
            _ => Escape::Char(self.char_escape(c)?),
        })
    }

    /// `\n`: a back-reference, unless it is longer than one digit and names more captures than there are: then octal.
    fn digits_escape(&mut self) -> Result<Escape, Fault> {
        let start = self.at - 1;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let digits: String = self.chars[start..self.at].iter().collect();
        let number = digits.parse::<usize>().unwrap_or(usize::MAX);
        if digits.len() == 1 || number <= self.closed.len() {
            return Ok(Escape::BackReference(number));
        }
        self.at = start;
        Ok(Escape::Char(self.octal()?))
    }

    /// Escapes that stand for one character, in brackets and outside; `c` is read already.
    fn char_escape(&mut self, c: char) -> Result<char, Fault> {
        Ok(match c {
            'a' => '\x07',
            'b' => '\x08',
            'B' => '\\',
            'c' => {
                let control = self.peek().ok_or(Fault::Escape)?;
                self.at += 1;
                char::from(control as u32 as u8 & 0x1f)
            }
            'e' => '\x1b',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.hexadecimal(4, 4)?,
            'U' => self.hexadecimal(8, 8)?,
            'v' => '\x0b',
            'x' => self.hexadecimal(1, usize::MAX)?,
            '0' => {
                self.at -= 1;
                self.octal()?
            }
            _ => return Err(Fault::Escape),
        })
    }

    fn hexadecimal(&mut self, min: usize, max: usize) -> Result<char, Fault> {
        let (mut value, mut count) = (0u32, 0);
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(16)).filter(|_| count < max) {
            value = value.checked_mul(16).and_then(|v| v.checked_add(digit)).ok_or(Fault::Escape)?;
            count += 1;
            self.at += 1;
        }
        if count < min { Err(Fault::Escape) } else { char::from_u32(value).ok_or(Fault::Escape) }
    }

    fn octal(&mut self) -> Result<char, Fault> {
        let (mut value, mut count) = (0u32, 0);
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(8)).filter(|_| count < 3) {
            value = value * 8 + digit;
            count += 1;
            self.at += 1;
        }
        if count == 0 { Err(Fault::Escape) } else { char::from_u32(value).ok_or(Fault::Escape) }
    }

    /// Reads a bracket expression after its `[`.
    pub(super) fn bracket(&mut self) -> Result<CharSet, Fault> {
        let negated = self.eat("^");
        let mut set = CharSet::default();
        let mut first = true;
        loop {
            match self.peek() {
                None => return Err(Fault::Brackets),
                Some(']') if !first => {
                    self.at += 1;
                    break;
                }
                Some(_) => self.bracket_item(&mut set)?,
            }
            first = false;
        }
        if self.options.ignore_case {
            set.fold_case();
        }
        set.normalize();
        if negated {
            set = set.complement();
            if self.options.newline_stops {
                set.remove('\n');
            }
        }
        Ok(set)
    }

    /// One character, range or class; ranges do not chain.
    fn bracket_item(&mut self, set: &mut CharSet) -> Result<(), Fault> {
        let low = match self.bracket_atom()? {
            BracketAtom::Class(class) => {
                set.extend(&class);
                return if self.range_follows() { Err(Fault::Range) } else { Ok(()) };
            }
            BracketAtom::Char(c) => c,
        };
        if !self.range_follows() {
            set.add(low, low);
            return Ok(());
        }
        self.at += 1;
        let BracketAtom::Char(high) = self.bracket_atom()? else { return Err(Fault::Range) };
        if low > high || self.range_follows() {
            return Err(Fault::Range);
        }
        set.add(low, high);
        Ok(())
    }

    /// Whether a `-` follows that is not the last character of the bracket.
    fn range_follows(&self) -> bool {
        self.peek() == Some('-') && self.chars.get(self.at + 1) != Some(&']')
    }

    fn bracket_atom(&mut self) -> Result<BracketAtom, Fault> {
        let c = self.peek().ok_or(Fault::Brackets)?;
        self.at += 1;
        let Some(kind) = (c == '[').then(|| self.peek()).flatten().filter(|k| matches!(k, ':' | '.' | '=')) else {
            return self.bracket_char(c);
        };
        self.at += 1;
        let start = self.at;
        let close = [kind, ']'].iter().collect::<String>();
        while !self.looking_at(&close) {
            if self.at >= self.chars.len() {
                return Err(Fault::Brackets);
            }
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        self.at += 2;
        match kind {
            ':' => CharSet::named(&name, self.options.ignore_case).map(BracketAtom::Class),
            '.' => CharSet::collating(&name).map(BracketAtom::Char),
            _ => CharSet::collating(&name).map(|c| BracketAtom::Class(CharSet::single(c))),
        }
    }

    fn bracket_char(&mut self, c: char) -> Result<BracketAtom, Fault> {
        if c != '\\' || self.options.flavor != Flavor::Advanced {
            return Ok(BracketAtom::Char(c));
        }
        let c = self.peek().ok_or(Fault::Escape)?;
        self.at += 1;
        if let Some(class) = class_escape(c) {
            return Ok(BracketAtom::Class(class));
        }
        match c {
            '1'..='7' => {
                self.at -= 1;
                self.octal().map(BracketAtom::Char)
            }
            c if c.is_ascii_alphanumeric() => self.char_escape(c).map(BracketAtom::Char),
            c => Ok(BracketAtom::Char(c)),
        }
    }
}

enum BracketAtom {
    Char(char),
    Class(CharSet),
}

/// `\d`, `\s`, `\w` and their complements.
fn class_escape(c: char) -> Option<CharSet> {
    let name = match c.to_ascii_lowercase() {
        'd' => "digit",
        's' => "space",
        'w' => "word",
        _ => return None,
    };
    let set = CharSet::named(name, false).ok()?;
    Some(if c.is_ascii_uppercase() { set.complement() } else { set })
}
