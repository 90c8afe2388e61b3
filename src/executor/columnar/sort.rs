//! ORDER BY, whole or only its first rows.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Scalar, UInt32Array};
use arrow::compute::kernels::cmp;
use arrow::compute::{self, SortOptions};
use arrow::row::{RowConverter, Rows, SortField};
use dictdb_types::{Error, Physical, Result};

use super::error::arrow_error;
use super::key::KeyForm;
use super::vector::{Batch, Vector};
use super::{Chunk, Cursor, Node, concat};
use crate::engine::BATCH_ROWS;
use crate::eval::{Code, Scope};
use crate::row::limit::row_count;
use crate::row::quicksort::quicksort;
use crate::runtime::Runtime;

/// Rows beyond those wanted that are collected, at least, before the worst are thrown away.
const SLACK_ROWS: usize = 2 * BATCH_ROWS;

/// Sort.
#[derive(Debug)]
pub(crate) struct Sort {
    /// Input.
    pub input: Arc<dyn Node>,
    /// The keys.
    pub keys: Box<[SortKey]>,
    /// How many rows are wanted.
    pub fetch: Option<Code>,
}

/// One key.
#[derive(Debug)]
pub(crate) struct SortKey {
    /// What is ordered.
    pub vector: Vector,
    /// Its layout.
    pub physical: Physical,
    /// How it becomes comparable.
    pub form: KeyForm,
    /// Direction.
    pub options: SortOptions,
}

impl Node for Sort {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(SortCursor { input: self.input.clone().open(), node: self, sorted: None, next: 0 })
    }

    fn columns(&self) -> &[Physical] {
        self.input.columns()
    }
}

struct SortCursor {
    node: Arc<Sort>,
    input: Box<dyn Cursor>,
    /// All rows, in order.
    sorted: Option<Chunk>,
    next: usize,
}

impl SortCursor {
    fn sort(&mut self, rt: &Arc<Runtime>) -> Result<Chunk> {
        let wanted = match &self.node.fetch {
            Some(fetch) => row_count(fetch, Scope::new(rt, &[]), "LIMIT")?,
            None => None,
        };
        let wanted = wanted.map_or(usize::MAX, |wanted| usize::try_from(wanted).unwrap_or(usize::MAX));
        let mut held: Vec<Chunk> = Vec::new();
        let mut rows = 0usize;
        let mut bound = None;
        while let Some(chunk) = self.input.next(rt)? {
            let chunk = match &bound {
                None => chunk,
                Some(bound) => self.not_beyond(bound, chunk, rt)?,
            };
            if chunk.rows == 0 {
                continue;
            }
            rows += chunk.rows;
            if wanted == usize::MAX {
                rt.charge(chunk.bytes())?;
            }
            held.push(chunk);
            if rows > wanted.saturating_add(SLACK_ROWS.max(wanted)) {
                let best = self.first(&held, wanted, rt)?;
                rows = best.rows;
                bound = self.bound(&best, rt)?;
                held = vec![best];
            }
        }
        self.first(&held, wanted, rt)
    }

    /// The value of the first key in the last of the best rows so far: what lies beyond it is none of the first.
    fn bound(&self, best: &Chunk, rt: &Runtime) -> Result<Option<ArrayRef>> {
        let (Some(key), Some(last)) = (self.node.keys.first(), best.rows.checked_sub(1)) else { return Ok(None) };
        let values = key.vector.array(Batch { columns: &best.columns, rows: best.rows, rt })?;
        Ok(Some(values.slice(last, 1)))
    }

    /// The rows of a chunk whose first key is not beyond a bound.
    fn not_beyond(&self, bound: &ArrayRef, chunk: Chunk, rt: &Runtime) -> Result<Chunk> {
        let Some(SortKey { vector, physical, form, options }) = self.node.keys.first() else { return Ok(chunk) };
        let values = vector.array(Batch { columns: &chunk.columns, rows: chunk.rows, rt })?;
        // Keys of one column compare, so the bound has to be in it.
        let values = compute::concat(&[bound, &values]).map_err(arrow_error)?;
        let keys = form.apply_order(values, *physical)?;
        let (bound, keys) = (keys.slice(0, 1), keys.slice(1, chunk.rows));
        let kept = match (bound.is_null(0), options.nulls_first) {
            (true, true) => compute::is_null(&keys).map_err(arrow_error)?,
            (true, false) => return Ok(chunk),
            (false, nulls_first) => {
                let bound = Scalar::new(bound);
                let within = if options.descending { cmp::gt_eq(&keys, &bound) } else { cmp::lt_eq(&keys, &bound) };
                let within = within.map_err(arrow_error)?;
                match keys.nulls().filter(|_| nulls_first) {
                    Some(nulls) => BooleanArray::new(within.values() | &!nulls.inner(), None),
                    None => within,
                }
            }
        };
        chunk.filter(&kept)
    }

