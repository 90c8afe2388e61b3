//! `jsonb_ops`: the keys, elements and values of a document, wherever they are. `jsonb_path_ops`: its values, each with the
//! keys that lead to it.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use dictdb_types::jsonpath::JsonPath;
use dictdb_types::stack::with_stack;
use dictdb_types::{Array, Datum, Error, Jsonb, Result};

use super::jsonpath::{self, Shape};
use super::{Condition, Key, part};

/// `pg_amop.amopstrategy` of the classes' operators.
mod strategy {
    pub const CONTAINS: i16 = 7;
    pub const EXISTS: i16 = 9;
    pub const EXISTS_ANY: i16 = 10;
    pub const EXISTS_ALL: i16 = 11;
    pub const PATH_EXISTS: i16 = 15;
    pub const PATH_MATCH: i16 = 16;
}

/// Longer texts are keys by their hash.
const TEXT_MAX: usize = 125;

/// A key of an object, or what can take its place: a string in an array.
const NAME: u8 = b'k';
const STRING: u8 = b's';
const HASHED: u8 = 0x80;

pub(super) fn keys(value: &Datum) -> Result<Vec<Key>> {
    let mut out = Vec::new();
    element(json(value)?, &mut out);
    Ok(out)
}

/// A document or an element of an array.
fn element(json: &Jsonb, out: &mut Vec<Key>) {
    match json {
        Jsonb::String(text) => out.push(name(text)),
        Jsonb::Array(items) => items.iter().for_each(|item| with_stack(|| element(item, out))),
        Jsonb::Object(pairs) => {
            for (key, value) in pairs {
                out.push(name(key));
                with_stack(|| member(value, out));
            }
        }
        scalar => out.push(part(&scalar_bytes(scalar))),
    }
}

/// A value of an object.
fn member(json: &Jsonb, out: &mut Vec<Key>) {
    match json {
        Jsonb::String(text) => out.push(part(&text_bytes(STRING, text))),
        other => element(other, out),
    }
}

pub(super) fn name(text: &str) -> Key {
    part(&text_bytes(NAME, text))
}

/// The keys that a scalar has, wherever it stands.
pub(super) fn scalar_keys(scalar: &Jsonb) -> Vec<Key> {
    match scalar {
        Jsonb::String(text) => vec![name(text), part(&text_bytes(STRING, text))],
        other => vec![part(&scalar_bytes(other))],
    }
}

fn text_bytes(kind: u8, text: &str) -> Vec<u8> {
    if text.len() > TEXT_MAX {
        return [&[kind | HASHED][..], &hash(&text).to_be_bytes()].concat();
    }
    [&[kind], text.as_bytes()].concat()
}

