//! Results of queries kept for the same queries again.
//!
//! ```text
//!   query ─► cacheable? ─► key ─► store ──good──► its rows
//!                                   │
//!                                   └─ not there, not good ─► run it, keep the rows that pass
//! ```
//! A key is everything that decides what a query means: database, role, search path and the other settings that plans depend on, the
//! catalog's version, the text, the parameters. Whether an entry is good depends on who asks:
//!
//! - Without a policy it must be what the query would give now: no table that it reads has been written to since the commit that
//!   the entry shows, nor after the snapshot that asks. Tables know the last commit that wrote to them before it is visible.
//! - With a policy (`dictdb.cache_policy`) it may be so many seconds old; a REPEATABLE READ transaction still sees nothing newer
//!   than its snapshot.
//!
//! Nothing is looked up or kept in a transaction that has written, in SERIALIZABLE ones (which have to tell what they read), for
//! statements of functions, and for queries over temporary tables, tables with row security or `ttl`, system catalogs, and functions
//! that look at something other than their arguments.

pub mod latency;
mod policy;
mod store;

use std::sync::Arc;
use std::time::Instant;

use dictdb_catalog::{Catalog, Persistence};
use dictdb_executor::{ExecContext, Row, row_bytes};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_planner::physical::{Node, Op, Plan};
use dictdb_planner::{Command, Planned, Repeatable};
use dictdb_storage::{DatumRow, Isolation, encode_row};
use dictdb_types::{CommitTs, Datum, Error, Oid, Result};

use crate::instance::Instance;
use crate::pipeline::CachedPlan;
use crate::prepared::Source;
use crate::settings::{Settings, Value};
use crate::{Session, StatementEnv};

pub use policy::{POLICIES, Policy};
pub use store::CacheReading;
use store::Entry;
pub(crate) use store::ResultCache;

/// Functions by `prosrc`.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] =
    &[("dictdb_cache_invalidate", invalidate), ("dictdb_cache_invalidate_all", invalidate_all)];

const BYTES_PER_KB: usize = 1024;

/// What a session wants of the cache.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// `dictdb.result_cache`, or a policy.
    is_wanted: bool,
    /// `dictdb.cache_policy`, by its place in [`POLICIES`].
    policy: Option<usize>,
    /// `dictdb.cache_key`.
    label: Arc<str>,
    /// `dictdb.result_cache_max_result`.
    largest_bytes: usize,
}

impl Wishes {
    /// As the settings say.
    pub(crate) fn of(settings: &Settings) -> Wishes {
        let policy = Policy::named(&settings.text("dictdb.cache_policy"));
        Wishes {
            is_wanted: policy.is_some() || settings.bool("dictdb.result_cache"),
            policy,
            label: settings.text("dictdb.cache_key").into(),
            largest_bytes: usize::try_from(settings.int("dictdb.result_cache_max_result")).unwrap_or(0) * BYTES_PER_KB,
        }
    }
}

/// When the rows of a plan may be kept, as far as the plan decides that.
pub(crate) fn repeatable(planned: &Planned, catalog: &Catalog) -> Repeatable {
    let plan = &planned.plan;
    let reads_only = planned.command == Command::Select && planned.returns_rows && !plan.modifies && !plan.writes;
    let is_shared = |oid: &Oid| {
        catalog
            .relation(*oid)
            .is_some_and(|relation| relation.persistence != Persistence::Temporary && relation.ttl_micros().is_none())
    };
    let tables_allow = planned.secured.is_none() && plan.locks.iter().all(|(oid, _)| is_shared(oid));
    match reads_only && tables_allow && planned.routines.is_empty() && !looks_elsewhere(plan) {
        true => planned.repeatable,
        false => Repeatable::Never,
    }
}

/// Whether a plan reads something that no table's last commit tells of, or locks rows.
fn looks_elsewhere(plan: &Plan) -> bool {
    fn does(node: &Node) -> bool {
        let own = matches!(node.op, Op::VirtualScan { .. } | Op::Sample { .. } | Op::LockRows { .. } | Op::Modify(_));
        own || node.children().into_iter().any(does)
    }
    let ctes = plan
        .ctes
        .iter()
        .flat_map(|cte| std::iter::once(&cte.query).chain(cte.recursive.as_ref().map(|(recursive, _)| recursive)));
    std::iter::once(&plan.root).chain(&plan.subplans).chain(ctes).any(does)
}

/// What looking for a result came to.
pub(crate) enum Looked {
    /// It is not kept, and not to be.
    NotKept,
    /// These are its rows.
    Found(Arc<[Row]>),
    /// Its rows are to be kept as they pass.
    Missed(Box<Keeper>),
}

/// Keeps the rows of a query that runs.
pub(crate) struct Keeper {
    instance: Arc<Instance>,
    key: Vec<u8>,
    database: Oid,
    label: Arc<str>,
    policy: Option<usize>,
    ts: CommitTs,
    begun: Instant,
    rows: Vec<Row>,
    bytes: usize,
    largest_bytes: usize,
}

impl Keeper {
    /// Takes a row. False when there are too many: then it is of no more use.
    pub fn take(&mut self, row: &Row) -> bool {
        self.bytes += row_bytes(row);
        if self.bytes > self.largest_bytes {
            return false;
        }
        self.rows.push(row.clone());
        true
    }

