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

use dictdb_parser::ast;
use dictdb_parser::utility::Utility;
use dictdb_types::{Datum, Error, Oid, Result};

use crate::Session;
use crate::portal::Portal;

pub(crate) use plan::CachedPlan;
pub(crate) use run::{RowSink, RowStream};

impl Session {
    /// The type a name in PREPARE stands for.
    pub(crate) fn type_oid(&mut self, _ty: &ast::DataType) -> Result<Oid> {
        Err(Error::unsupported("declared parameter types"))
    }

    /// Values of EXECUTE's parameters.
    pub(crate) fn evaluate_parameters(
        &mut self,
        _portal: &Portal,
        params: &[ast::Expr],
        _types: &[Oid],
    ) -> Result<Vec<Datum>> {
        if params.is_empty() { Ok(Vec::new()) } else { Err(Error::unsupported("EXECUTE with parameters")) }
    }

    /// VACUUM, ANALYZE, CHECKPOINT.
    pub(crate) async fn run_maintenance(&mut self, _command: &Utility) -> Result<()> {
        Err(Error::unsupported("maintenance"))
    }

    /// Forgets what `currval` and `lastval` know.
    pub(crate) fn discard_sequences(&mut self) {
        *self.shared.sequences.lock() = Default::default();
    }
}
