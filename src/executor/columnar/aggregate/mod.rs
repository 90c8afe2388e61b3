//! GROUP BY by hash. The hash tables are DataFusion's, the adding up is ours: [`accumulate`].

mod accumulate;
mod count;
mod distinct;
mod extreme;
mod general;
pub(super) mod numeric;
mod sorted;
mod sum;
mod truth;

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array, UInt32Array, new_null_array};
use arrow::compute::{self, SortOptions};
use arrow::datatypes::{Field, Schema};
use datafusion_expr::EmitTo;
use datafusion_physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion_physical_plan::aggregates::order::GroupOrdering;
use dictdb_types::arrow::{ColumnReader, data_type};
use dictdb_types::{Datum, Physical, Result};

use self::accumulate::Accumulate;
pub(crate) use self::accumulate::CallCode;
use super::error::{arrow_error, datafusion_error};
use super::key::KeyForm;
use super::sort::Comparable;
use super::vector::{Batch, Vector, arrays};
use super::{Chunk, Cursor, Node, concat};
use crate::engine::BATCH_ROWS;
use crate::grouping_set::{SetOrder, grouping};
use crate::hash_table::{HashTable, MOST_GROUPS};
use crate::runtime::Runtime;

/// Aggregate. Without calls it is DISTINCT.
#[derive(Debug)]
pub(crate) struct Aggregate {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Grouping expressions.
    pub groups: Box<[GroupKey]>,
    /// Grouping sets in the order in which their groups come; one of all expressions when the query has none.
    pub sets: Box<[GroupingSet]>,
    /// The order of the groups of all sets together, where it is that of their values.
    pub set_order: Option<SetOrder>,
    /// The aggregates.
    pub calls: Box<[CallCode]>,
    /// `GROUPING(…)`: positions in `groups`.
    pub groupings: Vec<Vec<usize>>,
    /// Layouts of the output: groups, calls, groupings.
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
    /// How it is put in order.
    pub order_form: KeyForm,
}

/// Rows are in one group when these expressions are equal.
#[derive(Debug)]
pub(crate) struct GroupingSet {
    /// Positions in the grouping expressions; none at all means one group, rows or not.
    pub columns: Vec<usize>,
    /// The hash table whose order its groups come in, unless they are too many.
    pub table: Option<HashTable>,
}

impl Node for Aggregate {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(AggregateCursor { input: self.input.clone().open(), node: self, results: None })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

struct AggregateCursor {
    node: Arc<Aggregate>,
    input: Box<dyn Cursor>,
    /// What is still to be given, once everything has been read.
    results: Option<VecDeque<Chunk>>,
}

/// The grouping expressions over a batch.
struct Keys {
    /// Their values.
    values: Vec<ArrayRef>,
    /// What they are told apart by.
    forms: Vec<ArrayRef>,
}

impl Keys {
    fn of(groups: &[GroupKey], batch: Batch<'_>) -> Result<Self> {
        let values = groups.iter().map(|group| group.vector.array(batch)).collect::<Result<Vec<_>>>()?;
        let forms = values.iter().zip(groups).map(|(value, group)| group.form.apply(value.clone(), group.physical));
        Ok(Keys { forms: forms.collect::<Result<_>>()?, values })
    }
}

/// The arguments of an aggregate over a batch: those of the rows that its FILTER keeps, which are all without one.
pub(super) struct GroupArguments {
    columns: Vec<ArrayRef>,
    kept: Option<BooleanArray>,
}

impl GroupArguments {
    /// Evaluates them.
    pub fn of(call: &CallCode, batch: Batch<'_>) -> Result<Self> {
        let Some(filter) = &call.filter else {
            return Ok(GroupArguments { columns: arrays(&call.args, batch)?, kept: None });
        };
        // Arguments are not evaluated for rows that are left out.
        let mask = filter.select(batch)?;
        let chunk = Chunk { columns: batch.columns.to_vec(), rows: batch.rows }.filter(&mask)?;
        let part = Batch { columns: &chunk.columns, rows: chunk.rows, ..batch };
        Ok(GroupArguments { columns: arrays(&call.args, part)?, kept: Some(mask) })
    }

    /// Adds them to the groups with the numbers of the batch's rows, of which there are `count`.
    pub fn feed(&self, to: &mut dyn Accumulate, numbers: &[usize], count: usize, rt: &Runtime) -> Result<()> {
        match &self.kept {
            None => to.update(&self.columns, numbers, count, rt),
            Some(mask) => {
                let kept: Vec<usize> = mask.values().set_indices().map(|row| numbers[row]).collect();
                to.update(&self.columns, &kept, count, rt)
            }
        }
    }
}

/// The groups of one set so far.
struct Groups<'n> {
    node: &'n Aggregate,
    set: &'n GroupingSet,
    /// Numbers groups by their keys; none when there is only one group.
    keys: Option<Box<dyn GroupValues>>,
    /// Values of the first row of each group, for expressions whose key is not the value itself: by position in the set.
    firsts: Vec<Vec<ArrayRef>>,
    /// Group of each row of the current batch.
    numbers: Vec<usize>,
    count: usize,
    accumulators: Vec<Box<dyn Accumulate>>,
    /// Memory that was charged for.
    charged: usize,
}

