//! Two-phase commit: PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED.
//!
//! ```text
//!   PREPARE TRANSACTION: what a COMMIT checks ─► record ─► the transaction leaves its session ─► here
//!   COMMIT PREPARED, ROLLBACK PREPARED: any session of the database, also after a restart
//! ```
//! The checks and their order are those of PostgreSQL's `PrepareTransaction` and `FinishPreparedTransaction`.

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_catalog::{Catalog, Change, Key, Object, Persistence};
use dictdb_durability::{Durability, PreparedTransaction, finished_item, redo};
use dictdb_executor::ddl::{StorageChanges, restore_open_indexes};
use dictdb_functions::kernel::Registry;
use dictdb_storage::{Accompaniment, LockTag, Storage, Transaction, database_reset};
use dictdb_types::{Error, Oid, Result, SqlState, TxnId, TypeLookup};
use parking_lot::Mutex;

use crate::instance::Database;
use crate::persistence::Ended;
use crate::settings::Value;
use crate::{Session, clock};

/// An identifier has fewer bytes (`GIDSIZE`).
const GID_BYTES: usize = 200;

/// All prepared transactions of a server.
#[derive(Default)]
pub(crate) struct PreparedTransactions(Mutex<BTreeMap<Arc<str>, Arc<Prepared>>>);

/// What is known of one.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) gid: Arc<str>,
    pub(crate) id: TxnId,
    pub(crate) owner: Oid,
    pub(crate) database: Oid,
    /// Microseconds since 1970.
    pub(crate) prepared_at: i64,
}

struct Prepared {
    facts: Facts,
    work: Mutex<Work>,
}

/// Where one stands.
enum Work {
    /// Its session is still preparing it.
    Preparing,
    Waiting(Box<Open>),
    /// A session is finishing it.
    Busy,
}

/// What the second phase needs.
struct Open {
    transaction: Transaction,
    changes: Arc<[Change]>,
    storage_changes: StorageChanges,
}

impl PreparedTransactions {
    /// All that wait for their second phase.
    pub(crate) fn list(&self) -> Vec<Facts> {
        let all = self.0.lock();
        let waiting = all.values().filter(|prepared| !matches!(&*prepared.work.lock(), Work::Preparing));
        waiting.map(|prepared| prepared.facts.clone()).collect()
    }

    /// Enters one under its identifier. 22023, 55000, 42710, 53200.
    fn enter(&self, facts: Facts, max: usize) -> Result<Arc<Prepared>> {
        let gid = facts.gid.clone();
        if gid.len() >= GID_BYTES {
            let message = format!("transaction identifier \"{gid}\" is too long");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        if max == 0 {
            let message = "prepared transactions are disabled";
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
                .hint("Set max_prepared_transactions to a nonzero value."));
        }
        let mut all = self.0.lock();
        if all.contains_key(&gid) {
            let message = format!("transaction identifier \"{gid}\" is already in use");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        if all.len() >= max {
            let message = "maximum number of prepared transactions reached";
            return Err(Error::new(SqlState::OUT_OF_MEMORY, message)
                .hint(format!("Increase max_prepared_transactions (currently {max}).")));
        }
        let prepared = Arc::new(Prepared { facts, work: Mutex::new(Work::Preparing) });
        all.insert(gid, prepared.clone());
        Ok(prepared)
    }

    /// How many a database has, with those that are still being prepared.
    pub(crate) fn count_of(&self, database: Oid) -> usize {
        self.0.lock().values().filter(|prepared| prepared.facts.database == database).count()
    }

    fn leave(&self, gid: &str) {
        self.0.lock().remove(gid);
    }

    /// Opens those again that a start has found, over the databases as they were.
    pub(crate) fn reopen(
        durability: &Durability,
        databases: &[Arc<Database>],
        storage: &Storage,
        registry: &Registry,
    ) -> Result<PreparedTransactions> {
        let mut all = BTreeMap::new();
        for found in durability.prepared_transactions() {
            let Some(database) = databases.iter().find(|database| database.oid == found.database) else { continue };
            tracing::info!("recovering prepared transaction \"{}\"", found.gid);
            let prepared = Prepared::reopened(&found, database, storage, registry)?;
            all.insert(prepared.facts.gid.clone(), Arc::new(prepared));
        }
        Ok(PreparedTransactions(Mutex::new(all)))
    }
}

impl Prepared {
    fn reopened(
        found: &PreparedTransaction,
        database: &Database,
        storage: &Storage,
        registry: &Registry,
    ) -> Result<Prepared> {
        let transaction = storage.resume_prepared(found.id)?;
        let committed = database.catalog.current();
        let storage_changes = StorageChanges::decode(&found.removals)?;
        storage_changes.resume(storage);
        redo(found, storage, &transaction)?;
        if !found.changes.is_empty() {
            restore_open_indexes(storage, &transaction, &Arc::new(found.view(&committed)), registry)?;
        }
        transaction.take_locks(&found.locks)?;
        let changes: Arc<[Change]> = found.changes.clone().into();
        database.catalog.reserve(found.gid.clone(), changes.clone())?;
        let PreparedTransaction { id, owner, database, micros: prepared_at, .. } = *found;
        let facts = Facts { gid: found.gid.clone(), id, owner, database, prepared_at };
        let open = Box::new(Open { transaction, changes, storage_changes });
        Ok(Prepared { facts, work: Mutex::new(Work::Waiting(open)) })
    }
}

impl Session {
    /// The first phase, for the block's transaction. Whatever it fails with, the transaction has to be rolled back.
    ///
    /// 0A000 for what cannot be prepared, 22023, 55000, 42710, 53200, 40001, and what the end of a transaction checks.
    pub(crate) fn prepare_open(&mut self, gid: &str) -> Result<Ended> {
        self.check_deferred()?;
        if self.portals.iter_mut().any(|portal| !portal.is_held() && portal.is_holdable()) {
            return cannot("created a cursor WITH HOLD");
        }
        self.end_temporary_tables()?;
        let transaction = self.transaction()?;
        transaction.check_preparable()?;
        if self.has_used_temporary(&transaction) {
            return cannot("operated on temporary objects");
        }
        if transaction.has_exported() {
            return cannot("exported snapshots");
        }
        let instance = self.shared.instance.clone();
        let max = match instance.settings.read().value("max_prepared_transactions") {
            Value::Int(max) => usize::try_from(max).unwrap_or(0),
            _ => 0,
        };
        let facts = Facts {
            gid: gid.into(),
            id: transaction.assign_id()?,
            owner: self.role(),
            database: self.shared.database.oid,
            prepared_at: clock::now_micros(),
        };
        let prepared = instance.prepared.enter(facts, max)?;
        let logged = self.keep_prepared(&prepared, &transaction);
        if logged.is_err() {
            instance.prepared.leave(gid);
        }
        logged
    }

