//! Uniqueness, alone and between transactions in progress.

use super::{Bed, assert_outcome};
use crate::*;

#[test]
fn a_committed_key_is_taken() {
    for kind in [IndexKind::Ordered, IndexKind::Hash] {
        let bed = Bed::with_kind(kind);
        let writer = bed.storage.begin();
        let first = bed.insert(&writer, 1, 10);
        let Inserted::Conflict(conflict) = bed.try_insert(&writer, 1, 11) else { panic!("own key") };
        assert_eq!((conflict.row, conflict.key), (first, super::key(1)));
        writer.commit().unwrap();
        assert_outcome!(bed.try_insert(&bed.storage.begin(), 1, 11), Inserted::Conflict(_));
        let mover = bed.storage.begin();
        bed.insert(&mover, 2, 20);
        assert_outcome!(bed.set_id(&mover, 2, 1), Written::Conflict(_));
        assert_eq!(bed.rows(&mover), [(1, 10), (2, 20)], "a refused update changes nothing");
    }
}

#[test]
fn a_key_in_progress_is_waited_for() {
    let bed = Bed::new();
    let (a, b) = (bed.storage.begin(), bed.storage.begin());
    bed.insert(&a, 1, 10);
    let Inserted::Busy(holder) = bed.try_insert(&b, 1, 11) else { panic!("should wait") };
    assert_eq!(Some(holder.id()), a.id());
    a.rollback();
    bed.insert(&b, 1, 11);
    b.commit().unwrap();
}

#[test]
fn a_delete_in_progress_is_waited_for() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let (a, b) = (bed.storage.begin(), bed.storage.begin());
    assert_outcome!(bed.delete(&a, 1), Written::Done);
    assert_outcome!(bed.try_insert(&b, 1, 11), Inserted::Busy(_));
    bed.insert(&a, 1, 12);
    assert_outcome!(bed.try_insert(&b, 1, 11), Inserted::Busy(_));
    a.commit().unwrap();
    assert_outcome!(bed.try_insert(&b, 1, 11), Inserted::Conflict(_));
}

#[test]
fn a_key_moved_away_in_progress_is_waited_for() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let (a, b) = (bed.storage.begin(), bed.storage.begin());
    assert_outcome!(bed.set_id(&a, 1, 2), Written::Done);
    assert_outcome!(bed.try_insert(&b, 1, 11), Inserted::Busy(_));
    assert_outcome!(bed.try_insert(&b, 2, 11), Inserted::Busy(_));
    a.commit().unwrap();
    bed.insert(&b, 1, 11);
    assert_outcome!(bed.try_insert(&b, 2, 11), Inserted::Conflict(_));
}

#[test]
fn a_key_can_come_back_to_its_row() {
    let bed = Bed::with_rows(&[(1, 10)]);
    let writer = bed.storage.begin();
    assert_outcome!(bed.set_id(&writer, 1, 2), Written::Done);
    assert_outcome!(bed.set_id(&writer, 2, 1), Written::Done);
    writer.commit().unwrap();
    bed.storage.vacuum();
    assert_eq!(bed.index.entries(), 1);
    assert!(bed.find(&bed.storage.begin(), 1).is_some());
}

#[test]
fn nulls_are_distinct_unless_said_otherwise() {
    use dictdb_types::{Datum, Oid, Physical, oids};
    for not_distinct in [false, true] {
        let storage = Storage::new();
        let table = storage.create_table(Oid(1), &[Physical::Int4]);
        let def = IndexDef {
            id: Oid(2),
            kind: IndexKind::Ordered,
            unique: true,
            nulls_not_distinct: not_distinct,
            row_identity: false,
            key: super::column_key(0, oids::INT4),
        };
        let transaction = storage.begin();
        assert_outcome!(table.create_index(&transaction, def, &|| Ok(())).unwrap(), IndexBuilt::Done(_));
        let snapshot = transaction.snapshot().unwrap();
        let insert = || table.insert(&transaction, &snapshot, &[Datum::Null]).unwrap();
        assert_outcome!(insert(), Inserted::Done(_));
        assert_eq!(matches!(insert(), Inserted::Conflict(_)), not_distinct);
    }
}

#[test]
fn an_index_is_built_over_rows_and_their_old_versions() {
    use dictdb_types::{Oid, oids};
    let bed = Bed::with_rows(&[(1, 10), (2, 20)]);
    let old = bed.storage.begin_isolated(Isolation::RepeatableRead);
    bed.rows(&old);
    let writer = bed.storage.begin();
    assert_outcome!(bed.set(&writer, 1, 20), Written::Done);
    writer.commit().unwrap();
    let def = |unique| IndexDef {
        id: Oid(3),
        kind: IndexKind::Ordered,
        unique,
        nulls_not_distinct: false,
        row_identity: false,
        key: super::column_key(super::VALUE, oids::INT4),
    };
    let builder = bed.storage.begin();
    assert_outcome!(bed.table.create_index(&builder, def(true), &|| Ok(())).unwrap(), IndexBuilt::Conflict(_));
    let IndexBuilt::Done(index) = bed.table.create_index(&builder, def(false), &|| Ok(())).unwrap() else {
        panic!("not built")
    };
    let count = |transaction: &Transaction, value| {
        let mut count = 0;
        let visit = |_, _: &RowView<'_>| -> dictdb_types::Result<bool> {
            count += 1;
            Ok(true)
        };
        bed.table.find(&index, &super::key(value), &transaction.snapshot().unwrap(), visit).unwrap();
        count
    };
    assert_eq!((count(&old, 10), count(&old, 20)), (1, 1));
    assert_eq!((count(&builder, 10), count(&builder, 20)), (0, 2));
}
