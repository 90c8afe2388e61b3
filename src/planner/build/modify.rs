//! INSERT, UPDATE, DELETE, MERGE.

use dictdb_catalog::Persistence;
use dictdb_types::{Error, Result};

use super::cost;
use super::{Builder, Built, Layout, Outer};
use crate::expr::{ColumnId, Expr};
use crate::logical::{Column, MergeClause, Modify as LogicalModify, ModifyAction, OnConflict as LogicalOnConflict};
use crate::physical::{Action, ConflictUpdate, Modify, Node, OnConflict, Op, TableLock, TableRef};

impl Builder<'_> {
    pub(crate) fn build_modify(&mut self, modify: &LogicalModify, outer: &Outer) -> Result<Built> {
        self.check_handler(&modify.relation)?;
        self.modifies = true;
        self.writes |= modify.relation.persistence != Persistence::Temporary;
        self.lock_changed(modify);
        let built = self.build(&modify.input, outer)?;
        self.check_replica_identity(modify)?;
        let action = self.change(modify, &built.layout, outer)?;
        let identity = positions(&modify.identity, &built.layout);
        let input = match &modify.action {
            // The columns to insert stand in the order of the targets.
            ModifyAction::Insert { .. } => {
                let columns = modify.input.columns();
                let layout = columns.iter().map(|column| column.id).collect();
                Built { node: self.arrange(built, &columns)?, layout, order: Vec::new() }
            }
            _ => built,
        };
        let row = row_layout(modify.relation.columns.len(), &modify.row);
        let (system, system_ids): (Vec<i16>, Vec<ColumnId>) = returned_system_columns(modify).unzip();
        // What RETURNING names: the row, its system columns, the input.
        let full: Layout = row.iter().chain(&system_ids).chain(&input.layout).copied().collect();
        let checks = modify
            .checks
            .iter()
            .map(|(check, expr)| Ok((check.clone(), self.expr(expr, &row, outer)?)))
            .collect::<Result<Vec<_>>>()?;
        let generated = modify
            .generated
            .iter()
            .map(|(attnum, expr)| Ok((*attnum, self.expr(expr, &row, outer)?)))
            .collect::<Result<Vec<_>>>()?;
        let returning = match &modify.returning {
            Some(columns) => Some(self.exprs(columns.iter().map(|(_, expr)| expr), &full, outer)?),
            None => None,
        };
        let outputs: Vec<Column> = modify.returning.iter().flatten().map(|(column, _)| column.clone()).collect();
        let rows = input.node.rows;
        let cost = (input.node.cost.0, input.node.cost.1 + rows * cost::ROW);
        let table = TableRef { relation: modify.relation.clone(), alias: modify.alias.clone() };
        let op = Op::Modify(Box::new(Modify {
            table,
            members: modify.members.clone(),
            action,
            input: input.node,
            identity,
            returning,
            system,
            checks,
            generated,
        }));
        let node = Node {
            op,
            columns: outputs.iter().map(|column| column.ty).collect(),
            names: outputs.iter().map(|column| column.name.clone()).collect(),
            rows,
            cost,
        };
        Ok(Built { node, layout: outputs.iter().map(|column| column.id).collect(), order: Vec::new() })
    }

    /// Locks the tables that a change is about, and those it has to look at for keys.
    fn lock_changed(&mut self, modify: &LogicalModify) {
        self.lock(modify.relation.oid, TableLock::RowExclusive);
        self.lock_referential(&modify.relation, &modify.action);
        // Of the others those are opened that the input reads: not every partition has rows to change.
        let opens = matches!(modify.action, ModifyAction::Insert { .. });
        for member in modify.members.iter() {
            match opens {
                true => self.lock(member.oid, TableLock::RowExclusive),
                false => self.lock_beside(member.oid, TableLock::RowExclusive),
            }
            self.lock_referential(member, &modify.action);
        }
    }

    /// What is done with a row of the input.
    fn change(&mut self, modify: &LogicalModify, layout: &Layout, outer: &Outer) -> Result<Action> {
        let position = |id: ColumnId| {
            layout
                .iter()
                .position(|other| *other == id)
                .ok_or_else(|| Error::internal("a modified table without its row id or new value"))
        };
        Ok(match &modify.action {
            ModifyAction::Insert { targets, given, on_conflict } => {
                let on_conflict =
                    on_conflict.as_ref().map(|conflict| self.on_conflict(modify, conflict, outer)).transpose()?;
                Action::Insert { targets: targets.clone(), given: *given, on_conflict }
            }
            ModifyAction::Update { row_id, assignments } => Action::Update {
                row_id: position(*row_id)?,
                assignments: assignments
                    .iter()
                    .map(|(attnum, id)| Ok((*attnum, position(*id)?)))
                    .collect::<Result<_>>()?,
            },
            ModifyAction::Instead { event, old, assignments } => {
                let positions = |columns: &[(i16, ColumnId)]| {
                    columns.iter().map(|(attnum, id)| Ok((*attnum, position(*id)?))).collect::<Result<Vec<_>>>()
                };
                Action::Instead { event: *event, old: positions(old)?, assignments: positions(assignments)? }
            }
            ModifyAction::Delete { row_id } => Action::Delete { row_id: position(*row_id)? },
            ModifyAction::Merge { row_id, clauses } => {
                let mut clauses = clauses.clone();
                for expr in clauses.iter_mut().flat_map(MergeClause::exprs_mut) {
                    *expr = self.expr(expr, layout, outer)?;
                }
                Action::Merge { row_id: position(*row_id)?, clauses }
            }
        })
    }

    fn on_conflict(
        &mut self,
        modify: &LogicalModify,
        conflict: &LogicalOnConflict,
        outer: &Outer,
    ) -> Result<OnConflict> {
        let width = modify.relation.columns.len();
        let update = match &conflict.update {
            None => None,
            Some(update) => {
                let mut layout = row_layout(width, &update.existing);
                layout.extend(row_layout(width, &update.excluded));
                let assignments = update
                    .assignments
                    .iter()
                    .map(|(attnum, expr)| Ok((*attnum, self.expr(expr, &layout, outer)?)))
                    .collect::<Result<Vec<_>>>()?;
                let filter = update.filter.as_ref().map(|expr| self.expr(expr, &layout, outer)).transpose()?;
                Some(ConflictUpdate { assignments, filter })
            }
        };
        Ok(OnConflict { indexes: conflict.indexes.clone(), update })
    }
}

