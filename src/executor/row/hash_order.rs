//! Groups in the order of PostgreSQL's hash tables: rows, all read before the first one is given.

use std::sync::Arc;

use dictdb_types::{Datum, Result};

use super::{Cursor, Node, Row};
use crate::hash_table::{HashTable, MOST_GROUPS};
use crate::runtime::Runtime;

/// Distinct rows that come, if they are not too many, in the order of a hash table.
#[derive(Debug)]
pub(crate) struct HashOrder {
    /// The operator that gives them.
    pub input: Arc<dyn Node>,
    /// The table.
    pub table: HashTable,
}

impl Node for HashOrder {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(HashOrderCursor { node: self, input, rows: None })
    }
}

struct HashOrderCursor {
    node: Arc<HashOrder>,
    input: Box<dyn Cursor>,
    /// The rows read, last first.
    rows: Option<Vec<Row>>,
}

impl HashOrderCursor {
    fn read(&mut self, rt: &Runtime) -> Result<Vec<Row>> {
        let (mut rows, mut row) = (Vec::new(), Row::new());
        while rows.len() <= MOST_GROUPS {
            if !self.input.next(rt, &mut row)? {
                return ordered(&self.node.table, rows, rt);
            }
            rt.charge_row(&row)?;
            rows.push(std::mem::take(&mut row));
        }
        rows.reverse();
        Ok(rows)
    }
}

/// All rows, last first.
fn ordered(table: &HashTable, mut rows: Vec<Row>, rt: &Runtime) -> Result<Vec<Row>> {
    let hash = |row: &Row| table.hash(rt, |column| Ok(row.get(column).cloned().unwrap_or(Datum::Null)));
    let Ok(hashes) = rows.iter().map(hash).collect::<Result<Vec<u32>>>() else {
        rows.reverse();
        return Ok(rows);
    };
    Ok(table.order(&hashes).into_iter().rev().map(|number| std::mem::take(&mut rows[number as usize])).collect())
}

impl Cursor for HashOrderCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if self.rows.is_none() {
            self.rows = Some(self.read(rt)?);
        }
        match self.rows.as_mut().and_then(Vec::pop) {
            Some(next) => {
                *row = next;
                Ok(true)
            }
            None => self.input.next(rt, row),
        }
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.rows = None;
        self.input.rescan(rt)
    }
}
