//! ORDER BY, whole or only its first rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::{self, SortOptions};
use arrow::row::{RowConverter, SortField};
use dictdb_types::{Error, Physical, Result};

use super::error::arrow_error;
use super::key::KeyForm;
use super::vector::{Batch, Vector};
use super::{Chunk, Cursor, Node, concat};
use crate::engine::BATCH_ROWS;
use crate::eval::{Code, Scope};
use crate::row::limit::row_count;
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
        let batch = Batch { columns: &all.columns, rows: all.rows, rt };
        let keys = self.node.keys.iter().map(|key| key.form.apply(key.vector.array(batch)?, key.physical));
        let keys: Vec<ArrayRef> = keys.collect::<Result<_>>()?;
        all.take(&self.order(&keys, wanted)?)
    }

    /// The places of the first rows by some key columns.
    fn order(&self, keys: &[ArrayRef], wanted: usize) -> Result<UInt32Array> {
        if let ([key], [spec]) = (keys, &*self.node.keys) {
            let limit = (wanted != usize::MAX).then_some(wanted);
            return compute::sort_to_indices(key, Some(spec.options), limit).map_err(arrow_error);
        }
        let fields = keys.iter().zip(&self.node.keys);
        let fields = fields.map(|(key, spec)| SortField::new_with_options(key.data_type().clone(), spec.options));
        let converter = RowConverter::new(fields.collect()).map_err(arrow_error)?;
        let rows = converter.convert_columns(keys).map_err(arrow_error)?;
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
