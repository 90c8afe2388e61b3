//! Text to arrays and back: `split_part`, `string_to_array`, `array_to_string`.

use dictdb_types::{Array, Datum, Result, bail, oids};

use super::limits::push;
use crate::args::kernels;
use crate::io;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "split_part" => |s: &str, separator: &str, field: i32| split_part(s, separator, field),
    "text_to_array" => |s: Option<&str>, separator: Option<&str>| s.map(|s| to_array(s, separator, None)),
    "text_to_array_null" => |s: Option<&str>, separator: Option<&str>, null: Option<&str>| {
        s.map(|s| to_array(s, separator, null))
    },
    "array_to_text" => |cx; array: &Array, separator: &str| to_text(cx, array, separator, None),
    "array_to_text_null" => |cx; array: Option<&Array>, separator: Option<&str>, null: Option<&str>| {
        match (array, separator) {
            (Some(array), Some(separator)) => to_text(cx, array, separator, null).map(Some),
            _ => Ok(None),
        }
    },
};

/// A field counted from 1, or from the end if negative; empty if there is no such field.
fn split_part<'a>(s: &'a str, separator: &str, field: i32) -> Result<&'a str> {
    if field == 0 {
        bail!(INVALID_PARAMETER_VALUE, "field position must not be zero");
    }
    if s.is_empty() {
        return Ok("");
    }
    if separator.is_empty() {
        return Ok(if field == 1 || field == -1 { s } else { "" });
    }
    let index = if field > 0 {
        field as usize - 1
    } else {
        match s.split(separator).count().checked_sub(field.unsigned_abs() as usize) {
            Some(index) => index,
            None => return Ok(""),
        }
    };
    Ok(s.split(separator).nth(index).unwrap_or_default())
}

/// The fields of a text; a NULL separator splits into characters, an empty one not at all.
pub(crate) fn fields<'a>(s: &'a str, separator: Option<&str>, null: Option<&str>) -> Vec<Option<&'a str>> {
    let parts: Vec<&str> = match separator {
        _ if s.is_empty() => vec![],
        None => s.char_indices().map(|(at, c)| &s[at..at + c.len_utf8()]).collect(),
        Some("") => vec![s],
        Some(separator) => s.split(separator).collect(),
    };
    parts.into_iter().map(|part| (Some(part) != null).then_some(part)).collect()
}

fn to_array(s: &str, separator: Option<&str>, null: Option<&str>) -> Array {
    let items = fields(s, separator, null).into_iter().map(|part| part.map_or(Datum::Null, Datum::text));
    Array::vector(oids::TEXT, items.collect())
}

fn to_text(cx: &CallContext<'_>, array: &Array, separator: &str, null: Option<&str>) -> Result<String> {
    let mut out = String::new();
    let mut first = true;
    for item in &array.items {
        let text = match (item, null) {
            (Datum::Null, None) => continue,
            (Datum::Null, Some(null)) => null.to_owned(),
            (item, _) => io::output(cx, array.element, item)?,
        };
        if !first {
            push(&mut out, separator)?;
        }
        first = false;
        push(&mut out, &text)?;
    }
    Ok(out)
}
