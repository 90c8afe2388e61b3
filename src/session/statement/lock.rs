//! LOCK TABLE: the table and its children, the view and what it reads.

use std::sync::Arc;

use dictdb_catalog::{AclKind, Key, Privileges, Relation, RelationKind};
use dictdb_parser::utility::{LockMode, LockTable, TableRef};
use dictdb_storage::{LockMode as Mode, Transaction, WaitPolicy};
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::Session;
use crate::client::Tag;
use crate::portal::Outcome;

impl Session {
    pub(super) fn run_lock(&mut self, lock: &LockTable) -> Result<Outcome> {
        if !self.in_block() {
            let message = "LOCK TABLE can only be used in transaction blocks";
            return Err(Error::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, message));
        }
        let transaction = self.transaction()?;
        for table in &lock.tables {
            self.lock_named(&transaction, table, lock)?;
        }
        Ok(Outcome::Done(Tag::new("LOCK TABLE")))
    }

    /// Locks what a name stands for, and what belongs to it. It is looked up again afterwards: while we waited it may have come
    /// to mean something else.
    fn lock_named(&mut self, transaction: &Transaction, table: &TableRef, lock: &LockTable) -> Result<()> {
        let mut relation = self.find_relation(&table.name)?;
        loop {
            if !is_lockable(&relation) {
                let message = format!("\"{}\" is not a table or view", relation.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            let role = self.role();
            self.check_may_lock(&relation, lock.mode, role)?;
            self.lock_one(transaction, &relation, lock)?;
            let now = self.find_relation(&table.name)?;
            if now.oid == relation.oid {
                break;
            }
            relation = now;
        }
        match relation.kind {
            RelationKind::View(_) => self.lock_below(transaction, &relation, lock, &mut vec![relation.oid]),
            _ if table.only => Ok(()),
            _ => self.lock_children(transaction, &relation, lock),
        }
    }

    /// Locks the inheritance children and partitions of a table.
    fn lock_children(&mut self, transaction: &Transaction, relation: &Arc<Relation>, lock: &LockTable) -> Result<()> {
        let family = self.env().catalog.descendants(relation);
        family.iter().skip(1).try_for_each(|child| self.lock_one(transaction, child, lock))
    }

    /// Locks what a view reads, as far down as it goes: on behalf of its owner, unless it is one that asks whoever uses it.
    fn lock_below(
        &mut self,
        transaction: &Transaction,
        view: &Arc<Relation>,
        lock: &LockTable,
        seen: &mut Vec<Oid>,
    ) -> Result<()> {
        let catalog = self.env().catalog.clone();
        let invoker = view.option("security_invoker").is_some_and(|value| value == "true");
        let role = if invoker { self.role() } else { view.owner };
        let mut read: Vec<Oid> = Vec::new();
        for (key, _) in catalog.dependencies_of(Key::Relation(view.oid)) {
            if let Key::Relation(oid) | Key::Column(oid, _) = key
                && !read.contains(&oid)
            {
                read.push(oid);
            }
        }
        for relation in read.into_iter().filter_map(|oid| catalog.relation(oid)) {
            if !is_lockable(relation) || seen.contains(&relation.oid) {
                continue;
            }
            seen.push(relation.oid);
            self.check_may_lock(relation, lock.mode, role)?;
            self.lock_one(transaction, relation, lock)?;
            match relation.kind {
                RelationKind::View(_) => self.lock_below(transaction, relation, lock, seen)?,
                _ => self.lock_children(transaction, relation, lock)?,
            }
        }
        Ok(())
    }

    fn lock_one(&mut self, transaction: &Transaction, relation: &Relation, lock: &LockTable) -> Result<()> {
        let options = self.wait_options();
        let handle = self.shared.instance.storage.relation_lock(self.shared.database.oid, relation.oid);
        let policy = if lock.nowait { WaitPolicy::Error } else { WaitPolicy::Block };
        let locked = transaction.lock_relation(&handle, mode(lock.mode), policy, &options);
        locked.map(drop).map_err(|error| {
            if !lock.nowait || error.code() != SqlState::LOCK_NOT_AVAILABLE {
                return error;
            }
            let message = format!("could not obtain lock on relation \"{}\"", relation.name);
            Error::new(SqlState::LOCK_NOT_AVAILABLE, message)
        })
    }

    /// 42501 unless a role may do one of the things that a lock of this mode is for.
    fn check_may_lock(&mut self, relation: &Relation, mode: LockMode, role: Oid) -> Result<()> {
        let changes = Privileges::UPDATE.with(Privileges::DELETE).with(Privileges::TRUNCATE);
        let enough = match mode {
            LockMode::AccessShare => Privileges::SELECT,
            LockMode::RowExclusive => changes.with(Privileges::INSERT),
            _ => changes,
        };
        let env = self.env();
        let (owner, acl) = (relation.owner, relation.acl.as_deref());
        let held = env.catalog.held_privileges(role, AclKind::Table, owner, acl).privileges;
        if held.intersects(enough) {
            return Ok(());
        }
        let message = format!("permission denied for {} {}", relation.kind_noun(), relation.name);
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }
}

fn is_lockable(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Table | RelationKind::View(_) | RelationKind::Virtual)
}

fn mode(mode: LockMode) -> Mode {
    match mode {
        LockMode::AccessShare => Mode::AccessShare,
        LockMode::RowShare => Mode::RowShare,
        LockMode::RowExclusive => Mode::RowExclusive,
        LockMode::ShareUpdateExclusive => Mode::ShareUpdateExclusive,
        LockMode::Share => Mode::Share,
        LockMode::ShareRowExclusive => Mode::ShareRowExclusive,
        LockMode::Exclusive => Mode::Exclusive,
        LockMode::AccessExclusive => Mode::AccessExclusive,
    }
}
