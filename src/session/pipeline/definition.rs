//! Statements that change the catalog.

use std::sync::Arc;

use dictdb_catalog::{Catalog, OnCommit, Relation};
use dictdb_executor::ddl::{self, Completed, Counted, DatabaseName, DdlContext, Definitions};
use dictdb_parser::utility::{CreateTableAs, SourceQuery, TableSource, Utility};
use dictdb_parser::{Statement, ast};
use dictdb_types::{Datum, Error, Oid, Result, SqlState, quote_identifier};
use parking_lot::Mutex;

use crate::Session;
use crate::client::Tag;
use crate::portal::{Outcome, Portal};
use crate::prepared::Source;
use crate::settings::Settings;
use crate::statement::command_tag;

impl Session {
    /// Runs a utility command that the crates below implement.
    pub(crate) async fn execute_utility(&mut self, portal: &Portal) -> Result<Outcome> {
        let Some(source) = &portal.source else { return Err(Error::internal("a command without text")) };
        let Statement::Utility(command) = &source.parsed.statement else {
            return Err(Error::internal("a query is not a utility command"));
        };
        let completed = match &**command {
            Utility::CreateTableAs(create) => self.create_table_as(create, command, source, portal, false)?.0,
            _ => self.define(command, source, &portal.params)?,
        };
        if let Some(routine) = self.routines.made.take() {
            self.check_body(routine, &source.text)?;
        }
        match completed {
            Some(Completed::Done) => Ok(Outcome::Done(Tag::new(command_tag(&source.parsed.statement)))),
            Some(Completed::Rows(rows)) => Ok(Outcome::Done(Tag::rows("SELECT", rows))),
            None => Err(Error::unsupported(command_tag(&source.parsed.statement))),
        }
    }

    /// CREATE TABLE AS; with EXECUTE, the query and its parameters are those of the prepared statement. For EXPLAIN ANALYZE, what
    /// the query does is counted.
    pub(super) fn create_table_as(
        &mut self,
        create: &CreateTableAs,
        command: &Utility,
        source: &Source,
        portal: &Portal,
        counts: bool,
    ) -> Result<(Option<Completed>, Option<Counted>)> {
        let TableSource::Execute(execute) = &create.source else {
            return self.define_counting(command, source, &portal.params, counts);
        };
        let prepared = self.prepared.get(&execute.name.value)?;
        let not_a_query = || Error::new(SqlState::WRONG_OBJECT_TYPE, "prepared statement is not a SELECT");
        let inner = prepared.source.clone().ok_or_else(not_a_query)?;
        let query = match &inner.parsed.statement {
            Statement::Sql(tree) => match &**tree {
                ast::Statement::Query(query) => query.clone(),
                _ => return Err(not_a_query()),
            },
            Statement::Utility(_) => return Err(not_a_query()),
        };
        let params = self.evaluate_parameters(portal, &execute.params, &prepared.analysis.params)?.into();
        let text = inner.own_text().to_owned();
        let with_query = CreateTableAs { source: TableSource::Query(SourceQuery { query, text }), ..create.clone() };
        let command = Utility::CreateTableAs(Box::new(with_query));
        self.define_counting(&command, &inner, &params, counts)
    }

    /// Changes the catalog; `None` when the command is of another kind.
    pub(crate) fn define(
        &mut self,
        command: &Utility,
        source: &Source,
        params: &Arc<[Datum]>,
    ) -> Result<Option<Completed>> {
        self.define_counting(command, source, params, false).map(|(completed, _)| completed)
    }

    fn define_counting(
        &mut self,
        command: &Utility,
        source: &Source,
        params: &Arc<[Datum]>,
        counts: bool,
    ) -> Result<(Option<Completed>, Option<Counted>)> {
        let locations = &source.parsed.locations;
        let transaction = self.transaction()?;
        let env = self.env();
        let temporary_schema = self.temporary_schema(command)?;
        // After the schema has been made, so that its objects see each other.
        let search_path = env.search_path();
        let role = self.role();
        let session_user = self.shared.session_user();
        let session_role = env.catalog.role_named(&session_user).map_or(role, |role| role.oid);
        let databases = self.shared.instance.databases();
        let databases: Vec<DatabaseName> = databases
            .iter()
            .map(|database| DatabaseName {
                oid: database.oid,
                name: database.name.clone(),
                owner: database.attributes.owner,
            })
            .collect();
        let function_settings = self.function_settings(command)?;
        let mut large_objects = self.large_objects_for(command)?;
        let mut notices = Vec::new();
        // Functions that the command evaluates define in the same place.
        let in_use = self.definitions.in_use.clone();
        let wait = self.wait_options();
        let shared = self.shared.clone();
        let constraints = self.constraints.clone();
        let open_tables = self.open_tables();
        let own = Arc::new(Mutex::new(std::mem::take(&mut self.definitions)));
        let mut cx = DdlContext {
            storage: &shared.instance.storage,
            transaction: &transaction,
            wait,
            database: shared.database.oid,
            store: &shared.database.catalog,
            own: &own,
            registry: &shared.instance.registry,
            engine: &shared.instance.engine,
            surroundings: &*env,
            constraints: &constraints,
            open_tables: &open_tables,
            params,
            param_types: &source.declared,
            variables: source.variables.as_deref().map(|variables| variables as _),
            search_path: &search_path,
            creation_schema: env.creation_schema(),
            temporary_schema,
            role,
            session_role,
            parameter_name: Settings::name_of_privileges,
            verifiers: shared.instance.verifiers.get().copied(),
            databases: &databases,
            notices: &mut notices,
            large_objects: &mut large_objects,
            function_settings,
            made_routine: None,
            concurrent_index: self.concurrent_index,
            makes_shells: false,
            attempt: ddl::Attempt::default(),
            truncated: Vec::new(),
            reshaped: None,
            inside: self.inside(),
            alters: matches!(command, Utility::AlterTable(_)),
            collected: shared.commands.are_watched().then(ddl::Collected::default),
            counted: counts.then(Counted::default),
        };
        // Filling an index or checking rows may take long.
        let executed =
            self.lend_defining(&own, || tokio::task::block_in_place(|| ddl::execute(command, locations, &mut cx)));
        let (made_routine, truncated) = (cx.made_routine, std::mem::take(&mut cx.truncated));
        self.concurrent_index = cx.concurrent_index;
        let counted = cx.counted.take();
        if let Some(done) = cx.collected.take() {
            shared.commands.add(done);
        }
        self.definitions = Definitions { in_use, ..std::mem::take(&mut *own.lock()) };
        self.catalog_epoch = self.shared.instance.new_epoch();
        self.block.snapshot_taken = true;
        self.seen.add(None);
        notices.into_iter().for_each(|notice| self.shared.notice(notice));
        let tag = executed?;
        if self.definitions.catalog.is_changed() {
            // A change of the catalog is a write: the transaction has an id from here on.
            transaction.assign_id()?;
        }
        self.keep_large_objects(large_objects)?;
        if let Some(routine) = made_routine {
            self.routines.made = Some(routine);
        }
        self.after_truncate(&truncated)?;
        Ok((tag, counted))
    }

