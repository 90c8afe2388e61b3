//! `tsquery`: a tree of lexemes under not, and, or, and "followed by".

use super::{split_text, split_u16, split_u32, write_quoted};

/// A lexeme of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its text.
    pub word: String,
    /// Bits of the weights that count (1 for D to 8 for A); none means all.
    pub weights: u8,
    /// Whether lexemes that begin with the text count.
    pub prefix: bool,
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `&`.
    And,
    /// `|`.
    Or,
    /// `<->`, `<n>`: the right operand stands so many places after the left one.
    Phrase(u16),
}

/// A `tsquery` that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A lexeme.
    Term(Term),
    /// `!`.
    Not(Box<Query>),
    /// Left and right operand.
    Binary(Operator, Box<Query>, Box<Query>),
}

const NOT: u8 = 1;
const AND: u8 = 2;
const OR: u8 = 3;
const PHRASE: u8 = 4;

/// Deepest nesting that is read from bytes.
const MAX_DEPTH: usize = 1000;

impl Operator {
    /// PostgreSQL's number of the operator.
    pub fn number(self) -> u8 {
        match self {
            Operator::And => AND,
            Operator::Or => OR,
            Operator::Phrase(_) => PHRASE,
        }
    }

    /// How strongly it binds; [`Query::Not`] has 4.
    pub(super) fn priority(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Phrase(_) => 3,
        }
    }
}

/// Why bytes are no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes than said.
    Short,
    /// Something that is neither operand nor operator.
    Item(u8),
    /// An operator that does not exist.
    Operator(u8),
    /// Weights beyond the four there are.
    Weight,
    /// Operators without operands, or operands too many.
    Tree,
}

impl Query {
    /// A term without weights.
    pub fn word(word: impl Into<String>) -> Query {
        Query::Term(Term { word: word.into(), weights: 0, prefix: false })
    }

    /// Two queries under an operator.
    pub fn binary(operator: Operator, left: Query, right: Query) -> Query {
        Query::Binary(operator, Box::new(left), Box::new(right))
    }

    /// Reads a datum's bytes: `None` is the empty query, also for malformed bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Query> {
        Query::split_from(bytes).ok().and_then(|(query, _)| query)
    }

    /// Reads a query from the front of bytes.
    pub fn split_from(bytes: &[u8]) -> Result<(Option<Query>, &[u8]), Malformed> {
        let (count, rest) = split_u32(bytes).ok_or(Malformed::Short)?;
        if count == 0 {
            return Ok((None, rest));
        }
        let mut reader = Reader { left: count, rest };
        let query = reader.query(0)?;
        if reader.left == 0 { Ok((Some(query), reader.rest)) } else { Err(Malformed::Tree) }
    }

    /// The datum's bytes.
    pub fn to_bytes(query: Option<&Query>) -> Vec<u8> {
        let mut out = (query.map_or(0, Query::nodes) as u32).to_be_bytes().to_vec();
        if let Some(query) = query {
            query.write_items(&mut out);
        }
        out
    }

    fn write_items(&self, out: &mut Vec<u8>) {
        match self {
            Query::Term(term) => {
                out.extend_from_slice(&[1, term.weights, u8::from(term.prefix)]);
                out.extend_from_slice(term.word.as_bytes());
                out.push(0);
            }
            Query::Not(inner) => {
                out.extend_from_slice(&[2, NOT]);
                inner.write_items(out);
            }
            Query::Binary(operator, left, right) => {
                out.extend_from_slice(&[2, operator.number()]);
                if let Operator::Phrase(distance) = operator {
                    out.extend_from_slice(&distance.to_be_bytes());
                }
                right.write_items(out);
                left.write_items(out);
            }
        }
    }

    /// Number of lexemes and operators.
    pub fn nodes(&self) -> usize {
        match self {
            Query::Term(_) => 1,
            Query::Not(inner) => 1 + inner.nodes(),
            Query::Binary(_, left, right) => 1 + left.nodes() + right.nodes(),
        }
    }

    /// Calls `f` with every lexeme, from left to right.
    pub fn for_each_term<'a>(&'a self, f: &mut impl FnMut(&'a Term)) {
        match self {
            Query::Term(term) => f(term),
            Query::Not(inner) => inner.for_each_term(f),
            Query::Binary(_, left, right) => {
                left.for_each_term(f);
                right.for_each_term(f);
            }
        }
    }

    /// Bytes that PostgreSQL keeps the query in, which its order looks at.
    pub(super) fn stored_bytes(&self) -> usize {
        let mut words = 0;
        self.for_each_term(&mut |term| words += term.word.len() + 1);
        8 + 12 * self.nodes() + words
    }

    /// Appends the text form.
    pub fn write(&self, out: &mut String) {
        self.write_within(0, false, out);
    }

    fn write_within(&self, outer: u8, right_of_phrase: bool, out: &mut String) {
        match self {
            Query::Term(term) => term.write(out),
            Query::Not(inner) => {
                out.push('!');
                inner.write_within(4, false, out);
            }
            Query::Binary(operator, left, right) => {
                let priority = operator.priority();
                let is_phrase = matches!(operator, Operator::Phrase(_));
                let enclosed = priority < outer || (is_phrase && right_of_phrase);
                if enclosed {
                    out.push_str("( ");
                }
                left.write_within(priority, false, out);
                match operator {
                    Operator::And => out.push_str(" & "),
                    Operator::Or => out.push_str(" | "),
                    Operator::Phrase(1) => out.push_str(" <-> "),
                    Operator::Phrase(distance) => out.push_str(&format!(" <{distance}> ")),
                }
                right.write_within(priority, is_phrase, out);
                if enclosed {
                    out.push_str(" )");
                }
            }
        }
    }
}

impl Term {
    fn write(&self, out: &mut String) {
        write_quoted(&self.word, out);
        if self.weights == 0 && !self.prefix {
            return;
        }
        out.push(':');
        if self.prefix {
            out.push('*');
        }
        for (bit, letter) in [(8, 'A'), (4, 'B'), (2, 'C'), (1, 'D')] {
            if self.weights & bit != 0 {
                out.push(letter);
            }
        }
    }
}

struct Reader<'a> {
    /// Items that must follow.
    left: u32,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let (byte, rest) = self.rest.split_first().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn query(&mut self, depth: usize) -> Result<Query, Malformed> {
        if depth > MAX_DEPTH || self.left == 0 {
            return Err(Malformed::Tree);
        }
        self.left -= 1;
        match self.byte()? {
            1 => self.term().map(Query::Term),
            2 => self.operation(depth),
            other => Err(Malformed::Item(other)),
        }
    }

    fn term(&mut self) -> Result<Term, Malformed> {
        let (weights, prefix) = (self.byte()?, self.byte()?);
        if weights > 0xf {
            return Err(Malformed::Weight);
        }
        let (word, rest) = split_text(self.rest).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(Term { word: word.to_owned(), weights, prefix: prefix != 0 })
    }

    fn operation(&mut self, depth: usize) -> Result<Query, Malformed> {
        let operator = match self.byte()? {
            NOT => return Ok(Query::Not(Box::new(self.query(depth + 1)?))),
            AND => Operator::And,
            OR => Operator::Or,
            PHRASE => {
                let (distance, rest) = split_u16(self.rest).ok_or(Malformed::Short)?;
                self.rest = rest;
                Operator::Phrase(distance)
            }
            other => return Err(Malformed::Operator(other)),
        };
        let right = self.query(depth + 1)?;
        let left = self.query(depth + 1)?;
        Ok(Query::binary(operator, left, right))
    }
}
