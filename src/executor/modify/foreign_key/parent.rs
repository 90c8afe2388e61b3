//! The side that is referred to: what happens when a key goes away.

use dictdb_catalog::ReferentialAction;
use dictdb_storage::{LockMode, RowLocked, RowStrength};
use dictdb_types::{Error, Result, RowId, SqlState};

use super::super::violation::shown_key;
use super::super::writer::Writer;
use super::ForeignKeyCode;
use super::convert::convert;
use crate::row::Row;

impl ForeignKeyCode {
    /// A parent has lost its key `old`; `new` is the key it has now, if it was not deleted. Returns whether children were
    /// changed. 23503.
    pub fn parent_gone(&self, old: &Row, new: Option<&Row>, writer: &Writer<'_>) -> Result<bool> {
        match self.action(new.is_some()) {
            ReferentialAction::NoAction => self.refuse_unless_replaced(old, writer).map(|()| false),
            ReferentialAction::Restrict => self.refuse(old, writer).map(|()| false),
            ReferentialAction::SetDefault => {
                let changed = self.act(ReferentialAction::SetDefault, old, new, writer)?;
                // Where the default is the old key itself nothing changed, and nobody would check it.
                self.refuse_unless_replaced(old, writer).map(|()| changed)
            }
            action => self.act(action, old, new, writer),
        }
    }

    /// NO ACTION: fails if a child refers to the key, unless some parent has it again.
    fn refuse_unless_replaced(&self, old: &Row, writer: &Writer<'_>) -> Result<()> {
        if self.has_replacement(old, writer)? { Ok(()) } else { self.refuse(old, writer) }
    }

    /// Whether some parent has the key again.
    fn has_replacement(&self, old: &Row, writer: &Writer<'_>) -> Result<bool> {
        let snapshot = writer.cx.transaction.latest_snapshot()?;
        for (side, search) in self.parents() {
            if !search.find(side, old, &snapshot, &writer.cx.transaction)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Fails if a child refers to the key.
    fn refuse(&self, old: &Row, writer: &Writer<'_>) -> Result<()> {
        self.lock(&self.child, LockMode::RowShare, writer)?;
        let Some(wanted) = convert(old, &self.parent.oids, &self.child.compared) else { return Ok(()) };
        loop {
            let snapshot = writer.cx.transaction.latest_snapshot()?;
            let children = self.child_search.find(&self.child, &wanted, &snapshot, &writer.cx.transaction)?;
            let Some(child) = children.first() else { return Ok(()) };
            if writer.removes_expired(&*self.child_target(writer)?, *child)? {
                continue;
            }
            if self.stays(*child, &snapshot, writer)? {
                return Err(self.still_referenced(old, writer));
            }
        }
    }

    /// Whether a child is there to stay: nobody is about to delete it. `false`: something happened, look again.
    fn stays(&self, child: RowId, snapshot: &dictdb_storage::Snapshot, writer: &Writer<'_>) -> Result<bool> {
        let transaction = &writer.cx.transaction;
        let table = &self.child.handle.table;
        match table.lock_row(transaction, snapshot, child, None, RowStrength::KeyShare)? {
            RowLocked::Done | RowLocked::SelfModified => Ok(true),
            RowLocked::Busy(holder) => writer.wait(holder).map(|()| false),
            RowLocked::Changed | RowLocked::Deleted => Ok(false),
        }
    }

    fn still_referenced(&self, old: &Row, writer: &Writer<'_>) -> Error {
        let (parent, child) = (&self.parent.handle.relation, &self.child.handle.relation);
        // The key of a partition is the partitioned table's, and what it has for the partition that is referred to has a name.
        let (child, whole) = writer.cx.catalog.original_key(child, &self.constraint);
        let part = whole.parts().iter().find(|part| part.relation == parent.oid);
        let name = part.map_or(&whole.name, |part| &part.name);
        let message = format!(
            "update or delete on table \"{}\" violates foreign key constraint \"{name}\" on table \"{}\"",
            parent.name, child.name
        );
        let key = shown_key(parent, &self.parent.columns, old, writer.cx);
        Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
            .detail(format!("{key} is still referenced from table \"{}\".", child.name))
            .schema(writer.schema_name(&child))
            .table(&*child.name)
            .constraint(&**name)
    }
}
