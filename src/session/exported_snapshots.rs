//! Snapshots that sessions have exported (`pg_export_snapshot`), by name, until their transactions end.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use dictdb_parser::utility::IsolationLevel;
use dictdb_storage::{Isolation, Transaction};
use dictdb_types::{Error, Oid, Result, SqlState};
use parking_lot::Mutex;

use crate::transaction::warning;
use crate::{Session, Shared};

/// All of them.
#[derive(Default)]
pub(crate) struct ExportedSnapshots(Mutex<Names>);

#[derive(Default)]
struct Names {
    by_name: HashMap<Arc<str>, Exported>,
    /// How many there have been.
    count: u32,
}

#[derive(Clone)]
struct Exported {
    transaction: Weak<Transaction>,
    /// Which of those that the transaction has exported.
    number: usize,
    database: Oid,
}

impl ExportedSnapshots {
    fn find(&self, name: &str) -> Option<(Exported, Arc<Transaction>)> {
        let exported = self.0.lock().by_name.get(name).cloned()?;
        let transaction = exported.transaction.upgrade().filter(|transaction| !transaction.is_finished())?;
        Some((exported, transaction))
    }
}

impl Shared {
    /// The name under which others find the transaction's snapshot.
    pub(crate) fn export_snapshot(&self, transaction: &Arc<Transaction>) -> Result<Arc<str>> {
        let number = transaction.export_snapshot()?;
        let mut all = self.instance.snapshots.0.lock();
        all.by_name.retain(|_, exported| exported.transaction.strong_count() > 0);
        all.count += 1;
        let name: Arc<str> = format!("{:08X}-{:08X}-{}", self.backend.pid, all.count, number + 1).into();
        let exported = Exported { transaction: Arc::downgrade(transaction), number, database: self.database.oid };
        all.by_name.insert(name.clone(), exported);
        Ok(name)
    }
}

impl Session {
    /// SET TRANSACTION SNAPSHOT. 25001 after the first query, 22023 for a snapshot that does not exist or does not fit.
    pub(crate) fn import_snapshot(&mut self, name: &str) -> Result<()> {
        if !self.in_block() {
            let message = "SET TRANSACTION can only be used in transaction blocks";
            self.shared.notice(warning(SqlState::NO_ACTIVE_SQL_TRANSACTION, message));
        }
        let invalid = |message: &str| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message.to_owned()));
        if self.block.snapshot_taken || !self.block.savepoints.is_empty() {
            let message = "SET TRANSACTION SNAPSHOT must be called before any query";
            return Err(Error::new(SqlState::ACTIVE_SQL_TRANSACTION, message));
        }
        let modes = self.block.modes;
        let serializable = modes.isolation == IsolationLevel::Serializable;
        if !serializable && modes.isolation != IsolationLevel::RepeatableRead {
            let message =
                "a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ".to_owned();
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let instance = self.shared.instance.clone();
        let Some((exported, other)) = instance.snapshots.find(name) else {
            let message = format!("invalid snapshot identifier: \"{name}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        };
        if serializable && other.isolation() != Isolation::Serializable {
            return invalid("a serializable transaction cannot import a snapshot from a non-serializable transaction");
        }
        if serializable && other.is_read_only() && !modes.read_only {
            return invalid(
                "a non-read-only serializable transaction cannot import a snapshot from a read-only transaction",
            );
        }
        if exported.database != self.shared.database.oid {
            return invalid("cannot import a snapshot from a different database");
        }
        let own = self.transaction()?;
        own.import_snapshot(&other, exported.number);
        self.block.snapshot_taken = true;
        Ok(())
    }
}
