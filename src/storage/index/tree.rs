//! The ordered index: a B+tree over (key, row id) in two arenas, leaves and inner nodes.
//!
//! Nodes are behind `Arc` and copied on write, so that a copy of the tree is a copy of the arenas' pointers. One latch
//! guards the tree: it is held for a descent or a batch of entries.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicUsize};

use dictdb_types::RowId;
use parking_lot::RwLock;
use smallvec::SmallVec;

use super::RowIds;
use super::cursor::{Candidates, Direction, IndexRange, Position};
use super::node::{CAPACITY, Entries, Entry, Inner, Leaf, NONE, Probe};

/// A leaf with fewer entries is merged with its right neighbour where both fit well.
const UNDERFULL: usize = CAPACITY / 4;
const MERGED_MAX: usize = CAPACITY * 3 / 4;

/// The tree behind its latch.
#[derive(Debug, Default)]
pub(super) struct TreeIndex(RwLock<Tree>);

#[derive(Clone, Debug)]
pub(super) struct Tree {
    leaves: Arena<Leaf>,
    inners: Arena<Inner>,
    root: u32,
    /// Levels of inner nodes above the leaves.
    height: usize,
    entries: usize,
    distinct: usize,
    /// The leaf at the right end.
    last: u32,
    /// The last entry that came went to the right end: the next one may as well.
    grows: bool,
    /// Counts changes, so that cursors know whether their place is still theirs.
    pub(super) version: u64,
}

/// Inner nodes from the root down, with the child taken.
type Path = SmallVec<[(u32, usize); 8]>;

#[derive(Clone, Debug)]
struct Arena<T> {
    nodes: Vec<Arc<T>>,
    free: Vec<u32>,
}

impl<T: Clone> Arena<T> {
    fn get(&self, id: u32) -> &T {
        &self.nodes[id as usize]
    }

    fn get_mut(&mut self, id: u32) -> &mut T {
        Arc::make_mut(&mut self.nodes[id as usize])
    }

    fn add(&mut self, node: T) -> u32 {
        match self.free.pop() {
            Some(id) => {
                self.nodes[id as usize] = Arc::new(node);
                id
            }
            None => {
                self.nodes.push(Arc::new(node));
                (self.nodes.len() - 1) as u32
            }
        }
    }

    fn remove(&mut self, id: u32) {
        self.free.push(id);
    }

    fn live(&self) -> usize {
        self.nodes.len() - self.free.len()
    }
}

impl Default for Tree {
    fn default() -> Self {
        let mut leaves = Arena { nodes: Vec::new(), free: Vec::new() };
        let root = leaves.add(Leaf::default());
        let inners = Arena { nodes: Vec::new(), free: Vec::new() };
        Tree { leaves, inners, root, height: 0, entries: 0, distinct: 0, last: root, grows: false, version: 0 }
    }
}

impl TreeIndex {
    /// The same tree, of the same nodes.
    pub(super) fn copy(&self) -> Self {
        TreeIndex(RwLock::new(self.0.read().clone()))
    }

    pub(super) fn lookup(&self, key: &[u8], rows: &mut RowIds, stale: &AtomicUsize) -> bool {
        let tree = self.0.read();
        tree.equal(&Probe::new(key), |row| rows.push(row));
        stale.load(atomic::Ordering::Acquire) == 0
    }

    pub(super) fn holds(&self, key: &[u8], row: RowId) -> bool {
        let (tree, probe) = (self.0.read(), Probe::new(key));
        let entries = &tree.leaves.get(tree.descend(&probe, row.0)).entries;
        let at = entries.lower_bound(&probe, row.0);
        at < entries.len() && entries.row(at) == row.0 && entries.compare_key(at, &probe).is_eq()
    }

    pub(super) fn insert(&self, key: &[u8], row: RowId) {
        self.0.write().insert(&Probe::new(key), row.0);
    }

