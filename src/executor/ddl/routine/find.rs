//! The routine that a command names, by name alone or with its argument types.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Routine, namespaces};
use dictdb_functions::facts::{self, ProcKind};
use dictdb_parser::utility::{FunctionRef, ObjectKind, ParamMode};
use dictdb_types::{Error, Oid, Result, SqlState, TypeInfo, oids};

use crate::ddl::DdlContext;
use crate::ddl::names::{parts, shown};

/// The name of a type for messages, qualified where the search path does not find it.
pub(in crate::ddl) fn type_text(catalog: &Catalog, search_path: &[Oid], oid: Oid) -> String {
    if oid == oids::ANY {
        return "\"any\"".to_owned();
    }
    let qualifier = |info: &TypeInfo| {
        let visible = catalog.type_on_path(search_path, &info.name).is_some_and(|found| found.oid == info.oid);
        if visible { None } else { catalog.schema(info.namespace).map(|schema| schema.name.to_string()) }
    };
    dictdb_types::type_name(catalog, oid, &qualifier)
}

/// `name(type,type)` with the types of the input parameters, as `regprocedure` shows it.
pub fn signature(catalog: &Catalog, search_path: &[Oid], routine: &Routine) -> String {
    let types: Vec<String> = routine.args.iter().map(|oid| type_text(catalog, search_path, *oid)).collect();
    let name = dictdb_types::quote_identifier(&routine.name);
    let visible = search_path.iter().find_map(|namespace| {
        catalog.routines_named(*namespace, &routine.name).find(|other| other.args == routine.args)
    });
    match catalog.schema(routine.namespace) {
        Some(schema) if visible.is_none_or(|found| found.oid != routine.oid) => {
            format!("{}.{name}({})", dictdb_types::quote_identifier(&schema.name), types.join(","))
        }
        _ => format!("{name}({})", types.join(",")),
    }
}

/// `function name(type,type)`: dependencies call every kind so.
pub fn identity(catalog: &Catalog, search_path: &[Oid], routine: &Routine) -> String {
    format!("function {}", signature(catalog, search_path, routine))
}

/// What a kind of object is called where a routine is looked for.
fn noun(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Procedure => "procedure",
        ObjectKind::Aggregate => "aggregate",
        _ => "function",
    }
}

fn fits(kind: ObjectKind, routine: &Routine) -> bool {
    match kind {
        ObjectKind::Function => routine.kind != ProcKind::Procedure,
        ObjectKind::Procedure => routine.kind == ProcKind::Procedure,
        ObjectKind::Aggregate => routine.kind == ProcKind::Aggregate,
        _ => true,
    }
}

/// 42809 for an aggregate where its own commands are meant to be used.
pub(in crate::ddl) fn refuse_aggregate(routine: &Routine, name: &str) -> Result<()> {
    if routine.kind != ProcKind::Aggregate {
        return Ok(());
    }
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is an aggregate function")))
}

