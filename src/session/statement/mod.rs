//! Utility commands that run in the session itself, one family per file; the dispatcher only dispatches.
//!
//! Everything that needs rows goes on to [`crate::pipeline`].

mod alter_database;
mod alter_system;
mod concurrent_index;
mod constraints;
pub(crate) mod current_row;
mod cursor;
mod database;
pub(crate) mod database_locale;
mod database_options;
mod detach;
mod discard;
mod execute;
mod listen;
mod lock;
mod reindex;
mod setting;
mod snapshot;
mod stored_setting;
mod tag;
mod transaction;
mod vacuum;

use std::sync::Arc;

use dictdb_parser::Statement;
use dictdb_parser::utility::{
    AlterExtension, AlterExtensionAction, Backup, Explain, ReindexKind, Transaction, Utility,
};
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::Session;
use crate::client::{Client, Column, Tag};
use crate::persistence::check_may_checkpoint;
use crate::portal::{Outcome, Portal};
use crate::prepared::{Analysis, Source};

pub(crate) use database::is_empty;
pub(crate) use setting::{named_object, transaction_setting};
pub(crate) use tag::command_tag;

use self::detach::detached_concurrently;

/// The transaction command in a statement, if it is one.
pub(crate) fn transaction_of(statement: &Statement) -> Option<&Transaction> {
    match statement {
        Statement::Utility(utility) => match &**utility {
            Utility::Transaction(command) => Some(command),
            _ => None,
        },
        Statement::Sql(_) => None,
    }
}

/// Whether a statement may run in a failed block, because it ends the failure.
pub(crate) fn ends_failed_block(statement: &Statement) -> bool {
    use Transaction::{Commit, Prepare, Rollback, RollbackTo};
    matches!(transaction_of(statement), Some(Commit { .. } | Rollback { .. } | RollbackTo(_) | Prepare(_)))
}

/// Whether a portal of the extended protocol ends its transaction at once instead of waiting for Sync.
pub(crate) fn ends_transaction(statement: &Statement) -> bool {
    transaction_of(statement).is_some() || prevents_block(statement).is_some()
}

/// The command's name when it must not run inside a transaction block.
fn prevents_block(statement: &Statement) -> Option<&'static str> {
    let Statement::Utility(utility) = statement else { return None };
    match &**utility {
        Utility::Vacuum(vacuum) if vacuum.vacuum => Some("VACUUM"),
        Utility::CreateIndex(create) if create.concurrently => Some("CREATE INDEX CONCURRENTLY"),
        Utility::Drop(drop) if drop.concurrently => Some("DROP INDEX CONCURRENTLY"),
        Utility::Reindex(reindex) => match reindex.kind {
            _ if vacuum::is_given(&reindex.options, "concurrently") => Some("REINDEX CONCURRENTLY"),
            ReindexKind::Schema => Some("REINDEX SCHEMA"),
            ReindexKind::Database => Some("REINDEX DATABASE"),
            ReindexKind::System => Some("REINDEX SYSTEM"),
            ReindexKind::Index | ReindexKind::Table => None,
        },
        Utility::AlterTable(alter) if detached_concurrently(alter).is_some() => {
            Some("ALTER TABLE ... DETACH CONCURRENTLY")
        }
        Utility::Cluster(cluster) if cluster.table.is_none() => Some("CLUSTER"),
        Utility::AlterDatabase(alter) => Some(alter_database::name(&alter.action)),
        Utility::CreateDatabase(_) => Some("CREATE DATABASE"),
        Utility::DropDatabase(_) => Some("DROP DATABASE"),
        Utility::Snapshot(command) => Some(snapshot::tag(command)),
        Utility::AlterSystem(_) => Some("ALTER SYSTEM"),
        Utility::CreateTablespace(_) => Some("CREATE TABLESPACE"),
        Utility::DropTablespace(_) => Some("DROP TABLESPACE"),
        Utility::Backup(Backup::ShowAll | Backup::ShowStatus) => None,
        Utility::Backup(command) => Some(crate::backup::tag(command)),
        Utility::Discard(dictdb_parser::utility::Discard::All) => Some("DISCARD ALL"),
        _ => None,
    }
}