    pub(super) fn insert_unique<E>(
        &self,
        key: &[u8],
        row: RowId,
        admit: impl FnOnce(&[RowId]) -> Result<(), E>,
    ) -> Result<(), E> {
        let probe = Probe::new(key);
        let mut tree = self.0.write();
        if tree.grows && tree.append(&probe, row.0, true) {
            return Ok(());
        }
        let (leaf, path) = tree.descend_path(&probe, 0);
        let at = tree.leaves.get(leaf).entries.lower_bound(&probe, 0);
        let mut rows = RowIds::new();
        tree.equal_from(leaf, at, &probe, |row| rows.push(row));
        if rows.is_empty() && !tree.ends_with_key(&path, &probe) {
            // Before the place there are smaller keys, behind it larger ones: it is the new entry's.
            tree.insert_at(leaf, at, path, &probe, row.0);
            return Ok(());
        }
        if !rows.is_empty() {
            admit(&rows)?;
        }
        tree.insert(&probe, row.0);
        Ok(())
    }

    pub(super) fn remove_if(&self, key: &[u8], row: RowId, dead: impl FnOnce() -> bool) {
        let mut tree = self.0.write();
        if dead() {
            tree.remove(&Probe::new(key), row.0);
        }
    }

    /// Collects up to `max` rows of a range from a position on. Returns the position after them, `None` at the end.
    pub(super) fn scan(
        &self,
        range: &IndexRange,
        direction: Direction,
        from: Option<Position>,
        max: usize,
        out: &mut Candidates,
        stale: &AtomicUsize,
    ) -> Option<Position> {
        let tree = self.0.read();
        out.begin(stale.load(atomic::Ordering::Acquire) != 0);
        tree.scan(range, direction, from, max, out)
    }

    /// Estimated entries of a range.
    pub(super) fn estimate(&self, range: &IndexRange) -> usize {
        let tree = self.0.read();
        let at = |key: &Option<Vec<u8>>, open: f64| key.as_ref().map_or(open, |key| tree.fraction(&Probe::new(key)));
        let share = (at(&range.high, 1.0) - at(&range.low, 0.0)).clamp(0.0, 1.0);
        (share * tree.entries as f64).round() as usize
    }

    pub(super) fn entries(&self) -> usize {
        self.0.read().entries
    }

    pub(super) fn distinct(&self) -> usize {
        self.0.read().distinct
    }

    pub(super) fn bytes(&self) -> usize {
        let tree = self.0.read();
        // Of keys that do not fit into a node, those of one leaf stand for all.
        let boxed = tree.leaves.nodes.last().map_or(0, |leaf| leaf.entries.boxed_bytes());
        tree.leaves.live() * (size_of::<Leaf>() + boxed) + tree.inners.live() * (size_of::<Inner>() + CAPACITY * 4)
    }
}

impl Tree {
    /// The leaf where `(key, row)` is or would be.
    #[inline]
    fn descend(&self, probe: &Probe<'_>, row: u64) -> u32 {
        let mut node = self.root;
        for _ in 0..self.height {
            let inner = self.inners.get(node);
            node = inner.children[inner.separators.upper_bound(probe, row)];
        }
        node
    }

    fn descend_path(&self, probe: &Probe<'_>, row: u64) -> (u32, Path) {
        let (mut node, mut path) = (self.root, Path::new());
        for _ in 0..self.height {
            let inner = self.inners.get(node);
            let child = inner.separators.upper_bound(probe, row);
            path.push((node, child));
            node = inner.children[child];
        }
        (node, path)
    }

    /// Whether the separator at the right end of the leaf at the end of a path has the key. Separators outlive their
    /// entries: such a one may put the key's smallest row into this leaf, and a larger one into the next.
    fn ends_with_key(&self, path: &Path, probe: &Probe<'_>) -> bool {
        let mut ends = path.iter().rev().map(|(id, child)| (&self.inners.get(*id).separators, *child));
        let end = ends.find(|(separators, child)| *child < separators.len());
        end.is_some_and(|(separators, child)| separators.compare_key(child, probe).is_eq())
    }