    /// The first rows of some chunks, in order.
    fn first(&self, held: &[Chunk], wanted: usize, rt: &Runtime) -> Result<Chunk> {
        let all = concat(held, self.node.columns())?;
        if u32::try_from(all.rows).is_err() {
            return Err(crate::engine::out_of_memory("Too many rows to sort."));
        }
        let keys = key_columns(&self.node.keys, Batch { columns: &all.columns, rows: all.rows, rt })?;
        all.take(&self.order(&keys, wanted)?)
    }

    /// The places of the first rows by some key columns.
    fn order(&self, keys: &[ArrayRef], wanted: usize) -> Result<UInt32Array> {
        if wanted == usize::MAX {
            return places(keys, &self.node.keys);
        }
        if let ([key], [spec]) = (keys, &*self.node.keys) {
            return compute::sort_to_indices(key, Some(spec.options), Some(wanted)).map_err(arrow_error);
        }
        let rows = Comparable::of(keys, &self.node.keys)?;
        let mut items = rows.items();
        let by_row = |a: &Item, b: &Item| rows.compare(a, b).then(a.place.cmp(&b.place));
        if wanted < items.len() {
            if wanted > 0 {
                items.select_nth_unstable_by(wanted - 1, by_row);
            }
            items.truncate(wanted);
        }
        items.sort_unstable_by(by_row);
        Ok(UInt32Array::from_iter_values(items.iter().map(|item| item.place)))
    }
}

/// The keys of a batch as columns that Arrow orders.
pub(super) fn key_columns(keys: &[SortKey], batch: Batch<'_>) -> Result<Vec<ArrayRef>> {
    keys.iter().map(|key| key.form.apply_order(key.vector.array(batch)?, key.physical)).collect()
}

/// The places of all rows in the order of some key columns; equal rows have the order that the row engine gives them.
pub(super) fn places(columns: &[ArrayRef], keys: &[SortKey]) -> Result<UInt32Array> {
    let rows = Comparable::of(columns, keys)?;
    let mut items = rows.items();
    quicksort(&mut items, &|a: &Item, b: &Item| rows.compare(a, b));
    Ok(UInt32Array::from_iter_values(items.iter().map(|item| item.place)))
}

/// Rows that are compared by their keys as bytes.
pub(super) struct Comparable {
    rows: Rows,
    /// Whether all there is of the keys stands in the items.
    all_there: bool,
}

/// A row to sort, with the first bytes of its keys, so that few comparisons have to look elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Item {
    prefix: u128,
    /// Its place among all.
    pub place: u32,
}

const PREFIX_BYTES: usize = size_of::<u128>();

impl Comparable {
    /// Rows by key columns.
    fn of(columns: &[ArrayRef], keys: &[SortKey]) -> Result<Self> {
        Self::by(columns, keys.iter().map(|key| key.options))
    }

    /// Rows by key columns, each with its direction.
    pub fn by(columns: &[ArrayRef], options: impl IntoIterator<Item = SortOptions>) -> Result<Self> {
        let fields = columns.iter().zip(options);
        let fields = fields.map(|(key, options)| SortField::new_with_options(key.data_type().clone(), options));
        let converter = RowConverter::new(fields.collect()).map_err(arrow_error)?;
        let rows = converter.convert_columns(columns).map_err(arrow_error)?;
        // What begins alike is compared in full, unless there is no more of it.
        let mut lengths = rows.iter().map(|row| row.data().len());
        let all_there = lengths.next().is_none_or(|first| first <= PREFIX_BYTES && lengths.all(|other| other == first));
        Ok(Comparable { rows, all_there })
    }

    /// All rows, as they come.
    pub fn items(&self) -> Vec<Item> {
        self.rows.iter().zip(0..).map(|(row, place)| Item::of(row.data(), place)).collect()
    }

    /// The order of two rows.
    #[inline]
    pub fn compare(&self, a: &Item, b: &Item) -> Ordering {
        match a.prefix.cmp(&b.prefix) {
            Ordering::Equal if !self.all_there => self.rows.row(a.place as usize).cmp(&self.rows.row(b.place as usize)),
            order => order,
        }
    }
}

impl Item {
    fn of(key: &[u8], place: u32) -> Self {
        let mut prefix = [0; PREFIX_BYTES];
        let length = key.len().min(PREFIX_BYTES);
        prefix[..length].copy_from_slice(&key[..length]);
        Item { prefix: u128::from_be_bytes(prefix), place }
    }
}

impl Cursor for SortCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        if self.sorted.is_none() {
            self.sorted = Some(self.sort(rt)?);
            self.next = 0;
        }
        let sorted = self.sorted.as_ref().ok_or_else(|| Error::internal("sort lost its rows"))?;
        let rows = (sorted.rows - self.next).min(BATCH_ROWS);
        let from = self.next;
        self.next += rows;
        Ok((rows > 0).then(|| sorted.slice(from, rows)))
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.sorted = None;
        self.input.rescan(rt)
    }
}
