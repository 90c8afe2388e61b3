//! What ANALYZE found of relations, kept until it comes again. Plans use it, `pg_statistic` and `pg_statistic_ext_data` show
//! it. It is in the log and in checkpoints as [`dictdb_types::stored`] writes it: see [`Analysis`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dictdb_catalog::{Catalog, Persistence};
use dictdb_durability::{Analyzed, analyzed_of_clone};
use dictdb_planner::estimate::{ColumnStatistics, ExtendedStatistics, Kinds};
use dictdb_types::stored::Stored;
use dictdb_types::{Oid, Result, Type, stored_struct};
use parking_lot::RwLock;

/// A relation of a database, by itself or with all that inherit from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Subject {
    pub database: Oid,
    pub relation: Oid,
    /// `stainherit`.
    pub is_inherited: bool,
}

/// A column, or an expression of a statistics object.
#[derive(Clone)]
pub(crate) struct AnalyzedColumn {
    /// Its type when it was looked at.
    pub ty: Type,
    /// `stawidth`.
    pub width: i32,
    pub statistics: Arc<ColumnStatistics>,
}

/// A statistics object.
#[derive(Clone)]
pub(crate) struct AnalyzedObject {
    pub kinds: Kinds,
    /// Types of the dimensions when they were looked at.
    pub types: Vec<Type>,
    pub statistics: Arc<ExtendedStatistics>,
    pub expressions: Vec<AnalyzedColumn>,
}

/// A relation.
#[derive(Clone, Default)]
pub(crate) struct Analysis {
    /// Its storage table.
    pub storage: Oid,
    /// By attnum.
    pub columns: BTreeMap<i16, AnalyzedColumn>,
    /// By oid of the statistics object.
    pub objects: BTreeMap<Oid, AnalyzedObject>,
}

stored_struct!(AnalyzedColumn { 1: ty, 2: width, 3: statistics });
stored_struct!(AnalyzedObject { 1: kinds, 2: types, 3: statistics, 4: expressions });
stored_struct!(Analysis { 1: storage, 2: columns, 3: objects });

/// An analysis, and the bytes that it is stored as.
struct Entry {
    analysis: Arc<Analysis>,
    /// Not of temporary relations.
    stored: Option<Arc<[u8]>>,
}

#[derive(Default)]
struct Kept {
    by_subject: BTreeMap<Subject, Entry>,
    /// Of relations by themselves.
    by_storage: HashMap<Oid, Arc<Analysis>>,
}

/// Everything that is kept, of all databases.
#[derive(Default)]
pub(crate) struct Analyses(RwLock<Kept>);

impl Kept {
    fn number_storage(&mut self) {
        let alone = self.by_subject.iter().filter(|(own, _)| !own.is_inherited);
        self.by_storage = alone.map(|(_, entry)| (entry.analysis.storage, entry.analysis.clone())).collect();
    }
}

impl Subject {
    fn analyzed(&self, storage: Oid, found: Arc<[u8]>) -> Analyzed {
        Analyzed { relation: self.relation, storage, is_inherited: self.is_inherited, found }
    }
}

impl Analyses {
    /// Adds to what is known of a relation, and forgets relations and objects of the database that are no more. Returns what the log
    /// is to be told.
    pub fn add(&self, subject: Subject, found: Analysis, catalog: &Catalog) -> Option<Analyzed> {
        let mut kept = self.0.write();
        let mut whole =
            kept.by_subject.get(&subject).map_or_else(Analysis::default, |before| (*before.analysis).clone());
        whole.storage = found.storage;
        whole.columns.extend(found.columns);
        whole.objects.extend(found.objects);
        whole.objects.retain(|oid, _| catalog.definition(*oid).is_some());
        let relation = catalog.relation(subject.relation);
        let is_stored = relation.is_some_and(|relation| relation.persistence != Persistence::Temporary);
        let stored = is_stored.then(|| {
            let mut bytes = Vec::new();
            whole.write(&mut bytes);
            Arc::from(bytes)
        });
        let analyzed = stored.clone().map(|found| subject.analyzed(whole.storage, found));
        kept.by_subject.insert(subject, Entry { analysis: Arc::new(whole), stored });
        let is_here = |own: &Subject| own.database != subject.database || catalog.relation(own.relation).is_some();
        kept.by_subject.retain(|own, _| is_here(own));
        kept.number_storage();
        analyzed
    }

