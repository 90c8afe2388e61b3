//! Scalar expressions, a column at a time.
//!
//! Where a function has a kernel over Arrow arrays it is used; the rest runs row by row through [`crate::eval`] inside the
//! column, so that every expression has an answer here and it is the same. What PostgreSQL would not evaluate because of
//! AND, OR, CASE or COALESCE is not evaluated for those rows here either, if it can fail: `x <> 0 and 1 / x > 2` is safe.

mod compile;
mod conditional;
mod kernel;
mod logic;
mod membership;
mod rows;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Datum as ArrowDatum, Scalar, UInt32Array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute;
use dictdb_types::arrow::ColumnBuilder;
use dictdb_types::{Error, Physical, Result};

pub(crate) use compile::{VectorContext, compile, compile_all, compile_predicate};

use super::error::arrow_error;
use crate::eval::{Code, Scope};
use crate::runtime::Runtime;

/// Rows are few where they are less than one in so many: to put their values together then costs less than to ask for all.
const FEW: usize = 4;

/// A compiled expression over columns.
#[derive(Debug)]
pub(crate) enum Vector {
    /// A column of the batch.
    Column(usize),
    /// One value for all rows: constants, parameters, outer slots, and what is made of them.
    Single(Box<Code>, Physical),
    /// A function with a column kernel.
    Kernel(Box<kernel::KernelCall>),
    /// A function without one: called for each row, over argument columns.
    RowKernel(Box<rows::RowKernel>),
    /// Any other expression, evaluated for each row.
    Rows(Box<rows::RowsCode>),
    /// Three-valued conjunction.
    And(Box<[Vector]>),
    /// Three-valued disjunction.
    Or(Box<[Vector]>),
    /// Negation.
    Not(Box<Vector>),
    /// `IS NULL` (false) or `IS NOT NULL` (true), of what is not a composite.
    IsNull(Box<Vector>, bool),
    /// `= ANY` of a set of constants.
    InSet(Box<membership::InSet>),
    /// `CASE`.
    Case(Box<conditional::CaseVector>),
    /// `COALESCE`.
    Coalesce(Box<[Vector]>, Physical),
    /// `NULLIF`.
    NullIf(Box<conditional::NullIfVector>),
    /// `GREATEST` and `LEAST`.
    MinMax(Box<conditional::MinMaxVector>),
}

/// The rows an expression is evaluated over.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a> {
    /// Columns; of those an expression does not read, the length does not matter.
    pub columns: &'a [ArrayRef],
    /// Number of rows.
    pub rows: usize,
    /// The execution.
    pub rt: &'a Runtime,
}

/// The value of an expression over a batch.
pub(crate) enum Value {
    /// One value per row.
    Array(ArrayRef),
    /// The same for every row.
    Single(Scalar<ArrayRef>),
}

impl Value {
    /// As an array of this length.
    pub fn into_array(self, rows: usize) -> Result<ArrayRef> {
        match self {
            Value::Array(array) => Ok(array),
            Value::Single(scalar) => {
                let zeros = UInt32Array::from(vec![0u32; rows]);
                compute::take(&scalar.into_inner(), &zeros, None).map_err(arrow_error)
            }
        }
    }

    /// As kernels take it.
    pub fn as_datum(&self) -> &dyn ArrowDatum {
        match self {
            Value::Array(array) => array,
            Value::Single(scalar) => scalar,
        }
    }

    /// A kernel's result: of length one when all arguments were single values.
    fn of_kernel(array: ArrayRef, all_single: bool) -> Self {
        if all_single { Value::Single(Scalar::new(array)) } else { Value::Array(array) }
    }
}

impl Vector {
    /// The value.
    pub fn eval(&self, batch: Batch<'_>) -> Result<Value> {
        match self {
            Vector::Column(index) => match batch.columns.get(*index) {
                Some(column) => Ok(Value::Array(column.clone())),
                None => Err(Error::internal(format!("column {index} does not exist in this batch"))),
            },
            Vector::Single(code, physical) => single(code, *physical, batch.rt),
            Vector::Kernel(call) => call.eval(batch),
            Vector::RowKernel(call) => call.eval(batch).map(Value::Array),
            Vector::Rows(code) => code.eval(batch).map(Value::Array),
            Vector::And(items) => logic::and(items, batch).map(Value::Array),
            Vector::Or(items) => logic::or(items, batch).map(Value::Array),
            Vector::Not(item) => logic::not(item, batch).map(Value::Array),
            Vector::IsNull(item, not) => logic::is_null(item, *not, batch).map(Value::Array),
            Vector::InSet(set) => set.eval(batch).map(Value::Array),
            Vector::Case(case) => case.eval(batch).map(Value::Array),
            Vector::Coalesce(items, physical) => conditional::coalesce(items, *physical, batch).map(Value::Array),
            Vector::NullIf(test) => test.eval(batch).map(Value::Array),
            Vector::MinMax(values) => values.eval(batch).map(Value::Array),
        }
    }

    /// The value as an array.
    pub fn array(&self, batch: Batch<'_>) -> Result<ArrayRef> {
        self.eval(batch)?.into_array(batch.rows)
    }

    /// The value of a boolean expression.
    pub fn booleans(&self, batch: Batch<'_>) -> Result<BooleanArray> {
        let array = self.array(batch)?;
        match array.as_any().downcast_ref::<BooleanArray>() {
            Some(booleans) => Ok(booleans.clone()),
            None => Err(Error::internal(format!("{} where a boolean was planned", array.data_type()))),
        }
    }

    /// The rows for which the value is true, as a mask without NULLs. AND stops looking at rows that are out.
    pub fn select(&self, batch: Batch<'_>) -> Result<BooleanArray> {
        Ok(true_rows(&self.booleans(batch)?))
    }

