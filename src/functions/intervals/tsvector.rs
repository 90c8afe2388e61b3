//! Documents: from their first lexeme to their last.

use dictdb_types::tsearch::{Operator, Query};
use dictdb_types::{Datum, Oid, Result};

use super::{AxisCondition, Bound, Conditions, NOTHING, PLACE, anywhere};
use crate::scalar::tsearch::{query_of, vector_of};

/// With more alternatives than these a part of the query is left aside.
const ALTERNATIVES_MAX: usize = 64;

pub(super) fn bounds(value: &Datum, _: Oid) -> Result<Vec<(Bound, Bound)>> {
    let vector = vector_of(value)?;
    let ends = vector.lexemes.first().zip(vector.lexemes.last());
    let interval = ends.map(|(first, last)| (place(&first.word), place(&last.word)));
    Ok(vec![interval.unwrap_or_else(|| (NOTHING.to_vec(), NOTHING.to_vec()))])
}

/// There is `@@` only.
pub(super) fn conditions(_: i16, operand: &Datum, _: Oid) -> Result<Conditions> {
    Ok(query_of(operand)?.map_or_else(Vec::new, |query| of(&query)))
}

fn of(query: &Query) -> Conditions {
    match query {
        Query::Term(term) => {
            let from = place(&term.word);
            let mut to = from.clone();
            if term.prefix {
                // No text has this byte.
                to.push(u8::MAX);
            }
            vec![vec![AxisCondition::overlaps(0, (from, to))]]
        }
        Query::Not(_) => anywhere(),
        Query::Binary(Operator::Or, left, right) => [of(left), of(right)].concat(),
        Query::Binary(Operator::And | Operator::Phrase(_), left, right) => both(of(left), &of(right)),
    }
}

fn both(left: Conditions, right: &Conditions) -> Conditions {
    if left.len() * right.len() > ALTERNATIVES_MAX {
        return left;
    }
    let with = |own: Vec<AxisCondition>| right.iter().map(move |other| [own.clone(), other.clone()].concat());
    left.into_iter().flat_map(with).collect()
}

fn place(word: &str) -> Bound {
    [&[PLACE, 1], word.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_multiply_up_to_a_limit() {
        let or = || Query::binary(Operator::Or, Query::word("a"), Query::word("b"));
        let both = Query::binary(Operator::And, or(), or());
        assert_eq!(of(&both).len(), 4);
        let many = (0..20).fold(or(), |query, _| Query::binary(Operator::And, query, or()));
        assert_eq!(of(&many).len(), ALTERNATIVES_MAX);
        let not = Query::Not(Box::new(Query::word("a")));
        assert_eq!(of(&Query::binary(Operator::And, not, Query::word("b"))), of(&Query::word("b")));
    }
}
