//! A delta: what has changed since its parent, at the cost of that.

use dictdb_catalog::Change;
use dictdb_storage::{OldRow, SequenceState};
use dictdb_types::{Oid, Result, RowId};
use hashbrown::HashSet;

use super::{Context, Runs, Writer};
use crate::head::Head;
use crate::moment::{Moment, StoredRelation, table_names};
use crate::progress::Work;
use crate::record::{Shape, key_slots};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The rows of a table that a delta tells of.
pub(crate) enum Rows {
    /// All: the table is new, or has been written anew.
    All,
    /// These, with what they were.
    Some(Vec<(RowId, Option<OldRow>)>),
}

/// What has changed between two moments.
pub(crate) struct Delta {
    pub(crate) changes: Vec<Change>,
    pub(crate) sequences: Vec<(Oid, SequenceState)>,
    /// By position in [`Moment::tables`].
    pub(crate) tables: Vec<(usize, Rows)>,
}

impl Delta {
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.sequences.is_empty() && self.tables.is_empty()
    }

    fn rows(&self) -> u64 {
        let count = |(_, rows): &(usize, Rows)| if let Rows::Some(rows) = rows { rows.len() as u64 } else { 0 };
        self.tables.iter().map(count).sum()
    }
}

/// Writes a delta.
pub(crate) fn write_delta(
    writer: &mut Writer<'_>,
    moment: &Moment,
    delta: &Delta,
    head: &Head,
    work: &Work<'_>,
) -> Result<()> {
    work.begin(delta.rows());
    let context = Context::new(moment);
    writer.text(&head.line());
    let (seconds, micros) = (moment.micros / MICROS_PER_SECOND, moment.micros % MICROS_PER_SECOND);
    writer.text(&format!("\"type\": \"delta\",\n\"timestamp\": {seconds}.{micros:06},\n"));
    writer.inventory(moment, &delta.changes, delta.sequences.iter().copied())?;
    writer.text("\"tables\": {\n");
    let names = table_names(&moment.catalog, &moment.tables);
    for (position, (table, rows)) in delta.tables.iter().enumerate() {
        if position > 0 {
            writer.text(",\n");
        }
        let stored = &moment.tables[*table];
        writer.table_head(&names[*table], &stored.relation, &context.surroundings);
        write_table(writer, stored, rows, &context, work)?;
    }
    writer.text(if delta.tables.is_empty() { "},\n" } else { "\n},\n" });
    Ok(())
}

/// Rows that are there, and those that are not any more.
struct Parts {
    upserts: Vec<RowId>,
    gone: Vec<RowId>,
    /// Encoded keys that exist no more.
    deletes: Vec<Vec<u8>>,
}

impl Parts {
    fn of(table: &StoredRelation, rows: &Rows, context: &Context<'_>, shape: &Shape) -> Result<Parts> {
        let mut parts = Parts { upserts: Vec::new(), gone: Vec::new(), deletes: Vec::new() };
        let Rows::Some(rows) = rows else {
            parts.upserts = all_rows(table, context);
            return Ok(parts);
        };
        let slots = key_slots(&table.relation);
        let (mut old_keys, mut new_keys) = (Vec::new(), HashSet::new());
        for (row, old) in rows {
            let mut key = Vec::new();
            let found = table.table.read_datums(*row, &context.moment.snapshot, &slots, &mut key)?;
            if found {
                parts.upserts.push(*row);
                let mut encoded = Vec::new();
                shape.put_key(&slots, &key, &context.surroundings, &mut encoded)?;
                new_keys.insert(encoded);
            } else if old.is_some() {
                parts.gone.push(*row);
            }
            if let Some(key) = old.as_ref().and_then(|old| old.key.as_ref()) {
                let mut encoded = Vec::new();
                shape.put_key(&slots, key, &context.surroundings, &mut encoded)?;
                old_keys.push(encoded);
            }
        }
        old_keys.retain(|key| !new_keys.contains(key));
        parts.deletes = old_keys;
        Ok(parts)
    }
}

fn all_rows(table: &StoredRelation, context: &Context<'_>) -> Vec<RowId> {
    let mut rows = Vec::new();
    for number in 0..table.table.block_count() {
        let each = table.table.each_visible::<std::convert::Infallible>(number, &context.moment.snapshot, |row, _| {
            rows.push(row);
            Ok(())
        });
        each.unwrap_or_else(|never| match never {});
    }
    rows
}

/// `, "rows": […], "gone": […], "deletes": […], "upserts": [ … ]}`
fn write_table(
    writer: &mut Writer<'_>,
    table: &StoredRelation,
    rows: &Rows,
    context: &Context<'_>,
    work: &Work<'_>,
) -> Result<()> {
    let shape = context.shape(&table.relation);
    let parts = Parts::of(table, rows, context, &shape)?;
    writer.records += (parts.upserts.len() + parts.gone.len()) as u64;
    for (name, rows) in [("rows", &parts.upserts), ("gone", &parts.gone)] {
        writer.text(&format!(", \"{name}\": ["));
        let (out, mut runs) = (writer.out(), Runs::new());
        rows.iter().for_each(|row| runs.add(row.0, out));
        runs.flush(out);
        writer.text("]");
    }
    writer.text(", \"deletes\": [");
    for (position, key) in parts.deletes.iter().enumerate() {
        writer.text(if position > 0 { ", " } else { "" });
        writer.out().extend_from_slice(key);
    }
    writer.text("], \"upserts\": [");
    let mut conformity = shape.conformity();
    for (position, row) in parts.upserts.iter().enumerate() {
        writer.text(if position > 0 { ",\n" } else { "\n" });
        let out = writer.out();
        let put =
            |version: &dictdb_storage::RowView<'_>| shape.put(version, &context.surroundings, &mut conformity, out);
        table.table.read(*row, &context.moment.snapshot, put).transpose()?;
        work.done(1)?;
        writer.drain()?;
    }
    writer.text("\n]}");
    Ok(())
}
