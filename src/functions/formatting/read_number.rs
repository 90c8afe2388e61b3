//! `to_number`: the number a text has where its template has digits.

use dictdb_types::{Error, Numeric, Result, SqlState};

use super::number_picture::unshift;
use super::number_template::{Node, Pattern, Shape, Template};

/// Reads a text by a template. 22P02 where there is no number, 22003 where it has more digits than the template,
/// 0A000 for templates that can only be written.
pub(super) fn read(template: &Template, text: &str) -> Result<Numeric> {
    let shape = &template.shape;
    let unsupported =
        |what: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("\"{what}\" not supported for input"));
    if shape.exponent {
        return Err(unsupported("EEEE"));
    }
    if shape.roman {
        return Err(unsupported("RN"));
    }
    let mut reader = Reader {
        shape,
        text: text.as_bytes(),
        at: 0,
        sign: b' ',
        digits: String::new(),
        before: 0,
        after: 0,
        point: false,
    };
    for node in &template.nodes {
        if reader.at >= reader.text.len() {
            break;
        }
        match node {
            Node::Pattern(pattern) => reader.pattern(*pattern),
            Node::Text(_) => reader.skip_char(),
        }
    }
    let number = format!("{}{}", reader.sign as char, reader.digits.trim_end_matches('.'));
    let scale = reader.after as i32;
    let precision = (shape.before + shape.shift) as i32 + scale;
    let value = Numeric::parse(&number)?.apply_typmod(((precision << 16) | scale) + 4)?;
    if shape.shifted { unshift(&value, shape.shift) } else { Ok(value) }
}

struct Reader<'a> {
    shape: &'a Shape,
    text: &'a [u8],
    at: usize,
    /// `+`, `-`, or a blank while none was read.
    sign: u8,
    digits: String,
    /// Digits read before the decimal point.
    before: usize,
    /// Digits read after it.
    after: usize,
    point: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_char(&mut self) {
        self.at += 1;
        while self.peek().is_some_and(|b| b & 0xC0 == 0x80) {
            self.at += 1;
        }
    }

    fn pattern(&mut self, pattern: Pattern) {
        match pattern {
            Pattern::Nine | Pattern::Zero | Pattern::Point => {
                self.digit(pattern != Pattern::Point);
                self.at += 1;
            }
            Pattern::Comma | Pattern::Group if !self.shape.fill && self.peek() == Some(b',') => self.at += 1,
            Pattern::Currency => self.skip_other(1),
            Pattern::Ordinal(_) if !self.shape.point => self.skip_other(2),
            Pattern::Minus => self.sign_or_other(b"-"),
            Pattern::Plus => self.sign_or_other(b"+"),
            Pattern::SignHere => self.sign_or_other(b"-+"),
            _ => {}
        }
    }

    fn sign_or_other(&mut self, signs: &[u8]) {
        match self.peek() {
            Some(sign) if signs.contains(&sign) => {
                self.sign = sign;
                self.at += 1;
            }
            _ => self.skip_other(1),
        }
    }

    /// Skips so many characters that cannot belong to a number.
    fn skip_other(&mut self, count: usize) {
        for _ in 0..count {
            match self.peek() {
                None | Some(b'0'..=b'9' | b'.' | b',' | b'+' | b'-') => return,
                Some(_) => self.skip_char(),
            }
        }
    }

    /// Reads at a digit's or the point's place: a sign before the first digit, the digit or point, a sign after it.
    /// The caller steps over the last character looked at.
    fn digit(&mut self, digit_place: bool) {
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        if digit_place && self.sign == b' ' && self.before + self.after == 0 {
            self.leading_sign();
        }
        let Some(byte) = self.peek() else { return };
        let mut read = false;
        if byte.is_ascii_digit() {
            if self.point && self.after == self.shape.after {
                return;
            }
            self.digits.push(byte as char);
            if self.point {
                self.after += 1;
            } else {
                self.before += 1;
            }
            read = true;
        } else if byte == b'.' && self.shape.point && !self.point {
            self.digits.push('.');
            self.point = true;
            read = true;
        }
        if self.sign == b' ' && self.before + self.after > 0 {
            self.trailing_sign(read);
        }
    }

    fn leading_sign(&mut self) {
        match self.peek() {
            Some(sign @ (b'-' | b'+')) => {
                self.sign = sign;
                self.at += 1;
            }
            Some(b'<') if self.shape.brackets => {
                self.sign = b'-';
                self.at += 1;
            }
            _ => {}
        }
    }

    /// A sign of `S` follows the last digit at once; those of `MI`, `PL` and `SG` may stand where a digit could.
    fn trailing_sign(&mut self, read: bool) {
        if self.shape.sign && read {
            let next = self.text.get(self.at + 1).copied();
            if let Some(sign @ (b'-' | b'+')) = next {
                self.sign = sign;
                self.at += 1;
            }
        } else if !read
            && !self.shape.sign
            && (self.shape.plus || self.shape.minus)
            && let Some(sign @ (b'-' | b'+')) = self.peek()
        {
            self.sign = sign;
        }
    }
}
