//! What a delta says, whatever it is written in: from its beginning to its end, in pieces.

use std::io::{Read, Seek};

use arrow::datatypes::SchemaRef;
use dictdb_catalog::Relation;
use dictdb_storage::{BLOCK_ROWS, Table, datums_of};
use dictdb_types::{Datum, Error, Result, SqlState};

use crate::error::{damaged, unreadable};
use crate::foreign::{Document, MAX_DEPTH, Piece, Value, parse};
use crate::ipc::{self, Encoded, Frame, read_frame};
use crate::member::Member;
use crate::name::Format;
use crate::read::items;
use crate::record::Shape;
use crate::seal::read_checked;
use crate::surroundings::Surroundings;

/// Records in a piece, at most.
const PIECE_RECORDS: u64 = BLOCK_ROWS as u64;
/// In the place of a file's seal, which has been looked at.
const INSTEAD_OF_SEAL: &[u8] = b"\"sealed\": true}";

/// Something that a delta says.
pub(super) enum Part<'p> {
    /// Definitions have changed.
    Definition,
    /// The state of a sequence, an object as in JSON.
    Sequence(Value<'static>),
    /// What comes next is of the table of this name.
    Table(&'p str),
    /// There are rows, or were, that their ids name.
    Rows,
    /// Rows that are to be there.
    Upserts(Records),
    /// Keys that are not to be there.
    Deletes(Records),
}

/// Some records or keys.
pub(super) enum Records {
    Json(Piece),
    Arrow(SchemaRef, Encoded),
}

/// Who hears what a delta says.
type Take<'t> = &'t mut dyn FnMut(Part<'_>) -> Result<()>;

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, what.to_string())
}

/// Reads a file, and looks whether it is whole; false when it is no delta. Nothing is to be kept of what `take` has heard before the end.
/// XX001, 58030, and what `check` and `take` fail with.
pub(super) fn read(member: &mut Member, check: &dyn Fn() -> Result<()>, take: Take<'_>) -> Result<bool> {
    let Member { name, claim, opened, .. } = member;
    let mut take = |part: Part<'_>| check().and_then(|()| take(part));
    let read = match claim.clone() {
        Some(claim) if claim.format == Format::Arrow => {
            read_checked(opened, name, claim, check, |file| arrow(file, name, &mut take).map(|()| true))
        }
        Some(claim) => {
            read_checked(opened, name, claim, check, |file| json(&mut file.chain(INSTEAD_OF_SEAL), name, &mut take))
        }
        None => {
            let begun = opened.file.rewind().map_err(|error| unreadable(name, &error));
            begun.and_then(|()| json(&mut *opened.file, name, &mut take))
        }
    };
    read.map_err(|error| match error.code() {
        SqlState::DATA_CORRUPTED if !error.message().contains(&*name) => damaged(name, error.message()),
        _ => error,
    })
}

/// Ours, or the original package's.
fn json(file: &mut dyn Read, name: &str, take: Take<'_>) -> Result<bool> {
    let mut document = Document::new(file, name);
    let (mut is_delta, mut has_tables) = (false, false);
    document.object(|document, key| match key {
        "type" => {
            is_delta = document.value()?.as_text() == Some("delta");
            Ok(())
        }
        "catalog" => document.list(PIECE_RECORDS, |_| take(Part::Definition)),
        "sequences" => document.list(PIECE_RECORDS, |piece| {
            piece.each(|parser| take(Part::Sequence(parser.value(MAX_DEPTH)?.into_owned())))
        }),
        "tables" => {
            has_tables = true;
            document.object(|document, table| {
                take(Part::Table(table))?;
                document.object(|document, part| json_part(document, part, take))
            })
        }
        _ => document.pass_over(),
    })?;
    document.end()?;
    Ok(is_delta && has_tables)
}

fn json_part(document: &mut Document<'_>, part: &str, take: Take<'_>) -> Result<()> {
    match part {
        "rows" | "gone" => document.list(PIECE_RECORDS, |_| take(Part::Rows)),
        "upserts" => document.list(PIECE_RECORDS, |piece| take(Part::Upserts(Records::Json(piece)))),
        "deletes" => document.list(PIECE_RECORDS, |piece| take(Part::Deletes(Records::Json(piece)))),
        _ => document.pass_over(),
    }
}

