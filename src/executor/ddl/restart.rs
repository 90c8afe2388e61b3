//! Statements begin again when a relation has changed while they waited for its lock.
//!
//! PostgreSQL looks a name up again after it got the lock, because meanwhile the name may mean something else or nothing
//! (`RangeVarGetRelidExtended`). Here a statement may have looked at more than the name before it locks. So it is undone and run
//! once more, under the locks it has by now; what it finds then stays as it is.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Relation};
use dictdb_storage::{LockMode, SavepointId, WaitPolicy};
use dictdb_types::{Error, Oid, Result};

use super::concurrently::ConcurrentIndex;
use super::{DdlContext, Position};

/// What is committed when a statement begins, and whether it has to begin again.
#[derive(Default)]
pub struct Attempt {
    committed: Option<Arc<Catalog>>,
    is_stale: bool,
}

/// Where a statement began.
struct Beginning {
    definitions: Position,
    notices: usize,
    rows: SavepointId,
}

impl DdlContext<'_> {
    /// Runs a statement until no relation it locks has changed since it began.
    pub(super) fn until_settled<T>(&mut self, mut run: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        loop {
            let outer = self.attempt.committed.replace(self.store.current());
            let beginning = Beginning {
                definitions: self.own.lock().position(),
                notices: self.notices.len(),
                rows: self.transaction.savepoint(),
            };
            let done = run(self);
            // A statement inside another one is not the one to begin again.
            let is_stale = self.attempt.is_stale && outer.is_none();
            self.attempt.committed = outer;
            if !is_stale {
                self.transaction.release(beginning.rows)?;
                return done;
            }
            self.attempt.is_stale = false;
            self.undo(&beginning)?;
        }
    }

    fn undo(&mut self, beginning: &Beginning) -> Result<()> {
        self.transaction.undo_to(beginning.rows)?;
        self.transaction.release(beginning.rows)?;
        self.own.lock().rollback_to(&beginning.definitions, self.storage);
        self.notices.truncate(beginning.notices);
        self.made_routine = None;
        if self.concurrent_index == ConcurrentIndex::Begun {
            self.concurrent_index = ConcurrentIndex::Announced;
        }
        Ok(())
    }

    /// Locks a relation. When it has changed since the statement began, the statement begins again: the error that is
    /// returned then goes no further than [`DdlContext::until_settled`].
    pub(super) fn lock(&mut self, relation: Oid, mode: LockMode) -> Result<()> {
        let lock = self.storage.relation_lock(self.database, relation);
        self.transaction.lock_relation(&lock, mode, WaitPolicy::Block, &self.wait)?;
        self.own.lock().in_use.push(relation);
        self.check_unchanged([relation])
    }

    /// Has the statement begin again if one of these relations, which are locked now, has changed since it began.
    pub(super) fn check_unchanged(&mut self, relations: impl IntoIterator<Item = Oid>) -> Result<()> {
        let Some(then) = &self.attempt.committed else { return Ok(()) };
        if then.version() == self.store.version() {
            return Ok(());
        }
        let (then, now, own) = (then.clone(), self.store.current(), self.view());
        // What was neither there then nor is now is the transaction's own, or came and went in between.
        let is_same = |oid: Oid| same(then.relation(oid), now.relation(oid)) && own.relation(oid).is_some();
        if relations.into_iter().all(is_same) { Ok(()) } else { Err(self.begin_again()) }
    }

    /// Whether anything at all was committed to the catalog since the statement began.
    pub(super) fn is_outdated(&self) -> bool {
        self.attempt.committed.as_ref().is_some_and(|then| then.version() != self.store.version())
    }

    /// The error that has the statement begin again.
    pub(super) fn begin_again(&mut self) -> Error {
        self.attempt.is_stale = true;
        Error::internal("a relation has changed while its lock was waited for")
    }
}

fn same(then: Option<&Arc<Relation>>, now: Option<&Arc<Relation>>) -> bool {
    match (then, now) {
        (Some(then), Some(now)) => Arc::ptr_eq(then, now),
        (None, None) => true,
        _ => false,
    }
}
