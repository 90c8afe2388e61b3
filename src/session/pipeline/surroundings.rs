//! What the session lends to DDL statements: its settings and names over the statement's own version of the catalog.

use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_executor::SessionServices;
use dictdb_executor::ddl::{Acting, Surroundings};
use dictdb_types::{Env, Oid, Result};
use parking_lot::Mutex;

use crate::StatementEnv;

impl StatementEnv {
    /// The same surroundings over another version of the catalog.
    pub(crate) fn over(&self, catalog: Arc<Catalog>) -> Arc<StatementEnv> {
        Arc::new(StatementEnv {
            shared: self.shared.clone(),
            catalog,
            derived: self.derived.clone(),
            transaction_timestamp: self.transaction_timestamp,
            statement_timestamp: self.statement_timestamp,
            modes: self.modes,
            domains: Mutex::default(),
        })
    }
}

impl StatementEnv {
    /// What functions of users know of who runs them is made out anew; without such functions nobody has asked.
    fn forget_who(&self) {
        let forgotten = self.shared.in_session(|session| {
            session.forget_surroundings();
            Ok(())
        });
        debug_assert!(forgotten.is_ok() || !self.catalog.has_routines(), "routines need the session");
    }
}

impl Surroundings for StatementEnv {
    fn env(&self, catalog: Arc<Catalog>) -> Arc<dyn Env> {
        self.over(catalog)
    }

    fn services(&self, catalog: Arc<Catalog>) -> Arc<dyn SessionServices> {
        self.over(catalog)
    }

    fn is_used_elsewhere(&self, tablespace: Oid) -> bool {
        let others = self.shared.instance.databases().into_iter().filter(|other| other.oid != self.shared.database.oid);
        let mut catalogs = others.map(|database| database.catalog.current());
        catalogs.any(|catalog| catalog.relations().any(|relation| relation.tablespace == tablespace))
    }

    fn before_rewrite(&self, table: Oid, reason: i32) -> Result<()> {
        self.shared.in_session(|session| session.fire_rewrite(table, reason))
    }

    fn check_for_index(&self, catalog: &Arc<Catalog>, routine: Oid) -> Result<()> {
        crate::routines::check_for_index(catalog, routine)
    }

    fn restrict(&self, role: Option<Arc<str>>) -> Acting {
        let before = self.shared.acting();
        let role = role.or_else(|| before.role.clone());
        self.shared.act(Acting { role, restricted: true });
        self.forget_who();
        before
    }

    fn release(&self, before: Acting) {
        self.shared.act(before);
        self.forget_who();
    }
}
