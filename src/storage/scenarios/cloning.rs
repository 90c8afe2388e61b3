//! Clones against models: whatever becomes of a table and its clones, each goes on from the moment it was made, alone.

use std::collections::BTreeMap;

use super::model::World;
use super::{Bed, ID, VALUE, int};
use crate::index::model::Random;
use crate::*;
use dictdb_types::{Datum, Oid, Physical};

/// More rows than fit into two blocks.
const MANY: i32 = 2 * BLOCK_ROWS as i32 + 500;

impl Bed {
    /// A clone of its table as of now.
    fn cloned(&self, id: u32) -> Bed {
        let wanted = ClonedTable { source: &self.table, id: Oid(id), columns: 3, indexes: &|_| true };
        let table = self.storage.in_commit_order(|| self.storage.clone_table(&wanted));
        let index = table.indexes()[0].clone();
        Bed { storage: self.storage.clone(), table, index }
    }
}

fn all(world: &World) -> Vec<(i32, i32)> {
    world.committed.clone().into_iter().collect()
}

/// Worlds that begin as clones of one another, with transactions in progress on both sides.
#[test]
fn clones_go_their_own_way() {
    for seed in 1..=30 {
        let mut random = Random::new(seed + 1000);
        let mut worlds = vec![World::new(seed)];
        for step in 0..3000_u32 {
            let at = random.below(worlds.len());
            worlds[at].step();
            match random.below(60) {
                0 if worlds.len() < 9 => {
                    let bed = worlds[at].bed.cloned(100 + step);
                    worlds.push(World::of(bed, worlds[at].committed.clone(), seed * 100_000 + u64::from(step)));
                }
                1 if worlds.len() > 2 => {
                    let dropped = worlds.swap_remove(at);
                    dropped.bed.storage.drop_table(dropped.bed.table.id());
                }
                2 => worlds[at].check_held(),
                _ => {}
            }
        }
        for world in worlds {
            let reader = world.bed.storage.begin();
            assert_eq!(world.bed.rows(&reader), all(&world), "seed {seed}");
            for id in 0..12 {
                let found = world.bed.find(&reader, id).map(|(_, value)| value);
                assert_eq!(found, world.committed.get(&id).copied(), "seed {seed}, id {id}");
            }
        }
    }
}

/// Tables of several blocks, of which some are changed and others only read, in chains longer than the longest allowed.
#[test]
fn chains_of_clones_of_many_blocks() {
    for kind in [IndexKind::Ordered, IndexKind::Hash] {
        let mut random = Random::new(7);
        let first = Bed::with_kind(kind);
        let filler = first.storage.begin();
        for id in 0..MANY {
            first.insert(&filler, id, id);
        }
        filler.commit().unwrap();
        let state: BTreeMap<i32, i32> = (0..MANY).map(|id| (id, id)).collect();
        let mut family = vec![(first, state)];
        for generation in 0..25 {
            let at = if random.below(3) == 0 { random.below(family.len()) } else { family.len() - 1 };
            let clone = (family[at].0.cloned(100 + generation), family[at].1.clone());
            family.push(clone);
            for _ in 0..4 {
                let at = random.below(family.len());
                change(&mut family[at], &mut random);
            }
            if family.len() > 12 {
                let (dropped, _) = family.remove(0);
                dropped.storage.drop_table(dropped.table.id());
            }
        }
        for (bed, state) in &family {
            let reader = bed.storage.begin();
            assert_eq!(bed.rows(&reader), state.clone().into_iter().collect::<Vec<_>>());
            for _ in 0..50 {
                let id = random.below(MANY as usize * 2) as i32;
                assert_eq!(bed.find(&reader, id).map(|(_, value)| value), state.get(&id).copied());
            }
        }
    }
}

/// Some changes in one transaction, which may be rolled back.
fn change((bed, state): &mut (Bed, BTreeMap<i32, i32>), random: &mut Random) {
    let transaction = bed.storage.begin();
    let mut changed = state.clone();
    for _ in 0..random.below(20) {
        let id = random.below(MANY as usize * 2) as i32;
        match (changed.contains_key(&id), random.below(3)) {
            (false, _) => {
                bed.insert(&transaction, id, -id);
                changed.insert(id, -id);
            }
            (true, 0) => {
                bed.delete(&transaction, id);
                changed.remove(&id);
            }
            (true, _) => {
                bed.set(&transaction, id, id + 7);
                changed.insert(id, id + 7);
            }
        }
    }
    if random.below(4) == 0 {
        transaction.rollback();
    } else {
        transaction.commit().unwrap();
        *state = changed;
    }
    if random.below(5) == 0 {
        bed.storage.vacuum();
    }
}

