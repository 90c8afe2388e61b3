//! Which members of a table are read, once values are known that rule some of them out.

use std::sync::Arc;

use dictdb_planner::BindContext;
use dictdb_planner::pruning::{LatePruning, Moment};
use dictdb_types::{Datum, Result};

use crate::context::ExecContext;
use crate::eval::{Code, CompileContext, Scope, compile};
use crate::prepared::Prepared;
use crate::runtime::Runtime;

/// A compiled [`LatePruning`].
#[derive(Debug)]
pub(crate) struct PruningCode {
    pruning: Arc<LatePruning>,
    /// The values that decide; none for one that is not asked for.
    values: Box<[Option<Code>]>,
}

impl PruningCode {
    /// Compiles the values that are known at a moment.
    pub fn compile(pruning: &Arc<LatePruning>, latest: Moment, cx: &CompileContext<'_>) -> Result<Self> {
        let values = pruning.values().iter();
        let values = values.map(|(value, moment)| (*moment <= latest).then(|| compile(value, cx)).transpose());
        Ok(PruningCode { values: values.collect::<Result<_>>()?, pruning: pruning.clone() })
    }

    /// Whether each run may read other members.
    pub fn varies(&self) -> bool {
        self.pruning.values().iter().any(|(_, moment)| *moment == Moment::Row)
    }

    /// Which of the members are read. What cannot be computed rules nothing out: reading them reports it.
    pub fn kept(&self, rt: &Runtime) -> Vec<bool> {
        let value = |code: &Option<Code>| code.as_ref()?.eval(Scope::new(rt, &[])).ok();
        let values: Vec<Option<Datum>> = self.values.iter().map(value).collect();
        let cx = rt.cx();
        let search_path = [dictdb_catalog::namespaces::PG_CATALOG];
        let bind = BindContext {
            catalog: &cx.catalog,
            registry: rt.prepared().engine().registry(),
            env: &*cx.env,
            search_path: &search_path,
            role: dictdb_catalog::BOOTSTRAP_ROLE,
            transient: &[],
        };
        self.pruning.kept(&values, bind)
    }
}

/// The members that are on the way through an [`Append`](dictdb_planner::physical::Op::Append).
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// Which are read, once that is known.
    kept: Option<Vec<bool>>,
}

impl Members {
    /// Whether the member of this number is read.
    pub fn reads(&mut self, number: usize, pruning: Option<&PruningCode>, rt: &Runtime) -> bool {
        let Some(pruning) = pruning else { return true };
        let kept = self.kept.get_or_insert_with(|| pruning.kept(rt));
        kept.get(number) != Some(&false)
    }

    /// Begins once more, with other values perhaps.
    pub fn rescan(&mut self, pruning: Option<&PruningCode>) {
        if pruning.is_some_and(PruningCode::varies) {
            self.kept = None;
        }
    }
}

/// Which members a plan that runs with these parameters does not even begin with, for EXPLAIN: of each pruning of the plan those
/// that are kept.
pub fn kept_at_start(prepared: &Arc<Prepared>, cx: ExecContext) -> impl Fn(&Arc<LatePruning>) -> Vec<bool> {
    let rt = Runtime::new(prepared.clone(), cx);
    move |pruning| {
        let code =
            PruningCode::compile(pruning, Moment::Start, &CompileContext { types: &*rt.cx().catalog, plan: None });
        code.map_or_else(|_| Vec::new(), |code| code.kept(&rt))
    }
}