    /// The value for the rows of a mask only; NULL for the others. An expression that cannot fail is evaluated for all.
    fn eval_where(&self, mask: &BooleanArray, batch: Batch<'_>) -> Result<ArrayRef> {
        if !self.can_fail() || mask.true_count() == batch.rows {
            return self.array(batch);
        }
        scatter(mask, &self.array_of(mask, batch)?)
    }

    /// The value of a boolean expression for the rows of a mask; what it is for the others does not matter. Few rows are put
    /// together before it is evaluated.
    fn booleans_where(&self, mask: &BooleanArray, batch: Batch<'_>) -> Result<BooleanArray> {
        let wanted = mask.true_count();
        if wanted == batch.rows || (!self.can_fail() && wanted > batch.rows / FEW) {
            return self.booleans(batch);
        }
        let values = self.array_of(mask, batch)?;
        let values = logic::as_booleans(&values)?;
        let nulls = values.nulls().map(|nulls| NullBuffer::new(spread(mask, nulls.inner())));
        Ok(BooleanArray::new(spread(mask, values.values()), nulls))
    }

    /// The values for the rows of a mask, put together.
    fn array_of(&self, mask: &BooleanArray, batch: Batch<'_>) -> Result<ArrayRef> {
        let predicate = compute::FilterBuilder::new(mask).optimize().build();
        let mut used = Vec::new();
        self.columns(&mut used);
        let mut columns = batch.columns.to_vec();
        for index in used {
            if let Some(column) = columns.get_mut(index) {
                *column = predicate.filter(column).map_err(arrow_error)?;
            }
        }
        self.array(Batch { columns: &columns, rows: predicate.count(), ..batch })
    }

    /// Whether evaluating it for a row can raise an error.
    pub fn can_fail(&self) -> bool {
        match self {
            Vector::Column(_) => false,
            Vector::Single(code, _) => !matches!(**code, Code::Const(_) | Code::Param(_) | Code::Outer(_)),
            Vector::Kernel(call) => call.can_fail(),
            Vector::RowKernel(_) | Vector::Rows(_) => true,
            Vector::And(items) | Vector::Or(items) | Vector::Coalesce(items, _) => items.iter().any(Vector::can_fail),
            Vector::Not(item) | Vector::IsNull(item, _) => item.can_fail(),
            Vector::InSet(set) => set.can_fail(),
            Vector::Case(case) => case.can_fail(),
            Vector::NullIf(test) => test.value.can_fail() || test.equals.can_fail(),
            Vector::MinMax(values) => values.items.iter().any(Vector::can_fail),
        }
    }

    /// Appends the columns it reads.
    pub fn columns(&self, out: &mut Vec<usize>) {
        match self {
            Vector::Column(index) => {
                if !out.contains(index) {
                    out.push(*index);
                }
            }
            Vector::Single(..) => {}
            Vector::Kernel(call) => call.args.iter().for_each(|arg| arg.columns(out)),
            Vector::RowKernel(call) => call.args.iter().for_each(|arg| arg.columns(out)),
            Vector::Rows(code) => code.inputs.iter().for_each(|(index, _)| Vector::Column(*index).columns(out)),
            Vector::And(items) | Vector::Or(items) | Vector::Coalesce(items, _) => {
                items.iter().for_each(|item| item.columns(out));
            }
            Vector::Not(item) | Vector::IsNull(item, _) => item.columns(out),
            Vector::InSet(set) => set.left.columns(out),
            Vector::Case(case) => case.columns(out),
            Vector::NullIf(test) => {
                test.value.columns(out);
                test.equals.columns(out);
            }
            Vector::MinMax(values) => values.items.iter().for_each(|item| item.columns(out)),
        }
    }
}

/// A mask without NULLs: true where the value is true.
fn true_rows(values: &BooleanArray) -> BooleanArray {
    if values.nulls().is_some() { compute::prep_null_mask_filter(values) } else { values.clone() }
}

/// Evaluates once what is the same for all rows.
fn single(code: &Code, physical: Physical, rt: &Runtime) -> Result<Value> {
    let mut builder = ColumnBuilder::new(physical, 1);
    builder.push(&code.eval(Scope::new(rt, &[]))?)?;
    Ok(Value::Single(Scalar::new(builder.finish())))
}

/// Spreads the bits of the rows of a mask over all rows.
fn spread(mask: &BooleanArray, bits: &BooleanBuffer) -> BooleanBuffer {
    let mut words = vec![0u64; mask.len().div_ceil(64)];
    for (place, bit) in mask.values().set_indices().zip(bits) {
        words[place / 64] |= u64::from(bit) << (place % 64);
    }
    BooleanBuffer::new(Buffer::from_vec(words), 0, mask.len())
}

/// Spreads the values of some rows over all: NULL where the mask is false.
fn scatter(mask: &BooleanArray, values: &ArrayRef) -> Result<ArrayRef> {
    let mut next = 0u32;
    let places: UInt32Array = mask
        .values()
        .iter()
        .map(|selected| {
            selected.then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    compute::take(values, &places, None).map_err(arrow_error)
}

/// All NULL.
fn nulls(physical: Physical, rows: usize) -> ArrayRef {
    arrow::array::new_null_array(&dictdb_types::arrow::data_type(physical), rows)
}

/// Evaluates a list.
pub(crate) fn arrays(vectors: &[Vector], batch: Batch<'_>) -> Result<Vec<ArrayRef>> {
    vectors.iter().map(|vector| vector.array(batch)).collect()
}

/// Shares a boolean array.
fn shared(values: BooleanArray) -> ArrayRef {
    Arc::new(values)
}
