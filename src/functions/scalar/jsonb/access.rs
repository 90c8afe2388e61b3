//! Reading `jsonb`: operators, paths, existence, containment, comparisons, casts.

use std::sync::Arc;

use dictdb_types::stack::with_stack;
use dictdb_types::{Array, Datum, Jsonb, Numeric, Result, bail, order};

use super::super::integer::in_range;
use super::super::json::access::index_step;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[ACCESS, COMPARE, CASTS];

const ACCESS: &[(&str, ScalarFn)] = kernels! {
    "jsonb_object_field" => |json: &Jsonb, key: &str| json.get(key).cloned(),
    "jsonb_object_field_text" => |json: &Jsonb, key: &str| json.get(key).and_then(plain),
    "jsonb_array_element" => |json: &Jsonb, index: i32| root_element(json, index).cloned(),
    "jsonb_array_element_text" => |json: &Jsonb, index: i32| root_element(json, index).and_then(plain),
    "jsonb_extract_path" => |json: &Jsonb, path: &Array| follow(json, path).cloned(),
    "jsonb_extract_path_text" => |json: &Jsonb, path: &Array| follow(json, path).and_then(plain),
    "jsonb_array_length" => |json: &Jsonb| match json {
        Jsonb::Array(items) => in_range(i32::try_from(items.len()).ok()),
        Jsonb::Object(_) => bail!(INVALID_PARAMETER_VALUE, "cannot get array length of a non-array"),
        _ => bail!(INVALID_PARAMETER_VALUE, "cannot get array length of a scalar"),
    },
    "jsonb_typeof" => |json: &Jsonb| type_name(json),
    "jsonb_exists" => |json: &Jsonb, key: &str| exists(json, key),
    "jsonb_exists_any" => |json: &Jsonb, keys: &Array| texts(keys).any(|key| exists(json, key)),
    "jsonb_exists_all" => |json: &Jsonb, keys: &Array| texts(keys).all(|key| exists(json, key)),
    "jsonb_contains" => |a: &Jsonb, b: &Jsonb| contains(a, b),
    "jsonb_contained" => |a: &Jsonb, b: &Jsonb| contains(b, a),
};

const COMPARE: &[(&str, ScalarFn)] = kernels! {
    "jsonb_eq" => |a: &Jsonb, b: &Jsonb| order::compare_jsonb(a, b).is_eq(),
    "jsonb_ne" => |a: &Jsonb, b: &Jsonb| order::compare_jsonb(a, b).is_ne(),
    "jsonb_lt" => |a: &Jsonb, b: &Jsonb| order::compare_jsonb(a, b).is_lt(),
    "jsonb_le" => |a: &Jsonb, b: &Jsonb| order::compare_jsonb(a, b).is_le(),
    "jsonb_gt" => |a: &Jsonb, b: &Jsonb| order::compare_jsonb(a, b).is_gt(),
    "jsonb_ge" => |a: &Jsonb, b: &Jsonb| order::compare_jsonb(a, b).is_ge(),
    "jsonb_cmp" => |a: &Jsonb, b: &Jsonb| order::compare_jsonb(a, b) as i32,
};

const CASTS: &[(&str, ScalarFn)] = kernels! {
    "jsonb_bool" => |json: &Jsonb| match json {
        Jsonb::Bool(value) => Ok(*value),
        other => cannot_cast(other, "boolean"),
    },
    "jsonb_numeric" => |json: &Jsonb| number(json, "numeric").cloned(),
    "jsonb_int2" => |json: &Jsonb| number(json, "smallint").and_then(Numeric::to_i16),
    "jsonb_int4" => |json: &Jsonb| number(json, "integer").and_then(Numeric::to_i32),
    "jsonb_int8" => |json: &Jsonb| number(json, "bigint").and_then(Numeric::to_i64),
    "jsonb_float4" => |json: &Jsonb| number(json, "real").and_then(Numeric::to_f32),
    "jsonb_float8" => |json: &Jsonb| number(json, "double precision").and_then(Numeric::to_f64),
};

