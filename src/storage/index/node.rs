//! Nodes of the ordered index, laid out for the cache.
//!
//! The keys of a node have some first bytes in common, kept once. What follows is split over arrays, of which most
//! indexes need only the first:
//!
//! ```text
//!   key    p bytes prefix │ 8 bytes: words[i] │ 16 bytes: more[i] │ tails[i]
//! ```
//!
//! A search compares words, first every eighth of them: the lines of the array are fetched at the same time and not
//! one after the other. Shorter keys are padded with zeros, which keys may be that are prefix-free.

use std::cmp::Ordering;

use smallvec::SmallVec;

/// Entries of a leaf, separators of an inner node.
pub(super) const CAPACITY: usize = 64;
/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// Longest prefix that is kept apart.
const PREFIX_BYTES: usize = 16;
const WORD_BYTES: usize = 8;
const MORE_BYTES: usize = 16;
/// Words of a probe: as far as a node with the longest prefix looks.
const PROBE_WORDS: usize = (PREFIX_BYTES + WORD_BYTES + MORE_BYTES) / WORD_BYTES;
/// Words between two that a search looks at first: those of a cache line.
const STRIDE: usize = 8;

type Bytes = SmallVec<[u8; PREFIX_BYTES + WORD_BYTES + MORE_BYTES]>;

/// A key to search for: its first bytes as big-endian words, so that a node's cut of them is a matter of shifts.
#[derive(Clone, Debug)]
pub(super) struct Probe<'a> {
    bytes: &'a [u8],
    words: [u64; PROBE_WORDS],
}

impl<'a> Probe<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        // Zeros at the end are padding or might as well be: nodes with different prefixes cut keys differently.
        let bytes = if bytes.len() > WORD_BYTES + MORE_BYTES { trim_zeros(bytes) } else { bytes };
        let mut words = [0; PROBE_WORDS];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks(WORD_BYTES)) {
            *word = match <[u8; WORD_BYTES]>::try_from(chunk) {
                Ok(whole) => u64::from_be_bytes(whole),
                Err(_) => chunk.iter().enumerate().fold(0, |word, (at, byte)| word | (*byte as u64) << (56 - 8 * at)),
            };
        }
        Probe { bytes, words }
    }

    #[inline]
    fn prefix(&self) -> u128 {
        (self.words[0] as u128) << 64 | self.words[1] as u128
    }

    /// The eight bytes from a place on.
    #[inline]
    fn word(&self, at: usize) -> u64 {
        let (word, shift) = (at / WORD_BYTES, at % WORD_BYTES * 8);
        match shift {
            0 => self.words[word],
            _ => self.words[word] << shift | self.words[word + 1] >> (64 - shift),
        }
    }

    /// What follows the word.
    #[inline]
    fn rest(&self, at: usize) -> Rest<'a> {
        let more = (self.word(at + WORD_BYTES) as u128) << 64 | self.word(at + 2 * WORD_BYTES) as u128;
        Rest { more, tail: self.bytes.get(at + WORD_BYTES + MORE_BYTES..).unwrap_or_default() }
    }
}

/// What a key has behind the word that a node compares first.
struct Rest<'a> {
    more: u128,
    tail: &'a [u8],
}

fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &bytes[..len]
}

/// An entry on its own. Its key may have zeros at the end that it did not have.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    key: Bytes,
    pub(super) row: u64,
}

impl Entry {
    pub(super) fn probe(&self) -> Probe<'_> {
        Probe::new(&self.key)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.key
    }

    /// Whether this is the entry of a key.
    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        trim_zeros(&self.key) == trim_zeros(key)
    }
}

/// Sorted pairs of key and row id. Equal keys are ordered by row id, so every pair has one place.
///
/// In this order in memory: what every search reads comes first.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Entries {
    /// The common first bytes; the rest of the word is zero.
    prefix: u128,
    /// Ones where the prefix is.
    prefix_mask: u128,
    prefix_len: usize,
    len: usize,
    /// Behind `len`: all ones.
    words: [u64; CAPACITY],
    rows: [u64; CAPACITY],
    /// Present if a key needs it.
    more: Option<Box<[u128; CAPACITY]>>,
    /// Rests of the longest keys; empty while there is none.
    tails: Vec<Option<Box<[u8]>>>,
}

impl Default for Entries {
    fn default() -> Self {
        Entries {
            prefix: 0,
            prefix_mask: 0,
            prefix_len: 0,
            len: 0,
            words: [u64::MAX; CAPACITY],
            rows: [0; CAPACITY],
            more: None,
            tails: Vec::new(),
        }
    }
}

