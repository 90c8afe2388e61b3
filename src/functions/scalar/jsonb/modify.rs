//! Changing `jsonb`: concatenation, deletion, `jsonb_set`, `jsonb_insert`, `jsonb_strip_nulls`, `jsonb_pretty`.

use dictdb_types::stack::with_stack;
use dictdb_types::{Array, Datum, Error, Jsonb, Result, SqlState, bail, json};

use super::super::json::access::index_step;
use super::access::position;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "jsonb_concat" => |a: &Jsonb, b: &Jsonb| concat(a, b),
    "jsonb_delete" => |json: &Jsonb, key: &str| delete_keys(json, &|k| k == key),
    "jsonb_delete_array" => |json: &Jsonb, keys: &Array| {
        check_path(keys)?;
        delete_keys(json, &|k| keys.items.iter().any(|key| matches!(key, Datum::Text(key) if **key == *k)))
    },
    "jsonb_delete_idx" => |json: &Jsonb, index: i32| delete_index(json, index),
    "jsonb_delete_path" => |json: &Jsonb, path: &Array| {
        check_path(path)?;
        if is_scalar(json) {
            bail!(INVALID_PARAMETER_VALUE, "cannot delete path in scalar");
        }
        change(json, path, &Change::Delete)
    },
    "jsonb_set" => |json: &Jsonb, path: &Array, new: &Jsonb, create: bool| set(json, path, new, create),
    "jsonb_set_lax" => |json: Option<&Jsonb>, path: Option<&Array>, new: Option<&Jsonb>, create: Option<bool>, nulls: Option<&str>| {
        match (json, path, create) {
            (Some(json), Some(path), Some(create)) => set_lax(json, path, new, create, nulls).map(Some),
            _ => Ok(None),
        }
    },
    "jsonb_insert" => |json: &Jsonb, path: &Array, new: &Jsonb, after: bool| {
        check_path(path)?;
        if is_scalar(json) {
            bail!(INVALID_PARAMETER_VALUE, "cannot set path in scalar");
        }
        change(json, path, &Change::Insert { new, after })
    },
    "jsonb_strip_nulls" => |json: &Jsonb| strip_nulls(json),
    "jsonb_pretty" => |json: &Jsonb| {
        let mut out = String::new();
        pretty(json, 0, &mut out);
        out
    },
};

/// 2202E for keys that are not one after the other.
fn check_path(path: &Array) -> Result<()> {
    if path.dims.len() > 1 {
        bail!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    }
    Ok(())
}

fn is_scalar(json: &Jsonb) -> bool {
    !matches!(json, Jsonb::Array(_) | Jsonb::Object(_))
}

/// Objects merge; everything else becomes an array with the other's elements.
fn concat(a: &Jsonb, b: &Jsonb) -> Jsonb {
    if let (Jsonb::Object(left), Jsonb::Object(right)) = (a, b) {
        return Jsonb::object(left.iter().chain(right).cloned().collect());
    }
    let items = |json: &Jsonb| match json {
        Jsonb::Array(items) => items.clone(),
        other => vec![other.clone()],
    };
    Jsonb::Array([items(a), items(b)].concat())
}

/// Without these keys of an object, or strings of an array.
fn delete_keys(json: &Jsonb, doomed: &dyn Fn(&str) -> bool) -> Result<Jsonb> {
    match json {
        Jsonb::Object(pairs) => Ok(Jsonb::Object(pairs.iter().filter(|(key, _)| !doomed(key)).cloned().collect())),
        Jsonb::Array(items) => {
            let kept = |item: &&Jsonb| !matches!(item, Jsonb::String(text) if doomed(text));
            Ok(Jsonb::Array(items.iter().filter(kept).cloned().collect()))
        }
        _ => bail!(INVALID_PARAMETER_VALUE, "cannot delete from scalar"),
    }
}

fn delete_index(json: &Jsonb, index: i32) -> Result<Jsonb> {
    match json {
        Jsonb::Array(items) => {
            let mut items = items.clone();
            if let Some(at) = position(items.len(), index) {
                items.remove(at);
            }
            Ok(Jsonb::Array(items))
        }
        Jsonb::Object(_) => bail!(INVALID_PARAMETER_VALUE, "cannot delete from object using integer index"),
        _ => bail!(INVALID_PARAMETER_VALUE, "cannot delete from scalar"),
    }
}

/// What happens at the end of a path.
enum Change<'a> {
    Delete,
    Set { new: &'a Jsonb, create: bool },
    Insert { new: &'a Jsonb, after: bool },
}

fn set(json: &Jsonb, path: &Array, new: &Jsonb, create: bool) -> Result<Jsonb> {
    check_path(path)?;
    if is_scalar(json) {
        bail!(INVALID_PARAMETER_VALUE, "cannot set path in scalar");
    }
    let empty = matches!(json, Jsonb::Array(items) if items.is_empty())
        || matches!(json, Jsonb::Object(pairs) if pairs.is_empty());
    if empty && !create {
        return Ok(json.clone());
    }
    change(json, path, &Change::Set { new, create })
}

fn set_lax(json: &Jsonb, path: &Array, new: Option<&Jsonb>, create: bool, nulls: Option<&str>) -> Result<Jsonb> {
    let treatments =
        "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"";
    let invalid = || Error::new(SqlState::INVALID_PARAMETER_VALUE, treatments);
    let nulls = nulls.ok_or_else(invalid)?;
    if let Some(new) = new {
        return set(json, path, new, create);
    }
    match nulls {
        "raise_exception" => Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "JSON value must not be null")
            .detail("Exception was raised because null_value_treatment is \"raise_exception\".")
            .hint(
                "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.",
            )),
        "use_json_null" => set(json, path, &Jsonb::Null, create),
        "delete_key" if is_scalar(json) => bail!(INVALID_PARAMETER_VALUE, "cannot delete path in scalar"),
        "delete_key" => change(json, path, &Change::Delete),
        "return_target" => Ok(json.clone()),
        _ => Err(invalid()),
    }
}

