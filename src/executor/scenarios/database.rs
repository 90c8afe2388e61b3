//! A database without a server: storage, a catalog filled by calls, and a way to run SQL text.

use std::sync::Arc;

use dictdb_catalog::{Catalog, CatalogStore, namespaces};
use dictdb_functions::Registry;
use dictdb_parser::utility::Utility;
use dictdb_parser::{Limits, Locations, Statement, parse};
use dictdb_planner::estimate::NoStatistics;
use dictdb_planner::{BindContext, RawStatement, plan};
use dictdb_storage::{Isolation, Session, Storage, Transaction, WaitOptions};
use dictdb_types::env::BareEnv;
use dictdb_types::{Datum, Env, Error, Oid, Result};
use parking_lot::Mutex;

use crate::columnar::choose::EngineChoice;
use crate::ddl::{Acting, DdlContext, Definitions, Surroundings};
use crate::modify::ConstraintQueue;
use crate::{
    Engine, ExecContext, PrepareContext, Row, SessionServices, TriggerCall, TriggerFunctions, VirtualTables, execute,
    prepare,
};

/// Storage, catalog and engine.
pub(super) struct Database {
    pub storage: Storage,
    pub catalog: CatalogStore,
    engine: Arc<Engine>,
}

struct NoVirtualTables;

impl VirtualTables for NoVirtualTables {
    fn rows(&self, _: Oid, _: &[(i16, Datum)], _: &[i16]) -> Result<Vec<Row>> {
        Ok(Vec::new())
    }
}

impl TriggerFunctions for NoVirtualTables {
    fn is_replica(&self) -> bool {
        false
    }

    fn skips_validation(&self) -> bool {
        false
    }

    fn is_restricted(&self) -> bool {
        false
    }

    fn call_trigger(&self, _: &TriggerCall<'_>) -> Result<Option<Row>> {
        Err(dictdb_types::Error::unsupported("triggers in these tests"))
    }
}

struct BareSurroundings;

impl Surroundings for BareSurroundings {
    fn is_used_elsewhere(&self, _: Oid) -> bool {
        false
    }

    fn check_for_index(&self, _: &Arc<Catalog>, _: Oid) -> Result<()> {
        Ok(())
    }

    fn before_rewrite(&self, _: Oid, _: i32) -> Result<()> {
        Ok(())
    }

    fn env(&self, _: Arc<Catalog>) -> Arc<dyn Env> {
        Arc::new(BareEnv::default())
    }

    fn services(&self, _: Arc<Catalog>) -> Arc<dyn SessionServices> {
        Arc::new(NoVirtualTables)
    }

    fn restrict(&self, _: Option<Arc<str>>) -> Acting {
        Acting::default()
    }

    fn release(&self, _: Acting) {}
}

impl Database {
    /// A database after some DDL.
    pub fn new(ddl: &str) -> Self {
        let storage = Storage::new();
        let engine = Engine::new(256 << 20, Registry::builtin()).unwrap();
        let database = Database { storage, catalog: CatalogStore::new(Catalog::bootstrap()), engine };
        for statement in parse(ddl, &Limits::default()).unwrap() {
            let Statement::Utility(utility) = &statement.statement else { panic!("{ddl}") };
            database.change_catalog(utility, &statement.locations).unwrap();
        }
        database
    }

    fn change_catalog(&self, statement: &Utility, locations: &Locations) -> Result<()> {
        let transaction = Arc::new(self.storage.begin());
        let own = Mutex::new(Definitions::default());
        let mut cx = DdlContext {
            storage: &self.storage,
            transaction: &transaction,
            wait: WaitOptions::default(),
            database: DATABASE,
            store: &self.catalog,
            own: &own,
            registry: self.engine.registry(),
            engine: &self.engine,
            surroundings: &BareSurroundings,
            constraints: &Arc::default(),
            open_tables: &[],
            params: &Arc::from([]),
            param_types: &[],
            variables: None,
            search_path: &SEARCH_PATH,
            creation_schema: Some(namespaces::PUBLIC),
            temporary_schema: Oid(0),
            role: dictdb_catalog::BOOTSTRAP_ROLE,
            session_role: dictdb_catalog::BOOTSTRAP_ROLE,
            parameter_name: |name| Some(name.to_owned()),
            verifiers: None,
            databases: &[],
            function_settings: Vec::new(),
            made_routine: None,
            concurrent_index: Default::default(),
            makes_shells: false,
            attempt: crate::ddl::Attempt::default(),
            collected: None,
            counted: None,
            truncated: Vec::new(),
            reshaped: None,
            inside: None,
            alters: false,
            notices: &mut Vec::new(),
            large_objects: &mut Default::default(),
        };
        crate::ddl::execute(statement, locations, &mut cx)?;
        self.catalog.commit(own.into_inner().catalog.changes())?;
        Arc::into_inner(transaction).unwrap().commit().map(|_| ())
    }

    /// The same database with the engine chosen otherwise.
    pub fn choosing(mut self, choice: EngineChoice) -> Self {
        self.engine = self.engine.choosing(choice);
        self
    }