fn prefix_mask(len: usize) -> u128 {
    match len {
        0 => 0,
        _ => u128::MAX << (8 * (PREFIX_BYTES - len)),
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

    /// Bytes outside the node.
    pub(super) fn boxed_bytes(&self) -> usize {
        let more = if self.more.is_some() { size_of::<[u128; CAPACITY]>() } else { 0 };
        let tails: usize = self.tails.iter().flatten().map(|tail| tail.len()).sum();
        more + tails + self.tails.capacity() * size_of::<Option<Box<[u8]>>>()
    }

    #[inline]
    fn more(&self, at: usize) -> u128 {
        self.more.as_ref().map_or(0, |more| more[at])
    }

    #[inline]
    fn tail(&self, at: usize) -> &[u8] {
        self.tails.get(at).and_then(Option::as_deref).unwrap_or_default()
    }

    pub(super) fn get(&self, at: usize) -> Entry {
        let mut key = Bytes::new();
        key.extend_from_slice(&self.prefix.to_be_bytes()[..self.prefix_len]);
        key.extend_from_slice(&self.words[at].to_be_bytes());
        if self.more.is_some() {
            key.extend_from_slice(&self.more(at).to_be_bytes());
        }
        key.extend_from_slice(self.tail(at));
        Entry { key, row: self.rows[at] }
    }

    /// How the common prefix orders against the probe's first bytes.
    #[inline]
    fn compare_prefix(&self, probe: &Probe<'_>) -> Ordering {
        self.prefix.cmp(&(probe.prefix() & self.prefix_mask))
    }

    #[inline]
    fn compare_rest(&self, at: usize, rest: &Rest<'_>) -> Ordering {
        let order = match &self.more {
            Some(more) => more[at].cmp(&rest.more),
            None => 0.cmp(&rest.more),
        };
        if order.is_ne() || (self.tails.is_empty() && rest.tail.is_empty()) {
            // Comparing empty slices would be right and slow: their address is not mapped, which masked loads notice.
            return order;
        }
        self.tail(at).cmp(rest.tail)
    }

    /// How the key at a position orders against the one searched for.
    #[inline]
    pub(super) fn compare_key(&self, at: usize, probe: &Probe<'_>) -> Ordering {
        self.compare_prefix(probe)
            .then_with(|| self.words[at].cmp(&probe.word(self.prefix_len)))
            .then_with(|| self.compare_rest(at, &probe.rest(self.prefix_len)))
    }

    /// Visits the rows of a key from a position on. Returns whether the node ended before the key did.
    #[inline]
    pub(super) fn visit_equal(&self, from: usize, probe: &Probe<'_>, mut visit: impl FnMut(u64)) -> bool {
        if from >= self.len {
            return true;
        }
        if self.compare_prefix(probe).is_ne() {
            return false;
        }
        let (word, rest) = (probe.word(self.prefix_len), probe.rest(self.prefix_len));
        for at in from..self.len {
            if self.words[at] != word || self.compare_rest(at, &rest).is_ne() {
                return false;
            }
            visit(self.rows[at]);
        }
        true
    }

    /// Number of entries before `(key, row)`.
    #[inline]
    pub(super) fn lower_bound(&self, probe: &Probe<'_>, row: u64) -> usize {
        self.partition(probe, |order, found| order.then_with(|| found.cmp(&row)).is_lt())
    }

    /// Number of entries up to and including `(key, row)`.
    #[inline]
    pub(super) fn upper_bound(&self, probe: &Probe<'_>, row: u64) -> usize {
        self.partition(probe, |order, found| order.then_with(|| found.cmp(&row)).is_le())
    }

    /// Number of entries of which `before` holds, given how the key orders against the probe and the row id.
    #[inline]
    fn partition(&self, probe: &Probe<'_>, before: impl Fn(Ordering, u64) -> bool) -> usize {
        match self.compare_prefix(probe) {
            Ordering::Less => return self.len,
            Ordering::Greater => return 0,
            Ordering::Equal => {}
        }
        let word = probe.word(self.prefix_len);
        let (mut low, mut high) = (self.words_below(word), self.len);
        if low == high || self.words[low] != word {
            return low;
        }
        // Among equal words the rest decides; mostly there is one at most.
        let rest = probe.rest(self.prefix_len);
        while low < high && self.words[low] == word {
            if high - low > 2 {
                let middle = (low + high) / 2;
                let after = self.words[middle] > word || !before(self.compare_rest(middle, &rest), self.rows[middle]);
                if after {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            } else if before(self.compare_rest(low, &rest), self.rows[low]) {
                low += 1;
            } else {
                break;
            }
        }
        low
    }

    #[inline]
    fn words_below(&self, word: u64) -> usize {
        let mut line = 0;
        for at in 0..CAPACITY / STRIDE - 1 {
            line += usize::from(self.words[at * STRIDE + STRIDE - 1] < word);
        }
        let mut below = line * STRIDE;
        for at in 0..STRIDE {
            below += usize::from(self.words[line * STRIDE + at] < word);
        }
        below
    }

    /// Inserts where there is room.
    pub(super) fn insert(&mut self, at: usize, probe: &Probe<'_>, row: u64) {
        if self.len == 0 {
            (self.prefix, self.prefix_mask, self.prefix_len) = (probe.prefix(), u128::MAX, PREFIX_BYTES);
        }
        let shared = (self.prefix ^ probe.prefix()).leading_zeros() as usize / 8;
        if shared < self.prefix_len {
            self.set_prefix(shared);
        }
        self.words.copy_within(at..self.len, at + 1);
        self.rows.copy_within(at..self.len, at + 1);
        if let Some(more) = &mut self.more {
            more.copy_within(at..self.len, at + 1);
        }
        if !self.tails.is_empty() {
            self.tails.insert(at, None);
        }
        self.len += 1;
        self.put(at, probe, row);
    }

    /// Writes an entry that has the common prefix.
    fn put(&mut self, at: usize, probe: &Probe<'_>, row: u64) {
        let p = self.prefix_len;
        self.words[at] = probe.word(p);
        self.rows[at] = row;
        let Rest { more: rest, tail } = probe.rest(p);
        if rest != 0 || !tail.is_empty() || self.more.is_some() {
            self.more.get_or_insert_with(|| Box::new([0; CAPACITY]))[at] = rest;
        }
        if !tail.is_empty() && self.tails.is_empty() {
            self.tails.resize(self.len, None);
        }
        if !self.tails.is_empty() {
            self.tails[at] = (!tail.is_empty()).then(|| tail.into());
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.words.copy_within(at + 1..self.len, at);
        self.rows.copy_within(at + 1..self.len, at);
        if let Some(more) = &mut self.more {
            more.copy_within(at + 1..self.len, at);
        }
        if !self.tails.is_empty() {
            self.tails.remove(at);
        }
        self.len -= 1;
        self.words[self.len] = u64::MAX;
    }

    /// Moves the entries from a position on out.
    pub(super) fn split_off(&mut self, at: usize) -> Entries {
        let count = self.len - at;
        let mut right = Entries {
            prefix: self.prefix,
            prefix_mask: self.prefix_mask,
            prefix_len: self.prefix_len,
            len: count,
            ..Entries::default()
        };
        right.words[..count].copy_from_slice(&self.words[at..self.len]);
        right.rows[..count].copy_from_slice(&self.rows[at..self.len]);
        if let Some(more) = &self.more {
            let mut moved = Box::new([0; CAPACITY]);
            moved[..count].copy_from_slice(&more[at..self.len]);
            right.more = Some(moved);
        }
        if !self.tails.is_empty() {
            right.tails = self.tails.split_off(at);
        }
        self.words[at..].fill(u64::MAX);
        self.len = at;
        self.lengthen_prefix();
        right.lengthen_prefix();
        right
    }

    /// Appends the entries of a right neighbour; the caller knows that they fit.
    pub(super) fn append(&mut self, right: &Entries) {
        for at in 0..right.len {
            let entry = right.get(at);
            self.insert(self.len, &entry.probe(), entry.row);
        }
    }

    /// Where keys need more than their word, a longer prefix makes the word tell more.
    fn lengthen_prefix(&mut self) {
        if self.more.is_none() || self.len == 0 {
            return;
        }
        let (first, last) = (self.get(0), self.get(self.len - 1));
        let shared = (first.probe().prefix() ^ last.probe().prefix()).leading_zeros() as usize / 8;
        if shared > self.prefix_len {
            self.set_prefix(shared);
        }
    }

    /// Rewrites all entries for another length of the prefix, which they have in common.
    fn set_prefix(&mut self, prefix_len: usize) {
        let entries: SmallVec<[Entry; CAPACITY]> = (0..self.len).map(|at| self.get(at)).collect();
        self.prefix_mask = prefix_mask(prefix_len);
        self.prefix = entries.first().map_or(0, |first| first.probe().prefix()) & self.prefix_mask;
        self.prefix_len = prefix_len;
        (self.more, self.tails) = (None, Vec::new());
        for (at, entry) in entries.iter().enumerate() {
            self.put(at, &entry.probe(), entry.row);
        }
    }
}

/// A leaf: entries, and its neighbours for range scans in both directions.
#[derive(Clone, Debug)]
#[repr(C)]
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
#[repr(C)]
pub(super) struct Inner {
    pub(super) separators: Entries,
    pub(super) children: Vec<u32>,
}

impl Inner {
    /// A root over two children.
    pub(super) fn over(left: u32, separator: &Entry, right: u32) -> Self {
        let mut children = Vec::with_capacity(CAPACITY + 1);
        children.extend([left, right]);
        let mut separators = Entries::default();
        separators.insert(0, &separator.probe(), separator.row);
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
