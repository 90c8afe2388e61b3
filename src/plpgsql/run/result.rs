//! RETURN in its forms, and the result of a call.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Record, Result, SqlState, oids};

use super::{Flow, Interpreter, Returned, Value};
use crate::context::Place as ContextPlace;
use crate::host::Read;
use crate::names::Shape;
use crate::sql::Sql;
use crate::tree::{Dynamic, Output};

impl Interpreter<'_> {
    pub(crate) fn return_statement(&mut self, value: Option<&Sql>) -> Result<Flow> {
        if let Some(sql) = value {
            self.returned = Some(self.evaluate(sql)?);
        } else if !self.function.result.set {
            self.returned = self.output_value()?;
        }
        Ok(Flow::Return)
    }

    /// The value of the output parameters.
    fn output_value(&mut self) -> Result<Option<Value>> {
        Ok(match &self.function.output {
            None => None,
            Some(Output::One(variable)) => {
                let fields = self.frame.shapes[*variable].clone();
                let datum = self.frame.values[*variable].clone();
                Some(Value { datum, ty: self.function.variables[*variable].ty, fields })
            }
            Some(Output::Row(variables)) => {
                let types = variables.iter().map(|v| self.function.variables[*v].ty.oid).collect();
                let fields = variables.iter().map(|v| self.frame.values[*v].clone()).collect();
                let datum = Datum::Record(Arc::new(Record { ty: oids::RECORD, types, fields, names: None }));
                Some(Value { datum, ty: oids::RECORD.into(), fields: self.function.result.fields.clone() })
            }
        })
    }

    /// RETURN NEXT.
    pub(crate) fn return_next(&mut self, value: Option<&Sql>) -> Result<()> {
        let value = match value {
            Some(sql) => self.evaluate(sql)?,
            None => match self.output_value()? {
                Some(value) => value,
                None => return Ok(()),
            },
        };
        let row = self.as_result(value, true)?;
        self.rows.push(row);
        Ok(())
    }

    /// RETURN QUERY.
    pub(crate) fn return_query(&mut self, query: &Sql) -> Result<()> {
        let executed = self.host.execute(query, &self.frame, self.function, Read::Tuples)?;
        let columns = executed.columns.unwrap_or_default();
        self.return_rows(&columns, executed.rows)
    }

    pub(crate) fn return_execute(&mut self, dynamic: &Dynamic) -> Result<()> {
        let (text, params) = self.dynamic(dynamic)?;
        let executed = self.host.execute_text(&text, params, Read::Tuples)?;
        let columns = executed.columns.unwrap_or_default();
        self.return_rows(&columns, executed.rows)
    }

    fn return_rows(&mut self, columns: &Shape, rows: Vec<Vec<Datum>>) -> Result<()> {
        self.row_count = rows.len() as u64;
        let result = self.function.result.clone();
        if let Some(fields) = &result.fields {
            self.check_columns(columns, fields, "structure of query does not match function result type")?;
            let types: Vec<_> = fields.iter().map(|field| field.ty.oid).collect();
            for row in rows {
                let fields = self.convert_row(columns, row, fields)?;
                self.rows.push(Datum::Record(Arc::new(Record {
                    ty: result.ty.oid,
                    types: types.clone(),
                    fields,
                    names: None,
                })));
            }
        } else {
            let expected: Shape = [dictdb_types::Field { name: Arc::from(""), ty: result.ty }].into();
            if result.ty.oid != oids::RECORD {
                self.check_columns(columns, &expected, "structure of query does not match function result type")?;
            }
            let types: Vec<_> = columns.iter().map(|column| column.ty.oid).collect();
            for row in rows {
                let value = match result.ty.oid {
                    oids::RECORD => Datum::Record(Arc::new(Record {
                        ty: oids::RECORD,
                        types: types.clone(),
                        fields: row,
                        names: None,
                    })),
                    _ => row.into_iter().next().unwrap_or(Datum::Null),
                };
                self.rows.push(value);
            }
        }
        let found = self.row_count > 0;
        self.set_found(found);
        Ok(())
    }

    /// 42804 when columns are not those of the result.
    fn check_columns(&mut self, columns: &Shape, fields: &Shape, message: &str) -> Result<()> {
        let mismatch = |detail: String| Err(Error::new(SqlState::DATATYPE_MISMATCH, message.to_owned()).detail(detail));
        for (index, (column, field)) in columns.iter().zip(fields.iter()).enumerate() {
            if column.ty.oid != field.ty.oid {
                let (returned, expected) = (self.type_name(column.ty), self.type_name(field.ty));
                return mismatch(format!(
                    "Returned type {returned} does not match expected type {expected} in column {}.",
                    index + 1
                ));
            }
        }
        if columns.len() != fields.len() {
            return mismatch(format!(
                "Number of returned columns ({}) does not match expected column count ({}).",
                columns.len(),
                fields.len()
            ));
        }
        Ok(())
    }

    /// A value as the function's result type. 42804.
    fn as_result(&mut self, value: Value, next: bool) -> Result<Datum> {
        let result = self.function.result.clone();
        if !result.is_row() {
            return self.convert(value, result.ty);
        }
        match value.datum {
            Datum::Null => Ok(Datum::Null),
            Datum::Record(record) => {
                let from = match value.fields {
                    Some(fields) => fields,
                    None => self.fields_of_record(&record),
                };
                let Some(fields) = &result.fields else { return Ok(Datum::Record(record)) };
                if record.ty == result.ty.oid && record.ty != oids::RECORD {
                    return Ok(Datum::Record(record));
                }
                let message = match next {
                    true => "wrong record type supplied in RETURN NEXT",
                    false => "returned record type does not match expected record type",
                };
                if self.function.output.is_none() {
                    self.check_columns(&from, fields, message)?;
                }
                let values = self.convert_row(&from, record.fields.clone(), fields)?;
                let types = fields.iter().map(|field| field.ty.oid).collect();
                Ok(Datum::Record(Arc::new(Record { ty: result.ty.oid, types, fields: values, names: None })))
            }
            _ => Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                "cannot return non-composite value from function returning composite type",
            )),
        }
    }

    /// The result of the call. 2F005 when it ended without RETURN.
    pub(crate) fn result(&mut self, flow: Flow) -> Result<Returned> {
        let result = &self.function.result;
        if result.set {
            return Ok(Returned::Rows(std::mem::take(&mut self.rows)));
        }
        if !matches!(flow, Flow::Return) {
            let implied = self.function.header.procedure || result.is_void() || self.function.output.is_some();
            if !implied {
                self.site.at(ContextPlace::outside(""));
                self.context_is_complete = true;
                let signature = &self.function.header.signature;
                let code = SqlState::S_R_E_FUNCTION_EXECUTED_NO_RETURN_STATEMENT;
                let error = Error::new(code, "control reached end of function without RETURN");
                return Err(error.context(format!("PL/pgSQL function {signature}")));
            }
            self.returned = self.output_value()?;
        }
        if result.is_void() && !self.function.header.procedure {
            return Ok(Returned::Value(Datum::text("")));
        }
        let Some(value) = self.returned.take() else { return Ok(Returned::Value(Datum::Null)) };
        self.site.at(ContextPlace::outside("while casting return value to function's return type"));
        self.as_result(value, false).map(Returned::Value)
    }
}
