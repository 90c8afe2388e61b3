//! The classes of `intarray`: those of arrays under other numbers.

use dictdb_types::{Array, Datum, Error, ExtensionValue, Result, oids};

use super::{Condition, array};
use crate::extension::contains_null;

/// `pg_amop.amopstrategy` of the operators, and what `array_ops` calls the same.
const STRATEGIES: [(i16, i16); 4] = [
    (3, array::strategy::OVERLAPS),
    (6, array::strategy::EQUALS),
    (7, array::strategy::CONTAINS),
    (8, array::strategy::CONTAINED),
];

/// `@@` with a `query_int`.
const MATCHES: i16 = 20;

pub(super) fn condition(strategy: i16, operand: &Datum) -> Result<Condition> {
    if strategy == MATCHES {
        return matching(operand);
    }
    let known = STRATEGIES.iter().find(|(own, _)| *own == strategy);
    let (_, strategy) = known.ok_or_else(|| Error::internal(format!("strategy {strategy} of intarray")))?;
    if matches!(operand, Datum::Array(array) if array.items.iter().any(Datum::is_null)) {
        return Err(contains_null());
    }
    array::condition(*strategy, operand)
}

fn matching(operand: &Datum) -> Result<Condition> {
    let Datum::Extension(value) = operand else { return Err(Error::internal(format!("{operand:?} as query_int"))) };
    let ExtensionValue::QueryInt(query) = &**value else { return Err(Error::internal("another value as query_int")) };
    let holder = Array::vector(oids::INT4, Vec::new());
    let condition = query.fold(
        |number| Condition::Key(array::key(&Datum::Int4(number), &holder)),
        // What is not there has no key.
        |_| Condition::Everything,
        |left, right| Condition::all([left, right]),
        |left, right| Condition::any([left, right]),
    );
    Ok(condition.unwrap_or(Condition::Nothing))
}
