//! A summary of each block of rows: the box around the keys of all its rows. It only grows until the index is built anew.

use dictdb_types::RowId;
use parking_lot::RwLock;

use super::super::row_set::RowSet;
use super::{Region, RegionQuery, contains, may_satisfy, region, widen};
use crate::block::{BLOCK_ROWS, BLOCK_SHIFT};

/// Boxes by block; none for a block without rows.
#[derive(Debug, Default)]
pub(in crate::index) struct BlockIndex(RwLock<Vec<Option<Region>>>);

impl BlockIndex {
    /// The same boxes.
    pub(in crate::index) fn copy(&self) -> Self {
        BlockIndex(RwLock::new(self.0.read().clone()))
    }

    pub(in crate::index) fn holds(&self, key: &[u8], row: RowId) -> bool {
        let blocks = self.0.read();
        let summary = blocks.get((row.0 >> BLOCK_SHIFT) as usize).and_then(Option::as_ref);
        summary.is_some_and(|summary| contains(summary, &region(key)))
    }

    pub(in crate::index) fn insert(&self, key: &[u8], row: RowId) {
        let block = (row.0 >> BLOCK_SHIFT) as usize;
        let own = region(key);
        if let Some(Some(known)) = self.0.read().get(block)
            && contains(known, &own)
        {
            return;
        }
        let mut blocks = self.0.write();
        if blocks.len() <= block {
            blocks.resize(block + 1, None);
        }
        match &mut blocks[block] {
            Some(known) => widen(known, &own),
            none => *none = Some(own),
        }
    }

    /// All rows of the blocks that may have some.
    pub(in crate::index) fn search(&self, query: &RegionQuery) -> RowSet {
        let mut rows = RowSet::default();
        for (block, summary) in self.0.read().iter().enumerate() {
            if summary.as_ref().is_some_and(|summary| may_satisfy(summary, query)) {
                rows.add_block(block, BLOCK_ROWS);
            }
        }
        rows
    }

    pub(in crate::index) fn blocks(&self) -> usize {
        self.0.read().iter().flatten().count()
    }

    pub(in crate::index) fn bytes(&self) -> usize {
        let of = |region: &Region| {
            region.iter().map(|interval| 32 + interval.low.len() + interval.high.len()).sum::<usize>()
        };
        self.0.read().iter().map(|summary| 16 + summary.as_ref().map_or(0, of)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AxisQuery, write_interval};
    use super::*;

    #[test]
    fn blocks_are_found_by_what_is_in_them() {
        let index = BlockIndex::default();
        for (row, value) in [(1, b'b'), (2, b'd'), (5000, b'f')] {
            let mut key = Vec::new();
            write_interval(&[value], &[value], &mut key);
            index.insert(&key, RowId(row));
        }
        let found = |value: u8| {
            let query = AxisQuery { axis: 0, begins_by: Some(vec![value]), ends_from: Some(vec![value]) };
            let rows = index.search(&vec![vec![query]]);
            (rows.contains(RowId(1)), rows.contains(RowId(5000)))
        };
        assert_eq!(
            [found(b'a'), found(b'c'), found(b'e'), found(b'f')],
            [(false, false), (true, false), (false, false), (false, true)]
        );
        assert_eq!(index.blocks(), 2);
    }
}
