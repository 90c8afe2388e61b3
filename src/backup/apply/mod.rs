//! A delta onto a database that is in use: its records by primary key, all in the caller's transaction.
//!
//! This is what `apply_delta` of the original package does, for its files and for ours. What a record by its key cannot say (new
//! tables, tables without a key) needs RESTORE.

mod content;

use std::io::{Read, Seek};
use std::sync::Arc;

use dictdb_catalog::{Catalog, Relation};
use dictdb_storage::{Snapshot, Storage, Table, Transaction, Written as RowWritten};
use dictdb_types::{Datum, Error, Result, RowId, SqlState};

use crate::chain::Member;
use crate::error::{damaged, unreadable};
use crate::folder::Folder;
use crate::foreign::Value;
use crate::moment::table_name;
use crate::name::Format;
use crate::record::{Shape, key_slots};
use crate::seal::read_checked;
use crate::surroundings::Surroundings;
use content::{Content, TableContent};

/// A delta that was read and checked.
pub struct DeltaFile {
    /// Its name.
    pub name: String,
    /// The content hash of the file it follows; `None` for a file of the original package.
    pub parent: Option<String>,
    /// Its own content hash.
    pub content_hash: Option<String>,
    content: Content,
}

impl DeltaFile {
    /// Reads a delta. XX001, 58P01, 42501; 22023 when it is none.
    pub fn read(folder: &Folder, name: &str, check: &dyn Fn() -> Result<()>) -> Result<DeltaFile> {
        let mut member = Member::open(folder, name)?;
        let content = read(&mut member, check).map_err(|error| match error.code() {
            SqlState::DATA_CORRUPTED if !error.message().contains(&member.name) => {
                damaged(&member.name, error.message())
            }
            _ => error,
        })?;
        let content = content.ok_or_else(|| {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("file \"{}\" is not a delta", member.name))
        })?;
        let content_hash = member.content_hash().map(str::to_owned);
        let parent = member.head.and_then(|head| head.parent).map(|parent| parent.content_hash);
        Ok(DeltaFile { name: member.name, parent, content_hash, content })
    }

    /// The relations it changes. 55000 when it says what only a restore can do.
    pub fn relations(&self, catalog: &Catalog) -> Result<Vec<Arc<Relation>>> {
        if self.content.changes_definitions {
            return Err(self.refused("it changes definitions"));
        }
        let found = self.content.tables.iter().map(|table| self.relation(catalog, table));
        Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn refused(&self, why: impl std::fmt::Display) -> Error {
        let message = format!("delta \"{}\" cannot be applied to a database in use: {why}", self.name);
        Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            .hint("RESTORE FROM this file builds the database it is of from its chain.")
    }

    fn relation(&self, catalog: &Catalog, table: &TableContent) -> Result<Option<Arc<Relation>>> {
        let name = &*table.name;
        let named = |relation: &&Arc<Relation>| relation.is_stored() && table_name(catalog, relation) == name;
        let relation = catalog.relations().find(named).cloned();
        // The original package goes by tables that are there.
        let Some(relation) = relation else {
            return if self.parent.is_some() {
                Err(self.refused(format_args!("there is no table \"{name}\"")))
            } else {
                Ok(None)
            };
        };
        match key_slots(&relation).is_empty() && (self.parent.is_none() || table.has_rows) {
            true => Err(self.refused(format_args!("table \"{name}\" has no primary key"))),
            false => Ok(Some(relation)),
        }
    }

    /// Applies it; the caller keeps other writers out. Returns the number of records it put or removed. 23505, 22P02, XX001.
    pub fn apply(&self, catalog: &Arc<Catalog>, storage: &Storage, transaction: &Transaction) -> Result<i64> {
        let surroundings = Surroundings::new(catalog.clone());
        let mut affected = 0;
        for changes in &self.content.tables {
            let Some(relation) = self.relation(catalog, changes)? else { continue };
            let Some(table) = storage.table(relation.storage) else { continue };
            let shape = Shape::of(&relation, &surroundings);
            let (slots, index) = (key_slots(&relation), key_index(catalog, &relation));
            let target = Target { table, slots, index, transaction };
            for row in changes.upserts(&relation, &target.table, &shape, &surroundings)? {
                target.upsert(&row)?;
                affected += 1;
            }
            for key in changes.deletes(&relation, &target.table, &shape, &target.slots, &surroundings)? {
                affected += i64::from(target.delete(&key)?);
            }
        }
        Ok(affected)
    }

    /// Sets the sequences it tells of, which no transaction does.
    pub fn set_sequences(&self, catalog: &Catalog, storage: &Storage) -> Result<()> {
        for sequence in &self.content.sequences {
            let name = sequence.get("sequence").and_then(Value::as_text).unwrap_or_default();
            let qualified = |relation: &&Arc<Relation>| {
                let schema = catalog.schema(relation.namespace).map_or("", |schema| &*schema.name);
                relation.kind_letter() == 'S' && name.strip_prefix(schema) == Some(&format!(".{}", relation.name))
            };
            let found = catalog.relations().find(qualified).and_then(|relation| storage.sequence(relation.storage));
            if let (Some(found), Some(Value::Int(last))) = (found, sequence.get("last_value")) {
                found.setval(*last, !matches!(sequence.get("is_called"), Some(Value::Bool(false))), name)?;
            }
        }
        Ok(())
    }
}