impl Session {
    /// Parameter types and result columns of a statement, found without executing it.
    pub(crate) fn analyze(&mut self, source: &Arc<Source>, types: &[Oid]) -> Result<Analysis> {
        let Statement::Utility(utility) = &source.parsed.statement else {
            return self.analyze_query(source);
        };
        let columns = match &**utility {
            Utility::Show(show) => Some(setting::columns(show)),
            Utility::Fetch(fetch) if !fetch.is_move => self.cursor_columns(fetch),
            Utility::Execute(execute) => self.prepared.get(&execute.name.value)?.analysis.columns.clone(),
            Utility::Explain(explain) => return self.analyze_explain(explain, source, types),
            Utility::Call(call) => return self.analyze_call(call, source),
            Utility::Backup(command) => crate::backup::columns(command),
            Utility::DeclareCursor(declare) => {
                let query = source.nested(declare.text.clone(), types)?;
                let params = self.analyze_query(&query)?.params;
                return Ok(Analysis { params, columns: None, failure: None });
            }
            _ => None,
        };
        Ok(Analysis { params: types.into(), columns, failure: None })
    }

    /// EXPLAIN: what it explains is analysed at once, its options when it is executed.
    fn analyze_explain(&mut self, explain: &Explain, source: &Source, types: &[Oid]) -> Result<Analysis> {
        let columns = Some(crate::pipeline::explain_columns(&explain.options));
        let params = match &*explain.statement {
            statement @ Statement::Sql(_) => self.analyze_query(&source.inner(statement.clone()))?.params,
            Statement::Utility(_) => types.into(),
        };
        Ok(Analysis { params, columns, failure: None })
    }

    /// Runs a portal's statement from its beginning.
    pub(crate) async fn run(&mut self, portal: &mut Portal, client: &mut dyn Client) -> Result<Outcome> {
        let Some(source) = &portal.source else { return Ok(Outcome::Done(Tag::new(""))) };
        if matches!(source.parsed.statement, Statement::Sql(_)) && !self.block.modes.read_only {
            if self.may_call_routines() {
                self.lend_output(client);
            }
            return self.execute_query(portal);
        }
        let source = source.clone();
        if let Some(command) = transaction_of(&source.parsed.statement) {
            return self.run_transaction(command).await;
        }
        self.lend_output(client);
        Box::pin(self.run_other(&source, portal, client)).await
    }

    /// Runs what is neither a query nor a transaction command. Its future is large, for it has those of all commands in it, and on
    /// the heap so that the frequent statements need not carry it along.
    async fn run_other(
        &mut self,
        source: &Arc<Source>,
        portal: &mut Portal,
        client: &mut dyn Client,
    ) -> Result<Outcome> {
        let statement = &source.parsed.statement;
        if let Some(command) = prevents_block(statement) {
            self.prevent_transaction(command)?;
        }
        if self.block.modes.read_only
            && let Some(command) = tag::writing_command(statement)
        {
            return Err(read_only(command));
        }
        let Some(tag) = self.watched_tag(source) else { return self.run_utility(source, portal, client).await };
        let outcome = match self.begin_watched(tag) {
            Ok(()) => self.run_utility(source, portal, client).await,
            Err(error) => Err(error),
        };
        let outcome = outcome.and_then(|outcome| self.finish_watched().map(|()| outcome));
        self.end_watched();
        outcome
    }

    /// 25001 for a statement that needs its transaction for itself, inside a block or a function.
    fn prevent_transaction(&self, command: &str) -> Result<()> {
        match self.inside() {
            Some(place) => Err(Error::new(SqlState::ACTIVE_SQL_TRANSACTION, format!("{command} cannot {place}"))),
            None => Ok(()),
        }
    }

