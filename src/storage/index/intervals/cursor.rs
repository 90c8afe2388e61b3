//! A walk through a tree of boxes, entry by entry, over the tree as it was when the walk began.
//!
//! What is nearest comes first: what has not been looked into yet is kept by a distance that no entry in it is below. Where
//! all distances are the same, entries come in the order of the tree, those of a small one in the order of the rows, as they
//! would from one page of PostgreSQL's; by distance, of equally near ones the last row comes first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use dictdb_types::RowId;

use super::tree::{Node, RegionIndex};
use super::{Interval, Region, RegionQuery, may_satisfy};

/// So many entries are on one page.
const PAGE_ENTRIES: usize = 128;

/// How far a box is: no value in it is nearer.
pub type RegionDistance<'d> = &'d dyn Fn(&[Interval]) -> f64;

/// The walk.
#[derive(Debug)]
pub struct RegionCursor {
    query: RegionQuery,
    waiting: BinaryHeap<Waiting>,
    is_exact: bool,
    is_small: bool,
    by_distance: bool,
    /// Counts what is put to wait: of what is equally far the last comes first.
    pushed: u64,
}

/// What has not been looked into.
#[derive(Debug)]
struct Waiting {
    distance: f64,
    number: u64,
    node: Arc<Node>,
    /// Of a leaf one entry; otherwise all of the node.
    entry: Option<usize>,
}

/// An entry that may satisfy the query.
#[derive(Debug)]
pub struct RegionEntry {
    leaf: Arc<Node>,
    at: usize,
}

impl RegionEntry {
    /// The box.
    pub fn region(&self) -> &[Interval] {
        self.get().map_or(&[], |(region, _)| region)
    }

    /// The row.
    pub fn row(&self) -> Option<RowId> {
        self.get().map(|(_, row)| *row)
    }

    fn get(&self) -> Option<&(Region, RowId)> {
        match &*self.leaf {
            Node::Leaf(entries) => entries.get(self.at),
            Node::Inner(_) => None,
        }
    }
}

impl RegionCursor {
    pub(in crate::index) fn new(
        index: &RegionIndex,
        stale: &AtomicUsize,
        query: RegionQuery,
        by_distance: bool,
    ) -> Self {
        let (node, entries, is_exact) = index.root(stale);
        let root = Waiting { distance: f64::NEG_INFINITY, number: 0, node, entry: None };
        let is_small = entries <= PAGE_ENTRIES;
        RegionCursor { query, waiting: BinaryHeap::from([root]), is_exact, is_small, by_distance, pushed: 0 }
    }

    /// Whether all rows had the boxes of their entries for everybody when the walk began.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// A distance that no further entry is below; `None` at the end.
    pub fn bound(&self) -> Option<f64> {
        self.waiting.peek().map(|next| next.distance)
    }

    /// The next entry.
    pub fn next(&mut self, distance: RegionDistance<'_>) -> Option<RegionEntry> {
        loop {
            let Waiting { node, entry, .. } = self.waiting.pop()?;
            if let Some(at) = entry {
                return Some(RegionEntry { leaf: node, at });
            }
            if self.is_small {
                self.wait_in_order(&node, distance);
                continue;
            }
            match &*node {
                Node::Leaf(entries) => {
                    for (at, (region, _)) in entries.iter().enumerate().rev() {
                        self.wait(region, &node, Some(at), distance);
                    }
                }
                Node::Inner(children) => {
                    for (region, child) in children.iter().rev() {
                        self.wait(region, child, None, distance);
                    }
                }
            }
        }
    }

    /// All entries of a node, by their rows.
    fn wait_in_order(&mut self, root: &Arc<Node>, distance: RegionDistance<'_>) {
        let mut entries = Vec::new();
        let mut nodes = vec![root];
        while let Some(node) = nodes.pop() {
            match &**node {
                Node::Leaf(own) => entries.extend(own.iter().enumerate().map(|(at, entry)| (entry, node, at))),
                Node::Inner(children) => nodes.extend(children.iter().map(|(_, child)| child)),
            }
        }
        entries.sort_unstable_by_key(|((_, row), ..)| *row);
        if !self.by_distance {
            // What waits last comes first.
            entries.reverse();
        }
        for ((region, _), node, at) in entries {
            self.wait(region, node, Some(at), distance);
        }
    }

    fn wait(&mut self, region: &Region, node: &Arc<Node>, entry: Option<usize>, distance: RegionDistance<'_>) {
        if may_satisfy(region, &self.query) {
            self.pushed += 1;
            let (distance, number) = (distance(region), self.pushed);
            self.waiting.push(Waiting { distance, number, node: node.clone(), entry });
        }
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.distance.total_cmp(&self.distance).then_with(|| self.number.cmp(&other.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

#[cfg(test)]
mod tests {
    use super::super::write_interval;
    use super::*;

    fn index(values: impl Iterator<Item = u8>) -> RegionIndex {
        let index = RegionIndex::default();
        for (row, value) in values.enumerate() {
            let mut key = Vec::new();
            write_interval(&[value], &[value], &mut key);
            index.insert(&key, RowId(row as u64));
        }
        index
    }

    fn distance_to(place: f64) -> impl Fn(&[Interval]) -> f64 {
        move |region| {
            let end = |bytes: &[u8]| f64::from(bytes[0]);
            (end(&region[0].low) - place).max(place - end(&region[0].high)).max(0.0)
        }
    }

    #[test]
    fn what_is_nearest_comes_first() {
        let index = index((0..200).map(|n| (n * 7 % 200) as u8));
        let distance = distance_to(100.0);
        let mut cursor = RegionCursor::new(&index, &AtomicUsize::new(0), vec![vec![]], true);
        assert!(cursor.is_exact());
        let mut last = 0.0;
        let mut found = 0;
        while let Some(entry) = cursor.next(&distance) {
            let own = distance(entry.region());
            assert!(own >= last && cursor.bound().is_none_or(|bound| bound >= own));
            (last, found) = (own, found + 1);
        }
        assert_eq!(found, 200);
    }

    #[test]
    fn a_walk_does_not_see_what_changes() {
        let index = index(0..100);
        let mut cursor = RegionCursor::new(&index, &AtomicUsize::new(1), vec![vec![]], false);
        assert!(!cursor.is_exact());
        let mut key = Vec::new();
        write_interval(&[50], &[50], &mut key);
        index.remove_if(&key, RowId(50), || true);
        index.insert(&key, RowId(1000));
        let mut rows = Vec::new();
        while let Some(entry) = cursor.next(&|_| 0.0) {
            rows.extend(entry.row());
        }
        rows.sort_unstable();
        assert_eq!(rows, (0..100).map(RowId).collect::<Vec<_>>());
        assert_eq!(index.entries(), 100);
    }
}
