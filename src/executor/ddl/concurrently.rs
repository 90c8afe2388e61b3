//! What is done to indexes while others use their tables: CONCURRENTLY, and REINDEX, for which readers of a table count as
//! readers of its indexes.
//!
//! As in PostgreSQL such a statement holds a lock that lets others read and write, and waits until everybody has gone who began
//! before. An index is built in memory and in one go: for so long writers are kept out, but nobody has to stand in line behind a
//! statement that only waits for others.

use dictdb_storage::{LockMode, WaitPolicy};
use dictdb_types::{Oid, Result};

use super::DdlContext;

/// How far CREATE INDEX CONCURRENTLY has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConcurrentIndex {
    /// Nothing of the index is left when it fails.
    #[default]
    Announced,
    /// The index is being built: when that fails, an invalid one is left.
    Begun,
    /// That has failed, and the statement is run to enter the invalid index.
    Failed,
}

/// How often writers may come in between before the next ones have to wait.
const ATTEMPTS: usize = 100;

impl DdlContext<'_> {
    /// Waits until those have ended who hold the relation in a mode that conflicts with this one. 55P03, 40P01, 57014.
    pub(super) fn wait_for_lockers(&mut self, relation: Oid, mode: LockMode) -> Result<()> {
        let lock = self.storage.relation_lock(self.database, relation);
        self.transaction.wait_for_lockers(&lock, mode, &self.wait)
    }

    /// Waits until nobody is left who may use an index that goes: those who are there, and those who came meanwhile, as PostgreSQL does
    /// before it takes an index as dead and before it drops it.
    pub(super) fn wait_for_index_users(&mut self, table: Oid) -> Result<()> {
        self.wait_for_lockers(table, LockMode::AccessExclusive)?;
        self.wait_for_lockers(table, LockMode::AccessExclusive)
    }

    /// Likewise, those who read or write rows of the relation.
    pub(super) fn wait_for_users(&mut self, relation: Oid) -> Result<()> {
        let lock = self.storage.relation_lock(self.database, relation);
        self.transaction.wait_for_users(&lock, &self.wait)
    }

    /// Waits until all have gone who might see rows of before, as an index that was built meanwhile lacks in PostgreSQL.
    pub(super) fn wait_for_older_snapshots(&mut self) -> Result<()> {
        self.transaction.wait_for_older_snapshots(&self.wait)
    }

    /// Builds something under a lock that keeps writers out, taken in a moment in which nobody is in the way; while there is none,
    /// nobody waits because of this.
    pub(super) fn while_locked<T>(
        &mut self,
        relation: Oid,
        mode: LockMode,
        build: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let lock = self.storage.relation_lock(self.database, relation);
        let mut is_free = false;
        for _ in 0..ATTEMPTS {
            self.transaction.wait_for_lockers(&lock, mode, &self.wait)?;
            is_free = self.transaction.lock_relation(&lock, mode, WaitPolicy::Skip, &self.wait)?;
            if is_free {
                break;
            }
        }
        if !is_free {
            self.transaction.lock_relation(&lock, mode, WaitPolicy::Block, &self.wait)?;
        }
        self.check_unchanged([relation])?;
        let built = build(self)?;
        self.transaction.unlock_relation(&lock, mode);
        Ok(built)
    }
}
