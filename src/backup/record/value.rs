//! Records as JSON values, of whatever order and spacing: how deltas are applied to a database in use.

use dictdb_types::{Datum, Result, Type, oids, text};
use serde_json::Value;

use super::Shape;
use super::form::{Cell, Form, invalid};
use crate::surroundings::Surroundings;

impl Shape {
    /// A record's values by storage column; columns it does not have are NULL. XX001, 22P02.
    pub(crate) fn row_of(&self, record: &Value, surroundings: &Surroundings) -> Result<Vec<Datum>> {
        let record = record.as_object().ok_or_else(|| invalid("no object"))?;
        let mut row = vec![Datum::Null; self.width];
        for (name, value) in record {
            let column = self.columns.iter().find(|column| *column.name == **name);
            let column = column.ok_or_else(|| invalid(format_args!("there is no column \"{name}\"")))?;
            row[column.slot] = column.form.datum_of(value, surroundings)?;
        }
        Ok(row)
    }

    /// The values of a key, in the order of its columns.
    pub(crate) fn key_of(&self, slots: &[usize], key: &Value, surroundings: &Surroundings) -> Result<Vec<Datum>> {
        let parts = match key {
            Value::Array(parts) if slots.len() > 1 => parts.as_slice(),
            single => std::slice::from_ref(single),
        };
        if parts.len() != slots.len() {
            return Err(invalid(format_args!("key {key} does not have {} parts", slots.len())));
        }
        let value = |(slot, part): (&usize, &Value)| {
            let column = self.columns.iter().find(|column| column.slot == *slot);
            column.map_or(Ok(Datum::Null), |column| column.form.datum_of(part, surroundings))
        };
        slots.iter().zip(parts).map(value).collect()
    }
}

impl Form {
    /// A value of this form.
    fn datum_of(&self, value: &Value, surroundings: &Surroundings) -> Result<Datum> {
        let written = match (value, self) {
            (Value::String(text), Form::Other(_) | Form::Text | Form::Enum(_) | Form::Float4 | Form::Float8) => {
                return Ok(match self.of_text(text.as_str().into(), surroundings)? {
                    Cell::Value(value) => value.to_datum()?,
                    Cell::Text(text) => Datum::text(text),
                    Cell::Datum(datum) => datum,
                });
            }
            (Value::Null, _) => return Ok(Datum::Null),
            (Value::Bool(_) | Value::Number(_), _) => value.to_string(),
            // Lists and dictionaries of the original package.
            (Value::Array(_) | Value::Object(_), Form::Other(oids::JSONB) | Form::Text) => value.to_string(),
            _ => return Err(invalid(format_args!("{value} for {self:?}"))),
        };
        if let Form::Text | Form::Other(_) = self {
            let ty = if let Form::Other(ty) = self { *ty } else { oids::TEXT };
            return text::input(&written, Type::new(ty), surroundings);
        }
        match self.take(&mut written.as_bytes(), surroundings)? {
            Cell::Value(value) => value.to_datum(),
            Cell::Text(text) => Ok(Datum::text(text)),
            Cell::Datum(datum) => Ok(datum),
        }
    }
}
