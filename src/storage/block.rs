//! A block: up to 4096 rows, their columns, stamps and undo chains, behind one latch.
//!
//! The latch is held for a look or a change, never while waiting for a transaction. The newest version is in the
//! columns; [`Block::find`] walks the undo chain for readers that may not see it.

use std::sync::atomic::{AtomicU64, Ordering};

use dictdb_types::{Datum, Result};
use parking_lot::RwLock;

use crate::column::{Bits, Column};
use crate::value::{RowReader, ValueRef};
use crate::version::{Stamp, Undo, View, Writer};
use crate::writers::Writers;

/// Rows of a block.
pub const BLOCK_ROWS: usize = 1 << BLOCK_SHIFT;
/// Bits of a `RowId` that name the slot.
pub const BLOCK_SHIFT: u32 = 12;

/// `BlockCell::clean` while somebody may not see the whole block.
const NOT_CLEAN: u64 = u64::MAX;

/// A block behind its latch.
#[derive(Debug)]
pub(crate) struct BlockCell {
    pub(crate) latch: RwLock<Block>,
    /// When every slot holds a row whose newest version is committed and not deleted: the newest of their
    /// timestamps. From that snapshot on a scan takes the columns as they are.
    clean: AtomicU64,
}

impl BlockCell {
    pub(crate) fn new(block: Block) -> Self {
        BlockCell { latch: RwLock::new(block), clean: AtomicU64::new(NOT_CLEAN) }
    }

    /// Takes the latch for a change of rows.
    #[inline]
    pub(crate) fn write(&self) -> parking_lot::RwLockWriteGuard<'_, Block> {
        let guard = self.latch.write();
        self.clean.store(NOT_CLEAN, Ordering::Relaxed);
        guard
    }

    /// Like [`Block::find`], and does not even look at the stamp where the block is known to be clean.
    #[inline]
    pub(crate) fn find<'a>(
        &self,
        block: &'a Block,
        slot: usize,
        view: &View,
        writers: &Writers,
    ) -> Option<RowView<'a>> {
        match self.is_known_clean_for(view) && slot < block.len() {
            true => Some(block.newest(slot)),
            false => block.find(slot, view, writers),
        }
    }

    /// Whether the view is known to see every slot's newest version. Without the latch: what is written to the block at the same
    /// time is no part of a view that is older.
    pub(crate) fn is_known_clean_for(&self, view: &View) -> bool {
        self.clean.load(Ordering::Relaxed) <= view.ts
    }

    /// Whether the view sees every slot's newest version. The caller holds the latch.
    pub(crate) fn is_clean_for(&self, block: &Block, view: &View) -> bool {
        let mut newest = self.clean.load(Ordering::Relaxed);
        if newest == NOT_CLEAN {
            if block.deleted_count > 0 || block.stamps.iter().any(|stamp| !stamp.is_committed()) {
                return false;
            }
            newest = block.stamps.iter().map(|stamp| stamp.0).max().unwrap_or(0);
            self.clean.store(newest, Ordering::Relaxed);
        }
        newest <= view.ts
    }
}

/// Rows of one block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) columns: Vec<Column>,
    pub(crate) stamps: Vec<Stamp>,
    deleted: Bits,
    deleted_count: usize,
    /// Slots whose row went on in another table; empty until the first one.
    moved: Bits,
    /// Chains of old versions, newest first; empty until the first one.
    undo: Vec<Option<Box<Undo>>>,
    pub(crate) undo_count: usize,
    /// Memory as last measured, and changes since.
    pub(crate) measured_bytes: usize,
    pub(crate) changes: usize,
    /// How many clones of the table have what they need of it, or [`UNASKED`]: see `table/cloning.rs`.
    pub(crate) handed_out: u64,
    /// The number of the contents that it has in common with blocks of other tables. Then it is `UNASKED`.
    pub(crate) contents: Option<u64>,
}

/// `Block::handed_out` where nobody has asked about clones since the block became what it is.
pub(crate) const UNASKED: u64 = u64::MAX;

/// A row in a block as one reader sees it: the newest version, or one down its chain.
#[derive(Clone, Copy)]
pub struct RowView<'a> {
    block: &'a Block,
    slot: usize,
    /// The record that stands for the version; `None` is the newest.
    version: Option<&'a Undo>,
}