fn arrow(file: &mut impl Read, name: &str, take: Take<'_>) -> Result<()> {
    let mut next = || read_frame(file).map_err(|error| unreadable(name, &error));
    while let Some(frame) = next()? {
        let Frame::Schema(schema) = frame else { return Err(invalid("a message is not where it should be")) };
        let metadata = |key| schema.metadata().get(key).map(String::as_str);
        let part = metadata(ipc::key::TABLE).zip(metadata(ipc::key::PART));
        if let Some((head, _)) = part {
            let head = parse(head.as_bytes())?;
            let first = head.as_map().and_then(|entries| entries.first());
            let (table, _) = first.ok_or_else(|| invalid("a table has no name"))?;
            take(Part::Table(table))?;
        }
        while let Some(Frame::Batch(batch)) = next()? {
            match part {
                None => arrow_items(&schema, &batch, take)?,
                Some((_, "deletes")) => take(Part::Deletes(Records::Arrow(schema.clone(), batch)))?,
                Some((_, part)) => {
                    if batch.rows() > 0 {
                        take(Part::Rows)?;
                    }
                    if part == "upserts" {
                        take(Part::Upserts(Records::Arrow(schema.clone(), batch)))?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn arrow_items(schema: &SchemaRef, batch: &Encoded, take: Take<'_>) -> Result<()> {
    let batch = batch.decode(schema).map_err(invalid)?;
    for (kind, item) in items(&batch).into_iter().flatten() {
        match kind {
            "sequence" => take(Part::Sequence(parse(item.as_bytes())?.into_owned()))?,
            _ => take(Part::Definition)?,
        }
    }
    Ok(())
}

/// A table that records are of.
pub(super) struct Form<'a> {
    pub(super) relation: &'a Relation,
    pub(super) table: &'a Table,
    pub(super) shape: &'a Shape,
    /// Storage columns of its key.
    pub(super) slots: &'a [usize],
    pub(super) surroundings: &'a Surroundings,
}

impl Form<'_> {
    /// Hands out rows by storage column. XX001, 22P02.
    pub(super) fn rows(&self, records: &Records, mut row: impl FnMut(&[Datum]) -> Result<()>) -> Result<()> {
        match records {
            Records::Json(piece) => piece.each(|parser| {
                let record = parser.value(MAX_DEPTH)?;
                row(&self.shape.row_of(&record, self.surroundings)?)
            }),
            Records::Arrow(schema, batch) => self.arrow_rows(schema, batch, 1)?.iter().try_for_each(|found| row(found)),
        }
    }

    /// Hands out keys, in the order of the key's columns. XX001, 22P02.
    pub(super) fn keys(&self, records: &Records, mut key: impl FnMut(&[Datum]) -> Result<()>) -> Result<()> {
        match records {
            Records::Json(piece) => piece.each(|parser| {
                let found = parser.value(MAX_DEPTH)?;
                key(&self.shape.key_of(self.slots, &found, self.surroundings)?)
            }),
            Records::Arrow(schema, batch) => self.arrow_rows(schema, batch, 0)?.iter().try_for_each(|row| {
                let parts: Vec<Datum> = self.slots.iter().map(|slot| row[*slot].clone()).collect();
                key(&parts)
            }),
        }
    }

    /// Rows by storage column, out of a batch whose columns from `first` on have the names of the relation's.
    fn arrow_rows(&self, schema: &SchemaRef, batch: &Encoded, first: usize) -> Result<Vec<Vec<Datum>>> {
        let batch = batch.decode(schema).map_err(invalid)?;
        let layouts = self.table.columns();
        let mut rows = vec![vec![Datum::Null; layouts.len()]; batch.num_rows()];
        for (field, array) in schema.fields().iter().zip(batch.columns()).skip(first) {
            let mut live = self.relation.live_columns().map(|(_, column)| column);
            let column = live.find(|column| *column.name == **field.name());
            let column = column.ok_or_else(|| invalid(format_args!("there is no column \"{}\"", field.name())))?;
            let layout = layouts.get(column.slot).ok_or_else(|| Error::internal("a column without its layout"))?;
            for (row, value) in rows.iter_mut().zip(datums_of(*layout, array)?) {
                row[column.slot] = value;
            }
        }
        Ok(rows)
    }
}
