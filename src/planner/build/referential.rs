//! Tables that foreign keys make a statement look at: they are locked with the others, so that a plan is good for them too.

use dictdb_catalog::{ConstraintKind, Relation};

use super::Builder;
use crate::logical::{MergeAction, MergeClause, ModifyAction};
use crate::physical::TableLock;

/// What a statement may do to the rows of its table.
#[derive(Default)]
struct Effects {
    inserts: bool,
    deletes: bool,
    assigned: Vec<i16>,
}

impl Effects {
    fn of(action: &ModifyAction) -> Effects {
        let mut effects = Effects::default();
        match action {
            ModifyAction::Insert { on_conflict, .. } => {
                effects.inserts = true;
                let update = on_conflict.as_ref().and_then(|conflict| conflict.update.as_ref());
                let assignments = update.into_iter().flat_map(|update| &update.assignments);
                effects.assigned = assignments.map(|(attnum, _)| *attnum).collect();
            }
            ModifyAction::Update { assignments, .. } => {
                effects.assigned = assignments.iter().map(|(attnum, _)| *attnum).collect();
            }
            ModifyAction::Delete { .. } => effects.deletes = true,
            ModifyAction::Instead { .. } => {}
            ModifyAction::Merge { clauses, .. } => clauses.iter().for_each(|clause| effects.add(clause)),
        }
        effects
    }

    fn add(&mut self, clause: &MergeClause) {
        match &clause.action {
            MergeAction::Insert { .. } => self.inserts = true,
            MergeAction::Update { values } => self.assigned.extend(values.iter().map(|(attnum, _)| *attnum)),
            MergeAction::Delete => self.deletes = true,
            MergeAction::Nothing => {}
        }
    }

    fn assigns(&self, columns: &[i16]) -> bool {
        columns.iter().any(|column| self.assigned.contains(column))
    }

    /// Whether a key that others may refer to can go away.
    fn takes_keys(&self, relation: &Relation) -> bool {
        self.deletes
            || relation.constraints.iter().any(|constraint| match &constraint.kind {
                ConstraintKind::Primary { columns, .. } | ConstraintKind::Unique { columns, .. } => {
                    self.assigns(columns)
                }
                _ => false,
            })
    }
}

impl Builder<'_> {
    /// Locks the tables that a statement's foreign keys lead to.
    pub(super) fn lock_referential(&mut self, relation: &Relation, action: &ModifyAction) {
        let has_keys = relation.constraints.iter().any(|c| matches!(c.kind, ConstraintKind::Foreign(_)));
        if !has_keys && relation.referenced_by.is_empty() {
            return;
        }
        let effects = Effects::of(action);
        for constraint in &relation.constraints {
            if let ConstraintKind::Foreign(key) = &constraint.kind
                && (effects.inserts || effects.assigns(&key.columns))
            {
                self.lock_beside(key.referenced, TableLock::RowShare);
            }
        }
        if effects.takes_keys(relation) {
            for (referencing, _) in &relation.referenced_by {
                self.lock_beside(*referencing, TableLock::RowShare);
            }
        }
    }
}
