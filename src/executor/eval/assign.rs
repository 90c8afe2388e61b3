//! Values with one part replaced: fields of composites, elements and slices of arrays, members of `jsonb`.

use std::sync::Arc;

use dictdb_types::{Datum, Env, Error, Oid, Record, Result, SqlState};

use super::native::Register;
use super::subscript::{Bounds, IndexCodes, bounds, element, slice};
use super::{Code, Scope, array_assign, fixed_array, json_assign};

/// A value with one part replaced.
#[derive(Debug)]
pub(crate) struct AssignCode {
    /// The value before.
    pub container: Code,
    /// Which part.
    pub part: PartCode,
    /// The new part.
    pub value: Code,
}

/// A part that can be assigned to.
#[derive(Debug)]
pub(crate) enum PartCode {
    /// A field of a composite.
    Field {
        /// The row type.
        row: Oid,
        /// Place of the field.
        index: usize,
        /// Types of all fields.
        types: Arc<[Oid]>,
    },
    /// An element or slice of an array, or a member of a `jsonb`.
    Element {
        /// Subscripts.
        indexes: IndexCodes,
        /// Whether it is a slice.
        slice: bool,
        /// Element type.
        element: Oid,
        /// Whether the new value refers to the old one.
        reads_old: bool,
        /// Whether the container is a `jsonb`.
        json: bool,
        /// Whether the container has a fixed length: `point` and its kin.
        fixed: bool,
    },
}

impl AssignCode {
    pub(super) fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        let container = self.container.eval(scope)?;
        match &self.part {
            PartCode::Field { row, index, types } => self.set_field(&container, *row, *index, types, scope),
            PartCode::Element { indexes, json: true, .. } => {
                let path = json_path(indexes, scope)?;
                let value = self.value.eval(scope)?;
                json_assign::set(container, &path, &value)
            }
            PartCode::Element { indexes, slice, element, reads_old, fixed, .. } => {
                let bounds = bounds(indexes, scope)?.ok_or_else(|| null_subscript("array"))?;
                let old = if *reads_old { part_of(&container, &bounds, *slice) } else { Datum::Null };
                let value = self.value.eval(scope.with_test(&old))?;
                if *fixed {
                    return fixed_array::set(container, &bounds, &value);
                }
                array_assign::set(container, *element, &bounds, *slice, value)
            }
        }
    }

    /// Whether it replaces an element of an array that is a value of the row itself.
    pub fn is_element_of_input(&self, row: &[Datum]) -> bool {
        let Code::Input(input) = &self.container else { return false };
        let element = matches!(self.part, PartCode::Element { slice: false, json: false, reads_old: false, .. });
        element && matches!(row.get(*input), Some(Datum::Array(_)))
    }

    /// Replaces the element in the row's array; after an error it is as it was.
    pub fn in_place(&self, env: &dyn Env, row: &mut [Datum]) -> Result<()> {
        let (Code::Input(input), PartCode::Element { indexes, .. }) = (&self.container, &self.part) else {
            return Err(Error::internal("an assignment that is none to an element"));
        };
        let scope = Scope::of_table(env, row);
        if let [(None, Some(index))] = &**indexes {
            let index = index.integer(&scope)?.ok_or_else(|| null_subscript("array"))?;
            let value = self.value.register(&scope)?;
            return replace(&mut row[*input], index as i32, value);
        }
        let bounds = bounds(indexes, scope)?.ok_or_else(|| null_subscript("array"))?;
        let value = self.value.eval(scope)?;
        let Datum::Array(array) = &mut row[*input] else {
            return Err(Error::internal("an array that is none"));
        };
        array_assign::set_element(Arc::make_mut(array), &bounds, value)
    }

    /// A NULL row has NULL fields.
    fn set_field(
        &self,
        container: &Datum,
        row: Oid,
        index: usize,
        types: &Arc<[Oid]>,
        scope: Scope<'_>,
    ) -> Result<Datum> {
        let mut fields = match container {
            Datum::Null => Vec::new(),
            Datum::Record(record) => record.fields.clone(),
            other => return Err(Error::internal(format!("{other:?} where a composite was planned"))),
        };
        fields.resize(types.len(), Datum::Null);
        let old = std::mem::replace(&mut fields[index], Datum::Null);
        fields[index] = self.value.eval(scope.with_test(&old))?;
        Ok(Datum::Record(Arc::new(Record { ty: row, types: types.to_vec(), fields, names: None })))
    }
}

/// Replaces the element of an array at its only subscript.
fn replace(place: &mut Datum, index: i32, value: Register) -> Result<()> {
    let Datum::Array(array) = place else { return Err(Error::internal("an array that is none")) };
    let array = Arc::make_mut(array);
    let at = match array.dims.as_slice() {
        [dim] => usize::try_from(i64::from(index) - i64::from(dim.lower)).ok().filter(|at| *at < array.items.len()),
        _ => None,
    };
    match at {
        Some(at) => {
            value.put(&mut array.items[at]);
            Ok(())
        }
        None => array_assign::set_element(array, &[(None, Some(index))], value.datum()),
    }
}

fn part_of(container: &Datum, bounds: &[Bounds], is_slice: bool) -> Datum {
    match container {
        Datum::Array(array) if is_slice => Datum::Array(Arc::new(slice(array, bounds))),
        Datum::Array(array) => element(array, bounds),
        Datum::Bytea(value) => fixed_array::element(value, bounds),
        _ => Datum::Null,
    }
}

fn json_path(indexes: &IndexCodes, scope: Scope<'_>) -> Result<Vec<json_assign::Step>> {
    let mut path = Vec::with_capacity(indexes.len());
    for (_, index) in indexes {
        let Some(code) = index else { return Err(Error::internal("a jsonb subscript without a value")) };
        path.push(match code.eval(scope)? {
            Datum::Int4(index) => json_assign::Step::Index(index),
            Datum::Text(key) => json_assign::Step::Key(key),
            Datum::Null => return Err(null_subscript("jsonb")),
            other => return Err(Error::internal(format!("{other:?} as jsonb subscript"))),
        });
    }
    Ok(path)
}

fn null_subscript(noun: &str) -> Error {
    Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("{noun} subscript in assignment must not be null"))
}
