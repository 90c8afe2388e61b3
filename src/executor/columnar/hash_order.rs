//! Groups in the order of PostgreSQL's hash tables: few of them, which the input gives all at once.

use std::sync::Arc;

use arrow::array::UInt32Array;
use dictdb_types::arrow::ColumnReader;
use dictdb_types::{Datum, Physical, Result};

use super::{Chunk, Cursor, Node};
use crate::hash_table::{self, MOST_GROUPS};
use crate::runtime::Runtime;

pub(crate) type HashOrder = hash_table::HashOrder<dyn Node>;

impl Node for HashOrder {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(HashOrderCursor { input: self.input.clone().open(), node: self, begun: false })
    }

    fn columns(&self) -> &[Physical] {
        self.input.columns()
    }
}

struct HashOrderCursor {
    node: Arc<HashOrder>,
    input: Box<dyn Cursor>,
    begun: bool,
}

impl HashOrderCursor {
    fn ordered(&self, chunk: Chunk, rt: &Runtime) -> Result<Chunk> {
        let columns = chunk.columns.iter().zip(self.node.columns());
        let readers: Vec<ColumnReader<'_>> =
            columns.map(|(array, physical)| ColumnReader::new(array, *physical)).collect::<Result<_>>()?;
        let value = |column: usize, row| readers.get(column).map_or(Ok(Datum::Null), |reader| reader.get(row));
        let hashes = (0..chunk.rows).map(|row| self.node.table.hash(rt, |column| value(column, row)));
        match hashes.collect::<Result<Vec<u32>>>() {
            Ok(hashes) => chunk.take(&UInt32Array::from(self.node.table.order(&hashes))),
            Err(_) => Ok(chunk),
        }
    }
}

impl Cursor for HashOrderCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        let is_first = !std::mem::replace(&mut self.begun, true);
        match self.input.next(rt)? {
            Some(chunk) if is_first && chunk.rows <= MOST_GROUPS => self.ordered(chunk, rt).map(Some),
            other => Ok(other),
        }
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.begun = false;
        self.input.rescan(rt)
    }
}