/// A scalar as bytes that are equal where the values are.
fn scalar_bytes(scalar: &Jsonb) -> Vec<u8> {
    let mut bytes = Vec::new();
    match scalar {
        Jsonb::Bool(value) => bytes.extend([b'b', u8::from(*value)]),
        Jsonb::Number(number) => {
            bytes.push(b'#');
            number.write_key(&mut bytes);
        }
        Jsonb::String(text) => bytes = text_bytes(STRING, text),
        Jsonb::Null | Jsonb::Array(_) | Jsonb::Object(_) => bytes.push(b'n'),
    }
    bytes
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

pub(super) fn condition(strategy: i16, operand: &Datum) -> Result<Condition> {
    Ok(match strategy {
        strategy::CONTAINS => Condition::all(keys(operand)?.into_iter().map(Condition::Key)),
        strategy::EXISTS => Condition::Key(name(text(operand)?)),
        strategy::EXISTS_ANY => Condition::any(names(operand)?),
        strategy::EXISTS_ALL => Condition::all(names(operand)?),
        _ => path(strategy, operand, Shape::Names)?,
    })
}

fn path(strategy: i16, operand: &Datum, shape: Shape) -> Result<Condition> {
    let path = JsonPath::parse(text(operand)?)?;
    match strategy {
        strategy::PATH_EXISTS => Ok(jsonpath::exists(&path, shape)),
        strategy::PATH_MATCH => Ok(jsonpath::holds(&path, shape)),
        other => Err(Error::internal(format!("strategy {other} of an operator class of jsonb"))),
    }
}

/// The elements of a `text[]` as keys of objects; NULL is none.
fn names(operand: &Datum) -> Result<Vec<Condition>> {
    let Datum::Array(array) = operand else { return Err(Error::internal("an array of keys is none")) };
    let Array { items, .. } = &**array;
    let items = items.iter().filter(|item| !item.is_null());
    items.map(|item| Ok(Condition::Key(name(text(item)?)))).collect()
}

pub(super) fn path_keys(value: &Datum) -> Result<Vec<Key>> {
    let mut out = Vec::new();
    leaves(json(value)?, Trail::default(), &mut out);
    Ok(out)
}

pub(super) fn path_condition(strategy: i16, operand: &Datum) -> Result<Condition> {
    match strategy {
        strategy::CONTAINS => Ok(Condition::all(path_keys(operand)?.into_iter().map(Condition::Key))),
        _ => path(strategy, operand, Shape::Paths),
    }
}

/// The keys that lead to a value; places in arrays do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trail(u64);

impl Trail {
    pub(super) fn key(self, key: &str) -> Self {
        Trail(hash(&(self.0, key)))
    }

    pub(super) fn leaf(self, scalar: &Jsonb) -> Key {
        part(&hash(&(self.0, scalar_bytes(scalar))).to_be_bytes())
    }
}

fn leaves(json: &Jsonb, trail: Trail, out: &mut Vec<Key>) {
    match json {
        Jsonb::Array(items) => items.iter().for_each(|item| with_stack(|| leaves(item, trail, out))),
        Jsonb::Object(pairs) => pairs.iter().for_each(|(key, value)| with_stack(|| leaves(value, trail.key(key), out))),
        scalar => out.push(trail.leaf(scalar)),
    }
}

fn json(value: &Datum) -> Result<&Jsonb> {
    match value {
        Datum::Jsonb(json) => Ok(json),
        other => Err(Error::internal(format!("{other:?} as jsonb"))),
    }
}

fn text(value: &Datum) -> Result<&str> {
    match value {
        Datum::Text(text) => Ok(text),
        other => Err(Error::internal(format!("{other:?} as text"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn document(text: &str) -> Datum {
        Datum::Jsonb(Arc::new(dictdb_types::json::parse(text).unwrap()))
    }

    /// Whether the keys of a document satisfy a condition.
    fn satisfied(condition: &Condition, keys: &[Key]) -> bool {
        match condition {
            Condition::Nothing => false,
            Condition::Everything => true,
            Condition::Key(key) => keys.contains(key),
            Condition::Prefix(prefix) => keys.iter().any(|key| key.starts_with(prefix)),
            Condition::Range(from, to) => keys.iter().any(|key| from <= key && key <= to),
            Condition::AtLeast(least, parts) => parts.iter().filter(|part| satisfied(part, keys)).count() >= *least,
            Condition::All(parts) => parts.iter().all(|part| satisfied(part, keys)),
            Condition::Any(parts) => parts.iter().any(|part| satisfied(part, keys)),
        }
    }

    #[test]
    fn what_contains_is_found() {
        for (whole, part) in [
            (r#"{"a": 1.0, "b": ["x", {"c": null}]}"#, r#"{"a": 1}"#),
            (r#"{"a": 1.0, "b": ["x", {"c": null}]}"#, r#"{"b": [{"c": null}]}"#),
            (r#"["x", "y"]"#, r#""x""#),
            (r#"{"a": {"b": "c"}}"#, r#"{"a": {}}"#),
        ] {
            let (whole, part) = (document(whole), document(part));
            assert!(satisfied(&condition(7, &part).unwrap(), &keys(&whole).unwrap()));
            assert!(satisfied(&path_condition(7, &part).unwrap(), &path_keys(&whole).unwrap()));
        }
        let (whole, part) = (document(r#"{"a": {"b": 1}, "c": 2}"#), document(r#"{"a": {"b": 2}}"#));
        assert!(satisfied(&condition(7, &part).unwrap(), &keys(&whole).unwrap()), "names know no paths");
        assert!(!satisfied(&path_condition(7, &part).unwrap(), &path_keys(&whole).unwrap()));
    }

    #[test]
    fn paths_ask_for_what_they_need() {
        let whole = document(r#"{"a": {"b": [1, 2, {"c": "x"}]}, "d": "y"}"#);
        let (names, paths) = (keys(&whole).unwrap(), path_keys(&whole).unwrap());
        for (strategy, path, by_name, by_path) in [
            (15, "$.a.b", true, true),
            (15, "$.a.z", false, true),
            (15, "$.a.b[*] ? (@.c == \"x\")", true, true),
            (15, "$.a.b[*] ? (@.c == \"y\")", true, false),
            (16, "$.a.b == 2", true, true),
            (16, "$.a.b == 3", false, false),
            (16, "$.a.b == 3 || $.d == \"y\"", true, true),
            (16, "$.a.b > 3", true, true),
            (16, "$.** == 2", true, true),
            (16, "exists($.q)", false, true),
            (16, "!($.q == 1)", true, true),
        ] {
            let operand = Datum::text(path);
            assert_eq!(satisfied(&condition(strategy, &operand).unwrap(), &names), by_name, "{path}");
            assert_eq!(satisfied(&path_condition(strategy, &operand).unwrap(), &paths), by_path, "{path}");
        }
    }
}
