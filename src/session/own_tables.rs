//! Tables of the schema `dictdb` that an operator fills; the views there are made by [`crate::system`].

use std::sync::Arc;

use dictdb_catalog::{BOOTSTRAP_ROLE, namespaces};
use dictdb_types::Result;

use crate::backends::Identity;
use crate::{Collector, Instance, Session, Startup};

/// Metrics of an operator's own, which the HTTP interface exports.
const METRIC_QUERIES: &str = "SET allow_system_table_mods = on;
    CREATE TABLE IF NOT EXISTS dictdb.metric_queries (
    name text PRIMARY KEY,
    help text,
    type text NOT NULL DEFAULT 'gauge' CHECK (type IN ('gauge', 'counter')),
    sql text NOT NULL,
    labels text[] NOT NULL DEFAULT '{}')";

impl Instance {
    /// Makes the tables that are not there yet in a database. Whatever the statement may say.
    pub async fn ensure_own_tables(self: &Arc<Self>, database: &str) -> Result<()> {
        let catalog = self.database(database)?.catalog.current();
        let owner = catalog.role(BOOTSTRAP_ROLE).filter(|owner| owner.login).map(|owner| owner.name.clone());
        let Some(user) = owner.filter(|_| catalog.relation_in(namespaces::DICTDB, "metric_queries").is_none()) else {
            return Ok(());
        };
        let identity = Identity { user, database: database.into(), address: None, server: None, encrypted: false };
        let backend = self.backends.enter(identity, 0, usize::MAX)?;
        let pid = backend.pid;
        let session = Session::start(self.clone(), backend, &Startup::default());
        let mut session = session.inspect_err(|_| self.backends.leave(pid))?;
        session.simple_query(METRIC_QUERIES, &mut Collector::default()).await
    }
}
