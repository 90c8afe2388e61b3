//! JSON files, line by line.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use dictdb_durability::Restorer;
use dictdb_storage::BLOCK_ROWS;
use dictdb_types::{Error, Result};

use super::batch::{Batch, Target};
use super::lines::Lines;
use super::{Reading, TableHead};
use crate::error::damaged;
use crate::inventory::{read_change, read_sequence};
use crate::surroundings::Surroundings;

/// Applies a file.
pub(super) fn read(reading: &Reading<'_>, file: &mut impl Read, restorer: &mut Restorer<'_>) -> Result<()> {
    let mut lines = Lines::new(file, reading.name);
    lines.next()?;
    loop {
        match lines.next()? {
            b"\"catalog\": [" => {
                let mut changes = Vec::new();
                while let Some(item) = lines.item()? {
                    changes.append(&mut read_change(item, reading.name)?);
                }
                reading.apply_changes(restorer, &changes)?;
            }
            b"\"sequences\": [" => {
                let mut sequences = Vec::new();
                while let Some(item) = lines.item()? {
                    sequences.push(read_sequence(item, reading.name)?);
                }
                reading.put_sequences(restorer, sequences);
            }
            b"\"tables\": {" => {
                let surroundings = reading.surroundings(restorer);
                return reading.with_workers(|to| read_tables(reading, &mut lines, &surroundings, to));
            }
            line if line.starts_with(b"\"type\": ") || line.starts_with(b"\"timestamp\": ") => {}
            _ => return Err(unexpected(&lines, reading)),
        }
    }
}

fn unexpected<R: Read>(lines: &Lines<'_, R>, reading: &Reading<'_>) -> Error {
    damaged(reading.name, format_args!("line {} is not what it should be", lines.number()))
}

fn read_tables<'a, R: Read>(
    reading: &Reading<'a>,
    lines: &mut Lines<'_, R>,
    surroundings: &Arc<Surroundings>,
    to: &SyncSender<Batch<'a>>,
) -> Result<()> {
    loop {
        let line = lines.next()?;
        if matches!(line, b"}," | b"}") {
            return Ok(());
        }
        let (head, is_delta) = table_head(line).ok_or_else(|| unexpected(lines, reading))?;
        let target = reading.target(&head, surroundings)?;
        for (first, count) in &head.gone {
            // A worker that failed goes on to take batches, and says why at the end.
            let _ = to.send(Batch::gone(&target, *first, *count));
        }
        records(reading, lines, &target, &head.rows, to)?;
        let end = lines.current();
        if !(if is_delta { end.starts_with(b"]}") } else { end.starts_with(b"], \"schema\": ") }) {
            return Err(unexpected(lines, reading));
        }
    }
}

/// Reads as many records as the runs say, and the line after them. A batch is of one block.
fn records<'a, R: Read>(
    reading: &Reading<'a>,
    lines: &mut Lines<'_, R>,
    target: &Arc<Target<'a>>,
    runs: &[(u64, u64)],
    to: &SyncSender<Batch<'a>>,
) -> Result<()> {
    for (first, count) in runs {
        let (mut next, end) = (*first, first.saturating_add(*count));
        while next < end {
            let block_end = (next / BLOCK_ROWS as u64 + 1) * BLOCK_ROWS as u64;
            let (batch, rows) = lines.batch(target, next, end.min(block_end) - next)?;
            next += rows;
            reading.work.done(rows)?;
            let _ = to.send(batch);
        }
    }
    lines.next()?;
    Ok(())
}

/// The head of a table, whose line ends where its records begin, and whether it is one of a delta.
fn table_head(line: &[u8]) -> Option<(TableHead, bool)> {
    let line = std::str::from_utf8(line).ok()?;
    let full = line.strip_suffix(", \"records\": [").map(|head| (head, false));
    let (head, is_delta) = full.or_else(|| line.strip_suffix(", \"upserts\": [").map(|head| (head, true)))?;
    Some((TableHead::parse(&format!("{{{head}}}}}"))?, is_delta))
}
