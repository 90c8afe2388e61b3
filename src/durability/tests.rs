//! Transactions over catalog and rows on a simulated disk that loses its power at any call: what recovery finds is the state
//! after some commit, and none that was acknowledged is missing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dictdb_catalog::{
    BOOTSTRAP_ROLE, CatalogStore, Change, Column, Object, Persistence, Relation, RelationKind, namespaces,
};
use dictdb_storage::{Accompaniment, Inserted, Storage, Written};
use dictdb_types::{Datum, Oid, Result, RowId, Type, oids};
use dictdb_wal::disk::{Random, Survival};
use dictdb_wal::{Disk, SimulatedDisk};

use crate::{DatabaseView, Durability, Options, Reason, catalog_item};

const DATABASE: Oid = Oid(5);
const COMMENT: (Oid, Oid, i32) = (Oid(1259), Oid(1), 0);

/// What a reader sees: the rows of each table, and a comment that some transactions change.
type State = (BTreeMap<u32, BTreeMap<i32, String>>, Option<String>);

struct Run {
    durability: Arc<Durability>,
    storage: Storage,
    catalog: Arc<CatalogStore>,
    /// States after each commit, the first before any.
    states: Vec<State>,
    acknowledged: usize,
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
    let catalog = Arc::new(databases.into_iter().next().expect("there is a database").catalog);
    let seen = catalog.clone();
    let list = move || {
        let view = DatabaseView {
            oid: DATABASE,
            name: "postgres".into(),
            owner: BOOTSTRAP_ROLE,
            connection_limit: -1,
            catalog: seen.current(),
            next_oid: seen.next_oid(),
        };
        vec![view]
    };
    durability.start(list)?;
    let mut run = Run { durability, storage, catalog, states: Vec::new(), acknowledged: 0 };
    run.states.push(run.read());
    Ok(run)
}

impl Run {
    fn tables(&self) -> Vec<Arc<Relation>> {
        let catalog = self.catalog.current();
        catalog.relations().filter(|r| matches!(r.kind, RelationKind::Table)).cloned().collect()
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
        let tables = self.tables();
        let permanent = tables.iter().filter(|relation| relation.persistence == Persistence::Permanent);
        let of = |relation: &Arc<Relation>| {
            let rows = self.rows(relation).into_iter().map(|(_, key, text)| (key, text)).collect();
            (relation.oid.0, rows)
        };
        let comment = self.catalog.current().comment(COMMENT.0, COMMENT.1, COMMENT.2).map(|text| text.to_string());
        (permanent.map(of).collect(), comment)
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
                    .create_table(oid, &self.catalog.current().layouts(&made))
                    .set_logged(persistence == Persistence::Permanent);
                changes.push(Change::Put(Object::Relation(made.clone())));
                tables.push(made);
            }
            1 if !tables.is_empty() => {
                let old = tables.swap_remove(random.below(tables.len() as u64) as usize);
                let storage = self.catalog.allocate_oid();
                let fresh = Arc::new(Relation { storage, ..Relation::clone(&old) });
                self.storage
                    .create_table(storage, &self.catalog.current().layouts(&fresh))
                    .set_logged(old.persistence == Persistence::Permanent);
                changes.push(Change::Put(Object::Relation(fresh.clone())));
                tables.push(fresh);
            }
            2 if tables.len() > 2 => {
                let old = tables.swap_remove(0);
                changes.push(Change::Remove(dictdb_catalog::Key::Relation(old.oid)));
            }
            3 => changes.push(Change::Comment(COMMENT, Some(format!("{}", self.states.len()).into()))),
            _ => {}
        }
        for relation in &tables {
            self.change_rows(relation, &transaction, random)?;
        }
        let attachment = catalog_item(DATABASE, self.catalog.next_oid(), &changes);
        let mut publish = || self.catalog.commit(&changes).map(drop);
        let with = Accompaniment { attachment: &attachment, publish: &mut publish };
        transaction.commit_with((!changes.is_empty()).then_some(with), true)?;
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

    fn work(&mut self, random: &mut Random, steps: u64) -> Result<()> {
        for _ in 0..steps {
            match random.below(15) {
                0 => {
                    self.durability.checkpoint(Reason::Request)?;
                    self.acknowledged = self.states.len() - 1;
                }
                1..=4 => {
                    self.durability.log().flush()?;
                    self.acknowledged = self.states.len() - 1;
                }
                _ => self.transact(random)?,
            }
        }
        Ok(())
    }
}