/// What is in a file; `None` when it is no delta.
fn read(member: &mut Member, check: &dyn Fn() -> Result<()>) -> Result<Option<Content>> {
    let Member { name, claim, opened, .. } = member;
    let mut text = Vec::new();
    let is_arrow = claim.as_ref().is_some_and(|claim| claim.format == Format::Arrow);
    if let Some(claim) = claim.clone() {
        return read_checked(opened, name, claim, check, |file| match is_arrow {
            true => Content::arrow(file, name).map(Some),
            false => {
                file.read_to_end(&mut text).map_err(|error| unreadable(name, &error))?;
                // What is missing is the seal, which has been looked at.
                text.extend_from_slice(b"\"sealed\": true}");
                Content::json(&text)
            }
        });
    }
    let read = opened.file.rewind().and_then(|()| opened.file.read_to_end(&mut text));
    read.map_err(|error| unreadable(name, &error))?;
    Content::json(&text)
}

fn key_index(catalog: &Catalog, relation: &Relation) -> Option<dictdb_types::Oid> {
    let constraint = relation.primary_key()?;
    let dictdb_catalog::ConstraintKind::Primary { index, .. } = &constraint.kind else { return None };
    catalog.relation(*index).map(|index| index.storage)
}

/// A table and how its rows are found.
struct Target<'a> {
    table: Arc<Table>,
    slots: Vec<usize>,
    index: Option<dictdb_types::Oid>,
    transaction: &'a Transaction,
}

impl Target<'_> {
    /// The row that has a key, given by storage column.
    fn find(&self, row: &[Datum], snapshot: &Snapshot) -> Result<Option<RowId>> {
        let index = self.index.and_then(|id| self.table.index(id));
        let index = index.ok_or_else(|| Error::internal("a primary key without its index"))?;
        let mut key = Vec::new();
        index.def().key.key(&dictdb_storage::DatumRow(row), &mut key)?;
        let mut found = None;
        self.table.find(&index, &key, snapshot, |row, _| {
            found = Some(row);
            Ok::<bool, Error>(false)
        })?;
        Ok(found)
    }

    fn upsert(&self, row: &[Datum]) -> Result<()> {
        let snapshot = self.transaction.snapshot()?;
        match self.find(row, &snapshot)? {
            Some(found) => {
                let changes: Vec<(usize, Datum)> = row.iter().cloned().enumerate().collect();
                self.done(self.table.update(self.transaction, &snapshot, found, None, &changes)?)
            }
            None => match self.table.insert(self.transaction, &snapshot, row)? {
                dictdb_storage::Inserted::Done(_) => Ok(()),
                _ => Err(Error::new(
                    SqlState::UNIQUE_VIOLATION,
                    format!("a record of the delta violates a unique index of table {}", self.table.id()),
                )),
            },
        }
    }

    fn delete(&self, key: &[Datum]) -> Result<bool> {
        let snapshot = self.transaction.snapshot()?;
        let width = self.slots.iter().max().map_or(0, |slot| slot + 1);
        let mut row = vec![Datum::Null; width];
        self.slots.iter().zip(key).for_each(|(slot, value)| row[*slot] = value.clone());
        let Some(found) = self.find(&row, &snapshot)? else { return Ok(false) };
        self.done(self.table.delete(self.transaction, &snapshot, found, None)?)?;
        Ok(true)
    }

    fn done(&self, written: RowWritten) -> Result<()> {
        match written {
            RowWritten::Done => Ok(()),
            RowWritten::Conflict(_) => Err(Error::new(
                SqlState::UNIQUE_VIOLATION,
                format!("a record of the delta violates a unique index of table {}", self.table.id()),
            )),
            other => Err(Error::internal(format!("a locked row could not be written: {other:?}"))),
        }
    }
}
