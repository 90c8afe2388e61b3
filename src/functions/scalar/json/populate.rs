//! JSON into composites: `populate_record`, `to_record` and their set-returning siblings.
//!
//! One walk serves `json` and `jsonb` through [`Source`].

use std::borrow::Cow;
use std::sync::Arc;

use dictdb_types::{
    Array, Datum, Dimension, Error, Field, Jsonb, Oid, Record, Result, SqlState, Type, TypeKind, bail, oids, text,
};

use super::super::array::MAX_DIMENSIONS;
use super::raw::Raw;
use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "json_populate_record" => json_populate,
    "jsonb_populate_record" => jsonb_populate,
    "json_to_record" => |cx; json: &str| populate(cx, "json_to_record", &Datum::Null, Source::Json(Raw::new(json))),
    "jsonb_to_record" => |cx; json: &Jsonb| populate(cx, "jsonb_to_record", &Datum::Null, Source::Jsonb(json)),
};

/// Deepest nesting of composites and arrays.
const MAX_DEPTH: usize = 100;

/// A JSON value of either type.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    Json(Raw<'a>),
    Jsonb(&'a Jsonb),
}

impl<'a> Source<'a> {
    fn is_null(self) -> bool {
        match self {
            Source::Json(raw) => raw.is_null(),
            Source::Jsonb(json) => matches!(json, Jsonb::Null),
        }
    }

    pub(crate) fn is_object(self) -> bool {
        match self {
            Source::Json(raw) => raw.is_object(),
            Source::Jsonb(json) => matches!(json, Jsonb::Object(_)),
        }
    }

    pub(crate) fn is_array(self) -> bool {
        match self {
            Source::Json(raw) => raw.is_array(),
            Source::Jsonb(json) => matches!(json, Jsonb::Array(_)),
        }
    }

    fn is_string(self) -> bool {
        match self {
            Source::Json(raw) => raw.is_string(),
            Source::Jsonb(json) => matches!(json, Jsonb::String(_)),
        }
    }

    fn get(self, key: &str) -> Result<Option<Source<'a>>> {
        Ok(match self {
            Source::Json(raw) => raw.get(key)?.map(Source::Json),
            Source::Jsonb(json) => json.get(key).map(Source::Jsonb),
        })
    }

    pub(crate) fn elements(self) -> Vec<Source<'a>> {
        match self {
            Source::Json(raw) => raw.elements().map(Source::Json).collect(),
            Source::Jsonb(Jsonb::Array(items)) => items.iter().map(Source::Jsonb).collect(),
            Source::Jsonb(_) => vec![],
        }
    }

    /// The text that becomes a value of another type: a string's content, the JSON text of everything else.
    fn plain(self) -> Result<Cow<'a, str>> {
        Ok(match self {
            Source::Json(raw) => raw.plain()?.unwrap_or(Cow::Borrowed("null")),
            Source::Jsonb(Jsonb::String(text)) => Cow::Borrowed(text),
            Source::Jsonb(json) => Cow::Owned(json.to_string()),
        })
    }

    /// The JSON text itself.
    fn json(self) -> Cow<'a, str> {
        match self {
            Source::Json(raw) => Cow::Borrowed(raw.text()),
            Source::Jsonb(json) => Cow::Owned(json.to_string()),
        }
    }
}

fn json_populate(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let base = args.first().unwrap_or(&Datum::Null);
    match args.get(1) {
        Some(Datum::Text(json)) => populate(cx, "json_populate_record", base, Source::Json(Raw::new(json))),
        _ => unchanged(cx, "json_populate_record", base),
    }
}

fn jsonb_populate(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let base = args.first().unwrap_or(&Datum::Null);
    match args.get(1) {
        Some(Datum::Jsonb(json)) => populate(cx, "jsonb_populate_record", base, Source::Jsonb(json)),
        _ => unchanged(cx, "jsonb_populate_record", base),
    }
}

