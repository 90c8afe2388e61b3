//! A moment as Arrow streams: see [`crate::ipc`].

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, SchemaRef};
use dictdb_storage::{DatumRow, RowReader, ScanBatch, arrays_of, contiguous};
use dictdb_types::{Error, Result, RowId};

use super::delta::{Parts, Rows};
use super::{Contents, Context, Writer, put_table_head};
use crate::inventory::{change_line, sequence_line};
use crate::ipc::{self, Encoder};
use crate::moment::{StoredRelation, table_names};
use crate::parallel::in_order;
use crate::progress::Work;
use crate::record::key_slots;

/// Rows of a batch that is gathered from single rows.
const ROWS_AT_ONCE: usize = 4096;
/// A batch with more bytes than these is cut into smaller ones.
const BATCH_BYTES: usize = 64 << 20;
/// Items of catalog or sequences in a batch.
const ITEMS_AT_ONCE: usize = 1024;

/// Writes a file.
pub(super) fn write(writer: &mut Writer, contents: &Contents<'_>, work: &Work<'_>) -> Result<()> {
    let moment = contents.moment;
    let context = Context::new(moment);
    let names = table_names(&moment.catalog, &moment.tables);
    write_head(writer, contents)?;
    let Some(delta) = contents.delta else {
        for (table, name) in moment.tables.iter().zip(&names) {
            let stream = Stream::of(name, table, &context)?;
            stream.all(writer, "records", work)?;
        }
        return Ok(());
    };
    for (number, rows) in &delta.tables {
        let stream = Stream::of(&names[*number], &moment.tables[*number], &context)?;
        match rows {
            Rows::All => stream.all(writer, "upserts", work)?,
            Rows::Some(rows) => {
                let shape = context.shape(&stream.table.relation);
                stream.changes(writer, &Parts::of(stream.table, rows, &context, &shape)?, work)?;
            }
        }
    }
    Ok(())
}

/// Head, catalog and sequences.
fn write_head(writer: &mut Writer, contents: &Contents<'_>) -> Result<()> {
    let moment = contents.moment;
    let text = |name| Field::new(name, DataType::Utf8, false);
    let schema = ipc::schema(vec![text("kind"), text("item")], &[(ipc::key::HEAD, &contents.head.json())]);
    let (changes, sequences) = match contents.delta {
        Some(delta) => (delta.changes.clone(), delta.sequences.clone()),
        None => (moment.catalog.dump(), moment.sequences.iter().map(|(id, state)| (*id, *state)).collect()),
    };
    let changes = changes.iter().map(|change| ("catalog", change_line(change, &moment.catalog)));
    let sequences = sequences.iter().map(|(id, state)| ("sequence", sequence_line(*id, *state, &moment.catalog)));
    let items: Vec<(&str, String)> = changes.chain(sequences).collect();
    ipc::put_schema(&schema, writer.seal.buffer())?;
    let mut encoder = Encoder::new()?;
    for items in items.chunks(ITEMS_AT_ONCE) {
        let kinds = StringArray::from_iter_values(items.iter().map(|(kind, _)| kind));
        let lines = StringArray::from_iter_values(items.iter().map(|(_, line)| line));
        encoder.put(&batch(&schema, vec![Arc::new(kinds), Arc::new(lines)])?, writer.seal.buffer())?;
        writer.seal.drain()?;
    }
    ipc::end_stream(writer.seal.buffer());
    Ok(())
}

fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema.clone(), columns).map_err(|error| Error::internal(error.to_string()))
}

/// A table on its way into streams.
struct Stream<'a> {
    table: &'a StoredRelation,
    context: &'a Context<'a>,
    /// Its head, as JSON.
    head: String,
    /// Storage columns of its live columns.
    slots: Vec<usize>,
}

impl<'a> Stream<'a> {
    fn of(name: &str, table: &'a StoredRelation, context: &'a Context<'a>) -> Result<Self> {
        let mut head = b"{".to_vec();
        put_table_head(name, &table.relation, &context.surroundings, &mut head);
        head.extend_from_slice(b"}}");
        let head = String::from_utf8(head).map_err(|error| Error::internal(error.to_string()))?;
        let slots = table.relation.live_columns().map(|(_, column)| column.slot).collect();
        Ok(Stream { table, context, head, slots })
    }

    fn begin(&self, writer: &mut Writer, part: &str, fields: Vec<Field>) -> Result<SchemaRef> {
        let schema = ipc::schema(fields, &[(ipc::key::TABLE, &self.head), (ipc::key::PART, part)]);
        ipc::put_schema(&schema, writer.seal.buffer())?;
        Ok(schema)
    }

    /// Fields of some storage columns, which may be NULL.
    fn fields(&self, slots: &[usize]) -> Vec<Field> {
        let layouts = self.table.table.columns();
        let field = |slot: &usize| {
            let name =
                self.table.relation.columns.iter().find(|c| c.slot == *slot && !c.dropped).map(|c| c.name.clone());
            let ty = layouts.get(*slot).map_or(DataType::Null, |layout| ipc::type_of(*layout));
            Field::new(name.as_deref().unwrap_or_default(), ty, true)
        };
        slots.iter().map(field).collect()
    }

    fn row_fields(&self) -> Vec<Field> {
        let gap = Field::new("dictdb.gap", DataType::Int64, false);
        std::iter::once(gap).chain(self.fields(&self.slots)).collect()
    }

    /// All rows, block by block.
    fn all(&self, writer: &mut Writer, part: &str, work: &Work<'_>) -> Result<()> {
        writer.tables += 1;
        let (table, snapshot) = (&self.table.table, &self.context.moment.snapshot);
        let scan = |number| table.scan_block(number, snapshot, &self.slots, true).map(Vec::from_iter);
        self.rows(writer, part, table.block_count(), &scan, work)
    }