    pub fn connect(&self) -> Client<'_> {
        let session = self.storage.connect(self.catalog.allocate_oid().0);
        Client { database: self, session, open: None }
    }

    /// Rows of a statement in a transaction of its own, one text per row.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.connect().rows(sql)
    }

    /// The error of a statement in a transaction of its own.
    pub fn error(&self, sql: &str) -> Error {
        self.connect().error(sql)
    }
}

const DATABASE: Oid = Oid(5);
const SEARCH_PATH: [Oid; 2] = [namespaces::PG_CATALOG, namespaces::PUBLIC];

/// A session.
pub(super) struct Client<'a> {
    database: &'a Database,
    session: Session,
    open: Option<Open>,
}

/// An open transaction.
struct Open {
    transaction: Arc<Transaction>,
    constraints: Arc<ConstraintQueue>,
}

/// What a statement answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub rows: Vec<String>,
    pub affected: u64,
}

impl Client<'_> {
    pub fn begin(&mut self, isolation: Isolation) {
        let transaction = Arc::new(self.session.begin(isolation));
        self.open = Some(Open { transaction, constraints: Arc::default() });
    }

    /// Commits, or rolls back with the error of a deferred constraint.
    pub fn commit(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { panic!("no transaction") };
        let cx = self.context(&open.transaction, &open.constraints, &[])?;
        open.constraints.check(&cx, &self.database.engine)?;
        drop(cx);
        Arc::into_inner(open.transaction).unwrap().commit().map(|_| ())
    }

    pub fn rollback(&mut self) {
        self.open = None;
    }

    pub fn rows(&mut self, sql: &str) -> Vec<String> {
        self.run(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error:?}")).rows
    }

    pub fn affected(&mut self, sql: &str) -> u64 {
        self.run(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error:?}")).affected
    }

    pub fn error(&mut self, sql: &str) -> Error {
        match self.run(sql, &[]) {
            Ok(answer) => panic!("{sql}: no error but {:?}", answer.rows),
            Err(error) => error,
        }
    }

    /// Runs one statement, in the open transaction or one of its own.
    pub fn run(&mut self, sql: &str, params: &[Datum]) -> Result<Answer> {
        if self.open.is_some() {
            return self.run_open(sql, params);
        }
        self.begin(Isolation::ReadCommitted);
        let answer = self.run_open(sql, params);
        match answer {
            Ok(answer) => self.commit().map(|()| answer),
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    fn run_open(&mut self, sql: &str, params: &[Datum]) -> Result<Answer> {
        let Database { storage, engine, catalog, .. } = self.database;
        let Some(Open { transaction, constraints }) = &self.open else { panic!("no transaction") };
        let catalog = catalog.current();
        let env = BareEnv::default();
        let parsed = parse(sql, &Limits::default())?.remove(0);
        let Statement::Sql(statement) = &parsed.statement else { panic!("{sql}") };
        let (registry, role) = (engine.registry(), dictdb_catalog::BOOTSTRAP_ROLE);
        let bind =
            BindContext { catalog: &catalog, registry, env: &env, search_path: &SEARCH_PATH, role, transient: &[] };
        let planned = plan(RawStatement::new(statement, &parsed.locations, &[]), bind, &NoStatistics)?;
        let cx = PrepareContext { catalog: &catalog, storage, engine, database: DATABASE };
        let prepared = Arc::new(prepare(planned.plan, &cx)?);
        prepared.lock_relations(transaction, &WaitOptions::default())?;
        let mut execution = execute(&prepared, self.context(transaction, constraints, params)?)?;
        let mut rows = Vec::new();
        let mut row = Row::new();
        while execution.next_row(&mut row)? {
            rows.push(row.iter().map(show).collect::<Vec<_>>().join("|"));
        }
        Ok(Answer { rows, affected: execution.affected() })
    }

    fn context(
        &self,
        transaction: &Arc<Transaction>,
        constraints: &Arc<ConstraintQueue>,
        params: &[Datum],
    ) -> Result<ExecContext> {
        Ok(ExecContext {
            storage: self.database.storage.clone(),
            snapshot: Arc::new(transaction.snapshot()?),
            transaction: transaction.clone(),
            wait: WaitOptions::default(),
            params: params.into(),
            env: Arc::new(BareEnv::default()),
            catalog: self.database.catalog.current(),
            session: Arc::new(NoVirtualTables),
            statement: None,
            constraints: constraints.clone(),
        })
    }
}

/// A value as tests write it.
fn show(value: &Datum) -> String {
    match value {
        Datum::Null => String::new(),
        Datum::Bool(v) => if *v { "t" } else { "f" }.into(),
        Datum::Int2(v) => v.to_string(),
        Datum::Int4(v) => v.to_string(),
        Datum::Int8(v) => v.to_string(),
        Datum::Float8(v) => v.to_string(),
        Datum::Numeric(v) => v.to_string(),
        Datum::Text(v) => v.to_string(),
        Datum::Oid(v) => v.to_string(),
        Datum::Array(v) => format!("{{{}}}", v.items.iter().map(show).collect::<Vec<_>>().join(",")),
        Datum::Record(v) => format!("({})", v.fields.iter().map(show).collect::<Vec<_>>().join(",")),
        other => format!("{other:?}"),
    }
}
