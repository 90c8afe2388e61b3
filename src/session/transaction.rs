//! The transaction block: where a session stands between BEGIN and COMMIT.
//!
//! ```text
//!            statement begins              BEGIN
//!   Idle ───────────────────► Single ───────────────► Block ──error──► Failed
//!     ▲                         │ ▲ several statements  ▲  │              │
//!     │                         ▼ │ in one query        │  └── COMMIT ────┤ COMMIT, ROLLBACK
//!     │                      Implicit ────── BEGIN ─────┘      ROLLBACK   │
//!     └───── end of query, Sync, error ──────────────────────────────────◄┘
//! ```
//! `Single` is a transaction around one statement, or around a pipeline until Sync; `Implicit` one around all statements
//! of a query string. The states, and which warning belongs to which step, are those of PostgreSQL's `xact.c`. This module
//! decides; [`crate::Session`] does what follows in settings, portals, channels and storage.

use std::sync::Arc;

use dictdb_executor::ddl::Position;
use dictdb_executor::modify::QueuePosition;
use dictdb_parser::utility::{IsolationLevel, TransactionMode};
use dictdb_storage::SavepointId;
use dictdb_types::{Error, Result, Severity, SqlState};

use crate::clock;
use crate::settings::Settings;

/// What ReadyForQuery says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `I`.
    Idle,
    /// `T`.
    InTransaction,
    /// `E`.
    Failed,
}

/// Where the block stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No transaction.
    #[default]
    Idle,
    /// One statement, or a pipeline.
    Single,
    /// The statements of one query string.
    Implicit,
    /// BEGIN was executed.
    Block,
    /// A statement of the block failed.
    Failed,
}

/// Characteristics of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    /// Isolation level.
    pub isolation: IsolationLevel,
    /// `READ ONLY`.
    pub read_only: bool,
    /// `DEFERRABLE`.
    pub deferrable: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Modes { isolation: IsolationLevel::ReadCommitted, read_only: false, deferrable: false }
    }
}

/// Spelling of an isolation level in settings.
pub(crate) fn isolation_name(level: IsolationLevel) -> &'static str {
    match level {
        IsolationLevel::ReadUncommitted => "read uncommitted",
        IsolationLevel::ReadCommitted => "read committed",
        IsolationLevel::RepeatableRead => "repeatable read",
        IsolationLevel::Serializable => "serializable",
    }
}

/// The isolation level of that spelling.
pub(crate) fn isolation_named(name: &str) -> Option<IsolationLevel> {
    use IsolationLevel::{ReadCommitted, ReadUncommitted, RepeatableRead, Serializable};
    let levels = [ReadUncommitted, ReadCommitted, RepeatableRead, Serializable];
    levels.into_iter().find(|level| isolation_name(*level).eq_ignore_ascii_case(name))
}

impl Modes {
    /// `default_transaction_isolation` and its kin.
    pub(crate) fn from_settings(settings: &Settings) -> Modes {
        Modes {
            isolation: isolation_named(&settings.text("default_transaction_isolation"))
                .unwrap_or(IsolationLevel::ReadCommitted),
            read_only: settings.bool("default_transaction_read_only"),
            deferrable: settings.bool("default_transaction_deferrable"),
        }
    }
}

/// A savepoint.
#[derive(Clone, Debug)]
pub(crate) struct Savepoint {
    /// Its name.
    pub name: Arc<str>,
    /// Notifications pending when it was set.
    pub notifications: (usize, usize),
    /// What was defined when it was set.
    pub definitions: Position,
    /// The savepoint in storage, once the transaction has begun there.
    pub storage: Option<SavepointId>,
    /// Deferred constraints when it was set.
    pub constraints: QueuePosition,
    /// Modes when it was set.
    pub modes: Modes,
}

/// The block and the open transaction's own state.
#[derive(Debug, Default)]
pub(crate) struct TransactionBlock {
    phase: Phase,
    /// Characteristics of the open transaction.
    pub modes: Modes,
    /// Whether the transaction has taken a snapshot: its modes are fixed.
    pub snapshot_taken: bool,
    /// Whether a statement of the pipeline has run since the last Sync.
    pub pipelined: bool,
    /// `transaction_timestamp()`.
    pub started: i64,
    /// Savepoints, outermost first.
    pub savepoints: Vec<Savepoint>,
}

/// What the session must do with the open transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing; the transaction goes on.
    None,
    /// Commit it.
    Commit,
    /// Roll it back.
    Rollback,
}

impl TransactionBlock {
    pub(crate) fn status(&self) -> Status {
        match self.phase {
            Phase::Idle | Phase::Single | Phase::Implicit => Status::Idle,
            Phase::Block => Status::InTransaction,
            Phase::Failed => Status::Failed,
        }
    }

    /// Whether a transaction is open at all.
    pub(crate) fn is_open(&self) -> bool {
        self.phase != Phase::Idle
    }

