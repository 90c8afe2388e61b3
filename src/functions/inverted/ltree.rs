//! `gist_ltree_ops` and `gist__ltree_ops`: a path as a whole, in order, and each of its labels in lower case.
//!
//! ```text
//!   key = P, the path as it sorts     what is above, below, before or after another path; the first levels of a query
//!       | L, a label                  the other levels of a query
//! ```
//! An array has the keys of all its paths.

use dictdb_types::extension::{LabelPattern, Level};
use dictdb_types::{Array, Datum, Error, Lquery, Ltree, Ltxtquery, Oid, Result, sort_key};

use super::{Condition, Key, part};
use crate::args::FromDatum;
use crate::extension::elements;

/// A path with more levels than this is not looked for among those above it, nor are all levels of a query.
const LEVELS_MAX: usize = 64;

/// Where a condition is nested more deeply than this, it says nothing.
const DEPTH_MAX: usize = 64;

/// `pg_amop.amopstrategy` of the operators of both classes; those that are one less with operands the other way round are even.
mod strategy {
    pub const LESS: i16 = 1;
    pub const LESS_OR_EQUAL: i16 = 2;
    pub const EQUAL: i16 = 3;
    pub const GREATER_OR_EQUAL: i16 = 4;
    pub const GREATER: i16 = 5;
    pub const ABOVE: i16 = 10;
    pub const BELOW: i16 = 11;
    pub const MATCHES: i16 = 12;
    pub const MATCHES_REVERSED: i16 = 13;
    pub const HAS: i16 = 14;
    pub const HAS_REVERSED: i16 = 15;
    pub const MATCHES_ANY: i16 = 16;
    pub const MATCHES_ANY_REVERSED: i16 = 17;
    /// In the class of arrays: one of the elements is below.
    pub const ELEMENT_BELOW: i16 = 10;
    pub const ELEMENT_BELOW_REVERSED: i16 = 11;
}

pub(super) fn keys(value: &Datum) -> Result<Vec<Key>> {
    Ok(keys_of(read(value)?).collect())
}

/// 2202E and 22004 as the operators answer.
pub(super) fn element_keys(value: &Datum) -> Result<Vec<Key>> {
    let paths: Vec<&Ltree> = elements(read::<&Array>(value)?)?;
    Ok(paths.into_iter().flat_map(keys_of).collect())
}

pub(super) fn condition(strategy: i16, operand: &Datum) -> Result<Condition> {
    Ok(match strategy {
        strategy::LESS | strategy::LESS_OR_EQUAL => Condition::Range(part(b"P"), path_key(read(operand)?)),
        strategy::EQUAL => Condition::Key(path_key(read(operand)?)),
        strategy::GREATER_OR_EQUAL | strategy::GREATER => Condition::Range(path_key(read(operand)?), part(b"Q")),
        strategy::ABOVE => above(read(operand)?),
        strategy::BELOW => below(read::<&Ltree>(operand)?.labels()),
        other => return of_query(other, operand),
    })
}

pub(super) fn element_condition(strategy: i16, operand: &Datum) -> Result<Condition> {
    match strategy {
        strategy::ELEMENT_BELOW | strategy::ELEMENT_BELOW_REVERSED => Ok(below(read::<&Ltree>(operand)?.labels())),
        other => of_query(other, operand),
    }
}

fn of_query(strategy: i16, operand: &Datum) -> Result<Condition> {
    match strategy {
        strategy::MATCHES | strategy::MATCHES_REVERSED => Ok(matches(read(operand)?)),
        strategy::HAS | strategy::HAS_REVERSED => Ok(has(read(operand)?)),
        strategy::MATCHES_ANY | strategy::MATCHES_ANY_REVERSED => {
            // It is for the operator to say what is wrong with the array, if there is a row.
            let queries = elements::<&Lquery>(read(operand)?);
            Ok(queries.map_or(Condition::Everything, |queries| Condition::any(queries.into_iter().map(matches))))
        }
        other => Err(Error::internal(format!("strategy {other} of ltree"))),
    }
}

fn keys_of(path: &Ltree) -> impl Iterator<Item = Key> {
    std::iter::once(path_key(path)).chain(path.labels().map(label_key))
}

