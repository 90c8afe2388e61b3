//! `gist_ltree_ops` beside other keys: paths in order, and what is below one follows it. An index of paths alone is
//! [`crate::inverted`].

use dictdb_types::{Datum, Error, Lquery, Ltree, Oid, Result};

use super::{AxisCondition, Conditions, anywhere, scalar};
use crate::args::FromDatum;

/// A path with more levels than this is not looked for among those above it.
const LEVELS_MAX: usize = 64;

/// `pg_amop.amopstrategy`; those before compare, those behind say nothing about the order.
mod strategy {
    pub const ABOVE: i16 = 10;
    pub const BELOW: i16 = 11;
    pub const MATCHES: i16 = 12;
    pub const MATCHES_REVERSED: i16 = 13;
}

pub(super) fn conditions(strategy: i16, operand: &Datum, oid: Oid) -> Result<Conditions> {
    Ok(match strategy {
        strategy::ABOVE => {
            let path: &Ltree = read(operand)?;
            let levels = path.level_count();
            let ancestor = |count| Ltree::of_labels(path.labels().take(count)).into();
            match levels > LEVELS_MAX {
                true => anywhere(),
                false => (0..=levels).map(|count| vec![equal(&ancestor(count), oid)]).collect(),
            }
        }
        strategy::BELOW => vec![vec![below(operand, oid)]],
        strategy::MATCHES | strategy::MATCHES_REVERSED => {
            let query: &Lquery = read(operand)?;
            let first = Datum::from(Ltree::of_labels(query.exact_labels()));
            let is_all = query.exact_labels().count() == query.levels().len();
            vec![vec![if is_all { equal(&first, oid) } else { below(&first, oid) }]]
        }
        1..=5 => return scalar::conditions(strategy, operand, oid),
        _ => anywhere(),
    })
}

fn equal(path: &Datum, oid: Oid) -> AxisCondition {
    let place = scalar::place(path, oid);
    AxisCondition::overlaps(0, (place.clone(), place))
}

/// The key of a path ends with a byte that those below it have not; instead they have a label, no byte of which is the greatest.
fn below(path: &Datum, oid: Oid) -> AxisCondition {
    let mut low = scalar::place(path, oid);
    low.pop();
    let high = [low.as_slice(), &[u8::MAX]].concat();
    AxisCondition::overlaps(0, (low, high))
}

fn read<'a, T: FromDatum<'a>>(value: &'a Datum) -> Result<T> {
    T::from_datum(value).ok_or_else(|| Error::internal(format!("{value:?} where ltree asks")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Datum {
        Ltree::parse(text).unwrap().into()
    }

    fn finds(condition: &AxisCondition, text: &str) -> bool {
        let place = Some(scalar::place(&path(text), Oid::INVALID));
        place <= condition.begins_by && place >= condition.ends_from
    }

    #[test]
    fn what_is_below_lies_together() {
        let condition = below(&path("a.b"), Oid::INVALID);
        assert!(finds(&condition, "a.b") && finds(&condition, "a.b.z"));
        assert!(!finds(&condition, "a") && !finds(&condition, "a.ba") && !finds(&condition, "a.c"));
        assert!(finds(&below(&path(""), Oid::INVALID), "z"));
        assert_eq!(conditions(strategy::ABOVE, &path("a.b"), Oid::INVALID).unwrap().len(), 3);
    }
}
