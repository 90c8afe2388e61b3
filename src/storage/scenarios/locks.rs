//! Row locks, relation locks, advisory locks, waiting and deadlocks.

use std::time::Duration;

use dictdb_types::Oid;

use super::{Bed, assert_outcome, until_waiting};
use crate::*;

const FOREVER: WaitOptions = WaitOptions { timeout: None, note_after: None };
const SHORT: WaitOptions = WaitOptions { timeout: Some(Duration::from_millis(20)), note_after: None };

fn lock(bed: &Bed, transaction: &Transaction, id: i32, strength: RowStrength) -> RowLocked {
    let snapshot = transaction.snapshot().unwrap();
    let (row, _) = bed.find_at(&snapshot, id).unwrap();
    bed.table.lock_row(transaction, &snapshot, row, None, strength).unwrap()
}

#[test]
fn row_locks_conflict_by_strength() {
    use RowStrength::*;
    for held in [KeyShare, Share, NoKeyUpdate, Update] {
        for wanted in [KeyShare, Share, NoKeyUpdate, Update] {
            let bed = Bed::with_rows(&[(1, 10)]);
            let (a, b) = (bed.storage.begin(), bed.storage.begin());
            assert_outcome!(lock(&bed, &a, 1, held), RowLocked::Done);
            let busy = matches!(lock(&bed, &b, 1, wanted), RowLocked::Busy(_));
            assert_eq!(busy, held.conflicts(wanted), "{held:?} {wanted:?}");
            a.commit().unwrap();
            assert_outcome!(lock(&bed, &b, 1, wanted), RowLocked::Done);
        }
    }
}

#[test]
fn writes_respect_row_locks() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let (reader, writer) = (bed.storage.begin(), bed.storage.begin());
    assert_outcome!(lock(&bed, &reader, 1, RowStrength::KeyShare), RowLocked::Done);
    assert_outcome!(bed.set(&writer, 1, 11), Written::Done);
    assert_outcome!(bed.set_id(&writer, 1, 2), Written::Busy(_));
    assert_outcome!(bed.delete(&writer, 1), Written::Busy(_));
    reader.commit().unwrap();
    assert_outcome!(bed.delete(&writer, 1), Written::Done);
}

#[test]
fn key_share_does_not_wait_for_updates_of_other_columns() {
    let bed = Bed::with_rows(&[(1, 10), (2, 20)]);
    let (writer, checker) = (bed.storage.begin(), bed.storage.begin());
    assert_outcome!(bed.set(&writer, 1, 11), Written::Done);
    assert_outcome!(bed.set_id(&writer, 2, 3), Written::Done);
    assert_outcome!(lock(&bed, &checker, 1, RowStrength::KeyShare), RowLocked::Done);
    assert_outcome!(lock(&bed, &checker, 1, RowStrength::Share), RowLocked::Busy(_));
    assert_outcome!(lock(&bed, &checker, 2, RowStrength::KeyShare), RowLocked::Busy(_));
    // The update may go on, a change of the key may not.
    assert_outcome!(bed.set(&writer, 1, 12), Written::Done);
    assert_outcome!(bed.set_id(&writer, 1, 5), Written::Busy(_));
}

#[test]
fn savepoints_give_row_locks_back() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let (a, b) = (bed.storage.begin(), bed.storage.begin());
    assert_outcome!(lock(&bed, &a, 1, RowStrength::KeyShare), RowLocked::Done);
    let savepoint = a.savepoint();
    assert_outcome!(lock(&bed, &a, 1, RowStrength::Update), RowLocked::Done);
    assert_outcome!(lock(&bed, &b, 1, RowStrength::KeyShare), RowLocked::Busy(_));
    a.rollback_to(savepoint).unwrap();
    assert_outcome!(lock(&bed, &b, 1, RowStrength::Share), RowLocked::Done);
    assert_outcome!(lock(&bed, &b, 1, RowStrength::Update), RowLocked::Busy(_));
}

#[test]
fn waiting_ends_with_the_transaction_or_its_savepoint() {
    let bed = Bed::with_rows(&[(1, 10), (2, 20)]);
    for by_savepoint in [false, true] {
        let a = bed.storage.begin();
        let savepoint = a.savepoint();
        assert_outcome!(bed.set(&a, 1, 11), Written::Done);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let b = bed.storage.begin();
                let Written::Busy(holder) = bed.set(&b, 1, 12) else { panic!("should wait") };
                b.wait_for(holder, &FOREVER).unwrap();
                assert_outcome!(bed.set(&b, 1, 12), Written::Done);
            });
            until_waiting(&bed.storage, 1);
            if by_savepoint {
                a.rollback_to(savepoint).unwrap();
                waiter.join().unwrap();
            } else {
                a.commit().unwrap();
            }
        });
    }
}

