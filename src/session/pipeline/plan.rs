//! Plans and how long they are good for.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use dictdb_catalog::Language;
use dictdb_executor::{PrepareContext, Prepared, prepare, prepare_counting};
use dictdb_parser::{Locations, Statement, ast};
use dictdb_planner::estimate::{CostConstants, Methods};
use dictdb_planner::physical::Plan;
use dictdb_planner::variables::Variables;
use dictdb_planner::{Command, OutputColumn, Planned, Product, RawStatement, Repeatable};
use dictdb_storage::{Transaction, WaitOptions};
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type};

use super::statistics::{PlannedSizes, StatementStatistics};
use crate::client::Column;
use crate::prepared::{Analysis, Source};
use crate::{Session, StatementEnv};

/// Estimated cost from which on a plan is made for the values of one execution, because planning costs little of it.
const CUSTOM_COST: f64 = 100.0;

/// Makes a plan executable.
type Preparer = fn(Arc<Plan>, &PrepareContext<'_>) -> Result<Prepared>;

/// What a plan depends on besides its statement. Equal stamps: the plan is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlanStamp {
    catalog: u64,
    /// Tells versions of a transaction's own catalog apart; zero for committed ones.
    epoch: u64,
    surroundings: u64,
    /// Statistics that were forgotten since.
    statistics: u64,
}

impl PlanStamp {
    /// What names, literals and rights depend on, as one number.
    pub(crate) fn meaning(&self) -> u128 {
        u128::from(self.catalog) << 64 | u128::from(self.surroundings)
    }
}

/// A plan ready to run.
#[derive(Debug)]
pub(crate) struct CachedPlan {
    /// When its rows may be kept for the same query again.
    pub repeatable: Repeatable,
    pub stamp: PlanStamp,
    pub prepared: Arc<Prepared>,
    pub params: Arc<[Type]>,
    /// Columns of the result; `None` when it returns no rows.
    pub columns: Option<Arc<[Column]>>,
    pub command: Command,
    /// What is reported when it is run: a constant expression in it cannot be computed.
    pub failure: Option<Error>,
    /// What is reported when it is run as it is, and not planned for the values of its parameters.
    undecided: Option<Error>,
    /// Constants among its parameters decide what PostgreSQL would plan.
    pub computes_with_parameters: bool,
    /// It may compute for long.
    pub heavy: bool,
    /// It is planned for the very values of its parameters: it is costly enough, or they decide how it is run.
    pub custom: bool,
    sizes: PlannedSizes,
    /// It may call functions of users, which need the session.
    pub calls_routines: bool,
    /// Those of them that it names: the role must be allowed to execute them.
    routines: Box<[Oid]>,
    /// Rules leave nothing of the statement to be run in its name.
    pub nothing: bool,
    /// The kind of rules that make other than one statement of it, in words.
    pub several: Option<&'static str>,
    /// What rules have done before and after it.
    pub beside: [Box<[Beside]>; 2],
}

/// What rules have done beside a statement.
#[derive(Debug)]
pub(crate) enum Beside {
    /// A query or a change.
    Plan(CachedPlan),
    /// NOTIFY: channel and payload.
    Notify(String, String),
}

impl CachedPlan {
    /// The command's name in tags and messages.
    pub(crate) fn tag(&self) -> &'static str {
        match self.command {
            Command::Select => "SELECT",
            Command::Insert => "INSERT",
            Command::Update => "UPDATE",
            Command::Delete => "DELETE",
            Command::Merge => "MERGE",
        }
    }

    /// Whether what it depends on is still so.
    fn is_good(&self, stamp: PlanStamp) -> bool {
        self.stamp == stamp && self.sizes.hold()
    }

    pub(crate) fn modifies(&self) -> bool {
        self.prepared.plan().modifies || self.command != Command::Select
    }

    /// The topmost operator.
    pub(crate) fn root(&self) -> &dictdb_planner::physical::Node {
        &self.prepared.plan().root
    }

    /// Whether it changes tables that are not temporary.
    pub(crate) fn writes(&self) -> bool {
        self.prepared.plan().writes || self.plans_beside().any(CachedPlan::writes)
    }

    /// Whether rules have made nothing but NOTIFY of it.
    pub(crate) fn notifies(&self) -> bool {
        self.nothing && self.beside.iter().flatten().any(|beside| matches!(beside, Beside::Notify(..)))
    }

    /// The plans that rules have run beside it.
    pub(crate) fn plans_beside(&self) -> impl Iterator<Item = &CachedPlan> {
        self.beside.iter().flatten().filter_map(|beside| match beside {
            Beside::Plan(plan) => Some(plan),
            Beside::Notify(..) => None,
        })
    }
}

