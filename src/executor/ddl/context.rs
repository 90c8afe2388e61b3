//! What a DDL statement is given, and the small steps all of them take.

use std::sync::Arc;

use dictdb_catalog::{Catalog, CatalogStore, CatalogTransaction, Change, Dependency, Key, Object, Relation};
use dictdb_functions::Registry;
use dictdb_planner::BindContext;
use dictdb_storage::{LockMode, Storage, Transaction, WaitOptions, WaitPolicy};
use dictdb_types::{Env, Error, Oid, Result, Severity, SqlState};

use super::StorageChanges;

/// The surroundings of one DDL statement.
pub struct DdlContext<'a> {
    /// The data.
    pub storage: &'a Storage,
    /// The transaction.
    pub transaction: &'a Arc<Transaction>,
    /// `lock_timeout`.
    pub wait: WaitOptions,
    /// `pg_database.oid`.
    pub database: Oid,
    /// The committed catalog.
    pub store: &'a CatalogStore,
    /// The transaction's own catalog.
    pub catalog: &'a mut CatalogTransaction,
    /// What to undo in storage.
    pub changes: &'a mut StorageChanges,
    /// Implementations of functions.
    pub registry: &'a Registry,
    /// Settings and names.
    pub env: &'a dyn Env,
    /// Schemas searched for unqualified names, `pg_catalog` included.
    pub search_path: &'a [Oid],
    /// Schema new objects go to; `None` when the search path names none that exists.
    pub creation_schema: Option<Oid>,
    /// The session's schema for temporary objects.
    pub temporary_schema: Oid,
    /// The role that owns new objects.
    pub role: Oid,
    /// Notices and warnings for the client.
    pub notices: &'a mut Vec<Error>,
}

impl DdlContext<'_> {
    /// The catalog as the transaction sees it now.
    pub(super) fn view(&mut self) -> Arc<Catalog> {
        self.catalog.view(self.store)
    }

    pub(super) fn put(&mut self, object: Object) {
        self.catalog.change(self.store, Change::Put(object));
    }

    pub(super) fn put_relation(&mut self, relation: Relation) -> Arc<Relation> {
        let relation = Arc::new(relation);
        self.put(Object::Relation(relation.clone()));
        relation
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.catalog.change(self.store, Change::Remove(key));
    }

    pub(super) fn depend(&mut self, dependent: Key, on: Key, kind: Dependency) {
        self.catalog.change(self.store, Change::Depend { dependent, on, kind });
    }

    pub(super) fn new_oid(&self) -> Oid {
        self.store.allocate_oid()
    }

    pub(super) fn lock(&self, relation: Oid, mode: LockMode) -> Result<()> {
        let lock = self.storage.relation_lock(self.database, relation);
        self.transaction.lock_relation(&lock, mode, WaitPolicy::Block, &self.wait).map(|_| ())
    }

    pub(super) fn notice(&mut self, code: SqlState, message: String) {
        self.notices.push(Error::with_severity(Severity::Notice, code, message));
    }

    /// Runs `f` with what the binder needs.
    pub(super) fn with_binding<T>(&mut self, f: impl FnOnce(BindContext<'_>) -> Result<T>) -> Result<T> {
        let catalog = self.view();
        let env = CatalogEnv { inner: self.env, catalog: &catalog };
        f(BindContext {
            catalog: &catalog,
            registry: self.registry,
            env: &env,
            search_path: self.search_path,
            role: self.role,
        })
    }
}

/// The statement's environment with the types the statement itself has made.
struct CatalogEnv<'a> {
    inner: &'a dyn Env,
    catalog: &'a Catalog,
}

impl dictdb_types::TypeLookup for CatalogEnv<'_> {
    fn type_info(&self, oid: Oid) -> Option<Arc<dictdb_types::TypeInfo>> {
        self.catalog.type_info(oid)
    }
}

impl Env for CatalogEnv<'_> {
    fn format(&self) -> &dictdb_types::FormatSettings {
        self.inner.format()
    }

    fn transaction_timestamp(&self) -> i64 {
        self.inner.transaction_timestamp()
    }

    fn statement_timestamp(&self) -> i64 {
        self.inner.statement_timestamp()
    }

    fn reg_in(&self, kind: dictdb_types::RegKind, text: &str) -> Result<Oid> {
        self.inner.reg_in(kind, text)
    }

    fn reg_out(&self, kind: dictdb_types::RegKind, oid: Oid) -> String {
        self.inner.reg_out(kind, oid)
    }

    fn check_domain(&self, domain: Oid, value: &dictdb_types::Datum) -> Result<()> {
        self.inner.check_domain(domain, value)
    }

    fn check_interrupts(&self) -> Result<()> {
        self.inner.check_interrupts()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self.inner.as_any()
    }
}
