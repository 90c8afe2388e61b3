//! What an operation costs: `cargo run --release -p dictdb-storage --example cost`.
//!
//! One table `(id int4 unique, value int4, note text)`, one thread unless said otherwise; nanoseconds per operation.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use dictdb_storage::*;
use dictdb_types::{Datum, Error, Oid, Physical, oids, sort_key};

const ROWS: i32 = 1_000_000;

struct Bed {
    storage: Storage,
    table: Arc<Table>,
    index: Arc<Index>,
}

fn time(what: &str, operations: usize, run: impl FnOnce()) {
    let (start, cpu) = (Instant::now(), cpu_nanos());
    run();
    let per = |nanos: f64| nanos / operations as f64;
    let (wall, cpu) = (per(start.elapsed().as_nanos() as f64), per((cpu_nanos() - cpu) as f64));
    println!("{what:<58} {wall:>9.1} ns wall {cpu:>9.1} ns cpu");
}

/// Time on a processor of the calling thread, where the system tells it: a busy machine stretches the other clock.
fn cpu_nanos() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

fn key(id: i32) -> Vec<u8> {
    let mut key = Vec::with_capacity(16);
    sort_key::encode(&Datum::Int4(id), oids::INT4, false, false, &mut key);
    key
}

fn scattered(i: i32) -> i32 {
    ((i as u64).wrapping_mul(2_654_435_761) % ROWS as u64) as i32
}

impl Bed {
    fn new(kind: IndexKind) -> Self {
        let storage = Storage::new();
        let table = storage.create_table(Oid(1), &[Physical::Int4, Physical::Int4, Physical::Text]);
        let keys = vec![KeyColumn { column: 0, oid: oids::INT4, descending: false, nulls_first: false }];
        let def = IndexDef {
            id: Oid(2),
            kind,
            unique: true,
            nulls_not_distinct: false,
            row_identity: true,
            key: Arc::new(ColumnKey::new(keys)),
        };
        let index = match table.create_index(&storage.begin(), def, &|| Ok(())) {
            Ok(IndexBuilt::Done(index)) => index,
            other => panic!("{other:?}"),
        };
        Bed { storage, table, index }
    }

    fn insert(&self, transaction: &Transaction, snapshot: &Snapshot, id: i32, note: &Datum) {
        let row = [Datum::Int4(id), Datum::Int4(id % 1000), note.clone()];
        assert!(matches!(self.table.insert(transaction, snapshot, &row), Ok(Inserted::Done(_))));
    }

    fn find(&self, snapshot: &Snapshot, id: i32) -> dictdb_types::RowId {
        let mut found = None;
        let visit = |row, version: &RowView<'_>| {
            found = Some(row);
            black_box((version.column(0), version.column(1), version.column(2)));
            Ok::<_, Error>(true)
        };
        self.table.find(&self.index, &key(id), snapshot, visit).expect("no error");
        found.expect("row")
    }

    fn sum(&self, snapshot: &Arc<Snapshot>) -> i64 {
        let batches = self.table.scan(snapshot.clone(), vec![1], false, 0..usize::MAX);
        batches
            .map(|b| {
                b.expect("batch").columns[0].as_primitive::<Int32Type>().values().iter().map(|v| *v as i64).sum::<i64>()
            })
            .sum()
    }
}

fn update(bed: &Bed, session: &Session, id: i32, column: usize, value: Datum) {
    let transaction = session.begin(Isolation::ReadCommitted);
    let snapshot = transaction.snapshot().expect("snapshot");
    let row = bed.find(&snapshot, id);
    let done = bed.table.update(&transaction, &snapshot, row, None, &[(column, value)]);
    if let Ok(Written::Done) = done {
        drop(snapshot);
        transaction.commit().expect("commit");
    }
}

fn point_operations(kind: IndexKind) {
    println!("--- {kind:?}");
    let bed = Bed::new(kind);
    let session = bed.storage.connect(1);
    let note = Datum::text("a note that is longer than its view");
    time("insert, all in one transaction, ascending keys", ROWS as usize, || {
        let transaction = session.begin(Isolation::ReadCommitted);
        let snapshot = transaction.snapshot().expect("snapshot");
        (0..ROWS).for_each(|id| bed.insert(&transaction, &snapshot, id, &note));
        drop(snapshot);
        transaction.commit().expect("commit");
    });
    let stats = bed.table.stats();
    println!("{:<58} {:>9.1} bytes", "memory per row with its index", stats.bytes as f64 / ROWS as f64);
    time("insert, one transaction each", 200_000, || {
        for id in ROWS..ROWS + 200_000 {
            let transaction = session.begin(Isolation::ReadCommitted);
            let snapshot = transaction.snapshot().expect("snapshot");
            bed.insert(&transaction, &snapshot, id, &note);
            drop(snapshot);
            transaction.commit().expect("commit");
        }
    });
    time("begin, snapshot, commit", 1_000_000, || {
        for _ in 0..1_000_000 {
            let transaction = session.begin(Isolation::ReadCommitted);
            black_box(transaction.snapshot().expect("snapshot"));
            transaction.commit().expect("commit");
        }
    });
    let snapshot = session.begin(Isolation::ReadCommitted).snapshot().expect("snapshot");
    time("find by scattered key and read 3 columns", 1_000_000, || {
        (0..1_000_000).for_each(|i| {
            black_box(bed.find(&snapshot, scattered(i)));
        });
    });
    time("find by one key and read 3 columns", 1_000_000, || {
        (0..1_000_000).for_each(|_| {
            black_box(bed.find(&snapshot, 4711));
        });
    });
    drop(snapshot);
    time("read transaction: begin, snapshot, find, commit", 1_000_000, || {
        for i in 0..1_000_000 {
            let transaction = session.begin(Isolation::ReadCommitted);
            let snapshot = transaction.snapshot().expect("snapshot");
            black_box(bed.find(&snapshot, scattered(i)));
            drop(snapshot);
            transaction.commit().expect("commit");
        }
    });
    time("update of an int, scattered, one transaction each", 500_000, || {
        (0..500_000).for_each(|i| update(&bed, &session, scattered(i), 1, Datum::Int4(i)));
    });
    time("update of a text, scattered, one transaction each", 500_000, || {
        (0..500_000).for_each(|i| update(&bed, &session, scattered(i), 2, note.clone()));
    });
    time("update of an int, one row, one transaction each", 500_000, || {
        (0..500_000).for_each(|i| update(&bed, &session, 4711, 1, Datum::Int4(i)));
    });
    println!("{:<58} {:>9} items", "garbage left", bed.storage.garbage());
    time("delete, one transaction each", 200_000, || {
        for id in ROWS..ROWS + 200_000 {
            let transaction = session.begin(Isolation::ReadCommitted);
            let snapshot = transaction.snapshot().expect("snapshot");
            let row = bed.find(&snapshot, id);
            assert!(matches!(bed.table.delete(&transaction, &snapshot, row, None), Ok(Written::Done)));
            drop(snapshot);
            transaction.commit().expect("commit");
        }
    });
    println!("{:<58} {:>9} items", "garbage left", bed.storage.garbage());
    threads(&bed);
}