    /// Whether statements run inside a block that the user or a query string opened.
    pub(crate) fn in_block(&self) -> bool {
        matches!(self.phase, Phase::Implicit | Phase::Block | Phase::Failed)
    }

    /// A statement begins: opens a transaction with these modes if none is open.
    pub(crate) fn start_statement(&mut self, modes: Modes, now: i64) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Single;
            self.begin_transaction(modes, now);
        }
    }

    fn begin_transaction(&mut self, modes: Modes, now: i64) {
        self.modes = modes;
        self.snapshot_taken = false;
        self.savepoints.clear();
        self.started = now;
    }

    /// Several statements of a query string share their transaction.
    pub(crate) fn begin_implicit(&mut self) {
        if self.phase == Phase::Single {
            self.phase = Phase::Implicit;
        }
    }

    /// The statement, or the last of its query string, is done: what becomes of the transaction.
    pub(crate) fn finish(&mut self) -> Ending {
        match self.phase {
            Phase::Single | Phase::Implicit => {
                self.phase = Phase::Idle;
                Ending::Commit
            }
            _ => Ending::None,
        }
    }

    /// BEGIN. A warning when a block is open already.
    pub(crate) fn begin(&mut self) -> Option<Error> {
        match self.phase {
            Phase::Block => {
                Some(warning(SqlState::ACTIVE_SQL_TRANSACTION, "there is already a transaction in progress"))
            }
            _ => {
                self.phase = Phase::Block;
                None
            }
        }
    }

    /// COMMIT or ROLLBACK. `chain` keeps a block open with the same modes; outside a block it is 25P01.
    pub(crate) fn end(&mut self, commit: bool, chain: bool) -> Result<(Ending, Option<Error>)> {
        let in_block = matches!(self.phase, Phase::Block | Phase::Failed);
        if !in_block {
            if chain {
                let statement = if commit { "COMMIT AND CHAIN" } else { "ROLLBACK AND CHAIN" };
                return Err(only_in_block(statement));
            }
            self.phase = Phase::Idle;
            let ending = if commit { Ending::Commit } else { Ending::Rollback };
            return Ok((
                ending,
                Some(warning(SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress")),
            ));
        }
        let ending = if commit && self.phase == Phase::Block { Ending::Commit } else { Ending::Rollback };
        self.phase = Phase::Idle;
        Ok((ending, None))
    }

    /// `AND CHAIN`: the next transaction begins with the modes of the last one.
    pub(crate) fn chain(&mut self, modes: Modes) {
        self.phase = Phase::Block;
        self.begin_transaction(modes, clock::now_micros());
    }

    /// A statement failed: what becomes of the transaction. In a block the innermost savepoint's work goes at once, or all.
    pub(crate) fn fail(&mut self) -> Ending {
        match self.phase {
            Phase::Idle => Ending::None,
            Phase::Single | Phase::Implicit => {
                self.phase = Phase::Idle;
                Ending::Rollback
            }
            Phase::Block => {
                self.phase = Phase::Failed;
                Ending::None
            }
            Phase::Failed => Ending::None,
        }
    }

    /// The transaction could not be committed: there is none any more.
    pub(crate) fn abandon(&mut self) {
        self.phase = Phase::Idle;
    }

    /// 25P01 unless a block is open.
    pub(crate) fn require_block(&self, statement: &str) -> Result<()> {
        match self.phase {
            Phase::Block | Phase::Failed => Ok(()),
            _ => Err(only_in_block(statement)),
        }
    }

    /// 25001 inside a block or pipeline, for statements that commit in between.
    pub(crate) fn prevent_block(&self, statement: &str) -> Result<()> {
        match self.inside() {
            Some(place) => Err(Error::new(SqlState::ACTIVE_SQL_TRANSACTION, format!("{statement} cannot {place}"))),
            None => Ok(()),
        }
    }

    /// Why a statement cannot commit on its own, as messages say it after `cannot`.
    pub(crate) fn inside(&self) -> Option<&'static str> {
        match self.phase {
            Phase::Implicit | Phase::Block | Phase::Failed => Some("run inside a transaction block"),
            Phase::Single if self.pipelined => Some("be executed within a pipeline"),
            _ => None,
        }
    }

    /// Position of the innermost savepoint of that name; 3B001 when there is none.
    pub(crate) fn find_savepoint(&self, name: &str) -> Result<usize> {
        self.savepoints.iter().rposition(|savepoint| &*savepoint.name == name).ok_or_else(|| {
            Error::new(SqlState::S_E_INVALID_SPECIFICATION, format!("savepoint \"{name}\" does not exist"))
        })
    }

    /// ROLLBACK TO revives a failed block.
    pub(crate) fn revive(&mut self) {
        if self.phase == Phase::Failed {
            self.phase = Phase::Block;
        }
    }

    /// Changes the modes of the open transaction, as BEGIN and SET TRANSACTION do. 25001 when it is too late.
    pub(crate) fn set_modes(&mut self, modes: &[TransactionMode]) -> Result<()> {
        for mode in modes {
            match *mode {
                TransactionMode::Isolation(level) => self.set_isolation(level)?,
                TransactionMode::ReadOnly(read_only) => self.set_read_only(read_only)?,
                TransactionMode::Deferrable(deferrable) => self.set_deferrable(deferrable)?,
            }
        }
        Ok(())
    }

    pub(crate) fn set_isolation(&mut self, level: IsolationLevel) -> Result<()> {
        if level == self.modes.isolation {
            return Ok(());
        }
        if self.snapshot_taken {
            return Err(too_late("SET TRANSACTION ISOLATION LEVEL must be called before any query"));
        }
        if !self.savepoints.is_empty() {
            return Err(too_late("SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction"));
        }
        self.modes.isolation = level;
        Ok(())
    }

    pub(crate) fn set_read_only(&mut self, read_only: bool) -> Result<()> {
        if !read_only && self.modes.read_only {
            if !self.savepoints.is_empty() {
                return Err(too_late("cannot set transaction read-write mode inside a read-only transaction"));
            }
            if self.snapshot_taken {
                return Err(too_late("transaction read-write mode must be set before any query"));
            }
        }
        self.modes.read_only = read_only;
        Ok(())
    }

    pub(crate) fn set_deferrable(&mut self, deferrable: bool) -> Result<()> {
        if !self.savepoints.is_empty() {
            return Err(too_late("SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction"));
        }
        if self.snapshot_taken {
            return Err(too_late("SET TRANSACTION [NOT] DEFERRABLE must be called before any query"));
        }
        self.modes.deferrable = deferrable;
        Ok(())
    }
}

