//! LANGUAGE plpgsql: what [`dictdb_plpgsql`] asks of its host.
//!
//! ```text
//!   mod          functions compiled and kept, calls, DO     cursor    portals of cursors and loops
//!   host         the trait itself                           plan      pieces of SQL and their plans
//!   environment  what expressions see while nothing changes it
//!   simple       expressions without a plan                 types     names of types while a function is compiled
//!   alone        functions without a session
//! ```

pub(super) mod alone;
mod cursor;
mod environment;
mod host;
mod plan;
mod simple;
mod types;

use std::sync::Arc;

use dictdb_catalog::{Catalog, Routine};
use dictdb_functions::facts::{ArgMode, ProcKind, Volatility};
use dictdb_functions::resolve::is_polymorphic;
use dictdb_parser::utility::Do;
use dictdb_planner::scope::CatalogScope;
use dictdb_plpgsql::{
    Arguments, CallSite, Function, Header, Parameter, ResultKind, Returned, SqlKind, TriggerData, compile,
};
use dictdb_types::{Error, Oid, Result, SqlState, Type, oids};
use parking_lot::Mutex;

pub(crate) use self::environment::Environment;
use self::host::PlHost;
pub(crate) use self::host::begins_with_create;
use self::types::Types;
use super::Invocation;
use super::check::transposed;
use super::invoke::Results;
use super::sql::RowShape;
use crate::Session;
use crate::client::Tag;
use crate::pipeline::PlanStamp;
use crate::portal::Outcome;
use crate::prepared::Source;

/// What runs inside what.
#[derive(Clone)]
pub(crate) enum ContextEntry {
    /// A call of a function in PL/pgSQL.
    Call(Arc<CallSite>),
    /// A line of CONTEXT.
    Text(Arc<str>),
    /// A piece of SQL, whose line is written when somebody asks.
    Sql(SqlKind, Arc<str>),
}

/// A compiled function and what it was compiled from.
pub(crate) struct Compiled {
    routine: Arc<Routine>,
    catalog: (u64, u64),
    function: Arc<Function>,
}

/// A compiled function kept where it is called, with what it is good for.
pub(crate) type CompiledCell = Mutex<Option<(PlanStamp, Arc<Compiled>)>>;

impl Session {
    /// Runs something as a part of what runs now, for CONTEXT.
    pub(crate) fn within<T>(&mut self, entry: ContextEntry, work: impl FnOnce(&mut Self) -> T) -> T {
        let depth = self.routines.calls.contexts.len();
        self.routines.calls.contexts.push(entry);
        let result = work(self);
        self.routines.calls.contexts.truncate(depth);
        result
    }

