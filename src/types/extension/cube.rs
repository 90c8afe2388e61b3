//! `cube`: a box of up to 100 dimensions, by two corners; a point is a box whose corners are the same.

use std::cmp::Ordering;

use crate::text::float::{FloatText, input_float8};
use crate::{Error, Result, SqlState};

/// Most dimensions.
pub const MAX_DIMENSIONS: usize = 100;

/// A value of the type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cube {
    first: Box<[f64]>,
    /// The other corner; empty for a point.
    second: Box<[f64]>,
}

impl Cube {
    /// A box between two corners of as many dimensions.
    pub fn new(first: Vec<f64>, second: Vec<f64>) -> Cube {
        let is_point = first == second;
        Cube { first: first.into(), second: if is_point { Box::default() } else { second.into() } }
    }

    /// A point.
    pub fn point(at: Vec<f64>) -> Cube {
        Cube { first: at.into(), second: Box::default() }
    }

    /// Reads the text form. 22P02.
    pub fn parse(text: &str) -> Result<Cube> {
        let mut parser = Parser { text, at: 0, token: (0, 0) };
        parser.advance()?;
        parser.cube()
    }

    /// How many dimensions it has.
    pub fn dimensions(&self) -> usize {
        self.first.len()
    }

    /// Whether its corners are the same.
    pub fn is_point(&self) -> bool {
        self.second.is_empty()
    }

    /// A coordinate of the first corner as it was given; zero in dimensions that it does not have.
    pub fn first(&self, dimension: usize) -> f64 {
        self.first.get(dimension).copied().unwrap_or_default()
    }

    /// Likewise of the second corner.
    pub fn second(&self, dimension: usize) -> f64 {
        if self.is_point() { self.first(dimension) } else { self.second.get(dimension).copied().unwrap_or_default() }
    }

    /// The lesser coordinate in a dimension; zero in those that it does not have.
    pub fn low(&self, dimension: usize) -> f64 {
        let (first, second) = (self.first(dimension), self.second(dimension));
        if first < second { first } else { second }
    }

    /// The greater coordinate.
    pub fn high(&self, dimension: usize) -> f64 {
        let (first, second) = (self.first(dimension), self.second(dimension));
        if first > second { first } else { second }
    }

    /// Numbers that order cubes of as many dimensions as PostgreSQL does; of others those with fewer come first.
    pub(crate) fn order_parts(&self) -> impl Iterator<Item = f64> {
        // Zero has one sign, and what is no number one form.
        let plain = |number: f64| if number.is_nan() { f64::NAN } else { number + 0.0 };
        let count = self.dimensions();
        (0..count).map(move |at| self.low(at)).chain((0..count).map(move |at| self.high(at))).map(plain)
    }

    pub(super) fn compare(&self, other: &Cube) -> Ordering {
        let parts = |a: &Cube, b: &Cube| {
            let mut pairs = a.order_parts().zip(b.order_parts()).map(|(a, b)| a.total_cmp(&b));
            pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        self.dimensions().cmp(&other.dimensions()).then_with(|| parts(self, other))
    }

    /// Bytes it takes.
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.first) + size_of_val(&*self.second)
    }

    /// Appends the text form.
    pub fn write(&self, out: &mut String) {
        let corner = |numbers: &[f64], out: &mut String| {
            out.push('(');
            for (at, number) in numbers.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                out.push_str(FloatText::of_f64(*number, 1).as_str());
            }
            out.push(')');
        };
        corner(&self.first, out);
        if !self.is_point() {
            out.push(',');
            corner(&self.second, out);
        }
    }
}

/// A corner as it is written: numbers separated by commas, without blanks.
type Corner = Vec<String>;

struct Parser<'t> {
    text: &'t str,
    /// Where the token after the current one begins.
    at: usize,
    /// The current token; empty at the end.
    token: (usize, usize),
}