    /// Visits the rows of one key in order.
    #[inline]
    fn equal(&self, probe: &Probe<'_>, visit: impl FnMut(RowId)) {
        let id = self.descend(probe, 0);
        self.equal_from(id, self.leaves.get(id).entries.lower_bound(probe, 0), probe, visit);
    }

    #[inline]
    fn equal_from(&self, mut id: u32, mut at: usize, probe: &Probe<'_>, mut visit: impl FnMut(RowId)) {
        loop {
            let leaf = self.leaves.get(id);
            if !leaf.entries.visit_equal(at, probe, |row| visit(RowId(row))) || leaf.next == NONE {
                return;
            }
            (id, at) = (leaf.next, 0);
        }
    }

    /// Adds an entry behind all others, if that is its place and there is room in the last leaf: keys that only grow need no
    /// descent. A unique one goes there only if it is larger than all.
    fn append(&mut self, probe: &Probe<'_>, row: u64, unique: bool) -> bool {
        let entries = &self.leaves.get(self.last).entries;
        let at = entries.len();
        if at == 0 || entries.is_full() {
            return false;
        }
        let is_new = match entries.compare_key(at - 1, probe) {
            Ordering::Less => true,
            Ordering::Equal if !unique && entries.row(at - 1) < row => false,
            Ordering::Equal | Ordering::Greater => return false,
        };
        self.version += 1;
        self.entries += 1;
        self.distinct += usize::from(is_new);
        self.leaves.get_mut(self.last).entries.insert(at, probe, row);
        true
    }

    /// Adds an entry; does nothing if it is there.
    fn insert(&mut self, probe: &Probe<'_>, row: u64) {
        if self.grows && self.append(probe, row, false) {
            return;
        }
        let (id, path) = self.descend_path(probe, row);
        let entries = &self.leaves.get(id).entries;
        let at = entries.lower_bound(probe, row);
        if at < entries.len() && entries.row(at) == row && entries.compare_key(at, probe).is_eq() {
            return;
        }
        self.insert_at(id, at, path, probe, row);
    }

    fn insert_at(&mut self, id: u32, at: usize, path: Path, probe: &Probe<'_>, row: u64) {
        self.version += 1;
        self.entries += 1;
        self.distinct += usize::from(!self.has_neighbour_with(id, at, at, probe));
        self.grows = id == self.last && at == self.leaves.get(id).entries.len();
        if self.leaves.get(id).entries.is_full() {
            self.split_leaf(id, at, probe, row, path);
        } else {
            self.leaves.get_mut(id).entries.insert(at, probe, row);
        }
    }

    /// Whether the entry before position `before` or the one at `after` has the key.
    fn has_neighbour_with(&self, id: u32, before: usize, after: usize, probe: &Probe<'_>) -> bool {
        let leaf = self.leaves.get(id);
        let last_of = |id: u32| (id != NONE).then(|| &self.leaves.get(id).entries).map(|e| (e, e.len()));
        let left = if before > 0 { Some((&leaf.entries, before)) } else { last_of(leaf.previous) };
        let right = match after < leaf.entries.len() {
            true => Some((&leaf.entries, after)),
            false => (leaf.next != NONE).then(|| (&self.leaves.get(leaf.next).entries, 0)),
        };
        let equal = |entries: &Entries, at: usize| at < entries.len() && entries.compare_key(at, probe).is_eq();
        left.is_some_and(|(entries, end)| end > 0 && equal(entries, end - 1))
            || right.is_some_and(|(entries, at)| equal(entries, at))
    }

