//! The anomalies of snapshot isolation, and schedules that must not fail.

use dictdb_types::{Datum, Result, SqlState};

use crate::scenarios::{Bed, VALUE, key};
use crate::{Bound, Isolation, Transaction, Written};

struct Serial {
    bed: Bed,
}

impl Serial {
    fn new(rows: &[(i32, i32)]) -> Self {
        Serial { bed: Bed::with_rows(rows) }
    }

    fn begin(&self) -> Transaction {
        self.bed.storage.begin_isolated(Isolation::Serializable)
    }

    fn get(&self, transaction: &Transaction, id: i32) -> Result<Option<i32>> {
        let snapshot = transaction.snapshot()?;
        let key = key(id);
        transaction.reads_keys(&self.bed.table, &self.bed.index, Bound::Included(&key), Bound::Included(&key))?;
        Ok(self.bed.find_at(&snapshot, id).map(|(_, value)| value))
    }

    fn sum(&self, transaction: &Transaction) -> Result<i32> {
        transaction.snapshot()?;
        transaction.reads_table(&self.bed.table)?;
        Ok(self.bed.rows(transaction).iter().map(|(_, value)| value).sum())
    }

    fn set(&self, transaction: &Transaction, id: i32, value: i32) -> Result<()> {
        let snapshot = transaction.snapshot()?;
        let Some((row, _)) = self.bed.find_at(&snapshot, id) else { panic!("no row {id}") };
        match self.bed.table.update(transaction, &snapshot, row, None, &[(VALUE, Datum::Int4(value))])? {
            Written::Done => Ok(()),
            other => panic!("{other:?}"),
        }
    }

    fn insert(&self, transaction: &Transaction, id: i32, value: i32) -> Result<()> {
        let row = [Datum::Int4(id), Datum::Int4(value), Datum::Null];
        self.bed.table.insert(transaction, &transaction.snapshot()?, &row).map(|_| ())
    }
}

fn failed<T>(result: Result<T>) -> bool {
    match result {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.code(), SqlState::T_R_SERIALIZATION_FAILURE);
            true
        }
    }
}

#[test]
fn write_skew_is_refused() {
    let serial = Serial::new(&[(1, 50), (2, 50)]);
    let (a, b) = (serial.begin(), serial.begin());
    assert_eq!(serial.sum(&a).unwrap(), 100);
    assert_eq!(serial.sum(&b).unwrap(), 100);
    let steps =
        [failed(serial.set(&a, 1, -40)), failed(serial.set(&b, 2, -40)), failed(a.commit()), failed(b.commit())];
    assert!(steps.iter().any(|failed| *failed), "{steps:?}");
}

#[test]
fn write_skew_by_keys_is_refused() {
    let serial = Serial::new(&[(1, 50), (2, 50)]);
    let (a, b) = (serial.begin(), serial.begin());
    serial.get(&a, 1).unwrap();
    serial.get(&b, 2).unwrap();
    let steps = [failed(serial.set(&a, 2, 0)), failed(serial.set(&b, 1, 0)), failed(a.commit()), failed(b.commit())];
    assert!(steps.iter().any(|failed| *failed), "{steps:?}");
}

#[test]
fn phantoms_are_noticed() {
    let serial = Serial::new(&[(1, 1)]);
    let (a, b) = (serial.begin(), serial.begin());
    assert_eq!(serial.get(&a, 5).unwrap(), None);
    assert_eq!(serial.get(&b, 6).unwrap(), None);
    let steps =
        [failed(serial.insert(&a, 6, 0)), failed(serial.insert(&b, 5, 0)), failed(a.commit()), failed(b.commit())];
    assert!(steps.iter().any(|failed| *failed), "{steps:?}");
}

/// Fekete, O'Neil and O'Neil, "A Read-Only Transaction Anomaly Under Snapshot Isolation" (SIGMOD Record 2004).
#[test]
fn a_reader_can_be_what_makes_it_wrong() {
    let serial = Serial::new(&[(1, 0), (2, 0)]);
    let (withdrawal, deposit) = (serial.begin(), serial.begin());
    serial.sum(&withdrawal).unwrap();
    serial.get(&deposit, 2).unwrap();
    serial.set(&deposit, 2, 20).unwrap();
    deposit.commit().unwrap();
    let report = serial.begin();
    let read = failed(serial.sum(&report));
    let reported = failed(report.commit());
    let steps = [read, reported, failed(serial.set(&withdrawal, 1, -11)), failed(withdrawal.commit())];
    assert!(steps.iter().any(|failed| *failed), "{steps:?}");
}

#[test]
fn one_dependency_alone_is_harmless() {
    let serial = Serial::new(&[(1, 0), (2, 0)]);
    let (a, b) = (serial.begin(), serial.begin());
    serial.get(&a, 1).unwrap();
    serial.get(&b, 1).unwrap();
    serial.set(&b, 1, 5).unwrap();
    b.commit().unwrap();
    serial.set(&a, 2, 5).unwrap();
    a.commit().unwrap();
}

#[test]
fn disjoint_keys_do_not_meet() {
    let serial = Serial::new(&[(1, 0), (2, 0)]);
    let (a, b) = (serial.begin(), serial.begin());
    for (transaction, id) in [(&a, 1), (&b, 2)] {
        serial.get(transaction, id).unwrap();
        serial.set(transaction, id, 7).unwrap();
    }
    a.commit().unwrap();
    b.commit().unwrap();
}

#[test]
fn a_serial_schedule_never_fails_and_leaves_nothing() {
    let serial = Serial::new(&[(1, 0), (2, 0)]);
    for value in 0..20 {
        let transaction = serial.begin();
        serial.sum(&transaction).unwrap();
        serial.set(&transaction, 1 + value % 2, value).unwrap();
        transaction.commit().unwrap();
    }
    assert_eq!(serial.bed.storage.0.serializables.lock().len(), 0);
}

#[test]
fn what_rolled_back_does_not_count() {
    let serial = Serial::new(&[(1, 0), (2, 0)]);
    let (a, b) = (serial.begin(), serial.begin());
    serial.sum(&a).unwrap();
    serial.sum(&b).unwrap();
    serial.set(&a, 1, 1).unwrap();
    a.rollback();
    serial.set(&b, 2, 1).unwrap();
    b.commit().unwrap();
}

#[test]
fn what_was_written_over_before_is_not_written_over_again() {
    let serial = Serial::new(&[(1, 0), (500, 0), (1000, 0)]);
    let (first, second) = (serial.begin(), serial.begin());
    serial.get(&first, 1000).unwrap();
    serial.set(&second, 1000, 2).unwrap();
    second.commit().unwrap();
    let (third, fourth) = (serial.begin(), serial.begin());
    serial.set(&third, 1000, 3).unwrap();
    serial.get(&third, 500).unwrap();
    serial.set(&fourth, 500, 4).unwrap();
    serial.get(&fourth, 1).unwrap();
    fourth.commit().unwrap();
    third.commit().unwrap();
    assert!(failed(serial.set(&first, 1, 1)));
}