impl RowReader for RowView<'_> {
    #[inline]
    fn column(&self, index: usize) -> ValueRef<'_> {
        self.value(index)
    }
}

impl<'a> RowView<'a> {
    /// Number of storage columns.
    pub fn width(&self) -> usize {
        self.block.columns.len()
    }

    /// The value of a storage column, which lives as long as the view itself may.
    #[inline]
    pub fn value(&self, index: usize) -> ValueRef<'a> {
        let Some(column) = self.block.columns.get(index) else { return ValueRef::Null };
        match self.version.and_then(|version| self.saved(index, version)) {
            Some(saved) => column.get_saved(saved),
            None => column.get(self.slot),
        }
    }

    /// Likewise, with a life of its own. XX000 if stored bytes are damaged.
    #[inline]
    pub fn datum(&self, index: usize) -> Result<Datum> {
        let newest = self.block.columns.get(index).filter(|_| self.version.is_none());
        match newest.and_then(|column| column.number(self.slot)) {
            Some(number) => Ok(number),
            None => self.value(index).to_datum(),
        }
    }

    /// The stamp of the version, and that of the one that took its place.
    pub(crate) fn stamps(&self) -> (Stamp, Option<Stamp>) {
        let mut newer = None;
        let mut stamp = self.block.stamps[self.slot];
        let mut next = self.block.undo_of(self.slot);
        while let (Some(version), Some(undo)) = (self.version, next) {
            newer = Some(stamp);
            stamp = undo.stamp;
            if std::ptr::eq(undo, version) {
                break;
            }
            next = undo.older.as_deref();
        }
        (stamp, newer)
    }

    /// The old value of a column at `version`: the last one on the way down the chain to it.
    fn saved(&self, index: usize, version: &Undo) -> Option<&'a crate::column::Saved> {
        let mut found = None;
        let mut next = self.block.undo_of(self.slot);
        while let Some(undo) = next {
            found = undo.column(index).or(found);
            if std::ptr::eq(undo, version) {
                break;
            }
            next = undo.older.as_deref();
        }
        found
    }
}

