//! Any SQL value as JSON: the rules that `to_json`, the constructors and the aggregates share.
//!
//! Numbers and booleans are themselves (NaN and infinities become strings), dates and times ISO 8601 whatever
//! `DateStyle` says, arrays and composites recurse, JSON is taken over, everything else is its text form as a string.

use std::sync::Arc;

use dictdb_types::{
    Array, Datum, Error, ExtensionValue, Field, Jsonb, Numeric, Oid, Record, Result, SqlState, Type, TypeKind, bail,
    datetime, json, oids,
};

use super::super::limits::check_growth;
use crate::CallContext;
use crate::io;

/// Deepest nesting of arrays and composites.
const MAX_DEPTH: usize = 200;

/// How a type appears in JSON.
pub(crate) enum Category {
    Null,
    Bool,
    Number,
    Json,
    Jsonb,
    Array,
    Composite,
    Text,
}

/// The category of a value of a type.
pub(crate) fn category(cx: &CallContext<'_>, ty: Oid, value: &Datum) -> Category {
    let base = cx.env.base_type(Type::new(ty)).oid;
    match value {
        Datum::Null => Category::Null,
        Datum::Bool(_) => Category::Bool,
        Datum::Int2(_) | Datum::Int4(_) | Datum::Float4(_) | Datum::Float8(_) | Datum::Numeric(_) => Category::Number,
        Datum::Int8(_) if base == oids::INT8 => Category::Number,
        Datum::Text(_) if base == oids::JSON => Category::Json,
        Datum::Jsonb(_) => Category::Jsonb,
        Datum::Array(_) if !is_multirange(cx, base) => Category::Array,
        Datum::Record(_) => Category::Composite,
        _ => Category::Text,
    }
}

/// Whether an array is the ranges of a multirange.
fn is_multirange(cx: &CallContext<'_>, base: Oid) -> bool {
    cx.env.type_info(base).is_some_and(|info| matches!(info.kind, TypeKind::Multirange(_)))
}

/// The text of a scalar: dates and times in ISO 8601, everything else as SQL shows it.
pub(crate) fn scalar_text(cx: &CallContext<'_>, ty: Oid, value: &Datum) -> Result<String> {
    let base = cx.env.base_type(Type::new(ty)).oid;
    if !matches!(value, Datum::Date(_) | Datum::Timestamp(_)) {
        return io::output(cx, ty, value);
    }
    let mut settings = cx.env.format().clone();
    settings.date_style = dictdb_types::DateStyle::Iso;
    let mut out = String::new();
    match value {
        Datum::Date(days) => datetime::write_date(*days, &settings, &mut out)?,
        Datum::Timestamp(micros) if base == oids::TIMESTAMPTZ => {
            datetime::write_timestamptz(*micros, &settings, &mut out)?;
            full_zone(&mut out);
        }
        Datum::Timestamp(micros) => datetime::write_timestamp(*micros, &settings, &mut out)?,
        _ => {}
    }
    if let Some(blank) = out.find(' ').filter(|_| matches!(value, Datum::Timestamp(_))) {
        out.replace_range(blank..=blank, "T");
    }
    Ok(out)
}

/// Writes minutes after a zone offset of hours alone.
fn full_zone(text: &mut String) {
    let end = text.find(" BC").unwrap_or(text.len());
    let Some(sign) = text[..end].rfind(['+', '-']).filter(|sign| text[..*sign].contains(':')) else { return };
    if end - sign == 3 {
        text.insert_str(end, ":00");
    }
}

/// Whether the text of a number is one in JSON too.
fn is_json_number(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_digit())
}

/// Appends a value as `json` text. `pretty` puts elements of the outermost array or fields of the outermost composite
/// on lines of their own.
pub(crate) fn write(cx: &CallContext<'_>, ty: Oid, value: &Datum, pretty: bool, out: &mut String) -> Result<()> {
    write_nested(cx, ty, value, pretty, 0, out)
}

fn write_nested(
    cx: &CallContext<'_>,
    ty: Oid,
    value: &Datum,
    pretty: bool,
    depth: usize,
    out: &mut String,
) -> Result<()> {
    check_depth(depth)?;
    check_growth(out.len(), 64)?;
    // The one type of an extension that has a cast to json.
    if let Datum::Extension(own) = value
        && let ExtensionValue::Hstore(pairs) = &**own
    {
        out.push_str(&crate::extension::hstore_to_json(pairs));
        return Ok(());
    }
    match (category(cx, ty, value), value) {
        (Category::Null, _) => out.push_str("null"),
        (Category::Bool, Datum::Bool(value)) => out.push_str(if *value { "true" } else { "false" }),
        (Category::Number, value) => {
            let text = scalar_text(cx, ty, value)?;
            if is_json_number(&text) { out.push_str(&text) } else { json::write_string(&text, out) }
        }
        (Category::Json, Datum::Text(text)) => out.push_str(text),
        (Category::Jsonb, Datum::Jsonb(value)) => value.write(out),
        (Category::Array, Datum::Array(array)) => write_array(cx, array, pretty, depth, out)?,
        (Category::Composite, Datum::Record(record)) => write_record(cx, record, pretty, depth, out)?,
        (_, value) => json::write_string(&scalar_text(cx, ty, value)?, out),
    }
    Ok(())
}

fn check_depth(depth: usize) -> Result<()> {
    if depth < MAX_DEPTH {
        return Ok(());
    }
    Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"))
}

