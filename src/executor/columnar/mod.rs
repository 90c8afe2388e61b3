//! Plans run a batch of columns at a time: scans, filters, joins and aggregates over many rows.
//!
//! The operators mirror those of [`crate::row`]: a compiled [`Node`] shared by all executions, a [`Cursor`] of one. Both
//! engines meet in one plan: [`source`] makes rows of batches, [`of_rows`] batches of rows, and [`choose`] says where. Columns are
//! laid out as [`Physical`] says, in batches and in storage alike, so that a scan shares the table's memory.
//!
//! Hash joins are DataFusion's operator, built for each execution over our cursors; grouping uses its hash tables. An
//! execution pulls on one thread; nothing here spawns.

pub(crate) mod aggregate;
mod append;
pub(crate) mod choose;
mod compile;
mod counting;
pub(crate) mod cte;
mod error;
mod filter;
mod gate;
mod join;
mod key;
mod limit;
mod numbers;
pub(crate) mod of_rows;
mod project;
mod scan;
mod sort;
pub(crate) mod source;
mod vector;
mod window;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, MAX_INLINE_VIEW_LEN, UInt32Array};
use arrow::compute;
use arrow::datatypes::DataType;
use dictdb_types::{Physical, Result};

pub(crate) use compile::{compile, is_columnar};

use self::error::arrow_error;
use crate::runtime::Runtime;

/// Some rows as columns of equal length.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    /// The columns.
    pub columns: Vec<ArrayRef>,
    /// Number of rows, also when there is no column.
    pub rows: usize,
}

/// The compiled half of a columnar operator.
pub(crate) trait Node: Send + Sync + std::fmt::Debug {
    /// Begins an execution.
    fn open(self: Arc<Self>) -> Box<dyn Cursor>;

    /// Layouts of the output columns.
    fn columns(&self) -> &[Physical];
}

/// The running half of a columnar operator.
pub(crate) trait Cursor: Send {
    /// The next rows, at least one; `None` at the end. Not called again after the end, except after a rescan.
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>>;

    /// Starts again. Outer slots may have changed.
    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()>;
}

impl Chunk {
    /// The rows for which the mask is true.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Chunk> {
        let predicate = compute::FilterBuilder::new(mask).optimize().build();
        let columns = self.columns.iter().map(|column| predicate.filter(column));
        Ok(Chunk { columns: columns.collect::<Result<_, _>>().map_err(arrow_error)?, rows: predicate.count() })
    }

    /// The rows at these places.
    pub fn take(&self, places: &UInt32Array) -> Result<Chunk> {
        let columns = compute::take_arrays(&self.columns, places, None).map_err(arrow_error)?;
        Ok(Chunk { columns, rows: places.len() })
    }

    /// A run of rows.
    pub fn slice(&self, offset: usize, rows: usize) -> Chunk {
        Chunk { columns: self.columns.iter().map(|column| column.slice(offset, rows)).collect(), rows }
    }

    /// Approximate memory of these rows alone: a slice shares its memory with others.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(bytes_of_rows).sum()
    }
}

/// Approximate memory of the values of a column, which may stand in the midst of more.
fn bytes_of_rows(column: &ArrayRef) -> usize {
    let long = match column.data_type() {
        DataType::Utf8View => long_bytes(column.as_string_view().views()),
        DataType::BinaryView => long_bytes(column.as_binary_view().views()),
        _ => return column.to_data().get_slice_memory_size().unwrap_or_default(),
    };
    column.len() * size_of::<u128>() + long
}

/// Bytes of values that do not stand in their views; a view begins with the length.
fn long_bytes(views: &[u128]) -> usize {
    let lengths = views.iter().map(|view| *view as u32);
    lengths.filter(|length| *length > MAX_INLINE_VIEW_LEN).map(|length| length as usize).sum()
}

/// Puts chunks of one shape after each other.
pub(crate) fn concat(chunks: &[Chunk], physical: &[Physical]) -> Result<Chunk> {
    if let [one] = chunks {
        return Ok(one.clone());
    }
    let mut columns = Vec::with_capacity(physical.len());
    for (index, physical) in physical.iter().enumerate() {
        let parts: Vec<_> = chunks.iter().filter_map(|chunk| chunk.columns.get(index)).map(|part| &**part).collect();
        columns.push(match parts.is_empty() {
            true => arrow::array::new_empty_array(&dictdb_types::arrow::data_type(*physical)),
            false => compute::concat(&parts).map_err(arrow_error)?,
        });
    }
    Ok(Chunk { columns, rows: chunks.iter().map(|chunk| chunk.rows).sum() })
}
