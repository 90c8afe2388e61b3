//! `count(DISTINCT x)` and its kind: of the rows of a group with one value only the first reaches the aggregate.
//!
//! For aggregates that do not care about the order of their input; PostgreSQL hands the others sorted values.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array, UInt64Array};
use arrow::compute;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion_physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion_physical_plan::aggregates::order::GroupOrdering;
use dictdb_types::{Physical, Result};

use super::super::error::{arrow_error, datafusion_error};
use super::super::key::KeyForm;
use super::accumulate::Accumulate;
use crate::runtime::Runtime;

/// How values are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct DistinctCode {
    /// How a value becomes comparable.
    pub form: KeyForm,
    /// Its layout.
    pub layout: Physical,
    /// Whether there are several groups.
    pub grouped: bool,
}

/// The values seen so far, and the aggregate behind them.
pub(super) struct Distinct {
    code: DistinctCode,
    /// Group (when there are several) and value.
    seen: Box<dyn GroupValues>,
    /// Which of them each row of a batch is.
    numbers: Vec<usize>,
    inner: Box<dyn Accumulate>,
}

impl DistinctCode {
    /// An aggregate that has seen nothing.
    pub fn start(self, inner: Box<dyn Accumulate>) -> Result<Distinct> {
        let value = Field::new("value", self.form.data_type(self.layout), true);
        let group = self.grouped.then(|| Field::new("group", DataType::UInt64, false));
        let schema = Arc::new(Schema::new(group.into_iter().chain([value]).collect::<Vec<_>>()));
        let seen = new_group_values(schema, &GroupOrdering::None).map_err(datafusion_error)?;
        Ok(Distinct { code: self, seen, numbers: Vec::new(), inner })
    }
}

impl Distinct {
    /// The rows of a batch whose value is new to their group.
    fn new_rows(&mut self, value: &ArrayRef, groups: &[usize]) -> Result<Vec<u32>> {
        let before = self.seen.len();
        let value = self.code.form.apply(value.clone(), self.code.layout)?;
        let group = self
            .code
            .grouped
            .then(|| -> ArrayRef { Arc::new(UInt64Array::from_iter_values(groups.iter().map(|group| *group as u64))) });
        let keys: Vec<ArrayRef> = group.into_iter().chain([value]).collect();
        self.seen.intern(&keys, &mut self.numbers).map_err(datafusion_error)?;
        Ok(super::first_rows(&self.numbers, before, self.seen.len()))
    }
}

impl Accumulate for Distinct {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, rt: &Runtime) -> Result<()> {
        let Some(value) = args.first() else { return Ok(()) };
        let rows = self.new_rows(value, groups)?;
        let groups: Vec<usize> = rows.iter().filter_map(|row| groups.get(*row as usize).copied()).collect();
        let values = compute::take(value, &UInt32Array::from(rows), None).map_err(arrow_error)?;
        self.inner.update(&[values], &groups, count, rt)
    }

    fn finish(&mut self, count: usize, rt: &Arc<Runtime>) -> Result<ArrayRef> {
        self.inner.finish(count, rt)
    }

    fn bytes(&self) -> usize {
        self.seen.size() + self.inner.bytes()
    }
}
