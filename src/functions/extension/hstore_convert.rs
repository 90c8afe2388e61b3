//! `hstore` from texts, arrays and rows, and as JSON and rows.

use std::sync::Arc;

use dictdb_types::extension::hstore::checked;
use dictdb_types::{
    Array, Datum, Error, Field, Hstore, Jsonb, Numeric, Record, Result, SqlState, Type, TypeKind, bail, json, oids,
    text,
};

use crate::CallContext;
use crate::args::{arg, kernels};
use crate::io;
use crate::kernel::ScalarFn;
use crate::scalar::json::write::fields_of;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "hstore_in" => |text: &str| Hstore::parse(text),
    "hstore_from_text" => |key: Option<&str>, value: Option<&str>| from_text(key, value),
    "hstore_from_arrays" => |keys: Option<&Array>, values: Option<&Array>| from_arrays(keys, values),
    "hstore_from_array" => |array: &Array| from_array(array),
    "hstore_from_record" => |cx; row: &Datum| from_record(cx, row),
    "hstore_to_json" => |pairs: &Hstore| to_json(pairs, false),
    "hstore_to_json_loose" => |pairs: &Hstore| to_json(pairs, true),
    "hstore_to_jsonb" => |pairs: &Hstore| to_jsonb(pairs, false),
    "hstore_to_jsonb_loose" => |pairs: &Hstore| to_jsonb(pairs, true),
    "hstore_populate_record" => populate_record,
    "hstore_subscript_assign" => subscript_assign,
    "hstore_subscript_handler" => |_cx; _call: &Datum| Err::<Datum, _>(Error::unsupported("a call of hstore_subscript_handler")),
};

fn from_text(key: Option<&str>, value: Option<&str>) -> Result<Option<Hstore>> {
    let Some(key) = key else { return Ok(None) };
    let value = value.map(|value| checked(value, "value")).transpose()?;
    Ok(Some(Hstore::from_iter([(checked(key, "key")?, value)])))
}

/// The text of an element; `None` for NULL.
fn element(value: &Datum) -> Option<Arc<str>> {
    match value {
        Datum::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn pair(key: &Datum, value: Option<&Datum>) -> Result<(Arc<str>, Option<Arc<str>>)> {
    let key = element(key)
        .ok_or_else(|| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null value not allowed for hstore key"))?;
    let value = value.and_then(element).map(|value| checked(value, "value")).transpose()?;
    Ok((checked(key, "key")?, value))
}

/// 2202E, 22004.
fn from_arrays(keys: Option<&Array>, values: Option<&Array>) -> Result<Option<Hstore>> {
    let Some(keys) = keys else { return Ok(None) };
    if keys.dims.len() > 1 || values.is_some_and(|values| values.dims.len() > 1) {
        bail!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    }
    if values.is_some_and(|values| values.dims != keys.dims) {
        bail!(ARRAY_SUBSCRIPT_ERROR, "arrays must have same bounds");
    }
    let items = keys.items.iter().enumerate();
    let pairs = items.map(|(at, key)| pair(key, values.and_then(|values| values.items.get(at))));
    pairs.collect::<Result<_>>().map(Some)
}

/// 2202E, 22004.
fn from_array(array: &Array) -> Result<Hstore> {
    match array.dims.as_slice() {
        [] => return Ok(Hstore::default()),
        [one] if one.len % 2 != 0 => bail!(ARRAY_SUBSCRIPT_ERROR, "array must have even number of elements"),
        [_, columns] if columns.len != 2 => bail!(ARRAY_SUBSCRIPT_ERROR, "array must have two columns"),
        [_] | [_, _] => {}
        _ => bail!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"),
    }
    array.items.chunks_exact(2).map(|two| pair(&two[0], two.get(1))).collect()
}

/// The fields of a row type, or of a domain over one.
fn fields_of_type(cx: &CallContext<'_>, ty: Type) -> Option<Arc<[Field]>> {
    match &cx.env.type_info(cx.env.base_type(ty).oid)?.kind {
        TypeKind::Composite(fields) => Some(fields.clone()),
        _ => None,
    }
}

fn from_record(cx: &CallContext<'_>, row: &Datum) -> Result<Hstore> {
    let Datum::Record(row) = row else {
        let fields = fields_of_type(cx, cx.arg_type(0));
        let fields =
            fields.ok_or_else(|| Error::new(SqlState::WRONG_OBJECT_TYPE, "record type has not been registered"))?;
        return fields.iter().map(|field| Ok((checked(field.name.clone(), "key")?, None))).collect();
    };
    let named = fields_of(cx, row);
    let pairs = named.into_iter().zip(&row.fields).map(|((name, ty), value)| {
        let text = (!value.is_null()).then(|| io::output(cx, ty, value)).transpose()?;
        let text = text.map(|text| checked(text, "value")).transpose()?;
        Ok((checked(name, "key")?, text))
    });
    pairs.collect()
}

/// A value as `loose` conversions see it: `t` and `f` are booleans, and what looks like a number is one.
enum Guess {
    Boolean(bool),
    Number,
    Text,
}

fn guess(value: &str, loose: bool) -> Guess {
    match value {
        "t" if loose => Guess::Boolean(true),
        "f" if loose => Guess::Boolean(false),
        _ if loose && is_json_number(value) => Guess::Number,
        _ => Guess::Text,
    }
}

fn is_json_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) && json::check(text).is_ok() && !text.contains(char::is_whitespace)
}

pub(super) fn to_json(pairs: &Hstore, loose: bool) -> String {
    let mut out = String::from("{");
    for (at, (key, value)) in pairs.pairs().iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        json::write_string(key, &mut out);
        out.push_str(": ");
        match value {
            None => out.push_str("null"),
            Some(value) => match guess(value, loose) {
                Guess::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
                Guess::Number => out.push_str(value),
                Guess::Text => json::write_string(value, &mut out),
            },
        }
    }
    out.push('}');
    out
}

