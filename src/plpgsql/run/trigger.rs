//! Calls of trigger functions.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Error, Field, Oid, Record, Result, SqlState, oids};

use super::{Flow, Interpreter};
use crate::context::Place as ContextPlace;
use crate::host::Host;
use crate::tree::{Activation, Function};

/// What a trigger function is told.
pub struct TriggerData {
    /// `TG_NAME`.
    pub name: Arc<str>,
    /// `TG_WHEN`.
    pub when: &'static str,
    /// `TG_LEVEL`.
    pub level: &'static str,
    /// `TG_OP`.
    pub operation: &'static str,
    /// `TG_RELID`.
    pub relation: Oid,
    /// `TG_TABLE_NAME`.
    pub table: Arc<str>,
    /// `TG_TABLE_SCHEMA`.
    pub schema: Arc<str>,
    /// `TG_ARGV`.
    pub args: Vec<Arc<str>>,
    /// The table's row type.
    pub row_type: Oid,
    /// The table's columns.
    pub fields: Arc<[Field]>,
    /// `NEW`.
    pub new: Option<Vec<Datum>>,
    /// `OLD`.
    pub old: Option<Vec<Datum>>,
}

/// Calls a trigger function; the row it returns, `None` for NULL.
pub fn call_trigger(
    function: &Function,
    activation: &mut Activation,
    oid: Oid,
    data: TriggerData,
    host: &mut dyn Host,
) -> Result<Option<Vec<Datum>>> {
    let mut interpreter = Interpreter::new(function, activation, oid, host);
    let (fields, is_row) = (data.fields.clone(), data.level == "ROW");
    interpreter.enter_trigger(data);
    interpreter.finish(activation, |interpreter| {
        let flow = interpreter.block(&function.body)?;
        interpreter.trigger_result(flow, &fields, is_row)
    })
}

impl Interpreter<'_> {
    fn enter_trigger(&mut self, data: TriggerData) {
        let Some(variables) = self.function.trigger.clone() else { return };
        let types: Vec<Oid> = data.fields.iter().map(|field| field.ty.oid).collect();
        for (variable, row) in [(variables.new, data.new), (variables.old, data.old)] {
            self.frame.shapes[variable] = Some(data.fields.clone());
            self.frame.values[variable] = match row {
                Some(fields) => {
                    Datum::Record(Arc::new(Record { ty: data.row_type, types: types.clone(), fields, names: None }))
                }
                None => Datum::Null,
            };
        }
        let args: Vec<Datum> = data.args.iter().map(|arg| Datum::Text(arg.clone())).collect();
        let count = args.len() as i32;
        let argv = match args.is_empty() {
            true => Datum::Null,
            false => Datum::Array(Arc::new(Array::zero_based(oids::TEXT, args))),
        };
        let values = [
            Datum::Text(data.name),
            Datum::text(data.when),
            Datum::text(data.level),
            Datum::text(data.operation),
            Datum::Oid(data.relation.0),
            Datum::Text(data.table.clone()),
            Datum::Text(data.table),
            Datum::Text(data.schema),
            Datum::Int4(count),
            argv,
        ];
        for (variable, value) in variables.others.iter().zip(values) {
            self.frame.values[*variable] = value;
        }
    }

    fn trigger_result(&mut self, flow: Flow, fields: &Arc<[Field]>, is_row: bool) -> Result<Option<Vec<Datum>>> {
        if !matches!(flow, Flow::Return) {
            self.context_is_complete = true;
            let signature = &self.function.header.signature;
            let code = SqlState::S_R_E_FUNCTION_EXECUTED_NO_RETURN_STATEMENT;
            let error = Error::new(code, "control reached end of trigger procedure without RETURN");
            return Err(error.context(format!("PL/pgSQL function {signature}")));
        }
        let Some(value) = self.returned.take() else { return Ok(None) };
        if !is_row {
            return Ok(None);
        }
        match value.datum {
            Datum::Null => Ok(None),
            Datum::Record(record) => {
                self.site.at(ContextPlace::outside("during function exit"));
                let from = match value.fields {
                    Some(from) => from,
                    None => self.fields_of_record(&record),
                };
                self.check_structure(&from, fields)?;
                Ok(Some(record.fields.clone()))
            }
            _ => Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                "cannot return non-composite value from function returning composite type",
            )),
        }
    }

    /// 42804 unless a returned row has the columns of the table.
    fn check_structure(&mut self, returned: &[Field], expected: &[Field]) -> Result<()> {
        let same = |own: &Field, wanted: &Field| {
            own.ty.oid == wanted.ty.oid && (wanted.ty.typmod < 0 || own.ty.typmod == wanted.ty.typmod)
        };
        let misfit = returned.iter().zip(expected).position(|(own, wanted)| !same(own, wanted));
        let detail = match misfit {
            Some(index) => {
                let own = self.type_name(returned[index].ty);
                let wanted = self.type_name(expected[index].ty);
                format!("Returned type {own} does not match expected type {wanted} in column {}.", index + 1)
            }
            None if returned.len() == expected.len() => return Ok(()),
            None => format!(
                "Number of returned columns ({}) does not match expected column count ({}).",
                returned.len(),
                expected.len()
            ),
        };
        let message = "returned row structure does not match the structure of the triggering table";
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message).detail(detail))
    }
}
