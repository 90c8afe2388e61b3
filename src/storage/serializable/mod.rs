//! SERIALIZABLE: serializable snapshot isolation, as PostgreSQL has it.
//!
//! After M. J. Cahill, U. Röhm and A. D. Fekete, "Serializable Isolation for Snapshot Databases" (SIGMOD 2008), with the
//! refinements of D. R. K. Ports and K. Grittner, "Serializable Snapshot Isolation in PostgreSQL" (VLDB 2012).
//!
//! ```text
//!      Tin ──rw──► Tpivot ──rw──► Tout        Tin may be Tout.
//! ```
//! A transaction runs on one snapshot. Where it reads something of which a concurrent transaction writes a newer version,
//! it must come before that one in any serial order: a rw-dependency from reader to writer. Every anomaly of snapshot
//! isolation contains two such dependencies in a row of which `Tout` commits first of the three. Whenever that could
//! come about, one of the three is cancelled with 40001. Some that would have been harmless are cancelled too; none that is
//! not gets away.
//!
//! Reads are kept as predicates ([`predicate`]): a whole table, or ranges of an index's keys, so that a row that appears
//! later is found as well. Writes are kept as the keys a row had before and has afterwards in every index of its table.
//! Who writes over a version that the reader of a key did not see comes after the one who wrote that version, and so needs no
//! dependency of its own.
//! A reader enters its predicate before it reads, a writer its keys after it wrote; one of the two sees the other. The
//! graph of dependencies ([`graph`]) has a lock of its own that only SERIALIZABLE transactions take: others pay one test
//! of a pointer.
//!
//! What a transaction leaves behind is kept until no SERIALIZABLE transaction is left that was concurrent with it.

mod graph;
mod predicate;
#[cfg(test)]
mod scenarios;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use dictdb_types::{Oid, Result, RowId, TxnId};
use parking_lot::Mutex;

pub(crate) use graph::Graph;
use graph::NodeId;
use predicate::KeyRange;

use crate::index::{Bound, Index};
use crate::lock::WaitOptions;
use crate::snapshot::Snapshot;
use crate::table::{Table, UniqueConflict};
use crate::transaction::Transaction;

/// A SERIALIZABLE transaction's place in the graph.
#[derive(Default)]
pub(crate) struct Serializable {
    node: OnceLock<NodeId>,
    read_only: AtomicBool,
    deferrable: AtomicBool,
}

/// All of them.
pub(crate) type Serializables = Mutex<Graph>;

/// The keys of a row by index.
pub(crate) type RowKeys = Vec<(Oid, Vec<u8>)>;

/// What was done to a row of a table.
pub(crate) struct RowChange {
    /// The table.
    pub table: Oid,
    /// The row, if it is there.
    pub row: Option<RowId>,
    /// The keys that the version which was written over has.
    pub before: RowKeys,
    /// The keys that the row has now.
    pub after: RowKeys,
}

impl Transaction {
    /// Says that it was declared READ ONLY, before its first snapshot: fewer dependencies matter then.
    pub fn set_read_only(&self, read_only: bool) {
        if let Some(own) = self.serializable() {
            own.read_only.store(read_only, Ordering::Relaxed);
        }
    }

    /// Says that it was declared DEFERRABLE: a READ ONLY one then waits for a snapshot that cannot be part of an anomaly.
    pub fn set_deferrable(&self, deferrable: bool) {
        if let Some(own) = self.serializable() {
            own.deferrable.store(deferrable, Ordering::Relaxed);
        }
    }

    /// Whether it was declared READ ONLY; only SERIALIZABLE ones know.
    pub fn is_read_only(&self) -> bool {
        self.serializable().is_some_and(|own| own.read_only.load(Ordering::Relaxed))
    }

    /// To be called before every row of a table is looked at. 40001 under SERIALIZABLE.
    #[inline]
    pub fn reads_table(&self, table: &Table) -> Result<()> {
        match self.serializable() {
            None => Ok(()),
            Some(own) => self.reads(own, table.id(), None),
        }
    }

    /// To be called before rows are looked for by a range of an index's keys. 40001 under SERIALIZABLE.
    #[inline]
    pub fn reads_keys(&self, table: &Table, index: &Index, from: Bound<'_>, to: Bound<'_>) -> Result<()> {
        match self.serializable() {
            None => Ok(()),
            Some(own) => self.reads(own, table.id(), Some((index.def().id, KeyRange::new(from, to)))),
        }
    }

    fn reads(&self, own: &Serializable, table: Oid, range: Option<(Oid, KeyRange)>) -> Result<()> {
        match own.node.get() {
            Some(node) => self.session().shared.serializables.lock().read(*node, table, range),
            None => Ok(()),
        }
    }

