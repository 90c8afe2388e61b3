//! The rows of a table as JSON.

use std::ops::ControlFlow;

use dictdb_storage::RowView;
use dictdb_types::{Error, Result, RowId};

use super::{Context, Writer};
use crate::moment::StoredRelation;
use crate::parallel::in_order;
use crate::progress::Work;
use crate::record::{Conformity, Shape, key_slots};
use crate::write::delta::{Parts, Rows};

/// Rows that one thread serialises at a time, of a delta.
const ROWS_AT_ONCE: usize = 4096;

/// Some records as text.
struct Piece {
    text: Vec<u8>,
    records: u64,
    conformity: Conformity,
}

/// `, "rows": [[0,2]], "records": [ … ], "schema": {…}}`
pub(super) fn write_all(
    writer: &mut Writer,
    table: &StoredRelation,
    context: &Context<'_>,
    work: &Work<'_>,
) -> Result<()> {
    let shape = context.shape(&table.relation);
    write_rows(writer, table, context, work)?;
    writer.text(", \"records\": [");
    let conformity = write_blocks(writer, table, &shape, context, work)?;
    writer.text("\n], \"schema\": ");
    shape.put_schema(&conformity, writer.out());
    writer.text("}");
    Ok(())
}

/// The records of all blocks.
fn write_blocks(
    writer: &mut Writer,
    table: &StoredRelation,
    shape: &Shape,
    context: &Context<'_>,
    work: &Work<'_>,
) -> Result<Conformity> {
    let (table, snapshot) = (&table.table, &context.moment.snapshot);
    let piece = |number: usize| {
        let mut piece = Piece { text: Vec::new(), records: 0, conformity: shape.conformity() };
        table.each_visible::<Error>(number, snapshot, |_, row| piece.add(row, shape, context))?;
        Ok(piece)
    };
    write_records(writer, table.block_count(), &piece, shape, work)
}

/// `, "rows": [[0,2]]`: where the records are, found before they are written.
fn write_rows(writer: &mut Writer, table: &StoredRelation, context: &Context<'_>, work: &Work<'_>) -> Result<()> {
    writer.text(", \"rows\": [");
    let mut runs = Runs::new();
    for number in 0..table.table.block_count() {
        let out = writer.out();
        let mut add = |row: RowId| runs.add(row.0, out);
        work.pace.piece(|| {
            table.table.each_visible::<Error>(number, &context.moment.snapshot, |row, _| {
                add(row);
                Ok(())
            })
        })?;
        writer.seal.drain()?;
    }
    runs.flush(writer.out());
    writer.text("]");
    Ok(())
}

/// `, "rows": […], "gone": […], "deletes": […], "upserts": [ … ]}`, with `, "deleted_keys": [ [ … ], … ]` in front of `upserts` where a key
/// has several columns: the original package looks up every member of `deletes`, and fails with the whole file at one that is a list.
pub(super) fn write_changes(
    writer: &mut Writer,
    table: &StoredRelation,
    rows: &Rows,
    context: &Context<'_>,
    work: &Work<'_>,
) -> Result<()> {
    let shape = context.shape(&table.relation);
    let Rows::Some(rows) = rows else {
        write_rows(writer, table, context, work)?;
        writer.text(", \"gone\": [], \"deletes\": [], \"upserts\": [");
        write_blocks(writer, table, &shape, context, work)?;
        writer.text("\n]}");
        return Ok(());
    };
    let parts = Parts::of(table, rows, context, &shape)?;
    for (name, rows) in [("rows", &parts.upserts), ("gone", &parts.gone)] {
        writer.text(&format!(", \"{name}\": ["));
        let (out, mut runs) = (writer.out(), Runs::new());
        rows.iter().for_each(|row| runs.add(row.0, out));
        runs.flush(out);
        writer.text("]");
    }
    let has_several_columns = key_slots(&table.relation).len() > 1;
    writer.text(if has_several_columns { ", \"deletes\": [], \"deleted_keys\": [" } else { ", \"deletes\": [" });
    for (position, (key, _)) in parts.deletes.iter().enumerate() {
        writer.text(if position > 0 { ", " } else { "" });
        writer.out().extend_from_slice(key);
    }
    writer.text("], \"upserts\": [");
    writer.records += parts.gone.len() as u64;
    let chunks: Vec<&[RowId]> = parts.upserts.chunks(ROWS_AT_ONCE).collect();
    let piece = |number: usize| {
        let mut piece = Piece { text: Vec::new(), records: 0, conformity: shape.conformity() };
        for row in chunks[number] {
            table.table.read(*row, &context.moment.snapshot, |row| piece.add(row, &shape, context)).transpose()?;
        }
        Ok(piece)
    };
    write_records(writer, chunks.len(), &piece, &shape, work)?;
    writer.text("\n]}");
    Ok(())
}

impl Piece {
    fn add(&mut self, row: &RowView<'_>, shape: &Shape, context: &Context<'_>) -> Result<()> {
        self.text.extend_from_slice(if self.records == 0 { b"\n" } else { b",\n" });
        self.records += 1;
        shape.put(row, &context.surroundings, &mut self.conformity, &mut self.text)
    }
}

/// Writes pieces, one after the other. Returns which columns conform in all of them.
fn write_records(
    writer: &mut Writer,
    pieces: usize,
    piece: &(impl Fn(usize) -> Result<Piece> + Sync),
    shape: &Shape,
    work: &Work<'_>,
) -> Result<Conformity> {
    let mut conformity = shape.conformity();
    let mut is_first = true;
    let take = |piece: Piece| {
        if piece.records > 0 {
            writer.text(if std::mem::take(&mut is_first) { "" } else { "," });
            writer.seal.put(&piece.text)?;
            writer.records += piece.records;
            conformity.join(&piece.conformity);
        }
        work.done(piece.records)?;
        Ok(ControlFlow::Continue(()))
    };
    in_order(pieces, &work.pace, || piece, take)?;
    Ok(conformity)
}

/// Row ids as runs `[first, count]`, comma after comma.
struct Runs {
    run: Option<(u64, u64)>,
    is_first: bool,
}

impl Runs {
    fn new() -> Self {
        Runs { run: None, is_first: true }
    }

    fn add(&mut self, row: u64, out: &mut Vec<u8>) {
        match &mut self.run {
            Some((first, count)) if *first + *count == row => *count += 1,
            _ => {
                self.flush(out);
                self.run = Some((row, 1));
            }
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some((first, count)) = self.run.take() {
            let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
            out.extend_from_slice(format!("{comma}[{first},{count}]").as_bytes());
        }
    }
}
