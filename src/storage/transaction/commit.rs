//! The end of a transaction.
//!
//! ```text
//!   prepare ──► commit lock: timestamp, append, writer = committed, clock ──► rewrite stamps ──► garbage
//!                                                                              ──► release locks, wake ──► durable
//! ```
//!
//! From the moment the clock shows its timestamp, new snapshots see the transaction: those who find a stamp that is
//! not rewritten yet look the writer up. Its slot is given back only when no stamp mentions it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use dictdb_types::{CommitTs, Error, Result, TxnId};
use smallvec::SmallVec;

use super::log::{Log, Mark};
use super::savepoint::undo;
use super::{ACTIVE, FINISHED, Transaction};
use crate::feed::{CommitMoment, News};
use crate::garbage::{Item, Parcel};
use crate::hook::{Accompaniment, ChangeKind, Commit, Committed, Lsn, Record};
use crate::snapshot::Snapshot;
use crate::storage::Storage;
use crate::tracking::Notes;
use crate::version::Writer;

impl Transaction {
    /// Makes its changes permanent and visible, releases its locks, and returns when it is durable. On an error of
    /// the log's `prepare` it is rolled back, and likewise on 40001 under SERIALIZABLE; a prepared one stays as it is. XX000 if it
    /// is finished already.
    pub fn commit(&self) -> Result<CommitTs> {
        let committed = self.commit_with(None, true)?;
        if let Some((hook, lsn)) = self.session.shared.hook.get().zip(committed.lsn) {
            hook.wait_durable(lsn)?;
        }
        Ok(committed.ts)
    }

    /// Like [`Transaction::commit`], together with something else of the caller's, and without waiting: the caller does
    /// before it tells anybody. `promised` says that it will.
    pub fn commit_with(&self, with: Option<Accompaniment<'_>>, promised: bool) -> Result<Committed> {
        if with.is_some() {
            self.identity()?;
        }
        if self.state.swap(FINISHED, Ordering::AcqRel) != ACTIVE {
            return Err(Error::internal("transaction is finished"));
        }
        self.forget_snapshots();
        let shared = &self.session.shared;
        let Some((writer, id)) = self.identity.get().copied() else {
            let checked = self.commit_serializable(|| Ok(())).inspect_err(|_| self.abort_serializable());
            shared.locks.end_transaction(&self.session);
            return checked.map(|()| Committed { ts: CommitTs(shared.clock.load(Ordering::Acquire)), lsn: None });
        };
        let log = std::mem::take(&mut *self.log.lock());
        let published = match self.prepare(&log, id, with.as_ref().map(|with| with.attachment)) {
            Ok(record) => {
                let told = (self.notes(&log), self.news(&log));
                self.commit_serializable(|| self.publish((writer, id), &log, (record, told), with, promised))
            }
            Err(error) => Err(error),
        };
        let (ts, lsn) = match published {
            Ok(published) => published,
            Err(error) => {
                *self.log.lock() = log;
                if self.is_prepared {
                    self.state.store(ACTIVE, Ordering::Release);
                    return Err(error);
                }
                self.undo_all();
                return Err(error);
            }
        };
        stamp(&log, writer, ts);
        let row_locks = self.hand_in(log, ts);
        release_row_locks(row_locks, writer);
        self.leave(writer, id);
        shared.garbage.help(shared);
        Ok(Committed { ts: CommitTs(ts), lsn })
    }

    /// Undoes everything and releases its locks. Does nothing if it is finished.
    pub fn rollback(&self) {
        if self.state.swap(FINISHED, Ordering::AcqRel) == ACTIVE {
            self.forget_snapshots();
            self.undo_all();
        }
    }

    fn undo_all(&self) {
        self.abort_serializable();
        if let Some((writer, id)) = self.identity.get().copied() {
            let mut log = self.log.lock();
            undo(&mut log, Mark::default(), writer);
            *log = Log::default();
            drop(log);
            self.session.shared.history.aborted(id);
            self.leave(writer, id);
        } else {
            self.session.shared.locks.end_transaction(&self.session);
        }
    }

    /// Has the log's record built from the final state of the rows.
    fn prepare(&self, log: &Log, id: TxnId, attachment: Option<&[u8]>) -> Result<Option<Record>> {
        let Some(hook) = self.session.shared.hook.get() else { return Ok(None) };
        if !log.has_changes() && attachment.is_none() {
            return Ok(None);
        }
        let snapshot = Snapshot::take(&self.session, self.writer(), u32::MAX);
        let attachment = attachment.unwrap_or_default();
        let mut changes = log.logical_changes();
        hook.prepare(Commit { id, snapshot: &snapshot, changes: &mut changes, attachment })
    }

    fn are_rows_tracked(&self, log: &Log) -> bool {
        log.has_changes() && self.session.shared.tracking.load(Ordering::Acquire) > 0
    }

    /// What those who track changes are told of.
    fn notes(&self, log: &Log) -> Option<Notes> {
        self.are_rows_tracked(log).then(|| {
            let own = Snapshot::take(&self.session, self.writer(), u32::MAX);
            Notes::of(&self.session.shared, &log.changes, &log.tables, &own)
        })
    }

