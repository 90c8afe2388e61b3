//! A tree of boxes in boxes (an R-tree): an inner node has for each child the box around all that is below it.
//!
//! A new box goes down where it enlarges boxes least; a full node is cut in the middle of the axis on which its boxes lie
//! farthest apart. Boxes around removed ones are made smaller on the way back.
//!
//! Nodes are shared with copies and with cursors, which read the tree as it was when they began: a change copies those on its way
//! that others have too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dictdb_types::RowId;
use parking_lot::RwLock;

use super::super::row_set::RowSet;
use super::{Region, RegionQuery, contains, may_satisfy, region, widen};

/// Entries of a node.
const CAPACITY: usize = 32;

/// The tree behind its latch.
#[derive(Debug, Default)]
pub(in crate::index) struct RegionIndex(RwLock<Tree>);

#[derive(Clone, Debug, Default)]
struct Tree {
    root: Arc<Node>,
    entries: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(Vec<(Region, RowId)>),
    Inner(Vec<(Region, Arc<Node>)>),
}

impl Default for Node {
    fn default() -> Self {
        Node::Leaf(Vec::new())
    }
}

impl RegionIndex {
    /// The same entries.
    pub(in crate::index) fn copy(&self) -> Self {
        RegionIndex(RwLock::new(self.0.read().clone()))
    }

    pub(in crate::index) fn holds(&self, key: &[u8], row: RowId) -> bool {
        self.0.read().root.has(&region(key), row)
    }

    /// Adds an entry. One that exists already is left alone.
    pub(in crate::index) fn insert(&self, key: &[u8], row: RowId) {
        let own = region(key);
        let mut tree = self.0.write();
        if tree.root.has(&own, row) {
            return;
        }
        tree.entries += 1;
        if let Some(sibling) = Arc::make_mut(&mut tree.root).insert(own, row) {
            let halves = [std::mem::take(&mut tree.root), Arc::new(sibling)];
            let halves = halves.into_iter().filter_map(|node| Some((node.bounds()?, node)));
            tree.root = Arc::new(Node::Inner(halves.collect()));
        }
    }

    /// Removes an entry if `dead`, which runs under the latch, says so.
    pub(in crate::index) fn remove_if(&self, key: &[u8], row: RowId, dead: impl FnOnce() -> bool) {
        let own = region(key);
        let mut tree = self.0.write();
        if !dead() || !tree.root.has(&own, row) {
            return;
        }
        Arc::make_mut(&mut tree.root).remove(&own, row);
        tree.entries -= 1;
        while let Node::Inner(children) = &*tree.root {
            match children.as_slice() {
                [] => tree.root = Arc::default(),
                [(_, only)] => tree.root = only.clone(),
                _ => break,
            }
        }
    }

    pub(in crate::index) fn search(&self, query: &RegionQuery) -> RowSet {
        let mut rows = RowSet::default();
        self.0.read().root.search(query, &mut rows);
        rows
    }

    /// The entries as they are now and how many these are, and whether `stale` is zero while that is so.
    pub(super) fn root(&self, stale: &AtomicUsize) -> (Arc<Node>, usize, bool) {
        let tree = self.0.read();
        (tree.root.clone(), tree.entries, stale.load(Ordering::SeqCst) == 0)
    }

    pub(in crate::index) fn entries(&self) -> usize {
        self.0.read().entries
    }

    pub(in crate::index) fn bytes(&self) -> usize {
        self.0.read().root.bytes()
    }
}

impl Node {
    fn len(&self) -> usize {
        match self {
            Node::Leaf(entries) => entries.len(),
            Node::Inner(children) => children.len(),
        }
    }

