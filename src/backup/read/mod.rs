//! Reading our own files: lines in their order into a [`Restorer`].
//!
//! A file has been checked against its content hash before; what is not as expected is damage all the same. Records are decoded
//! and put into tables by several threads, in batches of consecutive rows.

mod batch;
mod lines;

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use dictdb_catalog::Change;
use dictdb_durability::Restorer;
use dictdb_storage::{SequenceState, Storage};
use dictdb_types::{Error, Oid, Result};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::error::damaged;
use crate::head::Head;
use crate::progress::Work;
use crate::record::Shape;
use crate::surroundings::Surroundings;
use batch::{Batch, Target};
use lines::Lines;

/// Batches between reader and workers.
const QUEUE: usize = 8;
const MAX_WORKERS: usize = 16;

/// What the head of a table says that matters here.
#[derive(Deserialize)]
struct TableHead {
    relation: u32,
    #[serde(default)]
    rows: Vec<(u64, u64)>,
    #[serde(default)]
    gone: Vec<(u64, u64)>,
}

/// What was in a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Contents {
    pub(crate) tables: u64,
    pub(crate) records: u64,
}

/// Applies a file to a restorer that has the state of its parent, or nothing for a full one. XX001.
pub(crate) fn apply(
    file: File,
    head: &Head,
    name: &str,
    storage: &Storage,
    restorer: &mut Restorer<'_>,
    work: &Work<'_>,
) -> Result<Contents> {
    let reader = Reader { lines: Lines::new(file, name), name, storage, work };
    reader.run(head, restorer).map_err(|error| match error.code() {
        dictdb_types::SqlState::DATA_CORRUPTED if !error.message().contains(name) => damaged(name, error.message()),
        _ => error,
    })
}

struct Reader<'a> {
    lines: Lines<'a>,
    name: &'a str,
    storage: &'a Storage,
    work: &'a Work<'a>,
}

impl Reader<'_> {
    fn run(mut self, head: &Head, restorer: &mut Restorer<'_>) -> Result<Contents> {
        let database = Oid(head.database_oid);
        restorer.put_database(database, &head.database);
        let mut contents = Contents::default();
        self.lines.next()?;
        loop {
            let line = self.lines.next()?;
            match line {
                b"\"catalog\": [" => {
                    let changes = self.changes()?;
                    restorer.apply_changes(database, Oid(head.next_oid), &changes)?;
                }
                b"\"sequences\": [" => {
                    for (id, state) in self.sequences()? {
                        restorer.put_sequence(id, state);
                    }
                }
                b"\"tables\": {" => {
                    contents = self.tables(restorer, database)?;
                    return Ok(contents);
                }
                line if line.starts_with(b"\"type\": ") || line.starts_with(b"\"timestamp\": ") => {}
                _ => return Err(self.unexpected()),
            }
            let _ = &mut contents;
        }
    }

    fn unexpected(&self) -> Error {
        damaged(self.name, format_args!("line {} is not what it should be", self.lines.number()))
    }

    fn changes(&mut self) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        while let Some(item) = self.lines.item()? {
            changes.append(&mut crate::inventory::read_change(item, self.name)?);
        }
        Ok(changes)
    }

    fn sequences(&mut self) -> Result<Vec<(Oid, SequenceState)>> {
        let mut sequences = Vec::new();
        while let Some(item) = self.lines.item()? {
            sequences.push(crate::inventory::read_sequence(item, self.name)?);
        }
        Ok(sequences)
    }

    fn tables(&mut self, restorer: &Restorer<'_>, database: Oid) -> Result<Contents> {
        let catalog = restorer.catalog(database).cloned().unwrap_or_default();
        let surroundings = Arc::new(Surroundings::new(Arc::new(catalog)));
        let workers = std::thread::available_parallelism().map_or(2, |n| n.get()).clamp(1, MAX_WORKERS);
        let (sender, receiver) = sync_channel::<Batch>(QUEUE);
        let receiver = Mutex::new(receiver);
        let storage = self.storage;
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(|| batch::apply_all(storage, &receiver))).collect();
            let read = self.read_tables(&surroundings, sender);
            let applied = threads.into_iter().map(|thread| match thread.join() {
                Ok(result) => result,
                Err(_) => Err(Error::internal("a thread of the restore panicked")),
            });
            applied.fold(Ok(()), Result::and).and(read)
        })
    }

    fn read_tables(&mut self, surroundings: &Arc<Surroundings>, to: SyncSender<Batch>) -> Result<Contents> {
        let mut contents = Contents::default();
        loop {
            let line = self.lines.next()?;
            if matches!(line, b"}," | b"}") {
                return Ok(contents);
            }
            let (head, is_delta) = table_head(line).ok_or_else(|| self.unexpected())?;
            let relation = surroundings.catalog().relation(Oid(head.relation));
            let relation =
                relation.ok_or_else(|| damaged(self.name, format_args!("relation {} is unknown", head.relation)))?;
            let shape = Shape::of(relation, surroundings);
            let target = Arc::new(Target { table: relation.storage, shape, surroundings: surroundings.clone() });
            contents.tables += 1;
            for (first, count) in &head.gone {
                contents.records += count;
                // A worker that failed has closed the channel, and says why.
                let _ = to.send(Batch::gone(target.clone(), *first, *count));
            }
            contents.records += self.records(&target, &head.rows, &to)?;
            let end = self.lines.current();
            if !(if is_delta { end.starts_with(b"]}") } else { end.starts_with(b"], \"schema\": ") }) {
                return Err(self.unexpected());
            }
        }
    }

    /// Reads as many records as the runs say, and the line after them.
    fn records(&mut self, target: &Arc<Target>, runs: &[(u64, u64)], to: &SyncSender<Batch>) -> Result<u64> {
        let mut total = 0;
        for (first, count) in runs {
            let mut next = *first;
            while next < first + count {
                let mut batch = Batch::begin(target.clone(), next);
                while next < first + count && !batch.is_full() {
                    batch.push(self.lines.next()?);
                    next += 1;
                }
                self.work.done(batch.rows())?;
                total += batch.rows();
                if to.send(batch).is_err() {
                    // A worker failed, and says why.
                    return Ok(total);
                }
            }
        }
        self.lines.next()?;
        Ok(total)
    }
}

/// The head of a table, whose line ends where its records begin, and whether it is one of a delta.
fn table_head(line: &[u8]) -> Option<(TableHead, bool)> {
    let line = std::str::from_utf8(line).ok()?;
    let full = line.strip_suffix(", \"records\": [").map(|head| (head, false));
    let (head, is_delta) = full.or_else(|| line.strip_suffix(", \"upserts\": [").map(|head| (head, true)))?;
    let whole = format!("{{{head}}}}}");
    let mut tables: std::collections::HashMap<String, TableHead> = serde_json::from_str(&whole).ok()?;
    let name = tables.keys().next()?.clone();
    tables.remove(&name).map(|head| (head, is_delta))
}