impl Parser<'_> {
    fn token(&self) -> &str {
        &self.text[self.token.0..self.token.1]
    }

    fn advance(&mut self) -> Result<()> {
        let rest = &self.text[self.at..];
        let start =
            self.at + rest.find(|c: char| !matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')).unwrap_or(rest.len());
        let rest = &self.text[start..];
        let length = match rest.chars().next() {
            None => 0,
            Some(c) => number_length(rest).unwrap_or(c.len_utf8()),
        };
        (self.token, self.at) = ((start, start + length), start + length);
        Ok(())
    }

    fn cube(&mut self) -> Result<Cube> {
        let in_brackets = self.eat("[")?;
        let first = match self.corner()? {
            Some(corner) => corner,
            None if !in_brackets => {
                let corner = self.list()?;
                self.end()?;
                check_dimensions(&corner)?;
                return Ok(Cube::point(numbers(&corner)?));
            }
            None => return Err(self.unexpected()),
        };
        if !in_brackets && self.token().is_empty() {
            check_dimensions(&first)?;
            return Ok(Cube::point(numbers(&first)?));
        }
        self.expect(",")?;
        let second = self.corner()?.ok_or_else(|| self.unexpected())?;
        if in_brackets {
            self.expect("]")?;
        }
        self.end()?;
        if first.len() != second.len() {
            let detail = format!("Different point dimensions in ({}) and ({}).", first.join(","), second.join(","));
            return Err(invalid(detail));
        }
        check_dimensions(&first)?;
        Ok(Cube::new(numbers(&first)?, numbers(&second)?))
    }

    /// Numbers in parentheses, if they come.
    fn corner(&mut self) -> Result<Option<Corner>> {
        if !self.eat("(")? {
            return Ok(None);
        }
        if self.eat(")")? {
            return Ok(Some(Corner::new()));
        }
        let corner = self.list()?;
        self.expect(")")?;
        Ok(Some(corner))
    }

    fn list(&mut self) -> Result<Corner> {
        let mut corner = Corner::new();
        loop {
            if number_length(self.token()).is_none() {
                return Err(self.unexpected());
            }
            corner.push(self.token().to_owned());
            self.advance()?;
            if !self.eat(",")? {
                return Ok(corner);
            }
        }
    }

    fn eat(&mut self, symbol: &str) -> Result<bool> {
        let found = self.token() == symbol;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.eat(symbol)? { Ok(()) } else { Err(self.unexpected()) }
    }

    fn end(&self) -> Result<()> {
        if self.token().is_empty() { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Error {
        match self.token() {
            "" => invalid("syntax error at end of input".to_owned()),
            token => invalid(format!("syntax error at or near \"{token}\"")),
        }
    }
}

fn check_dimensions(corner: &[String]) -> Result<()> {
    match corner.len() > MAX_DIMENSIONS {
        true => Err(invalid(format!("A cube cannot have more than {MAX_DIMENSIONS} dimensions."))),
        false => Ok(()),
    }
}

fn numbers(corner: &[String]) -> Result<Vec<f64>> {
    corner.iter().map(|number| input_float8(number)).collect()
}

fn invalid(detail: String) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for cube").detail(detail)
}

/// How long the number at the front of a text is; none when there is none.
fn number_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let word = |from: usize, word: &str| {
        text.get(from..from + word.len()).is_some_and(|own| own.eq_ignore_ascii_case(word)).then_some(from + word.len())
    };
    let named = word(sign, "infinity").or_else(|| word(sign, "inf")).or_else(|| word(0, "nan"));
    if named.is_some() {
        return named;
    }
    let whole = digits(sign);
    let mut end = sign + whole;
    if bytes.get(end) == Some(&b'.') {
        let part = digits(end + 1);
        if whole + part > 0 {
            end += 1 + part;
        }
    }
    if end == sign {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let exponent = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let count = digits(exponent);
        if count > 0 {
            end = exponent + count;
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut out = String::new();
        Cube::parse(text).unwrap().write(&mut out);
        out
    }

    #[test]
    fn cubes_are_written_as_they_are_read() {
        for (text, expected) in [
            ("1", "(1)"),
            (" 1e7 , -.5 ", "(10000000, -0.5)"),
            ("()", "()"),
            ("(1,2)", "(1, 2)"),
            ("(0),(1)", "(0),(1)"),
            ("[(0,0),(0,0)]", "(0, 0)"),
            ("(inf,NaN)", "(Infinity, NaN)"),
        ] {
            assert_eq!(shown(text), expected);
        }
        for wrong in ["", "ABC", "[]", "[(1)]", "(1),(1,2)", "(1,2,3),", "1 e7", "(1,2))"] {
            assert!(Cube::parse(wrong).is_err(), "{wrong}");
        }
    }
}
