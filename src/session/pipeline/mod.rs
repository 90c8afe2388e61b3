//! Where queries leave the session: planning and execution by the crates below.
//!
//! ```text
//!   Source ──plan──► CachedPlan ──lock relations, snapshot──► Execution ──rows──► Client
//!            (plan)   kept with the statement as long as      (run)
//!                     nothing it depends on has changed
//! ```

mod definition;
mod explain;
mod plan;
mod run;
mod shared;
mod statistics;
mod surroundings;

use dictdb_parser::ast;
use dictdb_types::{Datum, Oid, Result, Type};

use crate::Session;
use crate::portal::Portal;

pub(crate) use explain::explain_columns;
pub(crate) use plan::{Beside, CachedPlan, PlanStamp};
pub(crate) use run::{RowSink, RowStream, RowsOfRule};
pub(crate) use statistics::StatisticsCache;

impl Session {
    /// The type a name in PREPARE stands for.
    pub(crate) fn type_oid(&mut self, ty: &ast::DataType) -> Result<Oid> {
        let env = self.env();
        let path = env.search_path();
        dictdb_planner::bind_type(ty, env.bind_context(&path)).map(|ty| ty.oid)
    }

    /// Values of EXECUTE's parameters.
    pub(crate) fn evaluate_parameters(
        &mut self,
        portal: &Portal,
        params: &[ast::Expr],
        types: &[Oid],
    ) -> Result<Vec<Datum>> {
        let Some(outer) = portal.source.as_ref().filter(|_| !params.is_empty()) else { return Ok(Vec::new()) };
        let types: Vec<Type> = types.iter().map(|oid| Type::new(*oid)).collect();
        self.evaluate_row(params, &types, &outer.parsed.locations)
    }

    /// Forgets what `currval` and `lastval` know.
    pub(crate) fn discard_sequences(&mut self) {
        *self.shared.sequences.lock() = Default::default();
    }
}
