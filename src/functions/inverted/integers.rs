//! The classes of `intarray`: those of arrays under other numbers.

use dictdb_types::{Datum, Error, Result};

use super::{Condition, array};
use crate::extension::contains_null;

/// `pg_amop.amopstrategy` of the operators, and what `array_ops` calls the same.
const STRATEGIES: [(i16, i16); 4] = [
    (3, array::strategy::OVERLAPS),
    (6, array::strategy::EQUALS),
    (7, array::strategy::CONTAINS),
    (8, array::strategy::CONTAINED),
];

pub(super) fn condition(strategy: i16, operand: &Datum) -> Result<Condition> {
    let known = STRATEGIES.iter().find(|(own, _)| *own == strategy);
    let (_, strategy) = known.ok_or_else(|| Error::internal(format!("strategy {strategy} of intarray")))?;
    if matches!(operand, Datum::Array(array) if array.items.iter().any(Datum::is_null)) {
        return Err(contains_null());
    }
    array::condition(*strategy, operand)
}