impl Session {
    /// Parameter types and result columns of a query.
    pub(crate) fn analyze_query(&mut self, source: &Source) -> Result<Analysis> {
        let plan = self.plan(source)?;
        let params = plan.params.iter().map(|ty| ty.oid).collect();
        Ok(Analysis { params, columns: plan.columns.clone(), failure: plan.failure.clone() })
    }

    /// The plan of a query, made now or kept from before.
    pub(crate) fn plan(&mut self, source: &Source) -> Result<Arc<CachedPlan>> {
        // Most plans are kept ones, and to find them takes no environment.
        let stamp = self.current_stamp();
        let kept = source.plan.lock().clone();
        if let Some(plan) = kept.filter(|plan| plan.is_good(stamp)) {
            return Ok(plan);
        }
        let plan = Arc::new(self.newest_plan(source, &[], prepare)?);
        *source.plan.lock() = Some(plan.clone());
        Ok(plan)
    }

    /// 0A000 when a plan of a query made now gives other columns than a client was told of.
    pub(crate) fn check_plan(&mut self, source: &Source, described: Option<&Arc<[Column]>>) -> Result<()> {
        let stamp = self.current_stamp();
        if let Some(plan) = source.plan.lock().as_ref().filter(|plan| plan.is_good(stamp)) {
            return plan.check_described(described);
        }
        self.plan(source)?.check_described(described)
    }

    /// The plan of a query for one execution: for these values of its parameters, if that may pay.
    pub(super) fn plan_for(&mut self, source: &Source, params: &[Datum]) -> Result<Arc<CachedPlan>> {
        let plan = self.plan(source)?;
        if !plan.custom || params.is_empty() {
            return Ok(plan);
        }
        self.newest_plan(source, params, prepare).map(Arc::new)
    }

    /// A plan for these values whose operators count what they do, if that is wanted.
    pub(super) fn plan_to_explain(
        &mut self,
        source: &Source,
        params: &[Datum],
        counting: bool,
    ) -> Result<Arc<CachedPlan>> {
        let prepare = if counting { prepare_counting } else { prepare };
        self.newest_plan(source, params, prepare).map(Arc::new)
    }

    /// A plan over the catalog as it is now. A failure is one only if the catalog is still the same: nothing is locked yet, so
    /// tables can go while they are planned for.
    fn newest_plan(&mut self, source: &Source, params: &[Datum], prepare: Preparer) -> Result<CachedPlan> {
        loop {
            let env = self.env();
            let stamp = self.stamp(&env);
            match self.make_plan(source, params, stamp, &env, prepare) {
                Err(_) if self.env().catalog.version() != env.catalog.version() => {}
                made => return made,
            }
        }
    }

    fn make_plan(
        &self,
        source: &Source,
        values: &[Datum],
        stamp: PlanStamp,
        env: &Arc<StatementEnv>,
        prepare: Preparer,
    ) -> Result<CachedPlan> {
        let Statement::Sql(tree) = &source.parsed.statement else {
            return Err(Error::internal("only queries are planned"));
        };
        let instance = &self.shared.instance;
        let path = env.search_path();
        let mut cx = env.bind_context(&path);
        cx.transient = &self.routines.calls.transition_tables;
        let statistics = StatementStatistics {
            storage: &instance.storage,
            cache: &instance.statistics,
            analyses: &instance.analyses,
            catalog: &env.catalog,
            methods: self.methods(),
            cost_constants: self.cost_constants(),
            env: &**env,
            source,
            params: values,
        };
        let statement = RawStatement {
            variables: source.variables.as_deref().map(|variables| variables as &dyn Variables),
            ignores_rules: source.ignores_rules,
            values,
            ..RawStatement::new(tree, &source.parsed.locations, &source.declared)
        };
        let planned = dictdb_planner::plan(statement, cx, &statistics)?;
        self.cached_plan(planned, stamp, env, prepare)
    }

