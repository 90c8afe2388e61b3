//! The triggers that keep foreign keys: they are part of the constraints, but can be disabled like others.

use std::sync::Arc;

use dictdb_catalog::trigger::Firing;
use dictdb_catalog::{Constraint, ConstraintKind, ForeignKey, KeyTrigger, Relation};
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
    ) -> Result<bool> {
        let catalog = self.view();
        let triggers: Vec<KeyTrigger> = catalog
            .key_triggers()
            .filter(|trigger| trigger.table == relation.oid && name.is_none_or(|name| *trigger.name == *name))
            .collect();
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
        let Some(own) = relation.constraints.iter().find(|own| own.oid == trigger.constraint) else { return Ok(()) };
        let ConstraintKind::Foreign(key) = &own.kind else { return Ok(()) };
        let mut key = ForeignKey::clone(key);
        match trigger.checks {
            true => key.check_firing = Some(firing),
            false => key.action_firing = Some(firing),
        }
        let kind = ConstraintKind::Foreign(Arc::new(key));
        self.replace_constraint(owner, Constraint { kind, ..Constraint::clone(own) })?;
        // Plans over the other table are made anew, too.
        let table = self.table(trigger.table)?;
        self.touch(&table);
        Ok(())
    }
}
