//! CREATE FUNCTION and CREATE PROCEDURE.

use std::sync::Arc;

use dictdb_catalog::{
    AclKind, DefinitionKind, Dependency, IndexMethod, Key, Language, NamedLanguage, Object, Privileges, Routine,
    SqlBody, namespaces,
};
use dictdb_functions::facts::ProcKind;
use dictdb_functions::resolve::{MAX_ARGS, is_polymorphic};
use dictdb_parser::Locations;
use dictdb_parser::utility::{CreateFunction, FunctionOption, ObjectKind};
use dictdb_planner::routine_body::{self, BoundBody};
use dictdb_planner::variables::Parameters;
use dictdb_types::{Error, Oid, Result, SqlState, Type};

use super::options::{Definition, check_repeated};
use super::params::{check_polymorphic, invalid};
use crate::ddl::DdlContext;
use crate::ddl::grantable::Grantable;

/// Libraries of extensions, whose functions are built in.
const LIBRARIES: &[&str] = &[
    "_int",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "ltree",
    "pg_stat_statements",
    "pg_trgm",
    "pgcrypto",
    "tablefunc",
    "unaccent",
    "uuid-ossp",
];
/// `procost` of functions that are not built in.
const COST: f32 = 100.0;
/// `prorows` of functions that return sets.
const ROWS: f32 = 1000.0;

