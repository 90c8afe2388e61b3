//! Files of the original Python package: tables of records, without types. They become a database of their own.
//!
//! ```text
//!   {"tables": {name: {"primary_key", "schema", "records": [{…}, …]}}}       JSON as it saves it, or a pickle of the same
//!   {"type": "delta", "tables": {name: {"upserts": [{…}], "deletes": […]}}}  its deltas, always JSON
//! ```
//! A column is of the type that all its values have: whole numbers, numbers, truth, text, dates, bytes, else `jsonb`; of the schema's when
//! there is none. A key that a record does not have is NULL.

mod definition;
mod json;
mod pickle;
mod records;
mod value;

use std::borrow::Cow;
use std::io::{Read, Seek};
use std::ops::ControlFlow;

use dictdb_catalog::{BOOTSTRAP_ROLE, Change, Object};
use dictdb_durability::Restorer;
use dictdb_storage::{BLOCK_ROWS, Storage, ValueRef};
use dictdb_types::{Error, Oid, Result, RowId, SqlState};
use hashbrown::HashMap;

pub(crate) use json::parse;
pub(crate) use value::Value;

use crate::chain::Member;
use crate::error::{damaged, unreadable};
use crate::parallel::in_order;
use crate::progress::Work;
use crate::record::{Cell, Cells};
use crate::store::Opened;
use definition::Definition;
use json::Parser;
use records::Records;

/// Object ids that a definition takes: the table, its row type and the array of it, its key and the index of that.
const OIDS_PER_TABLE: u32 = 5;
/// The database that is built, which has the id of any first one.
const DATABASE: Oid = Oid(5);
/// Containers in containers around records.
const DEPTH: usize = 16;

/// A table as a file has it.
#[derive(Default)]
struct ForeignTable<'a> {
    key: Option<Cow<'a, str>>,
    /// Names and Python types.
    schema: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    records: Records<'a>,
    /// Records by their keys, when somebody has asked.
    by_key: Option<HashMap<String, usize>>,
}

type Tables<'a> = Vec<(Cow<'a, str>, ForeignTable<'a>)>;

/// Builds a database of a full file and its deltas. XX001, 0A000 for a pickle that names what is not data.
pub(crate) fn restore(
    members: Vec<Member>,
    storage: &Storage,
    restorer: &mut Restorer<'_>,
    work: &Work<'_>,
) -> Result<()> {
    let mut texts = Vec::new();
    for mut member in members {
        texts.push((read_all(&mut member.opened, &member.name)?, member.name));
    }
    let Some(((text, name), deltas)) = texts.split_first() else { return Ok(()) };
    let mut tables = full(text, name)?;
    for (text, name) in deltas {
        apply_delta(&mut tables, text).map_err(|error| in_file(error, name))?;
    }
    restorer.put_database(DATABASE, name);
    let mut next = Oid::FIRST_NORMAL;
    for (table_name, table) in &tables {
        let rows = table.records.rows();
        let definition = Definition::of(table_name, table, &rows, next);
        next = Oid(next.0 + OIDS_PER_TABLE);
        let objects = definition.objects(BOOTSTRAP_ROLE);
        let changes: Vec<Change> = objects.into_iter().map(|object: Object| Change::Put(object)).collect();
        restorer.apply_changes(DATABASE, next, &[changes, definition.dependencies()].concat())?;
        load(&definition, table, &rows, storage, work).map_err(|error| in_file(error, name))?;
    }
    Ok(())
}

/// Whether a file can be read. XX001, 0A000.
pub(crate) fn verify(opened: &mut Opened, name: &str) -> Result<()> {
    let text = read_all(opened, name)?;
    match name.contains("_delta_") {
        true => parse(&text).map(drop).map_err(|error| in_file(error, name)),
        false => full(&text, name).map(drop),
    }
}

fn read_all(opened: &mut Opened, name: &str) -> Result<Vec<u8>> {
    let mut text = Vec::with_capacity(usize::try_from(opened.bytes).unwrap_or(0));
    let read = opened.file.rewind().and_then(|()| opened.file.read_to_end(&mut text));
    read.map_err(|error| unreadable(name, &error)).map(|_| text)
}

fn in_file(error: Error, name: &str) -> Error {
    match error.code() {
        SqlState::QUERY_CANCELED | SqlState::FEATURE_NOT_SUPPORTED => error,
        _ => damaged(name, error.message()),
    }
}

/// The tables of a full file, JSON or pickle.
fn full<'a>(text: &'a [u8], name: &str) -> Result<Tables<'a>> {
    match name.ends_with(".pickle") || name.ends_with(".pkl") || text.first() == Some(&pickle::MARK) {
        true => pickle::tables(text, name),
        false => full_json(text).map_err(|error| in_file(error, name)),
    }
}

fn full_json(text: &[u8]) -> Result<Tables<'_>> {
    let missing = |what: &str| Error::new(SqlState::DATA_CORRUPTED, format!("it has no \"{what}\""));
    let mut parser = Parser::new(text);
    let mut found = None;
    parser.object(|parser, key| {
        if key != "tables" {
            return parser.value(DEPTH).map(drop);
        }
        let mut tables = Tables::new();
        parser.object(|parser, name| {
            let table = table(parser)?.ok_or_else(|| missing("records"))?;
            tables.push((name, table));
            Ok(())
        })?;
        found = Some(tables);
        Ok(())
    })?;
    parser.end()?;
    found.ok_or_else(|| missing("tables"))
}