#[test]
fn lock_timeout() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let (a, b) = (bed.storage.begin(), bed.storage.begin());
    assert_outcome!(bed.set(&a, 1, 11), Written::Done);
    let Written::Busy(holder) = bed.set(&b, 1, 12) else { panic!("should wait") };
    let error = b.wait_for(holder, &SHORT).unwrap_err();
    assert_eq!((error.code().as_str(), error.message()), ("55P03", "canceling statement due to lock timeout"));
}

#[test]
fn cancelled_while_waiting() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let session = bed.storage.connect(7);
    let (a, b) = (bed.storage.begin(), session.begin(Isolation::ReadCommitted));
    assert_outcome!(bed.set(&a, 1, 11), Written::Done);
    let Written::Busy(holder) = bed.set(&b, 1, 12) else { panic!("should wait") };
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| b.wait_for(holder, &FOREVER).unwrap_err());
        until_waiting(&bed.storage, 1);
        assert_eq!(bed.storage.blocking_pids(7).len(), 1);
        session.interrupt().raise(InterruptReason::Cancel);
        let error = waiter.join().unwrap();
        assert_eq!((error.code().as_str(), error.message()), ("57014", "canceling statement due to user request"));
    });
    session.interrupt().clear();
    assert!(session.interrupt().check().is_ok());
}

#[test]
fn deadlock_of_two_updates() {
    let bed = Bed::with_rows(&[(1, 10), (2, 20)]);
    let (one, two) = (bed.storage.connect(11), bed.storage.connect(12));
    let (a, b) = (one.begin(Isolation::ReadCommitted), two.begin(Isolation::ReadCommitted));
    assert_outcome!(bed.set(&a, 1, 11), Written::Done);
    assert_outcome!(bed.set(&b, 2, 21), Written::Done);
    let Written::Busy(of_b) = bed.set(&a, 2, 22) else { panic!("should wait") };
    let Written::Busy(of_a) = bed.set(&b, 1, 12) else { panic!("should wait") };
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| a.wait_for(of_b, &FOREVER));
        until_waiting(&bed.storage, 1);
        let error = b.wait_for(of_a, &FOREVER).unwrap_err();
        assert_eq!((error.code().as_str(), error.message()), ("40P01", "deadlock detected"));
        let (id_a, id_b) = (a.id().unwrap(), b.id().unwrap());
        let detail = format!(
            "Process 12 waits for ShareLock on transaction {id_a}; blocked by process 11.\n\
             Process 11 waits for ShareLock on transaction {id_b}; blocked by process 12."
        );
        assert_eq!(error.fields().detail.as_deref(), Some(detail.as_str()));
        b.rollback();
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn relation_locks_exclude_and_queue() {
    let storage = Storage::new();
    let relation = storage.relation_lock(Oid(5), Oid(100));
    let (a, b, c) = (storage.begin(), storage.begin(), storage.begin());
    let take = |t: &Transaction, mode, policy| t.lock_relation(&relation, mode, policy, &SHORT);
    assert!(take(&a, LockMode::AccessShare, WaitPolicy::Block).unwrap());
    assert!(take(&b, LockMode::RowExclusive, WaitPolicy::Block).unwrap());
    assert!(!take(&c, LockMode::Share, WaitPolicy::Skip).unwrap());
    assert_eq!(take(&c, LockMode::AccessExclusive, WaitPolicy::Error).unwrap_err().code().as_str(), "55P03");
    assert_eq!(take(&c, LockMode::AccessExclusive, WaitPolicy::Block).unwrap_err().code().as_str(), "55P03");
    assert!(take(&c, LockMode::RowShare, WaitPolicy::Block).unwrap(), "the fast path is back");
    b.commit().unwrap();
    assert!(take(&c, LockMode::Share, WaitPolicy::Block).unwrap());
    assert!(!take(&a, LockMode::RowExclusive, WaitPolicy::Skip).unwrap());
    assert!(take(&a, LockMode::RowShare, WaitPolicy::Block).unwrap());
    let (of_relations, own): (Vec<_>, Vec<_>) = storage.locks().into_iter().partition(|lock| lock.tag.is_some());
    assert_eq!(of_relations.len(), 4, "{of_relations:?}");
    assert_eq!(own.len(), 2, "each transaction that goes on is one that others may wait for: {own:?}");
    drop((a, b, c));
    assert!(storage.locks().is_empty());
    assert!(take(&storage.begin(), LockMode::AccessExclusive, WaitPolicy::Error).unwrap());
}