fn write_array(cx: &CallContext<'_>, array: &Array, pretty: bool, depth: usize, out: &mut String) -> Result<()> {
    if array.dims.is_empty() {
        out.push_str("[]");
        return Ok(());
    }
    let mut items = array.items.iter();
    write_dimension(cx, array, 0, &mut items, pretty, depth, out)
}

fn write_dimension(
    cx: &CallContext<'_>,
    array: &Array,
    dimension: usize,
    items: &mut std::slice::Iter<'_, Datum>,
    pretty: bool,
    depth: usize,
    out: &mut String,
) -> Result<()> {
    out.push('[');
    for index in 0..array.dims[dimension].len {
        if index > 0 {
            out.push_str(if pretty { ",\n " } else { "," });
        }
        if dimension + 1 < array.dims.len() {
            write_dimension(cx, array, dimension + 1, items, false, depth, out)?;
        } else if let Some(item) = items.next() {
            write_nested(cx, array.element, item, false, depth + 1, out)?;
        }
    }
    out.push(']');
    Ok(())
}

/// Names and types of a composite's fields; those of a record that has no names are `f1`, `f2`, ….
pub(crate) fn fields_of(cx: &CallContext<'_>, record: &Record) -> Vec<(Arc<str>, Oid)> {
    let named = cx.env.type_info(record.ty).and_then(|info| match &info.kind {
        TypeKind::Composite(fields) => Some(fields.clone()),
        _ => None,
    });
    let name = |index: usize| match &named {
        Some(fields) => fields.get(index).map(|field: &Field| (field.name.clone(), field.ty.oid)),
        None => None,
    };
    let anonymous = |index: usize| {
        let ty = record.types.get(index).copied().unwrap_or(oids::UNKNOWN);
        let name = record.names.as_ref().and_then(|names| names.get(index).cloned());
        (name.unwrap_or_else(|| Arc::from(format!("f{}", index + 1))), ty)
    };
    (0..record.fields.len()).map(|index| name(index).unwrap_or_else(|| anonymous(index))).collect()
}

fn write_record(cx: &CallContext<'_>, record: &Record, pretty: bool, depth: usize, out: &mut String) -> Result<()> {
    out.push('{');
    for (index, ((name, ty), value)) in fields_of(cx, record).into_iter().zip(&record.fields).enumerate() {
        if index > 0 {
            out.push_str(if pretty { ",\n " } else { "," });
        }
        json::write_string(&name, out);
        out.push(':');
        write_nested(cx, ty, value, false, depth + 1, out)?;
    }
    out.push('}');
    Ok(())
}

/// The text of an object key; 22023 for what is no scalar. NULL is the caller's.
pub(crate) fn key_text(cx: &CallContext<'_>, ty: Oid, value: &Datum) -> Result<String> {
    match category(cx, ty, value) {
        Category::Array | Category::Composite | Category::Json | Category::Jsonb => {
            bail!(INVALID_PARAMETER_VALUE, "key value must be scalar, not array, composite, or json")
        }
        Category::Bool => Ok(if matches!(value, Datum::Bool(true)) { "true" } else { "false" }.to_owned()),
        _ => scalar_text(cx, ty, value),
    }
}

/// A value as `jsonb`.
pub(crate) fn to_jsonb(cx: &CallContext<'_>, ty: Oid, value: &Datum) -> Result<Jsonb> {
    nested_jsonb(cx, ty, value, 0)
}

fn nested_jsonb(cx: &CallContext<'_>, ty: Oid, value: &Datum, depth: usize) -> Result<Jsonb> {
    check_depth(depth)?;
    if let Datum::Extension(own) = value
        && let ExtensionValue::Hstore(pairs) = &**own
    {
        return crate::extension::hstore_to_jsonb(pairs);
    }
    Ok(match (category(cx, ty, value), value) {
        (Category::Null, _) => Jsonb::Null,
        (Category::Bool, Datum::Bool(value)) => Jsonb::Bool(*value),
        (Category::Number, Datum::Numeric(number)) if number.is_finite() => Jsonb::Number(number.clone()),
        (Category::Number, value) => {
            let text = scalar_text(cx, ty, value)?;
            if is_json_number(&text) { Jsonb::Number(Numeric::parse(&text)?) } else { Jsonb::String(text.into()) }
        }
        (Category::Json, Datum::Text(text)) => json::parse(text)?,
        (Category::Jsonb, Datum::Jsonb(value)) => value.as_ref().clone(),
        (Category::Array, Datum::Array(array)) if array.dims.is_empty() => Jsonb::Array(vec![]),
        (Category::Array, Datum::Array(array)) => dimension_jsonb(cx, array, 0, &mut array.items.iter(), depth)?,
        (Category::Composite, Datum::Record(record)) => {
            let fields = fields_of(cx, record).into_iter().zip(&record.fields);
            let pairs = fields.map(|((name, ty), value)| Ok((name, nested_jsonb(cx, ty, value, depth + 1)?)));
            Jsonb::object(pairs.collect::<Result<_>>()?)
        }
        (_, value) => Jsonb::String(scalar_text(cx, ty, value)?.into()),
    })
}

fn dimension_jsonb(
    cx: &CallContext<'_>,
    array: &Array,
    dimension: usize,
    items: &mut std::slice::Iter<'_, Datum>,
    depth: usize,
) -> Result<Jsonb> {
    let mut members = vec![];
    for _ in 0..array.dims[dimension].len {
        if dimension + 1 < array.dims.len() {
            members.push(dimension_jsonb(cx, array, dimension + 1, items, depth)?);
        } else if let Some(item) = items.next() {
            members.push(nested_jsonb(cx, array.element, item, depth + 1)?);
        }
    }
    Ok(Jsonb::Array(members))
}
