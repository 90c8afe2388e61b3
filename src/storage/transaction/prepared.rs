//! Two-phase commit: a transaction that has done everything but commit, and waits for the word without its session.
//!
//! ```text
//!   session's transaction ──hand_over──► transaction of a session of its own: writer, log, locks ──► commit | rollback
//!                                                  ▲
//!   after a restart: rows ──redo──────────────────┘ (under the same id; its locks taken again)
//! ```
//! Its rows and row locks name only its writer, which stays; relation and advisory locks are entered for the new session. The first
//! phase has checked all that can go wrong: a commit that fails, because the log cannot be written, leaves it as it is.

use std::sync::atomic::Ordering;

use dictdb_types::stored::{put_uint, take_bytes, take_uint};
use dictdb_types::{Error, Oid, Result, RowId, SqlState, TxnId};

use super::{ACTIVE, FINISHED, Isolation, Transaction};
use crate::hook::{Commit, Images};
use crate::lock::{LockMode, LockTag, RowStrength, WaitOptions, WaitPolicy};
use crate::snapshot::Snapshot;
use crate::storage::Storage;

/// The kinds of locks in a record.
const RELATION: u8 = 1;
const ADVISORY: u8 = 2;
const ROW: u8 = 3;

impl Transaction {
    /// The relation and advisory locks it holds.
    pub fn locks(&self) -> Vec<(LockTag, LockMode)> {
        self.session.held.lock().of_transaction().collect()
    }

    /// Whether it has snapshots that others may take over.
    pub fn has_exported(&self) -> bool {
        !self.exported.lock().is_empty()
    }