impl Block {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Block {
            columns,
            stamps: Vec::new(),
            deleted: Bits::default(),
            deleted_count: 0,
            moved: Bits::default(),
            undo: Vec::new(),
            undo_count: 0,
            measured_bytes: 0,
            changes: 0,
            handed_out: 0,
            contents: None,
        }
    }

    /// Slots in use or once in use.
    pub(crate) fn len(&self) -> usize {
        self.stamps.len()
    }

    #[inline]
    pub(crate) fn is_deleted(&self, slot: usize) -> bool {
        self.deleted_count > 0 && self.deleted.get(slot)
    }

    pub(crate) fn set_deleted(&mut self, slot: usize, deleted: bool) {
        if self.is_deleted(slot) == deleted {
            return;
        }
        while self.deleted.len() < self.stamps.len() {
            self.deleted.push(false);
        }
        self.deleted.set(slot, deleted);
        if slot < self.moved.len() {
            self.moved.set(slot, false);
        }
        self.deleted_count = if deleted { self.deleted_count + 1 } else { self.deleted_count - 1 };
    }

    /// Says that a row that was deleted goes on in another table.
    pub(crate) fn set_moved(&mut self, slot: usize) {
        while self.moved.len() < self.stamps.len() {
            self.moved.push(false);
        }
        self.moved.set(slot, true);
    }

    /// Whether the row that was deleted last went on in another table.
    pub(crate) fn is_moved(&self, slot: usize) -> bool {
        slot < self.moved.len() && self.moved.get(slot)
    }

    #[inline]
    pub(crate) fn undo_of(&self, slot: usize) -> Option<&Undo> {
        self.undo.get(slot).and_then(Option::as_deref)
    }

    pub(crate) fn undo_mut(&mut self, slot: usize) -> Option<&mut Undo> {
        self.undo.get_mut(slot).and_then(Option::as_deref_mut)
    }

    /// The newest version of a slot, whoever made it.
    pub(crate) fn newest(&self, slot: usize) -> RowView<'_> {
        RowView { block: self, slot, version: None }
    }

    /// The version of a slot that a view sees.
    #[inline]
    pub(crate) fn find(&self, slot: usize, view: &View, writers: &Writers) -> Option<RowView<'_>> {
        let stamp = *self.stamps.get(slot)?;
        if writers.sees(view, stamp) {
            return (!self.is_deleted(slot)).then_some(RowView { block: self, slot, version: None });
        }
        let mut next = self.undo_of(slot);
        while let Some(undo) = next {
            if writers.sees(view, undo.stamp) {
                return (!undo.deleted).then_some(RowView { block: self, slot, version: Some(undo) });
            }
            next = undo.older.as_deref();
        }
        None
    }

    /// Whether a slot has kept the key that the version a view sees has, through every newer one.
    pub(crate) fn kept_key_since(&self, slot: usize, view: &View, writers: &Writers) -> bool {
        let mut next = self.undo_of(slot);
        while let Some(undo) = next.filter(|undo| !undo.changed_key && !undo.deleted) {
            if writers.sees(view, undo.stamp) {
                return !self.is_deleted(slot);
            }
            next = undo.older.as_deref();
        }
        false
    }

    /// Every version of a slot that holds a row for somebody, newest first.
    pub(crate) fn versions(&self, slot: usize) -> impl Iterator<Item = RowView<'_>> {
        let newest = self.stamps.get(slot).is_some_and(|stamp| !stamp.is_free()) && !self.is_deleted(slot);
        let older = std::iter::successors(self.undo_of(slot), |undo| undo.older.as_deref());
        newest.then_some(RowView { block: self, slot, version: None }).into_iter().chain(
            older.filter(|undo| !undo.deleted).map(move |undo| RowView { block: self, slot, version: Some(undo) }),
        )
    }

    /// The newest version that is committed or of this writer, if it holds a row, with its stamp.
    pub(crate) fn find_latest(
        &self,
        slot: usize,
        own: Option<Writer>,
        writers: &Writers,
    ) -> Option<(Stamp, RowView<'_>)> {
        let settled = |stamp: Stamp| {
            let stamp = writers.resolve(stamp);
            (stamp.is_committed() || stamp.is_of(own)).then_some(stamp)
        };
        if let Some(stamp) = settled(*self.stamps.get(slot)?) {
            return (!self.is_deleted(slot)).then_some((stamp, RowView { block: self, slot, version: None }));
        }
        let mut next = self.undo_of(slot);
        while let Some(undo) = next {
            if let Some(stamp) = settled(undo.stamp) {
                return (!undo.deleted).then_some((stamp, RowView { block: self, slot, version: Some(undo) }));
            }
            next = undo.older.as_deref();
        }
        None
    }

    /// The versions one of which will be the newest committed one when the writer in progress has ended: its own, and
    /// the one below them.
    pub(crate) fn open_versions(&self, slot: usize, writers: &Writers) -> impl Iterator<Item = RowView<'_>> {
        let older = std::iter::successors(self.undo_of(slot), |undo| {
            let open = !writers.resolve(undo.stamp).is_committed();
            if open { undo.older.as_deref() } else { None }
        });
        let newest = (!self.is_deleted(slot)).then_some(RowView { block: self, slot, version: None });
        newest.into_iter().chain(older.filter(|undo| !undo.deleted).map(move |undo| RowView {
            block: self,
            slot,
            version: Some(undo),
        }))
    }

    /// Appends a row. The values passed `Column::check`.
    pub(crate) fn push(&mut self, row: &dyn RowReader, stamp: Stamp) -> usize {
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.push(row.column(index));
        }
        self.stamps.push(stamp);
        if !self.undo.is_empty() {
            self.undo.push(None);
        }
        if self.deleted.len() > 0 {
            self.deleted.push(false);
        }
        self.stamps.len() - 1
    }

    /// Puts a row into a free slot.
    pub(crate) fn fill(&mut self, slot: usize, row: &dyn RowReader, stamp: Stamp) {
        debug_assert!(self.stamps[slot].is_free() && self.undo_of(slot).is_none());
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.set(slot, row.column(index));
        }
        self.stamps[slot] = stamp;
    }

    /// Starts a new version of a slot: keeps what the given columns have, and the stamp, resolved: the writer behind a
    /// stamp that it has not rewritten yet looks for it only at the top of the chain.
    pub(crate) fn push_undo(
        &mut self,
        slot: usize,
        changes_key: bool,
        columns: impl Iterator<Item = usize>,
        writers: &Writers,
    ) {
        if self.undo.is_empty() {
            self.undo.resize_with(self.stamps.len(), || None);
        }
        let mut undo = Box::new(Undo {
            stamp: writers.resolve(self.stamps[slot]),
            deleted: self.is_deleted(slot),
            changed_key: changes_key,
            columns: Default::default(),
            older: self.undo[slot].take(),
        });
        for index in columns {
            self.columns[index].touch();
            undo.columns.push((index as u16, self.columns[index].save(slot)));
        }
        self.undo[slot] = Some(undo);
        self.undo_count += 1;
    }

    /// Takes the newest version of a slot back, if it is `writer`'s. A row without an older version leaves the slot
    /// dead, not yet free for others.
    pub(crate) fn pop_undo(&mut self, slot: usize) {
        match self.undo.get_mut(slot).and_then(Option::take) {
            Some(mut undo) => {
                for (index, saved) in &undo.columns {
                    self.columns[*index as usize].restore(slot, saved);
                }
                self.stamps[slot] = undo.stamp;
                self.set_deleted(slot, undo.deleted);
                self.undo[slot] = undo.older.take();
                self.undo_count -= 1;
            }
            None => self.kill(slot),
        }
    }

    /// Makes a slot hold no row, for everybody.
    pub(crate) fn kill(&mut self, slot: usize) {
        self.drop_undo(slot);
        self.stamps[slot] = Stamp::FREE;
        self.set_deleted(slot, false);
        for column in &mut self.columns {
            column.clear(slot);
        }
    }

    /// Rewrites the stamps of `writer`'s versions of a slot.
    pub(crate) fn restamp(&mut self, slot: usize, writer: Writer, ts: u64) {
        let mine = |stamp: Stamp| stamp.is_of(Some(writer));
        if mine(self.stamps[slot]) {
            self.stamps[slot] = Stamp::committed(ts);
        }
        let mut next = self.undo_mut(slot);
        while let Some(undo) = next {
            // A later writer may be above already.
            if mine(undo.stamp) {
                undo.stamp = Stamp::committed(ts);
            } else if undo.stamp.is_committed() && undo.stamp.0 < ts {
                break;
            }
            next = undo.older.as_deref_mut();
        }
    }

    /// Drops the versions that no snapshot from `horizon` on can reach. Returns how many.
    pub(crate) fn prune(&mut self, slot: usize, horizon: u64) -> usize {
        let seen_by_all = |stamp: Stamp| stamp.is_committed() && stamp.0 <= horizon;
        let before = self.undo_count;
        if seen_by_all(self.stamps[slot]) {
            self.drop_undo(slot);
            return before - self.undo_count;
        }
        let Some(Some(mut undo)) = self.undo.get_mut(slot).map(Option::take) else { return 0 };
        let mut cursor: &mut Undo = &mut undo;
        while !seen_by_all(cursor.stamp)
            && let Some(ref mut older) = cursor.older
        {
            cursor = older;
        }
        let rest = cursor.older.take();
        self.undo[slot] = Some(undo);
        self.forget_chain(rest);
        before - self.undo_count
    }

    fn drop_undo(&mut self, slot: usize) {
        if let Some(chain) = self.undo.get_mut(slot).map(Option::take) {
            self.forget_chain(chain);
        }
    }

    fn forget_chain(&mut self, chain: Option<Box<Undo>>) {
        let mut next = chain;
        while let Some(mut undo) = next {
            for (index, saved) in &undo.columns {
                self.columns[*index as usize].forget(saved);
            }
            self.undo_count -= 1;
            next = undo.older.take();
        }
    }

    /// Squeezes dead bytes out of the columns where that is worth it.
    pub(crate) fn compact(&mut self) {
        for index in 0..self.columns.len() {
            if !self.columns[index].wants_compaction() {
                continue;
            }
            let mut saved = Vec::new();
            for chain in self.undo.iter_mut().flatten() {
                let mut next = Some(chain.as_mut());
                while let Some(undo) = next {
                    saved.extend(
                        undo.columns.iter_mut().filter(|(column, _)| *column as usize == index).map(|(_, s)| s),
                    );
                    next = undo.older.as_deref_mut();
                }
            }
            self.columns[index].compact(saved.into_iter());
        }
    }

    /// Approximate memory.
    pub(crate) fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Column::bytes).sum();
        columns
            + self.stamps.capacity() * size_of::<Stamp>()
            + self.undo.capacity() * size_of::<Option<Box<Undo>>>()
            + self.undo_count * size_of::<Undo>()
            + self.deleted.bytes()
    }
}
