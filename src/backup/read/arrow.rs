//! Arrow files, stream by stream: see [`crate::ipc`].

use std::io::{BufReader, Read};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use dictdb_durability::Restorer;
use dictdb_types::{Error, Result, RowId, SqlState};

use super::batch::{Batch, Target};
use super::{Reading, TableHead};
use crate::error::{damaged, unreadable};
use crate::inventory::{read_change, read_sequence};
use crate::ipc::{self, Frame, read_frame};
use crate::surroundings::Surroundings;

const BUFFER_BYTES: usize = 1 << 20;

/// Applies a file.
pub(super) fn read(reading: &Reading<'_>, file: &mut impl Read, restorer: &mut Restorer<'_>) -> Result<()> {
    let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
    read_head(reading, &mut file, restorer)?;
    let surroundings = reading.surroundings(restorer);
    reading.with_workers(|to| {
        while let Some(frame) = next(reading, &mut file)? {
            let Frame::Schema(schema) = frame else { return Err(unexpected(reading)) };
            read_stream(reading, &mut file, &schema, &surroundings, to)?;
        }
        Ok(())
    })
}

fn unexpected(reading: &Reading<'_>) -> Error {
    damaged(reading.name, "a message is not where it should be")
}

fn next(reading: &Reading<'_>, file: &mut impl Read) -> Result<Option<Frame>> {
    read_frame(file).map_err(|error| unreadable(reading.name, &error))
}

/// Catalog and sequences.
fn read_head(reading: &Reading<'_>, file: &mut impl Read, restorer: &mut Restorer<'_>) -> Result<()> {
    let Some(Frame::Schema(schema)) = next(reading, file)? else { return Err(unexpected(reading)) };
    let (mut changes, mut sequences) = (Vec::new(), Vec::new());
    loop {
        let encoded = match next(reading, file)? {
            Some(Frame::Batch(encoded)) => encoded,
            Some(Frame::End) => break,
            _ => return Err(unexpected(reading)),
        };
        let batch = encoded.decode(&schema).map_err(|error| unreadable(reading.name, &error))?;
        for (kind, item) in items(&batch).ok_or_else(|| unexpected(reading))? {
            match kind {
                "catalog" => changes.append(&mut read_change(item.as_bytes(), reading.name)?),
                "sequence" => sequences.push(read_sequence(item.as_bytes(), reading.name)?),
                other => return Err(damaged(reading.name, format_args!("\"{other}\" is no item"))),
            }
        }
    }
    reading.apply_changes(restorer, &changes)?;
    reading.put_sequences(restorer, sequences);
    Ok(())
}

/// The items of a batch of the first stream; `None` when it is none.
pub(crate) fn items(batch: &RecordBatch) -> Option<Vec<(&str, &str)>> {
    let [kinds, items] = batch.columns() else { return None };
    let (kinds, items) = (kinds.as_string_opt::<i32>()?, items.as_string_opt::<i32>()?);
    Some((0..batch.num_rows()).map(|row| (kinds.value(row), items.value(row))).collect())
}

fn read_stream<'a>(
    reading: &Reading<'a>,
    file: &mut impl Read,
    schema: &SchemaRef,
    surroundings: &Arc<Surroundings>,
    to: &SyncSender<Batch<'a>>,
) -> Result<()> {
    let metadata = |key| schema.metadata().get(key).map(String::as_str);
    let head = metadata(ipc::key::TABLE).and_then(TableHead::parse).ok_or_else(|| unexpected(reading))?;
    let target = reading.target(&head, surroundings)?;
    let part = metadata(ipc::key::PART).unwrap_or_default();
    loop {
        let encoded = match next(reading, file)? {
            Some(Frame::Batch(encoded)) => encoded,
            Some(Frame::End) => return Ok(()),
            _ => return Err(unexpected(reading)),
        };
        match part {
            "records" | "upserts" => {
                reading.work.done(encoded.rows())?;
                // A worker that failed goes on to take batches, and says why at the end.
                let _ = to.send(Batch::encoded(&target, schema, encoded));
            }
            "gone" => {
                let batch = encoded.decode(schema).map_err(|error| unreadable(reading.name, &error))?;
                for (first, count) in runs(&batch).ok_or_else(|| unexpected(reading))? {
                    let _ = to.send(Batch::gone(&target, first, count));
                }
            }
            // Keys are for those who have no row ids.
            "deletes" => {}
            other => return Err(damaged(reading.name, format_args!("\"{other}\" is no part of a table"))),
        }
    }
}

fn runs(batch: &RecordBatch) -> Option<Vec<(u64, u64)>> {
    let [first, count] = batch.columns() else { return None };
    let (first, count) = (first.as_primitive_opt::<Int64Type>()?, count.as_primitive_opt::<Int64Type>()?);
    let pair = |(first, count): (&i64, &i64)| Some((u64::try_from(*first).ok()?, u64::try_from(*count).ok()?));
    first.values().iter().zip(count.values()).map(pair).collect()
}

/// Puts the rows of a batch where they were. Returns where that is. XX001 when they do not fit.
pub(super) fn put_batch(target: &Target<'_>, batch: &RecordBatch) -> Result<Vec<RowId>> {
    let invalid = |what: &str| Error::new(SqlState::DATA_CORRUPTED, what.to_owned());
    let (gaps, columns) = batch.columns().split_first().ok_or_else(|| invalid("a batch has no columns"))?;
    let ids = row_ids(gaps).ok_or_else(|| invalid("a batch does not say where its rows are"))?;
    if columns.len() != target.slots.len() {
        return Err(invalid("a batch does not have the columns of its table"));
    }
    let mut arrays: Vec<Option<ArrayRef>> = vec![None; target.table.columns().len()];
    for (slot, column) in target.slots.iter().zip(columns) {
        *arrays.get_mut(*slot).ok_or_else(|| invalid("a column has no place"))? = Some(column.clone());
    }
    target.table.restore_arrays(&ids, &arrays)?;
    Ok(ids)
}

fn row_ids(gaps: &ArrayRef) -> Option<Vec<RowId>> {
    let gaps = gaps.as_primitive_opt::<Int64Type>().filter(|gaps| gaps.null_count() == 0)?;
    let mut next = 0u64;
    let id = |gap: &i64| {
        let id = next.checked_add(u64::try_from(*gap).ok()?)?;
        next = id.checked_add(1)?;
        Some(RowId(id))
    };
    gaps.values().iter().map(id).collect()
}
