//! What every call of a routine has in common: privileges, depth, SECURITY DEFINER and SET, the language.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::{AclKind, BOOTSTRAP_ROLE, Language, Privileges, Relation, Routine, built_in_acl};
use dictdb_executor::ddl::Acting;
use dictdb_executor::{Expression, Prepared};
use dictdb_functions::facts::{self, ProcKind, Volatility};
use dictdb_storage::Snapshot;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type};

use super::Invocation;
use super::pl::{Compiled, CompiledCell, ContextEntry, Environment};
use super::sql::SqlFunction;
use super::trigger::TriggerRoutine;
use crate::Session;
use crate::settings::Scope;

/// Calls within calls.
const MAX_DEPTH: usize = 2000;

/// What a session keeps of the routines it has called.
#[derive(Default)]
pub(crate) struct RoutineCache {
    /// Functions in SQL by oid and argument types.
    pub sql: HashMap<(Oid, Box<[Oid]>), Arc<SqlFunction>>,
    /// Functions in PL/pgSQL by oid and argument types.
    pub compiled: HashMap<(Oid, Box<[Oid]>), Arc<Compiled>>,
    /// What expressions of running functions in PL/pgSQL see.
    pub environment: Environment,
    /// Trigger functions by trigger.
    pub triggers: HashMap<Oid, Arc<TriggerRoutine>>,
    /// Conversions of values, and the catalog version they are good for.
    pub casts: (u64, HashMap<(Type, Type), Arc<Expression>>),
    /// The routine that was made last: its body is still to be checked.
    pub made: Option<Oid>,
    /// The statement that runs next may end the transaction, if it is DO.
    pub may_end: bool,
    /// Calls of functions were counted in this transaction.
    pub counts: bool,
    /// What is running.
    pub calls: Calls,
    /// Numbers of unnamed portals.
    pub unnamed_portals: u32,
}

/// The calls that run now. The default when none does: so it is whenever a message has been answered.
#[derive(Default)]
pub(crate) struct Calls {
    /// How many run inside one another.
    pub depth: usize,
    /// What runs inside what, for CONTEXT.
    pub contexts: Vec<ContextEntry>,
    /// What the statement sees that calls routines now.
    pub calling: Option<Arc<Snapshot>>,
    /// The plans that call routines now, the outermost first.
    pub running: Vec<Arc<Prepared>>,
    /// What the statements of the running routine see, if it is not one that sees what happens meanwhile.
    pub borrowed: Option<Arc<Snapshot>>,
    /// The transition tables that they see.
    pub transition_tables: Arc<[Arc<Relation>]>,
}

/// What a routine gives.
pub(crate) enum Results {
    /// A value.
    One(Datum),
    /// Rows.
    Many(Vec<Datum>),
}

impl Session {
    /// Calls a function that returns one value.
    pub(crate) fn invoke(&mut self, call: &Invocation<'_>) -> Result<Datum> {
        match self.run_routine(call)? {
            Results::One(value) => Ok(value),
            Results::Many(rows) => Ok(rows.into_iter().next().unwrap_or(Datum::Null)),
        }
    }

    /// Calls a function that returns a set.
    pub(crate) fn invoke_set(&mut self, call: &Invocation<'_>) -> Result<Vec<Datum>> {
        match self.run_routine(call)? {
            Results::One(value) => Ok(vec![value]),
            Results::Many(rows) => Ok(rows),
        }
    }

    pub(crate) fn routine(&mut self, oid: Oid) -> Result<Arc<Routine>> {
        let found = self.env().catalog.routine(oid).cloned();
        found.ok_or_else(|| Error::internal(format!("cache lookup failed for function {oid}")))
    }

    fn run_routine(&mut self, call: &Invocation<'_>) -> Result<Results> {
        let routine = self.routine(call.routine)?;
        // The statement that calls may have changed what expressions see, and so may what comes after it.
        self.routines.environment.forget();
        let result = self.call_routine(&routine, call, None);
        self.routines.environment.forget();
        result
    }

