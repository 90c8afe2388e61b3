//! Consecutive rows of a table on their way from lines into storage.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use dictdb_storage::{Storage, encode_absence, put_run};
use dictdb_types::{Oid, Result, RowId};
use parking_lot::Mutex;

use crate::record::Shape;
use crate::surroundings::Surroundings;

const MAX_ROWS: u64 = 1024;
const MAX_BYTES: usize = 256 * 1024;

/// Where rows go, and how they are read.
pub(crate) struct Target {
    pub(crate) table: Oid,
    pub(crate) shape: Shape,
    pub(crate) surroundings: Arc<Surroundings>,
}

/// Some rows as lines end to end, or rows that are to go.
pub(crate) struct Batch {
    target: Arc<Target>,
    first: u64,
    lines: Vec<u8>,
    ends: Vec<usize>,
    gone: u64,
}

impl Batch {
    pub(crate) fn begin(target: Arc<Target>, first: u64) -> Batch {
        Batch { target, first, lines: Vec::new(), ends: Vec::new(), gone: 0 }
    }

    pub(crate) fn gone(target: Arc<Target>, first: u64, count: u64) -> Batch {
        Batch { gone: count, ..Batch::begin(target, first) }
    }

    pub(crate) fn push(&mut self, line: &[u8]) {
        self.lines.extend_from_slice(line);
        self.ends.push(self.lines.len());
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows() >= MAX_ROWS || self.lines.len() >= MAX_BYTES
    }

    pub(crate) fn rows(&self) -> u64 {
        self.ends.len() as u64
    }

    fn apply(&self, storage: &Storage, run: &mut Vec<u8>) -> Result<()> {
        run.clear();
        put_run(self.target.table, RowId(self.first), self.rows() + self.gone, run);
        (0..self.gone).for_each(|_| encode_absence(run));
        let mut start = 0;
        for end in &self.ends {
            self.target.shape.take(&self.lines[start..*end], &self.target.surroundings, run)?;
            start = *end;
        }
        storage.restore_run(&mut &run[..]).map(drop)
    }
}

/// A worker: applies batches until there are no more.
pub(crate) fn apply_all(storage: &Storage, batches: &Mutex<Receiver<Batch>>) -> Result<()> {
    let mut run = Vec::new();
    loop {
        let next = batches.lock().recv();
        let Ok(batch) = next else { return Ok(()) };
        if let Err(error) = batch.apply(storage, &mut run) {
            // Whoever sends more must not wait for ever.
            while batches.lock().recv().is_ok() {}
            return Err(error);
        }
    }
}
