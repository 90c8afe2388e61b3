//! Three-valued logic.

use dictdb_planner::expr::BoolTest;
use dictdb_types::{Datum, Result};

use super::{Code, Scope};

/// False as soon as one operand is (for a conjunction), true as soon as one is (for a disjunction); else unknown if one is.
pub(super) fn connect(items: &[Code], decisive: bool, scope: &Scope<'_>) -> Result<Option<bool>> {
    let mut unknown = false;
    for item in items {
        match item.truth(scope)? {
            Some(value) if value == decisive => return Ok(Some(decisive)),
            Some(_) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { None } else { Some(!decisive) })
}

/// `IS [NOT] NULL`. A composite is null when all fields are, and not null when none is.
pub(super) fn is_null(item: &Code, not: bool, scope: &Scope<'_>) -> Result<bool> {
    Ok(match item.eval_ref(*scope)?.as_ref() {
        Datum::Null => !not,
        Datum::Record(record) => record.fields.iter().all(|field| field.is_null() != not),
        _ => not,
    })
}

pub(super) fn test(item: &Code, test: BoolTest, scope: &Scope<'_>) -> Result<bool> {
    let value = item.truth(scope)?;
    Ok(match test {
        BoolTest::True => value == Some(true),
        BoolTest::NotTrue => value != Some(true),
        BoolTest::False => value == Some(false),
        BoolTest::NotFalse => value != Some(false),
        BoolTest::Unknown => value.is_none(),
        BoolTest::NotUnknown => value.is_some(),
    })
}