/// The system columns that RETURNING names, or may name in a query: attnum and id.
fn returned_system_columns(modify: &LogicalModify) -> impl Iterator<Item = (i16, ColumnId)> + '_ {
    let named = |id: ColumnId| {
        let mut exprs = modify.returning.iter().flatten().map(|(_, expr)| expr);
        exprs.any(|expr| expr.any(&mut |e| matches!(e, Expr::Column(found, _) if *found == id) || is_query(e)))
    };
    let system = modify.row.iter().filter(move |(column, attnum)| *attnum < 0 && named(column.id));
    system.map(|(column, attnum)| (*attnum, column.id))
}

/// Whether an expression is a query, which may name any column around it.
fn is_query(expr: &Expr) -> bool {
    matches!(expr, Expr::Sublink(_))
}

/// Where columns stand.
pub(super) fn positions(columns: &[ColumnId], layout: &Layout) -> Vec<usize> {
    columns.iter().filter_map(|id| layout.iter().position(|other| other == id)).collect()
}

/// Position of each column in a full row: attnum − 1. Dropped columns leave gaps nobody refers to.
fn row_layout(width: usize, row: &[(Column, i16)]) -> Layout {
    let mut layout = vec![ColumnId(u32::MAX); width];
    for (column, attnum) in row {
        if let Some(place) = usize::try_from(*attnum - 1).ok().and_then(|i| layout.get_mut(i)) {
            *place = column.id;
        }
    }
    layout
}
