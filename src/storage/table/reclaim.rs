//! Giving back what no snapshot can see: old versions, index entries of old keys, slots of dead rows.

use dictdb_types::RowId;

use super::Table;
use crate::block::Block;
use crate::garbage::Item;
use crate::index::KeyOutcome;
use crate::value::RowReader;
use crate::version::Stamp;

/// What pruning a row showed.
enum Pruned {
    /// A row is there.
    Alive,
    /// Its newest version is a delete that everybody sees.
    Dead,
}

impl Table {
    /// Reclaims what one commit replaced. Nobody's snapshot is before `horizon`.
    pub(crate) fn reclaim(&self, items: Vec<Item>, horizon: u64) {
        let mut dead = Vec::new();
        for item in items {
            match item {
                Item::Row(row) => {
                    if let Some(Pruned::Dead) = self.change_block(row, |block, slot| prune(self, block, slot, horizon))
                    {
                        self.bury(row);
                        dead.push(row);
                    }
                }
                Item::Entry(index, key, row) => {
                    if let Some(key) = key {
                        self.remove_dead_entry(&index, &key, row);
                    }
                    index.remove_stale();
                }
            }
        }
        if !dead.is_empty() {
            self.free_slots(dead.into_iter());
        }
    }

    /// Takes the entries of a dead row out, then the row.
    fn bury(&self, row: RowId) {
        let indexes = self.indexes();
        let Some((cell, slot)) = self.cell(row) else { return };
        let keys = {
            let block = cell.latch.read();
            let last: &dyn RowReader = &block.newest(slot);
            self.keys_of(&indexes, last)
        };
        if let Ok(keys) = keys {
            for (at, index) in indexes.iter().enumerate() {
                let (key, outcome) = keys.get(at);
                if outcome != KeyOutcome::NotIndexed {
                    index.remove(key, row);
                }
            }
        }
        let mut block = self.change(super::place(row).0, cell);
        block.kill(slot);
        block.compact();
        self.account(&mut block);
    }
}

fn prune(table: &Table, block: &mut Block, slot: usize, horizon: u64) -> Pruned {
    block.prune(slot, horizon);
    block.compact();
    table.account(block);
    let stamp = block.stamps[slot];
    if !stamp.is_committed() || stamp.0 > horizon || !block.is_deleted(slot) {
        return Pruned::Alive;
    }
    // Others may come for the same row: only the first buries it. Its values stay until its entries are out.
    block.stamps[slot] = Stamp::FREE;
    block.set_deleted(slot, false);
    Pruned::Dead
}