    fn split_leaf(&mut self, id: u32, at: usize, probe: &Probe<'_>, row: u64, path: Path) {
        let next = self.leaves.get(id).next;
        // Keys that only grow leave full leaves behind.
        let appending = next == NONE && at == CAPACITY;
        let middle = if appending { CAPACITY } else { CAPACITY / 2 };
        let leaf = self.leaves.get_mut(id);
        let mut right = Leaf { entries: leaf.entries.split_off(middle), next, previous: id };
        if at < middle || (at == middle && !appending) {
            leaf.entries.insert(at, probe, row);
        } else {
            right.entries.insert(at - middle, probe, row);
        }
        let separator = right.entries.get(0);
        let right = self.leaves.add(right);
        self.leaves.get_mut(id).next = right;
        match next {
            NONE => self.last = right,
            next => self.leaves.get_mut(next).previous = right,
        }
        self.add_child(path, separator, right);
    }

    /// Enters a new right neighbour of the node at the end of a path into its parent, splitting upwards.
    fn add_child(&mut self, mut path: Path, mut separator: Entry, mut right: u32) {
        while let Some((id, child)) = path.pop() {
            let inner = self.inners.get_mut(id);
            if !inner.separators.is_full() {
                inner.separators.insert(child, &separator.probe(), separator.row);
                inner.children.insert(child + 1, right);
                return;
            }
            let (up, mut sibling) = inner.split();
            let left_children = inner.children.len();
            let (half, at) = if child < left_children { (inner, child) } else { (&mut sibling, child - left_children) };
            half.separators.insert(at, &separator.probe(), separator.row);
            half.children.insert(at + 1, right);
            right = self.inners.add(sibling);
            separator = up;
        }
        self.root = self.inners.add(Inner::over(self.root, &separator, right));
        self.height += 1;
    }

    fn remove(&mut self, probe: &Probe<'_>, row: u64) {
        let (id, path) = self.descend_path(probe, row);
        let entries = &self.leaves.get(id).entries;
        let at = entries.lower_bound(probe, row);
        if at >= entries.len() || entries.row(at) != row || !entries.compare_key(at, probe).is_eq() {
            return;
        }
        self.version += 1;
        self.entries -= 1;
        self.distinct -= usize::from(!self.has_neighbour_with(id, at, at + 1, probe));
        self.leaves.get_mut(id).entries.remove(at);
        self.rebalance(id, path);
    }

    /// Drops an empty leaf, or merges a thin one with its right neighbour under the same parent.
    fn rebalance(&mut self, id: u32, path: Path) {
        let Some(&(parent, child)) = path.last() else { return };
        let len = self.leaves.get(id).entries.len();
        if len == 0 {
            self.unlink(id);
            self.remove_child(path);
        } else if len < UNDERFULL
            && let Some(&right) = self.inners.get(parent).children.get(child + 1)
            && len + self.leaves.get(right).entries.len() <= MERGED_MAX
        {
            let moved = self.leaves.nodes[right as usize].clone();
            self.leaves.get_mut(id).entries.append(&moved.entries);
            self.unlink(right);
            let mut path = path;
            if let Some(last) = path.last_mut() {
                last.1 += 1;
            }
            self.remove_child(path);
        }
    }

    /// Takes a leaf out of the chain.
    fn unlink(&mut self, id: u32) {
        let (previous, next) = (self.leaves.get(id).previous, self.leaves.get(id).next);
        if previous != NONE {
            self.leaves.get_mut(previous).next = next;
        }
        match next {
            NONE => self.last = previous,
            next => self.leaves.get_mut(next).previous = previous,
        }
        self.leaves.remove(id);
    }

    /// Takes the node at the end of a path out of its parent; empty parents go too, a root with one child is replaced.
    fn remove_child(&mut self, mut path: Path) {
        while let Some((id, child)) = path.pop() {
            let inner = self.inners.get_mut(id);
            inner.remove_child(child);
            if !inner.children.is_empty() {
                break;
            }
            self.inners.remove(id);
            if path.is_empty() {
                (self.root, self.height) = (self.leaves.add(Leaf::default()), 0);
                return;
            }
        }
        while self.height > 0 && self.inners.get(self.root).children.len() == 1 {
            let child = self.inners.get(self.root).children[0];
            self.inners.remove(self.root);
            self.root = child;
            self.height -= 1;
        }
    }

