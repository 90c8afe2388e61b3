//! Making `json` and `jsonb`: `to_json`, the `build` functions, objects from text arrays.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Error, Jsonb, Result, SqlState, bail, json};

use super::super::variadic::{Arguments, is_variadic_null};
use super::write::{key_text, to_jsonb, write};
use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "to_json" => |cx; value: &Datum| written(cx, value, false),
    "array_to_json" => |cx; value: &Datum| written(cx, value, false),
    "array_to_json_pretty" => |cx; value: &Datum, pretty: bool| written(cx, value, pretty),
    "row_to_json" => |cx; value: &Datum| written(cx, value, false),
    "row_to_json_pretty" => |cx; value: &Datum, pretty: bool| written(cx, value, pretty),
    "to_jsonb" => |cx; value: &Datum| to_jsonb(cx, cx.arg_type(0).oid, value),
    "json_build_array" => build_array,
    "json_build_array_noargs" => | | "[]",
    "json_build_object" => build_object,
    "json_build_object_noargs" => | | "{}",
    "jsonb_build_array" => build_jsonb_array,
    "jsonb_build_array_noargs" => | | Jsonb::Array(vec![]),
    "jsonb_build_object" => build_jsonb_object,
    "jsonb_build_object_noargs" => | | Jsonb::Object(vec![]),
    "json_object" => |pairs: &Array| pairs_of(pairs).map(|pairs| object_text(&pairs)),
    "json_object_two_arg" => |keys: &Array, values: &Array| zip(keys, values).map(|pairs| object_text(&pairs)),
    "jsonb_object" => |pairs: &Array| pairs_of(pairs).map(object),
    "jsonb_object_two_arg" => |keys: &Array, values: &Array| zip(keys, values).map(object),
};

fn written(cx: &CallContext<'_>, value: &Datum, pretty: bool) -> Result<String> {
    let mut out = String::new();
    write(cx, cx.arg_type(0).oid, value, pretty, &mut out)?;
    Ok(out)
}

fn build_array(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if is_variadic_null(cx, args, 0) {
        return Ok(Datum::Null);
    }
    let mut out = String::from("[");
    for (index, (value, ty)) in Arguments::after(cx, args, 0).iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(cx, ty, value, false, &mut out)?;
    }
    out.push(']');
    Ok(Datum::Text(out.into()))
}

fn even(function: &str, count: usize) -> Result<()> {
    if count.is_multiple_of(2) {
        return Ok(());
    }
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "argument list must have even number of elements")
        .hint(format!("The arguments of {function}() must consist of alternating keys and values.")))
}

fn build_object(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if is_variadic_null(cx, args, 0) {
        return Ok(Datum::Null);
    }
    let arguments = Arguments::after(cx, args, 0);
    even("json_build_object", arguments.len())?;
    let mut out = String::from("{");
    for (index, (value, ty)) in arguments.iter().enumerate() {
        if index % 2 == 1 {
            out.push_str(" : ");
            write(cx, ty, value, false, &mut out)?;
            continue;
        }
        if index > 0 {
            out.push_str(", ");
        }
        if value.is_null() {
            let message = format!("argument {} cannot be null", index + 1);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).hint("Object keys should be text."));
        }
        json::write_string(&key_text(cx, ty, value)?, &mut out);
    }
    out.push('}');
    Ok(Datum::Text(out.into()))
}

fn build_jsonb_array(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if is_variadic_null(cx, args, 0) {
        return Ok(Datum::Null);
    }
    let arguments = Arguments::after(cx, args, 0);
    let items = arguments.iter().map(|(value, ty)| to_jsonb(cx, ty, value)).collect::<Result<_>>()?;
    Ok(Datum::Jsonb(Arc::new(Jsonb::Array(items))))
}

fn build_jsonb_object(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if is_variadic_null(cx, args, 0) {
        return Ok(Datum::Null);
    }
    let arguments = Arguments::after(cx, args, 0);
    even("jsonb_build_object", arguments.len())?;
    let mut pairs = vec![];
    let mut key: Option<Arc<str>> = None;
    for (index, (value, ty)) in arguments.iter().enumerate() {
        match key.take() {
            Some(key) => pairs.push((key, to_jsonb(cx, ty, value)?)),
            None if value.is_null() => {
                bail!(INVALID_PARAMETER_VALUE, "argument {}: key must not be null", index + 1)
            }
            None => key = Some(key_text(cx, ty, value)?.into()),
        }
    }
    Ok(Datum::Jsonb(Arc::new(Jsonb::object(pairs))))
}

type Pair<'a> = (&'a Arc<str>, Option<&'a Arc<str>>);

fn text_of(item: &Datum) -> Option<&Arc<str>> {
    match item {
        Datum::Text(text) => Some(text),
        _ => None,
    }
}

fn pair<'a>(key: &'a Datum, value: &'a Datum) -> Result<Pair<'a>> {
    match text_of(key) {
        Some(key) => Ok((key, text_of(value))),
        None => bail!(NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key"),
    }
}

fn wrong_subscripts() -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
}

/// Keys and values taken in turn from a flat array, or from an array of pairs.
fn pairs_of(array: &Array) -> Result<Vec<Pair<'_>>> {
    match array.dims.as_slice() {
        [] => {}
        [dim] if dim.len % 2 != 0 => bail!(ARRAY_SUBSCRIPT_ERROR, "array must have even number of elements"),
        [_] => {}
        [_, columns] if columns.len != 2 => bail!(ARRAY_SUBSCRIPT_ERROR, "array must have two columns"),
        [_, _] => {}
        _ => return Err(wrong_subscripts()),
    }
    array.items.chunks_exact(2).map(|chunk| pair(&chunk[0], &chunk[1])).collect()
}

fn zip<'a>(keys: &'a Array, values: &'a Array) -> Result<Vec<Pair<'a>>> {
    if keys.dims.len() > 1 || keys.dims.len() != values.dims.len() {
        return Err(wrong_subscripts());
    }
    if keys.items.len() != values.items.len() {
        bail!(ARRAY_SUBSCRIPT_ERROR, "mismatched array dimensions");
    }
    keys.items.iter().zip(&values.items).map(|(key, value)| pair(key, value)).collect()
}

fn object_text(pairs: &[Pair<'_>]) -> String {
    let mut out = String::from("{");
    for (index, (key, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        json::write_string(key, &mut out);
        out.push_str(" : ");
        match value {
            Some(value) => json::write_string(value, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push('}');
    out
}

fn object(pairs: Vec<Pair<'_>>) -> Jsonb {
    let value = |value: Option<&Arc<str>>| value.map_or(Jsonb::Null, |value| Jsonb::String(value.clone()));
    Jsonb::object(pairs.into_iter().map(|(key, v)| (key.clone(), value(v))).collect())
}
