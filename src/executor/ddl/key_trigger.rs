//! The triggers that keep foreign keys: they are part of the constraints, but can be disabled like others.

use std::sync::Arc;

use dictdb_catalog::trigger::Firing;
use dictdb_catalog::{Catalog, Constraint, ConstraintKind, ForeignKey, KeyTrigger, Relation};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;

impl DdlContext<'_> {
    /// ENABLE and DISABLE of the triggers that foreign keys have on a table: all of them, or the one of that name. Returns
    /// whether there was any. 42501 but for superusers.
    pub(super) fn set_key_firing(
        &mut self,
        relation: &Arc<Relation>,
        name: Option<&str>,
        firing: Firing,
        recurse: bool,
    ) -> Result<bool> {
        let catalog = self.view();
        let all: Vec<KeyTrigger> = catalog.key_triggers().collect();
        let is_named =
            |trigger: &KeyTrigger| trigger.table == relation.oid && name.is_none_or(|name| *trigger.name == *name);
        let mut triggers: Vec<KeyTrigger> = all.iter().filter(|trigger| is_named(trigger)).cloned().collect();
        if recurse && relation.is_partitioned() {
            // What stands for them in partitions: the copies of a key, and its parts.
            let partitions: Vec<Oid> = catalog.descendants(relation).iter().skip(1).map(|table| table.oid).collect();
            let stands_for = |trigger: &KeyTrigger| {
                partitions.contains(&trigger.table)
                    && triggers.iter().any(|own| {
                        (own.checks, own.function) == (trigger.checks, trigger.function)
                            && key_above(own, &catalog) == key_above(trigger, &catalog)
                    })
            };
            let below: Vec<KeyTrigger> = all.iter().filter(|trigger| stands_for(trigger)).cloned().collect();
            triggers.extend(below);
        }
        for trigger in &triggers {
            if !self.is_superuser() {
                let message = format!("permission denied: \"{}\" is a system trigger", trigger.name);
                return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
            }
            self.set_firing_of_key(trigger, firing)?;
        }
        Ok(!triggers.is_empty())
    }

    fn set_firing_of_key(&mut self, trigger: &KeyTrigger, firing: Firing) -> Result<()> {
        let owner: Oid = trigger.constrained;
        let relation = self.table(owner)?;
        let Some(own) = relation.constraints.iter().find(|own| stands(own, trigger.constraint)) else { return Ok(()) };
        let ConstraintKind::Foreign(key) = &own.kind else { return Ok(()) };
        let mut key = ForeignKey::clone(key);
        match key.parts.iter_mut().find(|part| part.oid == trigger.constraint) {
            Some(part) => part.firing = Some(firing),
            None if trigger.checks => key.check_firing = Some(firing),
            None => key.action_firing = Some(firing),
        }
        let kind = ConstraintKind::Foreign(Arc::new(key));
        self.replace_constraint(owner, Constraint { kind, ..Constraint::clone(own) })?;
        // Plans over the other table are made anew, too.
        let table = self.table(trigger.table)?;
        self.touch(&table);
        Ok(())
    }
}

/// The foreign key that a trigger is there for in the end: not a copy of it, nor its part for a partition.
fn key_above(trigger: &KeyTrigger, catalog: &Catalog) -> Option<Oid> {
    let table = catalog.relation(trigger.constrained)?;
    let key = table.constraints.iter().find(|own| stands(own, trigger.constraint))?;
    Some(catalog.original_key(table, key).1.oid)
}

/// Whether a constraint, or a part of it, has this oid.
fn stands(constraint: &Constraint, oid: Oid) -> bool {
    constraint.oid == oid || constraint.parts().iter().any(|part| part.oid == oid)
}
