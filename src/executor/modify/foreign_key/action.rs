//! CASCADE, SET NULL and SET DEFAULT: children follow their parent.

use dictdb_catalog::ReferentialAction;
use dictdb_catalog::trigger::Event;
use dictdb_planner::table_expr::TableExpr;
use dictdb_storage::{Isolation, LockMode, concurrent_update};
use dictdb_types::{Datum, Result, RowId};

use super::super::partition::Moving;
use super::super::target::{Target, place};
use super::super::trigger::RowUpdate;
use super::super::writer::{Change, Writer};
use super::ForeignKeyCode;
use super::convert::convert;
use crate::row::Row;

impl ForeignKeyCode {
    /// Acts on every child of the key `old`. Returns whether there was one.
    pub(super) fn act(
        &self,
        action: ReferentialAction,
        old: &Row,
        new: Option<&Row>,
        writer: &Writer<'_>,
    ) -> Result<bool> {
        self.lock(&self.child, LockMode::RowExclusive, writer)?;
        let Some(wanted) = convert(old, &self.parent.oids, &self.child.compared) else { return Ok(false) };
        let target = self.child_to_change(writer)?;
        let family = self.child_family(writer)?;
        let (triggers, named, places) = match family {
            Some(family) => (family.triggers.as_deref(), &family.root, &*family.places),
            None => (target.triggers.as_deref(), target.relation(), &*self.child.places),
        };
        // One command of its own: it does not meet rows that it changes itself.
        let snapshot = writer.cx.transaction.latest_snapshot()?;
        let writer = Writer { snapshot: &snapshot, rt: None, ..*writer };
        let event = if action == ReferentialAction::Cascade && new.is_none() { Event::Delete } else { Event::Update };
        writer.before_statement(triggers, named, event, places)?;
        let children = self.child_search.find(&self.child, &wanted, &snapshot, &writer.cx.transaction)?;
        for child in &children {
            writer.cx.env.check_interrupts()?;
            self.refuse_unseen(*child, &writer)?;
            self.act_on(action, *child, &target, &wanted, new, &writer)?;
        }
        writer.after_statement(triggers, named, event, places)?;
        Ok(!children.is_empty() || triggers.is_some())
    }

    /// Under REPEATABLE READ an action may not touch rows that the transaction does not see.
    fn refuse_unseen(&self, child: RowId, writer: &Writer<'_>) -> Result<()> {
        if writer.cx.transaction.isolation() == Isolation::ReadCommitted {
            return Ok(());
        }
        let own = writer.cx.transaction.snapshot()?;
        match self.child.handle.table.read(child, &own, |_| ()) {
            Some(()) => Ok(()),
            None => Err(concurrent_update()),
        }
    }

    fn act_on(
        &self,
        action: ReferentialAction,
        child: RowId,
        target: &Target,
        wanted: &Row,
        new: Option<&Row>,
        writer: &Writer<'_>,
    ) -> Result<()> {
        let family = self.child_family(writer)?;
        let moving = family.map(|family| Moving {
            router: &family.router,
            member: &family.member,
            database: self.database,
            captured: true,
        });
        let mut version = writer.read(target, child)?.map(|row| (None, row));
        while let Some((tag, row)) = version {
            let change = match (action, new) {
                (ReferentialAction::Cascade, None) => writer.delete_row(target, child, tag, &row)?,
                _ => {
                    let (places, changed) = self.changed_child(action, target, &row, new, writer)?;
                    let update = RowUpdate { id: child, expected: tag, places, old: &row, new: changed, moving };
                    writer.update_row(target, update)?.0
                }
            };
            version = match change {
                Change::Done | Change::Gone | Change::Repeated | Change::Skipped => None,
                // Somebody changed the child meanwhile: it may refer to something else by now.
                Change::Changed => match writer.read_latest(target, child)? {
                    Some((tag, row)) if self.refers_to(&row, wanted)? => Some((Some(tag), row)),
                    _ => None,
                },
            };
        }
        Ok(())
    }

    fn refers_to(&self, row: &Row, wanted: &Row) -> Result<bool> {
        for (number, (value, wanted)) in self.child.values(row).iter().zip(wanted).enumerate() {
            if value.is_null() || !self.child.is_equal(number, value, wanted)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The child as the action wants it, and which places that changes.
    fn changed_child(
        &self,
        action: ReferentialAction,
        target: &Target,
        row: &Row,
        new: Option<&Row>,
        writer: &Writer<'_>,
    ) -> Result<(Vec<usize>, Row)> {
        let mut changed = row.clone();
        let mut places = Vec::new();
        let cascaded = new.map(|new| convert(new, &self.parent.oids, &self.child.oids).unwrap_or_default());
        for (position, at) in self.child.places.iter().enumerate() {
            let value = match action {
                ReferentialAction::SetNull | ReferentialAction::SetDefault if !self.is_set(*at, new.is_none())? => {
                    continue;
                }
                ReferentialAction::SetNull => Datum::Null,
                ReferentialAction::SetDefault => self.default_value(target, *at, writer)?,
                _ => cascaded.as_ref().and_then(|values| values.get(position).cloned()).unwrap_or(Datum::Null),
            };
            if let Some(cell) = changed.get_mut(*at) {
                *cell = value;
            }
            places.push(*at);
        }
        Ok((places, changed))
    }

    /// Whether SET NULL or SET DEFAULT sets a column: ON DELETE may name some only.
    fn is_set(&self, at: usize, delete: bool) -> Result<bool> {
        if !delete || self.key.delete_set_columns.is_empty() {
            return Ok(true);
        }
        for attnum in &self.key.delete_set_columns {
            if place(*attnum)? == at {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The default of a child's column: that of the partitioned table, where the key is its.
    fn default_value(&self, target: &Target, at: usize, writer: &Writer<'_>) -> Result<Datum> {
        let own = target.column(at);
        let of_root = match self.child_family(writer)? {
            Some(family) => own.and_then(|own| family.root.column_named(&own.name)).map(|(_, column)| column),
            None => own,
        };
        let Some(column) = of_root else { return Ok(Datum::Null) };
        match &column.default {
            Some(text) => writer.evaluate(target.relation(), text, TableExpr::Default(column.ty), &[]),
            None => Ok(Datum::Null),
        }
    }
}
