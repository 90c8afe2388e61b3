//! Values that are in order: each is an interval of its own.

use dictdb_types::sort_key::value::KeyReader;
use dictdb_types::{Datum, Error, Oid, Physical, Result, sort_key};

use super::{AxisCondition, Bound, Conditions, Ends, PLACE, anywhere};

pub(super) fn bounds(value: &Datum, oid: Oid) -> Result<Vec<(Bound, Bound)>> {
    let place = place(value, oid);
    Ok(vec![(place.clone(), place)])
}

pub(super) fn value(region: &[Ends<'_>], oid: Oid, physical: Physical) -> Option<Datum> {
    let [(low, _)] = region else { return None };
    KeyReader::new(low.strip_prefix(&[PLACE])?).next(oid, physical, false).ok()
}

pub(super) fn place(value: &Datum, oid: Oid) -> Bound {
    let mut bytes = vec![PLACE];
    sort_key::encode(value, oid, false, false, &mut bytes);
    bytes
}

/// Whether a function is one of those that search in `btree_gist`.
pub(super) fn is_consistent_function(name: &str) -> bool {
    name.starts_with("gbt_") && name.ends_with("_consistent")
}

/// `<`, `<=`, `=`, `>=`, `>` are 1 to 5, as in btree; `<>` is 6.
pub(super) fn conditions(strategy: i16, operand: &Datum, oid: Oid) -> Result<Conditions> {
    let place = place(operand, oid);
    let condition = match strategy {
        1 | 2 => AxisCondition::begins_by(0, place),
        3 => AxisCondition::overlaps(0, (place.clone(), place)),
        4 | 5 => AxisCondition::ends_from(0, place),
        6 => return Ok(anywhere()),
        other => return Err(Error::internal(format!("strategy {other} of values in order"))),
    };
    Ok(vec![vec![condition]])
}

/// `pg_amop.amopstrategy` of `=`.
pub(super) const EQUAL: i16 = 3;

/// Text in the order of its bytes: 1 to 5 as above. 28 asks for a prefix; the others (11 to 15) compare by collation, of which
/// the order of bytes says nothing.
pub(super) fn text_conditions(strategy: i16, operand: &Datum, oid: Oid) -> Result<Conditions> {
    const PREFIX: i16 = 28;
    match strategy {
        1..=5 => conditions(strategy, operand, oid),
        PREFIX => {
            let low = place(operand, oid);
            let end = place(&Datum::text(""), oid).len() - 1;
            let mut high = low[..low.len() - end].to_vec();
            // No byte of a text is as great.
            high.push(u8::MAX);
            Ok(vec![vec![AxisCondition::overlaps(0, (low, high))]])
        }
        _ => Ok(anywhere()),
    }
}
