//! Ranges and multiranges: from the lowest bound to the highest.

use dictdb_types::{Bound as RangeBound, Datum, Error, Oid, Result, sort_key};

use super::{AFTER_ALL, AxisCondition, BEFORE_ALL, Bound, Conditions, NOTHING, PLACE, anywhere};

/// `pg_amop.amopstrategy` of the classes' operators.
mod strategy {
    pub const BEFORE: i16 = 1;
    pub const NOT_AFTER: i16 = 2;
    pub const OVERLAPS: i16 = 3;
    pub const NOT_BEFORE: i16 = 4;
    pub const AFTER: i16 = 5;
    pub const ADJACENT: i16 = 6;
    pub const CONTAINS: i16 = 7;
    pub const CONTAINED: i16 = 8;
    pub const CONTAINS_ELEMENT: i16 = 16;
    pub const EQUALS: i16 = 18;
}

pub(super) fn bounds(value: &Datum, _: Oid) -> Result<Vec<(Bound, Bound)>> {
    let interval = interval(value)?;
    Ok(vec![interval.unwrap_or_else(|| (NOTHING.to_vec(), NOTHING.to_vec()))])
}

pub(super) fn conditions(strategy: i16, operand: &Datum, _: Oid) -> Result<Conditions> {
    if strategy == strategy::CONTAINS_ELEMENT {
        let place = place(operand);
        return Ok(vec![vec![AxisCondition::contains(0, (place.clone(), place))]]);
    }
    let Some((low, high)) = interval(operand)? else {
        return Ok(match strategy {
            strategy::CONTAINS => anywhere(),
            strategy::CONTAINED | strategy::EQUALS => vec![vec![AxisCondition::nothing(0)]],
            _ => Vec::new(),
        });
    };
    let condition = match strategy {
        strategy::BEFORE => AxisCondition::begins_by(0, low),
        strategy::NOT_AFTER => AxisCondition::begins_by(0, high),
        strategy::NOT_BEFORE => AxisCondition::ends_from(0, low),
        strategy::AFTER => AxisCondition::ends_from(0, high),
        // Ranges of whole numbers touch where nothing lies between their bounds.
        strategy::ADJACENT | strategy::OVERLAPS | strategy::EQUALS => AxisCondition::overlaps(0, (low, high)),
        strategy::CONTAINS => AxisCondition::contains(0, (low, high)),
        // What is empty lies in everything.
        strategy::CONTAINED => {
            return Ok(vec![vec![AxisCondition::overlaps(0, (low, high))], vec![AxisCondition::nothing(0)]]);
        }
        // Ranges in order: by their lower bounds first, and what is empty before all.
        _ => return Ok(anywhere()),
    };
    Ok(vec![vec![condition]])
}

/// From the lowest to the highest bound; `None` for what is empty. Whether bounds belong to the range is left aside.
fn interval(value: &Datum) -> Result<Option<(Bound, Bound)>> {
    match value {
        Datum::Range(range) => {
            Ok(range.bounds.as_ref().map(|(lower, upper)| (bound(lower, BEFORE_ALL), bound(upper, AFTER_ALL))))
        }
        // A multirange's ranges are in order.
        Datum::Array(ranges) => {
            let ends = (ranges.items.first(), ranges.items.last());
            let (Some(first), Some(last)) = ends else { return Ok(None) };
            let (first, last) = (interval(first)?, interval(last)?);
            Ok(first.zip(last).map(|((low, _), (_, high))| (low, high)))
        }
        other => Err(Error::internal(format!("{other:?} as range"))),
    }
}

fn bound(bound: &RangeBound, unbounded: &[u8]) -> Bound {
    match bound {
        RangeBound::Unbounded => unbounded.to_vec(),
        RangeBound::Inclusive(value) | RangeBound::Exclusive(value) => place(value),
    }
}

/// Bounds of ranges are compared without their type, as in their own order.
fn place(value: &Datum) -> Bound {
    let mut bytes = vec![PLACE];
    sort_key::encode(value, Oid::INVALID, false, false, &mut bytes);
    bytes
}
