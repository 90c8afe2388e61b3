//! CASE and COALESCE over columns: each branch is asked only for the rows that come to it.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute;
use dictdb_types::{Physical, Result};

use super::super::error::arrow_error;
use super::{Batch, Vector, nulls};

/// `CASE`.
#[derive(Debug)]
pub(crate) struct CaseVector {
    /// The operand; conditions read it as the column after the batch's.
    pub operand: Option<Vector>,
    /// Conditions and results.
    pub whens: Box<[(Vector, Vector)]>,
    /// `ELSE`.
    pub otherwise: Option<Vector>,
    /// Layout of the result.
    pub result: Physical,
}

impl CaseVector {
    pub(super) fn eval(&self, batch: Batch<'_>) -> Result<ArrayRef> {
        let Some(operand) = &self.operand else { return self.choose(batch) };
        let mut columns = batch.columns.to_vec();
        columns.push(operand.array(batch)?);
        self.choose(Batch { columns: &columns, ..batch })
    }

    fn choose(&self, batch: Batch<'_>) -> Result<ArrayRef> {
        let mut open = BooleanArray::from(vec![true; batch.rows]);
        let mut result = nulls(self.result, batch.rows);
        for (condition, value) in &self.whens {
            if open.true_count() == 0 {
                return Ok(result);
            }
            let truth = condition.eval_where(&open, batch)?;
            let truth = super::logic::as_booleans(&truth)?;
            let here = compute::and(&open, &super::true_rows(truth)).map_err(arrow_error)?;
            result = put(&here, value, result, batch)?;
            open = compute::and_not(&open, &here).map_err(arrow_error)?;
        }
        match &self.otherwise {
            Some(value) => put(&open, value, result, batch),
            None => Ok(result),
        }
    }

    pub(super) fn can_fail(&self) -> bool {
        let branches = self.whens.iter().any(|(condition, value)| condition.can_fail() || value.can_fail());
        branches
            || self.operand.as_ref().is_some_and(Vector::can_fail)
            || self.otherwise.as_ref().is_some_and(Vector::can_fail)
    }

    /// The columns of the batch that are read. The operand's own place lies after them and is no column of the batch.
    pub(super) fn columns(&self, out: &mut Vec<usize>) {
        self.operand.iter().for_each(|operand| operand.columns(out));
        for (condition, value) in &self.whens {
            condition.columns(out);
            value.columns(out);
        }
        self.otherwise.iter().for_each(|value| value.columns(out));
    }
}

/// Puts the value of an expression where the mask is true.
fn put(mask: &BooleanArray, value: &Vector, into: ArrayRef, batch: Batch<'_>) -> Result<ArrayRef> {
    if mask.true_count() == 0 {
        return Ok(into);
    }
    let values = value.eval_where(mask, batch)?;
    if mask.true_count() == batch.rows {
        return Ok(values);
    }
    compute::kernels::zip::zip(mask, &values, &into).map_err(arrow_error)
}

/// `COALESCE`.
pub(super) fn coalesce(items: &[Vector], physical: Physical, batch: Batch<'_>) -> Result<ArrayRef> {
    let mut result = nulls(physical, batch.rows);
    for item in items {
        if result.null_count() == 0 {
            break;
        }
        let open = compute::is_null(&result).map_err(arrow_error)?;
        result = put(&open, item, result, batch)?;
    }
    Ok(result)
}