    /// Logs a transaction that has been entered, and takes it out of the session.
    fn keep_prepared(&mut self, prepared: &Prepared, transaction: &Arc<Transaction>) -> Result<Ended> {
        if !self.shared.pending.lock().is_empty() {
            return cannot("executed LISTEN, UNLISTEN, or NOTIFY");
        }
        // Streams hold snapshots of the transaction.
        self.portals.retain(|portal| portal.is_held());
        let (instance, database) = (self.shared.instance.clone(), self.shared.database.clone());
        let changes: Arc<[Change]> = self.definitions.catalog.changes().into();
        database.catalog.reserve(prepared.facts.gid.clone(), changes.clone())?;
        // A database that is reset looks for what is entered first, and raises the flag then.
        let check = || match self.shared.backend.interrupts.is_reset() {
            true => Err(database_reset()),
            false => Ok(()),
        };
        let logged = match &instance.durability {
            None => instance.storage.in_commit_order(check).map(|()| None),
            Some(durability) => {
                let record = PreparedTransaction {
                    gid: prepared.facts.gid.clone(),
                    id: prepared.facts.id,
                    owner: prepared.facts.owner,
                    database: prepared.facts.database,
                    micros: prepared.facts.prepared_at,
                    next_oid: database.catalog.next_oid(),
                    changes: changes.to_vec(),
                    removals: self.definitions.changes.encode(),
                    locks: transaction.encode_locks(),
                    rows: transaction.images()?,
                };
                durability.log_prepared(record, check).map(Some)
            }
        };
        let lsn = logged.inspect_err(|_| database.catalog.release(&prepared.facts.gid))?;
        let open = Open {
            transaction: transaction.hand_over()?,
            changes,
            storage_changes: std::mem::take(&mut self.definitions.changes),
        };
        *prepared.work.lock() = Work::Waiting(Box::new(open));
        self.transaction = None;
        Ok(Ended { lsn, is_promised: true })
    }

    /// Whether the transaction has touched temporary objects.
    fn has_used_temporary(&mut self, transaction: &Transaction) -> bool {
        let env = self.env();
        let is_temporary = |catalog: &Catalog, oid: Oid| {
            catalog.relation(oid).is_some_and(|relation| relation.persistence == Persistence::Temporary)
        };
        let committed = self.shared.database.catalog.current();
        let locked = transaction.locks().into_iter().any(|(tag, _)| match tag {
            LockTag::Relation { relation, .. } => {
                is_temporary(&env.catalog, relation) || is_temporary(&committed, relation)
            }
            _ => false,
        });
        let schema = self.shared.temporary_schema();
        locked
            || self
                .definitions
                .catalog
                .changes()
                .iter()
                .any(|change| schema.is_some() && namespace_of(change, &committed) == schema)
    }

