//! Composite values: making them and taking fields out.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Oid, Record, Result};

use super::{Code, NULL, Scope, eval_into};

/// `ROW(…)`.
#[derive(Debug)]
pub(crate) struct RowCode {
    /// The row type, or `record`.
    pub ty: Oid,
    /// Names of the fields of a `record` that has some.
    pub names: Option<Arc<[Arc<str>]>>,
    /// Types of the fields.
    pub types: Box<[Oid]>,
    /// The fields.
    pub fields: Box<[Code]>,
}

impl RowCode {
    pub(super) fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        let mut fields = Vec::new();
        eval_into(&self.fields, scope, &mut fields)?;
        Ok(Datum::Record(Arc::new(Record {
            ty: self.ty,
            types: self.types.to_vec(),
            fields,
            names: self.names.clone(),
        })))
    }
}

/// A field; NULL of NULL. A field the value was stored without (added to its type later) is NULL.
pub(super) fn field(record: &Code, index: usize, scope: Scope<'_>) -> Result<Datum> {
    match record.eval_ref(scope)?.as_ref() {
        Datum::Null => Ok(Datum::Null),
        Datum::Record(record) => Ok(record.fields.get(index).cloned().unwrap_or(Datum::Null)),
        other => Err(no_composite(other)),
    }
}

/// A field where it is, if the row is there already.
pub(super) fn borrowed_field<'a>(record: &'a Code, index: usize, scope: &Scope<'a>) -> Result<Option<&'a Datum>> {
    match record.borrowed(scope)? {
        None => Ok(None),
        Some(Datum::Null) => Ok(Some(&NULL)),
        Some(Datum::Record(record)) => Ok(Some(record.fields.get(index).unwrap_or(&NULL))),
        Some(other) => Err(no_composite(other)),
    }
}

#[cold]
fn no_composite(value: &Datum) -> Error {
    Error::internal(format!("{value:?} where a composite was planned"))
}
