//! Three-valued logic over columns.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute;
use dictdb_types::Result;

use super::super::error::arrow_error;
use super::{Batch, Vector, shared};

/// Conjunction. An operand that can fail is asked only for rows that no operand before made false.
pub(super) fn and(items: &[Vector], batch: Batch<'_>) -> Result<ArrayRef> {
    connect(items, false, batch)
}

/// Disjunction. An operand that can fail is asked only for rows that no operand before made true.
pub(super) fn or(items: &[Vector], batch: Batch<'_>) -> Result<ArrayRef> {
    connect(items, true, batch)
}

fn connect(items: &[Vector], decisive: bool, batch: Batch<'_>) -> Result<ArrayRef> {
    let mut result: Option<BooleanArray> = None;
    for item in items {
        let Some(so_far) = result else {
            result = Some(item.booleans(batch)?);
            continue;
        };
        let open = undecided(&so_far, decisive)?;
        if open.true_count() == 0 {
            return Ok(shared(so_far));
        }
        let values = item.booleans_where(&open, batch)?;
        let connected = match decisive {
            false => compute::and_kleene(&so_far, &values),
            true => compute::or_kleene(&so_far, &values),
        };
        result = Some(connected.map_err(arrow_error)?);
    }
    Ok(shared(result.unwrap_or_else(|| BooleanArray::from(vec![!decisive; batch.rows]))))
}

/// The rows whose value is not the decisive one yet: the other one, or NULL.
fn undecided(values: &BooleanArray, decisive: bool) -> Result<BooleanArray> {
    let bits = if decisive { !values.values() } else { values.values().clone() };
    let open = match values.nulls() {
        // NULL slots count as undecided whatever bit they hold.
        Some(nulls) => &bits | &!nulls.inner(),
        None => bits,
    };
    Ok(BooleanArray::new(open, None))
}

pub(super) fn not(item: &Vector, batch: Batch<'_>) -> Result<ArrayRef> {
    compute::not(&item.booleans(batch)?).map(shared).map_err(arrow_error)
}

pub(super) fn is_null(item: &Vector, not: bool, batch: Batch<'_>) -> Result<ArrayRef> {
    let array = item.array(batch)?;
    let found = if not { compute::is_not_null(&array) } else { compute::is_null(&array) };
    found.map(shared).map_err(arrow_error)
}

/// An array that is boolean by construction.
pub(super) fn as_booleans(array: &ArrayRef) -> Result<&BooleanArray> {
    array
        .as_any()
        .downcast_ref::<BooleanArray>()
        .ok_or_else(|| dictdb_types::Error::internal(format!("{} where a boolean was planned", array.data_type())))
}