    /// Makes a plan executable, and those that rules have run beside it.
    fn cached_plan(
        &self,
        planned: Planned,
        stamp: PlanStamp,
        env: &Arc<StatementEnv>,
        prepare: Preparer,
    ) -> Result<CachedPlan> {
        let instance = &self.shared.instance;
        let repeatable = crate::result_cache::repeatable(&planned, &env.catalog);
        let Planned {
            plan,
            params,
            columns,
            command,
            routines,
            guarded,
            runs_statements,
            returns_rows,
            failure,
            undecided,
            secured,
            computes_with_parameters,
            repeatable: _,
            nothing,
            several,
            before,
            after,
        } = planned;
        let beside = |products: Vec<Product>| -> Result<Box<[Beside]>> {
            let kept = products.into_iter().map(|product| match product {
                Product::Plan(planned) => self.cached_plan(planned, stamp, env, prepare).map(Beside::Plan),
                Product::Notify(channel, payload) => Ok(Beside::Notify(channel, payload)),
            });
            kept.collect()
        };
        let beside = [beside(before)?, beside(after)?];
        self.check_row_security(secured)?;
        let tables = plan.locks.iter().filter_map(|(oid, _)| {
            env.catalog.relation(*oid).and_then(|relation| instance.storage.table(relation.storage))
        });
        let sizes = PlannedSizes::new(tables);
        let custom = undecided.is_some() || plan.root.cost.1 > CUSTOM_COST;
        let heavy = super::run::is_heavy(&plan);
        let prepared = Arc::new(prepare(plan, &self.prepare_context(env))?);
        // What extensions bring are kernels, most of which run no statements.
        let interpreted = |oid: &Oid| {
            let own = env.catalog.routine(*oid);
            own.is_some_and(|own| own.language != Language::C || crate::routines::runs_queries(&own.source))
        };
        let calls_routines = runs_statements || routines.iter().any(interpreted) || prepared.may_call_routines();
        Ok(CachedPlan {
            sizes,
            custom,
            heavy: calls_routines || heavy,
            calls_routines,
            routines: routines.into_iter().chain(guarded).collect(),
            stamp,
            prepared,
            params: params.into(),
            columns: returns_rows.then(|| columns.iter().map(column).collect()),
            command,
            failure,
            undecided,
            computes_with_parameters,
            repeatable,
            nothing,
            several,
            beside,
        })
    }

    /// 42501 where `row_security` is off and policies would take rows away.
    fn check_row_security(&self, secured: Option<(Arc<str>, bool)>) -> Result<()> {
        let Some((table, owns)) = secured else { return Ok(()) };
        if self.shared.settings.lock().bool("row_security") {
            return Ok(());
        }
        let message = format!("query would be affected by row-level security policy for table \"{table}\"");
        let error = Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message);
        Err(match owns {
            true => {
                error.hint("To disable the policy for the table's owner, use ALTER TABLE NO FORCE ROW LEVEL SECURITY.")
            }
            false => error,
        })
    }

    fn prepare_context<'a>(&'a self, env: &'a StatementEnv) -> PrepareContext<'a> {
        let instance = &self.shared.instance;
        PrepareContext {
            catalog: &env.catalog,
            storage: &instance.storage,
            engine: &instance.engine,
            database: self.shared.database.oid,
        }
    }

    /// Prepares a plan that no statement keeps.
    pub(super) fn prepare_plan(
        &self,
        plan: Arc<dictdb_planner::physical::Plan>,
        env: &StatementEnv,
    ) -> Result<Prepared> {
        prepare(plan, &self.prepare_context(env))
    }

    /// Evaluates expressions without names to one row of these types.
    pub(super) fn evaluate_row(
        &mut self,
        exprs: &[ast::Expr],
        types: &[Type],
        locations: &Locations,
    ) -> Result<Vec<Datum>> {
        let env = self.env();
        let path = env.search_path();
        let plan = dictdb_planner::plan_parameters(exprs, types, locations, env.bind_context(&path))?;
        let prepared = Arc::new(prepare(plan, &self.prepare_context(&env))?);
        self.single_row(&prepared, env)
    }

    /// What a plan made now would depend on.
    fn current_stamp(&mut self) -> PlanStamp {
        if self.definitions.catalog.is_changed() {
            let env = self.env();
            return self.stamp(&env);
        }
        let version = self.shared.database.catalog.version();
        self.stamp_of(version, 0)
    }

    /// What a plan made in this environment depends on.
    pub(crate) fn stamp(&mut self, env: &StatementEnv) -> PlanStamp {
        let epoch = if self.definitions.catalog.is_changed() { self.catalog_epoch } else { 0 };
        self.stamp_of(env.catalog.version(), epoch)
    }

    fn stamp_of(&mut self, catalog: u64, epoch: u64) -> PlanStamp {
        let surroundings = self.current_surroundings();
        let statistics = self.shared.instance.statistics.generation();
        PlanStamp { catalog, epoch, surroundings, statistics }
    }

    /// The `enable_*` settings.
    fn methods(&self) -> Methods {
        let settings = self.shared.settings.lock();
        Methods {
            seqscan: settings.bool("enable_seqscan"),
            indexscan: settings.bool("enable_indexscan"),
            indexonlyscan: settings.bool("enable_indexonlyscan"),
            bitmapscan: settings.bool("enable_bitmapscan"),
            hashjoin: settings.bool("enable_hashjoin"),
            nestloop: settings.bool("enable_nestloop"),
            sort: settings.bool("enable_sort"),
            incremental_sort: settings.bool("enable_incremental_sort"),
            hashagg: settings.bool("enable_hashagg"),
            partition_pruning: settings.bool("enable_partition_pruning"),
            partitionwise_join: settings.bool("enable_partitionwise_join"),
            partitionwise_aggregate: settings.bool("enable_partitionwise_aggregate"),
        }
    }

    fn cost_constants(&self) -> CostConstants {
        let settings = self.shared.settings.lock();
        CostConstants {
            seq_page: settings.real("seq_page_cost"),
            random_page: settings.real("random_page_cost"),
            cpu_tuple: settings.real("cpu_tuple_cost"),
            cpu_index_tuple: settings.real("cpu_index_tuple_cost"),
            cpu_operator: settings.real("cpu_operator_cost"),
        }
    }

    /// A number for everything but the catalog that decides what a text means.
    pub(crate) fn current_surroundings(&mut self) -> u64 {
        let generation = self.shared.settings_generation();
        if self.surroundings.0 != generation {
            self.surroundings = (generation, self.hash_surroundings());
        }
        self.surroundings.1
    }

    /// Settings that decide what names mean and how literals are read.
    fn hash_surroundings(&self) -> u64 {
        const SETTINGS: &[&str] = &[
            "array_nulls",
            "bytea_output",
            "cpu_index_tuple_cost",
            "cpu_operator_cost",
            "cpu_tuple_cost",
            "DateStyle",
            "enable_bitmapscan",
            "enable_hashagg",
            "enable_hashjoin",
            "enable_incremental_sort",
            "enable_indexonlyscan",
            "enable_indexscan",
            "enable_nestloop",
            "enable_partition_pruning",
            "enable_partitionwise_aggregate",
            "enable_partitionwise_join",
            "enable_seqscan",
            "enable_sort",
            "default_text_search_config",
            "extra_float_digits",
            "IntervalStyle",
            "quote_all_identifiers",
            "random_page_cost",
            "restrict_nonsystem_relation_kind",
            "role",
            "row_security",
            "search_path",
            "seq_page_cost",
            "session_replication_role",
            "TimeZone",
            "xmloption",
        ];
        let user = self.shared.current_user();
        let settings = self.shared.settings.lock();
        let values: Vec<String> = SETTINGS.iter().map(|name| settings.text(name)).collect();
        BuildHasherDefault::<DefaultHasher>::default().hash_one((values, user))
    }
}

