//! Text of `tsvector` and `tsquery` to values: words, quotes, positions, weights, operators.

use super::vector::check_lexeme;
use super::{Lexeme, MAX_LEXEME_BYTES, MAX_POSITION, Operator, Position, Query, Term, Vector};
use crate::{Error, Result, SqlState, bail};

/// Reads a `tsvector`; 42601, 54000.
pub fn parse_vector(text: &str) -> Result<Vector> {
    let mut scanner = Scanner { text, rest: text, kind: "tsvector" };
    let mut lexemes = vec![];
    while let Some(word) = scanner.word(false)? {
        check_lexeme(&word)?;
        let positions = scanner.positions()?;
        lexemes.push(Lexeme { word, positions });
    }
    Vector::new(lexemes)
}

/// A query as written: operators over operands that may each become several lexemes, or none.
#[derive(Clone, Debug)]
pub enum ParsedQuery {
    /// An operand.
    Operand(Term),
    /// `!`.
    Not(Box<ParsedQuery>),
    /// Left and right operand.
    Binary(Operator, Box<ParsedQuery>, Box<ParsedQuery>),
}

/// Reads the syntax of a `tsquery`; `None` for an empty one. 42601, 22023, 54000.
pub fn parse_query(text: &str) -> Result<Option<ParsedQuery>> {
    let mut parser = QueryParser { scanner: Scanner { text, rest: text, kind: "tsquery" }, depth: 0, first: true };
    let query = parser.expression(0)?;
    parser.scanner.skip_blanks();
    match query {
        Some(_) if !parser.scanner.rest.is_empty() => Err(parser.scanner.syntax_error()),
        query => Ok(query),
    }
}

impl ParsedQuery {
    /// The query whose lexemes are the operands as they are.
    pub fn into_query(self) -> Query {
        match self {
            ParsedQuery::Operand(term) => Query::Term(term),
            ParsedQuery::Not(inner) => Query::Not(Box::new(inner.into_query())),
            ParsedQuery::Binary(operator, left, right) => {
                Query::binary(operator, left.into_query(), right.into_query())
            }
        }
    }
}

struct Scanner<'a> {
    text: &'a str,
    rest: &'a str,
    /// The type's name, for messages.
    kind: &'static str,
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
}

impl Scanner<'_> {
    #[cold]
    fn syntax_error(&self) -> Error {
        Error::new(SqlState::SYNTAX_ERROR, format!("syntax error in {}: \"{}\"", self.kind, self.text))
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn accept(&mut self, c: char) -> bool {
        let after = self.rest.strip_prefix(c);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_blank);
    }

    /// The character behind a backslash.
    fn escaped(&mut self) -> Result<char> {
        self.next().ok_or_else(|| {
            Error::new(SqlState::SYNTAX_ERROR, format!("there is no escaped character: \"{}\"", self.text))
        })
    }

    /// The next word, `None` at the end. Operators end one where they mean something.
    fn word(&mut self, operators: bool) -> Result<Option<String>> {
        self.skip_blanks();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let word = if self.accept('\'') { self.quoted()? } else { self.bare(operators)? };
        if word.is_empty() { Err(self.syntax_error()) } else { Ok(Some(word)) }
    }

    fn quoted(&mut self) -> Result<String> {
        let mut word = String::new();
        loop {
            match self.next() {
                None => return Err(self.syntax_error()),
                Some('\'') if !self.accept('\'') => return Ok(word),
                Some('\\') => word.push(self.escaped()?),
                Some(c) => word.push(c),
            }
        }
    }

    fn bare(&mut self, operators: bool) -> Result<String> {
        let mut word = String::new();
        loop {
            match self.peek() {
                Some('\\') => {
                    self.next();
                    word.push(self.escaped()?);
                }
                Some(c) if is_blank(c) || c == ':' || operators && is_operator(c) => return Ok(word),
                Some(c) => {
                    self.next();
                    word.push(c);
                }
                None => return Ok(word),
            }
        }
    }

    /// `:1A,2` behind a word of a vector.
    fn positions(&mut self) -> Result<Vec<Position>> {
        let mut positions = vec![];
        if !self.accept(':') {
            return Ok(positions);
        }
        loop {
            let at = self.position()?;
            positions.push(Position { at, weight: self.weight()? });
            if !self.accept(',') {
                break;
            }
        }
        match self.peek() {
            Some(c) if !is_blank(c) => Err(self.syntax_error()),
            _ => Ok(positions),
        }
    }

    fn position(&mut self) -> Result<u16> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(self.syntax_error());
        }
        let (number, rest) = self.rest.split_at(digits);
        let at = number.bytes().fold(0u32, |n, digit| n.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
        self.rest = rest;
        if at == 0 {
            bail!(SYNTAX_ERROR, "wrong position info in tsvector: \"{}\"", self.text);
        }
        Ok(at.min(u32::from(MAX_POSITION)) as u16)
    }

    /// At most one weight letter; `*` is an A. D is what a position has anyway.
    fn weight(&mut self) -> Result<u8> {
        let mut weight = 0;
        while let Some(c) = self.peek() {
            let letter = match c {
                'a' | 'A' | '*' => 3,
                'b' | 'B' => 2,
                'c' | 'C' => 1,
                'd' | 'D' => 0,
                _ => break,
            };
            if weight != 0 {
                return Err(self.syntax_error());
            }
            weight = letter;
            self.next();
        }
        Ok(weight)
    }

    /// `:*AB` behind a word of a query.
    fn modifiers(&mut self) -> (u8, bool) {
        let (mut weights, mut prefix) = (0, false);
        if !self.accept(':') {
            return (weights, prefix);
        }
        while let Some(c) = self.peek() {
            match c.to_ascii_lowercase() {
                '*' => prefix = true,
                'a' => weights |= 8,
                'b' => weights |= 4,
                'c' => weights |= 2,
                'd' => weights |= 1,
                _ => break,
            }
            self.next();
        }
        (weights, prefix)
    }
}