fn change(json: &Jsonb, path: &Array, change: &Change<'_>) -> Result<Jsonb> {
    check_path(path)?;
    let empty = match json {
        Jsonb::Object(pairs) => pairs.is_empty(),
        Jsonb::Array(items) => items.is_empty(),
        _ => false,
    };
    if empty && matches!(change, Change::Delete) {
        return Ok(json.clone());
    }
    change_at(json, &path.items, 0, change)
}

fn change_at(json: &Jsonb, path: &[Datum], level: usize, change: &Change<'_>) -> Result<Jsonb> {
    let Some(step) = path.get(level) else { return Ok(json.clone()) };
    let Datum::Text(step) = step else {
        bail!(NULL_VALUE_NOT_ALLOWED, "path element at position {} is null", level + 1);
    };
    let last = level + 1 == path.len();
    match json {
        Jsonb::Object(pairs) => change_object(pairs, step, path, level, last, change),
        Jsonb::Array(items) => {
            let Some(index) = index_step(step) else {
                bail!(
                    INVALID_TEXT_REPRESENTATION,
                    "path element at position {} is not an integer: \"{step}\"",
                    level + 1
                );
            };
            change_array(items, index, path, level, last, change)
        }
        scalar => Ok(scalar.clone()),
    }
}

fn change_object(
    pairs: &[(std::sync::Arc<str>, Jsonb)],
    key: &std::sync::Arc<str>,
    path: &[Datum],
    level: usize,
    last: bool,
    change: &Change<'_>,
) -> Result<Jsonb> {
    let found = pairs.iter().position(|(own, _)| own == key);
    let mut pairs = pairs.to_vec();
    match (found, last, change) {
        (Some(at), false, _) => pairs[at].1 = change_at(&pairs[at].1, path, level + 1, change)?,
        (None, false, _) => {}
        (Some(at), true, Change::Delete) => {
            pairs.remove(at);
        }
        (Some(at), true, Change::Set { new, .. }) => pairs[at].1 = (*new).clone(),
        (Some(_), true, Change::Insert { .. }) => {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "cannot replace existing key")
                .hint("Try using the function jsonb_set to replace key value."));
        }
        (None, true, Change::Set { new, create: true } | Change::Insert { new, .. }) => {
            pairs.push((key.clone(), (*new).clone()));
            return Ok(Jsonb::object(pairs));
        }
        (None, true, Change::Delete | Change::Set { create: false, .. }) => {}
    }
    Ok(Jsonb::Object(pairs))
}

/// An index beyond either end means that end, where something may be created.
fn change_array(
    items: &[Jsonb],
    index: i32,
    path: &[Datum],
    level: usize,
    last: bool,
    change: &Change<'_>,
) -> Result<Jsonb> {
    let mut items = items.to_vec();
    let before_start = index < 0 && index.unsigned_abs() as usize > items.len();
    match (position(items.len(), index), last, change) {
        (Some(at), false, _) => items[at] = change_at(&items[at], path, level + 1, change)?,
        (None, false, _) => {}
        (Some(at), true, Change::Delete) => {
            items.remove(at);
        }
        (Some(at), true, Change::Set { new, .. }) => items[at] = (*new).clone(),
        (Some(at), true, Change::Insert { new, after }) => items.insert(at + usize::from(*after), (*new).clone()),
        (None, true, Change::Set { new, create: true } | Change::Insert { new, .. }) => {
            items.insert(if before_start { 0 } else { items.len() }, (*new).clone());
        }
        (None, true, Change::Delete | Change::Set { create: false, .. }) => {}
    }
    Ok(Jsonb::Array(items))
}

fn strip_nulls(json: &Jsonb) -> Jsonb {
    match json {
        Jsonb::Object(pairs) => {
            let kept = pairs.iter().filter(|(_, value)| !matches!(value, Jsonb::Null));
            Jsonb::Object(kept.map(|(key, value)| (key.clone(), with_stack(|| strip_nulls(value)))).collect())
        }
        Jsonb::Array(items) => Jsonb::Array(items.iter().map(|item| with_stack(|| strip_nulls(item))).collect()),
        scalar => scalar.clone(),
    }
}

/// One member a line, four blanks a level.
fn pretty(json: &Jsonb, level: usize, out: &mut String) {
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        out.push_str(&"    ".repeat(level));
    };
    match json {
        Jsonb::Object(pairs) => {
            out.push('{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(out, level + 1);
                json::write_string(key, out);
                out.push_str(": ");
                with_stack(|| pretty(value, level + 1, out));
            }
            line(out, level);
            out.push('}');
        }
        Jsonb::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(out, level + 1);
                with_stack(|| pretty(item, level + 1, out));
            }
            line(out, level);
            out.push(']');
        }
        scalar => scalar.write(out),
    }
}