    /// Why a statement cannot commit on its own, as messages say it after `cannot`.
    pub(crate) fn inside(&self) -> Option<&'static str> {
        let in_function = || (self.routines.calls.depth > 0).then_some("be executed from a function");
        self.block.inside().or_else(in_function)
    }

    async fn run_utility(
        &mut self,
        source: &Arc<Source>,
        portal: &mut Portal,
        client: &mut dyn Client,
    ) -> Result<Outcome> {
        let statement = &source.parsed.statement;
        let Statement::Utility(utility) = statement else { return self.execute_query(portal) };
        let done = |tag: &'static str| Ok(Outcome::Done(Tag::new(tag)));
        match &**utility {
            Utility::Set(set) => self.run_set(set),
            Utility::Show(show) => self.run_show(show),
            Utility::CreateExtension(create) => self.create_extension(create),
            Utility::AlterExtension(AlterExtension { name, action: AlterExtensionAction::Update(version) }) => {
                self.update_extension(&name.value, version.as_deref())
            }
            Utility::SetConstraints(set) => self.run_set_constraints(set),
            Utility::Discard(discard) => self.run_discard(*discard),
            Utility::Prepare(prepare) => self.run_prepare(prepare, source),
            Utility::Execute(execute) => self.run_execute(execute, portal, client).await,
            Utility::Deallocate(name) => self.run_deallocate(name.as_ref()),
            Utility::DeclareCursor(declare) => self.run_declare(declare, source, portal, client).await,
            Utility::Fetch(fetch) => self.run_fetch(fetch, portal),
            Utility::ClosePortal(name) => self.run_close(name.as_ref()),
            Utility::Listen(channel) => self.run_listen(&channel.value),
            Utility::Unlisten(channel) => self.run_unlisten(channel.as_ref()),
            Utility::Notify(notify) => self.run_notify(notify),
            Utility::Copy(copy) => self.run_copy(copy, source, client).await,
            Utility::Import(import) => self.run_import(import, client).await,
            Utility::Lock(lock) => self.run_lock(lock),
            Utility::Explain(explain) => self.run_explain(explain, portal),
            Utility::CreateDatabase(create) => self.run_create_database(create),
            Utility::AlterDatabase(alter) => self.run_alter_database(alter),
            Utility::DropDatabase(drop) => self.run_drop_database(drop),
            Utility::Snapshot(command) => self.run_snapshot(command),
            Utility::AlterSystem(set) => self.run_alter_system(set),
            Utility::AlterSetting(alter) => self.run_alter_setting(alter),
            Utility::Call(call) => self.run_call(call, portal),
            Utility::Do(block) => self.run_do(block, source),
            Utility::Backup(command) => self.run_backup(command),
            Utility::Load(library) => {
                load(library)?;
                done("LOAD")
            }
            Utility::SecurityLabel(label) => Err(no_provider(label.provider.as_deref())),
            Utility::Unsupported(command) => Err(Error::unsupported(command)),
            Utility::Checkpoint => {
                check_may_checkpoint(self)?;
                self.shared.instance.checkpoint().await?;
                done(command_tag(statement))
            }
            Utility::Vacuum(vacuum) => {
                self.run_vacuum(vacuum)?;
                done(command_tag(statement))
            }
            Utility::Reindex(reindex) => {
                self.check_reindex(reindex)?;
                self.execute_utility(portal).await
            }
            Utility::AlterTable(alter) if detached_concurrently(alter).is_some() => {
                self.detach_concurrently(alter, portal).await
            }
            Utility::CreateIndex(create) if create.concurrently => self.create_index_concurrently(portal).await,
            _ => self.execute_utility(portal).await,
        }
    }
}

fn read_only(command: &str) -> Error {
    Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, format!("cannot execute {command} in a read-only transaction"))
}

/// LOAD: PL/pgSQL is there from the beginning. 58P01 for any other library, of which there are none.
fn load(library: &str) -> Result<()> {
    match library.rsplit('/').next() {
        Some("plpgsql" | "plpgsql.so") => Ok(()),
        _ => Err(Error::new(
            SqlState::UNDEFINED_FILE,
            format!("could not access file \"{library}\": No such file or directory"),
        )),
    }
}

/// SECURITY LABEL: providers are modules that the server loads, and there are none.
fn no_provider(provider: Option<&str>) -> Error {
    let message = match provider {
        Some(provider) => format!("security label provider \"{provider}\" is not loaded"),
        None => "no security label providers have been loaded".to_owned(),
    };
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// A result of one text column.
fn text_column(name: &str) -> Arc<[Column]> {
    [Column::new(name, dictdb_types::oids::TEXT)].into()
}