fn is_operator(c: char) -> bool {
    matches!(c, '!' | '&' | '|' | '(' | ')' | '<')
}

struct QueryParser<'a> {
    scanner: Scanner<'a>,
    /// Open parentheses.
    depth: usize,
    /// Nothing has been read yet: the whole query may be empty.
    first: bool,
}

/// Parentheses and negations inside each other.
const MAX_DEPTH: usize = 500;

impl QueryParser<'_> {
    /// Operands under operators of at least this priority.
    fn expression(&mut self, least: u8) -> Result<Option<ParsedQuery>> {
        let Some(mut left) = self.operand()? else { return Ok(None) };
        loop {
            let before = self.scanner.rest;
            let Some(operator) = self.operator()? else { return Ok(Some(left)) };
            if operator.priority() < least {
                self.scanner.rest = before;
                return Ok(Some(left));
            }
            let right = self.expression(operator.priority() + 1)?;
            let right = right.ok_or_else(|| self.no_operand())?;
            left = ParsedQuery::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn no_operand(&self) -> Error {
        Error::new(SqlState::SYNTAX_ERROR, format!("no operand in tsquery: \"{}\"", self.scanner.text))
    }

    fn operand(&mut self) -> Result<Option<ParsedQuery>> {
        self.scanner.skip_blanks();
        let first = std::mem::take(&mut self.first);
        match self.scanner.peek() {
            None if first => return Ok(None),
            None => return Err(self.no_operand()),
            Some('!') => {
                self.scanner.next();
                let inner = self.nested(|parser| parser.operand())?.ok_or_else(|| self.no_operand())?;
                return Ok(Some(ParsedQuery::Not(Box::new(inner))));
            }
            Some('(') => {
                self.scanner.next();
                let inner = self.nested(|parser| parser.expression(0))?.ok_or_else(|| self.no_operand())?;
                self.scanner.skip_blanks();
                if !self.scanner.accept(')') {
                    return Err(self.scanner.syntax_error());
                }
                return Ok(Some(inner));
            }
            Some(':') => return Err(self.scanner.syntax_error()),
            Some(_) => {}
        }
        let Some(word) = self.scanner.word(true)? else { return Err(self.no_operand()) };
        if word.len() >= MAX_LEXEME_BYTES {
            bail!(PROGRAM_LIMIT_EXCEEDED, "word is too long in tsquery: \"{}\"", self.scanner.text);
        }
        let (weights, prefix) = self.scanner.modifiers();
        Ok(Some(ParsedQuery::Operand(Term { word, weights, prefix })))
    }

    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            bail!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    /// The next operator; `None` at the end and before a closing parenthesis.
    fn operator(&mut self) -> Result<Option<Operator>> {
        self.scanner.skip_blanks();
        match self.scanner.peek() {
            None | Some(')') => Ok(None),
            Some('&') => {
                self.scanner.next();
                Ok(Some(Operator::And))
            }
            Some('|') => {
                self.scanner.next();
                Ok(Some(Operator::Or))
            }
            Some('<') => self.phrase().map(Some),
            Some(_) => Err(self.scanner.syntax_error()),
        }
    }

    /// `<->` or `<n>`.
    fn phrase(&mut self) -> Result<Operator> {
        self.scanner.next();
        if self.scanner.rest.starts_with("->") {
            self.scanner.rest = &self.scanner.rest[2..];
            return Ok(Operator::Phrase(1));
        }
        let digits = self.scanner.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.scanner.rest.split_at(digits);
        if digits == 0 {
            return Err(self.scanner.syntax_error());
        }
        let distance = number.parse().ok().filter(|distance| *distance <= MAX_POSITION + 1);
        let distance = distance.ok_or_else(bad_distance)?;
        match rest.strip_prefix('>') {
            Some(rest) => self.scanner.rest = rest,
            None => return Err(self.scanner.syntax_error()),
        }
        Ok(Operator::Phrase(distance))
    }
}

/// 22023 for a phrase operator whose distance no two positions can have.
fn bad_distance() -> Error {
    let most = MAX_POSITION + 1;
    let message = format!("distance in phrase operator must be an integer value between zero and {most} inclusive");
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
