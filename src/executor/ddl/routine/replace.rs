//! What OR REPLACE must leave as it is.

use dictdb_catalog::{Parameter, Routine};
use dictdb_functions::facts::{AggregateKind, ProcKind};
use dictdb_types::{Error, Result, SqlState, oids};

use super::find::signature;
use super::params::invalid;
use crate::ddl::DdlContext;

impl DdlContext<'_> {
    /// 42723 without OR REPLACE; 42809, 42P13 when others may rely on what would change.
    pub(super) fn check_replacement(&mut self, old: &Routine, new: &Routine, or_replace: bool) -> Result<()> {
        if !or_replace {
            let message = format!("function \"{}\" already exists with same argument types", new.name);
            return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
        }
        if old.kind != new.kind {
            let what = match old.kind {
                ProcKind::Procedure => "a procedure",
                ProcKind::Aggregate => "an aggregate function",
                _ => "a function",
            };
            let error = Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot change routine kind");
            return Err(error.detail(format!("\"{}\" is {what}.", old.name)));
        }
        let catalog = self.view();
        let path = self.search_path;
        let hint = |error: Error| {
            let signature = signature(&catalog, path, old);
            let noun = old.kind_noun();
            error.hint(format!("Use DROP {} {signature} first.", noun.to_uppercase()))
        };
        if (old.result, old.returns_set) != (new.result, new.returns_set) {
            let message = match old.kind {
                ProcKind::Procedure => "cannot change whether a procedure has output parameters",
                _ => "cannot change return type of existing function",
            };
            return Err(hint(invalid(message)));
        }
        let row = |routine: &Routine| -> Vec<_> { routine.outputs().map(|p| (p.name.clone(), p.ty)).collect() };
        if new.result == oids::RECORD && row(old) != row(new) {
            let error = invalid("cannot change return type of existing function");
            return Err(hint(error.detail("Row type defined by OUT parameters is different.")));
        }
        for (before, after) in old.inputs().zip(new.inputs()) {
            if !before.name.is_empty() && before.name != after.name {
                let message = format!("cannot change name of input parameter \"{}\"", before.name);
                return Err(hint(invalid(message)));
            }
        }
        check_defaults(old, new).map_err(hint)?;
        check_aggregate_kind(old, new)
    }
}

/// 42809, 42P13 for an aggregate that would be called otherwise than before.
fn check_aggregate_kind(old: &Routine, new: &Routine) -> Result<()> {
    let (Some(before), Some(after)) = (&old.aggregate, &new.aggregate) else { return Ok(()) };
    if before.kind != after.kind {
        let what = match before.kind {
            AggregateKind::Normal => "an ordinary aggregate function",
            AggregateKind::OrderedSet => "an ordered-set aggregate",
            AggregateKind::HypotheticalSet => "a hypothetical-set aggregate",
        };
        let error = Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot change routine kind");
        return Err(error.detail(format!("\"{}\" is {what}.", old.name)));
    }
    if before.direct_args != after.direct_args {
        return Err(invalid("cannot change number of direct arguments of an aggregate function"));
    }
    Ok(())
}

fn check_defaults(old: &Routine, new: &Routine) -> Result<()> {
    let default = |parameter: &Parameter| parameter.default.as_ref().map(|(_, ty)| *ty);
    for (before, after) in old.inputs().zip(new.inputs()) {
        match (default(before), default(after)) {
            (Some(_), None) => return Err(invalid("cannot remove parameter defaults from existing function")),
            (Some(a), Some(b)) if a != b => {
                return Err(invalid("cannot change data type of existing parameter default value"));
            }
            _ => {}
        }
    }
    Ok(())
}