    fn after_truncate(&mut self, tables: &[Oid]) -> Result<()> {
        let env = self.env();
        if tables.iter().all(|table| env.catalog.triggers_of(*table).next().is_none()) {
            return Ok(());
        }
        let cx = self.constraint_context()?;
        let engine = self.shared.instance.engine.clone();
        self.lend(|| tokio::task::block_in_place(|| ddl::after_truncate(tables, &cx, &engine)))
    }

    /// ON COMMIT of temporary tables: empties and drops them, as the last part of the transaction.
    pub(crate) fn end_temporary_tables(&mut self) -> Result<()> {
        let Some(schema) = self.shared.temporary_schema() else { return Ok(()) };
        if self.transaction.is_none() && !self.definitions.catalog.is_changed() {
            return Ok(());
        }
        let env = self.env();
        let Some(schema) = env.catalog.schema(schema) else { return Ok(()) };
        let storage = &self.shared.instance.storage;
        let has_rows =
            |relation: &Relation| storage.table(relation.storage).is_some_and(|table| table.block_count() > 0);
        let tables = env.catalog.relations().filter(|relation| relation.namespace == schema.oid);
        let (mut emptied, mut dropped) = (Vec::new(), Vec::new());
        for table in tables {
            let name = dictdb_types::quote_qualified(&schema.name, &table.name);
            match table.on_commit {
                OnCommit::DeleteRows => {
                    check_references(&env.catalog, table)?;
                    if has_rows(table) {
                        emptied.push(name);
                    }
                }
                // What depends on one of them may be another one.
                OnCommit::Drop => dropped.push(format!("DROP TABLE IF EXISTS {name} CASCADE")),
                OnCommit::PreserveRows => {}
            }
        }
        if !emptied.is_empty() {
            self.define_quietly(&format!("TRUNCATE {}", emptied.join(", ")))?;
        }
        dropped.iter().try_for_each(|sql| self.define_quietly(sql))
    }

    /// Runs a definition on the session's own account: the client hears nothing of it.
    pub(crate) fn define_quietly(&mut self, sql: &str) -> Result<()> {
        let source = Source::parse(sql)?;
        let Statement::Utility(command) = &source.parsed.statement else {
            return Err(Error::internal("a definition that is a query"));
        };
        self.shared.hush(true);
        let defined = self.define(command, &source, &Arc::default());
        self.shared.hush(false);
        defined.map(drop)
    }

    /// Drops the session's temporary objects, as part of the open transaction.
    pub(crate) fn discard_temporary(&mut self) -> Result<()> {
        let env = self.env();
        let schema = self.shared.temporary_schema().and_then(|oid| env.catalog.schema(oid));
        let Some(schema) = schema else { return Ok(()) };
        let sql = format!("DROP SCHEMA {} CASCADE", quote_identifier(&schema.name));
        self.define_quietly(&sql)
    }

    /// The session ends: its temporary objects go.
    pub(crate) fn drop_temporary(&mut self) {
        if self.shared.temporary_schema().is_none() {
            return;
        }
        self.shared.backend.interrupts.end_statement();
        self.start_statement();
        let dropped = self.discard_temporary().and_then(|()| self.commit_quietly());
        if let Err(error) = dropped {
            tracing::warn!("temporary objects of a session could not be dropped: {error}");
            self.fail();
        }
    }
}

/// 0A000 for a table that loses its rows at every commit when one refers to it that keeps them.
fn check_references(catalog: &Catalog, table: &Relation) -> Result<()> {
    let mut referring = table.referenced_by.iter().filter_map(|(oid, _)| catalog.relation(*oid));
    match referring.find(|other| other.on_commit != OnCommit::DeleteRows) {
        None => Ok(()),
        Some(other) => {
            let message = "unsupported ON COMMIT and foreign key combination";
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).detail(format!(
                "Table \"{}\" references \"{}\", but they do not have the same ON COMMIT setting.",
                other.name, table.name
            )))
        }
    }
}
