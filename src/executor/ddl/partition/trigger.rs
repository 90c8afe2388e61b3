//! Row triggers of partitioned tables: every partition has its own, which stands for that of the whole.

use std::sync::Arc;

use dictdb_catalog::{Dependency, Key, Relation, Trigger};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::super::DdlContext;

impl DdlContext<'_> {
    /// Gives a partition, and its partitions, a trigger that stands for one of a partitioned table. 42710.
    /// With `replaces`, one of a partition's own gives way.
    pub(in crate::ddl) fn clone_trigger(
        &mut self,
        whole: &Trigger,
        parent: &Arc<Relation>,
        child: Oid,
        replaces: bool,
    ) -> Result<()> {
        let relation = self.table(child)?;
        let known = self.view().trigger_named(child, &whole.name).cloned();
        let gives_way = |known: &Trigger| replaces && !known.parent.is_valid() && !known.constraint.is_valid();
        if known.as_ref().is_some_and(|known| known.parent != whole.oid && !gives_way(known)) {
            let message = format!("trigger \"{}\" for relation \"{}\" already exists", whole.name, relation.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let columns = whole.columns.iter().filter_map(|attnum| parent.attnum_in(*attnum, &relation)).collect();
        let trigger = Trigger {
            oid: known.map_or_else(|| self.new_oid(), |known| known.oid),
            relation: child,
            columns,
            parent: whole.oid,
            constraint: if whole.constraint.is_valid() { self.new_oid() } else { Oid::INVALID },
            ..whole.clone()
        };
        let columns = trigger.columns.clone();
        let own = Key::Trigger(child, trigger.oid);
        self.undepend_all(own);
        let trigger = self.record_trigger(trigger, &columns, &[]);
        self.depend(own, Key::Trigger(whole.relation, whole.oid), Dependency::Auto);
        self.touch(&relation);
        if relation.is_partitioned() {
            for grandchild in relation.children.clone() {
                self.clone_trigger(&trigger, &relation, grandchild, replaces)?;
            }
        }
        Ok(())
    }

    /// Gives a new partition what stands for the row triggers of its parent.
    pub(in crate::ddl) fn clone_triggers(&mut self, parent: &Arc<Relation>, child: Oid) -> Result<()> {
        let triggers: Vec<Arc<Trigger>> = self.view().triggers_of(parent.oid).filter(|t| t.row).cloned().collect();
        triggers.iter().try_for_each(|trigger| self.clone_trigger(trigger, parent, child, false))
    }

    /// Takes from a partition that leaves what stood for triggers of its parent.
    pub(in crate::ddl) fn drop_clones(&mut self, parent: Oid, child: Oid) {
        let catalog = self.view();
        let of_parent =
            |trigger: &&Arc<Trigger>| catalog.trigger(trigger.parent).is_some_and(|whole| whole.relation == parent);
        let clones: Vec<Arc<Trigger>> = catalog.triggers_of(child).filter(of_parent).cloned().collect();
        for trigger in clones.iter().flat_map(|clone| self.with_clones(clone)).collect::<Vec<_>>() {
            self.remove(Key::Trigger(trigger.relation, trigger.oid));
        }
    }

    /// A trigger and those that stand for it in partitions, the whole first.
    pub(in crate::ddl) fn with_clones(&mut self, trigger: &Arc<Trigger>) -> Vec<Arc<Trigger>> {
        let catalog = self.view();
        let mut found = vec![trigger.clone()];
        let mut at = 0;
        while let Some(whole) = found.get(at).cloned() {
            found.extend(catalog.triggers().filter(|other| other.parent == whole.oid).cloned());
            at += 1;
        }
        found
    }
}
