//! What a DDL statement is given, and the small steps all of them take.

use std::sync::Arc;

use dictdb_catalog::{Catalog, CatalogStore, Change, Dependency, Key, Object, Relation};
use dictdb_functions::Registry;
use dictdb_planner::BindContext;
use dictdb_planner::explain::Actual;
use dictdb_storage::{Storage, Transaction, WaitOptions};
use dictdb_types::{Datum, Env, Error, Oid, Result, Severity, SqlState, Type};
use parking_lot::Mutex;

use super::Definitions;
use super::collect::Collected;
use super::concurrently::ConcurrentIndex;
use super::large_object::LargeObjects;
use super::restart::Attempt;
use super::routine::FunctionSetting;
use crate::context::SessionServices;
use crate::engine::Engine;
use crate::modify::ConstraintQueue;
use crate::prepared::Prepared;

/// A database as definitions see it.
#[derive(Clone, Debug)]
pub struct DatabaseName {
    /// `pg_database.oid`.
    pub oid: Oid,
    /// `datname`.
    pub name: Arc<str>,
    /// `datdba`.
    pub owner: Oid,
}

/// What a statement asks of stored passwords (`rolpassword`).
#[derive(Clone, Copy, Debug)]
pub struct Verifiers {
    /// Whether a text is what is stored of a password rather than a password.
    pub is_stored: fn(&str) -> bool,
    /// What is stored of a role's password, as an MD5 hash or for SCRAM.
    pub make: fn(&str, &str, bool) -> String,
    /// Whether what is stored of a role's password is of this one.
    pub fits: fn(&str, &str, &str) -> bool,
}

/// What the session knows and a statement needs, as seen with a version of the catalog: the statement's own changes are
/// in it.
pub trait Surroundings {
    /// Settings, names, clock.
    fn env(&self, catalog: Arc<Catalog>) -> Arc<dyn Env>;

    /// System catalogs and trigger functions.
    fn services(&self, catalog: Arc<Catalog>) -> Arc<dyn SessionServices>;

    /// Whether another database has relations in a tablespace.
    fn is_used_elsewhere(&self, tablespace: Oid) -> bool;

    /// A table is about to be written anew: its event triggers fire. The reasons are PostgreSQL's bits: 1 persistence, 2 a default, 4 a
    /// type.
    fn before_rewrite(&self, table: Oid, reason: i32) -> Result<()>;

    /// 0A000 for a function that storage cannot call for an index.
    fn check_for_index(&self, catalog: &Arc<Catalog>, routine: Oid) -> Result<()>;

    /// From here on functions run as somebody else, or as who runs them now, and may do nothing that outlasts the operation
    /// (`SECURITY_RESTRICTED_OPERATION`). Returns what was before, for [`Surroundings::release`].
    fn restrict(&self, role: Option<Arc<str>>) -> Acting;

    /// Ends what [`Surroundings::restrict`] began.
    fn release(&self, before: Acting);
}

/// As whom functions run.
#[derive(Clone, Debug, Default)]
pub struct Acting {
    /// The role, if not the session's own.
    pub role: Option<Arc<str>>,
    /// Whether nothing may be done that outlasts the operation.
    pub restricted: bool,
}

/// What EXPLAIN ANALYZE of a command that runs a query shows of that.
#[derive(Default)]
pub struct Counted {
    /// The query; none when the command had nothing to do.
    pub query: Option<Arc<Prepared>>,
    /// What its operators have done, by their numbers in the plan.
    pub actual: Vec<Actual>,
    /// How long it took to plan it.
    pub planning_ms: f64,
}

