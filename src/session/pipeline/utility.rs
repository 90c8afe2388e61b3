//! Statements that change the catalog, inside the session's transaction.

use std::sync::Arc;

use dictdb_catalog::{BOOTSTRAP_ROLE, Change, Object, Schema, namespaces};
use dictdb_executor::ddl::{self, DdlContext};
use dictdb_parser::Statement;
use dictdb_types::{Env, Error, Oid, Result};

use crate::Session;
use crate::client::Tag;
use crate::portal::{Outcome, Portal};
use crate::statement::command_tag;

impl Session {
    /// Runs a utility command that the crates below implement.
    pub(crate) async fn execute_utility(&mut self, portal: &Portal) -> Result<Outcome> {
        let Some(source) = portal.source.clone() else { return Err(Error::internal("a command without text")) };
        let Statement::Utility(utility) = &source.parsed.statement else {
            return Err(Error::internal("a query among the utility commands"));
        };
        let transaction = self.transaction()?;
        let wait = self.wait_options();
        let temporary_schema = self.temporary_schema();
        let env = self.env();
        let search_path = env.search_path();
        let listed = env.listed_path();
        let mut notices = Vec::new();
        let shared = self.shared.clone();
        let mut cx = DdlContext {
            storage: &shared.instance.storage,
            transaction: &transaction,
            wait,
            database: shared.database.oid,
            store: &shared.database.catalog,
            catalog: &mut self.catalog,
            changes: &mut self.storage_changes,
            registry: &shared.instance.registry,
            env: &*env as &dyn Env,
            search_path: &search_path,
            creation_schema: listed.iter().copied().find(|oid| *oid != namespaces::PG_CATALOG),
            temporary_schema,
            role: env.catalog.role_named(&shared.current_user()).map_or(BOOTSTRAP_ROLE, |role| role.oid),
            notices: &mut notices,
        };
        let result = tokio::task::block_in_place(|| ddl::execute(utility, &source.parsed.locations, &mut cx));
        notices.into_iter().for_each(|notice| shared.notice(notice));
        match result? {
            Some(tag) => Ok(Outcome::Done(Tag::new(tag))),
            None => Err(Error::unsupported(command_tag(&source.parsed.statement))),
        }
    }

    /// The schema of this session's temporary relations; made when it is first needed.
    fn temporary_schema(&mut self) -> Oid {
        let name = self.shared.temporary_schema_name();
        let store = &self.shared.database.catalog;
        if let Some(schema) = self.catalog.view(store).schema_named(&name) {
            return schema.oid;
        }
        let oid = store.allocate_oid();
        let schema = Schema { oid, name: Arc::from(name), owner: BOOTSTRAP_ROLE, acl: None };
        // Committed by itself and at once: it is empty, and other transactions of the session use it too.
        match store.commit(&[Change::Put(Object::Schema(Arc::new(schema)))]) {
            Ok(_) => oid,
            Err(_) => Oid::INVALID,
        }
    }
}
