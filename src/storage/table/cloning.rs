//! Clones: a table that begins with the rows of another one, at a cost that does not depend on how many there are.
//!
//! ```text
//!   source   [0][1][2][3]        clone of it, at moment ts   [ ][ ][ ][ ]
//!     │ first change of a block      │ first look at a block
//!     ▼                              ▼
//!     hands an image of the block ──►┘◄── takes an image of the source's block
//! ```
//! # What is shared
//! A clone has no blocks at first, and its indexes no entries. An *image* is a block with the versions that the moment of the clone
//! sees, and nothing else: its columns are the source's own vectors and buffers, which the next writer of either side copies (as
//! it does when a scan holds them). So a clone costs memory for what one of the two changes, and eight bytes for each row that the
//! clone looks at.
//!
//! # Why an image is exact
//! Cloning happens under the commit lock, at timestamp `ts`. Whoever changes a block of the source does so under its latch, through
//! [`Table::change`], which compares two counters and first hands out images if clones are waiting. A writer that held the latch
//! when the table was cloned may pass unnoticed; what it does cannot be seen at `ts`: a version in progress, a stamp rewritten
//! to the timestamp that it stood for, a version dropped that no snapshot from `ts` on sees. Hence an image shows the same whenever it is
//! made until it is handed out.
//!
//! # Index entries that nobody may find
//! A copy of an index can have entries of rows that the clone does not have: of transactions in progress, or deleted and not
//! reclaimed. They stay, and are harmless as long as no other row gets their slot. So a clone takes over the list of free slots,
//! whose entries are gone, and never uses other slots without a row. Counters of indexes and of blocks are raised, in this order, while
//! that list is locked: a slot that is free in the clone has had no entry when the first index was copied, and gets
//! no entry in a copy later. Entries of keys that a row of the clone does not have can only be there when they were announced
//! (`Index::stale`), and then the clone looks at keys for good.
//!
//! # How it ends
//! A clone keeps its source in memory, dropped or not, until it has all blocks. Clones of clones ask one another; before a chain gets
//! longer than [`DEPTH_MAX`] the one that is cloned takes over everything.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use dictdb_types::{Oid, Physical};
use parking_lot::{Mutex, RwLockWriteGuard};

use super::directory::Directory;
use super::{Table, restore::RESTORED};
use crate::block::{Block, BlockCell};
use crate::column::Column;
use crate::storage::{Shared, Storage};
use crate::version::{Stamp, View};
use crate::writers::Writers;

/// Longest way from a clone to the table that has a block.
const DEPTH_MAX: usize = 8;

/// The clones of a table, and what it is a clone of itself.
#[derive(Default)]
pub(super) struct Ties {
    /// Counts how often it was cloned.
    clones: AtomicU64,
    /// The clones that may not have all blocks.
    waiting: Mutex<Vec<Weak<Table>>>,
    source: Mutex<Option<Arc<Source>>>,
}

/// Where a clone finds its blocks.
struct Source {
    table: Arc<Table>,
    storage: Weak<Shared>,
    /// The moment.
    ts: u64,
    /// Storage columns of the clone then.
    width: usize,
    /// Blocks of the source at the moment, and how many of them the clone does not have yet.
    blocks: usize,
    missing: AtomicUsize,
    depth: usize,
}

/// What a clone is to be.
pub struct ClonedTable<'a> {
    /// The table that is cloned.
    pub source: &'a Arc<Table>,
    /// The clone's id.
    pub id: Oid,
    /// Its storage columns: the first ones of the source.
    pub columns: usize,
    /// Its indexes, of those that the source has.
    pub indexes: &'a dyn Fn(Oid) -> bool,
}

impl Storage {
    /// Clones a table as of the last commit. The caller keeps everybody from committing: [`Storage::in_commit_order`].
    pub fn clone_table(&self, wanted: &ClonedTable<'_>) -> Arc<Table> {
        if wanted.source.ties.depth() >= DEPTH_MAX {
            wanted.source.take_over_all();
        }
        let clone = wanted.source.twin(wanted, self);
        self.enter_table(clone.clone());
        clone
    }

    /// Creates a sequence in the state of another one.
    pub fn clone_sequence(&self, source: &crate::Sequence, id: Oid) -> Arc<crate::Sequence> {
        let sequence = crate::Sequence::restored(source.options(), source.state());
        sequence.set_logged(source.is_logged());
        self.create_sequence(id, sequence)
    }
}

impl Ties {
    fn depth(&self) -> usize {
        self.source.lock().as_ref().map_or(0, |source| source.depth)
    }

    fn clones(&self) -> u64 {
        self.clones.load(Ordering::SeqCst)
    }

    /// Whether somebody may still look at blocks of the table.
    pub(super) fn has_clones(&self) -> bool {
        self.waiting.lock().iter().any(|clone| clone.strong_count() > 0)
    }
}

