//! Many threads on one table: nothing is lost, nothing is doubled, nothing hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dictdb_types::Datum;

use super::{Bed, VALUE, int, until_waiting};
use crate::index::model::Random;
use crate::*;

const FOREVER: WaitOptions = WaitOptions { timeout: None, note_after: None };

/// `UPDATE … SET value = value + delta WHERE id = …` as READ COMMITTED runs it. Fails with 40P01.
fn add(bed: &Bed, transaction: &Transaction, id: i32, delta: i32) -> dictdb_types::Result<()> {
    let snapshot = transaction.snapshot()?;
    let (row, mut value) = bed.find_at(&snapshot, id).expect("the account is there");
    let mut expected = None;
    loop {
        let change = [(VALUE, Datum::Int4(value + delta))];
        match bed.table.update(transaction, &snapshot, row, expected, &change)? {
            Written::Done => return Ok(()),
            Written::Busy(holder) => transaction.wait_for_row(&bed.table, row, holder, &FOREVER)?,
            Written::Changed => {
                let (tag, newest) =
                    bed.table.read_latest(row, transaction, |version| int(version, VALUE)).expect("never deleted");
                (expected, value) = (Some(tag), newest);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn transfers_keep_the_sum() {
    const ACCOUNTS: usize = 6;
    let rows: Vec<_> = (0..ACCOUNTS as i32).map(|id| (id, 1000)).collect();
    let bed = Bed::with_rows(&rows);
    let (deadlocks, transfers) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (bed, deadlocks, transfers) = (&bed, &deadlocks, &transfers);
            scope.spawn(move || {
                let mut random = Random::new(thread + 1);
                for _ in 0..400 {
                    let transaction = bed.storage.begin();
                    let (from, to) = (random.below(ACCOUNTS) as i32, random.below(ACCOUNTS) as i32);
                    let done = add(bed, &transaction, from, -1).and_then(|()| add(bed, &transaction, to, 1));
                    match done {
                        Ok(()) => {
                            transaction.commit().unwrap();
                            transfers.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            assert_eq!(error.code().as_str(), "40P01");
                            deadlocks.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..300 {
                let reader = bed.storage.begin_isolated(Isolation::RepeatableRead);
                let sum: i32 = bed.rows(&reader).iter().map(|(_, value)| value).sum();
                assert_eq!(sum, ACCOUNTS as i32 * 1000);
            }
        });
    });
    assert_eq!(transfers.load(Ordering::Relaxed) + deadlocks.load(Ordering::Relaxed), 3200);
    let sum: i32 = bed.rows(&bed.storage.begin()).iter().map(|(_, value)| value).sum();
    assert_eq!(sum, ACCOUNTS as i32 * 1000);
    bed.storage.vacuum();
    assert_eq!(bed.storage.garbage(), 0);
}

#[test]
fn one_of_many_wins_a_unique_key() {
    for kind in [IndexKind::Ordered, IndexKind::Hash] {
        let bed = Bed::with_kind(kind);
        let winners = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (bed, winners) = (&bed, &winners);
                scope.spawn(move || {
                    for id in 0..200 {
                        let transaction = bed.storage.begin();
                        loop {
                            match bed.try_insert(&transaction, id, thread) {
                                // Some winners think better of it.
                                Inserted::Done(_) if (id + thread) % 3 == 0 => break transaction.rollback(),
                                Inserted::Done(_) => {
                                    winners.fetch_add(1, Ordering::Relaxed);
                                    transaction.commit().unwrap();
                                    break;
                                }
                                Inserted::Busy(holder) => transaction.wait_for(holder, &FOREVER).unwrap(),
                                Inserted::Conflict(_) => break,
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(winners.load(Ordering::Relaxed), 200);
        assert_eq!(bed.rows(&bed.storage.begin()).len(), 200);
        assert_eq!(bed.index.entries(), 200);
    }
}

/// Readers by key while rows move between keys, are deleted and come back, and slots are used again.
#[test]
fn readers_see_each_row_once() {
    const IDS: i32 = 20;
    let rows: Vec<_> = (0..IDS).map(|id| (id, id)).collect();
    let bed = Bed::with_rows(&rows);
    let running = Arc::new(());
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (bed, running) = (&bed, running.clone());
            scope.spawn(move || {
                // Gone at the end, and also after a panic.
                let _running = running;
                let mut random = Random::new(thread + 100);
                for _ in 0..1500 {
                    let transaction = bed.storage.begin_isolated(Isolation::RepeatableRead);
                    // Swap two ids by way of a third, or replace a row: the set of ids stays the same.
                    let (a, b) = (random.below(IDS as usize) as i32, random.below(IDS as usize) as i32);
                    let done = match random.below(3) {
                        0 if a != b => swap(bed, &transaction, a, b, 1000 + thread as i32),
                        _ => replace(bed, &transaction, a),
                    };
                    match done {
                        true => drop(transaction.commit().unwrap()),
                        false => transaction.rollback(),
                    }
                }
            });
        }
        scope.spawn(|| {
            while Arc::strong_count(&running) > 1 {
                let reader = bed.storage.begin_isolated(Isolation::RepeatableRead);
                let ids: Vec<i32> = bed.rows(&reader).iter().map(|(id, _)| *id).collect();
                assert_eq!(ids, (0..IDS).collect::<Vec<_>>());
                let snapshot = reader.snapshot().unwrap();
                (0..IDS).for_each(|id| assert!(bed.find_at(&snapshot, id).is_some(), "id {id}"));
            }
        });
    });
    bed.storage.vacuum();
    assert_eq!(bed.index.entries(), IDS as usize);
}

fn swap(bed: &Bed, transaction: &Transaction, a: i32, b: i32, spare: i32) -> bool {
    [(a, spare), (b, a), (spare, b)]
        .iter()
        .all(|(from, to)| matches!(bed.set_id(transaction, *from, *to), Written::Done))
}

fn replace(bed: &Bed, transaction: &Transaction, id: i32) -> bool {
    matches!(bed.delete(transaction, id), Written::Done)
        && matches!(bed.try_insert(transaction, id, id), Inserted::Done(_))
}

#[test]
fn weak_and_strong_relation_locks_from_many_threads() {
    let storage = Storage::new();
    let lock = storage.relation_lock(dictdb_types::Oid(1), dictdb_types::Oid(2));
    let (weak, strong) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (storage, lock, weak, strong) = (&storage, &lock, &weak, &strong);
            scope.spawn(move || {
                for i in 0..500 {
                    let transaction = storage.begin();
                    let exclusive = (i + thread) % 10 == 0;
                    let mode = if exclusive { LockMode::AccessExclusive } else { LockMode::RowExclusive };
                    transaction.lock_relation(lock, mode, WaitPolicy::Block, &FOREVER).unwrap();
                    let (mine, other) = if exclusive { (strong, weak) } else { (weak, strong) };
                    let before = mine.fetch_add(1, Ordering::SeqCst);
                    assert!(!exclusive || before == 0, "two exclusive locks");
                    assert_eq!(other.load(Ordering::SeqCst), 0, "both kinds at once");
                    std::thread::yield_now();
                    mine.fetch_sub(1, Ordering::SeqCst);
                    transaction.commit().unwrap();
                }
            });
        }
    });
    assert!(storage.locks().is_empty());
}

/// Everybody wants one row: they come forward in order and nobody is lost.
#[test]
fn one_hot_row() {
    let bed = Bed::with_rows(&[(1, 0)]);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            let bed = &bed;
            scope.spawn(move || {
                for _ in 0..50 {
                    let transaction = bed.storage.begin();
                    add(bed, &transaction, 1, 1).unwrap();
                    transaction.commit().unwrap();
                }
            });
        }
    });
    assert_eq!(bed.rows(&bed.storage.begin()), [(1, 800)]);
    assert!(bed.storage.locks().is_empty());
}

/// Who comes forward and then leaves the row alone lets the next one come.
#[test]
fn the_head_of_the_queue_can_lose_interest() {
    let bed = Bed::with_rows(&[(1, 0)]);
    let holder = bed.storage.begin();
    add(&bed, &holder, 1, 1).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let bed = &bed;
            scope.spawn(move || {
                let transaction = bed.storage.begin();
                let snapshot = transaction.snapshot().unwrap();
                let (row, _) = bed.find_at(&snapshot, 1).unwrap();
                let lock = || bed.table.lock_row(&transaction, &snapshot, row, None, RowStrength::Update).unwrap();
                let RowLocked::Busy(of) = lock() else { panic!("should wait") };
                transaction.wait_for_row(&bed.table, row, of, &FOREVER).unwrap();
                assert!(matches!(lock(), RowLocked::Changed));
                // Stays open for a while, without the row.
                std::thread::sleep(std::time::Duration::from_millis(20));
            });
        }
        until_waiting(&bed.storage, 4);
        holder.commit().unwrap();
    });
}