    /// The second phase, from any session of the database. 42704, 55000, 42501, 0A000; 58030 and 53100 leave it prepared.
    pub(crate) fn finish_prepared(&mut self, gid: &str, commit: bool) -> Result<Ended> {
        let instance = self.shared.instance.clone();
        let prepared = self.find_prepared(gid)?;
        let busy = || {
            let message = format!("prepared transaction with identifier \"{gid}\" is busy");
            Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        };
        let mut open = match std::mem::replace(&mut *prepared.work.lock(), Work::Busy) {
            Work::Waiting(open) => open,
            _ => return Err(busy()),
        };
        let finished =
            if commit { self.commit_prepared(gid, &mut open) } else { self.roll_back_prepared(gid, &mut open) };
        match finished {
            Ok(ended) => {
                instance.prepared.leave(gid);
                Ok(ended)
            }
            Err(error) => {
                *prepared.work.lock() = Work::Waiting(open);
                Err(error)
            }
        }
    }

    fn find_prepared(&mut self, gid: &str) -> Result<Arc<Prepared>> {
        let found = self.shared.instance.prepared.0.lock().get(gid).cloned();
        let found = found.filter(|prepared| !matches!(&*prepared.work.lock(), Work::Preparing));
        let prepared = found.ok_or_else(|| {
            let message = format!("prepared transaction with identifier \"{gid}\" does not exist");
            Error::new(SqlState::UNDEFINED_OBJECT, message)
        })?;
        if prepared.facts.owner != self.role() && !self.shared.is_superuser() {
            let message = "permission denied to finish prepared transaction";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .hint("Must be superuser or the user that prepared the transaction."));
        }
        if prepared.facts.database != self.shared.database.oid {
            let message = "prepared transaction belongs to another database";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .hint("Connect to the database where the transaction was prepared to finish it."));
        }
        Ok(prepared)
    }

    fn commit_prepared(&mut self, gid: &str, open: &mut Open) -> Result<Ended> {
        let (instance, database) = (&self.shared.instance, &self.shared.database);
        let mut attachment = match open.changes.is_empty() {
            true => Vec::new(),
            false => instance.attachment(database, &open.changes),
        };
        if instance.durability.is_some() {
            attachment.extend(finished_item(gid));
        }
        let changes = open.changes.clone();
        let mut publish = || {
            database.catalog.release(gid);
            if !changes.is_empty() {
                database.catalog.commit(&changes)?;
                instance.share_roles(&changes, database.oid)?;
            }
            instance.durability.iter().for_each(|durability| durability.forget_prepared(gid));
            Ok(())
        };
        let with = Accompaniment { attachment: &attachment, publish: &mut publish };
        let committed = open.transaction.commit_with(Some(with), true)?;
        open.storage_changes.committed(&instance.storage);
        Ok(Ended { lsn: committed.lsn, is_promised: true })
    }

    fn roll_back_prepared(&mut self, gid: &str, open: &mut Open) -> Result<Ended> {
        let instance = &self.shared.instance;
        let logged = instance.durability.as_ref().map(|durability| durability.log_rolled_back(gid)).transpose()?;
        open.transaction.rollback();
        open.storage_changes.rolled_back(&instance.storage);
        self.shared.database.catalog.release(gid);
        Ok(Ended { lsn: logged, is_promised: true })
    }
}

/// 0A000 for what a transaction has done that no other session can finish.
fn cannot<T>(what: &str) -> Result<T> {
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot PREPARE a transaction that has {what}")))
}

/// The schema of an object that a change puts or takes away; of relations, locks tell.
fn namespace_of(change: &Change, committed: &Catalog) -> Option<Oid> {
    Some(match change {
        Change::Put(Object::Relation(relation)) => relation.namespace,
        Change::Put(Object::Type(info)) => info.namespace,
        Change::Put(Object::Routine(routine)) => routine.namespace,
        Change::Put(Object::Operator(operator)) => operator.namespace,
        Change::Put(Object::OperatorClass(own)) => own.class.namespace,
        Change::Put(Object::OperatorFamily(family)) => family.namespace,
        Change::Put(Object::Definition(own)) => own.namespace,
        Change::Remove(Key::Type(oid)) => committed.type_info(*oid)?.namespace,
        Change::Remove(Key::Function(oid)) => committed.routine(*oid)?.namespace,
        Change::Remove(Key::Operator(oid)) => committed.operator(*oid)?.namespace,
        Change::Remove(Key::OperatorClass(oid)) => committed.operator_class(*oid)?.class.namespace,
        Change::Remove(Key::OperatorFamily(oid)) => committed.operator_family(*oid)?.namespace,
        Change::Remove(Key::Definition(_, oid)) => committed.definition(*oid)?.namespace,
        _ => return None,
    })
}