fn column(column: &OutputColumn) -> Column {
    Column { name: column.name.clone(), ty: column.ty, table: column.table, attnum: column.attnum }
}

impl CachedPlan {
    /// The error of a plan that cannot be run.
    pub(crate) fn check_runnable(&self) -> Result<()> {
        self.failure.clone().or_else(|| self.undecided.clone()).map_or(Ok(()), Err)
    }

    /// Takes the locks that it needs, with those of what rules have run beside it.
    pub(crate) fn lock_relations(&self, transaction: &Transaction, wait: &WaitOptions) -> Result<()> {
        self.prepared.lock_relations(transaction, wait)?;
        self.plans_beside().try_for_each(|plan| plan.lock_relations(transaction, wait))
    }

    /// 42501 unless the session's role may execute the functions that the plan names.
    pub(crate) fn check_executable(&self, session: &mut Session) -> Result<()> {
        self.plans_beside().try_for_each(|plan| plan.check_executable(session))?;
        for oid in &self.routines {
            let routine = session.env().catalog.routine(*oid).cloned();
            match routine {
                Some(routine) => session.check_execute(&routine)?,
                None => session.check_execute_built_in(*oid)?,
            }
        }
        Ok(())
    }

    /// 0A000 when a client was told of other columns: the statement was prepared before its tables changed.
    pub(crate) fn check_described(&self, described: Option<&Arc<[Column]>>) -> Result<()> {
        let types = |columns: &'_ [Column]| columns.iter().map(|column| column.ty).collect::<Vec<Type>>();
        let Some(described) = described else { return Ok(()) };
        match &self.columns {
            Some(columns) if Arc::ptr_eq(columns, described) || types(columns) == types(described) => Ok(()),
            // Drivers prepare the statement again when they see this routine.
            _ => Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cached plan must not change result type")
                .routine("RevalidateCachedQuery")),
        }
    }
}