#[test]
fn a_transaction_in_progress_is_in_no_clone() {
    let bed = Bed::with_rows(&[(1, 10), (2, 20), (3, 30)]);
    let open = bed.storage.begin();
    bed.set(&open, 1, 11);
    bed.set_id(&open, 2, 5);
    bed.insert(&open, 4, 40);
    bed.delete(&open, 3);
    let clone = bed.cloned(9);
    open.commit().unwrap();
    let reader = clone.storage.begin();
    assert_eq!(clone.rows(&reader), [(1, 10), (2, 20), (3, 30)]);
    assert_eq!((clone.find(&reader, 5), clone.find(&reader, 4)), (None, None));
    // The row of the open transaction had an entry, and its place in the clone is nobody's.
    let own = clone.storage.begin();
    clone.insert(&own, 7, 70);
    own.commit().unwrap();
    let reader = clone.storage.begin();
    assert_eq!(clone.find(&reader, 4), None);
    assert_eq!(clone.find(&reader, 7).map(|(_, value)| value), Some(70));
    assert_eq!(bed.rows(&bed.storage.begin()), [(1, 11), (4, 40), (5, 20)]);
}

#[test]
fn columns_are_added_on_either_side() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let (first, second) = (bed.cloned(9), bed.cloned(10));
    assert_eq!(bed.table.add_column(Physical::Int4, Datum::Int4(5)).unwrap(), 3);
    assert_eq!(first.table.add_column(Physical::Bool, Datum::Null).unwrap(), 3);
    assert_eq!(second.table.columns().len(), 3);
    let width = |bed: &Bed| {
        let snapshot = bed.storage.begin().snapshot().unwrap();
        let mut width = 0;
        let visit = |_, row: &RowView<'_>| {
            assert_eq!((int(row, ID), int(row, VALUE)), (1, 10));
            width = row.width();
            Ok::<_, ()>(true)
        };
        bed.table.for_each(&snapshot, visit).unwrap();
        width
    };
    assert_eq!([width(&bed), width(&first), width(&second)], [4, 4, 3]);
}

/// Memory is shared until it is changed, and given back with the last who has it.
#[test]
fn memory_is_counted_once() {
    let bed = Bed::new();
    let filler = bed.storage.begin();
    for id in 0..MANY {
        bed.insert(&filler, id, id);
    }
    filler.commit().unwrap();
    let alone = bed.storage.bytes();
    let clone = bed.cloned(9);
    assert!(bed.storage.bytes() < alone + alone / 50, "a clone that nobody uses costs next to nothing");
    bed.storage.drop_table(bed.table.id());
    let (storage, table) = (bed.storage.clone(), clone.table.clone());
    drop(bed);
    assert!(storage.bytes() > alone / 2, "the clone holds what was dropped");
    storage.drop_table(table.id());
    drop((clone, table));
    assert_eq!(storage.bytes(), 0);
}

/// Writers of the source and readers of clones at once.
#[test]
fn threads_write_while_clones_are_made() {
    let bed = Bed::with_rows(&(0..500).map(|id| (id, 0)).collect::<Vec<_>>());
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (bed, stop) = (&bed, &stop);
            scope.spawn(move || {
                let mut random = Random::new(worker + 1);
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    // All rows of a transaction get one value: a clone sees all of them or none.
                    let transaction = bed.storage.begin();
                    let value = random.below(1_000_000) as i32;
                    let first = worker as i32 * 250;
                    (first..first + 250).step_by(25).for_each(|id| drop(bed.set(&transaction, id, value)));
                    transaction.commit().unwrap();
                }
            });
        }
        for number in 0..300 {
            let clone = bed.cloned(1000 + number);
            let reader = clone.storage.begin();
            for worker in 0..2 {
                let first = worker * 250;
                let values: Vec<i32> =
                    (first..first + 250).step_by(25).map(|id| clone.find(&reader, id).unwrap().1).collect();
                assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
            }
            assert_eq!(clone.rows(&reader).len(), 500);
            clone.storage.drop_table(clone.table.id());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
