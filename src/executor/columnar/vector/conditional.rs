//! CASE and COALESCE over columns: each branch is asked only for the rows that come to it. NULLIF, GREATEST and LEAST.

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array, make_comparator};
use arrow::compute::{self, SortOptions};
use dictdb_types::{Physical, Result};

use super::super::error::arrow_error;
use super::super::key::KeyForm;
use super::{Batch, Value, Vector, nulls};

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
        let mut chosen = Chosen::none(self.result, batch.rows);
        for (condition, value) in &self.whens {
            if open.true_count() == 0 {
                break;
            }
            let truth = condition.eval_where(&open, batch)?;
            let truth = super::logic::as_booleans(&truth)?;
            let here = compute::and(&open, &super::true_rows(truth)).map_err(arrow_error)?;
            chosen.choose(&here, value, batch)?;
            open = compute::and_not(&open, &here).map_err(arrow_error)?;
        }
        if let Some(value) = &self.otherwise {
            chosen.choose(&open, value, batch)?;
        }
        chosen.finish()
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

/// The value of each row as a place in one of the branches' values.
struct Chosen {
    /// Values, of which the first is NULL.
    values: Vec<ArrayRef>,
    /// Of each row which values, and the place in them.
    places: Vec<(usize, usize)>,
}

impl Chosen {
    /// NULL for all rows.
    fn none(physical: Physical, rows: usize) -> Self {
        Chosen { values: vec![nulls(physical, 1)], places: vec![(0, 0); rows] }
    }

    /// Chooses an expression for the rows of a mask, and evaluates it for those alone if it can fail.
    fn choose(&mut self, mask: &BooleanArray, value: &Vector, batch: Batch<'_>) -> Result<()> {
        if mask.true_count() == 0 {
            return Ok(());
        }
        let number = self.values.len();
        let rows = mask.values().set_indices();
        let whole = !value.can_fail() || mask.true_count() == batch.rows || matches!(value, Vector::Single(..));
        self.values.push(match whole.then(|| value.eval(batch)).transpose()? {
            Some(Value::Single(one)) => {
                rows.for_each(|row| self.places[row] = (number, 0));
                one.into_inner()
            }
            Some(Value::Array(all)) => {
                rows.for_each(|row| self.places[row] = (number, row));
                all
            }
            None => {
                rows.enumerate().for_each(|(place, row)| self.places[row] = (number, place));
                value.array_of(mask, batch)?
            }
        });
        Ok(())
    }

    fn finish(self) -> Result<ArrayRef> {
        let values: Vec<&dyn Array> = self.values.iter().map(|values| &**values).collect();
        compute::interleave(&values, &self.places).map_err(arrow_error)
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

/// `NULLIF`.
#[derive(Debug)]
pub(crate) struct NullIfVector {
    /// The value.
    pub value: Vector,
    /// Whether it equals the other one.
    pub equals: Vector,
}

impl NullIfVector {
    pub(super) fn eval(&self, batch: Batch<'_>) -> Result<ArrayRef> {
        compute::nullif(&self.value.array(batch)?, &self.equals.booleans(batch)?).map_err(arrow_error)
    }
}

/// `GREATEST` or `LEAST`.
#[derive(Debug)]
pub(crate) struct MinMaxVector {
    /// Which of the two.
    pub greatest: bool,
    /// The values, of one type.
    pub items: Box<[Vector]>,
    /// How they become comparable.
    pub form: KeyForm,
    /// Their layout.
    pub physical: Physical,
}

impl MinMaxVector {
    pub(super) fn eval(&self, batch: Batch<'_>) -> Result<ArrayRef> {
        let items = super::arrays(&self.items, batch)?;
        let all = compute::concat(&items.iter().map(|item| &**item).collect::<Vec<_>>()).map_err(arrow_error)?;
        let keys = self.form.apply_order(all.clone(), self.physical)?;
        let options = SortOptions { descending: self.greatest, nulls_first: false };
        let compare = make_comparator(&keys, &keys, options).map_err(arrow_error)?;
        let first = |row: usize| {
            let places = (0..items.len()).map(|item| item * batch.rows + row);
            // Of equal values the first one is taken.
            places.reduce(|best, place| if compare(place, best).is_lt() { place } else { best }).unwrap_or(row)
        };
        let places = UInt32Array::from_iter_values((0..batch.rows).map(|row| first(row) as u32));
        compute::take(&all, &places, None).map_err(arrow_error)
    }
}
