//! Transactions that wait for their second phase across crashes.

use std::sync::Arc;

use dictdb_catalog::{BOOTSTRAP_ROLE, Change, Persistence};
use dictdb_storage::{Accompaniment, Storage, Transaction};
use dictdb_types::{Datum, Result};
use dictdb_wal::SimulatedDisk;
use dictdb_wal::disk::{Random, Survival};

use super::{DATABASE, Run, start};
use crate::{Durability, PreparedTransaction, Reason, catalog_item, finished_item, redo};

const GID: &str = "two phases";

/// Opens a transaction again that a start has found.
fn reopen(found: &PreparedTransaction, storage: &Storage) -> Result<Transaction> {
    let transaction = storage.resume_prepared(found.id)?;
    redo(found, storage, &transaction)?;
    transaction.take_locks(&found.locks)?;
    Ok(transaction)
}

/// Rolls back what a start has found.
pub(super) fn roll_back_found(durability: &Durability, storage: &Storage) -> Result<()> {
    for found in durability.prepared_transactions() {
        reopen(&found, storage)?.rollback();
        durability.log_rolled_back(&found.gid)?;
    }
    Ok(())
}

impl Run {
    /// The first phase.
    fn prepare(&self, transaction: Transaction, changes: Vec<Change>) -> Result<(Transaction, Vec<Change>)> {
        let record = PreparedTransaction {
            gid: GID.into(),
            id: transaction.assign_id()?,
            owner: BOOTSTRAP_ROLE,
            database: DATABASE,
            micros: 0,
            next_oid: self.catalog.next_oid(),
            changes: changes.clone(),
            removals: Vec::new(),
            locks: transaction.encode_locks(),
            rows: transaction.images()?,
        };
        self.durability.log_prepared(record, || Ok(()))?;
        Ok((transaction.hand_over()?, changes))
    }

    /// The second phase.
    fn finish(&self, transaction: &Transaction, changes: &[Change]) -> Result<()> {
        let mut attachment = catalog_item(DATABASE, self.catalog.next_oid(), changes);
        attachment.extend(finished_item(GID));
        let mut publish = || {
            self.durability.forget_prepared(GID);
            self.catalog.commit(changes).map(drop)
        };
        let with = Accompaniment { attachment: &attachment, publish: &mut publish };
        transaction.commit_with(Some(with), true).map(drop)
    }

    /// Both, and in between what may happen meanwhile.
    pub(super) fn commit_in_two_phases(
        &self,
        transaction: Transaction,
        changes: Vec<Change>,
        random: &mut Random,
    ) -> Result<()> {
        let (prepared, changes) = self.prepare(transaction, changes)?;
        match random.below(4) {
            0 => self.durability.checkpoint(Reason::Request)?,
            1 => self.durability.log().flush()?,
            _ => {}
        }
        self.finish(&prepared, &changes)
    }
}

/// A run with rows, one of which a transaction changes, another of which it removes, and to which it adds one.
fn changed(disk: &SimulatedDisk) -> (Run, Transaction) {
    let mut run = start(disk).unwrap();
    let mut random = Random::new(7);
    let count = |run: &Run| {
        let tables = run.tables();
        let table = tables.iter().find(|table| table.persistence == Persistence::Permanent).cloned();
        table.map_or(0, |table| run.rows(&table).len())
    };
    while count(&run) < 3 {
        run.work(&mut random, 1).unwrap();
    }
    let relation = run.tables().into_iter().find(|table| table.persistence == Persistence::Permanent).unwrap();
    let rows = run.rows(&relation);
    let table = run.storage.table(relation.storage).unwrap();
    let transaction = run.storage.begin();
    let snapshot = transaction.snapshot().unwrap();
    table.update(&transaction, &snapshot, rows[0].0, None, &[(1, Datum::text("prepared"))]).unwrap();
    table.delete(&transaction, &snapshot, rows[1].0, None).unwrap();
    table.insert(&transaction, &snapshot, &[Datum::Int4(-1), Datum::text("prepared too")]).unwrap();
    (run, transaction)
}

#[test]
fn prepared_transactions_can_be_committed_after_a_crash() {
    for with_checkpoint in [false, true] {
        let disk = SimulatedDisk::new();
        let (run, transaction) = changed(&disk);
        let before = run.read();
        let (prepared, _) = run.prepare(transaction, Vec::new()).unwrap();
        if with_checkpoint {
            run.durability.checkpoint(Reason::Request).unwrap();
        }
        run.durability.log().flush().unwrap();
        let image = disk.crash(Survival(0), 1);
        run.finish(&prepared, &[]).unwrap();
        let after = run.read();
        assert_ne!(before, after);

        let storage = Storage::new();
        let (durability, databases) = Durability::open(super::options(&image), &storage).unwrap();
        let catalog = Arc::new(databases.into_iter().next().unwrap().catalog);
        let found = durability.prepared_transactions();
        assert_eq!(found.iter().map(|found| &*found.gid).collect::<Vec<_>>(), [GID]);
        let again = reopen(&found[0], &storage).unwrap();
        assert_eq!(again.id(), Some(found[0].id));
        let (snapshot, states) = (Arc::default(), Vec::new());
        let run =
            Run { durability, storage, catalog, snapshot, states, acknowledged: 0, drawn: 0, acknowledged_draw: 0 };
        assert_eq!(run.read(), before);
        run.storage.set_commit_hook(run.durability.clone());
        run.finish(&again, &[]).unwrap();
        assert_eq!(run.read(), after);
        run.durability.log().flush().unwrap();
        let last = start(&image.crash(Survival(0), 2)).unwrap();
        assert_eq!(last.read(), after);
        assert!(last.durability.prepared_transactions().is_empty());
    }
}
