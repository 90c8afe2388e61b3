//! The order in which rows were used counts the rows that are there, whoever looks meanwhile.

use super::Bed;
use crate::*;

/// Who reads a row as it was before it went does not bring it back into the order.
#[test]
fn a_row_that_is_gone_stays_out_of_the_order() {
    let bed = Bed::with_rows(&[(1, 0), (2, 0), (3, 0)]);
    bed.table.keep_recency(None).unwrap();
    assert_eq!(bed.table.rows_in_use(), 3);
    let reader = bed.storage.begin();
    let before = reader.snapshot().unwrap();
    let writer = bed.storage.begin();
    assert!(matches!(bed.delete(&writer, 1), Written::Done));
    writer.commit().unwrap();
    assert_eq!(bed.table.rows_in_use(), 2);
    let (gone, _) = bed.find_at(&before, 1).expect("the row that the old snapshot sees");
    assert_eq!(bed.table.rows_in_use(), 2);
    assert!(!bed.table.least_recent(3).contains(&gone));
}

/// A row that is found was used last.
#[test]
fn reading_a_row_moves_it_to_the_end() {
    let bed = Bed::with_rows(&[(1, 0), (2, 0)]);
    bed.table.keep_recency(None).unwrap();
    let order = bed.table.least_recent(2);
    let (found, _) = bed.find(&bed.storage.begin(), 1).expect("a row");
    assert_eq!(found, order[0]);
    assert_eq!(bed.table.least_recent(2), [order[1], order[0]]);
}
