//! Reading our own files: their content in its order into a [`Restorer`].
//!
//! A file is checked against its content hash while it is read; what is not as expected is damage all the same. Records are
//! decoded and put into tables by several threads, in batches of a block, and from there into the log if there is one to go to.

mod arrow;
mod batch;
mod json;
mod lines;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use dictdb_catalog::{Change, Persistence};
use dictdb_durability::Restorer;
use dictdb_storage::{SequenceState, Storage};
use dictdb_types::{Error, Oid, Result, SqlState};
use serde::Deserialize;

use crate::ahead::Ahead;
use crate::error::damaged;
use crate::head::Head;
use crate::member::Member;
use crate::name::{Format, Kind};
use crate::parallel::hand_out;
use crate::progress::Work;
use crate::record::Shape;
use crate::seal::read_checked;
use crate::surroundings::Surroundings;
pub(crate) use arrow::items;
use batch::{Batch, Target};

/// What the head of a table says that matters here.
#[derive(Deserialize)]
struct TableHead {
    relation: u32,
    #[serde(default)]
    rows: Vec<(u64, u64)>,
    #[serde(default)]
    gone: Vec<(u64, u64)>,
}

impl TableHead {
    /// From JSON: an object whose only value it is.
    fn parse(json: &str) -> Option<TableHead> {
        let tables: std::collections::HashMap<String, TableHead> = serde_json::from_str(json).ok()?;
        tables.into_values().next()
    }
}

/// A file on its way into a storage.
struct Reading<'a> {
    name: &'a str,
    head: &'a Head,
    storage: &'a Storage,
    ahead: Cell<Option<Ahead<'a>>>,
    work: &'a Work<'a>,
}

/// Applies a file of ours to a restorer that has the state of its parent, or nothing for a full one. XX001, 58030.
/// Rows go into the log `ahead` too, until a delta has other definitions than the file before it.
pub(crate) fn apply(
    member: &mut Member,
    storage: &Storage,
    restorer: &mut Restorer<'_>,
    ahead: &mut Option<Ahead<'_>>,
    work: &Work<'_>,
) -> Result<()> {
    let Member { name, head: Some(head), claim: Some(claim), opened } = member else {
        return Err(Error::internal("a file of ours without its head"));
    };
    let reading = Reading { name, head, storage, ahead: Cell::new(*ahead), work };
    restorer.put_database(Oid(head.database_oid), &head.database);
    if let Some(ahead) = ahead {
        ahead.staging.reserve(Oid(head.next_oid));
    }
    let read = read_checked(opened, name, claim.clone(), work.check, |file| match claim.format {
        Format::Json => json::read(&reading, file, restorer),
        Format::Arrow => arrow::read(&reading, file, restorer),
    });
    *ahead = ahead.filter(|_| reading.ahead.get().is_some());
    read.map_err(|error| match error.code() {
        SqlState::DATA_CORRUPTED if !error.message().contains(&**name) => damaged(name, error.message()),
        // A value that its type does not read.
        code if code.as_str().starts_with("22") => damaged(name, error.message()),
        _ => error,
    })
}

impl<'a> Reading<'a> {
    fn apply_changes(&self, restorer: &mut Restorer<'_>, changes: &[Change]) -> Result<()> {
        if self.head.kind == Kind::Delta
            && !changes.is_empty()
            && let Some(ahead) = self.ahead.take()
        {
            ahead.staging.start_over();
        }
        restorer.apply_changes(Oid(self.head.database_oid), Oid(self.head.next_oid), changes)
    }

    fn put_sequences(&self, restorer: &mut Restorer<'_>, sequences: Vec<(Oid, SequenceState)>) {
        sequences.into_iter().for_each(|(id, state)| restorer.put_sequence(id, state));
    }

    /// The environment of values, when the catalog is complete.
    fn surroundings(&self, restorer: &Restorer<'_>) -> Arc<Surroundings> {
        let catalog = restorer.catalog(Oid(self.head.database_oid)).cloned().unwrap_or_default();
        Arc::new(Surroundings::new(Arc::new(catalog)))
    }

    /// Where the rows of a table go.
    fn target(&self, head: &TableHead, surroundings: &Arc<Surroundings>) -> Result<Arc<Target<'a>>> {
        let relation = surroundings.catalog().relation(Oid(head.relation));
        let table = relation.and_then(|relation| Some((relation, self.storage.table(relation.storage)?)));
        let (relation, table) =
            table.ok_or_else(|| damaged(self.name, format_args!("relation {} is unknown", head.relation)))?;
        let ahead = self.ahead.get().filter(|_| relation.persistence == Persistence::Permanent);
        if let Some(ahead) = ahead {
            ahead.staging.begin(table.id(), &table.columns())?;
        }
        let slots = relation.live_columns().map(|(_, column)| column.slot).collect();
        let shape = Shape::of(relation, surroundings);
        Ok(Arc::new(Target { table, shape, slots, surroundings: surroundings.clone(), ahead }))
    }

    /// Runs `read`, whose batches are applied by several threads meanwhile.
    fn with_workers(&self, read: impl FnOnce(&SyncSender<Batch<'a>>) -> Result<()>) -> Result<()> {
        hand_out(Batch::apply, read)
    }
}
