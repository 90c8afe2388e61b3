//! Nodes of the ordered index: arrays inside, so that a search touches one node per level and nothing else.

use std::cmp::Ordering;

use super::key::{Head, Probe};

/// Entries of a leaf, separators of an inner node.
pub(super) const CAPACITY: usize = 64;
/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// Sorted pairs of key and row id. Equal keys are ordered by row id, so every pair has one place.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    heads: [Head; CAPACITY],
    rows: [u64; CAPACITY],
    len: usize,
    /// Rests of keys longer than a head; empty while there is none.
    tails: Vec<Option<Box<[u8]>>>,
}

/// An entry on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) head: Head,
    pub(super) tail: Option<Box<[u8]>>,
    pub(super) row: u64,
}

impl Entry {
    pub(super) fn new(probe: &Probe<'_>, row: u64) -> Self {
        let tail = (!probe.tail.is_empty()).then(|| probe.tail.into());
        Entry { head: probe.head, tail, row }
    }

    pub(super) fn probe(&self) -> Probe<'_> {
        Probe { head: self.head, tail: self.tail.as_deref().unwrap_or_default() }
    }
}

impl Default for Entries {
    fn default() -> Self {
        Entries { heads: [Head::default(); CAPACITY], rows: [0; CAPACITY], len: 0, tails: Vec::new() }
    }
}

impl Entries {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == CAPACITY
    }

    #[inline]
    pub(super) fn row(&self, at: usize) -> u64 {
        self.rows[at]
    }

    #[inline]
    fn tail(&self, at: usize) -> &[u8] {
        self.tails.get(at).and_then(Option::as_deref).unwrap_or_default()
    }

    pub(super) fn get(&self, at: usize) -> Entry {
        Entry { head: self.heads[at], tail: self.tails.get(at).cloned().flatten(), row: self.rows[at] }
    }

    /// How the key at a position orders against the one searched for.
    #[inline]
    pub(super) fn compare_key(&self, at: usize, probe: &Probe<'_>) -> Ordering {
        probe.compare(&self.heads[at], self.tail(at))
    }

    /// Number of entries before `(key, row)`.
    #[inline]
    pub(super) fn lower_bound(&self, probe: &Probe<'_>, row: u64) -> usize {
        self.partition(|entries, at| entries.compare_key(at, probe).then_with(|| entries.rows[at].cmp(&row)).is_lt())
    }

    /// Number of entries up to and including `(key, row)`.
    #[inline]
    pub(super) fn upper_bound(&self, probe: &Probe<'_>, row: u64) -> usize {
        self.partition(|entries, at| entries.compare_key(at, probe).then_with(|| entries.rows[at].cmp(&row)).is_le())
    }

    #[inline]
    fn partition(&self, before: impl Fn(&Self, usize) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = (low + high) / 2;
            if before(self, middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Inserts where there is room.
    pub(super) fn insert(&mut self, at: usize, entry: Entry) {
        self.heads.copy_within(at..self.len, at + 1);
        self.rows.copy_within(at..self.len, at + 1);
        self.heads[at] = entry.head;
        self.rows[at] = entry.row;
        if entry.tail.is_some() && self.tails.is_empty() {
            self.tails.resize(self.len, None);
        }
        if entry.tail.is_some() || !self.tails.is_empty() {
            self.tails.insert(at, entry.tail);
        }
        self.len += 1;
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.heads.copy_within(at + 1..self.len, at);
        self.rows.copy_within(at + 1..self.len, at);
        if !self.tails.is_empty() {
            self.tails.remove(at);
        }
        self.len -= 1;
    }

    /// Moves the entries from a position on out.
    pub(super) fn split_off(&mut self, at: usize) -> Entries {
        let mut right = Entries { len: self.len - at, ..Entries::default() };
        right.heads[..right.len].copy_from_slice(&self.heads[at..self.len]);
        right.rows[..right.len].copy_from_slice(&self.rows[at..self.len]);
        if !self.tails.is_empty() {
            right.tails = self.tails.split_off(at);
        }
        self.len = at;
        right
    }

    /// Appends the entries of a right neighbour; the caller knows that they fit.
    pub(super) fn append(&mut self, right: &Entries) {
        let (from, to) = (self.len, self.len + right.len);
        self.heads[from..to].copy_from_slice(&right.heads[..right.len]);
        self.rows[from..to].copy_from_slice(&right.rows[..right.len]);
        if !self.tails.is_empty() || !right.tails.is_empty() {
            self.tails.resize(from, None);
            self.tails.extend_from_slice(&right.tails);
            self.tails.resize(to, None);
        }
        self.len = to;
    }
}

/// A leaf: entries, and its neighbours for range scans in both directions.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) entries: Entries,
    pub(super) next: u32,
    pub(super) previous: u32,
}

impl Default for Leaf {
    fn default() -> Self {
        Leaf { entries: Entries::default(), next: NONE, previous: NONE }
    }
}

/// An inner node: child `i` holds what is at or after separator `i - 1` and before separator `i`.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub(super) separators: Entries,
    pub(super) children: Vec<u32>,
}

impl Inner {
    /// A root over two children.
    pub(super) fn over(left: u32, separator: Entry, right: u32) -> Self {
        let mut children = Vec::with_capacity(CAPACITY + 1);
        children.extend([left, right]);
        let mut separators = Entries::default();
        separators.insert(0, separator);
        Inner { separators, children }
    }

    /// Splits in the middle; the separator between the halves goes up.
    pub(super) fn split(&mut self) -> (Entry, Inner) {
        let middle = self.separators.len() / 2;
        let separators = self.separators.split_off(middle + 1);
        let up = self.separators.get(middle);
        self.separators.remove(middle);
        let mut children = Vec::with_capacity(CAPACITY + 1);
        children.extend(self.children.drain(middle + 1..));
        (up, Inner { separators, children })
    }

    /// Takes a child out, with the separator that told it from its left neighbour.
    pub(super) fn remove_child(&mut self, at: usize) {
        self.children.remove(at);
        if self.separators.len() > 0 {
            self.separators.remove(at.saturating_sub(1));
        }
    }
}
