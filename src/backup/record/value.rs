//! Records as JSON values, of whatever order and spacing: how deltas are applied to a database in use.

use dictdb_types::{Datum, Result, Type, oids, text};

use super::Shape;
use super::form::{Form, invalid};
use crate::foreign::Value;
use crate::surroundings::Surroundings;

impl Shape {
    /// A record's values by storage column; columns it does not have are NULL. XX001, 22P02.
    pub(crate) fn row_of(&self, record: &Value<'_>, surroundings: &Surroundings) -> Result<Vec<Datum>> {
        let record = record.as_map().ok_or_else(|| invalid("no object"))?;
        let mut row = vec![Datum::Null; self.width];
        for (name, value) in record {
            let column = self.columns.iter().find(|column| *column.name == **name);
            let column = column.ok_or_else(|| invalid(format_args!("there is no column \"{name}\"")))?;
            row[column.slot] = column.form.datum_of(value, surroundings)?;
        }
        Ok(row)
    }

    /// The values of a key, in the order of its columns.
    pub(crate) fn key_of(&self, slots: &[usize], key: &Value<'_>, surroundings: &Surroundings) -> Result<Vec<Datum>> {
        let parts = match key {
            Value::List(parts) if slots.len() > 1 => parts.as_slice(),
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
    fn datum_of(&self, value: &Value<'_>, surroundings: &Surroundings) -> Result<Datum> {
        let written = match (value, self) {
            (Value::Text(text), Form::Other(_) | Form::Text | Form::Enum(_) | Form::Float4 | Form::Float8) => {
                return self.of_text(text.as_ref().into(), surroundings)?.into_datum();
            }
            (Value::Null, _) => return Ok(Datum::Null),
            (Value::Float(value), Form::Float8) => return Ok(Datum::Float8(*value)),
            (Value::Float(value), Form::Float4) => return Ok(Datum::Float4(*value as f32)),
            (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Number(_), _) => value.to_string(),
            // Lists and dictionaries of the original package.
            (Value::List(_) | Value::Map(_), Form::Other(oids::JSONB) | Form::Text) => value.to_string(),
            _ => return Err(invalid(format_args!("{value} for {self:?}"))),
        };
        if let Form::Text | Form::Other(_) = self {
            let ty = if let Form::Other(ty) = self { *ty } else { oids::TEXT };
            return text::input(&written, Type::new(ty), surroundings);
        }
        self.take(&mut &*written, surroundings)?.into_datum()
    }
}
