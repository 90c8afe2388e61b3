//! Transactions over catalog, rows and sequences on a simulated disk. The workload is here; what happens to the disk is in the modules:
//!
//! ```text
//!   crash      the power goes at any call: what recovery finds is the state after some commit, and none that was acknowledged is missing
//!   faults     a call fails: nothing more is acknowledged until the log is told to go on, and then nothing is missing either
//!   prepared   transactions wait for their second phase across crashes
//!   decay      bits flip, bytes of records change: refused by name, or a state that was
//!   vacant     images of rows have more than their table has columns
//! ```
//! Everything is repeatable: failures print their seed. `DICTDB_WAL_ROUNDS` sets how many seeds are run.

mod clones;
mod crash;
mod decay;
mod faults;
mod prepared;
mod vacant;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dictdb_catalog::{
    BOOTSTRAP_ROLE, Catalog, CatalogStore, Change, Column, Object, Persistence, Relation, RelationKind, SequenceInfo,
    namespaces,
};
use dictdb_storage::{Accompaniment, Inserted, Sequence, SequenceOptions, Storage, Written};
use dictdb_types::{Datum, Oid, Result, RowId, Type, oids};
use dictdb_wal::SimulatedDisk;
use dictdb_wal::disk::Random;
use parking_lot::Mutex;

use crate::{DatabaseAttributes, DatabaseView, Durability, Options, Reason, catalog_item};

const DATABASE: Oid = Oid(5);
const COMMENT: (Oid, Oid, i32) = (Oid(1259), Oid(1), 0);

/// The rows of each table, by the table's oid.
type Tables = BTreeMap<u32, BTreeMap<i32, String>>;
/// What a reader sees: rows, a comment that some transactions change, and the rows of a snapshot.
type State = (Tables, Option<String>, Option<Tables>);

struct Run {
    durability: Arc<Durability>,
    storage: Storage,
    catalog: Arc<CatalogStore>,
    /// The oid of a snapshot, and its catalog.
    snapshot: Arc<Mutex<Option<clones::Snapshot>>>,
    /// States after each commit, the first before any.
    states: Vec<State>,
    acknowledged: usize,
    /// The last value of the sequence, and the last that was acknowledged.
    drawn: i64,
    acknowledged_draw: i64,
}

fn options(disk: &SimulatedDisk) -> Options {
    Options {
        disk: Arc::new(disk.clone()),
        segment_bytes: 1 << 14,
        threads: false,
        ..Options::new(Path::new("/data"), (DATABASE, "postgres".into()))
    }
}

fn relation(oid: Oid, storage: Oid, persistence: Persistence) -> Relation {
    let columns = [Column::new("k", Type::new(oids::INT4), 0), Column::new("v", Type::new(oids::TEXT), 1)];
    let name = format!("t{oid}").into();
    let relation = Relation::new(oid, namespaces::PUBLIC, name, BOOTSTRAP_ROLE, RelationKind::Table);
    Relation { storage, persistence, columns: columns.into(), ..relation }
}

fn start(disk: &SimulatedDisk) -> Result<Run> {
    let storage = Storage::new();
    let (durability, databases) = Durability::open(options(disk), &storage)?;
    let mut databases = databases.into_iter();
    let catalog = Arc::new(databases.next().expect("there is a database").catalog);
    let mut snapshots = databases.filter(|database| database.attributes.snapshot.is_some());
    let snapshot = snapshots.next().map(|database| clones::Snapshot::of(database.oid, database.catalog.current()));
    assert!(snapshots.next().is_none(), "there is one snapshot at most");
    let snapshot = Arc::new(Mutex::new(snapshot));
    let (seen, also) = (catalog.clone(), snapshot.clone());
    prepared::roll_back_found(&durability, &storage)?;
    let list = move || {
        let view = DatabaseView {
            oid: DATABASE,
            name: "postgres".into(),
            attributes: DatabaseAttributes::of_owner(BOOTSTRAP_ROLE),
            catalog: seen.current(),
            next_oid: seen.next_oid(),
            analyzed: Vec::new(),
        };
        let snapshot = also.lock().as_ref().map(|snapshot| snapshot.view(&seen));
        [view].into_iter().chain(snapshot).collect()
    };
    durability.start(list)?;
    let states = Vec::new();
    let mut run =
        Run { durability, storage, catalog, snapshot, states, acknowledged: 0, drawn: 0, acknowledged_draw: 0 };
    run.states.push(run.read());
    Ok(run)
}