impl DdlContext<'_> {
    /// CREATE [OR REPLACE] FUNCTION or PROCEDURE. The body is left to the caller to check.
    pub(in crate::ddl) fn create_function(&mut self, create: &CreateFunction, locations: &Locations) -> Result<()> {
        let (namespace, name) = self.new_name(&create.name, false)?;
        self.check_create_in(namespace)?;
        check_repeated(&create.options)?;
        let definition = Definition::of(&create.options);
        let catalog = self.view();
        let named = definition.language()?;
        let named = catalog
            .language_named(named)
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("language \"{named}\" does not exist")))?;
        self.check_language(&named)?;
        let language = named.language;
        self.makes_shells = matches!(language, Language::Internal | Language::C);
        let params = self.parameters(create, locations)?;
        let returned = self.returned(create, &params)?;
        let kind = if create.procedure { ProcKind::Procedure } else { ProcKind::Function };
        let mut routine = Routine {
            cost: if matches!(language, Language::Internal | Language::C) { 1.0 } else { COST },
            rows: if returned.set { ROWS } else { 0.0 },
            returns_set: returned.set,
            own_language: named.own,
            ..Routine::new(namespace, name, self.role, (kind, language), returned.ty, "")
        }
        .with_params(params);
        self.apply_routine_options(&mut routine, &create.options)?;
        match language {
            Language::C => (routine.library, routine.source) = self.symbol(&definition, &routine)?,
            _ => (routine.source, routine.body) = self.body(&definition, language)?,
        }
        if routine.source.is_empty() && language == Language::Internal {
            return Err(invalid("there is no built-in function named \"\""));
        }
        if routine.args.len() > MAX_ARGS {
            let message = format!("functions cannot have more than {MAX_ARGS} arguments");
            return Err(Error::new(SqlState::TOO_MANY_ARGUMENTS, message));
        }
        let catalog = self.view();
        check_polymorphic(&routine.params, routine.result, |oid| {
            super::find::type_text(&catalog, self.search_path, oid)
        })?;
        let mut uses = self.bound_body(&mut routine)?.unwrap_or_default();
        for (text, _) in routine.params.iter().filter_map(|parameter| parameter.default.as_ref()) {
            self.with_binding(|cx| routine_body::note_default(text, cx, &mut uses))?;
        }
        let (namespace, name, args) = (routine.namespace, routine.name.clone(), routine.args.clone());
        self.put_routine(routine, create.or_replace)?;
        let catalog = self.view();
        let made = catalog.routines_named(namespace, &name).find(|other| other.args == args).map(|made| made.oid);
        if let Some(oid) = made {
            self.depend_on_uses(Key::Function(oid), &uses);
        }
        Ok(())
    }

    /// Makes the text of a body one that means the same under any search path; `None` where there is none, or one that does not
    /// bind, of which the check of bodies tells. 42P13.
    fn bound_body(&mut self, routine: &mut Routine) -> Result<Option<BoundBody>> {
        let Some(body) = routine.body.clone() else { return Ok(None) };
        if routine.args.iter().any(|oid| is_polymorphic(*oid)) {
            return Err(invalid("SQL function with unquoted function body cannot have polymorphic arguments"));
        }
        let types: Vec<Type> = routine.args.iter().map(|oid| Type::new(*oid)).collect();
        let parameters = Parameters::of(routine, &types);
        let Ok(bound) = self.with_binding(|cx| routine_body::bind(&body, &parameters, cx)) else { return Ok(None) };
        let statements = Arc::from(bound.statements.as_str());
        let search_path = Arc::from([namespaces::PG_CATALOG]);
        routine.body = Some(SqlBody { statements, search_path, ..body });
        Ok(Some(bound))
    }

    fn depend_on_uses(&mut self, own: Key, bound: &BoundBody) {
        for (table, attnum) in &bound.columns {
            self.depend(own, Key::Column(*table, *attnum), Dependency::Normal);
        }
        for relation in &bound.relations {
            self.depend(own, Key::Relation(*relation), Dependency::Normal);
        }
        let functions: Vec<Oid> = bound.functions.iter().copied().collect();
        let operators: Vec<(Oid, Oid)> = bound.operators.iter().copied().collect();
        self.depend_on_calls(own, &functions, &operators);
        self.depend_on_types(own, &bound.types);
    }

    /// 42501 unless the role may write functions in a language: one that is not trusted is the superusers'.
    fn check_language(&mut self, named: &NamedLanguage<'_>) -> Result<()> {
        if self.is_superuser() {
            return Ok(());
        }
        let target = match named.own {
            Oid::INVALID => Grantable::Language(named.language.oid()),
            own => Grantable::Definition(DefinitionKind::Language, own),
        };
        let catalog = self.view();
        let acl = target.acl(&catalog);
        let held = catalog.held_privileges(self.role, AclKind::Language, target.owner(&catalog), acl.as_deref());
        if named.trusted && held.privileges.contains(Privileges::USAGE) {
            return Ok(());
        }
        let message = format!("permission denied for language {}", named.name);
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// Makes a routine, or replaces the one that is there; 42723 and what must not change.
    pub(in crate::ddl) fn put_routine(&mut self, mut routine: Routine, or_replace: bool) -> Result<()> {
        let catalog = self.view();
        let mut same = catalog.routines_named(routine.namespace, &routine.name);
        let old = same.find(|other| other.args == routine.args).cloned();
        match &old {
            Some(old) => {
                if or_replace {
                    self.check_function_owner(old)?;
                }
                self.check_replacement(old, &routine, or_replace)?;
                routine.oid = old.oid;
                routine.owner = old.owner;
                routine.acl = old.acl.clone();
                let dependent = Key::Function(old.oid);
                self.undepend_all(dependent);
            }
            None => {
                routine.oid = self.new_oid();
                routine.acl = self.initial_acl(ObjectKind::Function, routine.namespace);
            }
        }
        if routine.kind == ProcKind::Window {
            return Err(Error::unsupported("a user-defined window function"));
        }
        let own = Key::Function(routine.oid);
        self.depend(own, Key::Schema(routine.namespace), Dependency::Normal);
        self.depend_on_language(own, routine.own_language);
        let types = routine.params.iter().map(|parameter| parameter.ty).chain([routine.result]);
        for ty in types.filter(|oid| *oid >= Oid::FIRST_NORMAL).collect::<Vec<_>>() {
            self.depend(own, Key::Type(ty), Dependency::Normal);
        }
        if let Some(aggregate) = &routine.aggregate {
            let moving = aggregate.moving.iter().flat_map(|moving| [moving.transition, moving.inverse, moving.finish]);
            let plain = [aggregate.transition, aggregate.finish, aggregate.combine];
            let functions: Vec<Oid> =
                plain.into_iter().chain([aggregate.serialize, aggregate.deserialize]).chain(moving).collect();
            if aggregate.sort_operator >= Oid::FIRST_NORMAL {
                self.depend(own, Key::Operator(aggregate.sort_operator), Dependency::Normal);
            }
            for function in functions {
                if function >= Oid::FIRST_NORMAL {
                    self.depend(own, Key::Function(function), Dependency::Normal);
                }
            }
        }
        self.made_routine = Some(routine.oid);
        self.put(Object::Routine(Arc::new(routine)));
        Ok(())
    }

    /// `probin` and `prosrc` of a function of an extension's library; there are no others. 58P01, 42883.
    fn symbol(&self, definition: &Definition<'_>, routine: &Routine) -> Result<(Option<Arc<str>>, Arc<str>)> {
        let Some((library, symbol)) = definition.source else { return Err(invalid("no function body specified")) };
        let symbol = symbol.unwrap_or(&routine.name);
        let Some(extension) = library.strip_prefix("$libdir/").filter(|name| LIBRARIES.contains(name)) else {
            let message = format!("could not access file \"{library}\": No such file or directory");
            return Err(Error::new(SqlState::UNDEFINED_FILE, message));
        };
        let is_known = self.registry.scalar(symbol).is_some()
            || self.registry.set(symbol).is_some()
            || dictdb_functions::is_support_function(symbol, &routine.args)
            || IndexMethod::of_handler(symbol).is_some();
        if !is_known {
            let message = format!("could not find function \"{symbol}\" in file \"{extension}\"");
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
        }
        Ok((Some(Arc::from(library)), Arc::from(symbol)))
    }

    /// `prosrc` and `prosqlbody`.
    fn body(&self, definition: &Definition<'_>, language: Language) -> Result<(Arc<str>, Option<SqlBody>)> {
        let Some(body) = definition.body else {
            return match definition.source {
                None => Err(invalid("no function body specified")),
                Some((_, Some(_))) => {
                    Err(invalid(format!("only one AS item needed for language \"{}\"", language.name())))
                }
                Some((text, None)) => Ok((Arc::from(text), None)),
            };
        };
        if language != Language::Sql {
            return Err(invalid("inline SQL function body only valid for language SQL"));
        }
        if definition.source.is_some() {
            return Err(invalid("duplicate function body specified"));
        }
        let (statements, shown, returns) = match body {
            FunctionOption::Return(expr) => {
                (format!("SELECT {}", expr.text), format!("RETURN {}", expr.text), Vec::new())
            }
            FunctionOption::Atomic { text, returns } => {
                let shown = match text.trim() {
                    "" => "BEGIN ATOMIC\nEND".to_owned(),
                    text => format!("BEGIN ATOMIC\n {text}\nEND"),
                };
                // The two words are as long, so that places in the text stay what they are.
                const SELECT: &str = "SELECT";
                let mut statements = text.clone();
                returns.iter().for_each(|(_, at)| statements.replace_range(*at..at + SELECT.len(), SELECT));
                (statements, shown, returns.iter().map(|(number, _)| *number).collect())
            }
            _ => (String::new(), String::new(), Vec::new()),
        };
        let search_path = Arc::from(self.search_path);
        let body = SqlBody { statements: statements.into(), returns, shown: shown.into(), search_path };
        Ok((Arc::from(""), Some(body)))
    }
}