    /// The box around everything.
    fn bounds(&self) -> Option<Region> {
        let around = |mut regions: Box<dyn Iterator<Item = &Region> + '_>| {
            let first = regions.next()?.clone();
            Some(regions.fold(first, |mut bounds, next| {
                widen(&mut bounds, next);
                bounds
            }))
        };
        match self {
            Node::Leaf(entries) => around(Box::new(entries.iter().map(|(region, _)| region))),
            Node::Inner(children) => around(Box::new(children.iter().map(|(region, _)| region))),
        }
    }

    fn has(&self, own: &Region, row: RowId) -> bool {
        match self {
            Node::Leaf(entries) => entries.iter().any(|(region, other)| *other == row && region == own),
            Node::Inner(children) => {
                children.iter().any(|(region, child)| contains(region, own) && child.has(own, row))
            }
        }
    }

    /// Adds an entry below; the other half if the node had to be cut.
    fn insert(&mut self, own: Region, row: RowId) -> Option<Node> {
        match self {
            Node::Leaf(entries) => entries.push((own, row)),
            Node::Inner(children) => {
                let at = least_enlarged(children, &own);
                let (bounds, child) = &mut children[at];
                widen(bounds, &own);
                if let Some(sibling) = Arc::make_mut(child).insert(own, row) {
                    if let Some(own) = child.bounds() {
                        *bounds = own;
                    }
                    children.extend(sibling.bounds().map(|bounds| (bounds, Arc::new(sibling))));
                }
            }
        }
        (self.len() > CAPACITY).then(|| self.cut())
    }

    fn cut(&mut self) -> Node {
        match self {
            Node::Leaf(entries) => Node::Leaf(second_half(entries)),
            Node::Inner(children) => Node::Inner(second_half(children)),
        }
    }

    /// Whether the entry was there.
    fn remove(&mut self, own: &Region, row: RowId) -> bool {
        match self {
            Node::Leaf(entries) => {
                let found = entries.iter().position(|(region, other)| *other == row && region == own);
                found.map(|at| entries.swap_remove(at)).is_some()
            }
            Node::Inner(children) => {
                let holds = |(bounds, child): &(Region, Arc<Node>)| contains(bounds, own) && child.has(own, row);
                let Some(at) = children.iter().position(holds) else { return false };
                Arc::make_mut(&mut children[at].1).remove(own, row);
                match children[at].1.bounds() {
                    Some(bounds) => children[at].0 = bounds,
                    None => drop(children.swap_remove(at)),
                }
                true
            }
        }
    }

    fn search(&self, query: &RegionQuery, rows: &mut RowSet) {
        match self {
            Node::Leaf(entries) => {
                for (_, row) in entries.iter().filter(|(region, _)| may_satisfy(region, query)) {
                    rows.insert(*row);
                }
            }
            Node::Inner(children) => {
                let found = children.iter().filter(|(bounds, _)| may_satisfy(bounds, query));
                found.for_each(|(_, child)| child.search(query, rows));
            }
        }
    }

    fn bytes(&self) -> usize {
        let of = |region: &Region| {
            region.iter().map(|interval| 32 + interval.low.len() + interval.high.len()).sum::<usize>()
        };
        match self {
            Node::Leaf(entries) => entries.iter().map(|(region, _)| 24 + of(region)).sum(),
            Node::Inner(children) => children.iter().map(|(region, child)| 48 + of(region) + child.bytes()).sum(),
        }
    }
}

/// The child whose box grows least, measured on each axis against the extent of all children.
fn least_enlarged(children: &[(Region, Arc<Node>)], own: &Region) -> usize {
    let extents: Vec<f64> = (0..own.len())
        .map(|axis| {
            let ends = children.iter().filter_map(|(bounds, _)| Some(bounds.get(axis)?.measure()));
            let (low, high) = ends.fold((f64::MAX, f64::MIN), |(low, high), (from, to)| (low.min(from), high.max(to)));
            (high - low).max(f64::MIN_POSITIVE)
        })
        .collect();
    let growth = |bounds: &Region| -> (f64, f64) {
        bounds.iter().zip(own.iter()).zip(&extents).fold((0.0, 0.0), |(growth, size), ((bounds, own), extent)| {
            let ((low, high), (from, to)) = (bounds.measure(), own.measure());
            let width = high - low;
            let grown = high.max(to) - low.min(from);
            (growth + (grown - width) / extent, size + width / extent)
        })
    };
    let grown = children.iter().enumerate().map(|(at, (bounds, _))| (growth(bounds), at));
    let least = grown.min_by(|((a, a_size), _), ((b, b_size), _)| a.total_cmp(b).then(a_size.total_cmp(b_size)));
    least.map_or(0, |(_, at)| at)
}