/// What a call without JSON gives: its base, if that is a row or could be one.
fn unchanged(cx: &CallContext<'_>, function: &str, base: &Datum) -> Result<Datum> {
    target(cx, function, base)?;
    Ok(base.clone())
}

/// The row type that a call fills.
pub(crate) struct Target {
    ty: Oid,
    fields: Arc<[Field]>,
}

/// The row type of a call: its column definition list, the declared type of its base, or the base's own fields.
pub(crate) fn target(cx: &CallContext<'_>, function: &str, base: &Datum) -> Result<Target> {
    // A base tells its own columns; whether they are those of the column definition list is looked at afterwards.
    let has_base = matches!(base, Datum::Record(_)) && function.contains("populate");
    if !cx.columns.is_empty() && !has_base {
        return Ok(Target { ty: oids::RECORD, fields: cx.columns.into() });
    }
    let declared = cx.env.base_type(if function.contains("populate") { cx.arg_type(0) } else { cx.result });
    if let Some(fields) = composite_fields(cx, declared.oid) {
        return Ok(Target { ty: declared.oid, fields });
    }
    if let Datum::Record(record) = base {
        let fields = super::write::fields_of(cx, record);
        let fields = fields.into_iter().map(|(name, ty)| Field { name, ty: Type::new(ty) }).collect();
        return Ok(Target { ty: record.ty, fields });
    }
    if declared.oid != oids::RECORD {
        bail!(DATATYPE_MISMATCH, "first argument of {function} must be a row type");
    }
    let message = format!("could not determine row type for result of {function}");
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).hint(
        "Provide a non-null record argument, or call the function in the FROM clause using a column definition list.",
    ))
}

fn composite_fields(cx: &CallContext<'_>, ty: Oid) -> Option<Arc<[Field]>> {
    match &cx.env.type_info(ty)?.kind {
        TypeKind::Composite(fields) => Some(fields.clone()),
        _ => None,
    }
}

fn populate(cx: &CallContext<'_>, function: &str, base: &Datum, json: Source<'_>) -> Result<Datum> {
    let target = target(cx, function, base)?;
    let row = fill(cx, &target, base, json)?;
    check_result(cx, &row)?;
    Ok(row)
}

/// A domain over a row type checks what came out.
pub(crate) fn check_result(cx: &CallContext<'_>, row: &Datum) -> Result<()> {
    match cx.env.base_type(cx.result).oid == cx.result.oid {
        true => Ok(()),
        false => cx.env.check_domain(cx.result.oid, row),
    }
}

/// A row of the target: fields that the object has, the base's others.
pub(crate) fn fill(cx: &CallContext<'_>, target: &Target, base: &Datum, json: Source<'_>) -> Result<Datum> {
    fill_at(cx, target, base, json, 0)
}

fn fill_at(cx: &CallContext<'_>, target: &Target, base: &Datum, json: Source<'_>, depth: usize) -> Result<Datum> {
    if !json.is_object() {
        let what = if json.is_array() { "an array" } else { "a scalar" };
        bail!(INVALID_PARAMETER_VALUE, "cannot call populate_composite on {what}");
    }
    let own = |index: usize| match base {
        Datum::Record(record) => record.fields.get(index).cloned().unwrap_or(Datum::Null),
        _ => Datum::Null,
    };
    let mut fields = Vec::with_capacity(target.fields.len());
    for (index, field) in target.fields.iter().enumerate() {
        fields.push(match json.get(&field.name)? {
            Some(value) => convert(cx, field.ty, &field.name, &own(index), value, depth + 1)?,
            None if matches!(base, Datum::Record(_)) => own(index),
            None => {
                // A value that comes from nowhere may be one that a domain refuses.
                if cx.env.base_type(field.ty).oid != field.ty.oid {
                    cx.env.check_domain(field.ty.oid, &Datum::Null)?;
                }
                Datum::Null
            }
        });
    }
    let types = target.fields.iter().map(|field| field.ty.oid).collect();
    Ok(Datum::Record(Arc::new(Record { ty: target.ty, types, fields, names: None })))
}