    /// Takes over what was stored of a database; what cannot be read is left out with a warning.
    pub fn restore(&self, database: Oid, stored: impl IntoIterator<Item = Analyzed>) {
        let mut kept = self.0.write();
        for Analyzed { relation, storage, is_inherited, found } in stored {
            let read: Result<Analysis> = Analysis::read(&mut &found[..]);
            match read {
                Ok(analysis) => {
                    let analysis = Arc::new(Analysis { storage, ..analysis });
                    let subject = Subject { database, relation, is_inherited };
                    kept.by_subject.insert(subject, Entry { analysis, stored: Some(found) });
                }
                Err(error) => tracing::warn!("statistics of relation {relation} are lost: {}", error.message()),
            }
        }
        kept.number_storage();
    }

    /// What is stored of a database.
    pub fn stored(&self, database: Oid) -> Vec<Analyzed> {
        let kept = self.0.read();
        let own = kept.by_subject.iter().filter(|(subject, _)| subject.database == database);
        let stored =
            own.filter_map(|(subject, entry)| Some(subject.analyzed(entry.analysis.storage, entry.stored.clone()?)));
        stored.collect()
    }

    /// A database has become a clone of another one, with other places in storage.
    pub fn clone_database(&self, source: Oid, database: Oid, places: &[(Oid, Oid)]) {
        let of_source = self.stored(source);
        self.forget(database);
        self.restore(database, analyzed_of_clone(of_source.iter(), places));
    }

    /// Forgets all of a database. Returns what the log is to be told: that there is nothing any more.
    pub fn forget(&self, database: Oid) -> Vec<Analyzed> {
        let stored = self.stored(database);
        let mut kept = self.0.write();
        kept.by_subject.retain(|own, _| own.database != database);
        kept.number_storage();
        stored.into_iter().map(|own| Analyzed { found: Arc::from([]), ..own }).collect()
    }

    /// All of a database.
    pub fn of_database(&self, database: Oid) -> Vec<(Subject, Arc<Analysis>)> {
        let kept = self.0.read();
        let own = kept.by_subject.iter().filter(|(subject, _)| subject.database == database);
        own.map(|(subject, entry)| (*subject, entry.analysis.clone())).collect()
    }

    /// What the statistics objects that there still are know of a storage table.
    pub fn extended_of_storage(&self, table: Oid, catalog: &Catalog) -> Vec<Arc<ExtendedStatistics>> {
        let kept = self.0.read();
        let objects = kept.by_storage.get(&table).into_iter().flat_map(|analysis| &analysis.objects);
        let present = objects.filter(|(oid, _)| catalog.definition(**oid).is_some());
        present.map(|(_, object)| object.statistics.clone()).collect()
    }

    /// What is known of an expression of a statistics object of a storage table, by its number.
    pub fn expression(&self, table: Oid, slot: usize, catalog: &Catalog) -> Option<Arc<ColumnStatistics>> {
        let kept = self.0.read();
        let mut objects = kept.by_storage.get(&table)?.objects.iter();
        objects.find_map(|(oid, object)| {
            catalog.definition(*oid)?;
            let mut expressions = object.statistics.dimensions.iter().filter(|own| own.expression.is_some());
            let position = expressions.position(|own| own.slot == slot)?;
            Some(object.expressions.get(position)?.statistics.clone())
        })
    }

    /// Whether a table has been analyzed, with its children or without.
    pub fn knows(&self, subject: &Subject) -> bool {
        self.0.read().by_subject.contains_key(subject)
    }

    /// Whether a storage table has been analyzed.
    pub fn knows_storage(&self, table: Oid) -> bool {
        self.0.read().by_storage.contains_key(&table)
    }
}