impl DdlContext<'_> {
    /// The routine a command means; the inner error says that there is none. 42725, 42809.
    pub(in crate::ddl) fn find_routine(
        &mut self,
        kind: ObjectKind,
        reference: &FunctionRef,
    ) -> Result<Result<Arc<Routine>>> {
        let catalog = self.view();
        let names = parts(&reference.name);
        let namespaces: Vec<Oid> = match names.as_slice() {
            [.., schema, _] => match catalog.schema_seen(self.search_path, &schema.value) {
                Some(schema) => vec![schema.oid],
                None => {
                    let message = format!("schema \"{}\" does not exist", schema.value);
                    return Ok(Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message)));
                }
            },
            _ => self.search_path.to_vec(),
        };
        let Some(name) = names.last().map(|ident| ident.value.clone()) else {
            return Err(Error::internal("a routine without a name"));
        };
        let named: Vec<Arc<Routine>> =
            namespaces.iter().flat_map(|namespace| catalog.routines_named(*namespace, &name).cloned()).collect();
        let Some(args) = &reference.args else { return self.routine_by_name(kind, &shown(&reference.name), &named) };
        let mut types = Vec::with_capacity(args.len());
        let mut all = Vec::with_capacity(args.len());
        for arg in args {
            let ty = match self.bind_type_or_shell(&arg.data_type) {
                Ok(ty) => ty.oid,
                Err(error) if crate::ddl::drop::is_missing_type(&error) => return Ok(Err(error)),
                Err(error) => return Err(error),
            };
            if arg.mode != Some(ParamMode::Out) {
                types.push(ty);
            }
            all.push(ty);
        }
        let by_types = |wanted: &[Oid]| named.iter().find(|routine| *routine.args == *wanted).cloned();
        let mut found = by_types(&types);
        // Without modes the types may also be those of all parameters of a procedure.
        let may_be_all = matches!(kind, ObjectKind::Procedure | ObjectKind::Routine);
        if may_be_all && args.iter().all(|arg| arg.mode.is_none()) {
            let mut procedures = named.iter().filter(|routine| routine.kind == ProcKind::Procedure);
            let by_all = procedures.find(|routine| *routine.all_args == *all);
            match (&found, by_all) {
                (Some(one), Some(other)) if one.oid != other.oid => {
                    let noun = if kind == ObjectKind::Routine { "routine" } else { noun(kind) };
                    let message = format!("{noun} name \"{}\" is not unique", shown(&reference.name));
                    return Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, message));
                }
                (None, Some(other)) => found = Some(other.clone()),
                _ => {}
            }
        }
        let described: Vec<String> = types.iter().map(|oid| type_text(&catalog, self.search_path, *oid)).collect();
        let described = match (kind, described.as_slice()) {
            (ObjectKind::Aggregate, []) => format!("{}(*)", shown(&reference.name)),
            _ => format!("{}({})", shown(&reference.name), described.join(", ")),
        };
        match found {
            Some(routine) if fits(kind, &routine) => Ok(Ok(routine)),
            Some(_) => {
                let article = if kind == ObjectKind::Aggregate { "an" } else { "a" };
                let message = match kind {
                    ObjectKind::Aggregate => format!("function {described} is not {article} aggregate"),
                    _ => format!("{described} is not {article} {}", noun(kind)),
                };
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            None => {
                Ok(Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("{} {described} does not exist", noun(kind)))))
            }
        }
    }

    /// The built-in function that a reference means, if one can be meant and it is there.
    pub(in crate::ddl) fn find_built_in(
        &mut self,
        kind: ObjectKind,
        reference: &FunctionRef,
    ) -> Result<Option<&'static facts::Proc>> {
        let names = parts(&reference.name);
        let seen = match names.as_slice() {
            [.., schema, _] => schema.value == "pg_catalog",
            _ => self.search_path.contains(&namespaces::PG_CATALOG),
        };
        let (Some(name), true) = (names.last().map(|ident| ident.value.clone()), seen) else { return Ok(None) };
        let mut types = Vec::new();
        for arg in reference.args.iter().flatten().filter(|arg| arg.mode != Some(ParamMode::Out)) {
            types.push(self.bind_type(&arg.data_type)?.oid);
        }
        let is_kind = |proc: &facts::Proc| match kind {
            ObjectKind::Procedure => proc.kind == ProcKind::Procedure,
            ObjectKind::Aggregate => proc.kind == ProcKind::Aggregate,
            ObjectKind::Function => proc.kind != ProcKind::Procedure,
            _ => true,
        };
        let mut named = facts::procs().iter().filter(|proc| proc.name == name && is_kind(proc));
        Ok(match reference.args {
            Some(_) => named.find(|proc| *proc.args == *types),
            None => named.next().filter(|_| named.next().is_none()),
        })
    }

    fn routine_by_name(
        &mut self,
        kind: ObjectKind,
        name: &str,
        named: &[Arc<Routine>],
    ) -> Result<Result<Arc<Routine>>> {
        let fitting: Vec<&Arc<Routine>> = named.iter().filter(|routine| fits(kind, routine)).collect();
        match fitting.as_slice() {
            [single] => Ok(Ok((*single).clone())),
            [] => Ok(Err(Error::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("could not find a {} named \"{name}\"", noun(kind)),
            ))),
            _ => {
                let noun = if kind == ObjectKind::Routine { "routine" } else { noun(kind) };
                let message = format!("{noun} name \"{name}\" is not unique");
                let hint = format!("Specify the argument list to select the {noun} unambiguously.");
                Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, message).hint(hint))
            }
        }
    }
}
