//! BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their kin.

use dictdb_parser::utility::Transaction;
use dictdb_types::Result;

use crate::Session;
use crate::client::Tag;
use crate::portal::Outcome;
use crate::transaction::Ending;

impl Session {
    pub(super) async fn run_transaction(&mut self, command: &Transaction) -> Result<Outcome> {
        let tag = match command {
            Transaction::Begin { start, modes } => {
                if let Some(warning) = self.block.begin() {
                    self.shared.notice(warning);
                }
                self.block.set_modes(modes)?;
                if *start { "START TRANSACTION" } else { "BEGIN" }
            }
            Transaction::Commit { chain } => {
                if self.end_block(true, *chain).await? == Ending::Commit {
                    "COMMIT"
                } else {
                    "ROLLBACK"
                }
            }
            Transaction::Rollback { chain } => {
                self.end_block(false, *chain).await?;
                "ROLLBACK"
            }
            Transaction::Savepoint(name) => {
                self.push_savepoint(&name.value)?;
                "SAVEPOINT"
            }
            Transaction::Release(name) => {
                self.release_savepoint(&name.value)?;
                "RELEASE"
            }
            Transaction::RollbackTo(name) => {
                self.rollback_to_savepoint(&name.value)?;
                "ROLLBACK"
            }
            Transaction::Prepare(gid) => match self.prepare_transaction(gid).await? {
                Ending::Commit => "PREPARE TRANSACTION",
                _ => "ROLLBACK",
            },
            Transaction::CommitPrepared(gid) => {
                self.end_prepared(gid, true, "COMMIT PREPARED").await?;
                "COMMIT PREPARED"
            }
            Transaction::RollbackPrepared(gid) => {
                self.end_prepared(gid, false, "ROLLBACK PREPARED").await?;
                "ROLLBACK PREPARED"
            }
        };
        Ok(Outcome::Done(Tag::new(tag)))
    }

    async fn end_block(&mut self, commit: bool, chain: bool) -> Result<Ending> {
        let modes = self.block.modes;
        let (ending, warning) = self.block.end(commit, chain)?;
        if let Some(warning) = warning {
            self.shared.notice(warning);
        }
        self.conclude(ending).await?;
        if chain {
            self.block.chain(modes);
        }
        Ok(ending)
    }

    /// PREPARE TRANSACTION: like COMMIT, but that the transaction waits for its second phase. It is rolled back when it cannot be
    /// prepared.
    async fn prepare_transaction(&mut self, gid: &str) -> Result<Ending> {
        // As in PostgreSQL the statements of a query string count, though there is a warning.
        let (ending, warning) = self.block.end(self.block.in_block(), false)?;
        if let Some(warning) = warning {
            self.shared.notice(warning);
        }
        if ending != Ending::Commit {
            self.conclude(ending).await?;
            return Ok(Ending::Rollback);
        }
        let prepared = self.prepare_open(gid);
        match self.leave_prepared(prepared) {
            Ok(ended) => self.wait_durable(ended).await.map(|()| Ending::Commit),
            Err(error) => {
                self.conclude(Ending::Rollback).await?;
                Err(error)
            }
        }
    }

    /// The second phase of a prepared transaction. 25001 in a block.
    async fn end_prepared(&mut self, gid: &str, commit: bool, command: &str) -> Result<()> {
        self.block.prevent_block(command)?;
        let ended = self.finish_prepared(gid, commit)?;
        self.wait_durable(ended).await
    }
}