/// A JSON value as a value of an SQL type.
fn convert(
    cx: &CallContext<'_>,
    ty: Type,
    column: &str,
    base: &Datum,
    json: Source<'_>,
    depth: usize,
) -> Result<Datum> {
    if depth > MAX_DEPTH {
        return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
    }
    let bare = cx.env.base_type(ty);
    if bare.oid != ty.oid {
        let value = convert(cx, bare, column, base, json, depth + 1)?;
        cx.env.check_domain(ty.oid, &value)?;
        return Ok(value);
    }
    if json.is_null() {
        return Ok(Datum::Null);
    }
    if !json.is_string() {
        if let Some(fields) = composite_fields(cx, ty.oid) {
            return fill_at(cx, &Target { ty: ty.oid, fields }, base, json, depth + 1);
        }
        if let Some(info) = cx.env.type_info(ty.oid).filter(|info| info.is_array()) {
            let element = Type::with_typmod(info.element, ty.typmod);
            return ArrayBuilder { cx, column, element, dims: vec![], items: vec![], depth }.build(json);
        }
    }
    match ty.oid {
        oids::JSON => Ok(Datum::text(json.json())),
        oids::JSONB => text::input(&json.json(), ty, cx.env),
        _ => text::input(&json.plain()?, ty, cx.env),
    }
}

/// Collects nested JSON arrays into one array; how deep they nest is fixed by the first non-array inside.
struct ArrayBuilder<'a> {
    cx: &'a CallContext<'a>,
    column: &'a str,
    element: Type,
    dims: Vec<i32>,
    items: Vec<Datum>,
    depth: usize,
}

impl ArrayBuilder<'_> {
    fn build(mut self, json: Source<'_>) -> Result<Datum> {
        if !json.is_array() {
            return Err(self.expected_array(&[]));
        }
        let mut innermost = json;
        loop {
            let elements = innermost.elements();
            self.dims.push(elements.len() as i32);
            if self.dims.len() > MAX_DIMENSIONS {
                bail!(
                    PROGRAM_LIMIT_EXCEEDED,
                    "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})",
                    self.dims.len()
                );
            }
            match elements.first() {
                Some(first) if first.is_array() => innermost = *first,
                _ => break,
            }
        }
        self.collect(json, &mut vec![])?;
        let dims = if self.items.is_empty() { vec![] } else { self.dims };
        let dims = dims.into_iter().map(|len| Dimension { len, lower: 1 }).collect();
        Ok(Datum::Array(Arc::new(Array { element: self.element.oid, dims, items: self.items })))
    }

    fn collect(&mut self, json: Source<'_>, place: &mut Vec<usize>) -> Result<()> {
        let level = place.len();
        let elements = json.elements();
        if elements.len() as i32 != self.dims[level] {
            return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "malformed JSON array")
                .detail("Multidimensional arrays must have sub-arrays with matching dimensions."));
        }
        for (index, element) in elements.into_iter().enumerate() {
            place.push(index);
            if level + 1 == self.dims.len() {
                let item = convert(self.cx, self.element, self.column, &Datum::Null, element, self.depth + 1)?;
                self.items.push(item);
            } else if element.is_array() {
                self.collect(element, place)?;
            } else {
                return Err(self.expected_array(place));
            }
            place.pop();
        }
        Ok(())
    }

    fn expected_array(&self, place: &[usize]) -> Error {
        let error = Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "expected JSON array");
        if place.is_empty() {
            return error.hint(format!("See the value of key \"{}\".", self.column));
        }
        let place: String = place.iter().map(|index| format!("[{index}]")).collect();
        error.hint(format!("See the array element {place} of key \"{}\".", self.column))
    }
}
