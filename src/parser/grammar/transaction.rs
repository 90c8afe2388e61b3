//! Transaction control.

use dictdb_types::Result;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{IsolationLevel, Transaction, TransactionMode, Utility};

impl Parser<'_> {
    /// `BEGIN`, `START TRANSACTION`.
    pub(super) fn begin(&mut self) -> Result<Utility> {
        let start = self.advance().keyword == K::Start;
        if start {
            self.expect_word(K::Transaction)?;
        } else {
            self.work_or_transaction();
        }
        let modes = self.optional_transaction_modes()?;
        Ok(Utility::Transaction(Transaction::Begin { start, modes }))
    }

    fn work_or_transaction(&mut self) {
        if self.is_any(&[K::Work, K::Transaction]) {
            self.advance();
        }
    }

    /// `COMMIT`, `END`.
    pub(super) fn commit(&mut self) -> Result<Utility> {
        let commit = self.advance().keyword == K::Commit;
        if commit && self.eat_word(K::Prepared) {
            return Ok(Utility::Transaction(Transaction::CommitPrepared(self.string()?)));
        }
        self.work_or_transaction();
        Ok(Utility::Transaction(Transaction::Commit { chain: self.chain_clause()? }))
    }

    /// `ROLLBACK`, `ABORT`.
    pub(super) fn rollback(&mut self) -> Result<Utility> {
        let rollback = self.advance().keyword == K::Rollback;
        if rollback && self.eat_word(K::Prepared) {
            return Ok(Utility::Transaction(Transaction::RollbackPrepared(self.string()?)));
        }
        self.work_or_transaction();
        if rollback && self.eat_word(K::To) {
            let name = self.savepoint_name()?;
            return Ok(Utility::Transaction(Transaction::RollbackTo(name)));
        }
        Ok(Utility::Transaction(Transaction::Rollback { chain: self.chain_clause()? }))
    }

    /// `[SAVEPOINT] name`; the savepoint may be called `savepoint`.
    fn savepoint_name(&mut self) -> Result<sqlparser::ast::Ident> {
        if self.is_word(K::Savepoint) && self.is_col_id(self.nth(1)) {
            self.advance();
        }
        self.col_id()
    }

    /// `SAVEPOINT name`.
    pub(super) fn savepoint(&mut self) -> Result<Utility> {
        self.advance();
        Ok(Utility::Transaction(Transaction::Savepoint(self.col_id()?)))
    }

    /// `RELEASE [SAVEPOINT] name`.
    pub(super) fn release(&mut self) -> Result<Utility> {
        self.advance();
        Ok(Utility::Transaction(Transaction::Release(self.savepoint_name()?)))
    }

    /// `PREPARE TRANSACTION 'id'`, after `PREPARE`.
    pub(super) fn prepare_transaction(&mut self) -> Result<Utility> {
        self.expect_word(K::Transaction)?;
        Ok(Utility::Transaction(Transaction::Prepare(self.string()?)))
    }

    fn chain_clause(&mut self) -> Result<bool> {
        if !self.eat_word(K::And) {
            return Ok(false);
        }
        let chain = !self.eat_word(K::No);
        self.expect_word(K::Chain)?;
        Ok(chain)
    }

    pub(super) fn optional_transaction_modes(&mut self) -> Result<Vec<TransactionMode>> {
        if !self.is_any(&[K::Isolation, K::Read, K::Deferrable, K::Not]) {
            return Ok(Vec::new());
        }
        self.transaction_modes()
    }

    /// `transaction_mode_list`: separated by commas or nothing.
    pub(super) fn transaction_modes(&mut self) -> Result<Vec<TransactionMode>> {
        let mut modes = vec![self.transaction_mode()?];
        while self.eat(Kind::Comma) || self.is_any(&[K::Isolation, K::Read, K::Deferrable, K::Not]) {
            modes.push(self.transaction_mode()?);
        }
        Ok(modes)
    }

    fn transaction_mode(&mut self) -> Result<TransactionMode> {
        match self.advance_if_any(&[K::Isolation, K::Read, K::Deferrable, K::Not])? {
            K::Isolation => {
                self.expect_word(K::Level)?;
                self.isolation_level().map(TransactionMode::Isolation)
            }
            K::Read => Ok(TransactionMode::ReadOnly(self.advance_if_any(&[K::Only, K::Write])? == K::Only)),
            K::Not => {
                self.expect_word(K::Deferrable)?;
                Ok(TransactionMode::Deferrable(false))
            }
            _ => Ok(TransactionMode::Deferrable(true)),
        }
    }

    fn isolation_level(&mut self) -> Result<IsolationLevel> {
        Ok(match self.advance_if_any(&[K::Serializable, K::Repeatable, K::Read])? {
            K::Serializable => IsolationLevel::Serializable,
            K::Repeatable => {
                self.expect_word(K::Read)?;
                IsolationLevel::RepeatableRead
            }
            _ => match self.advance_if_any(&[K::Uncommitted, K::Committed])? {
                K::Committed => IsolationLevel::ReadCommitted,
                _ => IsolationLevel::ReadUncommitted,
            },
        })
    }
}
