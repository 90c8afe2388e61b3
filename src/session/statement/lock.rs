//! LOCK TABLE.

use dictdb_catalog::{AclKind, Privileges, Relation, RelationKind};
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{LockMode, LockTable};
use dictdb_storage::{LockMode as Mode, Transaction, WaitPolicy};
use dictdb_types::{Error, Result, SqlState};

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
            self.lock_named(&transaction, &table.name, lock)?;
        }
        Ok(Outcome::Done(Tag::new("LOCK TABLE")))
    }

    /// Locks what a name stands for. It is looked up again afterwards: while we waited it may have come to mean something else.
    fn lock_named(&mut self, transaction: &Transaction, name: &ObjectName, lock: &LockTable) -> Result<()> {
        let options = self.wait_options();
        let mut relation = self.find_relation(name)?;
        loop {
            if !matches!(relation.kind, RelationKind::Table | RelationKind::View(_) | RelationKind::Virtual) {
                let message = format!("\"{}\" is not a table or view", relation.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            self.check_may_lock(&relation, lock.mode)?;
            let handle = self.shared.instance.storage.relation_lock(self.shared.database.oid, relation.oid);
            let policy = if lock.nowait { WaitPolicy::Error } else { WaitPolicy::Block };
            transaction.lock_relation(&handle, mode(lock.mode), policy, &options).map_err(|error| {
                if !lock.nowait || error.code() != SqlState::LOCK_NOT_AVAILABLE {
                    return error;
                }
                let message = format!("could not obtain lock on relation \"{}\"", relation.name);
                Error::new(SqlState::LOCK_NOT_AVAILABLE, message)
            })?;
            let now = self.find_relation(name)?;
            if now.oid == relation.oid {
                return Ok(());
            }
            relation = now;
        }
    }

    /// 42501 unless the role may do one of the things that a lock of this mode is for.
    fn check_may_lock(&mut self, relation: &Relation, mode: LockMode) -> Result<()> {
        let changes = Privileges::UPDATE.with(Privileges::DELETE).with(Privileges::TRUNCATE);
        let enough = match mode {
            LockMode::AccessShare => Privileges::SELECT,
            LockMode::RowExclusive => changes.with(Privileges::INSERT),
            _ => changes,
        };
        let role = self.role();
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
