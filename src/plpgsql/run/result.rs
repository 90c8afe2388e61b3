//! RETURN in its forms, and the result of a call.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Record, Result, SqlState, oids};

use super::{Flow, Interpreter, Returned, Value};
use crate::context::Place as ContextPlace;
use crate::host::Read;
use crate::names::{Shape, not_assigned};
use crate::sql::Sql;
use crate::tree::{Dynamic, Output};

impl Interpreter<'_> {
    pub(crate) fn return_statement(&mut self, value: Option<&Sql>) -> Result<Flow> {
        if let Some(sql) = value {
            let value = self.evaluate(sql)?;
            let wants_row = self.function.result.is_row() || self.function.trigger.is_some();
            if wants_row && !matches!(value.datum, Datum::Null | Datum::Record(_)) {
                return Err(not_composite());
            }
            self.returned = Some(value);
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
    pub(crate) fn return_next(&mut self, value: Option<&Sql>, row: Option<usize>) -> Result<()> {
        let value = match value {
            Some(sql) => {
                let value = self.evaluate(sql)?;
                let result = &self.function.result;
                if row.is_none() && !result.is_row() && value.ty.oid == result.ty.oid && result.ty.typmod < 0 {
                    self.rows.push(value.datum);
                    return Ok(());
                }
                match row {
                    Some(variable) => self.expanded(variable, value)?,
                    None => value,
                }
            }
            None => match self.output_value()? {
                Some(value) => value,
                None => return Ok(()),
            },
        };
        let row = match self.as_result(value, row.is_some())? {
            Datum::Null => self.null_row(),
            row => row,
        };
        self.rows.push(row);
        Ok(())
    }

    /// What a set of rows has for NULL: a row of NULLs.
    fn null_row(&self) -> Datum {
        let Some(fields) = &self.function.result.fields else { return Datum::Null };
        let types = fields.iter().map(|field| field.ty.oid).collect();
        let values = vec![Datum::Null; fields.len()];
        Datum::Record(Arc::new(Record { ty: self.function.result_base.oid, types, fields: values, names: None }))
    }

    /// The value of a row variable, which has a row of NULLs for NULL. 55000 for a record without structure.
    fn expanded(&self, variable: usize, value: Value) -> Result<Value> {
        if !value.datum.is_null() {
            return Ok(value);
        }
        let declared = &self.function.variables[variable];
        let Some(shape) = self.frame.shapes[variable].clone() else { return Err(not_assigned(&declared.name)) };
        let types = shape.iter().map(|field| field.ty.oid).collect();
        let fields = vec![Datum::Null; shape.len()];
        let datum = Datum::Record(Arc::new(Record { ty: declared.base.oid, types, fields, names: None }));
        Ok(Value { datum, ty: declared.ty, fields: Some(shape) })
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
        let function = self.function;
        let result = &function.result;
        if let Some(fields) = &result.fields {
            self.check_columns(columns, fields, "structure of query does not match function result type")?;
            let types: Vec<_> = fields.iter().map(|field| field.ty.oid).collect();
            for row in rows {
                let fields = self.convert_row(columns, row, fields)?;
                let row = Record { ty: function.result_base.oid, types: types.clone(), fields, names: None };
                let row = Datum::Record(Arc::new(row));
                let row = match function.result_base.oid == result.ty.oid {
                    true => row,
                    false => self.host.cast(row, function.result_base, result.ty)?,
                };
                self.rows.push(row);
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
        let function = self.function;
        let result = &function.result;
        if !result.is_row() {
            return self.convert(value, result.ty);
        }
        let row = self.result_row(value, next)?;
        match function.result_base.oid == result.ty.oid {
            true => Ok(row),
            false => self.host.cast(row, function.result_base, result.ty),
        }
    }

    /// A value as a row of the function's result. 42804.
    fn result_row(&mut self, value: Value, next: bool) -> Result<Datum> {
        let function = self.function;
        let (result, base) = (&function.result, function.result_base.oid);
        match value.datum {
            Datum::Null => Ok(Datum::Null),
            Datum::Record(record) => {
                let from = match value.fields {
                    Some(fields) => fields,
                    None => self.fields_of_record(&record),
                };
                let Some(fields) = &result.fields else { return Ok(Datum::Record(record)) };
                if record.ty == base && record.ty != oids::RECORD {
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
                Ok(Datum::Record(Arc::new(Record { ty: base, types, fields: values, names: None })))
            }
            _ => Err(not_composite()),
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

/// 42804.
fn not_composite() -> Error {
    let message = "cannot return non-composite value from function returning composite type";
    Error::new(SqlState::DATATYPE_MISMATCH, message)
}