/// The surroundings of one DDL statement.
pub struct DdlContext<'a> {
    /// The data.
    pub storage: &'a Storage,
    /// The transaction.
    pub transaction: &'a Arc<Transaction>,
    /// `lock_timeout`.
    pub wait: WaitOptions,
    /// `pg_database.oid`.
    pub database: Oid,
    /// The committed catalog.
    pub store: &'a CatalogStore,
    /// What the transaction has defined so far.
    pub own: &'a Mutex<Definitions>,
    /// Implementations of functions.
    pub registry: &'a Registry,
    /// What executions share.
    pub engine: &'a Arc<Engine>,
    /// Settings and names, as a version of the catalog has them.
    pub surroundings: &'a dyn Surroundings,
    /// Constraints of the transaction that are checked later.
    pub constraints: &'a Arc<ConstraintQueue>,
    /// The tables that statements of the session use which are not at their end.
    pub open_tables: &'a [Oid],
    /// Parameter values of the statement, `$1` first.
    pub params: &'a Arc<[Datum]>,
    /// Their types.
    pub param_types: &'a [Type],
    /// Variables that a query of the command may name: they are its parameters.
    pub variables: Option<&'a dyn dictdb_planner::variables::Variables>,
    /// Schemas searched for unqualified names, `pg_catalog` included.
    pub search_path: &'a [Oid],
    /// Schema new objects go to; `None` when the search path names none that exists.
    pub creation_schema: Option<Oid>,
    /// The session's schema for temporary objects.
    pub temporary_schema: Oid,
    /// The role that owns new objects.
    pub role: Oid,
    /// The role of the session, whatever SET ROLE said.
    pub session_role: Oid,
    /// What is known of stored passwords.
    pub verifiers: Option<Verifiers>,
    /// The name of a configuration parameter as privileges on it have it; `None` when none can be called so.
    pub parameter_name: fn(&str) -> Option<String>,
    /// The databases there are.
    pub databases: &'a [DatabaseName],
    /// Where what the statement's query does is counted, for EXPLAIN ANALYZE.
    pub counted: Option<Counted>,
    /// Notices and warnings for the client.
    pub notices: &'a mut Vec<Error>,
    /// The large objects that the statement may be about.
    pub large_objects: &'a mut LargeObjects,
    /// The SET clauses of CREATE or ALTER FUNCTION, their values made out.
    pub function_settings: Vec<FunctionSetting>,
    /// The routine that CREATE FUNCTION made: its body is still to be checked.
    pub made_routine: Option<Oid>,
    /// How far CREATE INDEX CONCURRENTLY has come.
    pub concurrent_index: ConcurrentIndex,
    /// Whether a function may return a type that there is not yet.
    pub makes_shells: bool,
    /// What it has to be compared with when a lock was waited for.
    pub attempt: Attempt,
    /// Tables that TRUNCATE emptied: their AFTER triggers are still to fire.
    pub truncated: Vec<Oid>,
    /// Why the command cannot commit on its own, in the words that follow after `cannot`; none when it can.
    pub inside: Option<&'static str>,
    /// Whether it is ALTER TABLE, as reports of what it makes along the way say.
    pub alters: bool,
    /// Tables that have got columns or lost some in what it is doing: texts that list columns are still to be rewritten.
    pub reshaped: Option<Vec<Arc<str>>>,
    /// What it does to which objects, if anybody wants to know.
    pub collected: Option<Collected>,
}

