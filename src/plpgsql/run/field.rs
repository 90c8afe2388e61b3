//! Fields of rows, to be replaced. Elements and fields within fields are the host's: it evaluates what they make of the value.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Record, Result, SqlState, Type};

use super::{Interpreter, Value};
use crate::names::not_assigned;
use crate::tree::{PartAssignment, Place};

impl Interpreter<'_> {
    /// Replaces a field of a row variable.
    pub(crate) fn assign_field(&mut self, variable: usize, field: &str, value: Value) -> Result<()> {
        let declared = &self.function.variables[variable];
        let Some(fields) = self.frame.shapes[variable].clone() else { return Err(not_assigned(&declared.name)) };
        let Some(index) = fields.iter().position(|own| *own.name == *field) else {
            let message = format!("record \"{}\" has no field \"{field}\"", declared.name);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        let value = self.convert(value, fields[index].ty)?;
        let base = self.base_type(declared.ty);
        let current = std::mem::replace(&mut self.frame.values[variable], Datum::Null);
        let record = match current {
            Datum::Record(record) => record,
            _ => {
                let types = fields.iter().map(|field| field.ty.oid).collect();
                Arc::new(Record { ty: base.oid, types, fields: vec![Datum::Null; fields.len()], names: None })
            }
        };
        let before = (base.oid != declared.ty.oid).then(|| record.clone());
        let mut record = Arc::unwrap_or_clone(record);
        record.fields.resize(fields.len(), Datum::Null);
        record.fields[index] = value;
        let mut row = Datum::Record(Arc::new(record));
        if let Some(before) = before {
            // A domain checks the whole row.
            self.frame.values[variable] = Datum::Record(before);
            row = self.host.cast(row, base, declared.ty)?;
        }
        self.set(variable, row)
    }

    /// An assignment to a part of a variable or of a field of one.
    pub(crate) fn assign_part(&mut self, place: &Place, part: &PartAssignment) -> Result<()> {
        let variable = place.variable;
        let declared = &self.function.variables[variable];
        if declared.row.is_some() && self.frame.shapes[variable].is_none() {
            return Err(not_assigned(&declared.name));
        }
        let (declared, function) = (declared.ty, self.function);
        let datum = self.host.evaluate_part(part, &mut self.frame, function)?;
        match &place.field {
            None => self.set(variable, datum),
            Some(field) => {
                let ty = self.field_type(variable, field).unwrap_or(declared);
                self.assign_field(variable, field, Value { datum, ty, fields: None })
            }
        }
    }

    fn field_type(&self, variable: usize, field: &str) -> Option<Type> {
        let fields = self.frame.shapes[variable].as_ref()?;
        fields.iter().find(|own| *own.name == *field).map(|own| own.ty)
    }
}
