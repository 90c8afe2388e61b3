//! `array_ops`: an array's elements.

use dictdb_types::{Array, Datum, Error, Result, sort_key};

use super::{Condition, Key, NULL_PART, part};

/// `pg_amop.amopstrategy` of the class's operators.
pub(super) mod strategy {
    pub const OVERLAPS: i16 = 1;
    pub const CONTAINS: i16 = 2;
    pub const CONTAINED: i16 = 3;
    pub const EQUALS: i16 = 4;
}

pub(super) fn keys(value: &Datum) -> Result<Vec<Key>> {
    let array = array(value)?;
    Ok(array.items.iter().map(|item| key(item, array)).collect())
}

pub(super) fn condition(strategy: i16, operand: &Datum) -> Result<Condition> {
    let array = array(operand)?;
    let element = |item: &Datum| Condition::Key(key(item, array));
    // NULL equals nothing, not even NULL, except where whole arrays are compared.
    let known = || array.items.iter().filter(|item| !item.is_null()).map(element);
    Ok(match strategy {
        strategy::OVERLAPS => Condition::any(known()),
        strategy::CONTAINS if array.items.iter().any(Datum::is_null) => Condition::Nothing,
        strategy::CONTAINS => Condition::all(known()),
        strategy::CONTAINED => Condition::any(known().chain([Condition::empty()])),
        strategy::EQUALS if array.items.is_empty() => Condition::empty(),
        strategy::EQUALS => Condition::all(array.items.iter().map(element)),
        other => return Err(Error::internal(format!("strategy {other} of array_ops"))),
    })
}

/// The key of an element.
pub(super) fn key(item: &Datum, array: &Array) -> Key {
    if item.is_null() {
        return vec![NULL_PART];
    }
    let mut bytes = Vec::with_capacity(16);
    sort_key::encode(item, array.element, false, false, &mut bytes);
    part(&bytes)
}

fn array(value: &Datum) -> Result<&Array> {
    match value {
        Datum::Array(array) => Ok(array),
        other => Err(Error::internal(format!("{other:?} as array"))),
    }
}

#[cfg(test)]
mod tests {
    use dictdb_types::oids;
    use std::sync::Arc;

    use super::*;

    fn ints(items: &[Option<i32>]) -> Datum {
        let items = items.iter().map(|item| item.map_or(Datum::Null, Datum::Int4)).collect();
        Datum::Array(Arc::new(Array::vector(oids::INT4, items)))
    }

    #[test]
    fn operators_ask_for_elements() {
        let ask = |strategy, items: &[Option<i32>]| condition(strategy, &ints(items)).unwrap();
        assert_eq!(ask(strategy::OVERLAPS, &[None]), Condition::Nothing);
        assert_eq!(ask(strategy::CONTAINS, &[Some(1), None]), Condition::Nothing);
        assert_eq!(ask(strategy::CONTAINS, &[]), Condition::Everything);
        assert_eq!(ask(strategy::CONTAINED, &[]), Condition::empty());
        assert_eq!(ask(strategy::EQUALS, &[None]), Condition::Key(vec![NULL_PART]));
        assert_eq!(ask(strategy::EQUALS, &[]), Condition::empty());
    }
}
