//! Where queries leave the session: planning and execution by the crates below.

use dictdb_parser::ast;
use dictdb_parser::utility::Utility;
use dictdb_types::{Datum, Error, Oid, Result};

use crate::Session;
use crate::client::Row;
use crate::portal::{Outcome, Portal};
use crate::prepared::{Analysis, Source};

/// Rows that the executor computes as they are asked for.
pub(crate) struct RowStream {}

impl RowStream {
    /// At most `limit` further rows; none at all means the end.
    pub(crate) async fn next(&mut self, _limit: usize) -> Result<Vec<Row>> {
        Ok(Vec::new())
    }
}

impl Session {
    /// Parameter types and result columns of a query.
    pub(crate) fn analyze_query(&mut self, _source: &Source, _types: &[Oid]) -> Result<Analysis> {
        Err(Error::unsupported("planning of queries"))
    }

    /// Runs a query, or begins to.
    pub(crate) async fn execute_query(&mut self, _portal: &Portal) -> Result<Outcome> {
        Err(Error::unsupported("planning of queries"))
    }

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
    pub(crate) fn discard_sequences(&mut self) {}

    /// Drops temporary relations.
    pub(crate) fn discard_temporary(&mut self) -> Result<()> {
        Ok(())
    }
}
