//! Three-valued logic.

use dictdb_planner::expr::BoolTest;
use dictdb_types::{Datum, Error, Result};

use super::{Code, Scope};

/// A boolean operand: `None` is unknown.
fn truth(code: &Code, scope: Scope<'_>) -> Result<Option<bool>> {
    match code.eval_ref(scope)?.as_ref() {
        Datum::Bool(value) => Ok(Some(*value)),
        Datum::Null => Ok(None),
        other => Err(Error::internal(format!("{other:?} where a boolean was planned"))),
    }
}

fn datum(value: Option<bool>) -> Datum {
    value.map_or(Datum::Null, Datum::Bool)
}

/// False as soon as one operand is; else NULL if one is.
pub(super) fn and(items: &[Code], scope: Scope<'_>) -> Result<Datum> {
    connect(items, false, scope)
}

/// True as soon as one operand is; else NULL if one is.
pub(super) fn or(items: &[Code], scope: Scope<'_>) -> Result<Datum> {
    connect(items, true, scope)
}

fn connect(items: &[Code], decisive: bool, scope: Scope<'_>) -> Result<Datum> {
    let mut unknown = false;
    for item in items {
        match truth(item, scope)? {
            Some(value) if value == decisive => return Ok(Datum::Bool(decisive)),
            Some(_) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { Datum::Null } else { Datum::Bool(!decisive) })
}

pub(super) fn not(item: &Code, scope: Scope<'_>) -> Result<Datum> {
    Ok(datum(truth(item, scope)?.map(|value| !value)))
}

/// `IS [NOT] NULL`. A composite is null when all fields are, and not null when none is.
pub(super) fn is_null(item: &Code, not: bool, scope: Scope<'_>) -> Result<bool> {
    Ok(match item.eval_ref(scope)?.as_ref() {
        Datum::Null => !not,
        Datum::Record(record) => record.fields.iter().all(|field| field.is_null() != not),
        _ => not,
    })
}

pub(super) fn test(item: &Code, test: BoolTest, scope: Scope<'_>) -> Result<bool> {
    let value = truth(item, scope)?;
    Ok(match test {
        BoolTest::True => value == Some(true),
        BoolTest::NotTrue => value != Some(true),
        BoolTest::False => value == Some(false),
        BoolTest::NotFalse => value != Some(false),
        BoolTest::Unknown => value.is_none(),
        BoolTest::NotUnknown => value.is_some(),
    })
}
