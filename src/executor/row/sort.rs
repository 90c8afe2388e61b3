//! ORDER BY, whole or only its first rows.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use dictdb_types::Result;

use super::limit::row_count;
use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope};
use crate::keys::{OrderKey, compare_values, order_values};
use crate::runtime::Runtime;

/// Sort. Rows with equal keys keep their order.
#[derive(Debug)]
pub(crate) struct Sort {
    /// Input.
    pub input: Arc<dyn Node>,
    /// The keys.
    pub keys: Arc<[OrderKey]>,
    /// How many rows are wanted.
    pub fetch: Option<Code>,
}

impl Node for Sort {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(SortCursor { node: self, input, sorted: None })
    }
}

struct SortCursor {
    node: Arc<Sort>,
    input: Box<dyn Cursor>,
    sorted: Option<std::vec::IntoIter<Item>>,
}

/// A row with its key values and its place in the input.
struct Item {
    keys: Arc<[OrderKey]>,
    values: Row,
    position: usize,
    row: Row,
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_values(&self.keys, &self.values, &other.values).then(self.position.cmp(&other.position))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Item {}

impl SortCursor {
    fn sort(&mut self, rt: &Runtime) -> Result<Vec<Item>> {
        let wanted = match &self.node.fetch {
            Some(fetch) => row_count(fetch, Scope::new(rt, &[]), "LIMIT")?,
            None => None,
        };
        match wanted {
            Some(wanted) => self.first(rt, wanted),
            None => self.all(rt),
        }
    }

    fn all(&mut self, rt: &Runtime) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        while let Some(item) = self.item(rt, items.len())? {
            rt.charge_row(&item.row)?;
            items.push(item);
        }
        items.sort_unstable();
        Ok(items)
    }

    /// The first rows, with a heap of no more than are wanted.
    fn first(&mut self, rt: &Runtime, wanted: u64) -> Result<Vec<Item>> {
        let mut heap = BinaryHeap::new();
        let mut position = 0;
        while let Some(item) = self.item(rt, position)? {
            position += 1;
            if (heap.len() as u64) < wanted {
                rt.charge_row(&item.row)?;
                heap.push(item);
            } else if heap.peek().is_some_and(|last| item < *last) {
                heap.pop();
                heap.push(item);
            }
        }
        Ok(heap.into_sorted_vec())
    }

    fn item(&mut self, rt: &Runtime, position: usize) -> Result<Option<Item>> {
        let mut row = Row::new();
        if !self.input.next(rt, &mut row)? {
            return Ok(None);
        }
        rt.tick(position)?;
        let values = order_values(&self.node.keys, Scope::new(rt, &row))?;
        Ok(Some(Item { keys: self.node.keys.clone(), values, position, row }))
    }
}

impl Cursor for SortCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if self.sorted.is_none() {
            self.sorted = Some(self.sort(rt)?.into_iter());
        }
        match self.sorted.as_mut().and_then(Iterator::next) {
            Some(item) => {
                *row = item.row;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.sorted = None;
        self.input.rescan(rt)
    }
}
