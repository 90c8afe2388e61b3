//! How the values of a column look in JSON: numbers and truth as such, everything else as PostgreSQL's text.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use dictdb_storage::ValueRef;
use dictdb_types::text::float::{FloatText, input_float4, input_float8};
use dictdb_types::{Datum, EnumLabel, Error, Oid, Physical, Result, SqlState, Type, TypeKind, TypeLookup, oids, text};

use super::json::{put_string, take_string, take_word};
use crate::surroundings::Surroundings;

/// The way of one column.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Oid,
    /// Character strings of all types, as they are stored.
    Text,
    Enum(Arc<[EnumLabel]>),
    /// PostgreSQL's text form of a type.
    Other(Oid),
}

/// A value that was read.
pub(crate) enum Cell<'a> {
    Value(ValueRef<'a>),
    Text(String),
    Datum(Datum),
}

impl Cell<'_> {
    /// The value.
    pub(crate) fn value(&self) -> ValueRef<'_> {
        match self {
            Cell::Value(value) => *value,
            Cell::Text(text) => ValueRef::Text(text),
            Cell::Datum(datum) => datum.into(),
        }
    }

    /// The value with its own life.
    pub(crate) fn into_datum(self) -> Result<Datum> {
        match self {
            Cell::Value(value) => value.to_datum(),
            Cell::Text(text) => Ok(Datum::text(text)),
            Cell::Datum(datum) => Ok(datum),
        }
    }
}

impl Form {
    /// The form of a type.
    pub(crate) fn of(ty: Type, surroundings: &Surroundings) -> Form {
        let base = base_of(ty.oid, surroundings);
        match surroundings.catalog().physical(base) {
            Physical::Bool => Form::Bool,
            Physical::Int2 => Form::Int2,
            Physical::Int4 => Form::Int4,
            Physical::Int8 if base == oids::INT8 => Form::Int8,
            Physical::Float4 => Form::Float4,
            Physical::Float8 => Form::Float8,
            Physical::Oid => Form::Oid,
            Physical::Text => Form::Text,
            Physical::Enum => match surroundings.type_info(base).map(|info| info.kind.clone()) {
                Some(TypeKind::Enum(labels)) => Form::Enum(labels),
                _ => Form::Other(base),
            },
            _ => Form::Other(base),
        }
    }

    /// The Python type of its values, as the original package names it.
    pub(crate) fn python(&self) -> &'static str {
        match self {
            Form::Bool => "bool",
            Form::Int2 | Form::Int4 | Form::Int8 | Form::Oid => "int",
            Form::Float4 | Form::Float8 => "float",
            Form::Text | Form::Enum(_) | Form::Other(_) => "str",
        }
    }

    /// Appends a value. Returns whether it is one of [`Form::python`]'s type: NULL and infinities are not.
    pub(crate) fn put(&self, value: ValueRef<'_>, surroundings: &Surroundings, out: &mut Vec<u8>) -> Result<bool> {
        match value {
            ValueRef::Null => {
                out.extend_from_slice(b"null");
                return Ok(false);
            }
            ValueRef::Bool(v) => out.extend_from_slice(if v { b"true" } else { b"false" }),
            ValueRef::Int2(v) => put_int(v, out),
            ValueRef::Int4(v) => put_int(v, out),
            ValueRef::Int8(v) if matches!(self, Form::Int8) => put_int(v, out),
            ValueRef::Oid(v) => put_int(v, out),
            ValueRef::Float4(v) => return Ok(put_float(&FloatText::of_f32(v, 1), v.is_finite(), out)),
            ValueRef::Float8(v) => return Ok(put_float(&FloatText::of_f64(v, 1), v.is_finite(), out)),
            ValueRef::Text(v) => put_string(v, out),
            ValueRef::Enum(code) if let Form::Enum(labels) = self => {
                let label = labels.iter().find(|label| label.code == code);
                let label = label.ok_or_else(|| Error::internal(format!("enum value {code} has no label")))?;
                put_string(&label.label, out);
            }
            other => self.put_other(&other.to_datum()?, surroundings, out)?,
        }
        Ok(true)
    }

    fn put_other(&self, value: &Datum, surroundings: &Surroundings, out: &mut Vec<u8>) -> Result<()> {
        let Form::Other(ty) = self else { return Err(Error::internal(format!("{value:?} is no {self:?}"))) };
        let mut written = String::with_capacity(32);
        text::output(value, *ty, surroundings, &mut written)?;
        put_string(&written, out);
        Ok(())
    }

    /// Takes a value from the front. XX001 when it is none.
    pub(crate) fn take<'a>(&self, rest: &mut &'a str, surroundings: &Surroundings) -> Result<Cell<'a>> {
        if rest.starts_with('"') {
            let text = take_string(rest).ok_or_else(|| invalid("an unfinished string"))?;
            return self.of_text(text, surroundings);
        }
        let word = take_word(rest);
        let number = |error: std::num::ParseIntError| invalid(format_args!("{word:?}: {error}"));
        Ok(Cell::Value(match (self, word) {
            (_, "null") => ValueRef::Null,
            (Form::Bool, "true") => ValueRef::Bool(true),
            (Form::Bool, "false") => ValueRef::Bool(false),
            (Form::Int2, word) => ValueRef::Int2(word.parse().map_err(number)?),
            (Form::Int4, word) => ValueRef::Int4(word.parse().map_err(number)?),
            (Form::Int8, word) => ValueRef::Int8(word.parse().map_err(number)?),
            (Form::Oid, word) => ValueRef::Oid(word.parse().map_err(number)?),
            (Form::Float4, word) => ValueRef::Float4(input_float4(word)?),
            (Form::Float8, word) => ValueRef::Float8(input_float8(word)?),
            (form, word) => return Err(invalid(format_args!("{word:?} for {form:?}"))),
        }))
    }

    /// A value written as a string.
    pub(crate) fn of_text<'a>(&self, text: Cow<'a, str>, surroundings: &Surroundings) -> Result<Cell<'a>> {
        Ok(match self {
            Form::Text => match text {
                Cow::Borrowed(text) => Cell::Value(ValueRef::Text(text)),
                Cow::Owned(text) => Cell::Text(text),
            },
            Form::Float4 => Cell::Value(ValueRef::Float4(input_float4(&text)?)),
            Form::Float8 => Cell::Value(ValueRef::Float8(input_float8(&text)?)),
            Form::Enum(labels) => match labels.iter().find(|label| *label.label == *text) {
                Some(label) => Cell::Value(ValueRef::Enum(label.code)),
                None => return Err(invalid(format_args!("unknown label \"{text}\""))),
            },
            Form::Other(ty) => Cell::Datum(text::input(&text, Type::new(*ty), surroundings)?),
            form => return Err(invalid(format_args!("{text:?} for {form:?}"))),
        })
    }
}

/// The type under all domains.
fn base_of(oid: Oid, types: &dyn TypeLookup) -> Oid {
    match types.type_info(oid).map(|info| info.kind.clone()) {
        Some(TypeKind::Domain(base)) => base_of(base.oid, types),
        _ => oid,
    }
}

fn put_int(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn put_float(text: &FloatText, is_finite: bool, out: &mut Vec<u8>) -> bool {
    let bytes = text.as_bytes();
    if !is_finite {
        // Writing to a vector does not fail.
        let _ = write!(out, "\"{}\"", text.as_str());
        return false;
    }
    out.extend_from_slice(bytes);
    if !bytes.iter().any(|byte| matches!(byte, b'.' | b'e')) {
        out.extend_from_slice(b".0");
    }
    true
}

pub(crate) fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("invalid record: {what}"))
}
