//! Prepared transactions in log and checkpoint: everything that the second phase needs, kept under their identifiers.
//!
//! ```text
//!   PREPARE TRANSACTION ─► 11 prepared ─┬─► COMMIT PREPARED: an ordinary commit with 12 finished in its record
//!                          (checkpoint) └─► ROLLBACK PREPARED: 12 finished alone
//! ```
//! What was prepared and not finished is there again after a start: its tables and sequences are made and room for its rows is kept,
//! so that whoever opens the sessions can do it again in a transaction of its own: [`redo`].

use std::sync::Arc;

use dictdb_catalog::{Catalog, Change, Object, RelationKind, decode_changes, encode_changes};
use dictdb_storage::{Images, SequenceState, Storage, Transaction};
use dictdb_types::stored::{Stored, corrupted, put_int, put_uint, take_int, take_uint};
use dictdb_types::{Oid, Result, TxnId};
use dictdb_wal::{LogError, Lsn};
use hashbrown::HashMap;

use crate::Durability;
use crate::item::{FINISHED, PREPARED, take_block};
use crate::restore::{finish_table, follow, has_rows, make_sequence};

/// A transaction that waits for its second phase.
#[derive(Clone, Debug)]
pub struct PreparedTransaction {
    /// What the client calls it.
    pub gid: Arc<str>,
    /// Its id.
    pub id: TxnId,
    /// Who prepared it.
    pub owner: Oid,
    /// Where.
    pub database: Oid,
    /// When, in microseconds since 1970.
    pub micros: i64,
    /// The object id that was handed out next.
    pub next_oid: Oid,
    /// What it changes of the catalog.
    pub changes: Vec<Change>,
    /// What it removes from storage when it ends; its maker's to read.
    pub removals: Vec<u8>,
    /// Its locks; storage's to read.
    pub locks: Vec<u8>,
    /// Its rows.
    pub rows: Images,
}

impl PreparedTransaction {
    /// Appends the item, byte by byte as in the head of the crate.
    fn put(&self, with_unlogged: bool, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(self.rows.logged.len() + 256);
        put_block(self.gid.as_bytes(), &mut body);
        put_uint(self.id.0, &mut body);
        [self.owner, self.database, self.next_oid].iter().for_each(|oid| put_uint(oid.0.into(), &mut body));
        put_int(self.micros, &mut body);
        put_block(&encode_changes(&self.changes), &mut body);
        put_block(&self.removals, &mut body);
        put_block(&self.locks, &mut body);
        put_block(if with_unlogged { &self.rows.unlogged } else { &[] }, &mut body);
        body.extend_from_slice(&self.rows.logged);
        out.push(PREPARED);
        put_block(&body, out);
    }

    /// Reads what stands behind the item's length. XX001.
    pub(crate) fn take(mut bytes: &[u8]) -> Result<PreparedTransaction> {
        let bytes = &mut bytes;
        Ok(PreparedTransaction {
            gid: take_gid(bytes)?,
            id: TxnId(take_uint(bytes)?),
            owner: Oid::read(bytes)?,
            database: Oid::read(bytes)?,
            next_oid: Oid::read(bytes)?,
            micros: take_int(bytes)?,
            changes: decode_changes(take_block(bytes)?)?,
            removals: take_block(bytes)?.to_vec(),
            locks: take_block(bytes)?.to_vec(),
            rows: Images { unlogged: take_block(bytes)?.to_vec(), logged: bytes.to_vec() },
        })
    }

    /// The relations it makes or changes.
    fn relations(&self) -> impl Iterator<Item = Oid> {
        self.changes.iter().filter_map(|change| match change {
            Change::Put(Object::Relation(relation)) => Some(relation.oid),
            _ => None,
        })
    }

    /// Hands every run of its rows to `apply`.
    fn for_each_run(&self, mut apply: impl FnMut(&mut &[u8]) -> Result<()>) -> Result<()> {
        for mut runs in [&self.rows.logged[..], &self.rows.unlogged] {
            while !runs.is_empty() {
                apply(&mut runs)?;
            }
        }
        Ok(())
    }

    /// The catalog as it sees it.
    pub fn view(&self, committed: &Catalog) -> Catalog {
        let mut view = committed.clone();
        self.changes.iter().for_each(|change| view.replay(change));
        view
    }