impl Table {
    fn twin(self: &Arc<Self>, wanted: &ClonedTable<'_>, storage: &Storage) -> Arc<Table> {
        let layouts: Vec<Physical> = self.columns().into_iter().take(wanted.columns).collect();
        let mut clone = Table::new(wanted.id, &layouts);
        clone.is_clone = true;
        // It may stand for a table that had other rows: nothing that was known before the next commit is known of it.
        clone.set_changed(storage.last_commit().0 + 1);
        clone.set_logged(self.is_logged());
        clone.count_restored(self.live_rows());
        let indexes: Vec<_> = self.indexes().iter().filter(|index| (wanted.indexes)(index.def().id)).cloned().collect();
        let mut entered = None;
        let free = self.free.twin(|| {
            *clone.indexes.write() = indexes.iter().map(|index| index.twin()).collect();
            let mut waiting = self.ties.waiting.lock();
            waiting.retain(|other| other.strong_count() > 0);
            self.ties.clones.fetch_add(1, Ordering::SeqCst);
            entered = Some(waiting);
        });
        // The counter is raised: rows of later blocks are not in the copies of indexes either.
        let blocks = self.blocks.len();
        clone.free = free;
        clone.blocks = Directory::of_length(blocks);
        let source = Source {
            table: self.clone(),
            storage: Arc::downgrade(&storage.0),
            ts: storage.last_commit().0,
            width: layouts.len(),
            blocks,
            missing: AtomicUsize::new(blocks),
            depth: self.ties.depth() + 1,
        };
        clone.ties.source = Mutex::new((blocks > 0).then(|| Arc::new(source)));
        let clone = Arc::new(clone);
        if let Some(mut waiting) = entered {
            waiting.push(Arc::downgrade(&clone));
        }
        clone
    }

    /// A block by its number.
    #[inline]
    pub(super) fn block(&self, number: usize) -> Option<&Arc<BlockCell>> {
        match self.blocks.get(number) {
            Some(cell) => Some(cell),
            None => self.take_over(number),
        }
    }

    /// Every block.
    pub(super) fn all_blocks(&self) -> impl Iterator<Item = (usize, &Arc<BlockCell>)> {
        (0..self.blocks.len()).filter_map(|number| self.block(number).map(|cell| (number, cell)))
    }

    /// Takes the latch of a block for a change of rows.
    #[inline]
    pub(super) fn change<'a>(&self, number: usize, cell: &'a BlockCell) -> RwLockWriteGuard<'a, Block> {
        let mut block = cell.write();
        if block.handed_out != self.ties.clones() {
            self.hand_out(number, &mut block);
        }
        block
    }

    /// Gives clones that wait for a block what they need of it.
    #[cold]
    fn hand_out(&self, number: usize, block: &mut Block) {
        // Under this lock the counter and the list belong together.
        let waiting = self.ties.waiting.lock();
        let clones: Vec<Arc<Table>> = waiting.iter().filter_map(Weak::upgrade).collect();
        block.handed_out = self.ties.clones();
        drop(waiting);
        for clone in clones {
            let source = clone.ties.source.lock().clone();
            if let Some(source) = source.filter(|source| number < source.blocks)
                && let Some(storage) = source.storage.upgrade()
            {
                clone.receive(number, &source, block, &storage.writers);
            }
        }
    }

    /// A block that is not there: perhaps the source has it.
    #[cold]
    fn take_over(&self, number: usize) -> Option<&Arc<BlockCell>> {
        let source = self.ties.source.lock().clone();
        if let Some(source) = source.filter(|source| number < source.blocks) {
            let cell = source.table.block(number)?;
            let storage = source.storage.upgrade()?;
            let mut block = cell.latch.write();
            self.receive(number, &source, &mut block, &storage.writers);
        }
        self.blocks.get(number)
    }

    /// Puts in the image of a block whose latch the caller holds.
    fn receive(&self, number: usize, source: &Source, block: &mut Block, writers: &Writers) {
        let mut is_new = false;
        self.blocks.fill(number, || {
            is_new = true;
            let view = View { ts: source.ts, own: None, command: 0 };
            let mut image = image(block, source.width, &view, writers);
            self.account_image(&mut image);
            BlockCell::new(image)
        });
        if is_new && source.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            *self.ties.source.lock() = None;
        }
    }

    fn take_over_all(&self) {
        self.all_blocks().for_each(drop);
        self.indexes().iter().for_each(|index| {
            index.entries();
        });
    }
}

/// The versions of a block that a view sees, in the same memory.
fn image(block: &mut Block, width: usize, view: &View, writers: &Writers) -> Block {
    let mut image = Block::new(block.columns.iter_mut().take(width).map(Column::twin).collect());
    image.stamps = vec![RESTORED; block.len()];
    for slot in 0..block.len() {
        if !writers.sees(view, block.stamps[slot]) {
            go_back(block, &mut image, slot, view, writers);
        } else if block.is_deleted(slot) {
            image.stamps[slot] = Stamp::FREE;
        }
    }
    image
}

/// Gives a slot of an image the version that the view sees, which is not the newest.
fn go_back(block: &Block, image: &mut Block, slot: usize, view: &View, writers: &Writers) {
    let mut next = block.undo_of(slot);
    while let Some(undo) = next {
        for (column, saved) in &undo.columns {
            if let Some(column) = image.columns.get_mut(usize::from(*column)) {
                column.restore(slot, saved);
            }
        }
        if writers.sees(view, undo.stamp) {
            if undo.deleted {
                break;
            }
            return;
        }
        next = undo.older.as_deref();
    }
    image.stamps[slot] = Stamp::FREE;
}
