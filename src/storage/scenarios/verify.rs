//! Indexes that do not say what their table does are found out.

use dictdb_types::RowId;

use super::{Bed, key};
use crate::*;

fn faults(bed: &Bed) -> Vec<IndexFault> {
    let transaction = bed.storage.begin();
    let snapshot = transaction.snapshot().unwrap();
    let mut found = Vec::new();
    let mut report = |fault| {
        found.push(fault);
        Ok(())
    };
    bed.table.verify_index(&bed.index, &snapshot, true, &|| Ok(()), &mut report).unwrap();
    found
}

fn bed_with_rows(kind: IndexKind) -> (Bed, Vec<RowId>) {
    let bed = Bed::with_kind(kind);
    let transaction = bed.storage.begin();
    let rows = (1..=5000).map(|id| bed.insert(&transaction, id, id)).collect();
    transaction.commit().unwrap();
    (bed, rows)
}

#[test]
fn a_sound_index_has_no_faults_whatever_is_under_way() {
    for kind in [IndexKind::Ordered, IndexKind::Hash] {
        let (bed, _) = bed_with_rows(kind);
        let old = bed.storage.begin_isolated(Isolation::RepeatableRead);
        old.snapshot().unwrap();
        let (mover, writer) = (bed.storage.begin(), bed.storage.begin());
        bed.set_id(&mover, 7, 7007);
        bed.delete(&mover, 8);
        mover.commit().unwrap();
        bed.insert(&writer, 9009, 1);
        assert_eq!(faults(&bed), [], "{kind:?}");
        writer.rollback();
        assert_eq!(faults(&bed), [], "{kind:?}");
    }
}

#[test]
fn a_row_without_its_entry_is_found() {
    for kind in [IndexKind::Ordered, IndexKind::Hash] {
        let (bed, rows) = bed_with_rows(kind);
        bed.index.remove(&key(4711), rows[4710]);
        assert_eq!(faults(&bed), [IndexFault::Missing(rows[4710])], "{kind:?}");
    }
}

#[test]
fn an_entry_without_its_row_is_found() {
    for kind in [IndexKind::Ordered, IndexKind::Hash] {
        let (bed, rows) = bed_with_rows(kind);
        bed.index.insert(&key(6000), rows[2]);
        bed.index.insert(&key(6001), RowId(1 << 40));
        let mut found = faults(&bed);
        found.sort_by_key(|fault| format!("{fault:?}").len());
        assert_eq!(found, [IndexFault::Dangling(rows[2]), IndexFault::Dangling(RowId(1 << 40))], "{kind:?}");
    }
}

#[test]
fn two_rows_with_one_unique_key_are_found() {
    let (bed, rows) = bed_with_rows(IndexKind::Ordered);
    // Without its entry the first row does not stand in the way of the second.
    bed.index.remove(&key(3), rows[2]);
    let transaction = bed.storage.begin();
    let second = bed.insert(&transaction, 3, 0);
    transaction.commit().unwrap();
    bed.index.insert(&key(3), rows[2]);
    assert_eq!(faults(&bed), [IndexFault::Duplicate(rows[2], second)]);
}

#[test]
fn it_ends_when_it_is_told_to() {
    let (bed, _) = bed_with_rows(IndexKind::Ordered);
    let transaction = bed.storage.begin();
    let snapshot = transaction.snapshot().unwrap();
    let stop = || Err(dictdb_types::Error::internal("enough"));
    let ended = bed.table.verify_index(&bed.index, &snapshot, true, &stop, &mut |_| Ok(()));
    assert_eq!(ended.unwrap_err().message(), "enough");
}