fn tables_of(catalog: &Catalog) -> Vec<Arc<Relation>> {
    catalog.relations().filter(|r| matches!(r.kind, RelationKind::Table)).cloned().collect()
}

impl Run {
    fn tables(&self) -> Vec<Arc<Relation>> {
        tables_of(&self.catalog.current())
    }

    fn rows(&self, relation: &Relation) -> Vec<(RowId, i32, String)> {
        let transaction = self.storage.begin();
        let snapshot = transaction.snapshot().unwrap();
        let mut rows = Vec::new();
        let table = self.storage.table(relation.storage).expect("a table of the catalog is in storage");
        let read = table.for_each::<dictdb_types::Error>(&snapshot, |row, view| {
            let (key, text) = (view.value(0).to_datum()?, view.value(1).to_datum()?);
            if let (Datum::Int4(key), Datum::Text(text)) = (key, text) {
                rows.push((row, key, text.to_string()));
            }
            Ok(true)
        });
        read.unwrap();
        rows
    }

    fn read(&self) -> State {
        let comment = self.catalog.current().comment(COMMENT.0, COMMENT.1, COMMENT.2).map(|text| text.to_string());
        let snapshot = self.snapshot.lock().as_ref().map(|snapshot| self.permanent_rows(&snapshot.tables()));
        (self.permanent_rows(&self.tables()), comment, snapshot)
    }

    fn permanent_rows(&self, tables: &[Arc<Relation>]) -> Tables {
        let permanent = tables.iter().filter(|relation| relation.persistence == Persistence::Permanent);
        let of = |relation: &Arc<Relation>| {
            let rows = self.rows(relation).into_iter().map(|(_, key, text)| (key, text)).collect();
            (relation.oid.0, rows)
        };
        permanent.map(of).collect()
    }

    /// One transaction of a few changes.
    fn transact(&mut self, random: &mut Random) -> Result<()> {
        let transaction = self.storage.begin();
        let mut changes = Vec::new();
        let mut tables = self.tables();
        match random.below(12) {
            0 => {
                let oid = self.catalog.allocate_oid();
                let persistence = if random.percent(80) { Persistence::Permanent } else { Persistence::Unlogged };
                let made = Arc::new(relation(oid, oid, persistence));
                self.storage
                    .create_table(oid, &self.catalog.current().layouts(&made.columns))
                    .set_logged(persistence == Persistence::Permanent);
                changes.push(Change::Put(Object::Relation(made.clone())));
                tables.push(made);
            }
            1 if !tables.is_empty() => {
                let old = tables.swap_remove(random.below(tables.len() as u64) as usize);
                let storage = self.catalog.allocate_oid();
                let fresh = Arc::new(Relation { storage, ..Relation::clone(&old) });
                self.storage
                    .create_table(storage, &self.catalog.current().layouts(&fresh.columns))
                    .set_logged(old.persistence == Persistence::Permanent);
                changes.push(Change::Put(Object::Relation(fresh.clone())));
                tables.push(fresh);
            }
            2 if tables.len() > 2 => {
                let old = tables.swap_remove(0);
                changes.push(Change::Remove(dictdb_catalog::Key::Relation(old.oid)));
            }
            4 if self.sequence().is_none() => changes.push(Change::Put(Object::Relation(self.make_sequence()))),
            4..=6 => self.draw(random),
            3 => changes.push(Change::Comment(COMMENT, Some(format!("{}", self.states.len()).into()))),
            _ => {}
        }
        for relation in &tables {
            self.change_rows(relation, &transaction, random)?;
        }
        if random.percent(20) {
            self.commit_in_two_phases(transaction, changes, random)?;
        } else {
            let attachment = catalog_item(DATABASE, self.catalog.next_oid(), &changes);
            let mut publish = || self.catalog.commit(&changes).map(drop);
            let with = Accompaniment { attachment: &attachment, publish: &mut publish };
            transaction.commit_with((!changes.is_empty()).then_some(with), true)?;
        }
        let state = self.read();
        self.states.push(state);
        Ok(())
    }

