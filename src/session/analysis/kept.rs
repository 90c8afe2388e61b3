//! What ANALYZE found of relations, kept until it comes again. Plans use it, `pg_statistic` and `pg_statistic_ext_data` show
//! it. It is not logged: after a start there is none until the next ANALYZE.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_planner::estimate::{ColumnStatistics, ExtendedStatistics, Kinds};
use dictdb_types::{Oid, Type};
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

#[derive(Default)]
struct Kept {
    by_subject: BTreeMap<Subject, Arc<Analysis>>,
    /// Of relations by themselves.
    by_storage: HashMap<Oid, Arc<Analysis>>,
}

/// Everything that is kept, of all databases.
#[derive(Default)]
pub(crate) struct Analyses(RwLock<Kept>);

impl Analyses {
    /// Adds to what is known of a relation, and forgets relations and objects of the database that are no more.
    pub fn add(&self, subject: Subject, found: Analysis, catalog: &Catalog) {
        let mut kept = self.0.write();
        let mut whole = kept.by_subject.get(&subject).map_or_else(Analysis::default, |before| Analysis::clone(before));
        whole.storage = found.storage;
        whole.columns.extend(found.columns);
        whole.objects.extend(found.objects);
        whole.objects.retain(|oid, _| catalog.definition(*oid).is_some());
        kept.by_subject.insert(subject, Arc::new(whole));
        let is_here = |own: &Subject| own.database != subject.database || catalog.relation(own.relation).is_some();
        kept.by_subject.retain(|own, _| is_here(own));
        let alone = kept.by_subject.iter().filter(|(own, _)| !own.is_inherited);
        kept.by_storage = alone.map(|(_, analysis)| (analysis.storage, analysis.clone())).collect();
    }

    /// All of a database.
    pub fn of_database(&self, database: Oid) -> Vec<(Subject, Arc<Analysis>)> {
        let kept = self.0.read();
        let own = kept.by_subject.iter().filter(|(subject, _)| subject.database == database);
        own.map(|(subject, analysis)| (*subject, analysis.clone())).collect()
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

    /// Whether a storage table has been analyzed.
    pub fn knows_storage(&self, table: Oid) -> bool {
        self.0.read().by_storage.contains_key(&table)
    }
}