    /// The query has no more rows.
    pub fn finish(self) {
        let entry = Entry {
            rows: self.rows.into(),
            label: self.label,
            database: self.database,
            ts: self.ts,
            expires: self.policy.map(|policy| self.begun + POLICIES[policy].ttl),
            bytes: self.bytes,
        };
        let limit = self.instance.result_cache_bytes();
        let Ok(pass) = self.instance.cache_breaker.admit() else { return };
        match self.instance.results.put(&self.key, entry, limit, &self.instance.engine) {
            true => pass.succeeded(),
            false => pass.failed("there is no memory for a result"),
        }
    }
}

impl Instance {
    /// Gives up all results, because the server ends.
    pub fn close_result_cache(&self) {
        self.results.clear();
    }

    /// `dictdb.result_cache_size` in bytes.
    pub(crate) fn result_cache_bytes(&self) -> usize {
        match self.settings.read().value("dictdb.result_cache_size") {
            Value::Int(kilobytes) => usize::try_from(kilobytes).unwrap_or(0) * BYTES_PER_KB,
            _ => 0,
        }
    }
}

impl Session {
    /// Looks for the result of a query that is about to run over this snapshot.
    #[inline]
    pub(crate) fn look_for_result(&mut self, plan: &CachedPlan, source: &Source, cx: &ExecContext) -> Looked {
        if !self.derived().caching.is_wanted {
            return Looked::NotKept;
        }
        self.look_for_wanted(plan, source, cx)
    }

    fn look_for_wanted(&mut self, plan: &CachedPlan, source: &Source, cx: &ExecContext) -> Looked {
        let wishes = self.derived().caching.clone();
        let repeats = match wishes.policy {
            None => plan.repeatable == Repeatable::Always,
            Some(_) => plan.repeatable != Repeatable::Never,
        };
        let isolation = cx.transaction.isolation();
        let is_plain =
            self.routines.calls.depth == 0 && source.variables.is_none() && !self.definitions.catalog.is_changed();
        if !repeats || !is_plain || cx.transaction.id().is_some() || isolation == Isolation::Serializable {
            return Looked::NotKept;
        }
        let key = self.result_key(plan, source, &cx.params, &wishes);
        let instance = &self.shared.instance;
        let ts = cx.snapshot.ts();
        // After the snapshot was taken: what it sees has told its tables.
        let changed = plan.prepared.changed();
        let found = instance.results.get(&key, wishes.policy, |entry| match (wishes.policy, isolation) {
            (None, _) => changed <= entry.ts && changed <= ts,
            (Some(_), Isolation::ReadCommitted) => true,
            (Some(_), _) => entry.ts <= ts,
        });
        match found {
            Some(rows) => Looked::Found(rows),
            // Rows that nobody could keep are not copied.
            None if instance.cache_breaker.is_open() => Looked::NotKept,
            None => Looked::Missed(Box::new(Keeper {
                instance: instance.clone(),
                key,
                database: self.shared.database.oid,
                label: wishes.label,
                policy: wishes.policy,
                ts,
                begun: Instant::now(),
                rows: Vec::new(),
                bytes: 0,
                largest_bytes: wishes.largest_bytes,
            })),
        }
    }

    fn result_key(&mut self, plan: &CachedPlan, source: &Source, params: &[Datum], wishes: &Wishes) -> Vec<u8> {
        let text = source.own_text();
        let mut key = Vec::with_capacity(64 + text.len() + wishes.label.len());
        let temporary_schema = self.shared.temporary_schema().unwrap_or(Oid::INVALID);
        key.extend_from_slice(&self.shared.database.oid.0.to_be_bytes());
        key.extend_from_slice(&temporary_schema.0.to_be_bytes());
        key.extend_from_slice(&plan.stamp.meaning().to_be_bytes());
        key.push(wishes.policy.map_or(u8::MAX, |policy| policy as u8));
        for text in [&*wishes.label, text] {
            key.extend_from_slice(&(text.len() as u64).to_be_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        encode_row(&DatumRow(params), params.len(), &mut key);
        key
    }
}

/// The session's database and the server, for functions.
fn env<'a>(cx: &CallContext<'a>) -> Result<&'a StatementEnv> {
    StatementEnv::of(cx.env).ok_or_else(|| Error::internal("called outside a session"))
}

/// `dictdb.cache_invalidate(pattern)`: removes the results of this database whose `dictdb.cache_key` is LIKE that; how many.
fn invalidate(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(Datum::Text(pattern)) = args.first() else { return Ok(Datum::Null) };
    let shared = &env(cx)?.shared;
    let is_meant = |label: &str| Ok(!label.is_empty() && dictdb_functions::is_like(label, pattern)?);
    let removed = shared.instance.results.invalidate(shared.database.oid, is_meant)?;
    Ok(Datum::Int8(removed as i64))
}

/// `dictdb.cache_invalidate_all()`: removes all results of this database; how many.
fn invalidate_all(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let shared = &env(cx)?.shared;
    let removed = shared.instance.results.invalidate(shared.database.oid, |_| Ok(true))?;
    Ok(Datum::Int8(removed as i64))
}