/// A warning for the client.
pub(crate) fn warning(code: SqlState, message: &str) -> Error {
    Error::with_severity(Severity::Warning, code, message)
}

/// `… can only be used in transaction blocks` as an error.
fn only_in_block(statement: &str) -> Error {
    Error::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, format!("{statement} can only be used in transaction blocks"))
}

fn too_late(message: &str) -> Error {
    Error::new(SqlState::ACTIVE_SQL_TRANSACTION, message)
}

/// 25P02.
pub(crate) fn aborted() -> Error {
    Error::new(
        SqlState::IN_FAILED_SQL_TRANSACTION,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> TransactionBlock {
        let mut block = TransactionBlock::default();
        block.start_statement(Modes::default(), 0);
        block
    }

    #[test]
    fn a_single_statement_commits_at_its_end() {
        let mut block = started();
        assert_eq!(block.finish(), Ending::Commit);
        assert_eq!(block.status(), Status::Idle);
    }

    #[test]
    fn begin_takes_over_what_ran_before_it() {
        let mut block = started();
        block.begin_implicit();
        assert!(block.begin().is_none());
        assert_eq!(block.finish(), Ending::None);
        assert_eq!(block.begin().unwrap().code(), SqlState::ACTIVE_SQL_TRANSACTION);
        assert_eq!(block.end(true, false).unwrap().0, Ending::Commit);
    }

    #[test]
    fn a_failed_block_rolls_back_even_on_commit() {
        let mut block = started();
        block.begin();
        assert_eq!(block.fail(), Ending::None);
        assert_eq!(block.status(), Status::Failed);
        assert_eq!(block.end(true, false).unwrap().0, Ending::Rollback);
    }

    #[test]
    fn commit_without_a_block_warns_and_commits() {
        let mut block = started();
        let (ending, warning) = block.end(true, false).unwrap();
        assert_eq!(ending, Ending::Commit);
        assert_eq!(warning.unwrap().message(), "there is no transaction in progress");
        assert!(started().end(false, true).is_err());
    }

    #[test]
    fn modes_are_fixed_by_the_first_snapshot() {
        let mut block = started();
        block.begin();
        block.set_modes(&[TransactionMode::Isolation(IsolationLevel::Serializable)]).unwrap();
        block.set_modes(&[TransactionMode::ReadOnly(true)]).unwrap();
        block.snapshot_taken = true;
        let error = block.set_modes(&[TransactionMode::ReadOnly(false)]).unwrap_err();
        assert_eq!(error.message(), "transaction read-write mode must be set before any query");
        assert!(block.set_modes(&[TransactionMode::Isolation(IsolationLevel::Serializable)]).is_ok());
        assert!(block.set_modes(&[TransactionMode::Isolation(IsolationLevel::ReadCommitted)]).is_err());
    }

    #[test]
    fn some_statements_want_no_block() {
        let mut block = started();
        assert!(block.prevent_block("VACUUM").is_ok());
        block.pipelined = true;
        assert_eq!(block.prevent_block("VACUUM").unwrap_err().message(), "VACUUM cannot be executed within a pipeline");
        block.begin();
        assert_eq!(
            block.prevent_block("VACUUM").unwrap_err().message(),
            "VACUUM cannot run inside a transaction block"
        );
    }
}