/// Cuts entries in the middle of the axis on which their centres lie farthest apart, for their size.
fn second_half<T>(entries: &mut Vec<(Region, T)>) -> Vec<(Region, T)> {
    let axes = entries.first().map_or(0, |(region, _)| region.len());
    let spread = |axis: usize| {
        let ends = entries.iter().filter_map(|(region, _)| Some(region.get(axis)?.measure()));
        let (mut low, mut high, mut widths, mut first, mut last) = (f64::MAX, f64::MIN, 0.0, f64::MAX, f64::MIN);
        for (from, to) in ends {
            (low, high, widths) = (low.min(from), high.max(to), widths + (to - from));
            (first, last) = (first.min((from + to) / 2.0), last.max((from + to) / 2.0));
        }
        (last - first) / (high - low + widths / entries.len().max(1) as f64).max(f64::MIN_POSITIVE)
    };
    let axis = (0..axes).max_by(|a, b| spread(*a).total_cmp(&spread(*b))).unwrap_or(0);
    entries.sort_by(|(a, _), (b, _)| match (a.get(axis), b.get(axis)) {
        (Some(a), Some(b)) => {
            let centre = |(low, high): (f64, f64)| low + high;
            centre(a.measure()).total_cmp(&centre(b.measure())).then_with(|| a.compare(b))
        }
        _ => std::cmp::Ordering::Equal,
    });
    entries.split_off(entries.len() / 2)
}

#[cfg(test)]
mod tests {
    use super::super::{AxisQuery, write_interval};
    use super::*;

    fn key(low: u32, high: u32, y: u32) -> Vec<u8> {
        let bound = |value: u32| [&[2, 1][..], &value.to_be_bytes()].concat();
        let mut key = Vec::new();
        write_interval(&bound(low), &bound(high), &mut key);
        write_interval(&bound(y), &bound(y), &mut key);
        key
    }

    fn overlap(axis: usize, low: u32, high: u32) -> AxisQuery {
        let bound = |value: u32| [&[2, 1][..], &value.to_be_bytes()].concat();
        AxisQuery { axis, begins_by: Some(bound(high)), ends_from: Some(bound(low)) }
    }

    #[test]
    fn a_tree_agrees_with_a_list() {
        let index = RegionIndex::default();
        let entry = |n: u32| (n * 7919 % 5000, n * 7919 % 5000 + n % 40, n * 31 % 97);
        let mut kept: Vec<u32> = (0..3000).collect();
        for n in &kept {
            let (low, high, y) = entry(*n);
            index.insert(&key(low, high, y), RowId(u64::from(*n)));
            index.insert(&key(low, high, y), RowId(u64::from(*n)));
        }
        for round in 0..3 {
            assert_eq!(index.entries(), kept.len());
            for (from, to, y) in [(0, 10, 5), (1000, 1200, 50), (4990, 6000, 96), (0, 5000, 1)] {
                let found = index.search(&vec![vec![overlap(0, from, to), overlap(1, y, y + 3)]]);
                let inside = |n: &u32| {
                    let (low, high, own) = entry(*n);
                    low <= to && high >= from && own >= y && own <= y + 3
                };
                let expected: Vec<u32> = kept.iter().copied().filter(inside).collect();
                assert_eq!(found.len(), expected.len());
                assert!(expected.iter().all(|n| found.contains(RowId(u64::from(*n)))));
            }
            let gone = |n: &u32| n % 3 == round;
            for n in kept.iter().filter(|n| gone(n)) {
                let (low, high, y) = entry(*n);
                index.remove_if(&key(low, high, y), RowId(u64::from(*n)), || false);
                index.remove_if(&key(low, high, y), RowId(u64::from(*n)), || true);
            }
            kept.retain(|n| !gone(n));
        }
        assert_eq!((index.entries(), kept.len()), (0, 0));
        assert!(index.search(&vec![vec![]]).is_empty());
    }
}
