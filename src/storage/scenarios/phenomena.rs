//! The phenomena by which isolation levels are defined, and what savepoints and rollbacks leave.

use std::sync::Arc;

use super::{Bed, assert_outcome};
use crate::*;

#[test]
fn no_dirty_read() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let (writer, reader) = (bed.storage.begin(), bed.storage.begin());
    assert_outcome!(bed.set(&writer, 1, 11), Written::Done);
    bed.insert(&writer, 2, 20);
    assert_eq!(bed.rows(&reader), [(1, 10)]);
    assert_eq!(bed.rows(&writer), [(1, 11), (2, 20)]);
    writer.rollback();
    assert_eq!(bed.rows(&reader), [(1, 10)]);
}

#[test]
fn read_committed_sees_new_commits_and_repeatable_read_does_not() {
    let bed = Bed::with_rows(&[(1, 10), (2, 20)]);
    let committed = bed.storage.begin();
    let repeatable = bed.storage.begin_isolated(Isolation::RepeatableRead);
    assert_eq!(bed.rows(&repeatable).len(), 2);
    let writer = bed.storage.begin();
    assert_outcome!(bed.set(&writer, 1, 11), Written::Done);
    assert_outcome!(bed.delete(&writer, 2), Written::Done);
    bed.insert(&writer, 3, 30);
    writer.commit().unwrap();
    bed.storage.vacuum();
    assert_eq!(bed.rows(&committed), [(1, 11), (3, 30)]);
    assert_eq!(bed.rows(&repeatable), [(1, 10), (2, 20)]);
    assert_eq!(bed.find(&repeatable, 2).map(|(_, value)| value), Some(20));
    assert_eq!(bed.find(&repeatable, 3), None);
}

#[test]
fn lost_update_is_noticed() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let (first, second) = (bed.storage.begin(), bed.storage.begin());
    let snapshot = second.snapshot().unwrap();
    let (row, _) = bed.find_at(&snapshot, 1).unwrap();
    assert_outcome!(bed.set(&first, 1, 11), Written::Done);
    let change = [(super::VALUE, dictdb_types::Datum::Int4(12))];
    assert_outcome!(bed.table.update(&second, &snapshot, row, None, &change).unwrap(), Written::Busy(_));
    first.commit().unwrap();
    assert_outcome!(bed.table.update(&second, &snapshot, row, None, &change).unwrap(), Written::Changed);
    let (tag, value) = bed.table.read_latest(row, &second, |version| super::int(version, super::VALUE)).unwrap();
    assert_eq!(value, 11);
    assert_outcome!(bed.table.update(&second, &snapshot, row, Some(tag), &change).unwrap(), Written::Done);
    second.commit().unwrap();
    assert_eq!(bed.rows(&bed.storage.begin()), [(1, 12)]);
}

#[test]
fn a_stale_tag_is_refused() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let waiter = bed.storage.begin();
    let snapshot = waiter.snapshot().unwrap();
    let (row, _) = bed.find_at(&snapshot, 1).unwrap();
    let update = || {
        let writer = bed.storage.begin();
        assert_outcome!(bed.set(&writer, 1, 11), Written::Done);
        writer.commit().unwrap();
    };
    update();
    let (tag, ()) = bed.table.read_latest(row, &waiter, |_| ()).unwrap();
    update();
    assert_outcome!(bed.table.delete(&waiter, &snapshot, row, Some(tag)).unwrap(), Written::Changed);
}

#[test]
fn deleted_rows_are_reported() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let waiter = bed.storage.begin_isolated(Isolation::RepeatableRead);
    let snapshot = waiter.snapshot().unwrap();
    let (row, _) = bed.find_at(&snapshot, 1).unwrap();
    let deleter = bed.storage.begin();
    assert_outcome!(bed.delete(&deleter, 1), Written::Done);
    deleter.commit().unwrap();
    assert_outcome!(bed.table.delete(&waiter, &snapshot, row, None).unwrap(), Written::Deleted);
    assert!(bed.table.read_latest(row, &waiter, |_| ()).is_none());
}

#[test]
fn write_skew_is_possible_under_repeatable_read() {
    let bed = Bed::with_rows(&[(1, 10), (2, 10)]);
    let a = bed.storage.begin_isolated(Isolation::RepeatableRead);
    let b = bed.storage.begin_isolated(Isolation::RepeatableRead);
    assert_eq!(bed.rows(&a), bed.rows(&b));
    assert_outcome!(bed.set(&a, 1, 0), Written::Done);
    assert_outcome!(bed.set(&b, 2, 0), Written::Done);
    a.commit().unwrap();
    b.commit().unwrap();
    assert_eq!(bed.rows(&bed.storage.begin()), [(1, 0), (2, 0)]);
}

#[test]
fn a_command_does_not_see_its_own_writes() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let writer = bed.storage.begin();
    let command = Arc::new(writer.snapshot().unwrap());
    let row = [dictdb_types::Datum::Int4(2), dictdb_types::Datum::Int4(20)];
    assert_outcome!(bed.table.insert(&writer, &command, &row).unwrap(), Inserted::Done(_));
    assert_eq!(bed.rows_at(&command), [(1, 10)]);
    assert_eq!(bed.rows(&writer), [(1, 10), (2, 20)]);
    assert_eq!(bed.rows_at(&command), [(1, 10)]);
    let (first, _) = bed.find_at(&command, 1).unwrap();
    assert_outcome!(bed.table.delete(&writer, &command, first, None).unwrap(), Written::Done);
    let again = bed.table.delete(&writer, &command, first, None).unwrap();
    assert_outcome!(again, Written::SelfModified { later: false });
}

