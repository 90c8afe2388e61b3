//! Deferred constraints: SET CONSTRAINTS, and their check when the transaction commits.

use dictdb_catalog::Catalog;
use dictdb_parser::ast::{Ident, ObjectName, ObjectNamePart};
use dictdb_parser::utility::SetConstraints;
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use crate::client::Tag;
use crate::portal::Outcome;
use crate::{Session, StatementEnv};

impl Session {
    pub(super) fn run_set_constraints(&mut self, set: &SetConstraints) -> Result<Outcome> {
        if !self.in_block() {
            let message = "SET CONSTRAINTS can only be used in transaction blocks";
            self.shared.notice(Error::with_severity(Severity::Warning, SqlState::NO_ACTIVE_SQL_TRANSACTION, message));
        }
        let env = self.env();
        let oids = match set.names.as_deref() {
            None => None,
            Some(names) => Some(named(&env, names)?),
        };
        let constraints = self.constraints.clone();
        let cx = self.constraint_context()?;
        let engine = self.shared.instance.engine.clone();
        let lends = cx.catalog.has_routines();
        self.lend_if(lends, || constraints.set(oids.as_deref(), set.deferred, &cx, &engine))?;
        Ok(Outcome::Done(Tag::new("SET CONSTRAINTS")))
    }

    /// Checks what was deferred to the end of the transaction. 23503, 23505.
    pub(crate) fn check_deferred(&mut self) -> Result<()> {
        if self.constraints.is_empty() {
            return Ok(());
        }
        let constraints = self.constraints.clone();
        let cx = self.constraint_context()?;
        let engine = self.shared.instance.engine.clone();
        let lends = cx.catalog.has_routines();
        self.lend_if(lends, || tokio::task::block_in_place(|| constraints.check(&cx, &engine)))
    }
}

/// The deferrable constraints some names mean: all of a name in the first schema on the path that has one.
fn named(env: &StatementEnv, names: &[ObjectName]) -> Result<Vec<Oid>> {
    let mut oids = Vec::new();
    for name in names {
        let parts: Vec<&Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
        let (schemas, name) = match parts.as_slice() {
            [.., schema, name] => {
                let found = env.catalog.schema_seen(&env.search_path(), &schema.value).map(|schema| schema.oid);
                let missing =
                    || Error::new(SqlState::UNDEFINED_SCHEMA, format!("schema \"{}\" does not exist", schema.value));
                (vec![found.ok_or_else(missing)?], &name.value)
            }
            [name] => (env.search_path(), &name.value),
            [] => continue,
        };
        let found = schemas.iter().map(|schema| in_schema(&env.catalog, *schema, name)).find(|found| !found.is_empty());
        let Some(found) = found else {
            let message = format!("constraint \"{name}\" does not exist");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        if found.iter().all(|(_, deferrable)| !deferrable) {
            let message = format!("constraint \"{name}\" is not deferrable");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        oids.extend(found.iter().filter(|(_, deferrable)| *deferrable).map(|(oid, _)| *oid));
    }
    Ok(oids)
}

/// The constraints and constraint triggers of this name, and whether each is deferrable.
fn in_schema(catalog: &Catalog, schema: Oid, name: &str) -> Vec<(Oid, bool)> {
    let mut found = Vec::new();
    for table in catalog.relations().filter(|relation| relation.namespace == schema) {
        let constraints = table.constraints.iter().filter(|constraint| *constraint.name == *name);
        found.extend(constraints.map(|constraint| (constraint.oid, constraint.deferrable)));
        let trigger = catalog.trigger_named(table.oid, name).filter(|trigger| trigger.constraint.is_valid());
        found.extend(trigger.map(|trigger| (trigger.constraint, trigger.deferrable)));
    }
    found
}
