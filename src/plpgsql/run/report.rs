//! GET DIAGNOSTICS.

use dictdb_types::{Datum, Error, Result, SqlState, Type, oids};

use super::{Interpreter, Value};
use crate::tree::{Diagnostic, Place};

impl Interpreter<'_> {
    pub(crate) fn diagnostics(&mut self, stacked: bool, items: &[(Place, Diagnostic)]) -> Result<()> {
        if stacked && self.caught.is_empty() {
            return Err(Error::new(
                SqlState::STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER,
                "GET STACKED DIAGNOSTICS cannot be used outside an exception handler",
            ));
        }
        for (place, item) in items {
            let (datum, ty) = self.diagnostic(*item);
            self.assign(place, Value { datum, ty: Type::new(ty), fields: None })?;
        }
        Ok(())
    }

    fn diagnostic(&mut self, item: Diagnostic) -> (Datum, dictdb_types::Oid) {
        match item {
            Diagnostic::RowCount => return (Datum::Int8(self.row_count as i64), oids::INT8),
            Diagnostic::RoutineOid => return (Datum::Oid(self.oid.0), oids::OID),
            Diagnostic::Context => {
                let lines = self.host.outer_context();
                let own = self.site.line();
                let all: Vec<String> = [own].into_iter().chain(lines).collect();
                return (Datum::text(all.join("\n")), oids::TEXT);
            }
            _ => {}
        }
        let Some(error) = self.caught.last() else { return (Datum::Null, oids::TEXT) };
        let fields = error.fields();
        let text = match item {
            Diagnostic::ReturnedSqlstate => Some(fields.code.as_str().to_owned()),
            Diagnostic::MessageText => Some(fields.message.clone()),
            Diagnostic::ExceptionDetail => fields.detail.clone(),
            Diagnostic::ExceptionHint => fields.hint.clone(),
            Diagnostic::ExceptionContext => fields.context.clone(),
            Diagnostic::ColumnName => fields.column.clone(),
            Diagnostic::ConstraintName => fields.constraint.clone(),
            Diagnostic::DatatypeName => fields.datatype.clone(),
            Diagnostic::TableName => fields.table.clone(),
            Diagnostic::SchemaName => fields.schema.clone(),
            Diagnostic::RowCount | Diagnostic::RoutineOid | Diagnostic::Context => None,
        };
        (Datum::text(text.unwrap_or_default()), oids::TEXT)
    }
}