#[test]
fn a_strong_lock_is_granted_when_the_weak_ones_go() {
    let storage = Storage::new();
    let relation = storage.relation_lock(Oid(5), Oid(100));
    let a = storage.begin();
    a.lock_relation(&relation, LockMode::RowExclusive, WaitPolicy::Block, &FOREVER).unwrap();
    std::thread::scope(|scope| {
        let strong = scope.spawn(|| {
            let b = storage.begin();
            b.lock_relation(&relation, LockMode::AccessExclusive, WaitPolicy::Block, &FOREVER).unwrap();
        });
        until_waiting(&storage, 1);
        let c = storage.begin();
        let queued = c.lock_relation(&relation, LockMode::AccessShare, WaitPolicy::Skip, &FOREVER).unwrap();
        assert!(!queued, "behind the strong waiter");
        a.commit().unwrap();
        c.lock_relation(&relation, LockMode::AccessShare, WaitPolicy::Block, &FOREVER).unwrap();
        strong.join().unwrap();
    });
}

#[test]
fn upgrading_deadlock_is_found() {
    let storage = Storage::new();
    let relation = storage.relation_lock(Oid(5), Oid(100));
    let (a, b) = (storage.begin(), storage.begin());
    for t in [&a, &b] {
        t.lock_relation(&relation, LockMode::RowExclusive, WaitPolicy::Block, &FOREVER).unwrap();
    }
    std::thread::scope(|scope| {
        let first = scope.spawn(|| a.lock_relation(&relation, LockMode::AccessExclusive, WaitPolicy::Block, &FOREVER));
        until_waiting(&storage, 1);
        let error = b.lock_relation(&relation, LockMode::AccessExclusive, WaitPolicy::Block, &FOREVER).unwrap_err();
        assert_eq!(error.code().as_str(), "40P01");
        assert!(error.fields().detail.as_ref().unwrap().contains("AccessExclusiveLock on relation 100 of database 5"));
        b.rollback();
        assert!(first.join().unwrap().unwrap());
    });
}

#[test]
fn waiters_that_only_stand_behind_each_other_change_places() {
    let storage = Storage::new();
    let (first, second) = (storage.relation_lock(Oid(5), Oid(1)), storage.relation_lock(Oid(5), Oid(2)));
    let take = |t: &Transaction, lock, mode| t.lock_relation(lock, mode, WaitPolicy::Block, &FOREVER).unwrap();
    let (a, b) = (storage.begin(), storage.begin());
    take(&a, &first, LockMode::AccessShare);
    take(&b, &second, LockMode::AccessShare);
    std::thread::scope(|scope| {
        let strong =
            [&first, &second].map(|lock| scope.spawn(|| take(&storage.begin(), lock, LockMode::AccessExclusive)));
        until_waiting(&storage, 2);
        let behind = scope.spawn(|| {
            take(&b, &first, LockMode::AccessShare);
            b.rollback();
        });
        until_waiting(&storage, 3);
        take(&a, &second, LockMode::AccessShare);
        a.rollback();
        strong.into_iter().for_each(|strong| assert!(strong.join().unwrap()));
        behind.join().unwrap();
    });
}

#[test]
fn advisory_locks() {
    let storage = Storage::new();
    let (one, two) = (storage.connect(1), storage.connect(2));
    let tag = LockTag::advisory(Oid(5), 42);
    assert!(one.lock_advisory(tag, false, WaitPolicy::Skip, &FOREVER).unwrap());
    assert!(one.lock_advisory(tag, false, WaitPolicy::Skip, &FOREVER).unwrap(), "again by the same session");
    assert!(!two.lock_advisory(tag, true, WaitPolicy::Skip, &FOREVER).unwrap());
    assert!(one.unlock_advisory(tag, false));
    assert!(!two.lock_advisory(tag, true, WaitPolicy::Skip, &FOREVER).unwrap());
    assert!(one.unlock_advisory(tag, false));
    assert!(!one.unlock_advisory(tag, false));
    assert!(two.lock_advisory(tag, true, WaitPolicy::Skip, &FOREVER).unwrap());
    let transaction = one.begin(Isolation::ReadCommitted);
    assert!(transaction.lock_advisory(tag, true, WaitPolicy::Skip, &FOREVER).unwrap());
    assert!(!transaction.lock_advisory(tag, false, WaitPolicy::Skip, &FOREVER).unwrap());
    drop(transaction);
    drop(two);
    assert!(one.lock_advisory(tag, false, WaitPolicy::Skip, &FOREVER).unwrap());
}