    /// Calls a routine; with the place where its compiled form is kept with the call.
    pub(super) fn call_routine(
        &mut self,
        routine: &Arc<Routine>,
        call: &Invocation<'_>,
        cell: Option<&CompiledCell>,
    ) -> Result<Results> {
        self.check_execute(routine)?;
        let outer_tables = std::mem::take(&mut self.routines.calls.transition_tables);
        // What surrounds the call could not be kept up across transactions.
        let is_plain = !routine.security_definer && routine.config.is_empty();
        let inside = Invocation { nonatomic: call.nonatomic && is_plain, ..*call };
        let run = |session: &mut Session| session.run_body(routine, &inside, cell);
        let result = self.counting(routine, |session| {
            session
                .deeper(|session| session.seeing(routine.volatility, |session| session.with_surroundings(routine, run)))
        });
        self.routines.calls.transition_tables = outer_tables;
        result
    }

    /// Counts a call of a routine as `track_functions` says. A call that fails is not counted.
    pub(super) fn counting<T>(&mut self, routine: &Routine, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if !self.derived().track_functions.covers(routine.language) {
            return work(self);
        }
        self.routines.counts = true;
        let call = self.shared.functions.lock().begin(routine.oid);
        let result = work(self);
        self.shared.functions.lock().end(&call, result.is_ok());
        result
    }

    /// Hands over what the transaction has counted of functions.
    pub(crate) fn hand_over_counts(&mut self) {
        if std::mem::take(&mut self.routines.counts) {
            let (instance, database) = (&self.shared.instance, &self.shared.database);
            let mut pending = self.shared.functions.lock();
            instance.function_statistics.absorb(&mut pending, database.oid, &database.catalog.current());
        }
    }

    /// Runs a routine's statements over the snapshot that its volatility gives them: those of a volatile one see what the
    /// calling statement and others have done so far, those of the rest see what the calling statement sees.
    pub(crate) fn seeing<T>(&mut self, volatility: Volatility, work: impl FnOnce(&mut Self) -> T) -> T {
        let calling = match volatility {
            Volatility::Volatile => None,
            Volatility::Stable | Volatility::Immutable => self.routines.calls.calling.clone(),
        };
        let outer = std::mem::replace(&mut self.routines.calls.borrowed, calling.clone());
        let outer_calling = std::mem::replace(&mut self.routines.calls.calling, calling);
        let result = work(self);
        self.routines.calls.borrowed = outer;
        self.routines.calls.calling = outer_calling;
        result
    }

    /// Runs what calls routines on behalf of a statement that sees this.
    pub(crate) fn calling<T>(&mut self, snapshot: &Arc<Snapshot>, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.routines.calls.calling.replace(snapshot.clone());
        let result = work(self);
        self.routines.calls.calling = outer;
        result
    }

