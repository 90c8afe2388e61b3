//! GROUP BY by hash. The hash tables are DataFusion's, the adding up is ours: [`accumulate`].

mod accumulate;
mod count;
mod distinct;
mod extreme;
mod general;
mod numeric;
mod sum;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt32Array};
use arrow::compute;
use arrow::datatypes::{Field, Schema};
use datafusion_expr::EmitTo;
use datafusion_physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion_physical_plan::aggregates::order::GroupOrdering;
use dictdb_types::{Error, Physical, Result};

use self::accumulate::Accumulate;
pub(crate) use self::accumulate::CallCode;
use super::error::{arrow_error, datafusion_error};
use super::key::KeyForm;
use super::vector::{Batch, Vector, arrays};
use super::{Chunk, Cursor, Node};
use crate::engine::BATCH_ROWS;
use crate::runtime::Runtime;

/// Aggregate. Without calls it is DISTINCT.
#[derive(Debug)]
pub(crate) struct Aggregate {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Grouping expressions; none at all means one group, rows or not.
    pub groups: Box<[GroupKey]>,
    /// The aggregates.
    pub calls: Box<[CallCode]>,
    /// Layouts of the output: groups, then calls.
    pub columns: Box<[Physical]>,
}

/// One grouping expression.
#[derive(Debug)]
pub(crate) struct GroupKey {
    /// The expression.
    pub vector: Vector,
    /// Its layout.
    pub physical: Physical,
    /// How it becomes comparable.
    pub form: KeyForm,
}

impl Node for Aggregate {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(AggregateCursor { input: self.input.clone().open(), node: self, result: None, next: 0 })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

struct AggregateCursor {
    node: Arc<Aggregate>,
    input: Box<dyn Cursor>,
    result: Option<Chunk>,
    next: usize,
}

/// The groups so far.
struct Groups {
    /// Numbers groups by their keys; none when there is only one group.
    keys: Option<Box<dyn GroupValues>>,
    /// Values of the first row of each group, for expressions whose key is not the value itself.
    firsts: Vec<Vec<ArrayRef>>,
    /// Group of each row of the current batch.
    numbers: Vec<usize>,
    count: usize,
    /// Memory that was charged for.
    charged: usize,
}

impl Groups {
    fn new(node: &Aggregate) -> Result<Self> {
        let keys = if node.groups.is_empty() {
            None
        } else {
            let field = |key: &GroupKey| Field::new("key", key.form.data_type(key.physical), true);
            let schema = Schema::new(node.groups.iter().map(field).collect::<Vec<_>>());
            Some(new_group_values(Arc::new(schema), &GroupOrdering::None).map_err(datafusion_error)?)
        };
        let count = usize::from(keys.is_none());
        Ok(Groups { keys, firsts: vec![Vec::new(); node.groups.len()], numbers: Vec::new(), count, charged: 0 })
    }

    /// Numbers the rows of a batch.
    fn assign(&mut self, node: &Aggregate, batch: Batch<'_>) -> Result<()> {
        let Some(keys) = &mut self.keys else {
            self.numbers.clear();
            self.numbers.resize(batch.rows, 0);
            return Ok(());
        };
        let values = node.groups.iter().map(|group| group.vector.array(batch)).collect::<Result<Vec<_>>>()?;
        let formed =
            values.iter().zip(&node.groups).map(|(value, group)| group.form.apply(value.clone(), group.physical));
        let formed = formed.collect::<Result<Vec<_>>>()?;
        keys.intern(&formed, &mut self.numbers).map_err(datafusion_error)?;
        if keys.len() == self.count {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.count, keys.len());
        self.remember_firsts(node, &values, before)
    }

    /// Keeps the original values of the groups that are new since there were so many.
    fn remember_firsts(&mut self, node: &Aggregate, values: &[ArrayRef], before: usize) -> Result<()> {
        if node.groups.iter().all(|group| group.form == KeyForm::Plain) {
            return Ok(());
        }
        let places = UInt32Array::from(first_rows(&self.numbers, before, self.count));
        for ((group, firsts), value) in node.groups.iter().zip(&mut self.firsts).zip(values) {
            if group.form != KeyForm::Plain {
                firsts.push(compute::take(value, &places, None).map_err(arrow_error)?);
            }
        }
        Ok(())
    }

