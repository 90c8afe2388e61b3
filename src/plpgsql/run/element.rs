//! Parts of values: fields of rows and elements of arrays, to be replaced.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Error, Oid, Record, Result, SqlState, Type, oids};

use super::{Interpreter, Value, null_error};
use crate::names::{Shape, not_assigned};
use crate::tree::Step;

/// Dimensions an array may have.
const MAX_DIMENSIONS: usize = 6;

/// One step with its subscripts evaluated.
enum Part {
    Field(Arc<str>),
    Index(Vec<i32>),
    Slice,
}

impl Interpreter<'_> {
    /// Replaces a part of a variable's value.
    pub(crate) fn assign_part(&mut self, variable: usize, steps: &[Step], value: Value) -> Result<()> {
        let parts = self.parts(steps)?;
        let declared = &self.function.variables[variable];
        if declared.row.is_some() && self.frame.shapes[variable].is_none() {
            return Err(not_assigned(&declared.name));
        }
        let shape = self.frame.shapes[variable].clone();
        let current = std::mem::replace(&mut self.frame.values[variable], Datum::Null);
        let (name, ty) = (declared.name.clone(), declared.ty);
        match self.replaced(current.clone(), ty, shape, &parts, value, &name) {
            Ok(new) => self.set(variable, new),
            Err(error) => {
                self.frame.values[variable] = current;
                Err(error)
            }
        }
    }

    /// Subscripts that follow each other belong to one array.
    fn parts(&mut self, steps: &[Step]) -> Result<Vec<Part>> {
        let mut parts: Vec<Part> = Vec::new();
        for step in steps {
            match step {
                Step::Field(name) => parts.push(Part::Field(name.clone())),
                Step::Slice => parts.push(Part::Slice),
                Step::Index(sql) => {
                    let Datum::Int4(index) = self.evaluate_as(sql, Type::new(oids::INT4))? else {
                        return Err(null_error("array subscript in assignment must not be null"));
                    };
                    match parts.last_mut() {
                        Some(Part::Index(indexes)) => indexes.push(index),
                        _ => parts.push(Part::Index(vec![index])),
                    }
                }
            }
        }
        Ok(parts)
    }

    /// A value with one part of it replaced.
    fn replaced(
        &mut self,
        current: Datum,
        ty: Type,
        shape: Option<Shape>,
        parts: &[Part],
        value: Value,
        name: &str,
    ) -> Result<Datum> {
        let Some((first, rest)) = parts.split_first() else {
            return match shape {
                Some(fields) => self.as_row(value, ty, &fields),
                None => self.convert(value, ty),
            };
        };
        match first {
            Part::Field(field) => {
                let fields = match shape {
                    Some(fields) => fields,
                    None => self.host.fields(ty).ok_or_else(|| not_composite(field))?,
                };
                let Some(index) = fields.iter().position(|own| own.name == *field) else {
                    let message = format!("record \"{name}\" has no field \"{field}\"");
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                };
                let (own, mut values) = match current {
                    Datum::Record(record) => (record.ty, record.fields.clone()),
                    _ => (ty.oid, vec![Datum::Null; fields.len()]),
                };
                values.resize(fields.len(), Datum::Null);
                let inner = fields[index].ty;
                let inner_shape = self.host.fields(inner);
                let old = std::mem::replace(&mut values[index], Datum::Null);
                values[index] = self.replaced(old, inner, inner_shape, rest, value, field)?;
                let types = fields.iter().map(|field| field.ty.oid).collect();
                Ok(Datum::Record(Arc::new(Record { ty: own, types, fields: values })))
            }
            Part::Index(indexes) => {
                let Some(element) = self.host.element(ty) else {
                    let message = format!(
                        "cannot subscript type {} because it does not support subscripting",
                        self.type_name(ty)
                    );
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
                };
                let old = element_at(&current, indexes);
                let shape = self.host.fields(element);
                let new = self.replaced(old, element, shape, rest, value, name)?;
                set_element(current, element.oid, indexes, new)
            }
            Part::Slice => Err(Error::unsupported("assignment to a slice of an array")),
        }
    }

    fn as_row(&mut self, value: Value, ty: Type, fields: &Shape) -> Result<Datum> {
        match value.datum {
            Datum::Record(record) if record.ty != ty.oid => {
                let from = match value.fields {
                    Some(from) => from,
                    None => self.fields_of_record(&record),
                };
                let values = self.convert_row(&from, record.fields.clone(), fields)?;
                let types = fields.iter().map(|field| field.ty.oid).collect();
                Ok(Datum::Record(Arc::new(Record { ty: ty.oid, types, fields: values })))
            }
            other => self.convert(Value { datum: other, ty: value.ty, fields: None }, ty),
        }
    }
}

