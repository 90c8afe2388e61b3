//! Records into tables: rows one after the other, a block at a time, and changes of single rows by deltas.

use std::sync::Arc;

use dictdb_durability::Restorer;
use dictdb_storage::{BLOCK_ROWS, DatumRow, Run, Snapshot, Storage, Table};
use dictdb_types::{Datum, Error, Oid, Result, RowId, SqlState, TypeLookup};

use super::definition::Definition;
use super::document::Piece;
use super::keys::{Key, Keys};
use super::survey::Names;
use super::value::Value;
use super::{DATABASE, Facts};
use crate::ahead::Ahead;

/// A table that is being filled. No catalog knows it yet.
pub(super) struct Loading {
    table: Arc<Table>,
    /// Columns by the names of fields, and their types.
    names: Names,
    types: Vec<Oid>,
}

impl Loading {
    /// Begins a table.
    pub(super) fn begin(
        definition: &Definition,
        storage: &Storage,
        restorer: &Restorer<'_>,
        ahead: Option<Ahead<'_>>,
    ) -> Result<Loading> {
        let catalog = restorer.catalog(DATABASE).ok_or_else(|| Error::internal("a restore without a database"))?;
        let layouts: Vec<_> = definition.columns().iter().map(|(_, ty)| catalog.physical(*ty)).collect();
        let table = storage.create_table(definition.oid(), &layouts);
        if let Some(ahead) = ahead {
            ahead.staging.begin(table.id(), &layouts)?;
        }
        let mut names = Names::default();
        for (name, _) in definition.columns() {
            names.place((&**name).into());
        }
        names.rewind();
        Ok(Loading { table, names, types: definition.columns().iter().map(|(_, ty)| *ty).collect() })
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// Puts the rows of a piece where they belong. XX001, 22021.
    pub(super) fn put(&self, piece: &Piece, ahead: Option<Ahead<'_>>) -> Result<()> {
        let mut rows = self.rows(piece.items as usize);
        piece.each(|parser| {
            parser.fields(|name, value| rows.field(name, value))?;
            rows.end();
            Ok(())
        })?;
        self.put_rows(piece.first, rows, ahead)
    }

    /// Begins about so many rows.
    pub(super) fn rows(&self, rows: usize) -> Rows<'_> {
        Rows { run: self.table.begin_run(rows.min(BLOCK_ROWS)), names: self.names.clone(), types: &self.types }
    }

    /// Puts rows where they belong.
    pub(super) fn put_rows(&self, first: u64, rows: Rows<'_>, ahead: Option<Ahead<'_>>) -> Result<()> {
        let count = rows.run.rows() as u64;
        self.table.restore_built(RowId(first), rows.run)?;
        ahead.map_or(Ok(()), |ahead| ahead.put(&self.table, std::iter::once((RowId(first), count))))
    }
}

/// Rows in the making.
pub(super) struct Rows<'t> {
    run: Run,
    names: Names,
    types: &'t [Oid],
}

impl Rows<'_> {
    pub(super) fn field(&mut self, name: impl AsRef<str>, value: Value<'_>) -> Result<()> {
        let slot = place(&mut self.names, name.as_ref())?;
        self.run.put(slot, value.cell(self.types[slot])?.value())
    }

    pub(super) fn end(&mut self) {
        self.names.rewind();
        self.run.end_row();
    }
}

fn place(names: &mut Names, name: &str) -> Result<usize> {
    let unknown = || Error::new(SqlState::DATA_CORRUPTED, format!("field \"{name}\" was not there before"));
    names.find(name).ok_or_else(unknown)
}

/// A table whose single rows change, as deltas say.
pub(super) struct Changing<'t> {
    loading: &'t Loading,
    keys: Option<Keys<'t>>,
    key: &'t str,
    snapshot: &'t Snapshot,
    /// The row that the next new record becomes.
    next: u64,
    ahead: Option<Ahead<'t>>,
}

impl<'t> Changing<'t> {
    /// A table as the full file has it. Its first column is its key, if there is one.
    pub(super) fn begin(
        loading: &'t Loading,
        facts: &'t Facts,
        snapshot: &'t Snapshot,
        ahead: Option<Ahead<'t>>,
    ) -> Result<Changing<'t>> {
        let of_column = |ty: &Oid| Keys::of(&loading.table, snapshot, 0, *ty);
        let keys = loading.types.first().filter(|_| facts.key.is_some()).map(of_column).transpose()?;
        let key = facts.key.as_deref().unwrap_or_default();
        Ok(Changing { loading, keys, key, snapshot, next: facts.records, ahead })
    }

    /// Puts the fields of a record into the row with its key, or into a new one.
    pub(super) fn upsert(&mut self, fields: &[(impl AsRef<str>, Value<'_>)]) -> Result<()> {
        let key = fields.iter().rev().find(|(name, _)| name.as_ref() == self.key).map(|(_, value)| Key::of(value));
        let known = self.keys.as_ref().zip(key.as_ref()).and_then(|(keys, key)| keys.find(key));
        let types = &self.loading.types;
        let mut row = Vec::with_capacity(types.len());
        match known {
            Some(known) => {
                let columns: Vec<usize> = (0..types.len()).collect();
                self.loading.table.read_datums(known, self.snapshot, &columns, &mut row)?;
            }
            None => row.resize(types.len(), Datum::Null),
        }
        let mut names = self.loading.names.clone();
        for (name, value) in fields {
            let slot = place(&mut names, name.as_ref())?;
            row[slot] = value.cell(types[slot])?.into_datum()?;
        }
        let id = known.unwrap_or(RowId(self.next));
        self.put(id, Some(&row))?;
        if known.is_none() {
            self.next += 1;
            if let (Some(keys), Some(key)) = (&mut self.keys, key) {
                keys.insert(&key, id);
            }
        }
        Ok(())
    }

    /// Removes the row with a key, if there is one.
    pub(super) fn delete(&mut self, key: &Value<'_>) -> Result<()> {
        match self.keys.as_mut().and_then(|keys| keys.remove(&Key::of(key))) {
            Some(row) => self.put(row, None),
            None => Ok(()),
        }
    }

    fn put(&self, id: RowId, row: Option<&[Datum]>) -> Result<()> {
        let table = &self.loading.table;
        table.restore_rows(id, 1, |put| match row {
            Some(row) => put(Some(&DatumRow(row))),
            None => put(None),
        })?;
        self.ahead.map_or(Ok(()), |ahead| ahead.put(table, std::iter::once((id, 1))))
    }
}