impl<'n> Groups<'n> {
    fn new(node: &'n Aggregate, set: &'n GroupingSet) -> Result<Self> {
        let keys = if set.columns.is_empty() {
            None
        } else {
            let field = |at: &usize| {
                let key = &node.groups[*at];
                Field::new("key", key.form.data_type(key.physical), true)
            };
            let schema = Schema::new(set.columns.iter().map(field).collect::<Vec<_>>());
            Some(new_group_values(Arc::new(schema), &GroupOrdering::None).map_err(datafusion_error)?)
        };
        Ok(Groups {
            node,
            set,
            count: usize::from(keys.is_none()),
            keys,
            firsts: vec![Vec::new(); set.columns.len()],
            numbers: Vec::new(),
            accumulators: node.calls.iter().map(CallCode::start).collect::<Result<_>>()?,
            charged: 0,
        })
    }

    /// The grouping expressions of the set, each with its position among all.
    fn expressions(&self) -> impl Iterator<Item = (usize, &'n GroupKey)> + use<'n> {
        let node = self.node;
        self.set.columns.iter().map(|at| (*at, &node.groups[*at]))
    }

    /// Numbers the rows of a batch.
    fn assign(&mut self, keys: &Keys, rows: usize) -> Result<()> {
        let Some(known) = &mut self.keys else {
            self.numbers.clear();
            self.numbers.resize(rows, 0);
            return Ok(());
        };
        let forms: Vec<ArrayRef> = self.set.columns.iter().map(|at| keys.forms[*at].clone()).collect();
        known.intern(&forms, &mut self.numbers).map_err(datafusion_error)?;
        if known.len() == self.count {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.count, known.len());
        self.remember_firsts(&keys.values, before)
    }

    /// Keeps the original values of the groups that are new since there were so many.
    fn remember_firsts(&mut self, values: &[ArrayRef], before: usize) -> Result<()> {
        if self.expressions().all(|(_, group)| group.form == KeyForm::Plain) {
            return Ok(());
        }
        let places = UInt32Array::from(first_rows(&self.numbers, before, self.count));
        for ((at, group), firsts) in self.expressions().zip(&mut self.firsts) {
            if group.form != KeyForm::Plain {
                firsts.push(compute::take(&values[at], &places, None).map_err(arrow_error)?);
            }
        }
        Ok(())
    }

    /// Feeds the arguments of a batch to an aggregate.
    fn update(&mut self, call: usize, arguments: &GroupArguments, rt: &Runtime) -> Result<()> {
        arguments.feed(&mut *self.accumulators[call], &self.numbers, self.count, rt)
    }

    /// Charges what the groups have grown by.
    fn charge(&mut self, rt: &Runtime) -> Result<()> {
        let firsts: usize = self.firsts.iter().flatten().map(|part| part.get_array_memory_size()).sum();
        let states: usize = self.accumulators.iter().map(|accumulator| accumulator.bytes()).sum();
        let bytes = self.keys.as_ref().map_or(0, |keys| keys.size()) + firsts + states;
        rt.charge(bytes.saturating_sub(self.charged))?;
        self.charged = self.charged.max(bytes);
        Ok(())
    }

    /// The rows of the result.
    fn finish(mut self, rt: &Arc<Runtime>) -> Result<Chunk> {
        if self.count == 0 {
            return concat(&[], &self.node.columns);
        }
        let null = |group: &GroupKey| new_null_array(&data_type(group.physical), self.count);
        let mut columns: Vec<ArrayRef> = self.node.groups.iter().map(null).collect();
        for ((at, _), column) in self.expressions().zip(self.key_columns()?) {
            columns[at] = column;
        }
        for accumulator in &mut self.accumulators {
            columns.push(accumulator.finish(self.count, rt)?);
        }
        for arguments in &self.node.groupings {
            columns.push(Arc::new(Int32Array::from_value(grouping(arguments, &self.set.columns), self.count)));
        }
        let result = Chunk { columns, rows: self.count };
        match &self.set.table {
            Some(table) if result.rows <= MOST_GROUPS => in_hash_order(result, table, &self.node.columns, rt),
            _ => Ok(result),
        }
    }

    /// The columns of the set's expressions.
    fn key_columns(&mut self) -> Result<Vec<ArrayRef>> {
        let Some(keys) = &mut self.keys else { return Ok(Vec::new()) };
        let keys = keys.emit(EmitTo::All).map_err(datafusion_error)?;
        let mut columns = Vec::with_capacity(keys.len());
        for (((_, group), key), firsts) in self.expressions().zip(keys).zip(&self.firsts) {
            columns.push(match group.form {
                KeyForm::Plain => key,
                _ => compute::concat(&firsts.iter().map(|part| &**part).collect::<Vec<_>>()).map_err(arrow_error)?,
            });
        }
        Ok(columns)
    }
}

/// The groups of all sets, those of each in a chunk, in an order of their values.
fn in_set_order(sets: &[Chunk], order: &SetOrder, node: &Aggregate) -> Result<Vec<Chunk>> {
    order.chains().map(|(columns, chain)| in_chain_order(sets, order, (columns, &chain), node)).collect()
}

/// The groups of a chain of sets by some grouping expressions: those of sets without an expression come after all others.
fn in_chain_order(
    sets: &[Chunk],
    order: &SetOrder,
    (columns, chain): (&[usize], &[usize]),
    node: &Aggregate,
) -> Result<Chunk> {
    let chunks: Vec<Chunk> = chain.iter().map(|set| sets[*set].clone()).collect();
    let all = concat(&chunks, &node.columns)?;
    let mut keys: Vec<ArrayRef> = Vec::with_capacity(2 * columns.len());
    for column in columns {
        let absent = chain.iter().flat_map(|set| std::iter::repeat_n(!order.has(*set, *column), sets[*set].rows));
        keys.push(Arc::new(absent.map(Some).collect::<BooleanArray>()));
        let group = &node.groups[*column];
        keys.push(group.order_form.apply_order(all.columns[*column].clone(), group.physical)?);
    }
    if keys.is_empty() {
        return Ok(all);
    }
    let ascending = SortOptions { descending: false, nulls_first: false };
    let comparable = Comparable::by(&keys, keys.iter().map(|_| ascending))?;
    let mut items = comparable.items();
    items.sort_unstable_by(|a, b| comparable.compare(a, b).then(a.place.cmp(&b.place)));
    all.take(&UInt32Array::from_iter_values(items.iter().map(|item| item.place)))
}

/// Rows in the order of a hash table over them; as they are if a type cannot be hashed.
fn in_hash_order(chunk: Chunk, table: &HashTable, layouts: &[Physical], rt: &Runtime) -> Result<Chunk> {
    let columns = chunk.columns.iter().zip(layouts);
    let readers: Vec<ColumnReader<'_>> =
        columns.map(|(array, physical)| ColumnReader::new(array, *physical)).collect::<Result<_>>()?;
    let value = |column: usize, row| readers.get(column).map_or(Ok(Datum::Null), |reader| reader.get(row));
    let hashes = (0..chunk.rows).map(|row| table.hash(rt, |column| value(column, row)));
    match hashes.collect::<Result<Vec<u32>>>() {
        Ok(hashes) => chunk.take(&UInt32Array::from(table.order(&hashes))),
        Err(_) => Ok(chunk),
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
    fn aggregate(&mut self, rt: &Arc<Runtime>) -> Result<VecDeque<Chunk>> {
        let node = &*self.node;
        let mut sets = node.sets.iter().map(|set| Groups::new(node, set)).collect::<Result<Vec<_>>>()?;
        while let Some(chunk) = self.input.next(rt)? {
            rt.env().check_interrupts()?;
            let batch = Batch { columns: &chunk.columns, rows: chunk.rows, rt };
            let keys = Keys::of(&node.groups, batch)?;
            sets.iter_mut().try_for_each(|set| set.assign(&keys, batch.rows))?;
            for (number, call) in node.calls.iter().enumerate() {
                let arguments = GroupArguments::of(call, batch)?;
                sets.iter_mut().try_for_each(|set| set.update(number, &arguments, rt))?;
            }
            sets.iter_mut().try_for_each(|set| set.charge(rt))?;
        }
        let mut results = sets.into_iter().map(|set| set.finish(rt)).collect::<Result<Vec<_>>>()?;
        if let Some(order) = &node.set_order {
            results = in_set_order(&results, order, node)?;
        }
        let batches = results.iter().flat_map(|result| {
            let starts = (0..result.rows).step_by(BATCH_ROWS);
            starts.map(|start| result.slice(start, BATCH_ROWS.min(result.rows - start)))
        });
        Ok(batches.collect())
    }
}

impl Cursor for AggregateCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        if self.results.is_none() {
            self.results = Some(self.aggregate(rt)?);
        }
        Ok(self.results.as_mut().and_then(VecDeque::pop_front))
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.results = None;
        self.input.rescan(rt)
    }
}