    fn change_rows(
        &self,
        relation: &Relation,
        transaction: &dictdb_storage::Transaction,
        random: &mut Random,
    ) -> Result<()> {
        let known = self.storage.table(relation.storage).is_some_and(|table| table.stats().live_rows > 0);
        let rows = if known { self.rows(relation) } else { Vec::new() };
        let table = self.storage.table(relation.storage).expect("it was made");
        for _ in 0..random.below(4) {
            let snapshot = transaction.snapshot()?;
            let text = Datum::text("v".repeat(random.below(40) as usize) + &self.states.len().to_string());
            let at = rows.get(random.below(rows.len().max(1) as u64) as usize);
            match (random.below(3), at) {
                (0, Some((row, ..))) => {
                    let written = table.update(transaction, &snapshot, *row, None, &[(1, text)])?;
                    assert!(!matches!(written, Written::Busy(_)));
                }
                (1, Some((row, ..))) => drop(table.delete(transaction, &snapshot, *row, None)?),
                _ => {
                    let key = Datum::Int4((self.states.len() * 10) as i32 + random.below(10) as i32);
                    assert!(matches!(table.insert(transaction, &snapshot, &[key, text])?, Inserted::Done(_)));
                }
            }
        }
        Ok(())
    }

    fn acknowledge(&mut self) {
        self.acknowledged = self.states.len() - 1;
        self.acknowledged_draw = self.drawn;
    }

    /// The sequence's relation, once it was made.
    fn sequence(&self) -> Option<Arc<Relation>> {
        let catalog = self.catalog.current();
        catalog.relations().find(|relation| matches!(relation.kind, RelationKind::Sequence(_))).cloned()
    }

    fn make_sequence(&self) -> Arc<Relation> {
        let oid = self.catalog.allocate_oid();
        let SequenceOptions { increment, min, max, start, cycle } = SequenceOptions::default();
        let info = SequenceInfo { ty: oids::INT8, start, increment, min, max, cache: 1, cycle, owned_by: None };
        self.storage.create_sequence(oid, Sequence::new(SequenceOptions::default()));
        let kind = RelationKind::Sequence(Arc::new(info));
        let relation = Relation::new(oid, namespaces::PUBLIC, "counter".into(), BOOTSTRAP_ROLE, kind);
        Arc::new(Relation { storage: oid, ..relation })
    }

    fn draw(&mut self, random: &mut Random) {
        let found = self.sequence().and_then(|relation| self.storage.sequence(relation.storage));
        let Some(sequence) = found else { return };
        for _ in 0..random.below(20) {
            self.drawn = sequence.nextval("counter").expect("it has no end");
        }
    }

    /// What the sequence gives next.
    fn next_draw(&self) -> i64 {
        let found = self.sequence().and_then(|relation| self.storage.sequence(relation.storage));
        found.map_or(1, |sequence| sequence.nextval("counter").expect("it has no end"))
    }

    /// Another database comes, or goes at once.
    fn add_database(&mut self, random: &mut Random) -> Result<()> {
        let oid = self.catalog.allocate_oid();
        let view = DatabaseView {
            oid,
            name: format!("d{oid}").into(),
            attributes: DatabaseAttributes::of_owner(BOOTSTRAP_ROLE),
            catalog: CatalogStore::new(Catalog::bootstrap()).current(),
            next_oid: self.catalog.next_oid(),
            analyzed: Vec::new(),
        };
        self.durability.log_database(&view)?;
        if random.percent(70) {
            self.durability.log_dropped_database(oid, Vec::new())?;
        }
        Ok(())
    }

    fn work(&mut self, random: &mut Random, steps: u64) -> Result<()> {
        for _ in 0..steps {
            match random.below(15) {
                0 => {
                    self.durability.checkpoint(Reason::Request)?;
                    self.acknowledge();
                }
                1..=4 => {
                    self.durability.log().flush()?;
                    self.acknowledge();
                }
                5 if random.percent(30) => self.add_database(random)?,
                6 if random.percent(70) => self.clone_something(random)?,
                _ => self.transact(random)?,
            }
        }
        Ok(())
    }
}

/// How many seeds to run.
fn rounds(default: u64) -> u64 {
    std::env::var("DICTDB_WAL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
