//! `tsvector_ops`: a document's lexemes. Places and weights are not in the keys.

use dictdb_types::tsearch::{Operator, Query};
use dictdb_types::{Datum, Result};

use super::{Condition, Key, part};
use crate::scalar::tsearch::{query_of, vector_of};

pub(super) fn keys(value: &Datum) -> Result<Vec<Key>> {
    let vector = vector_of(value)?;
    Ok(vector.lexemes.iter().map(|lexeme| part(lexeme.word.as_bytes())).collect())
}

/// Both operators, `@@` and `@@@`, ask the same.
pub(super) fn condition(_: i16, operand: &Datum) -> Result<Condition> {
    Ok(query_of(operand)?.map_or(Condition::Nothing, |query| of(&query)))
}

fn of(query: &Query) -> Condition {
    match query {
        Query::Term(term) if term.prefix => Condition::Prefix(part(term.word.as_bytes())),
        Query::Term(term) => Condition::Key(part(term.word.as_bytes())),
        Query::Not(_) => Condition::Everything,
        Query::Binary(Operator::Or, left, right) => Condition::any([of(left), of(right)]),
        Query::Binary(Operator::And | Operator::Phrase(_), left, right) => Condition::all([of(left), of(right)]),
    }
}

#[cfg(test)]
mod tests {
    use dictdb_types::tsearch::Term;

    use super::*;

    #[test]
    fn what_is_refused_says_nothing() {
        let word = |word: &str| Query::word(word);
        let key = |word: &str| Condition::Key(part(word.as_bytes()));
        let not = Query::Not(Box::new(word("b")));
        assert_eq!(of(&Query::binary(Operator::And, word("a"), not.clone())), key("a"));
        assert_eq!(of(&Query::binary(Operator::Or, word("a"), not)), Condition::Everything);
        let phrase = Query::binary(Operator::Phrase(2), word("a"), word("b"));
        assert_eq!(of(&phrase), Condition::All(vec![key("a"), key("b")]));
        let prefix = Query::Term(Term { word: "a".into(), weights: 0, prefix: true });
        assert_eq!(of(&prefix), Condition::Prefix(part(b"a")));
    }
}