    /// To be called after a row was written. 40001 under SERIALIZABLE.
    pub(crate) fn wrote(&self, own: &Serializable, change: RowChange) -> Result<()> {
        match own.node.get() {
            Some(node) => self.session().shared.serializables.lock().wrote(*node, self.id(), change),
            None => Ok(()),
        }
    }

    /// To be called when a row cannot go in because another has its key: those who have looked for that key would have seen it.
    /// 40001 under SERIALIZABLE, which PostgreSQL prefers to the violation.
    pub fn collides(&self, table: &Table, conflict: &UniqueConflict) -> Result<()> {
        match self.serializable() {
            None => Ok(()),
            Some(own) => {
                let after = vec![(conflict.index, conflict.key.clone())];
                self.wrote(own, RowChange { table: table.id(), row: None, before: RowKeys::new(), after })
            }
        }
    }

    /// The one snapshot of the transaction, taken and entered in one step: whoever commits afterwards is concurrent.
    /// `like` is the transaction whose snapshot it takes over, if it does.
    pub(crate) fn enter_serializable(
        &self,
        own: &Serializable,
        like: Option<&Transaction>,
        take: impl FnOnce() -> Snapshot,
    ) -> Snapshot {
        let mut graph = self.session().shared.serializables.lock();
        let snapshot = take();
        let like = like.and_then(Transaction::serializable).and_then(|own| own.node.get().copied());
        let whose = self.session().ongoing();
        own.node.get_or_init(|| graph.enter(whose, own.read_only.load(Ordering::Relaxed), like));
        snapshot
    }

    /// Whether it has to wait for a safe snapshot.
    pub(crate) fn wants_safe_snapshot(&self) -> bool {
        let wants = |own: &Serializable| {
            own.deferrable.load(Ordering::Relaxed) && own.read_only.load(Ordering::Relaxed) && own.node.get().is_none()
        };
        self.serializable().is_some_and(wants)
    }

    /// A snapshot of a moment that no anomaly can show: one for which all that could write meanwhile have ended, and none of
    /// them spoiled it. It needs no place in the graph any more. 57014, 57P01 while it waits.
    pub(crate) fn safe_snapshot(&self, take: impl Fn() -> Snapshot) -> Result<Snapshot> {
        let session = self.session();
        let graph = &session.shared.serializables;
        loop {
            let (snapshot, reader, writers) = {
                let mut graph = graph.lock();
                let snapshot = take();
                let reader = graph.enter(session.ongoing(), true, None);
                (snapshot, reader, graph.writers())
            };
            let waited = writers.iter().try_for_each(|writer| self.wait_for_writer(*writer));
            let mut graph = graph.lock();
            let is_safe = !writers.iter().any(|writer| graph.spoils(*writer, reader));
            graph.aborted(reader);
            waited?;
            if is_safe {
                return Ok(snapshot);
            }
        }
    }

    fn wait_for_writer(&self, writer: NodeId) -> Result<()> {
        let session = self.session();
        loop {
            let Some(whose) = session.shared.serializables.lock().goes_on(writer) else { return Ok(()) };
            session.shared.locks.wait_for_session(session, whose, &WaitOptions::default())?;
        }
    }

    /// Publishes a commit unless it would complete an anomaly: then 40001, and `publish` is not called.
    pub(crate) fn commit_serializable<T>(&self, publish: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(node) = self.serializable().and_then(|own| own.node.get()) else { return publish() };
        let mut graph = self.session().shared.serializables.lock();
        graph.check_commit(*node)?;
        let published = publish()?;
        graph.committed(*node);
        Ok(published)
    }

    /// 40001 if it could not commit now.
    pub(crate) fn check_serializable(&self) -> Result<()> {
        let Some(node) = self.serializable().and_then(|own| own.node.get()) else { return Ok(()) };
        self.session().shared.serializables.lock().check_commit(*node)
    }

    /// Gives its place in the graph to the transaction it goes on as, which will commit.
    pub(crate) fn hand_over_serializable(&self, to: &Transaction) {
        let node = self.serializable().and_then(|own| own.node.get());
        if let (Some(node), Some(other)) = (node, to.serializable()) {
            self.session().shared.serializables.lock().prepared(*node, to.session().ongoing());
            // It is new: it has no place of its own.
            let _ = other.node.set(*node);
        }
    }

    /// Forgets a transaction that rolled back.
    pub(crate) fn abort_serializable(&self) {
        if let Some(node) = self.serializable().and_then(|own| own.node.get()) {
            self.session().shared.serializables.lock().aborted(*node);
        }
    }
}

/// A transaction id as messages show it.
fn shown(id: Option<TxnId>) -> u64 {
    id.map_or(0, |id| id.0)
}