    pub(crate) fn run_plpgsql(
        &mut self,
        routine: &Arc<Routine>,
        call: &Invocation<'_>,
        cell: Option<&CompiledCell>,
    ) -> Result<Results> {
        // Event triggers pass what nobody else can.
        let is_event = routine.result == oids::EVENT_TRIGGER && call.args.is_empty();
        if routine.result == oids::TRIGGER || is_event {
            let message = "trigger functions can only be called as triggers";
            let context = format!("compilation of PL/pgSQL function \"{}\" near line 1", routine.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).context(context));
        }
        let compiled = self.compiled_at(routine, call, cell)?;
        let function = &compiled.function;
        let arguments = Arguments { values: call.args, oid: routine.oid };
        let mut activation = function.activation();
        let read_only = routine.volatility != Volatility::Volatile;
        let mut host = PlHost::new(self, &mut activation, read_only, call.nonatomic);
        let returned = dictdb_plpgsql::call(function, &mut activation, arguments, &mut host);
        host.end(function, activation);
        match returned? {
            Returned::Value(value) => Ok(Results::One(value)),
            Returned::Rows(rows) => Ok(Results::Many(rows)),
        }
    }

    /// The function as a call with these types runs it, kept with the call if nothing has changed since.
    fn compiled_at(
        &mut self,
        routine: &Arc<Routine>,
        call: &Invocation<'_>,
        cell: Option<&CompiledCell>,
    ) -> Result<Arc<Compiled>> {
        let Some(cell) = cell else { return self.compiled(routine, call) };
        let stamp = self.pl_environment().stamp;
        if let Some((of, compiled)) = &*cell.lock()
            && *of == stamp
        {
            return Ok(compiled.clone());
        }
        let compiled = self.compiled(routine, call)?;
        *cell.lock() = Some((stamp, compiled.clone()));
        Ok(compiled)
    }

    /// The function as a call with these types runs it, compiled now or kept from before.
    fn compiled(&mut self, routine: &Arc<Routine>, call: &Invocation<'_>) -> Result<Arc<Compiled>> {
        let key = (routine.oid, call.types.iter().map(|ty| ty.oid).collect::<Box<[Oid]>>());
        let catalog = self.catalog_stamp();
        let can_keep = call.columns.is_empty();
        if can_keep
            && let Some(known) = self.routines.compiled.get(&key)
            && Arc::ptr_eq(&known.routine, routine)
            && known.catalog == catalog
        {
            return Ok(known.clone());
        }
        let function = self.compile_routine(routine, call)?;
        let compiled = Arc::new(Compiled { routine: routine.clone(), catalog, function });
        if can_keep {
            self.routines.compiled.insert(key, compiled.clone());
        }
        Ok(compiled)
    }

    /// Compiles a function anew.
    pub(super) fn compile_routine(&mut self, routine: &Arc<Routine>, call: &Invocation<'_>) -> Result<Arc<Function>> {
        let header = self.header(routine, call)?;
        self.compile_plpgsql(header, None).map(Arc::new)
    }

    /// Calls a trigger function; the row it returns, `None` for NULL.
    pub(super) fn call_pl_trigger(
        &mut self,
        routine: &Routine,
        function: &Function,
        data: TriggerData,
    ) -> Result<Option<Vec<dictdb_types::Datum>>> {
        self.routines.environment.forget();
        let mut activation = function.activation();
        let mut host = PlHost::new(self, &mut activation, routine.volatility != Volatility::Volatile, false);
        let result = dictdb_plpgsql::call_trigger(function, &mut activation, routine.oid, data, &mut host);
        host.end(function, activation);
        self.routines.environment.forget();
        result
    }

    pub(super) fn catalog_stamp(&mut self) -> (u64, u64) {
        let epoch = if self.definitions.catalog.is_changed() { self.catalog_epoch } else { 0 };
        (self.env().catalog.version(), epoch)
    }

    fn compile_plpgsql(&mut self, header: Header, command: Option<&str>) -> Result<Function> {
        let (name, source) = (header.name.clone(), header.source.clone());
        let placed = |error: Error| {
            let mut error = error;
            let Some((position, text)) = error.fields().internal.clone() else { return error };
            if let Some(found) = command.and_then(|command| transposed(position, &text, command)) {
                error.fields_mut().position = Some(found);
                error.fields_mut().internal = None;
                return error;
            }
            let line = 1 + source.chars().take(position.saturating_sub(1) as usize).filter(|c| *c == '\n').count();
            error.context(format!("compilation of PL/pgSQL function \"{name}\" near line {line}"))
        };
        let mut function = compile(header, &mut Types { session: self }).map_err(placed)?;
        for warning in std::mem::take(&mut function.warnings) {
            self.shared.notice(placed(warning));
        }
        Ok(function)
    }

    fn header(&mut self, routine: &Arc<Routine>, call: &Invocation<'_>) -> Result<Header> {
        let env = self.env();
        let path = env.search_path();
        let mut params = parameters(routine, call.types, &env.catalog, &path)?;
        if routine.result == oids::EVENT_TRIGGER {
            let told =
                |name: &str| Parameter { name: Arc::from(name), input: true, output: false, ty: Type::new(oids::TEXT) };
            params = vec![told("tg_event"), told("tg_tag")];
        }
        let signature = dictdb_executor::ddl::routine::signature(&env.catalog, &path, routine);
        let is_event = routine.result == oids::EVENT_TRIGGER;
        let fields = match self.row_shape(routine, call)? {
            RowShape::Fields(_, fields) if !is_event => Some(fields),
            _ => None,
        };
        let ty = if is_event { Type::new(oids::VOID) } else { call.result };
        Ok(Header {
            name: routine.name.clone(),
            signature: signature.into(),
            params,
            result: ResultKind { ty, set: routine.returns_set, fields },
            procedure: routine.kind == ProcKind::Procedure,
            trigger: routine.result == oids::TRIGGER,
            source: routine.source.clone(),
            validating: false,
        })
    }

    /// Checks a function in PL/pgSQL that has just been made.
    pub(super) fn check_plpgsql_body(&mut self, routine: &Arc<Routine>, command: &str) -> Result<()> {
        let env = self.env();
        let shown = |oid: Oid| dictdb_types::type_name(&*env.catalog, oid, &|_| None);
        let pseudo = |oid: Oid| {
            use dictdb_types::TypeLookup;
            matches!(env.catalog.type_info(oid).map(|info| info.kind.clone()), Some(dictdb_types::TypeKind::Pseudo))
        };
        let polymorphic = dictdb_functions::resolve::is_polymorphic;
        let result_fits = matches!(routine.result, oids::VOID | oids::RECORD | oids::TRIGGER | oids::EVENT_TRIGGER);
        if pseudo(routine.result) && !result_fits && !polymorphic(routine.result) {
            let message = format!("PL/pgSQL functions cannot return type {}", shown(routine.result));
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        for ty in routine.params.iter().map(|parameter| parameter.ty) {
            if pseudo(ty) && ty != oids::RECORD && !polymorphic(ty) {
                let message = format!("PL/pgSQL functions cannot accept type {}", shown(ty));
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        if routine.result == oids::EVENT_TRIGGER && !routine.args.is_empty() {
            let message = "event trigger functions cannot have declared arguments";
            let context = format!("compilation of PL/pgSQL function \"{}\" near line 1", routine.name);
            return Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message).context(context));
        }
        if routine.result == oids::TRIGGER && !routine.args.is_empty() {
            let error =
                Error::new(SqlState::INVALID_FUNCTION_DEFINITION, "trigger functions cannot have declared arguments");
            return Err(
                error.hint("The arguments of the trigger can be accessed through TG_NARGS and TG_ARGV instead.")
            );
        }
        let concrete = |oid: Oid| Type::new(if polymorphic(oid) { stand_in(oid) } else { oid });
        let types: Vec<Type> = routine.args.iter().map(|oid| concrete(*oid)).collect();
        let call = Invocation {
            routine: routine.oid,
            types: &types,
            result: concrete(routine.result),
            columns: &[],
            args: &[],
            nonatomic: false,
        };
        let header = Header { validating: true, ..self.header(routine, &call)? };
        self.compile_plpgsql(header, Some(command)).map(drop)
    }

    /// DO.
    pub(crate) fn run_do(&mut self, block: &Do, source: &Arc<Source>) -> Result<Outcome> {
        let language = block.language.as_ref().map_or("plpgsql", |language| language.value.as_str());
        if language != "plpgsql" {
            return Err(match dictdb_catalog::Language::named(language) {
                Some(_) => Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("language \"{language}\" does not support inline code execution"),
                ),
                None => Error::new(SqlState::UNDEFINED_OBJECT, format!("language \"{language}\" does not exist")),
            });
        }
        let header = Header {
            name: "inline_code_block".into(),
            signature: "inline_code_block".into(),
            params: Vec::new(),
            result: ResultKind { ty: Type::new(oids::VOID), set: false, fields: None },
            procedure: false,
            trigger: false,
            source: block.body.as_str().into(),
            validating: false,
        };
        let may_end = std::mem::take(&mut self.routines.may_end);
        let nonatomic = !self.block.in_block() && (self.routines.calls.depth == 0 || may_end);
        self.block.snapshot_taken = true;
        let function = self.compile_plpgsql(header, Some(&source.text))?;
        self.routines.calls.depth += 1;
        self.routines.environment.forget();
        let arguments = Arguments { values: &[], oid: Oid::INVALID };
        let mut activation = function.activation();
        let mut host = PlHost::new(self, &mut activation, false, nonatomic);
        let result = dictdb_plpgsql::call(&function, &mut activation, arguments, &mut host);
        self.routines.environment.forget();
        self.routines.calls.depth -= 1;
        result.map(|_| Outcome::Done(Tag::new("DO")))
    }
}

