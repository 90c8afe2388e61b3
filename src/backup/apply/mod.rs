//! A delta onto a database that is in use: its records by primary key, all in the caller's transaction.
//!
//! This is what `apply_delta` of the original package does, for its files and for ours. What a record by its key cannot say (new
//! tables, tables without a key) needs RESTORE.
//!
//! A delta may be larger than memory has room for. It is read twice, in pieces: once to know that it is whole and which tables it is
//! about, which are locked then, and once to put its records where they belong.

mod content;

use std::sync::Arc;

use dictdb_catalog::{Catalog, Relation};
use dictdb_storage::{Snapshot, Storage, Table, Transaction, Written as RowWritten};
use dictdb_types::{Datum, Error, Result, RowId, SqlState};
use hashbrown::HashMap;

use crate::folder::Folder;
use crate::foreign::Value;
use crate::member::Member;
use crate::moment::table_name;
use crate::record::{Shape, key_slots};
use crate::surroundings::Surroundings;
use content::{Form, Part, Records};

/// A delta that was read and checked.
pub struct DeltaFile {
    /// The content hash of the file it follows; `None` for a file of the original package.
    pub parent: Option<String>,
    member: Member,
    summary: Summary,
}

/// What a delta is about.
#[derive(Default)]
struct Summary {
    changes_definitions: bool,
    /// Objects as in JSON.
    sequences: Vec<Value<'static>>,
    tables: Vec<Changed>,
}

/// A table that it changes.
struct Changed {
    name: String,
    /// Whether rows changed that only their ids name, if it has no key.
    has_rows: bool,
}

impl Summary {
    fn add(&mut self, part: Part<'_>) {
        match part {
            Part::Definition => self.changes_definitions = true,
            Part::Sequence(state) => self.sequences.push(state),
            Part::Table(name) if self.tables.last().is_some_and(|last| last.name == name) => {}
            Part::Table(name) => self.tables.push(Changed { name: name.to_owned(), has_rows: false }),
            Part::Rows => self.tables.iter_mut().last().into_iter().for_each(|table| table.has_rows = true),
            Part::Upserts(_) | Part::Deletes(_) => {}
        }
    }
}

impl DeltaFile {
    /// Looks at a delta. XX001, 58P01, 42501; 22023 when it is none.
    pub fn read(folder: &Folder, name: &str, check: &dyn Fn() -> Result<()>) -> Result<DeltaFile> {
        let mut member = Member::open(folder, name)?;
        let mut summary = Summary::default();
        let mut take = |part: Part<'_>| {
            summary.add(part);
            Ok(())
        };
        if !content::read(&mut member, check, &mut take)? {
            let message = format!("file \"{}\" is not a delta", member.name);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let parent = member.head.as_ref().and_then(|head| head.parent.as_ref());
        Ok(DeltaFile { parent: parent.map(|parent| parent.content_hash.clone()), member, summary })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.member.name
    }

    /// Its own content hash.
    pub fn content_hash(&self) -> Option<&str> {
        self.member.content_hash()
    }

    /// The relations it changes. 55000 when it says what only a restore can do.
    pub fn relations(&self, catalog: &Catalog) -> Result<Vec<Arc<Relation>>> {
        if self.summary.changes_definitions {
            return Err(self.refused("it changes definitions"));
        }
        let found = self.summary.tables.iter().map(|table| self.relation(catalog, table));
        Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn refused(&self, why: impl std::fmt::Display) -> Error {
        let message = format!("delta \"{}\" cannot be applied to a database in use: {why}", self.name());
        Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            .hint("RESTORE FROM this file builds the database it is of from its chain.")
    }

    fn relation(&self, catalog: &Catalog, table: &Changed) -> Result<Option<Arc<Relation>>> {
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

    /// Applies it; the caller keeps other writers out, and rolls back when it fails. Returns the number of records it put or removed.
    /// 23505, 22P02, XX001.
    pub fn apply(
        &mut self,
        catalog: &Arc<Catalog>,
        storage: &Storage,
        transaction: &Transaction,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<i64> {
        let surroundings = Surroundings::new(catalog.clone());
        let mut targets = HashMap::new();
        for changed in &self.summary.tables {
            let Some(relation) = self.relation(catalog, changed)? else { continue };
            let Some(table) = storage.table(relation.storage) else { continue };
            let shape = Shape::of(&relation, &surroundings);
            let (slots, index) = (key_slots(&relation), key_index(catalog, &relation));
            targets.insert(changed.name.clone(), Target { relation, table, shape, slots, index, transaction });
        }
        let (mut affected, mut target) = (0, None);
        let mut take = |part: Part<'_>| {
            match (part, target) {
                (Part::Table(name), _) => target = targets.get(name),
                (Part::Upserts(records), Some(target)) => affected += target.upsert_all(&records, &surroundings)?,
                (Part::Deletes(records), Some(target)) => affected += target.delete_all(&records, &surroundings)?,
                _ => {}
            }
            Ok(())
        };
        content::read(&mut self.member, check, &mut take)?;
        Ok(affected)
    }

    /// Sets the sequences it tells of, which no transaction does.
    pub fn set_sequences(&self, catalog: &Catalog, storage: &Storage) -> Result<()> {
        for sequence in &self.summary.sequences {
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

fn key_index(catalog: &Catalog, relation: &Relation) -> Option<dictdb_types::Oid> {
    let constraint = relation.primary_key()?;
    let dictdb_catalog::ConstraintKind::Primary { index, .. } = &constraint.kind else { return None };
    catalog.relation(*index).map(|index| index.storage)
}

/// A table and how its rows are found.
struct Target<'a> {
    relation: Arc<Relation>,
    table: Arc<Table>,
    shape: Shape,
    slots: Vec<usize>,
    index: Option<dictdb_types::Oid>,
    transaction: &'a Transaction,
}

impl Target<'_> {
    fn form<'f>(&'f self, surroundings: &'f Surroundings) -> Form<'f> {
        let Target { relation, table, shape, slots, .. } = self;
        Form { relation, table, shape, slots, surroundings }
    }

    fn upsert_all(&self, records: &Records, surroundings: &Surroundings) -> Result<i64> {
        let mut count = 0;
        self.form(surroundings).rows(records, |row| {
            count += 1;
            self.upsert(row)
        })?;
        Ok(count)
    }

    fn delete_all(&self, records: &Records, surroundings: &Surroundings) -> Result<i64> {
        let mut count = 0;
        self.form(surroundings).keys(records, |key| {
            count += i64::from(self.delete(key)?);
            Ok(())
        })?;
        Ok(count)
    }

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
