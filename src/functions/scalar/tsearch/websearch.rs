//! The query language of `websearch_to_tsquery`, in which nothing is an error: words, `"phrases"`, `or`, `-word`.

use dictdb_types::tsearch::{Operator, ParsedQuery, Term};

/// Reads a text; `None` when nothing in it is an operand.
pub(super) fn parse(text: &str) -> Option<ParsedQuery> {
    let mut scanner = Scanner { rest: text };
    let mut alternatives: Vec<ParsedQuery> = vec![];
    let mut together: Option<ParsedQuery> = None;
    while let Some(operand) = scanner.operand() {
        together = Some(match together {
            Some(before) => binary(Operator::And, before, operand),
            None => operand,
        });
        if scanner.or() {
            alternatives.extend(together.take());
        }
    }
    alternatives.extend(together);
    alternatives.into_iter().reduce(|left, right| binary(Operator::Or, left, right))
}

fn binary(operator: Operator, left: ParsedQuery, right: ParsedQuery) -> ParsedQuery {
    ParsedQuery::Binary(operator, Box::new(left), Box::new(right))
}

struct Scanner<'a> {
    rest: &'a str,
}

fn is_operator(c: char) -> bool {
    matches!(c, '!' | '&' | '|' | '(' | ')' | ':' | '<')
}

impl Scanner<'_> {
    /// The next word or phrase, with the minus signs in front of it.
    fn operand(&mut self) -> Option<ParsedQuery> {
        let mut negations = 0;
        loop {
            self.rest = self.rest.trim_start();
            let c = self.rest.chars().next()?;
            match c {
                '-' => {
                    negations += 1;
                    self.rest = &self.rest[1..];
                }
                c if is_operator(c) => self.rest = &self.rest[1..],
                _ => break,
            }
        }
        let word = match self.rest.strip_prefix('"') {
            Some(quoted) => {
                let (phrase, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
                self.rest = rest;
                phrase
            }
            None => {
                let end = self.rest.find(|c: char| c.is_whitespace() || c == '"' || is_operator(c));
                let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                word
            }
        };
        let operand = ParsedQuery::Operand(Term { word: word.to_owned(), weights: 0, prefix: false });
        Some((0..negations).fold(operand, |inner, _| ParsedQuery::Not(Box::new(inner))))
    }

    /// Takes the word `or` when an operand may follow it.
    fn or(&mut self) -> bool {
        let blank = |c: char| c.is_whitespace() || is_operator(c);
        let rest = self.rest.trim_start_matches(blank);
        let Some(after) = rest.get(2..).filter(|_| rest[..2].eq_ignore_ascii_case("or")) else { return false };
        let stands_alone = !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_'));
        let is_operator = stands_alone && !after.trim_start().is_empty();
        if is_operator {
            self.rest = after;
        }
        is_operator
    }
}
