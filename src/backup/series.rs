//! The backups of one database, one after the other: what the last one was, so that the next can be a delta.

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_durability::{DatabaseView, Durability, Lsn};
use dictdb_storage::{SequenceState, Storage};
use dictdb_types::{Error, Oid, Result};
use hashbrown::HashMap;

use crate::folder::Folder;
use crate::head::{Head, Link};
use crate::moment::Moment;
use crate::name::{FileName, Format, Kind};
use crate::progress::Work;
use crate::write::{Contents, Delta, Rows, Written, head_of, make_file};

/// What kind of backup is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Everything.
    Full,
    /// What changed; everything when that is not known, or after so many deltas.
    Delta {
        /// `max_deltas_before_full`.
        max_deltas: u32,
    },
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Taken {
    /// A file.
    File(Written),
    /// None: nothing has changed since the last one.
    Nothing,
}

/// Where a backup comes from and goes to.
pub struct Source<'a> {
    /// The rows.
    pub storage: &'a Storage,
    /// The log; `None` when everything is in memory only.
    pub durability: Option<&'a Durability>,
    /// The database as it is now; called while nothing can commit.
    pub present: &'a dyn Fn() -> DatabaseView,
    /// The directory or bucket.
    pub folder: &'a Folder,
    /// How it is written.
    pub format: Format,
}

/// What the next delta follows.
struct Parent {
    full: String,
    link: Link,
    number: u32,
    catalog: Arc<Catalog>,
    /// Storage by relation.
    tables: HashMap<Oid, Oid>,
    sequences: BTreeMap<Oid, SequenceState>,
}

impl Parent {
    fn of(moment: &Moment, written: &Written, before: Option<&Parent>) -> Parent {
        let file = written.name.to_string();
        Parent {
            full: before.map_or_else(|| file.clone(), |before| before.full.clone()),
            link: Link { file, content_hash: written.content_hash.clone() },
            number: before.map_or(0, |before| before.number + 1),
            catalog: moment.catalog.clone(),
            tables: moment.tables.iter().map(|table| (table.relation.oid, table.relation.storage)).collect(),
            sequences: moment.sequences.clone(),
        }
    }
}

/// The backups of a database.
#[derive(Default)]
pub struct Series {
    parent: Option<Parent>,
    /// Names are not given twice.
    last_micros: i64,
}

impl Series {
    /// Deltas since the last full backup.
    pub fn deltas_since_full(&self) -> u32 {
        self.parent.as_ref().map_or(0, |parent| parent.number)
    }

    /// Has the next backup be a full one: the database has become another.
    pub fn forget(&mut self) {
        self.parent = None;
    }

    /// Takes a backup. After a failure the next one is full. 58030, 53100, 42501, 57014.
    pub fn take(&mut self, source: &Source<'_>, wish: Wish, work: &Work<'_>) -> Result<Taken> {
        let parent = self.parent.take();
        let lsn = || source.durability.map(|durability| durability.log().appended()).unwrap_or_default();
        let moment = Moment::take(source.storage, true, || (lsn(), (source.present)()))?;
        if let (Wish::Delta { max_deltas }, Some(parent)) = (wish, parent)
            && let Some(delta) = delta_of(&moment, &parent)
        {
            if delta.is_empty() {
                self.parent = Some(parent);
                return Ok(Taken::Nothing);
            }
            if parent.number < max_deltas {
                return self.delta(source, &moment, &delta, parent, work).map(Taken::File);
            }
        }
        let name = self.name(&moment, Kind::Full, source.format);
        let head = head_of(&moment, &name, system(source));
        let written = write(source, name, &moment, &head, None, work)?;
        self.parent = Some(Parent::of(&moment, &written, None));
        Ok(Taken::File(written))
    }

    fn delta(
        &mut self,
        source: &Source<'_>,
        moment: &Moment,
        delta: &Delta,
        parent: Parent,
        work: &Work<'_>,
    ) -> Result<Written> {
        let name = self.name(moment, Kind::Delta, source.format);
        let mut head = head_of(moment, &name, system(source));
        head.parent = Some(parent.link.clone());
        head.full = Some(parent.full.clone());
        head.number = parent.number + 1;
        let written = write(source, name, moment, &head, Some(delta), work)?;
        self.parent = Some(Parent::of(moment, &written, Some(&parent)));
        Ok(written)
    }

    fn name(&mut self, moment: &Moment, kind: Kind, format: Format) -> FileName {
        self.last_micros = moment.micros.max(self.last_micros + 1);
        FileName { kind, micros: self.last_micros, ending: format.ending() }
    }
}

fn write(
    source: &Source<'_>,
    name: FileName,
    moment: &Moment,
    head: &Head,
    delta: Option<&Delta>,
    work: &Work<'_>,
) -> Result<Written> {
    let contents = Contents { moment, head, delta, format: source.format };
    make_file(source.folder, name, &contents, work, || wait_durable(source, moment.lsn))
}

fn system(source: &Source<'_>) -> u64 {
    source.durability.map_or(0, |durability| durability.directory().identifier())
}

/// A backup must not know more than the log: what is lost in a crash would be in the file, and what comes instead not.
fn wait_durable(source: &Source<'_>, lsn: Lsn) -> Result<()> {
    let Some(durability) = source.durability else { return Ok(()) };
    durability.flush_soon();
    durability.durable_at(lsn).block().map_err(Error::from)
}

/// What has changed since the parent; `None` when that is not known.
fn delta_of(moment: &Moment, parent: &Parent) -> Option<Delta> {
    let mut tables = Vec::new();
    for (position, table) in moment.tables.iter().enumerate() {
        let is_same = parent.tables.get(&table.relation.oid) == Some(&table.relation.storage);
        match (&table.changes, is_same) {
            (_, false) => tables.push((position, Rows::All)),
            (None, true) => return None,
            (Some(changes), true) if changes.is_full() => return None,
            (Some(changes), true) if changes.is_empty() => {}
            (Some(changes), true) => tables.push((position, Rows::Some(changes.clone().into_rows()))),
        }
    }
    let changed = moment.sequences.iter().filter(|(id, state)| parent.sequences.get(*id) != Some(*state));
    let sequences = changed.map(|(id, state)| (*id, *state)).collect();
    let mut changes = parent.catalog.changes_to(&moment.catalog, true);
    changes.retain(|change| !change.is_of_another_database(moment.database.oid));
    Some(Delta { changes, sequences, tables })
}
