//! A full backup.

use dictdb_types::{Error, Result};

use super::{Context, Runs, Writer};
use crate::head::Head;
use crate::moment::{Moment, StoredRelation, table_names};
use crate::progress::Work;

/// Writes everything of a moment.
pub(crate) fn write_full(writer: &mut Writer<'_>, moment: &Moment, head: &Head, work: &Work<'_>) -> Result<()> {
    work.begin(moment.row_count());
    let context = Context::new(moment);
    writer.text(&head.line());
    writer.inventory(moment, &moment.catalog.dump(), moment.sequences.iter().map(|(id, state)| (*id, *state)))?;
    writer.text("\"tables\": {\n");
    let names = table_names(&moment.catalog, &moment.tables);
    for (position, (table, name)) in moment.tables.iter().zip(&names).enumerate() {
        if position > 0 {
            writer.text(",\n");
        }
        writer.table_head(name, &table.relation, &context.surroundings);
        write_rows(writer, table, &context)?;
        write_records(writer, table, &context, work)?;
    }
    writer.text(if names.is_empty() { "},\n" } else { "\n},\n" });
    Ok(())
}

/// `, "rows": [[0,2]]`: where the records are, found before they are written.
fn write_rows(writer: &mut Writer<'_>, table: &StoredRelation, context: &Context<'_>) -> Result<()> {
    writer.text(", \"rows\": [");
    let mut runs = Runs::new();
    for number in 0..table.table.block_count() {
        let out = writer.out();
        table.table.each_visible::<Error>(number, &context.moment.snapshot, |row, _| {
            runs.add(row.0, out);
            Ok(())
        })?;
        writer.drain()?;
    }
    runs.flush(writer.out());
    writer.text("]");
    Ok(())
}

/// `, "records": [ … ], "schema": {…}}`
fn write_records(
    writer: &mut Writer<'_>,
    table: &StoredRelation,
    context: &Context<'_>,
    work: &Work<'_>,
) -> Result<()> {
    let shape = context.shape(&table.relation);
    let mut conformity = shape.conformity();
    writer.text(", \"records\": [");
    let mut is_first = true;
    for number in 0..table.table.block_count() {
        let mut records = 0;
        let out = writer.out();
        table.table.each_visible::<Error>(number, &context.moment.snapshot, |_, row| {
            out.extend_from_slice(if std::mem::take(&mut is_first) { b"\n" } else { b",\n" });
            records += 1;
            shape.put(row, &context.surroundings, &mut conformity, out)
        })?;
        writer.records += records;
        work.done(records)?;
        writer.drain()?;
    }
    writer.text("\n], \"schema\": ");
    shape.put_schema(&conformity, writer.out());
    writer.text("}");
    Ok(())
}
