//! Images with values in places that no column of their table has: of columns that were taken back, as logs of earlier builds have
//! them, and of columns that were dropped after the row was written, perhaps with their type.

use dictdb_storage::{DatumRow, encode_row, put_run};

use super::*;
use crate::item::ROWS;
use crate::restore::Restorer;

const TABLE: Oid = Oid(20_000);
const DROPPED_TYPE: Oid = Oid(20_001);

/// A table of these columns, as an item.
fn table(columns: Vec<Column>) -> Vec<u8> {
    let relation = Relation { columns: columns.into(), ..relation(TABLE, TABLE, Persistence::Permanent) };
    catalog_item(DATABASE, Oid(21_000), &[Change::Put(Object::Relation(Arc::new(relation)))])
}

/// A row, as an item.
fn row(number: u64, values: &[Datum]) -> Vec<u8> {
    let mut item = vec![ROWS];
    put_run(TABLE, RowId(number), 1, &mut item);
    encode_row(&DatumRow(values), values.len(), &mut item);
    item
}

#[test]
fn values_that_no_column_has_are_left_out() {
    let storage = Storage::new();
    let mut restorer = Restorer::new(&storage);
    restorer.put_database(DATABASE, "postgres");
    let (key, text) = (Column::new("k", Type::new(oids::INT4), 0), Column::new("v", Type::new(oids::TEXT), 1));
    // The third place had a column that was taken back.
    let later = Column::new("later", Type::new(oids::BOOL), 3);
    let dropped = Column { dropped: true, ty: Type::new(DROPPED_TYPE), ..text.clone() };
    let values = |key: i32| [Datum::Int4(key), Datum::text("v"), Datum::Int8(7), Datum::Bool(true)];
    let records = [
        [table(vec![key.clone(), text.clone()]), row(0, &values(0)[..3])].concat(),
        [table(vec![key.clone(), text, later.clone()]), row(1, &values(1))].concat(),
        [table(vec![key, dropped, later]), row(2, &values(2))].concat(),
    ];
    for record in &records {
        restorer.apply(record).expect("the record can be applied");
    }
    let unfit = row(3, &[Datum::Bool(true)]);
    assert!(restorer.apply(&unfit).is_err(), "a value that does not fit a column is damage");
    restorer.finish().expect("that is all");
    let transaction = storage.begin();
    let snapshot = transaction.snapshot().expect("a snapshot");
    let mut found = Vec::new();
    let rows = storage.table(TABLE).expect("it was made").for_each::<dictdb_types::Error>(&snapshot, |_, view| {
        found.push((0..4).map(|column| view.value(column).to_datum()).collect::<Result<Vec<_>>>()?);
        Ok(true)
    });
    rows.expect("they can be read");
    let expected = |key: i32, later: Datum| vec![Datum::Int4(key), Datum::Null, Datum::Null, later];
    let expected = [expected(0, Datum::Null), expected(1, Datum::Bool(true)), expected(2, Datum::Bool(true))];
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
}
