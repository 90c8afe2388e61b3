//! `to_tsquery`, `plainto_tsquery`, `phraseto_tsquery`, `websearch_to_tsquery`: queries whose operands go through the
//! same parser and dictionaries as documents do.

use dictdb_types::tsearch::{Operator, ParsedQuery, Query, Term, no_lexemes, parse_query};
use dictdb_types::{Env, Error, Oid, Result, Severity, SqlState};

use super::dictionary::Lexeme;
use super::document::Words;
use super::websearch;
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "to_tsquery" => |cx; text: &str| from_syntax(cx.env, cx.env.text_search_config()?, text),
    "to_tsquery_byid" => |cx; config: Oid, text: &str| from_syntax(cx.env, config, text),
    "plainto_tsquery" => |cx; text: &str| plain(cx.env, cx.env.text_search_config()?, text).map(bytes),
    "plainto_tsquery_byid" => |cx; config: Oid, text: &str| plain(cx.env, config, text).map(bytes),
    "phraseto_tsquery" => |cx; text: &str| phrase(cx.env, cx.env.text_search_config()?, text).map(bytes),
    "phraseto_tsquery_byid" => |cx; config: Oid, text: &str| phrase(cx.env, config, text).map(bytes),
    "websearch_to_tsquery" => |cx; text: &str| web(cx.env, cx.env.text_search_config()?, text),
    "websearch_to_tsquery_byid" => |cx; config: Oid, text: &str| web(cx.env, config, text),
};

fn bytes(query: Option<Query>) -> Vec<u8> {
    Query::to_bytes(query.as_ref())
}

fn from_syntax(env: &dyn Env, config: Oid, text: &str) -> Result<Vec<u8>> {
    match parse_query(text)? {
        Some(parsed) => noticed(env, Morph { env, config, joint: PHRASE }.clean(parsed)?).map(bytes),
        None => {
            env.notice(no_lexemes(text));
            Ok(bytes(None))
        }
    }
}

fn web(env: &dyn Env, config: Oid, text: &str) -> Result<Vec<u8>> {
    match websearch::parse(text) {
        Some(parsed) => noticed(env, Morph { env, config, joint: PHRASE }.clean(parsed)?).map(bytes),
        None if text.trim().is_empty() => {
            env.notice(no_lexemes(text));
            Ok(bytes(None))
        }
        None => noticed(env, Cleaned::gone(0)).map(bytes),
    }
}

/// All words of a text.
pub(super) fn plain(env: &dyn Env, config: Oid, text: &str) -> Result<Option<Query>> {
    whole(text, Morph { env, config, joint: Operator::And })
}

fn phrase(env: &dyn Env, config: Oid, text: &str) -> Result<Option<Query>> {
    whole(text, Morph { env, config, joint: PHRASE })
}

fn whole(text: &str, morph: Morph<'_>) -> Result<Option<Query>> {
    if text.is_empty() {
        morph.env.notice(no_lexemes(text));
        return Ok(None);
    }
    noticed(morph.env, morph.operand(&bare(text))?)
}

/// The query that is left; a notice when none is.
fn noticed(env: &dyn Env, cleaned: Cleaned) -> Result<Option<Query>> {
    if cleaned.query.is_none() {
        let message = "text-search query contains only stop words or doesn't contain lexemes, ignored";
        env.notice(Error::with_severity(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message));
    }
    Ok(cleaned.query)
}

fn bare(text: &str) -> Term {
    Term { word: text.to_owned(), weights: 0, prefix: false }
}

const PHRASE: Operator = Operator::Phrase(1);

struct Morph<'a> {
    env: &'a dyn Env,
    config: Oid,
    /// What joins the words of one operand.
    joint: Operator,
}

/// A part of a query after stop words are gone, and by how much phrases around it must stretch for them.
struct Cleaned {
    query: Option<Query>,
    left: u16,
    right: u16,
}

impl Cleaned {
    fn whole(query: Query) -> Self {
        Cleaned { query: Some(query), left: 0, right: 0 }
    }

    fn gone(width: u16) -> Self {
        Cleaned { query: None, left: width, right: width }
    }
}

impl Morph<'_> {
    fn clean(&self, parsed: ParsedQuery) -> Result<Cleaned> {
        Ok(match parsed {
            ParsedQuery::Operand(term) => self.operand(&term)?,
            ParsedQuery::Not(inner) => {
                let inner = self.clean(*inner)?;
                Cleaned { query: inner.query.map(|query| Query::Not(Box::new(query))), ..inner }
            }
            ParsedQuery::Binary(operator, left, right) => join(operator, self.clean(*left)?, self.clean(*right)?),
        })
    }

    /// The lexemes of an operand: those of one variant of a word belong together, variants are alternatives, words follow
    /// each other.
    fn operand(&self, term: &Term) -> Result<Cleaned> {
        let mut words = Words::new(self.config, self.env)?;
        words.read(&term.word, |_| true)?;
        let mut query: Option<Cleaned> = None;
        let mut last = 0;
        for group in words.placed.chunk_by(|a, b| a.at == b.at) {
            let at = group[0].at;
            // A stop word in front counts for nothing, one in between stretches the phrase.
            let skipped = if query.is_some() { at - last - 1 } else { 0 };
            for _ in 0..skipped {
                query = query.map(|query| join(self.joint, query, Cleaned::gone(0)));
            }
            last = at;
            let alternatives = group.chunk_by(|a, b| a.lexeme.variant == b.lexeme.variant).filter_map(|variant| {
                joined(Operator::And, variant.iter().map(|placed| own_term(term, &placed.lexeme)))
            });
            let alternatives = joined(Operator::Or, alternatives);
            let Some(own) = alternatives.map(Cleaned::whole) else { continue };
            query = Some(match query {
                Some(before) => join(self.joint, before, own),
                None => own,
            });
        }
        Ok(query.unwrap_or_else(|| Cleaned::gone(0)))
    }
}

/// An operand's lexeme under the operand's conditions.
fn own_term(operand: &Term, lexeme: &Lexeme) -> Query {
    Query::Term(Term { word: lexeme.word.clone(), prefix: operand.prefix || lexeme.prefix, ..operand.clone() })
}

fn joined(operator: Operator, queries: impl Iterator<Item = Query>) -> Option<Query> {
    queries.reduce(|left, right| Query::binary(operator, left, right))
}

/// Two parts under an operator, of which either may have vanished. The distance of a phrase that loses an operand goes
/// to the phrase around it.
fn join(operator: Operator, left: Cleaned, right: Cleaned) -> Cleaned {
    let phrase = match operator {
        Operator::Phrase(distance) => Some(distance),
        _ => None,
    };
    match (left.query, right.query) {
        (None, None) => match phrase {
            Some(distance) => Cleaned::gone(left.left + distance + right.left),
            None => Cleaned::gone(left.left.max(right.left)),
        },
        (None, Some(query)) => Cleaned {
            query: Some(query),
            left: phrase.map_or(right.left, |distance| left.left + distance + right.left),
            right: right.right,
        },
        (Some(query), None) => Cleaned {
            query: Some(query),
            left: left.left,
            right: phrase.map_or(left.right, |distance| left.right + distance + right.right),
        },
        (Some(a), Some(b)) => match phrase {
            Some(distance) => {
                let operator = Operator::Phrase(distance + left.right + right.left);
                Cleaned { query: Some(Query::binary(operator, a, b)), left: left.left, right: right.right }
            }
            None => Cleaned::whole(Query::binary(operator, a, b)),
        },
    }
}
