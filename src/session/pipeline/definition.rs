//! Statements that change the catalog.

use dictdb_executor::ddl::{self, DdlContext};
use dictdb_parser::utility::Utility;
use dictdb_parser::{Locations, Statement};
use dictdb_types::{Error, Result, quote_identifier};

use crate::Session;
use crate::client::Tag;
use crate::portal::{Outcome, Portal};
use crate::prepared::Source;
use crate::statement::command_tag;

impl Session {
    /// Runs a utility command that the crates below implement.
    pub(crate) async fn execute_utility(&mut self, portal: &Portal) -> Result<Outcome> {
        let Some(source) = &portal.source else { return Err(Error::internal("a command without text")) };
        let Statement::Utility(command) = &source.parsed.statement else {
            return Err(Error::internal("a query is not a utility command"));
        };
        match self.define(command, &source.parsed.locations)? {
            Some(tag) => Ok(Outcome::Done(Tag::new(tag))),
            None => Err(Error::unsupported(command_tag(&source.parsed.statement))),
        }
    }

    /// Changes the catalog; the command's tag, or `None` when the command is of another kind.
    fn define(&mut self, command: &Utility, locations: &Locations) -> Result<Option<&'static str>> {
        let transaction = self.transaction()?;
        let env = self.env();
        let search_path = env.search_path();
        let temporary_schema = self.temporary_schema(command);
        let role = self.role();
        let mut notices = Vec::new();
        let mut cx = DdlContext {
            storage: &self.shared.instance.storage,
            transaction: &transaction,
            wait: self.wait_options(),
            database: self.shared.database.oid,
            store: &self.shared.database.catalog,
            catalog: &mut self.catalog,
            changes: &mut self.storage_changes,
            registry: &self.shared.instance.registry,
            env: &*env,
            search_path: &search_path,
            creation_schema: env.creation_schema(),
            temporary_schema,
            role,
            notices: &mut notices,
        };
        // Filling an index or checking rows may take long.
        let executed = tokio::task::block_in_place(|| ddl::execute(command, locations, &mut cx));
        self.catalog_epoch = self.shared.instance.new_epoch();
        self.block.snapshot_taken = true;
        notices.into_iter().for_each(|notice| self.shared.notice(notice));
        executed
    }

    /// Drops the session's temporary objects, as part of the open transaction.
    pub(crate) fn discard_temporary(&mut self) -> Result<()> {
        let env = self.env();
        let schema = self.shared.temporary_schema().and_then(|oid| env.catalog.schema(oid));
        let Some(schema) = schema else { return Ok(()) };
        let source = Source::parse(&format!("DROP SCHEMA {} CASCADE", quote_identifier(&schema.name)))?;
        match &source.parsed.statement {
            Statement::Utility(command) => self.define(command, &source.parsed.locations).map(drop),
            Statement::Sql(_) => Err(Error::internal("DROP SCHEMA is a utility command")),
        }
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