impl DdlContext<'_> {
    /// The catalog as the transaction sees it now.
    pub(super) fn view(&mut self) -> Arc<Catalog> {
        self.own.lock().catalog.view(self.store)
    }

    pub(super) fn change(&mut self, change: Change) {
        self.own.lock().catalog.change(self.store, change);
    }

    pub(super) fn put(&mut self, object: Object) {
        self.collect_made(&object);
        self.change(Change::Put(object));
    }

    pub(super) fn put_relation(&mut self, relation: Relation) -> Arc<Relation> {
        let relation = Arc::new(relation);
        self.put(Object::Relation(relation.clone()));
        relation
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.change(Change::Remove(key));
    }

    pub(super) fn depend(&mut self, dependent: Key, on: Key, kind: Dependency) {
        self.change(Change::Depend { dependent, on, kind });
    }

    /// 25001 for what must be committed on its own, where it cannot be.
    pub(super) fn prevent_transaction(&self, command: &str) -> Result<()> {
        match self.inside {
            Some(place) => Err(Error::new(SqlState::ACTIVE_SQL_TRANSACTION, format!("{command} cannot {place}"))),
            None => Ok(()),
        }
    }

    /// Forgets what an object depends on.
    pub(super) fn undepend_all(&mut self, dependent: Key) {
        self.change(Change::Undepend { dependent });
    }

    /// Forgets that an object depends on another one.
    pub(super) fn undepend(&mut self, dependent: Key, on: Key) {
        let catalog = self.view();
        let kept: Vec<_> = catalog.dependencies_of(dependent).filter(|(other, _)| *other != on).collect();
        self.undepend_all(dependent);
        kept.into_iter().for_each(|(on, kind)| self.depend(dependent, on, kind));
    }

    /// Runs an operation that evaluates what users wrote: as the owner of a relation, who gets no more rights by it, or as who
    /// runs the command.
    pub(super) fn confined<T>(&mut self, owner: Option<Oid>, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let name = owner.and_then(|owner| self.view().role(owner).map(|role| role.name.clone()));
        let outer = self.role;
        self.role = owner.unwrap_or(outer);
        let before = self.surroundings.restrict(name);
        let result = f(self);
        self.surroundings.release(before);
        self.role = outer;
        result
    }

    pub(super) fn new_oid(&self) -> Oid {
        self.store.allocate_oid()
    }

    /// 55006 while statements of the session that are not at their end use a relation, and while checks or triggers of it
    /// wait for the end of the transaction (`CheckTableNotInUse`).
    pub(super) fn check_not_in_use(&self, relation: &Relation, command: &str) -> Result<()> {
        if self.open_tables.contains(&relation.oid) {
            let message = format!(
                "cannot {command} \"{}\" because it is being used by active queries in this session",
                relation.name
            );
            return Err(Error::new(SqlState::OBJECT_IN_USE, message));
        }
        if !self.constraints.concerns(relation.oid) {
            return Ok(());
        }
        let message = format!("cannot {command} \"{}\" because it has pending trigger events", relation.name);
        Err(Error::new(SqlState::OBJECT_IN_USE, message))
    }

    pub(super) fn notice(&mut self, code: SqlState, message: String) {
        self.notices.push(Error::with_severity(Severity::Notice, code, message));
    }

    /// Tells who asked for it by VERBOSE what has been done.
    pub(super) fn info(&mut self, message: String) {
        self.notices.push(Error::with_severity(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, message));
    }

    /// Tells those who ask for DEBUG1 what goes on.
    pub(super) fn debug(&mut self, message: String) {
        self.notices.push(Error::with_severity(Severity::Debug, SqlState::SUCCESSFUL_COMPLETION, message));
    }

    /// Likewise, of the index that a constraint brings.
    pub(super) fn report_implicit_index(&mut self, constraint: &str, index: &str, table: &str) {
        let statement = if self.alters { "ALTER TABLE / ADD" } else { "CREATE TABLE /" };
        self.debug(format!("{statement} {constraint} will create implicit index \"{index}\" for table \"{table}\""));
    }

    /// Runs `f` with what the binder needs.
    pub(super) fn with_binding<T>(&mut self, f: impl FnOnce(BindContext<'_>) -> Result<T>) -> Result<T> {
        self.with_path(self.search_path, f)
    }

    /// Likewise, along another search path.
    pub(super) fn with_path<T>(
        &mut self,
        search_path: &[Oid],
        f: impl FnOnce(BindContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let catalog = self.view();
        let env = self.surroundings.env(catalog.clone());
        f(BindContext {
            catalog: &catalog,
            registry: self.registry,
            env: &*env,
            search_path,
            role: self.role,
            transient: &[],
        })
    }
}
