//! How a statement's transaction begins and how it ends: what follows in storage, catalog, settings, channels and portals from what
//! the [transaction block](crate::transaction) decided.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use dictdb_catalog::CatalogTransaction;
use dictdb_executor::modify::ConstraintQueue;
use dictdb_storage::{Accompaniment, Isolation};
use dictdb_types::Result;

use super::Session;
use crate::notifications::Pending;
use crate::persistence::Ended;
use crate::transaction::{Ending, Status};

impl Session {
    /// Whether a statement is one of several in its transaction: inside a block, or of a function.
    pub(crate) fn in_block(&self) -> bool {
        self.block.in_block() || self.routines.calls.depth > 0
    }

    /// Opens a transaction if none is open.
    pub(crate) fn start_statement(&mut self) {
        if !self.block.is_open() {
            self.shared.backend.interrupts.end_reset();
            let modes = self.derived().transaction_modes;
            self.block.start_statement(modes, self.statement_timestamp);
        }
    }

    /// A statement or query string is done: outside a block its transaction is committed.
    pub(crate) async fn finish_statement(&mut self) -> Result<()> {
        let ending = self.block.finish();
        self.conclude(ending).await
    }

    /// Ends the transaction as [`TransactionBlock`] decided. A commit that fails has rolled back.
    pub(crate) async fn conclude(&mut self, ending: Ending) -> Result<()> {
        match ending {
            Ending::None => {
                self.settle().await;
                Ok(())
            }
            Ending::Rollback => {
                self.shared.backend.meters.rolled_back();
                self.rollback_transaction();
                Ok(())
            }
            Ending::Commit => match self.commit_transaction() {
                Ok(ended) => self.wait_durable(ended).await,
                Err(error) => {
                    self.block.abandon();
                    self.shared.backend.meters.rolled_back();
                    self.rollback_transaction();
                    Err(error)
                }
            },
        }
    }

    /// Commits what the session does on its own account.
    pub(crate) fn commit_quietly(&mut self) -> Result<()> {
        self.block.abandon();
        self.commit_transaction().map(drop)
    }

    fn commit_transaction(&mut self) -> Result<Ended> {
        self.check_deferred()?;
        self.hold_cursors()?;
        self.end_temporary_tables()?;
        let pending = self.take_pending()?;
        // Streams hold snapshots of the transaction.
        self.portals.retain(|portal| portal.is_held());
        for (database, attributes) in std::mem::take(&mut self.altered_databases) {
            self.shared.instance.alter_database(database, None, attributes)?;
        }
        let ended = self.commit_storage()?;
        self.definitions.changes.committed(&self.shared.instance.storage);
        self.settle_settings();
        if let Some(pending) = pending {
            for action in pending.actions() {
                self.change_channels(action);
            }
            self.shared.instance.hub.deliver(&self.shared.database.name, pending.sent());
        }
        self.end_transaction();
        self.shared.backend.meters.committed();
        Ok(ended.and(self.shared.take_drawn()))
    }

    /// What SET said stays.
    fn settle_settings(&mut self) {
        if self.shared.settings_generation() != self.settled_settings || !self.block.savepoints.is_empty() {
            let mut settings = self.shared.settings.lock();
            settings.commit();
            self.settled_settings = settings.generation();
        }
    }

    /// The session goes on without the transaction that it has prepared.
    pub(crate) fn leave_prepared(&mut self, prepared: Result<Ended>) -> Result<Ended> {
        let ended = prepared?;
        self.settle_settings();
        self.end_transaction();
        Ok(ended.and(self.shared.take_drawn()))
    }

