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
//! # What two tables have in common
//! A block and the images of it have the same *contents*, which get a number, until one of them changes: whoever is about to change a
//! block finds that clones were not asked about, and takes the number away. So whoever writes all tables down writes contents once
//! ([`Table::contents`]), and looks at blocks that a clone does not have where they are.
//!
//! # How it ends
//! A clone keeps its source in memory, dropped or not, until it has all blocks. Clones of clones ask one another; before a chain gets
//! longer than [`DEPTH_MAX`] the one that is cloned takes over everything.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use dictdb_types::stored::corrupted;
use dictdb_types::{Oid, Physical, Result};
use parking_lot::{Mutex, RwLockWriteGuard};

use super::directory::Directory;
use super::{Table, restore::RESTORED};
use crate::block::{Block, BlockCell, UNASKED};
use crate::column::Column;
use crate::storage::{Shared, Storage};
use crate::version::{Stamp, View};
use crate::writers::Writers;

/// Longest way from a clone to the table that has a block.
const DEPTH_MAX: usize = 8;

/// The next number of contents.
static CONTENTS: AtomicU64 = AtomicU64::new(0);

/// What the rows of a block are, where those of another table's block of the same number may be the same: equal ones are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Contents {
    number: u64,
    /// Storage columns.
    width: usize,
}

/// Where the rows of a block are that a clone does not have.
struct Holder {
    cell: Arc<BlockCell>,
    /// The tables on the way there, which do not have it either.
    way: Vec<Arc<Table>>,
    /// What the clone sees of it.
    view: View,
    width: usize,
}

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
        clone.set_vacant(self.vacant());
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
        let asked = self.ties.clones();
        drop(waiting);
        for clone in clones {
            let source = clone.ties.source.lock().clone();
            if let Some(source) = source.filter(|source| number < source.blocks)
                && let Some(storage) = source.storage.upgrade()
            {
                clone.receive(number, &source, block, &storage.writers);
            }
        }
        // Images were taken of what it has been until now.
        block.handed_out = asked;
        block.contents = None;
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

    /// Where a block is that this table does not have, if it is a clone.
    fn holder(&self, number: usize) -> Option<Holder> {
        let mut source = self.ties.source.lock().clone()?;
        let width = source.width;
        let (mut ts, mut way) = (source.ts, Vec::new());
        while number < source.blocks {
            ts = ts.min(source.ts);
            let table = source.table.clone();
            if let Some(cell) = table.blocks.get(number) {
                let view = View { ts, own: None, command: 0 };
                return Some(Holder { cell: cell.clone(), way, view, width });
            }
            source = table.ties.source.lock().clone()?;
            way.push(table);
        }
        None
    }

    /// Whether a block has not come here since it was found with a holder, whose latch the caller holds: it comes from there.
    fn still_lacks(&self, number: usize, holder: &Holder) -> bool {
        self.blocks.get(number).is_none() && holder.way.iter().all(|table| table.blocks.get(number).is_none())
    }

    /// Looks at a block, with what a view sees of it and its storage columns, wherever it is: a clone does not become larger by that.
    pub(super) fn look_at<R>(
        &self,
        number: usize,
        view: &View,
        look: impl FnOnce(&Block, &View, usize) -> R,
    ) -> Option<R> {
        loop {
            if let Some(cell) = self.blocks.get(number) {
                let block = cell.latch.read();
                return Some(look(&block, view, block.columns.len()));
            }
            let Some(holder) = self.holder(number) else {
                // It may have come meanwhile, and the source with it gone.
                self.blocks.get(number)?;
                continue;
            };
            let block = holder.cell.latch.read();
            if self.still_lacks(number, &holder) {
                return Some(look(&block, &holder.view, holder.width));
            }
        }
    }

    /// What the rows of a block are, as far as other tables may have the same. Whoever asked for a snapshot before may say that
    /// tables that were there then have the same rows for it, where this is equal.
    pub fn contents(&self, number: usize, storage: &Storage) -> Option<Contents> {
        if let Some(cell) = self.blocks.get(number) {
            let block = cell.latch.read();
            return block.contents.map(|number| Contents { number, width: block.columns.len() });
        }
        let holder = self.holder(number)?;
        let mut block = holder.cell.latch.write();
        if !self.still_lacks(number, &holder) || !shows_all(&block, &holder.view, &storage.0.writers) {
            return None;
        }
        Some(Contents { number: number_contents(&mut block), width: holder.width })
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

impl Storage {
    /// Gives a table the rows that another one has in some blocks, and keeps them in the same memory: both are being restored. XX001
    /// when they are no tables that can.
    pub fn restore_shared(&self, table: Oid, of: Oid, blocks: Range<usize>) -> Result<()> {
        let tables = self.table(table).zip(self.table(of)).filter(|_| table != of);
        let (table, of) =
            tables.ok_or_else(|| corrupted(&format!("table {table} cannot have the rows of table {of}")))?;
        let layouts = table.columns();
        if !of.columns().starts_with(&layouts) {
            return Err(corrupted(&format!("table {} does not have the columns of table {}", table.id(), of.id())));
        }
        for number in blocks {
            // Of a block without rows nothing was written.
            let Some(cell) = of.block(number) else { continue };
            let view = View { ts: RESTORED.0, own: None, command: 0 };
            let image = image(&mut cell.latch.write(), layouts.len(), &view, &self.0.writers);
            let place = table.block_to_restore(number)?;
            *place.latch.write() = image;
        }
        Ok(())
    }
}

/// Whether a view sees the newest version of every slot that has one.
fn shows_all(block: &Block, view: &View, writers: &Writers) -> bool {
    let shows = |slot: usize| match block.stamps[slot].is_free() {
        true => block.undo_of(slot).is_none(),
        false => writers.sees(view, block.stamps[slot]),
    };
    (0..block.len()).all(shows)
}

/// The number of a block's contents, which others have too from now on.
fn number_contents(block: &mut Block) -> u64 {
    block.handed_out = UNASKED;
    *block.contents.get_or_insert_with(|| CONTENTS.fetch_add(1, Ordering::Relaxed))
}

/// The versions of a block that a view sees, in the same memory.
fn image(block: &mut Block, width: usize, view: &View, writers: &Writers) -> Block {
    let mut image = Block::new(block.columns.iter_mut().take(width).map(Column::twin).collect());
    image.stamps = vec![RESTORED; block.len()];
    if shows_all(block, view, writers) {
        image.contents = Some(number_contents(block));
        image.handed_out = UNASKED;
    }
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
