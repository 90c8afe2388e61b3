//! What a delta says, whatever it is written in.

use dictdb_catalog::Relation;
use dictdb_storage::{Table, datums_of};
use dictdb_types::{Datum, Error, Result, SqlState};

use arrow::array::RecordBatch;

use crate::error::unreadable;
use crate::foreign::{Value, parse};
use crate::ipc::{self, Frame, read_frame};
use crate::read::items;
use crate::record::Shape;
use crate::seal::Checked;
use crate::surroundings::Surroundings;

/// A delta in memory.
#[derive(Default)]
pub(super) struct Content {
    pub(super) changes_definitions: bool,
    /// Objects as in JSON.
    pub(super) sequences: Vec<Value<'static>>,
    pub(super) tables: Vec<TableContent>,
}

/// The changes of a table.
#[derive(Default)]
pub(super) struct TableContent {
    pub(super) name: String,
    /// Whether rows changed that only their ids name, if it has no key.
    pub(super) has_rows: bool,
    upserts: Rows,
    deletes: Rows,
}

/// Records or keys.
#[derive(Default)]
enum Rows {
    #[default]
    None,
    Json(Vec<Value<'static>>),
    Arrow(Vec<RecordBatch>),
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, what.to_string())
}

impl Content {
    /// From JSON, ours or the original package's; `None` when it is no delta. XX001.
    pub(super) fn json(text: &[u8]) -> Result<Option<Content>> {
        let document = parse(text)?.into_owned();
        let tables = document.get("tables").and_then(Value::as_map);
        let (Some("delta"), Some(tables)) = (document.get("type").and_then(Value::as_text), tables) else {
            return Ok(None);
        };
        let list =
            |value: &Value<'static>, name: &str| value.get(name).and_then(Value::as_list).unwrap_or_default().to_vec();
        let table = |(name, changes): &(std::borrow::Cow<'static, str>, Value<'static>)| TableContent {
            name: name.to_string(),
            has_rows: ["rows", "gone"].iter().any(|part| !list(changes, part).is_empty()),
            upserts: Rows::Json(list(changes, "upserts")),
            deletes: Rows::Json(list(changes, "deletes")),
        };
        Ok(Some(Content {
            changes_definitions: !list(&document, "catalog").is_empty(),
            sequences: list(&document, "sequences"),
            tables: tables.iter().map(table).collect(),
        }))
    }

    /// From Arrow streams. XX001, 58030.
    pub(super) fn arrow(file: &mut Checked<'_>, name: &str) -> Result<Content> {
        let mut content = Content::default();
        let mut next = || read_frame(file).map_err(|error| unreadable(name, &error));
        while let Some(frame) = next()? {
            let Frame::Schema(schema) = frame else { return Err(invalid("a message is not where it should be")) };
            let mut batches = Vec::new();
            while let Some(Frame::Batch(encoded)) = next()? {
                batches.push(encoded.decode(&schema).map_err(|error| unreadable(name, &error))?);
            }
            let metadata = |key| schema.metadata().get(key).map(String::as_str);
            match (metadata(ipc::key::TABLE), metadata(ipc::key::PART)) {
                (Some(head), Some(part)) => content.add(head, part, batches)?,
                _ => content.add_items(&batches)?,
            }
        }
        Ok(content)
    }

    fn add_items(&mut self, batches: &[RecordBatch]) -> Result<()> {
        for (kind, item) in batches.iter().filter_map(items).flatten() {
            match kind {
                "sequence" => self.sequences.push(parse(item.as_bytes())?.into_owned()),
                _ => self.changes_definitions = true,
            }
        }
        Ok(())
    }

    fn add(&mut self, head: &str, part: &str, batches: Vec<RecordBatch>) -> Result<()> {
        let head = parse(head.as_bytes())?;
        let name = head.as_map().and_then(|entries| entries.first()).map(|(name, _)| name.clone().into_owned());
        let name = name.ok_or_else(|| invalid("a table has no name"))?;
        if self.tables.last().is_none_or(|table| table.name != name) {
            self.tables.push(TableContent { name, ..TableContent::default() });
        }
        let Some(table) = self.tables.last_mut() else { return Ok(()) };
        let has_rows = batches.iter().any(|batch| batch.num_rows() > 0);
        match part {
            "upserts" => table.upserts = Rows::Arrow(batches),
            "deletes" => table.deletes = Rows::Arrow(batches),
            _ => {}
        }
        table.has_rows |= has_rows && part != "deletes";
        Ok(())
    }
}

impl TableContent {
    /// The rows that are to be there, by storage column. XX001, 22P02.
    pub(super) fn upserts(
        &self,
        relation: &Relation,
        table: &Table,
        shape: &Shape,
        surroundings: &Surroundings,
    ) -> Result<Vec<Vec<Datum>>> {
        match &self.upserts {
            Rows::None => Ok(Vec::new()),
            Rows::Json(records) => records.iter().map(|record| shape.row_of(record, surroundings)).collect(),
            Rows::Arrow(batches) => {
                let width = table.columns().len();
                let rows = batches.iter().map(|batch| rows_of(batch, 1, relation, table, width));
                Ok(rows.collect::<Result<Vec<_>>>()?.concat())
            }
        }
    }

    /// The keys that are not to be there, in the order of the key's columns.
    pub(super) fn deletes(
        &self,
        relation: &Relation,
        table: &Table,
        shape: &Shape,
        slots: &[usize],
        surroundings: &Surroundings,
    ) -> Result<Vec<Vec<Datum>>> {
        match &self.deletes {
            Rows::None => Ok(Vec::new()),
            Rows::Json(keys) => keys.iter().map(|key| shape.key_of(slots, key, surroundings)).collect(),
            Rows::Arrow(batches) => {
                let width = table.columns().len();
                let rows = batches.iter().map(|batch| rows_of(batch, 0, relation, table, width));
                let rows = rows.collect::<Result<Vec<_>>>()?.concat();
                Ok(rows.iter().map(|row| slots.iter().map(|slot| row[*slot].clone()).collect()).collect())
            }
        }
    }
}

/// Rows by storage column, out of a batch whose columns from `first` on have the names of the relation's.
fn rows_of(
    batch: &RecordBatch,
    first: usize,
    relation: &Relation,
    table: &Table,
    width: usize,
) -> Result<Vec<Vec<Datum>>> {
    let layouts = table.columns();
    let mut rows = vec![vec![Datum::Null; width]; batch.num_rows()];
    let schema = batch.schema();
    for (field, array) in schema.fields().iter().zip(batch.columns()).skip(first) {
        let column =
            relation.live_columns().find(|(_, column)| *column.name == **field.name()).map(|(_, column)| column);
        let column = column.ok_or_else(|| invalid(format_args!("there is no column \"{}\"", field.name())))?;
        let layout = layouts.get(column.slot).ok_or_else(|| Error::internal("a column without its layout"))?;
        for (row, value) in rows.iter_mut().zip(datums_of(*layout, array)?) {
            row[column.slot] = value;
        }
    }
    Ok(rows)
}
