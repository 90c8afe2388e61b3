//! Fields of rows, to be replaced. Elements and fields within fields are the host's: it evaluates what they make of the value.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Record, Result, SqlState, Type};

use super::{Interpreter, Value};
use crate::names::{Shape, not_assigned};
use crate::tree::{PartAssignment, Place};

impl Interpreter<'_> {
    /// Replaces a field of a row variable.
    pub(crate) fn assign_field(&mut self, variable: usize, field: &str, value: Value) -> Result<()> {
        let (fields, index) = self.field_index(variable, field)?;
        let value = self.convert(value, fields[index].ty)?;
        let declared = &self.function.variables[variable];
        let (declared, base) = (declared.ty, declared.base);
        let current = std::mem::replace(&mut self.frame.values[variable], Datum::Null);
        let mut record = match current {
            Datum::Record(record) => record,
            _ => {
                let types = fields.iter().map(|field| field.ty.oid).collect();
                Arc::new(Record { ty: base.oid, types, fields: vec![Datum::Null; fields.len()], names: None })
            }
        };
        let before = (base.oid != declared.oid).then(|| record.clone());
        // A record that only the variable holds is changed where it is.
        let changed = Arc::make_mut(&mut record);
        changed.fields.resize(fields.len(), Datum::Null);
        changed.fields[index] = value;
        let mut row = Datum::Record(record);
        if let Some(before) = before {
            // A domain checks the whole row.
            self.frame.values[variable] = Datum::Record(before);
            row = self.host.cast(row, base, declared)?;
        }
        self.set(variable, row)
    }

    /// The fields of a row variable, and the place of one. 55000, 42703.
    pub(crate) fn field_index(&self, variable: usize, field: &str) -> Result<(Shape, usize)> {
        let name = &self.function.variables[variable].name;
        let Some(fields) = &self.frame.shapes[variable] else { return Err(not_assigned(name)) };
        match fields.iter().position(|own| *own.name == *field) {
            Some(index) => Ok((fields.clone(), index)),
            None => {
                let message = format!("record \"{name}\" has no field \"{field}\"");
                Err(Error::new(SqlState::UNDEFINED_COLUMN, message))
            }
        }
    }

    /// Place and type of the field that the assignment with this number names; looked for once per structure of the row.
    #[inline]
    pub(crate) fn known_field(&mut self, variable: usize, field: &str, number: usize) -> Result<(usize, Type)> {
        if let (Some(Some((of, index))), Some(shape)) = (self.frame.fields.get(number), &self.frame.shapes[variable])
            && Arc::ptr_eq(of, shape)
        {
            return Ok((*index, shape[*index].ty));
        }
        let (shape, index) = self.field_index(variable, field)?;
        let ty = shape[index].ty;
        if self.frame.fields.len() <= number {
            self.frame.fields.resize(number + 1, None);
        }
        self.frame.fields[number] = Some((shape, index));
        Ok((index, ty))
    }

    /// Whether a row variable holds a row with such a field that no domain checks.
    #[inline]
    pub(crate) fn is_plain_row(&self, variable: usize, field: usize) -> bool {
        let declared = &self.function.variables[variable];
        let has = matches!(&self.frame.values[variable], Datum::Record(record) if field < record.fields.len());
        has && declared.base.oid == declared.ty.oid
    }

    /// An assignment to a part of a variable or of a field of one.
    pub(crate) fn assign_part(&mut self, place: &Place, part: &PartAssignment) -> Result<()> {
        let variable = place.variable;
        let declared = &self.function.variables[variable];
        if declared.row.is_some() && self.frame.shapes[variable].is_none() {
            return Err(not_assigned(&declared.name));
        }
        let (declared, function) = (declared.ty, self.function);
        let Some(datum) = self.host.evaluate_part(part, &mut self.frame, function)? else { return Ok(()) };
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
