//! TABLESAMPLE.

use dictdb_functions::facts::CastContext;
use dictdb_parser::ast::{self, TableSampleKind, TableSampleMethod};
use dictdb_types::{Error, Oid, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Clause;
use super::names::idents;
use crate::expr::Expr;
use crate::logical::{Node, Sample, SampleMethod};

impl Binder<'_> {
    /// A sample of the table that was bound to `input`. 0A000 for anything but a table.
    pub(crate) fn bind_sample(
        &mut self,
        input: Node,
        name: &ast::ObjectName,
        sample: &TableSampleKind,
    ) -> Result<Node> {
        let (TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) = sample;
        let row_id = match &input {
            Node::Scan(scan) => scan.row_id,
            _ => None,
        };
        let Some(row_id) = row_id else {
            let position = idents(name)?.first().and_then(|ident| self.position(ident.span));
            let message = "TABLESAMPLE clause can only be applied to tables and materialized views";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(position));
        };
        let method = match sample.name {
            Some(TableSampleMethod::System) => SampleMethod::System,
            _ => SampleMethod::Bernoulli,
        };
        let quantity = sample.quantity.as_ref().ok_or_else(|| Error::internal("a sample without a size"))?;
        let percent = self.sample_argument(&quantity.value, oids::FLOAT4, "TABLESAMPLE")?;
        let seed = dictdb_parser::node::sample_seed(sample);
        let seed = seed.map(|seed| self.sample_argument(seed, oids::FLOAT8, "REPEATABLE")).transpose()?;
        Ok(Node::Sample(Box::new(Sample { input, row_id, method, percent, seed })))
    }

    fn sample_argument(&mut self, argument: &ast::Expr, target: Oid, construct: &str) -> Result<Expr> {
        let position = self.leftmost(argument);
        let bound = self
            .without_own_names(|binder| binder.in_clause(Clause::FromFunction, |binder| binder.bind_expr(argument)))?;
        let source = bound.ty();
        let coerced = self.coerce(bound, Type::new(target), CastContext::Assignment).map_err(|e| e.at(position))?;
        coerced.ok_or_else(|| {
            let (wanted, given) = (self.type_name(Type::new(target)), self.type_name(source));
            let message = format!("argument of {construct} must be type {wanted}, not type {given}");
            Error::new(SqlState::DATATYPE_MISMATCH, message).at(position)
        })
    }
}