#[test]
fn a_nested_command_is_later() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let writer = bed.storage.begin();
    let outer = writer.snapshot().unwrap();
    let (row, _) = bed.find_at(&outer, 1).unwrap();
    assert_outcome!(bed.set(&writer, 1, 11), Written::Done);
    assert_eq!(bed.find_at(&outer, 1).unwrap().1, 10);
    let outcome = bed.table.delete(&writer, &outer, row, None).unwrap();
    assert_outcome!(outcome, Written::SelfModified { later: true });
}

#[test]
fn savepoints_undo_inserts_updates_and_deletes() {
    let bed = Bed::with_rows(&[(1, 10), (2, 20)]);
    let writer = bed.storage.begin();
    bed.insert(&writer, 3, 30);
    assert_outcome!(bed.set(&writer, 1, 11), Written::Done);
    let savepoint = writer.savepoint();
    bed.insert(&writer, 4, 40);
    assert_outcome!(bed.set(&writer, 1, 12), Written::Done);
    assert_outcome!(bed.set(&writer, 3, 31), Written::Done);
    assert_outcome!(bed.delete(&writer, 2), Written::Done);
    assert_outcome!(bed.set_id(&writer, 3, 33), Written::Done);
    assert_eq!(bed.rows(&writer), [(1, 12), (4, 40), (33, 31)]);
    writer.rollback_to(savepoint).unwrap();
    assert_eq!(bed.rows(&writer), [(1, 11), (2, 20), (3, 30)]);
    assert_eq!((bed.find(&writer, 33), bed.find(&writer, 4)), (None, None));
    // The savepoint is still there, and its id can be used again.
    bed.insert(&writer, 4, 41);
    writer.rollback_to(savepoint).unwrap();
    bed.insert(&writer, 4, 42);
    writer.release(savepoint).unwrap();
    assert!(writer.rollback_to(savepoint).is_err());
    writer.commit().unwrap();
    assert_eq!(bed.rows(&bed.storage.begin()), [(1, 11), (2, 20), (3, 30), (4, 42)]);
}

#[test]
fn rollback_leaves_nothing() {
    let bed = Bed::with_rows(&[(1, 10), (2, 20)]);
    for _ in 0..3 {
        let writer = bed.storage.begin();
        bed.insert(&writer, 3, 30);
        assert_outcome!(bed.set_id(&writer, 1, 5), Written::Done);
        assert_outcome!(bed.set_id(&writer, 5, 6), Written::Done);
        assert_outcome!(bed.delete(&writer, 2), Written::Done);
        drop(writer);
        assert_eq!(bed.rows(&bed.storage.begin()), [(1, 10), (2, 20)]);
        assert_eq!(bed.index.entries(), 2);
    }
    assert_eq!(bed.table.stats().live_rows, 2);
    assert_eq!(bed.storage.garbage(), 0);
}

#[test]
fn key_updates_are_found_under_the_right_key() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let old = bed.storage.begin_isolated(Isolation::RepeatableRead);
    assert!(bed.find(&old, 1).is_some());
    let writer = bed.storage.begin();
    assert_outcome!(bed.set_id(&writer, 1, 2), Written::Done);
    assert_eq!((bed.find(&old, 1).is_some(), bed.find(&old, 2)), (true, None));
    writer.commit().unwrap();
    bed.storage.vacuum();
    assert_eq!((bed.find(&old, 1).is_some(), bed.find(&old, 2)), (true, None));
    let new = bed.storage.begin();
    assert_eq!((bed.find(&new, 1), bed.find(&new, 2).is_some()), (None, true));
    assert_eq!(bed.index.entries(), 2);
    drop(old);
    drop(new);
    bed.storage.vacuum();
    assert_eq!(bed.index.entries(), 1);
    assert!(bed.find(&bed.storage.begin(), 2).is_some());
}

#[test]
fn dead_slots_are_used_again() {
    let bed = Bed::with_rows(&[(1, 10), (2, 20)]);
    let reader = bed.storage.begin_isolated(Isolation::RepeatableRead);
    let (row, _) = bed.find(&reader, 1).unwrap();
    let writer = bed.storage.begin();
    assert_outcome!(bed.delete(&writer, 1), Written::Done);
    writer.commit().unwrap();
    bed.storage.vacuum();
    assert_eq!(bed.rows(&reader), [(1, 10), (2, 20)], "a snapshot keeps its rows");
    drop(reader);
    bed.storage.vacuum();
    assert_eq!(bed.index.entries(), 1);
    let writer = bed.storage.begin();
    assert_eq!(bed.insert(&writer, 3, 30), row);
    writer.commit().unwrap();
    assert_eq!(bed.rows(&bed.storage.begin()), [(2, 20), (3, 30)]);
}

#[test]
fn a_transaction_ends_once() {
    let bed = Bed::new();
    let writer = bed.storage.begin();
    bed.insert(&writer, 1, 10);
    writer.commit().unwrap();
    assert!(writer.commit().is_err());
    writer.rollback();
    assert_eq!(bed.rows(&bed.storage.begin()), [(1, 10)]);
}