fn path_key(path: &Ltree) -> Key {
    let mut key = part(b"P");
    let value = Datum::from(path.clone());
    sort_key::encode(&value, Oid::INVALID, false, false, &mut key);
    key
}

fn label_key(label: &str) -> Key {
    part(&[b"L", label.to_ascii_lowercase().as_bytes()].concat())
}

/// Paths that begin with these labels: their keys begin with that of the labels, but for the end.
fn below<'l>(labels: impl Iterator<Item = &'l str>) -> Condition {
    let mut prefix = path_key(&Ltree::of_labels(labels));
    prefix.pop();
    Condition::Prefix(prefix)
}

fn above(path: &Ltree) -> Condition {
    let levels = path.level_count();
    if levels > LEVELS_MAX {
        return Condition::Everything;
    }
    let ancestor = |count| Ltree::of_labels(path.labels().take(count));
    Condition::any((0..=levels).map(|count| Condition::Key(path_key(&ancestor(count)))))
}

fn matches(query: &Lquery) -> Condition {
    let levels = query.levels();
    let first = || query.exact_labels();
    match first().count() {
        all if all == levels.len() => Condition::Key(path_key(&Ltree::of_labels(first()))),
        0 => Condition::all(levels.iter().take(LEVELS_MAX).map(level)),
        some => {
            Condition::all([below(first())].into_iter().chain(levels.iter().skip(some).take(LEVELS_MAX).map(level)))
        }
    }
}

fn level(level: &Level) -> Condition {
    match level.negated || level.patterns.is_empty() || level.low == 0 {
        true => Condition::Everything,
        false => Condition::any(level.patterns.iter().map(label)),
    }
}

fn label(pattern: &LabelPattern) -> Condition {
    let key = || label_key(&pattern.text);
    match (pattern.words, pattern.prefix) {
        (true, _) => Condition::Everything,
        (false, true) => Condition::Prefix(key()),
        (false, false) => Condition::Key(key()),
    }
}

fn has(query: &Ltxtquery) -> Condition {
    // With each condition goes how deeply it is nested.
    let join = |left: (Condition, usize), right: (Condition, usize), of: fn([Condition; 2]) -> Condition| {
        let depth = 1 + left.1.max(right.1);
        if depth > DEPTH_MAX { (Condition::Everything, 0) } else { (of([left.0, right.0]), depth) }
    };
    let found = query.fold(
        |pattern| (label(pattern), 0),
        |_| (Condition::Everything, 0),
        |left, right| join(left, right, Condition::all),
        |left, right| join(left, right, Condition::any),
    );
    found.map_or(Condition::Everything, |(condition, _)| condition)
}

fn read<'a, T: FromDatum<'a>>(value: &'a Datum) -> Result<T> {
    T::from_datum(value).ok_or_else(|| Error::internal(format!("{value:?} where ltree asks")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Ltree {
        Ltree::parse(text).unwrap()
    }

    #[test]
    fn queries_ask_for_paths_and_labels() {
        let ask = |text: &str| matches(&Lquery::parse(text).unwrap());
        let key = |label: &str| Condition::Key(label_key(label));
        assert_eq!(ask("a.b"), Condition::Key(path_key(&path("a.b"))));
        assert_eq!(ask("a.*"), below(path("a").labels()));
        assert_eq!(ask("*.B@.*"), key("b"));
        assert_eq!(ask("*.a|b*"), Condition::Any(vec![key("a"), Condition::Prefix(label_key("b"))]));
        assert_eq!(ask("!a.b{,1}.c_d%"), Condition::Everything);
        let ask = |text: &str| has(&Ltxtquery::parse(text).unwrap());
        assert_eq!(ask("a & !b"), key("a"));
        assert_eq!(ask("a | !b"), Condition::Everything);
        assert_eq!(ask(&vec!["a"; 1000].join("|")), Condition::Everything);
    }

    #[test]
    fn what_is_below_begins_alike() {
        let Condition::Prefix(prefix) = below(path("a.b").labels()) else { panic!("a prefix") };
        let is_below = |text: &str| path_key(&path(text)).starts_with(&prefix);
        assert!(is_below("a.b") && is_below("a.b.c") && !is_below("a.bc") && !is_below("a"));
    }
}
