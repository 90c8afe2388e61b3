//! The list of a table's blocks: append-only, read without locks.
//!
//! Chunks double in size, so that a handful of cells reaches any number of blocks and nothing ever moves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::block::BlockCell;

/// Blocks of the first chunk; chunk `i` has `FIRST << i`.
const FIRST: usize = 8;
const CHUNKS: usize = 32;

/// Some consecutive blocks.
type Chunk = Box<[OnceLock<Arc<BlockCell>>]>;

/// Blocks by number.
#[derive(Debug)]
pub(crate) struct Directory {
    chunks: [OnceLock<Chunk>; CHUNKS],
    len: AtomicUsize,
    grow: Mutex<()>,
}

/// Chunk of a block and its place there.
#[inline]
fn locate(block: usize) -> (usize, usize) {
    let shifted = block + FIRST;
    let chunk = (shifted / FIRST).ilog2() as usize;
    (chunk, shifted - (FIRST << chunk))
}

impl Directory {
    pub(crate) fn new() -> Self {
        Directory { chunks: [const { OnceLock::new() }; CHUNKS], len: AtomicUsize::new(0), grow: Mutex::new(()) }
    }

    /// A list of so many blocks that are not there yet.
    pub(crate) fn of_length(len: usize) -> Self {
        Directory { len: AtomicUsize::new(len), ..Directory::new() }
    }

    /// Puts in a block that is not there yet, unless another thread was faster.
    pub(crate) fn fill(&self, block: usize, make: impl FnOnce() -> BlockCell) -> &Arc<BlockCell> {
        let (chunk, at) = locate(block);
        self.chunk(chunk)[at].get_or_init(|| Arc::new(make()))
    }

    fn chunk(&self, chunk: usize) -> &Chunk {
        self.chunks[chunk].get_or_init(|| (0..FIRST << chunk).map(|_| OnceLock::new()).collect())
    }

    /// Number of blocks.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::SeqCst)
    }

    #[inline]
    pub(crate) fn get(&self, block: usize) -> Option<&Arc<BlockCell>> {
        let (chunk, at) = locate(block);
        self.chunks.get(chunk)?.get()?.get(at)?.get()
    }

    /// Appends a block if there are still `expected`; another thread may have been faster.
    pub(crate) fn push_after(&self, expected: usize, make: impl FnOnce() -> BlockCell) {
        let _one_at_a_time = self.grow.lock();
        if self.len() != expected {
            return;
        }
        let (chunk, at) = locate(expected);
        self.chunk(chunk)[at].get_or_init(|| Arc::new(make()));
        self.len.store(expected + 1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Block;

    #[test]
    fn places_are_consecutive() {
        let mut next = (0, 0);
        for block in 0..10_000 {
            assert_eq!(locate(block), next, "{block}");
            next = if next.1 + 1 == FIRST << next.0 { (next.0 + 1, 0) } else { (next.0, next.1 + 1) };
        }
    }

    #[test]
    fn grows_once_per_expectation() {
        let directory = Directory::new();
        let cell = || BlockCell::new(Block::new(vec![]));
        directory.push_after(0, cell);
        directory.push_after(0, cell);
        directory.push_after(1, cell);
        assert_eq!((directory.len(), (0..directory.len()).filter_map(|block| directory.get(block)).count()), (2, 2));
        assert!(directory.get(2).is_none());
    }
}