    /// What those who follow watched tables are told of.
    fn news(&self, log: &Log) -> Option<News> {
        let shared = &self.session.shared;
        shared.feed.watcher().is_some().then(|| {
            let own = Snapshot::take(&self.session, self.writer(), u32::MAX);
            News::of(shared, &log.changes, &log.tables, &own)
        })
    }

    /// The same under the commit lock, when it has become something else meanwhile.
    fn latest_news(&self, log: &Log, news: Option<News>, changes_catalog: bool) -> Option<News> {
        let shared = &self.session.shared;
        let watcher = shared.feed.watcher()?;
        if changes_catalog {
            watcher.catalog_changed(&Storage(shared.clone()), &log.tables);
        }
        if news.as_ref().is_none_or(|news| news.is_stale(shared)) { self.news(log) } else { news }
    }

    /// The moment of commit.
    fn publish(
        &self,
        (writer, id): (Writer, TxnId),
        log: &Log,
        (record, (mut notes, news)): (Option<Record>, (Option<Notes>, Option<News>)),
        with: Option<Accompaniment<'_>>,
        promised: bool,
    ) -> Result<(u64, Option<Lsn>)> {
        let shared = &self.session.shared;
        if !log.has_changes() && with.is_none() {
            return Ok((shared.clock.load(Ordering::Acquire), None));
        }
        let _in_order = shared.commit.lock();
        if log.tables.iter().any(|table| table.is_retired()) {
            return Err(super::database_reset());
        }
        let changes_catalog = with.is_some();
        if let Some(with) = with {
            (with.publish)()?;
        }
        if notes.as_ref().is_some_and(|notes| notes.are_stale(shared)) || notes.is_none() && self.are_rows_tracked(log)
        {
            notes = self.notes(log);
        }
        let news = self.latest_news(log, news, changes_catalog);
        let ts = shared.clock.load(Ordering::Relaxed) + 1;
        let lsn = shared.hook.get().zip(record.as_ref()).map(|(hook, record)| hook.append(record, promised));
        if let Some(lsn) = lsn.filter(|_| promised) {
            log.tables.iter().for_each(|table| table.set_promised(lsn));
            if changes_catalog {
                shared.catalog_promised.store(lsn.0, Ordering::Release);
            }
        }
        if let Some(notes) = notes {
            notes.enter(&log.tables);
        }
        log.tables.iter().for_each(|table| table.set_changed(ts));
        shared.history.committed(ts, id);
        shared.writers.set_committed(writer, ts);
        shared.clock.store(ts, Ordering::SeqCst);
        if let Some((news, watcher)) = news.zip(shared.feed.watcher())
            && (changes_catalog || !news.is_empty())
        {
            watcher.committed(CommitMoment { ts: CommitTs(ts), id, lsn }, news.into_changes());
        }
        Ok((ts, lsn))
    }

    /// Turns the log into garbage. Returns the row locks, with their tables.
    fn hand_in(&self, log: Log, ts: u64) -> Vec<(Arc<crate::table::Table>, crate::lock::RowLockUndo)> {
        let mut parcels: SmallVec<[Parcel; 2]> = SmallVec::new();
        let mut parcel = |table: u32, item: Item| {
            let table = &log.tables[table as usize];
            match parcels.iter_mut().find(|parcel| Arc::ptr_eq(&parcel.table, table)) {
                Some(parcel) => parcel.items.push(item),
                None => parcels.push(Parcel { ts, table: table.clone(), items: vec![item] }),
            }
        };
        for change in &log.changes {
            if change.kind != ChangeKind::Insert {
                parcel(change.table, Item::Row(change.row));
            }
            log.tables[change.table as usize].count_commit(change.kind, change.count as usize);
        }
        // After the rows: an entry goes when no version of its row has the key any more.
        for change in log.keys {
            parcel(change.table, Item::Entry(change.index, change.old, change.row));
        }
        self.session.shared.garbage.add(&self.session.shared, parcels);
        log.row_locks.into_iter().map(|(table, undo)| (log.tables[table as usize].clone(), undo)).collect()
    }

    /// Gives its locks and its slot back and wakes those who wait for it.
    fn leave(&self, writer: Writer, id: TxnId) {
        let shared = &self.session.shared;
        self.leave_queue();
        shared.locks.end_transaction(&self.session);
        if shared.writers.release(writer) {
            shared.locks.wake(id);
        }
    }
}

/// Rewrites the stamps of all that was written.
fn stamp(log: &Log, writer: Writer, ts: u64) {
    for change in &log.changes {
        log.tables[change.table as usize].stamp_committed(change.rows(), writer, ts);
    }
}

fn release_row_locks(locks: Vec<(Arc<crate::table::Table>, crate::lock::RowLockUndo)>, writer: Writer) {
    for (table, undo) in locks.into_iter().rev() {
        table.row_locks().undo(undo, writer);
    }
}