/// The parameters of a function as a call with these types has them.
fn parameters(routine: &Routine, types: &[Type], catalog: &Arc<Catalog>, path: &[Oid]) -> Result<Vec<Parameter>> {
    let scope = CatalogScope { catalog, search_path: path };
    let actual: Vec<Oid> = types.iter().map(|ty| ty.oid).collect();
    let mut inputs = types.iter();
    let mut params = Vec::with_capacity(routine.params.len());
    for parameter in &routine.params {
        let input = parameter.mode.is_input();
        let ty = match input {
            // A parameter of a domain keeps it, whatever the argument was.
            true => inputs.next().copied().filter(|_| is_polymorphic(parameter.ty)).unwrap_or(Type::new(parameter.ty)),
            false => {
                let mut declared = routine.args.to_vec();
                let resolve = dictdb_functions::resolve::resolve_polymorphic;
                Type::new(resolve(&scope, &actual, &mut declared, parameter.ty)?)
            }
        };
        let output = matches!(parameter.mode, ArgMode::Out | ArgMode::InOut | ArgMode::Table);
        params.push(Parameter { name: parameter.name.clone(), input, output, ty });
    }
    Ok(params)
}

/// The type that stands for a polymorphic one while a function is checked.
fn stand_in(oid: Oid) -> Oid {
    match oid {
        oids::ANYARRAY | oids::ANYCOMPATIBLEARRAY => oids::INT4_ARRAY,
        oids::ANYRANGE | oids::ANYCOMPATIBLERANGE => oids::INT4RANGE,
        _ => oids::INT4,
    }
}
