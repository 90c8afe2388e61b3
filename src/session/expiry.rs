//! Rows that `ttl` has taken, and those that are too many for `max_rows`, go in the background: their memory, for nobody sees them any
//! more. VACUUM takes them out at once.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use dictdb_catalog::Relation;
use dictdb_executor::modify::reclaim;
use dictdb_types::{Oid, Result};

use crate::clock;
use crate::instance::{Database, Instance};

/// How often it is looked which tables are due.
const PERIOD: Duration = Duration::from_secs(1);
/// A table is looked through after this part of its `ttl`, within these bounds.
const TTL_PART: u32 = 10;
const LONGEST: Duration = Duration::from_secs(60);

/// The tables of a database whose rows go by themselves, as a version of its catalog has them.
struct Limited {
    version: u64,
    tables: Vec<Arc<Relation>>,
}

impl Limited {
    fn of(database: &Database) -> Limited {
        let catalog = database.catalog.current();
        let tables = catalog.relations().filter(|relation| relation.limited_by().is_some()).cloned().collect();
        Limited { version: catalog.version(), tables }
    }
}

/// What the background knows from one time to the next.
#[derive(Default)]
struct Schedule {
    databases: HashMap<Oid, Limited>,
    /// When tables, by their storage, are to be looked through again.
    due: HashMap<Oid, Instant>,
}

impl Schedule {
    fn run(&mut self, instance: &Instance) {
        let databases = instance.databases();
        self.databases.retain(|oid, _| databases.iter().any(|database| database.oid == *oid));
        for database in databases {
            let limited = self.databases.entry(database.oid).or_insert_with(|| Limited::of(&database));
            if limited.version != database.catalog.version() {
                *limited = Limited::of(&database);
            }
            for relation in &limited.tables {
                let now = Instant::now();
                if self.due.get(&relation.storage).is_some_and(|due| *due > now) {
                    continue;
                }
                self.due.insert(relation.storage, now + pause(relation));
                if let Err(error) = instance.reclaim_in(&database, relation, &|| Ok(())) {
                    tracing::debug!("cannot reclaim expired rows of \"{}\": {}", relation.name, error.message());
                }
            }
        }
        let known = |storage: &Oid| self.databases.values().any(|own| own.tables.iter().any(|r| r.storage == *storage));
        self.due.retain(|storage, _| known(storage));
    }
}

/// How long a table is left alone.
fn pause(relation: &Relation) -> Duration {
    let ttl = relation.ttl_micros().map(|micros| Duration::from_micros(micros.unsigned_abs()));
    ttl.map_or(PERIOD, |ttl| (ttl / TTL_PART).clamp(PERIOD, LONGEST))
}

impl Instance {
    /// Begins to take expired rows out in the background, for as long as the instance is there.
    pub fn start_expiry(self: &Arc<Self>) {
        let instance = Arc::downgrade(self);
        let started = std::thread::Builder::new().name("expiry".to_owned()).spawn(move || run(&instance));
        if let Err(error) = started {
            tracing::error!("expired rows are only taken out by VACUUM: {error}");
        }
    }

    /// Takes the expired rows of a database out; `check` ends it by its error.
    pub(crate) fn reclaim_expired(&self, database: &Database, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let limited = Limited::of(database);
        limited.tables.iter().try_for_each(|relation| self.reclaim_in(database, relation, check))
    }

    fn reclaim_in(&self, database: &Database, relation: &Relation, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let lock = self.storage.relation_lock(database.oid, relation.oid);
        reclaim(&self.storage, relation, &lock, clock::now_micros(), check).map(drop)
    }
}

fn run(instance: &Weak<Instance>) {
    let mut schedule = Schedule::default();
    loop {
        std::thread::sleep(PERIOD);
        match instance.upgrade() {
            Some(instance) => schedule.run(&instance),
            None => return,
        }
    }
}