    /// Checks what hinders it from being prepared: 40001 under SERIALIZABLE; 0A000 when the session and the transaction both
    /// hold the same advisory lock.
    pub fn check_preparable(&self) -> Result<()> {
        self.check_serializable()?;
        let held = self.session.held.lock();
        if held.has_shared_advisory() {
            let message =
                "cannot PREPARE while holding both session-level and transaction-level locks on the same object";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(())
    }

    /// The rows it has written, in their final state; nothing when nobody logs.
    pub fn images(&self) -> Result<Images> {
        let Some(hook) = self.session.shared.hook.get() else { return Ok(Images::default()) };
        let (_, id) = self.identity()?;
        let log = self.log.lock();
        let snapshot = Snapshot::take(&self.session, self.writer(), u32::MAX);
        Ok(hook.images(Commit { id, snapshot: &snapshot, changes: &mut log.logical_changes(), attachment: &[] }))
    }

    /// Its locks, for [`Transaction::take_locks`]:
    ///
    /// ```text
    ///   01 relation   uint database, uint relation, byte mode
    ///   02 advisory   uint database, uint class, uint object, uint sub, byte mode
    ///   03 row        uint table, uint row, byte strength
    /// ```
    pub fn encode_locks(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (tag, mode) in self.locks() {
            match tag {
                LockTag::Relation { database, relation } => {
                    out.push(RELATION);
                    put_uint(database.0.into(), &mut out);
                    put_uint(relation.0.into(), &mut out);
                }
                LockTag::Advisory { database, class, object, sub } => {
                    out.push(ADVISORY);
                    [database.0, class, object, sub.into()].iter().for_each(|part| put_uint((*part).into(), &mut out));
                }
                LockTag::Tuple { .. } => continue,
            }
            out.push(mode as u8);
        }
        let Some(writer) = self.writer() else { return out };
        let log = self.log.lock();
        for (table, undo) in &log.row_locks {
            let table = &log.tables[*table as usize];
            if let Some(strength) = table.row_locks().strength(undo.row, writer) {
                out.push(ROW);
                put_uint(table.id().0.into(), &mut out);
                put_uint(undo.row.0, &mut out);
                out.push(strength as u8);
            }
        }
        out
    }

    /// Ends it for its session and goes on with all it has as a transaction that belongs to nobody, prepared. XX000 if it is
    /// finished.
    pub fn hand_over(&self) -> Result<Transaction> {
        let (writer, id) = self.identity()?;
        if self.state.swap(FINISHED, Ordering::AcqRel) != ACTIVE {
            return Err(Error::internal("transaction is finished"));
        }
        self.forget_snapshots();
        self.leave_queue();
        let shared = &self.session.shared;
        let prepared = Storage(shared.clone()).begin_prepared(self.isolation, id);
        // It is new: nobody else could have set them.
        let _ = prepared.identity.set((writer, id));
        *prepared.log.lock() = std::mem::take(&mut *self.log.lock());
        prepared.log.lock().marks.clear();
        shared.writers.set_session(writer, prepared.session.pid);
        self.hand_over_serializable(&prepared);
        shared.locks.hand_over(&self.session, &prepared.session);
        Ok(prepared)
    }

    /// Takes the locks that [`Transaction::encode_locks`] wrote; nobody else has any. XX001.
    pub fn take_locks(&self, mut bytes: &[u8]) -> Result<()> {
        let oid = |bytes: &mut &[u8]| take_uint(bytes).map(|value| Oid(value as u32));
        let (writer, _) = self.identity()?;
        while let [kind, rest @ ..] = bytes {
            bytes = rest;
            match *kind {
                RELATION => {
                    let (database, relation) = (oid(&mut bytes)?, oid(&mut bytes)?);
                    let lock = self.session.shared.locks.relation(database, relation);
                    self.lock_relation(&lock, mode(&mut bytes)?, WaitPolicy::Skip, &WaitOptions::default())?;
                }
                ADVISORY => {
                    let (database, class) = (oid(&mut bytes)?, take_uint(&mut bytes)? as u32);
                    let (object, sub) = (take_uint(&mut bytes)? as u32, take_uint(&mut bytes)? as u16);
                    let tag = LockTag::Advisory { database, class, object, sub };
                    let is_shared = mode(&mut bytes)? == LockMode::Share;
                    self.lock_advisory(tag, is_shared, WaitPolicy::Skip, &WaitOptions::default())?;
                }
                _ => {
                    let (table, row) = (oid(&mut bytes)?, RowId(take_uint(&mut bytes)?));
                    let strength = take_bytes(&mut bytes, 1)?[0];
                    let strength = RowStrength::ALL.into_iter().find(|known| *known as u8 == strength);
                    let Some(table) = (Storage(self.session.shared.clone())).table(table) else { continue };
                    if let Some(Ok(Some(undo))) = strength.map(|strength| table.row_locks().lock(row, strength, writer))
                    {
                        let mut log = self.log.lock();
                        let table = log.table(&table);
                        log.row_locks.push((table, undo));
                    }
                }
            }
        }
        Ok(())
    }
}

fn mode(bytes: &mut &[u8]) -> Result<LockMode> {
    let number = take_bytes(bytes, 1)?[0];
    let known = LockMode::ALL.into_iter().find(|mode| *mode as u8 == number);
    known.ok_or_else(|| dictdb_types::stored::corrupted("an unknown mode of a lock"))
}

impl Storage {
    /// A prepared transaction without anything.
    fn begin_prepared(&self, isolation: Isolation, id: TxnId) -> Transaction {
        let mut prepared = self.begin_isolated(isolation);
        prepared.is_prepared = true;
        let _ = prepared.session.prepared.set(id);
        prepared
    }

    /// A prepared transaction of before a restart, under the id it had, to be filled by [`Storage::redo_run`] and
    /// [`Transaction::take_locks`]. 53300.
    pub fn resume_prepared(&self, id: TxnId) -> Result<Transaction> {
        let prepared = self.begin_prepared(Isolation::ReadCommitted, id);
        let identity = self.0.writers.claim_as(prepared.session.pid, id)?;
        let _ = prepared.identity.set(identity);
        Ok(prepared)
    }
}
