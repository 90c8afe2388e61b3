//! `CREATE INDEX CONCURRENTLY`: what is left when it fails.
//!
//! PostgreSQL enters the index and commits before it builds it, so an index that cannot be built stays, invalid. Here it is entered
//! when it has failed: until then nobody could have used it either way.

use dictdb_executor::ddl::ConcurrentIndex;
use dictdb_parser::Statement;
use dictdb_types::{Error, Result};

use crate::Session;
use crate::portal::{Outcome, Portal};
use crate::transaction::Ending;

impl Session {
    /// Makes the index; when building it fails, an invalid one is entered in a transaction of its own.
    pub(super) async fn create_index_concurrently(&mut self, portal: &Portal) -> Result<Outcome> {
        self.concurrent_index = ConcurrentIndex::Announced;
        let made = self.execute_utility(portal).await;
        let begun = std::mem::take(&mut self.concurrent_index) == ConcurrentIndex::Begun;
        let Err(error) = made else { return made };
        if begun && let Err(other) = self.enter_invalid_index(portal).await {
            tracing::warn!("the invalid index of a failed CREATE INDEX CONCURRENTLY could not be entered: {other}");
        }
        Err(error)
    }

    async fn enter_invalid_index(&mut self, portal: &Portal) -> Result<()> {
        let Some(source) = &portal.source else { return Err(Error::internal("a command without text")) };
        let Statement::Utility(command) = &source.parsed.statement else {
            return Err(Error::internal("a query is not a utility command"));
        };
        self.block.abandon();
        self.conclude(Ending::Rollback).await?;
        self.start_statement();
        self.concurrent_index = ConcurrentIndex::Failed;
        self.shared.hush(true);
        let entered = self.define(command, source, &portal.params);
        self.shared.hush(false);
        self.concurrent_index = ConcurrentIndex::Announced;
        entered?;
        self.block.abandon();
        self.conclude(Ending::Commit).await?;
        self.start_statement();
        Ok(())
    }
}