    /// Makes what it has in storage and nobody else: tables and columns, room for rows, sequences in these states.
    pub(crate) fn make_room(
        &self,
        storage: &Storage,
        committed: &Catalog,
        sequences: &HashMap<Oid, SequenceState>,
    ) -> Result<()> {
        let view = self.view(committed);
        let mut made = Vec::new();
        for relation in self.relations().filter_map(|oid| view.relation(oid)) {
            match &relation.kind {
                RelationKind::Sequence(info) if committed.relation(relation.oid).is_none() => {
                    make_sequence(storage, relation, info, sequences.get(&relation.storage).copied());
                }
                _ if has_rows(relation) => {
                    let is_new = storage.table(relation.storage).is_none();
                    follow(storage, &view, relation)?;
                    made.extend(is_new.then(|| relation.clone()));
                }
                _ => {}
            }
        }
        self.for_each_run(|bytes| storage.reserve_run(bytes))?;
        made.iter().for_each(|relation| finish_table(storage, &view, relation, false));
        Ok(())
    }

    /// What of storage belongs to it.
    pub(crate) fn claims(&self) -> impl Iterator<Item = Oid> {
        self.changes.iter().filter_map(|change| match change {
            Change::Put(Object::Relation(relation)) => Some(relation.storage),
            _ => None,
        })
    }
}

fn put_block(bytes: &[u8], out: &mut Vec<u8>) {
    put_uint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn take_gid(bytes: &mut &[u8]) -> Result<Arc<str>> {
    std::str::from_utf8(take_block(bytes)?).map(Arc::from).map_err(|_| corrupted("an identifier is not UTF-8"))
}

/// Takes what stands behind the tag of the end of a prepared transaction: its identifier. XX001.
pub(crate) fn take_finished(bytes: &mut &[u8]) -> Result<Arc<str>> {
    take_gid(bytes)
}

/// Does again in a transaction what a prepared one had done to rows. XX001.
pub fn redo(prepared: &PreparedTransaction, storage: &Storage, transaction: &Transaction) -> Result<()> {
    prepared.for_each_run(|bytes| storage.redo_run(transaction, bytes))
}

/// The item that says that a prepared transaction is one no longer, to go along with a commit.
pub fn finished_item(gid: &str) -> Vec<u8> {
    let mut out = vec![FINISHED];
    put_block(gid.as_bytes(), &mut out);
    out
}

impl Durability {
    /// Logs a transaction as prepared, unless `check` finds something while nothing commits; checkpoints have it from now on. Returns
    /// what to wait for. 53100, 58030.
    pub fn log_prepared(&self, prepared: PreparedTransaction, check: impl FnOnce() -> Result<()>) -> Result<Lsn> {
        let item = prepared_item(&prepared, true);
        self.log.admit()?;
        self.storage.in_commit_order(|| {
            check()?;
            self.prepared.lock().insert(prepared.gid.clone(), Arc::new(prepared));
            Ok(self.append_items(item, true))
        })
    }

    /// Logs that a prepared transaction has rolled back. Returns what to wait for. 53100, 58030.
    pub fn log_rolled_back(&self, gid: &str) -> Result<Lsn, LogError> {
        self.log.admit()?;
        Ok(self.storage.in_commit_order(|| {
            self.forget_prepared(gid);
            self.append_items(finished_item(gid), true)
        }))
    }

    /// Checkpoints have a prepared transaction no longer; while it commits, under the commit lock.
    pub fn forget_prepared(&self, gid: &str) {
        self.prepared.lock().remove(gid);
    }

    /// The transactions that wait for their second phase: before the first statement, those that the start has found.
    pub fn prepared_transactions(&self) -> Vec<Arc<PreparedTransaction>> {
        self.prepared.lock().values().cloned().collect()
    }
}

/// Prepared transactions by identifier.
pub(crate) type Prepared = std::collections::BTreeMap<Arc<str>, Arc<PreparedTransaction>>;

/// The item of a prepared transaction. Its rows in unlogged tables are of use only as long as those tables are kept.
pub(crate) fn prepared_item(prepared: &PreparedTransaction, with_unlogged: bool) -> Vec<u8> {
    let mut item = Vec::new();
    prepared.put(with_unlogged, &mut item);
    item
}
