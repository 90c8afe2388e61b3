//! Stored texts after a rename: they are bound over the names of before and written with the names of now.

use std::sync::Arc;

use dictdb_catalog::{
    Column, Constraint, ConstraintKind, IndexInfo, IndexKey, IndexTarget, Object, Relation, RelationKind, Trigger,
};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_planner::trigger_when::when_restated;
use dictdb_types::{Error, Oid, Result};

use super::DdlContext;

impl DdlContext<'_> {
    /// Rewrites what is kept as text over a table's columns.
    pub(super) fn restate_texts(&mut self, old: &Arc<Relation>, new: &Arc<Relation>) -> Result<()> {
        let mut columns: Vec<Column> = new.columns.to_vec();
        for column in columns.iter_mut().filter(|column| column.generated) {
            if let Some(text) = &column.default {
                column.default = Some(self.restated(text, old, new, TableExpr::Generated(column.ty))?);
            }
        }
        let mut constraints = new.constraints.clone();
        for constraint in &mut constraints {
            if let ConstraintKind::Check { expression, columns } = &constraint.kind {
                let expression = self.restated(expression, old, new, TableExpr::Check)?;
                let kind = ConstraintKind::Check { expression, columns: columns.clone() };
                *constraint = Arc::new(Constraint { kind, ..Constraint::clone(constraint) });
            }
        }
        self.put_relation(Relation { columns: columns.into(), constraints, ..Relation::clone(new) });
        for index in new.indexes.clone() {
            self.restate_index(index, old, new)?;
        }
        self.restate_triggers(old, new)
    }

    fn restate_triggers(&mut self, old: &Arc<Relation>, new: &Arc<Relation>) -> Result<()> {
        let triggers: Vec<Arc<Trigger>> = self.view().triggers_of(new.oid).cloned().collect();
        let path = [dictdb_catalog::namespaces::PG_CATALOG];
        for trigger in triggers {
            let Some(text) = &trigger.when else { continue };
            let when = Some(self.with_path(&path, |cx| when_restated(text, old, new, cx))?);
            self.put(Object::Trigger(Arc::new(Trigger { when, ..Trigger::clone(&trigger) })));
        }
        Ok(())
    }

    fn restate_index(&mut self, index: Oid, old: &Arc<Relation>, new: &Arc<Relation>) -> Result<()> {
        let index = self.table(index)?;
        let Some(info) = index.index() else { return Ok(()) };
        let mut keys: Vec<IndexKey> = Vec::with_capacity(info.keys.len());
        for key in &info.keys {
            let target = match &key.target {
                IndexTarget::Expression(text) => {
                    IndexTarget::Expression(self.restated(text, old, new, TableExpr::IndexKey)?)
                }
                column => column.clone(),
            };
            keys.push(IndexKey { target, ..key.clone() });
        }
        let predicate = match &info.predicate {
            Some(text) => Some(self.restated(text, old, new, TableExpr::IndexPredicate)?),
            None => None,
        };
        let info = IndexInfo { keys, predicate, ..IndexInfo::clone(info) };
        self.put_relation(Relation { kind: RelationKind::Index(Arc::new(info)), ..Relation::clone(&index) });
        Ok(())
    }

    fn restated(
        &mut self,
        text: &str,
        old: &Arc<Relation>,
        new: &Arc<Relation>,
        purpose: TableExpr,
    ) -> Result<Arc<str>> {
        let path = [dictdb_catalog::namespaces::PG_CATALOG];
        self.with_path(&path, |cx| table_expr::restated(text, old, new, purpose, cx))
    }

    /// Views whose queries mention a relation by name. XX000 is impossible: they are found by their dependencies.
    pub(super) fn views_to_restate(&mut self, relations: &[Oid]) -> Result<Vec<Oid>> {
        let catalog = self.view();
        let mut views = Vec::new();
        for relation in relations {
            for (dependent, _) in catalog.dependents_of(dictdb_catalog::Key::Relation(*relation)) {
                if let dictdb_catalog::Key::Relation(oid) = dependent
                    && catalog.relation(oid).is_some_and(|view| view.view().is_some())
                {
                    views.push(oid);
                }
            }
        }
        if views.is_empty() { Ok(views) } else { Err(Error::unsupported("renaming what views use")) }
    }

    pub(super) fn restate_views(&mut self, _: Vec<Oid>) -> Result<()> {
        Ok(())
    }
}