fn not_composite(field: &str) -> Error {
    let message = format!("cannot assign to field \"{field}\" of a value that is not composite");
    Error::new(SqlState::DATATYPE_MISMATCH, message)
}

/// The element at some subscripts; NULL outside.
fn element_at(array: &Datum, indexes: &[i32]) -> Datum {
    let Datum::Array(array) = array else { return Datum::Null };
    if array.dims.len() != indexes.len() {
        return Datum::Null;
    }
    offset(array, indexes).and_then(|at| array.items.get(at)).cloned().unwrap_or(Datum::Null)
}

/// Place of an element in row-major order; `None` outside of the bounds.
fn offset(array: &Array, indexes: &[i32]) -> Option<usize> {
    let mut at = 0usize;
    for (dimension, index) in array.dims.iter().zip(indexes) {
        let inside = index.checked_sub(dimension.lower)?;
        if inside < 0 || inside >= dimension.len {
            return None;
        }
        at = at * dimension.len as usize + inside as usize;
    }
    Some(at)
}

/// An array with one element replaced. An array of one dimension grows. 2202E.
pub(crate) fn set_element(array: Datum, element: Oid, indexes: &[i32], value: Datum) -> Result<Datum> {
    let mut array = match array {
        Datum::Array(array) => Arc::unwrap_or_clone(array),
        _ => Array { element, dims: Vec::new(), items: Vec::new() },
    };
    let wrong = || Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    if indexes.len() > MAX_DIMENSIONS {
        return Err(wrong());
    }
    if array.dims.is_empty() {
        array.dims = indexes.iter().map(|index| dictdb_types::Dimension { len: 1, lower: *index }).collect();
        array.items = vec![value];
        return Ok(Datum::Array(Arc::new(array)));
    }
    if array.dims.len() != indexes.len() {
        return Err(wrong());
    }
    if let Some(at) = offset(&array, indexes) {
        array.items[at] = value;
        return Ok(Datum::Array(Arc::new(array)));
    }
    let ([dimension], [index]) = (array.dims.as_mut_slice(), indexes) else {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "array subscript out of range"));
    };
    const MAX_ITEMS: i64 = 1 << 27;
    let (lower, index) = (i64::from(dimension.lower), i64::from(*index));
    let (from, to) = (lower.min(index), (lower + i64::from(dimension.len)).max(index + 1));
    if to - from > MAX_ITEMS {
        let message = format!("array size exceeds the maximum allowed ({MAX_ITEMS})");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let before = (lower - from) as usize;
    array.items.splice(0..0, std::iter::repeat_n(Datum::Null, before));
    array.items.resize((to - from) as usize, Datum::Null);
    array.items[(index - from) as usize] = value;
    dimension.lower = from as i32;
    dimension.len = (to - from) as i32;
    Ok(Datum::Array(Arc::new(array)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(array: &Datum) -> Vec<Option<i32>> {
        let Datum::Array(array) = array else { panic!("an array") };
        let item = |item: &Datum| if let Datum::Int4(n) = item { Some(*n) } else { None };
        array.items.iter().map(item).collect()
    }

    #[test]
    fn a_vector_grows_at_both_ends() {
        let array = set_element(Datum::Null, oids::INT4, &[2], Datum::Int4(20)).unwrap();
        let array = set_element(array, oids::INT4, &[4], Datum::Int4(40)).unwrap();
        let array = set_element(array, oids::INT4, &[1], Datum::Int4(10)).unwrap();
        assert_eq!(items(&array), [Some(10), Some(20), None, Some(40)]);
        assert!(set_element(array, oids::INT4, &[1, 1], Datum::Null).is_err());
    }
}
