//! Reading `json`: operators, paths, lengths, `json_strip_nulls`.

use dictdb_types::{Array, Datum, Result, bail};

use super::raw::{Raw, unquote};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "json_object_field" => |json: &str, key: &str| Ok(Raw::checked(json)?.get(key)?.map(Raw::text)),
    "json_object_field_text" => |json: &str, key: &str| as_text(Raw::checked(json)?.get(key)?),
    "json_array_element" => |json: &str, index: i32| Ok(Raw::checked(json)?.element(index).map(Raw::text)),
    "json_array_element_text" => |json: &str, index: i32| as_text(Raw::checked(json)?.element(index)),
    "json_extract_path" => |json: &str, path: &Array| Ok(follow(json, path)?.map(Raw::text)),
    "json_extract_path_text" => |json: &str, path: &Array| as_text(follow(json, path)?),
    "json_array_length" => |json: &str| array_length(Raw::new(json)),
    "json_typeof" => |json: &str| Raw::new(json).type_name(),
    "json_strip_nulls" => |json: &str| {
        let mut out = String::new();
        strip_nulls(Raw::checked(json)?, &mut out)?;
        Ok(out)
    },
};

fn as_text(value: Option<Raw<'_>>) -> Result<Datum> {
    let text = value.map(Raw::plain).transpose()?.flatten();
    Ok(text.map_or(Datum::Null, Datum::text))
}

/// Steps of a path that are keys of objects or indexes of arrays; a path with NULL leads nowhere.
fn follow<'a>(json: &'a str, path: &Array) -> Result<Option<Raw<'a>>> {
    if path.items.iter().any(|step| matches!(step, Datum::Null)) {
        return Ok(None);
    }
    follow_from(Raw::checked(json)?, &path.items)
}

/// Of several values under one key the last counts that the rest of the path leads on from.
fn follow_from<'a>(value: Raw<'a>, path: &[Datum]) -> Result<Option<Raw<'a>>> {
    let Some((Datum::Text(step), rest)) = path.split_first() else { return Ok(Some(value)) };
    if !value.is_object() {
        let element = index_step(step).and_then(|index| value.element(index));
        return element.map_or(Ok(None), |element| follow_from(element, rest));
    }
    let mut found = None;
    for (key, value) in value.pairs() {
        if *unquote(key.text())? == **step {
            found = follow_from(value, rest)?.or(found);
        }
    }
    Ok(found)
}

/// A path step as an index, as C's `strtoint` reads it.
pub(crate) fn index_step(step: &str) -> Option<i32> {
    step.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']).parse().ok()
}

fn array_length(json: Raw<'_>) -> Result<i32> {
    if json.is_array() {
        return Ok(json.elements().count() as i32);
    }
    let what = if json.is_object() { "non-array" } else { "scalar" };
    bail!(INVALID_PARAMETER_VALUE, "cannot get array length of a {what}")
}

/// Without the fields that are null, and without blanks. The text was checked for depth when it was read.
fn strip_nulls(json: Raw<'_>, out: &mut String) -> Result<()> {
    if json.is_object() {
        out.push('{');
        let mut first = true;
        for (key, value) in json.pairs().filter(|(_, value)| !value.is_null()) {
            if !first {
                out.push(',');
            }
            first = false;
            dictdb_types::json::write_string(&unquote(key.text())?, out);
            out.push(':');
            strip_nulls(value, out)?;
        }
        out.push('}');
    } else if json.is_array() {
        out.push('[');
        for (index, element) in json.elements().enumerate() {
            if index > 0 {
                out.push(',');
            }
            strip_nulls(element, out)?;
        }
        out.push(']');
    } else if json.is_string() {
        dictdb_types::json::write_string(&unquote(json.text())?, out);
    } else {
        out.push_str(json.text());
    }
    Ok(())
}
