//! Patterns in POSIX's basic syntax: `\(…\)`, `\{m,n\}`, and neither alternatives nor `+` and `?`.

use std::sync::Arc;

use super::class::CharSet;
use super::fault::Fault;
use super::parse::{Parser, Quantifier};
use super::syntax::{Assertion, Kind, Node};

impl Parser {
    /// Up to the end, or the closing `\)`.
    pub(super) fn basic_branch(&mut self) -> Result<Node, Fault> {
        let mut items = vec![];
        // Whether a star is itself here: at the start, also behind `^`.
        let mut star_is_text = true;
        loop {
            self.skip_blanks();
            if self.peek().is_none() || self.looking_at("\\)") {
                break;
            }
            let first = items.is_empty();
            let item = match self.basic_constraint(first) {
                Some(assertion) => {
                    star_is_text = first && matches!(assertion, Assertion::TextStart | Assertion::LineStart);
                    self.node(Kind::Assert(assertion))
                }
                None => {
                    let atom = self.basic_atom(star_is_text)?;
                    star_is_text = false;
                    self.basic_repetition(atom)?
                }
            };
            items.push(item);
        }
        Ok(self.one_after_the_other(items))
    }

    /// `^` at the start, `$` at the end, and the edges of words.
    fn basic_constraint(&mut self, first: bool) -> Option<Assertion> {
        let lines = self.options.newline_anchors;
        let at_end = |parser: &Self| parser.chars.len() == parser.at + 1 || parser.looking_at("$\\)");
        if first && self.eat("^") {
            return Some(if lines { Assertion::LineStart } else { Assertion::TextStart });
        }
        if self.looking_at("$") && at_end(self) {
            self.at += 1;
            return Some(if lines { Assertion::LineEnd } else { Assertion::TextEnd });
        }
        if self.eat("[[:<:]]") || self.eat("\\<") {
            return Some(Assertion::WordStart);
        }
        (self.eat("[[:>:]]") || self.eat("\\>")).then_some(Assertion::WordEnd)
    }

    fn basic_atom(&mut self, star_is_text: bool) -> Result<Node, Fault> {
        let Some(c) = self.peek() else { return Err(Fault::Quantifier) };
        self.at += 1;
        match c {
            '*' if !star_is_text => Err(Fault::Quantifier),
            '[' => {
                let set = self.bracket()?;
                Ok(self.node(Kind::Set(Arc::new(set))))
            }
            '.' => Ok(self.any_character()),
            '\\' => self.basic_escape(),
            c => Ok(self.set(CharSet::single(c))),
        }
    }

    fn basic_escape(&mut self) -> Result<Node, Fault> {
        let Some(c) = self.peek() else { return Err(Fault::Escape) };
        self.at += 1;
        match c {
            '{' => Err(Fault::Quantifier),
            '(' => self.capture(Self::basic_branch, "\\)"),
            '1'..='9' => self.back_reference(c as usize - '0' as usize),
            c => Ok(self.set(CharSet::single(c))),
        }
    }

    /// What `*` or `\{m,n\}` makes of an atom.
    fn basic_repetition(&mut self, atom: Node) -> Result<Node, Fault> {
        self.skip_blanks();
        let Some(quantifier) = self.basic_quantifier()? else { return Ok(atom) };
        self.skip_blanks();
        if self.looking_at("*") || self.looking_at("\\{") {
            return Err(Fault::Quantifier);
        }
        Ok(self.repeated(atom, quantifier, false))
    }

    fn basic_quantifier(&mut self) -> Result<Option<Quantifier>, Fault> {
        if self.eat("*") {
            return Ok(Some(Quantifier { min: 0, max: None, exact: false }));
        }
        if self.eat("\\{") { self.bounds("\\}").map(Some) } else { Ok(None) }
    }
}