    /// Where a range begins in a direction: leaf and number of entries before the place.
    fn start(&self, range: &IndexRange, direction: Direction) -> (u32, usize) {
        let bound = if direction == Direction::Forward { &range.low } else { &range.high };
        if let Some(key) = bound {
            let probe = Probe::new(key);
            let id = self.descend(&probe, 0);
            return (id, self.leaves.get(id).entries.lower_bound(&probe, 0));
        }
        let mut node = self.root;
        for _ in 0..self.height {
            let children = &self.inners.get(node).children;
            node = if direction == Direction::Forward { children[0] } else { children[children.len() - 1] };
        }
        let end = if direction == Direction::Forward { 0 } else { self.leaves.get(node).entries.len() };
        (node, end)
    }

    /// Finds a position again; the tree may have changed since.
    fn resume(&self, position: &Position, direction: Direction) -> (u32, usize) {
        if position.version == self.version {
            return (position.leaf, position.at);
        }
        let (probe, row) = (position.last.probe(), position.last.row);
        let id = self.descend(&probe, row);
        let entries = &self.leaves.get(id).entries;
        match direction {
            Direction::Forward => (id, entries.upper_bound(&probe, row)),
            Direction::Backward => (id, entries.lower_bound(&probe, row)),
        }
    }

    fn scan(
        &self,
        range: &IndexRange,
        direction: Direction,
        from: Option<Position>,
        max: usize,
        out: &mut Candidates,
    ) -> Option<Position> {
        let (mut id, mut at) = match &from {
            None => self.start(range, direction),
            Some(position) => self.resume(position, direction),
        };
        let end = if direction == Direction::Forward { &range.high } else { &range.low };
        let end = end.as_ref().map(|key| Probe::new(key));
        let mut left = max;
        loop {
            let leaf = self.leaves.get(id);
            let entries = &leaf.entries;
            let inside = |at: usize| match (&end, direction) {
                (None, _) => true,
                (Some(high), Direction::Forward) => entries.compare_key(at, high).is_lt(),
                (Some(low), Direction::Backward) => entries.compare_key(at, low).is_ge(),
            };
            match direction {
                Direction::Forward => {
                    while at < entries.len() && left > 0 && inside(at) {
                        out.push(entries, at);
                        at += 1;
                        left -= 1;
                    }
                    if left == 0 && at > 0 {
                        return Some(Position { last: entries.get(at - 1), leaf: id, at, version: self.version });
                    }
                    if at < entries.len() || leaf.next == NONE {
                        return None;
                    }
                    (id, at) = (leaf.next, 0);
                }
                Direction::Backward => {
                    while at > 0 && left > 0 && inside(at - 1) {
                        out.push(entries, at - 1);
                        at -= 1;
                        left -= 1;
                    }
                    if left == 0 && at < entries.len() {
                        return Some(Position { last: entries.get(at), leaf: id, at, version: self.version });
                    }
                    if at > 0 || leaf.previous == NONE {
                        return None;
                    }
                    (id, at) = (leaf.previous, self.leaves.get(leaf.previous).entries.len());
                }
            }
        }
    }

    /// Which share of the entries is before a key, as far as the nodes on the way to it tell.
    fn fraction(&self, probe: &Probe<'_>) -> f64 {
        let (mut node, mut before, mut share) = (self.root, 0.0, 1.0);
        for _ in 0..self.height {
            let inner = self.inners.get(node);
            let child = inner.separators.upper_bound(probe, 0);
            share /= inner.children.len() as f64;
            before += share * child as f64;
            node = inner.children[child];
        }
        let entries = &self.leaves.get(node).entries;
        before + share * entries.lower_bound(probe, 0) as f64 / entries.len().max(1) as f64
    }
}
