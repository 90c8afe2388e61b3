//! Values of the original package: what Python's JSON and pickles can say of data.

use std::borrow::Cow;
use std::fmt;

use dictdb_storage::ValueRef;
use dictdb_types::env::BareEnv;
use dictdb_types::text::float::FloatText;
use dictdb_types::{Error, Oid, Result, SqlState, Type, oids, text};

use crate::record::{Cell, json};

/// A value, which borrows its text from the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A number that neither of these holds, as it is written.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// PostgreSQL's text form of a value of this type: dates and the like.
    Typed(Oid, Box<str>),
    List(Vec<Value<'a>>),
    /// In the order of the file.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    pub(crate) fn as_map(&self) -> Option<&[(Cow<'a, str>, Value<'a>)]> {
        if let Value::Map(entries) = self { Some(entries) } else { None }
    }

    /// The last value under a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.as_map()?.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The same with its own life.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(value),
            Value::Int(value) => Value::Int(value),
            Value::Float(value) => Value::Float(value),
            Value::Number(text) => Value::Number(text.into_owned().into()),
            Value::Text(text) => Value::Text(text.into_owned().into()),
            Value::Bytes(bytes) => Value::Bytes(bytes.into_owned().into()),
            Value::Typed(ty, text) => Value::Typed(ty, text),
            Value::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Value::Map(entries) => {
                let own = |(key, value): (Cow<'_, str>, Value<'_>)| (key.into_owned().into(), value.into_owned());
                Value::Map(entries.into_iter().map(own).collect())
            }
        }
    }

    /// The type of a column that has only such values.
    pub(super) fn natural_type(&self) -> Option<Oid> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(_) => oids::BOOL,
            Value::Int(_) => oids::INT8,
            Value::Float(_) => oids::FLOAT8,
            Value::Number(_) => oids::NUMERIC,
            Value::Text(_) => oids::TEXT,
            Value::Bytes(_) => oids::BYTEA,
            Value::Typed(ty, _) => *ty,
            Value::List(_) | Value::Map(_) => oids::JSONB,
        })
    }

    /// The value in a column of a type that [`join_types`] found. 22021, XX001 when it cannot be.
    pub(super) fn cell(&self, ty: Oid) -> Result<Cell<'_>> {
        let written = |text: &str| text::input(text, Type::new(ty), &BareEnv::default()).map(Cell::Datum);
        match self {
            Value::Null => Ok(Cell::Value(ValueRef::Null)),
            Value::Bool(value) if ty == oids::BOOL => Ok(Cell::Value(ValueRef::Bool(*value))),
            Value::Int(value) if ty == oids::INT8 => Ok(Cell::Value(ValueRef::Int8(*value))),
            Value::Float(value) if ty == oids::FLOAT8 => Ok(Cell::Value(ValueRef::Float8(*value))),
            Value::Bytes(value) if ty == oids::BYTEA => Ok(Cell::Value(ValueRef::Bytea(value))),
            Value::Text(value) if ty == oids::TEXT => match value.contains('\0') {
                true => Err(Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, "a text contains a NUL character")),
                false => Ok(Cell::Value(ValueRef::Text(value))),
            },
            Value::Typed(own, text) if *own == ty => written(text),
            Value::Float(value) if ty == oids::NUMERIC => written(FloatText::of_f64(*value, 1).as_str()),
            other => written(&other.to_string()),
        }
    }
}

/// The type of a column that has values of both types.
pub(super) fn join_types(one: Option<Oid>, other: Option<Oid>) -> Option<Oid> {
    let is_number = |ty: Oid| matches!(ty, oids::INT8 | oids::FLOAT8 | oids::NUMERIC);
    match (one, other) {
        (None, ty) | (ty, None) => ty,
        (Some(one), Some(other)) if one == other => Some(one),
        (Some(one), Some(other)) if is_number(one) && is_number(other) => Some(oids::NUMERIC),
        _ => Some(oids::JSONB),
    }
}

/// As JSON. What JSON has no number for is a string.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str, f: &mut fmt::Formatter<'_>| {
            let mut out = Vec::new();
            json::put_string(text, &mut out);
            f.write_str(&String::from_utf8_lossy(&out))
        };
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Float(value) if value.is_finite() => f.write_str(FloatText::of_f64(*value, 1).as_str()),
            Value::Float(value) => quoted(FloatText::of_f64(*value, 1).as_str(), f),
            Value::Number(text) => f.write_str(text),
            Value::Text(text) => quoted(text, f),
            Value::Typed(_, text) => quoted(text, f),
            Value::Bytes(bytes) => {
                let digits = bytes.iter().fold(String::from("\\x"), |text, byte| text + &format!("{byte:02x}"));
                quoted(&digits, f)
            }
            Value::List(items) => {
                f.write_str("[")?;
                for (position, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if position > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Value::Map(entries) => {
                f.write_str("{")?;
                for (position, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if position > 0 { ", " } else { "" })?;
                    quoted(key, f)?;
                    write!(f, ": {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}