/// `None` when it has no records.
fn table<'a>(parser: &mut Parser<'a>) -> Result<Option<ForeignTable<'a>>> {
    let (mut table, mut has_records) = (ForeignTable::default(), false);
    parser.object(|parser, key| {
        match &*key {
            "records" => {
                table.records = parser.records()?;
                has_records = true;
            }
            "primary_key" => {
                if let Value::Text(key) = parser.value(DEPTH)? {
                    table.key = Some(key);
                }
            }
            "schema" => {
                if let Value::Map(fields) = parser.value(DEPTH)? {
                    let typed = |(name, ty)| if let Value::Text(ty) = ty { Some((name, ty)) } else { None };
                    table.schema = fields.into_iter().filter_map(typed).collect();
                }
            }
            _ => drop(parser.value(DEPTH)?),
        }
        Ok(())
    })?;
    Ok(has_records.then_some(table))
}

/// What the package's own `apply_delta` does. XX001 when it is none.
fn apply_delta<'a>(tables: &mut Tables<'a>, text: &'a [u8]) -> Result<()> {
    let invalid = |what: &str| Error::new(SqlState::DATA_CORRUPTED, what.to_owned());
    let Value::Map(document) = parse(text)? else { return Err(invalid("it is no object")) };
    if !document.iter().any(|(key, value)| key == "type" && value.as_text() == Some("delta")) {
        return Err(invalid("it is no delta"));
    }
    let changed = document.into_iter().find(|(key, _)| key == "tables");
    let Some((_, Value::Map(changed))) = changed else { return Err(invalid("it has no \"tables\"")) };
    for (name, changes) in changed {
        // The original package goes by tables that are there.
        let Some((_, table)) = tables.iter_mut().find(|(known, _)| *known == name) else { continue };
        let Value::Map(parts) = changes else { return Err(invalid("the changes of a table are no object")) };
        for (part, items) in parts {
            let Value::List(items) = items else { return Err(invalid("the changes of a table are no lists")) };
            match &*part {
                "upserts" => items.into_iter().try_for_each(|record| table.upsert(record))?,
                "deletes" => items.iter().for_each(|key| table.delete(key)),
                _ => {}
            }
        }
    }
    Ok(())
}

impl<'a> ForeignTable<'a> {
    fn by_key(&mut self) -> &mut HashMap<String, usize> {
        let ForeignTable { key, records, by_key, .. } = self;
        by_key.get_or_insert_with(|| {
            let values = key.as_ref().and_then(|key| records.values(key));
            let rows = records.rows().into_iter();
            values.map_or_else(HashMap::new, |values| rows.map(|row| (key_text(values.get(row)), row)).collect())
        })
    }

    fn upsert(&mut self, record: Value<'a>) -> Result<()> {
        let Value::Map(fields) = record else {
            return Err(Error::new(SqlState::DATA_CORRUPTED, "a record of a delta is no object"));
        };
        let name = self.key.clone().unwrap_or_default();
        let key = fields.iter().rev().find(|(field, _)| *field == name).map(|(_, value)| key_text(value));
        let known = key.as_ref().and_then(|key| self.by_key().get(key).copied());
        let row = known.unwrap_or(self.records.len());
        let mut change = if known.is_some() { self.records.change(row) } else { self.records.begin() };
        fields.into_iter().for_each(|(name, value)| change.put(name, value));
        change.end();
        if let (None, Some(key)) = (known, key) {
            self.by_key().insert(key, row);
        }
        Ok(())
    }

    fn delete(&mut self, key: &Value<'_>) {
        if let Some(row) = self.by_key().remove(&key_text(key)) {
            self.records.remove(row);
        }
    }
}

/// A key as Python compares it: numbers of all types by value.
fn key_text(value: &Value<'_>) -> String {
    match value {
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Float(value) if value.fract() == 0.0 => format!("{value:.0}"),
        other => other.to_string(),
    }
}

/// Puts the records into the table, one after the other.
fn load(
    definition: &Definition,
    table: &ForeignTable<'_>,
    rows: &[usize],
    storage: &Storage,
    work: &Work<'_>,
) -> Result<()> {
    let target = storage.table(definition.oid()).ok_or_else(|| Error::internal("a restored table is missing"))?;
    let columns: Vec<_> = definition.columns().iter().map(|(name, ty)| (table.records.values(name), *ty)).collect();
    let blocks: Vec<&[usize]> = rows.chunks(BLOCK_ROWS).collect();
    let block = |number: usize| {
        let rows = blocks[number];
        let mut next = rows.iter();
        target.restore_rows(RowId((number * BLOCK_ROWS) as u64), rows.len() as u64, |put| {
            let Some(row) = next.next() else { return put(None) };
            let cells = columns.iter().map(|(values, ty)| match values {
                Some(values) => values.get(*row).cell(*ty),
                None => Ok(Cell::Value(ValueRef::Null)),
            });
            put(Some(&Cells::new(cells.collect::<Result<Vec<_>>>()?)))
        })?;
        Ok(rows.len() as u64)
    };
    in_order(blocks.len(), &work.pace, || block, |rows| work.done(rows).map(|()| ControlFlow::Continue(())))
}