    /// Runs one more call within those that run. 54001 when there are too many.
    pub(crate) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.routines.calls.depth >= MAX_DEPTH {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
                "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the \
                 platform's stack depth limit is adequate.",
            ));
        }
        self.routines.calls.depth += 1;
        let result = dictdb_parser::with_stack(|| work(self));
        self.routines.calls.depth -= 1;
        result
    }

    fn run_body(
        &mut self,
        routine: &Arc<Routine>,
        call: &Invocation<'_>,
        cell: Option<&CompiledCell>,
    ) -> Result<Results> {
        match routine.language {
            Language::Sql => {
                self.routines.environment.forget();
                let result = self.run_sql_function(routine, call);
                self.routines.environment.forget();
                result
            }
            Language::Plpgsql => self.run_plpgsql(routine, call, cell),
            Language::Internal | Language::C => Err(Error::internal("a built-in function has a kernel of its own")),
        }
    }

    /// 42501 unless the current role may execute the routine.
    pub(crate) fn check_execute(&mut self, routine: &Routine) -> Result<()> {
        if routine.acl.is_none() {
            return Ok(());
        }
        let role = self.role();
        let catalog = self.env().catalog.clone();
        let held = catalog.held_privileges(role, AclKind::Function, routine.owner, routine.acl.as_deref());
        if held.privileges.contains(Privileges::EXECUTE) {
            return Ok(());
        }
        let message = format!("permission denied for {} {}", routine.kind_noun(), routine.name);
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// 42501 unless the current role may execute a built-in function.
    pub(crate) fn check_execute_built_in(&mut self, oid: Oid) -> Result<()> {
        let role = self.role();
        let catalog = self.env().catalog.clone();
        let (Some(proc), Some(acl)) = (facts::proc_by_oid(oid), built_in_acl(&catalog, oid)) else { return Ok(()) };
        let held = catalog.held_privileges(role, AclKind::Function, BOOTSTRAP_ROLE, Some(&acl));
        if held.privileges.contains(Privileges::EXECUTE) {
            return Ok(());
        }
        let noun = if proc.kind == ProcKind::Aggregate { "aggregate" } else { "function" };
        let message = format!("permission denied for {noun} {}", proc.name);
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// Runs the body as SECURITY DEFINER and SET say.
    pub(crate) fn with_surroundings<T>(
        &mut self,
        routine: &Arc<Routine>,
        body: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if !routine.security_definer && routine.config.is_empty() {
            return body(self);
        }
        let definer = match routine.security_definer {
            true => self.env().catalog.role(routine.owner).map(|role| role.name.clone()),
            false => None,
        };
        let outer_user = definer.map(|name| self.shared.act_as(Some(name)));
        self.forget_surroundings();
        let entry = (!routine.config.is_empty()).then(|| self.shared.settings.lock().enter_function());
        let env = self.env();
        let mut result = Ok(());
        for setting in &routine.config {
            let Some((name, value)) = setting.split_once('=') else { continue };
            result = result.and_then(|()| {
                let kept = crate::statement::named_object(&env, name, value)?;
                self.shared.set(&env.catalog, name, kept.as_deref().unwrap_or(value), Scope::Local)
            });
        }
        let result = result.and_then(|()| body(self));
        // A failed call takes its settings back with its transaction.
        if let Some(entry) = entry.filter(|_| result.is_ok()) {
            let names = routine.config.iter().filter_map(|setting| setting.split_once('=')).map(|(name, _)| name);
            self.shared.settings.lock().leave_function(entry, names);
        }
        if let Some(user) = outer_user {
            self.shared.act_as(user);
        }
        self.forget_surroundings();
        result
    }

    /// The message that called has failed. A call that an error ends puts back what it changed around it; one that a panic
    /// ends leaves that to be done here: nobody stays its definer.
    pub(crate) fn leave_calls(&mut self) {
        self.routines.calls = Calls::default();
        self.shared.act(Acting::default());
        self.shared.hush(false);
        self.forget_surroundings();
    }

    /// Somebody else, or other settings, decide what texts mean from here on.
    pub(crate) fn forget_surroundings(&mut self) {
        self.surroundings = (0, 0);
        self.routines.environment.forget();
    }

    /// A value as one of another type, as an assignment converts it.
    pub(crate) fn assign_cast(&mut self, value: Datum, from: Type, to: Type) -> Result<Datum> {
        if value.is_null() && !self.is_domain(to) {
            return Ok(Datum::Null);
        }
        if from == to || from.oid == to.oid && to.typmod < 0 {
            return Ok(value);
        }
        let env = self.env();
        let version = env.catalog.version();
        if self.routines.casts.0 != version {
            self.routines.casts = (version, HashMap::new());
        }
        let expression = match self.routines.casts.1.get(&(from, to)) {
            Some(known) => known.clone(),
            None => {
                let path = env.search_path();
                let cast = dictdb_planner::routine::assignment_cast(from, to, env.bind_context(&path))?;
                let expression = Arc::new(Expression::compile(&cast, &*env.catalog)?);
                self.routines.casts.1.insert((from, to), expression.clone());
                expression
            }
        };
        self.lend_if(env.catalog.has_routines(), || expression.eval(&*env, &[value]))
    }

    pub(crate) fn is_domain(&mut self, ty: Type) -> bool {
        use dictdb_types::TypeLookup;
        self.env().base_type(ty).oid != ty.oid
    }
}