#[test]
fn crash_images_are_states_after_a_commit() {
    let rounds = std::env::var("DICTDB_WAL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let mut images = 0;
    for seed in 0..rounds {
        let whole = SimulatedDisk::new();
        start(&whole).and_then(|mut run| run.work(&mut Random::new(seed), 60)).unwrap();
        for power_off in 0..whole.calls() {
            let disk = SimulatedDisk::new();
            disk.power_off_after(power_off);
            let (mut states, mut acknowledged) = (vec![State::default()], 0);
            if let Ok(mut run) = start(&disk) {
                let _ = run.work(&mut Random::new(seed), 60);
                (states, acknowledged) = (run.states, run.acknowledged);
            }
            for survival in [0, 60, 100] {
                let image = disk.crash(Survival(survival), seed * 7919 + power_off * 3 + survival);
                let context = format!("seed {seed} power off after {power_off} survival {survival}");
                let mut run = start(&image).unwrap_or_else(|error| panic!("{context}: {error}"));
                let found = run.states[0].clone();
                let is_known = states[acknowledged..].contains(&found);
                assert!(is_known, "{context}: {found:?} after {acknowledged} commits");
                for table in run.tables().iter().filter(|table| table.persistence == Persistence::Unlogged) {
                    assert!(run.rows(table).is_empty(), "{context}");
                }
                run.work(&mut Random::new(power_off), 5).unwrap_or_else(|error| panic!("{context}: {error}"));
                images += 1;
            }
        }
    }
    println!("{images} crash images");
}

#[test]
fn a_clean_stop_keeps_unlogged_rows_and_sequences_exactly() {
    let disk = SimulatedDisk::new();
    let mut run = start(&disk).unwrap();
    let mut random = Random::new(3);
    run.work(&mut random, 200).unwrap();
    let unlogged = |run: &Run| -> usize {
        let tables = run.tables();
        tables
            .iter()
            .filter(|table| table.persistence == Persistence::Unlogged)
            .map(|table| run.rows(table).len())
            .sum()
    };
    let (state, rows) = (run.read(), unlogged(&run));
    assert!(rows > 0, "the workload has rows in unlogged tables");
    run.durability.shut_down().unwrap();
    let stopped = disk.crash(Survival(0), 1);
    let again = start(&stopped).unwrap();
    assert_eq!((again.read(), unlogged(&again)), (state.clone(), rows));
    // The second server did not stop cleanly.
    let crashed = start(&stopped.crash(Survival(100), 1)).unwrap();
    assert_eq!((crashed.read(), unlogged(&crashed)), (state, 0));
}

#[test]
fn damage_is_refused_by_name() {
    let disk = SimulatedDisk::new();
    start(&disk).and_then(|mut run| run.work(&mut Random::new(5), 80)).unwrap();
    let image = disk.crash(Survival(100), 1);
    let snapshot = image.paths().into_iter().find(|path| path.extension().is_some_and(|e| e == "checkpoint")).unwrap();
    assert!(image.flip_bit(&snapshot, 85, 3));
    let error = start(&image).err().expect("it is refused");
    assert_eq!(error.code().to_string(), "XX001");
    assert!(error.message().contains(".checkpoint\" is damaged at offset 64"), "{}", error.message());
    assert!(image.open(&snapshot, dictdb_wal::disk::Open::Read).is_ok());
}
