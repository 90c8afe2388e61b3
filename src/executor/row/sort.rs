//! ORDER BY, whole or only its first rows.

use std::cmp::Ordering;
use std::sync::Arc;

use dictdb_types::Result;

use super::limit::row_count;
use super::quicksort::{FirstRows, quicksort};
use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope};
use crate::keys::{OrderKey, compare_values, order_values};
use crate::runtime::Runtime;

/// Sort.
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

/// A row with its key values.
struct Item {
    values: Row,
    row: Row,
}

impl SortCursor {
    fn sort(&mut self, rt: &Runtime) -> Result<Vec<Item>> {
        let wanted = match &self.node.fetch {
            Some(fetch) => row_count(fetch, Scope::new(rt, &[]), "LIMIT")?,
            None => None,
        };
        let keys = self.node.keys.clone();
        let compare = |a: &Item, b: &Item| compare_values(&keys, &a.values, &b.values);
        match wanted {
            Some(wanted) => self.first(rt, usize::try_from(wanted).unwrap_or(usize::MAX), compare),
            None => self.all(rt, compare),
        }
    }

    fn all(&mut self, rt: &Runtime, compare: impl Fn(&Item, &Item) -> Ordering) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        while let Some(item) = self.item(rt, items.len())? {
            rt.charge_row(&item.row)?;
            items.push(item);
        }
        quicksort(&mut items, &compare);
        Ok(items)
    }

    fn first(&mut self, rt: &Runtime, wanted: usize, compare: impl Fn(&Item, &Item) -> Ordering) -> Result<Vec<Item>> {
        let mut first = FirstRows::new(wanted);
        let mut position = 0;
        while let Some(item) = self.item(rt, position)? {
            position += 1;
            if first.grows() {
                rt.charge_row(&item.row)?;
            }
            first.push(item, &compare);
        }
        Ok(first.into_sorted(&compare))
    }

    fn item(&mut self, rt: &Runtime, position: usize) -> Result<Option<Item>> {
        let mut row = Row::new();
        if !self.input.next(rt, &mut row)? {
            return Ok(None);
        }
        rt.tick(position)?;
        let values = order_values(&self.node.keys, Scope::new(rt, &row))?;
        Ok(Some(Item { values, row }))
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