/// The word of `jsonb_typeof`.
pub(crate) fn type_name(json: &Jsonb) -> &'static str {
    match json {
        Jsonb::Null => "null",
        Jsonb::Bool(_) => "boolean",
        Jsonb::Number(_) => "number",
        Jsonb::String(_) => "string",
        Jsonb::Array(_) => "array",
        Jsonb::Object(_) => "object",
    }
}

fn cannot_cast<T>(json: &Jsonb, to: &str) -> Result<T> {
    let what = match json {
        Jsonb::Bool(_) => "boolean",
        Jsonb::Number(_) => "numeric",
        other => type_name(other),
    };
    bail!(INVALID_PARAMETER_VALUE, "cannot cast jsonb {what} to type {to}")
}

fn number<'a>(json: &'a Jsonb, to: &str) -> Result<&'a Numeric> {
    match json {
        Jsonb::Number(number) => Ok(number),
        other => cannot_cast(other, to),
    }
}

/// The text that `->>` shows; `null` is nothing.
pub(crate) fn plain(json: &Jsonb) -> Option<Datum> {
    match json {
        Jsonb::Null => None,
        Jsonb::String(text) => Some(Datum::Text(text.clone())),
        other => Some(Datum::Text(Arc::from(other.to_string()))),
    }
}

/// The index of an element counted from zero, or from the end if negative.
pub(crate) fn position(len: usize, index: i32) -> Option<usize> {
    let at = if index >= 0 { index as usize } else { len.checked_sub(index.unsigned_abs() as usize)? };
    (at < len).then_some(at)
}

/// An element of a whole document, in which PostgreSQL keeps a scalar as an array of one.
fn root_element(json: &Jsonb, index: i32) -> Option<&Jsonb> {
    match json {
        Jsonb::Object(_) => None,
        Jsonb::Array(_) => element(json, index),
        scalar => matches!(index, 0 | -1).then_some(scalar),
    }
}

/// An element of an array.
pub(crate) fn element(json: &Jsonb, index: i32) -> Option<&Jsonb> {
    match json {
        Jsonb::Array(items) => items.get(position(items.len(), index)?),
        _ => None,
    }
}

fn follow<'a>(json: &'a Jsonb, path: &Array) -> Option<&'a Jsonb> {
    path.items.iter().try_fold(json, |json, step| match (json, step) {
        (Jsonb::Object(_), Datum::Text(key)) => json.get(key),
        (Jsonb::Array(_), Datum::Text(step)) => element(json, index_step(step)?),
        _ => None,
    })
}

fn texts(array: &Array) -> impl Iterator<Item = &str> {
    array.items.iter().filter_map(|item| match item {
        Datum::Text(text) => Some(text.as_ref()),
        _ => None,
    })
}

/// A key of an object, a string in an array, or the string itself.
fn exists(json: &Jsonb, key: &str) -> bool {
    let is_key = |json: &Jsonb| matches!(json, Jsonb::String(text) if **text == *key);
    match json {
        Jsonb::Object(_) => json.get(key).is_some(),
        Jsonb::Array(items) => items.iter().any(is_key),
        other => is_key(other),
    }
}

/// `a @> b`: an array also contains a scalar that is an element.
fn contains(a: &Jsonb, b: &Jsonb) -> bool {
    match (a, b) {
        (Jsonb::Array(items), Jsonb::Null | Jsonb::Bool(_) | Jsonb::Number(_) | Jsonb::String(_)) => {
            items.iter().any(|item| order::compare_jsonb(item, b).is_eq())
        }
        _ => contains_deeply(a, b),
    }
}

fn contains_deeply(a: &Jsonb, b: &Jsonb) -> bool {
    match (a, b) {
        (Jsonb::Object(_), Jsonb::Object(pairs)) => {
            pairs.iter().all(|(key, value)| a.get(key).is_some_and(|own| with_stack(|| contains_deeply(own, value))))
        }
        (Jsonb::Array(own), Jsonb::Array(items)) => {
            items.iter().all(|item| own.iter().any(|candidate| with_stack(|| contains_deeply(candidate, item))))
        }
        (Jsonb::Object(_) | Jsonb::Array(_), _) | (_, Jsonb::Object(_) | Jsonb::Array(_)) => false,
        _ => order::compare_jsonb(a, b).is_eq(),
    }
}
