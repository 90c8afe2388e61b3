//! Arrow files, stream by stream: see [`crate::ipc`].

use std::io::{BufReader, Read};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use dictdb_durability::Restorer;
use dictdb_types::{Error, Result};

use super::batch::Batch;
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