pub(super) fn to_jsonb(pairs: &Hstore, loose: bool) -> Result<Jsonb> {
    let value = |value: &Option<Arc<str>>| {
        let Some(value) = value else { return Ok::<Jsonb, Error>(Jsonb::Null) };
        Ok(match guess(value, loose) {
            Guess::Boolean(value) => Jsonb::Bool(value),
            Guess::Number => Jsonb::Number(Numeric::parse(value)?),
            Guess::Text => Jsonb::String(value.clone()),
        })
    };
    let members = pairs.pairs().iter().map(|(key, own)| Ok((key.clone(), value(own)?)));
    Ok(Jsonb::object(members.collect::<Result<_>>()?))
}

/// `SET h['key'] = value`. 22004.
fn subscript_assign(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(key) = args.get(1).and_then(element) else {
        bail!(NULL_VALUE_NOT_ALLOWED, "hstore subscript in assignment must not be null");
    };
    let value = args.get(2).and_then(element);
    let old: Option<&Hstore> = arg(args, 0)?;
    let pair = (checked(key, "key")?, value.map(|value| checked(value, "value")).transpose()?);
    let rest = old.map(Hstore::pairs).unwrap_or_default().iter().cloned();
    Ok(std::iter::once(pair).chain(rest).collect::<Hstore>().into())
}

/// 42804 for what is no row.
fn populate_record(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let base = args.first().unwrap_or(&Datum::Null);
    let declared = cx.arg_type(0);
    let of_type = fields_of_type(cx, declared);
    if of_type.is_none() && cx.env.base_type(declared).oid != oids::RECORD {
        bail!(DATATYPE_MISMATCH, "first argument must be a rowtype");
    }
    if args.get(1).is_none_or(Datum::is_null) {
        return Ok(base.clone());
    }
    let pairs: &Hstore = arg(args, 1)?;
    let old = match base {
        Datum::Record(_) if pairs.pairs().is_empty() => return Ok(base.clone()),
        Datum::Record(record) => Some(record),
        _ => None,
    };
    let fields: Vec<Field> = match (&of_type, old) {
        (Some(fields), _) => fields.to_vec(),
        (None, Some(record)) => {
            fields_of(cx, record).into_iter().map(|(name, ty)| Field { name, ty: Type::new(ty) }).collect()
        }
        (None, None) => bail!(WRONG_OBJECT_TYPE, "record type has not been registered"),
    };
    let mut values = Vec::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        values.push(match (pairs.get(&field.name), old) {
            (None, Some(record)) => record.fields.get(at).cloned().unwrap_or(Datum::Null),
            (Some(Some(value)), _) => text::input(value, field.ty, cx.env)?,
            (None | Some(None), _) => null_of(cx, field.ty)?,
        });
    }
    let ty = old.map_or(cx.env.base_type(declared).oid, |record| record.ty);
    let names = old.and_then(|record| record.names.clone());
    let types = fields.iter().map(|field| field.ty.oid).collect();
    let row = Datum::Record(Arc::new(Record { ty, types, fields: values, names }));
    if cx.env.base_type(declared).oid != declared.oid {
        cx.env.check_domain(declared.oid, &row)?;
    }
    Ok(row)
}

/// NULL of a type, which a domain may refuse.
fn null_of(cx: &CallContext<'_>, ty: Type) -> Result<Datum> {
    if cx.env.base_type(ty).oid != ty.oid {
        cx.env.check_domain(ty.oid, &Datum::Null)?;
    }
    Ok(Datum::Null)
}
