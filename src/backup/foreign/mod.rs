//! Files of the original Python package: tables of records, without types. They become a database of their own.
//!
//! ```text
//!   {"tables": {name: {"primary_key", "schema", "records": [{…}, …]}}}     JSON as it saves it
//! ```
//! A column is what the schema says, or what all its values can be: whole numbers, numbers, truth, text, else `jsonb`. A key that a record
//! does not have is NULL.

mod table;

use std::fs::File;
use std::io::BufReader;

use dictdb_catalog::{BOOTSTRAP_ROLE, Change, Object};
use dictdb_durability::Restorer;
use dictdb_storage::{DatumRow, Storage, encode_row, put_run};
use dictdb_types::{Oid, Result, RowId};
use serde_json::{Map, Value};

use crate::error::damaged;
use crate::progress::Work;
use table::Definition;

/// Object ids that a definition takes: the table, its row type and the array of it, its key and the index of that.
pub(crate) const OIDS_PER_TABLE: u32 = 5;
/// The database that is built, which has the id of any first one.
const DATABASE: Oid = Oid(5);

/// Applies a file to an empty restorer. XX001 when it is none.
pub(crate) fn apply(
    file: File,
    name: &str,
    storage: &Storage,
    restorer: &mut Restorer<'_>,
    work: &Work<'_>,
) -> Result<()> {
    let document: Value = serde_json::from_reader(BufReader::new(file)).map_err(|error| damaged(name, error))?;
    let tables = document.get("tables").and_then(Value::as_object);
    let tables = tables.ok_or_else(|| damaged(name, "it has no \"tables\""))?;
    restorer.put_database(DATABASE, name);
    let mut next = Oid::FIRST_NORMAL;
    for (table, contents) in tables {
        let contents =
            contents.as_object().ok_or_else(|| damaged(name, format_args!("table \"{table}\" is no object")))?;
        let records = contents.get("records").and_then(Value::as_array);
        let records = records.ok_or_else(|| damaged(name, format_args!("table \"{table}\" has no records")))?;
        let records: Option<Vec<&Map<String, Value>>> = records.iter().map(Value::as_object).collect();
        let records =
            records.ok_or_else(|| damaged(name, format_args!("a record of table \"{table}\" is no object")))?;
        let definition = Definition::of(table, contents, &records, next);
        next = Oid(next.0 + OIDS_PER_TABLE);
        let objects = definition.objects(BOOTSTRAP_ROLE);
        let changes: Vec<Change> = objects.into_iter().map(|object: Object| Change::Put(object)).collect();
        restorer.apply_changes(DATABASE, next, &[changes, definition.dependencies()].concat())?;
        load(&definition, &records, storage, work)?;
    }
    Ok(())
}

/// Puts the records into the table, one after the other.
fn load(definition: &Definition, records: &[&Map<String, Value>], storage: &Storage, work: &Work<'_>) -> Result<()> {
    const AT_ONCE: usize = 1024;
    let mut run = Vec::new();
    for (batch, records) in records.chunks(AT_ONCE).enumerate() {
        run.clear();
        put_run(definition.oid(), RowId((batch * AT_ONCE) as u64), records.len() as u64, &mut run);
        for record in records {
            let row = definition.row(record)?;
            encode_row(&DatumRow(&row), row.len(), &mut run);
        }
        storage.restore_run(&mut &run[..])?;
        work.done(records.len() as u64)?;
    }
    Ok(())
}