    /// Commits rows and catalog as one.
    fn commit_storage(&mut self) -> Result<Ended> {
        let is_promised = self.derived().synchronous_commit;
        let transaction = self.transaction.take();
        if !self.definitions.catalog.is_changed() {
            let committed = transaction.map(|transaction| transaction.commit_with(None, is_promised)).transpose()?;
            return Ok(Ended { lsn: committed.and_then(|committed| committed.lsn), is_promised });
        }
        let (instance, database) = (&self.shared.instance, &self.shared.database);
        let changes = self.definitions.catalog.changes();
        let attachment = instance.attachment(database, changes);
        let transaction = transaction.unwrap_or_else(|| Arc::new(self.storage.begin(Isolation::ReadCommitted)));
        let interrupts = &self.shared.backend.interrupts;
        let mut publish = || {
            if interrupts.is_reset() {
                return Err(dictdb_storage::database_reset());
            }
            database.catalog.commit(changes)?;
            instance.share_roles(changes, database.oid)
        };
        let with = Accompaniment { attachment: &attachment, publish: &mut publish };
        let committed = transaction.commit_with(Some(with), is_promised)?;
        Ok(Ended { lsn: committed.lsn, is_promised })
    }

    /// What the transaction does to channels, if anything; 54000 when there is no room for its notifications.
    fn take_pending(&self) -> Result<Option<Pending>> {
        let mut pending = self.shared.pending.lock();
        if pending.is_empty() {
            return Ok(None);
        }
        let pending = std::mem::take(&mut *pending);
        self.shared.instance.hub.check_room(pending.sent())?;
        Ok(Some(pending))
    }

    pub(super) fn rollback_transaction(&mut self) {
        self.portals.retain(|portal| portal.is_held());
        if let Some(transaction) = self.transaction.take() {
            transaction.rollback();
        }
        self.definitions.changes.rolled_back(&self.shared.instance.storage);
        *self.shared.pending.lock() = Pending::default();
        self.shared.drawn.store(0, Ordering::Relaxed);
        let mut settings = self.shared.settings.lock();
        settings.rollback();
        self.settled_settings = settings.generation();
        drop(settings);
        self.end_transaction();
    }

    fn end_transaction(&mut self) {
        self.owes_reset = false;
        self.altered_databases.clear();
        if self.definitions.catalog.is_changed() {
            self.definitions.catalog = CatalogTransaction::default();
            self.catalog_epoch = self.shared.instance.new_epoch();
        }
        // A portal that was dropped, or a statement that failed, may have left something in it.
        if Arc::get_mut(&mut self.constraints).is_none_or(ConstraintQueue::is_touched) {
            self.constraints = Arc::default();
        }
        self.block.savepoints.clear();
        self.block.pipelined = false;
        self.large_objects.close_all();
        self.hand_over_counts();
    }

    /// A statement failed: the transaction, or the innermost savepoint's part of it, is taken back.
    pub(crate) fn fail(&mut self) {
        let was_block = self.block.status() == Status::InTransaction;
        if self.shared.backend.interrupts.is_reset() {
            // No part of it can go on.
            self.block.savepoints.clear();
        }
        match self.block.fail() {
            Ending::Rollback => {
                self.shared.backend.meters.rolled_back();
                self.rollback_transaction();
            }
            _ if was_block => self.fail_block(),
            _ => {}
        }
        self.shared.backend.interrupts.end_reset();
    }

    /// The block has failed. What its innermost savepoint covers is undone at once, everything when there is none, so that
    /// others need not wait for the client's ROLLBACK.
    fn fail_block(&mut self) {
        let depth = self.block.savepoints.len();
        // They stay until the client ends the block or takes it back to before them.
        for portal in self.portals.iter_mut().filter(|portal| !portal.is_held() && portal.depth >= depth) {
            portal.fail();
        }
        self.large_objects.close_from(depth);
        let mut settings = self.shared.settings.lock();
        match depth.checked_sub(1) {
            Some(innermost) => settings.rollback_to_savepoint(innermost),
            None => settings.rollback(),
        }
        drop(settings);
        if let Some(transaction) = &self.transaction {
            match self.block.savepoints.last().and_then(|savepoint| savepoint.storage) {
                // A savepoint that storage does not know is one it has rolled back to already.
                Some(savepoint) => drop(transaction.rollback_to(savepoint)),
                None => transaction.rollback(),
            }
        }
        self.catalog_epoch = self.shared.instance.new_epoch();
        let position = self.block.savepoints.last().map(|savepoint| savepoint.definitions).unwrap_or_default();
        self.definitions.rollback_to(&position, &self.shared.instance.storage);
    }
}