    /// Charges what the groups have grown by.
    fn charge(&mut self, rt: &Runtime) -> Result<()> {
        let firsts: usize = self.firsts.iter().flatten().map(|part| part.get_array_memory_size()).sum();
        let bytes = self.keys.as_ref().map_or(0, |keys| keys.size()) + firsts;
        rt.charge(bytes.saturating_sub(self.charged))?;
        self.charged = self.charged.max(bytes);
        Ok(())
    }

    /// The group columns of the result.
    fn finish(&mut self, node: &Aggregate) -> Result<Vec<ArrayRef>> {
        let Some(keys) = &mut self.keys else { return Ok(Vec::new()) };
        let keys = if keys.is_empty() { Vec::new() } else { keys.emit(EmitTo::All).map_err(datafusion_error)? };
        let mut columns = Vec::with_capacity(node.groups.len());
        for (index, (group, firsts)) in node.groups.iter().zip(&self.firsts).enumerate() {
            let key = keys.get(index).cloned();
            columns.push(match group.form {
                KeyForm::Plain => key.ok_or_else(|| Error::internal("group without key"))?,
                _ => {
                    let parts: Vec<_> = firsts.iter().map(|part| &**part).collect();
                    compute::concat(&parts).map_err(arrow_error)?
                }
            });
        }
        Ok(columns)
    }
}

/// The first row of each of the groups that a batch has made: those numbered from `before` on. Numbers need not be given in
/// the order of rows: what collides in the hash table is looked at once more at the end of a batch.
fn first_rows(numbers: &[usize], before: usize, count: usize) -> Vec<u32> {
    let mut rows = vec![u32::MAX; count - before];
    for (row, number) in numbers.iter().enumerate() {
        if *number >= before && rows[*number - before] == u32::MAX {
            rows[*number - before] = row as u32;
        }
    }
    rows
}

impl AggregateCursor {
    fn aggregate(&mut self, rt: &Arc<Runtime>) -> Result<Chunk> {
        let node = self.node.clone();
        let mut groups = Groups::new(&node)?;
        let mut accumulators: Vec<Box<dyn Accumulate>> =
            node.calls.iter().map(|call| call.start()).collect::<Result<_>>()?;
        let mut charged = vec![0; accumulators.len()];
        while let Some(chunk) = self.input.next(rt)? {
            rt.env().check_interrupts()?;
            let batch = Batch { columns: &chunk.columns, rows: chunk.rows, rt };
            groups.assign(&node, batch)?;
            for ((call, accumulator), charged) in node.calls.iter().zip(&mut accumulators).zip(&mut charged) {
                update(call, &mut **accumulator, &groups, batch)?;
                let bytes = accumulator.bytes();
                rt.charge(bytes.saturating_sub(*charged))?;
                *charged = bytes.max(*charged);
            }
            groups.charge(rt)?;
        }
        if groups.count == 0 {
            return Ok(Chunk { columns: Vec::new(), rows: 0 });
        }
        let mut columns = groups.finish(&node)?;
        for accumulator in &mut accumulators {
            columns.push(accumulator.finish(groups.count, rt)?);
        }
        Ok(Chunk { columns, rows: groups.count })
    }
}

/// Feeds a batch to one aggregate.
fn update(call: &CallCode, accumulator: &mut dyn Accumulate, groups: &Groups, batch: Batch<'_>) -> Result<()> {
    let Some(filter) = &call.filter else {
        let args = arrays(&call.args, batch)?;
        return accumulator.update(&args, &groups.numbers, groups.count, batch.rt);
    };
    // Arguments are not evaluated for rows that are left out.
    let mask: BooleanArray = filter.select(batch)?;
    let chunk = Chunk { columns: batch.columns.to_vec(), rows: batch.rows }.filter(&mask)?;
    let numbers: Vec<usize> =
        groups.numbers.iter().zip(mask.values().iter()).filter(|(_, keep)| *keep).map(|(number, _)| *number).collect();
    let batch = Batch { columns: &chunk.columns, rows: chunk.rows, ..batch };
    accumulator.update(&arrays(&call.args, batch)?, &numbers, groups.count, batch.rt)
}

impl Cursor for AggregateCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        if self.result.is_none() {
            self.result = Some(self.aggregate(rt)?);
            self.next = 0;
        }
        let result = self.result.as_ref().ok_or_else(|| Error::internal("aggregate lost its result"))?;
        let rows = (result.rows - self.next).min(BATCH_ROWS);
        let from = self.next;
        self.next += rows;
        Ok((rows > 0).then(|| result.slice(from, rows)))
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.result = None;
        self.input.rescan(rt)
    }
}
