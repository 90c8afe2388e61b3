//! ORDER BY, whole or only its first rows.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
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

/// Rows beyond those wanted that are collected before the worst are thrown away.
const SLACK_ROWS: usize = 8 * BATCH_ROWS;

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
        while let Some(chunk) = self.input.next(rt)? {
            rows += chunk.rows;
            if wanted == usize::MAX {
                rt.charge(chunk.bytes())?;
            }
            held.push(chunk);
            if rows > wanted.saturating_add(SLACK_ROWS) {
                let best = self.first(&held, wanted, rt)?;
                rows = best.rows;
                held = vec![best];
            }
        }
        self.first(&held, wanted, rt)
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
        let rows = comparable(keys, &self.node.keys)?;
        let mut places: Vec<u32> = (0..rows.num_rows() as u32).collect();
        let by_row = |a: &u32, b: &u32| rows.row(*a as usize).cmp(&rows.row(*b as usize)).then(a.cmp(b));
        if wanted < places.len() {
            if wanted > 0 {
                places.select_nth_unstable_by(wanted - 1, by_row);
            }
            places.truncate(wanted);
        }
        places.sort_unstable_by(by_row);
        Ok(UInt32Array::from(places))
    }
}

/// The keys of a batch as columns that Arrow orders.
pub(super) fn key_columns(keys: &[SortKey], batch: Batch<'_>) -> Result<Vec<ArrayRef>> {
    keys.iter().map(|key| key.form.apply(key.vector.array(batch)?, key.physical)).collect()
}

/// Key columns as bytes that order row by row.
fn comparable(columns: &[ArrayRef], keys: &[SortKey]) -> Result<Rows> {
    let fields = columns.iter().zip(keys);
    let fields = fields.map(|(key, spec)| SortField::new_with_options(key.data_type().clone(), spec.options));
    let converter = RowConverter::new(fields.collect()).map_err(arrow_error)?;
    converter.convert_columns(columns).map_err(arrow_error)
}

/// The places of all rows in the order of some key columns; equal rows have the order that the row engine gives them.
pub(super) fn places(columns: &[ArrayRef], keys: &[SortKey]) -> Result<UInt32Array> {
    let rows = comparable(columns, keys)?;
    let mut items: Vec<Item> = rows.iter().zip(0..).map(|(row, place)| Item::of(row.data(), place)).collect();
    // What begins alike is compared in full, unless there is no more of it.
    let mut lengths = rows.iter().map(|row| row.data().len());
    let all_there = lengths.next().is_none_or(|first| first <= PREFIX_BYTES && lengths.all(|other| other == first));
    quicksort(&mut items, &|a: &Item, b: &Item| match a.prefix.cmp(&b.prefix) {
        Ordering::Equal if !all_there => rows.row(a.place as usize).cmp(&rows.row(b.place as usize)),
        order => order,
    });
    Ok(UInt32Array::from_iter_values(items.iter().map(|item| item.place)))
}

/// A row to sort, with the first bytes of its keys, so that few comparisons have to look elsewhere.
struct Item {
    prefix: u128,
    place: u32,
}

const PREFIX_BYTES: usize = size_of::<u128>();

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