    /// Rows that have changed, those that are gone, and keys that are no more.
    fn changes(&self, writer: &mut Writer, parts: &Parts, work: &Work<'_>) -> Result<()> {
        writer.tables += 1;
        writer.records += parts.gone.len() as u64;
        self.gone(writer, &parts.gone)?;
        self.deletes(writer, parts)?;
        let chunks: Vec<&[RowId]> = parts.upserts.chunks(ROWS_AT_ONCE).collect();
        let snapshot = &self.context.moment.snapshot;
        let gather = |number: usize| Ok(vec![self.table.table.gather(chunks[number], snapshot, &self.slots)?]);
        self.rows(writer, "upserts", chunks.len(), &gather, work)
    }

    fn rows(
        &self,
        writer: &mut Writer,
        part: &str,
        pieces: usize,
        piece: &(impl Fn(usize) -> Result<Vec<ScanBatch>> + Sync),
        work: &Work<'_>,
    ) -> Result<()> {
        let schema = self.begin(writer, part, self.row_fields())?;
        let worker = || {
            let (mut encoder, schema) = (Encoder::new(), schema.clone());
            move |number: usize| {
                let encoder = encoder.as_mut().map_err(|error| error.clone())?;
                let (mut bytes, mut rows) = (Vec::new(), 0);
                for scanned in piece(number)? {
                    rows += scanned.rows as u64;
                    put_rows(&scanned, &schema, encoder, &mut bytes)?;
                }
                Ok((bytes, rows))
            }
        };
        in_order(pieces, &work.pace, worker, |(bytes, rows)| {
            writer.seal.put(&bytes)?;
            writer.records += rows;
            work.done(rows)?;
            Ok(ControlFlow::Continue(()))
        })?;
        ipc::end_stream(writer.seal.buffer());
        Ok(())
    }

    fn gone(&self, writer: &mut Writer, rows: &[RowId]) -> Result<()> {
        let number = |name| Field::new(name, DataType::Int64, false);
        let schema = self.begin(writer, "gone", vec![number("first"), number("count")])?;
        let runs: Vec<&[RowId]> = rows.chunk_by(|before, row| before.0 + 1 == row.0).collect();
        let first = Int64Array::from_iter_values(runs.iter().map(|run| run[0].0 as i64));
        let count = Int64Array::from_iter_values(runs.iter().map(|run| run.len() as i64));
        let batch = batch(&schema, vec![Arc::new(first), Arc::new(count)])?;
        Encoder::new()?.put(&batch, writer.seal.buffer())?;
        ipc::end_stream(writer.seal.buffer());
        Ok(())
    }

    fn deletes(&self, writer: &mut Writer, parts: &Parts) -> Result<()> {
        let slots = key_slots(&self.table.relation);
        let schema = self.begin(writer, "deletes", self.fields(&slots))?;
        let layouts = self.table.table.columns();
        let layouts: Vec<_> = slots.iter().filter_map(|slot| layouts.get(*slot).copied()).collect();
        let mut encoder = Encoder::new()?;
        for keys in parts.deletes.chunks(ROWS_AT_ONCE).filter(|_| !slots.is_empty()) {
            let rows: Vec<DatumRow<'_>> = keys.iter().map(|(_, key)| DatumRow(key)).collect();
            let rows: Vec<&dyn RowReader> = rows.iter().map(|row| row as &dyn RowReader).collect();
            let columns = arrays_of(&layouts, &rows)?.iter().map(contiguous).collect();
            encoder.put(&batch(&schema, columns)?, writer.seal.buffer())?;
            writer.seal.drain()?;
        }
        ipc::end_stream(writer.seal.buffer());
        Ok(())
    }
}

/// Appends rows as batches of a moderate size.
fn put_rows(scanned: &ScanBatch, schema: &SchemaRef, encoder: &mut Encoder, out: &mut Vec<u8>) -> Result<()> {
    if scanned.rows == 0 {
        return Ok(());
    }
    let bytes: usize = scanned.columns.iter().map(value_bytes).sum();
    if bytes > BATCH_BYTES && scanned.rows > 1 {
        let half = scanned.rows / 2;
        for (start, rows) in [(0, half), (half, scanned.rows - half)] {
            let columns = scanned.columns.iter().map(|column| column.slice(start, rows)).collect();
            let row_ids = scanned.row_ids.as_ref().map(|ids| ids.slice(start, rows));
            put_rows(&ScanBatch { rows, columns, row_ids }, schema, encoder, out)?;
        }
        return Ok(());
    }
    let ids = scanned.row_ids.as_ref().ok_or_else(|| Error::internal("rows without their ids"))?;
    let columns = std::iter::once(gaps(ids)).chain(scanned.columns.iter().map(contiguous)).collect();
    encoder.put(&batch(schema, columns)?, out)
}

/// Bytes of values of different length.
fn value_bytes(array: &ArrayRef) -> usize {
    use arrow::array::AsArray;
    let lengths = |views: &[u128]| views.iter().map(|view| *view as u32 as usize).sum();
    match (array.as_string_view_opt(), array.as_binary_view_opt()) {
        (Some(text), _) => lengths(text.views()),
        (_, Some(bytes)) => lengths(bytes.views()),
        _ => 0,
    }
}

/// Row ids as the number of ids that are left out before each: of a whole table all zero.
fn gaps(ids: &ArrayRef) -> ArrayRef {
    use arrow::array::AsArray;
    let mut next = 0;
    let gap = |id: &i64| id - std::mem::replace(&mut next, id + 1);
    Arc::new(Int64Array::from_iter_values(ids.as_primitive::<Int64Type>().values().iter().map(gap)))
}