fn threads(bed: &Bed) {
    for readers in [1, 2] {
        time(&format!("find, {readers} threads, per operation and thread"), 1_000_000, || {
            std::thread::scope(|scope| {
                for t in 0..readers {
                    scope.spawn(move || {
                        let session = bed.storage.connect(100 + t as u32);
                        let snapshot = session.begin(Isolation::ReadCommitted).snapshot().expect("snapshot");
                        (0..1_000_000).for_each(|i| {
                            black_box(bed.find(&snapshot, scattered(i * 7 + t)));
                        });
                    });
                }
            });
        });
        time(&format!("update of an int, {readers} threads, per operation and thread"), 300_000, || {
            std::thread::scope(|scope| {
                for t in 0..readers {
                    scope.spawn(move || {
                        let session = bed.storage.connect(100 + t as u32);
                        (0..300_000).for_each(|i| update(bed, &session, scattered(i * 2 + t), 1, Datum::Int4(i)));
                    });
                }
            });
        });
    }
}

fn scans() {
    println!("--- scans of 1 M rows, per row");
    let bed = Bed::new(IndexKind::Ordered);
    let session = bed.storage.connect(1);
    let note = Datum::text("a note that is longer than its view");
    let transaction = session.begin(Isolation::ReadCommitted);
    let snapshot = transaction.snapshot().expect("snapshot");
    (0..ROWS).for_each(|id| bed.insert(&transaction, &snapshot, id, &note));
    drop(snapshot);
    transaction.commit().expect("commit");
    let rows = ROWS as usize;
    let reader = session.begin(Isolation::ReadCommitted);
    let snapshot = Arc::new(reader.snapshot().expect("snapshot"));
    time("sum of an int, first time", rows, || {
        black_box(bed.sum(&snapshot));
    });
    time("sum of an int, clean blocks", rows, || {
        black_box(bed.sum(&snapshot));
    });
    let text = |snapshot: &Arc<Snapshot>| {
        bed.table.scan(snapshot.clone(), vec![2], false, 0..usize::MAX).map(|b| b.expect("batch").rows).sum::<usize>()
    };
    time("text column, first time", rows, || {
        black_box(text(&snapshot));
    });
    time("text column, clean blocks", rows, || {
        black_box(text(&snapshot));
    });
    (0..ROWS).step_by(1000).for_each(|id| update(&bed, &session, id, 1, Datum::Int4(1)));
    time("sum, old snapshot, 1 row in 1000 updated since", rows, || {
        black_box(bed.sum(&snapshot));
    });
    let snapshot = Arc::new(reader.snapshot().expect("snapshot"));
    time("sum, new snapshot, 1 row in 1000 updated", rows, || {
        black_box(bed.sum(&snapshot));
    });
    time("sum, again", rows, || {
        black_box(bed.sum(&snapshot));
    });
    (0..ROWS).step_by(1000).for_each(|id| update(&bed, &session, id, 2, note.clone()));
    time("text, 1 row in 1000 updated", rows, || {
        black_box(text(&snapshot));
    });
    time("row by row, for_each", rows, || {
        let mut sum = 0i64;
        let visit = |_, version: &RowView<'_>| {
            if let ValueRef::Int4(value) = version.column(1) {
                sum += value as i64;
            }
            Ok::<_, ()>(true)
        };
        bed.table.for_each(&snapshot, visit).expect("no error");
        black_box(sum);
    });
    time("index cursor over all, reading an int", rows, || {
        let mut cursor = IndexCursor::new(bed.index.clone(), Bound::Unbounded, Bound::Unbounded, Direction::Forward);
        let (mut batch, mut sum) = (Candidates::default(), 0i64);
        while cursor.next_batch(256, &mut batch) {
            for at in 0..batch.rows().len() {
                let read =
                    |_, version: &RowView<'_>| if let ValueRef::Int4(v) = version.value(1) { v as i64 } else { 0 };
                sum +=
                    bed.table.read_candidate(&bed.index, &batch, at, &snapshot, read).expect("no error").unwrap_or(0);
            }
        }
        black_box(sum);
    });
}

fn main() {
    point_operations(IndexKind::Ordered);
    point_operations(IndexKind::Hash);
    scans();
}
