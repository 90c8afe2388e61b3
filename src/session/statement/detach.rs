//! `ALTER TABLE … DETACH PARTITION … CONCURRENTLY`: two transactions, and the wait between them.

use std::sync::Arc;

use dictdb_parser::Statement;
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{AlterTable, AlterTableAction, Detach};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::Session;
use crate::portal::{Outcome, Portal};
use crate::prepared::Source;
use crate::transaction::Ending;

/// The partition that a statement detaches concurrently, if it does.
pub(super) fn detached_concurrently(alter: &AlterTable) -> Option<&ObjectName> {
    alter.actions.iter().find_map(|action| match action {
        AlterTableAction::DetachPartition(name, Detach::Concurrently) => Some(name),
        _ => None,
    })
}

impl Session {
    /// Takes the partition out of sight, commits, waits until nobody uses the table who might have seen it there, and makes it a
    /// table of its own. What fails after the commit FINALIZE can bring to its end.
    pub(super) async fn detach_concurrently(&mut self, alter: &AlterTable, portal: &mut Portal) -> Result<Outcome> {
        let outcome = self.execute_utility(portal).await?;
        let Some(written) = detached_concurrently(alter) else { return Ok(outcome) };
        let (table, partition) = (self.find_relation(&alter.table.name)?.oid, self.find_relation(written)?.oid);
        self.block.abandon();
        self.conclude(Ending::Commit).await?;
        self.start_statement();
        self.wait_for_users_of(table)?;
        let env = self.env();
        let name = |oid: Oid| {
            let relation = env.catalog.relation(oid)?;
            let schema = env.catalog.schema(relation.namespace)?;
            Some(dictdb_types::quote_qualified(&schema.name, &relation.name))
        };
        let gone = |message: String| Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
        let (Some(table), Some(named)) = (name(table), name(partition)) else {
            let (what, which) = match env.catalog.relation(partition) {
                Some(_) => ("partitioned table", &alter.table.name),
                None => ("partition", written),
            };
            return Err(gone(format!("{what} \"{which}\" was removed concurrently")));
        };
        let sql = format!("ALTER TABLE {table} DETACH PARTITION {named} FINALIZE");
        let second = Source::parse(&sql)?;
        let Statement::Utility(command) = &second.parsed.statement else {
            return Err(Error::internal("a definition that is a query"));
        };
        self.define(command, &second, &Arc::default())?;
        Ok(outcome)
    }

    /// Waits until all have gone who use a table now, whatever they do with it. 40P01, 57014.
    fn wait_for_users_of(&mut self, table: Oid) -> Result<()> {
        let transaction = self.transaction()?;
        let wait = self.wait_options();
        let lock = self.shared.instance.storage.relation_lock(self.shared.database.oid, table);
        tokio::task::block_in_place(|| transaction.wait_for_lockers(&lock, LockMode::AccessExclusive, &wait))
    }
}
