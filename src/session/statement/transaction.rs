//! BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their kin.

use dictdb_parser::utility::Transaction;
use dictdb_types::{Error, Result, SqlState};

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
            Transaction::Prepare(_) => return self.prepare_transaction().await,
            Transaction::CommitPrepared(name) | Transaction::RollbackPrepared(name) => {
                let message = format!("prepared transaction with identifier \"{name}\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
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

    /// Two-phase commit is off, as in PostgreSQL's default configuration: the transaction is rolled back.
    async fn prepare_transaction(&mut self) -> Result<Outcome> {
        self.block.require_block("PREPARE TRANSACTION")?;
        let failed = self.block.status() == crate::Status::Failed;
        let (ending, _) = self.block.end(false, false)?;
        self.conclude(ending).await?;
        if failed {
            return Ok(Outcome::Done(Tag::new("ROLLBACK")));
        }
        let error = Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "prepared transactions are disabled");
        Err(error.hint("Set max_prepared_transactions to a nonzero value."))
    }
}
