//! `json_agg`, `json_object_agg` and their `jsonb` twins.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Jsonb, Result, SqlState, json, oids};

use super::{Accumulator, Entry, arg};
use crate::CallContext;
use crate::scalar::json::write::{Category, category, key_text, to_jsonb, write};

pub(super) const AGGREGATES: &[Entry] = &[
    ("json_agg", &[oids::ANYELEMENT], || Box::new(Texts::default())),
    ("json_object_agg", &[oids::ANY, oids::ANY], || Box::new(ObjectText::default())),
    ("jsonb_agg", &[oids::ANYELEMENT], || Box::new(Values::default())),
    ("jsonb_object_agg", &[oids::ANY, oids::ANY], || Box::new(Object::default())),
];

/// Bytes of a tree, roughly; a deeper look would cost as much as building it.
const NODE_BYTES: usize = 64;

#[derive(Default)]
struct Texts(String);

impl Accumulator for Texts {
    fn update(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let (value, ty) = (arg(args, 0), cx.arg_type(0).oid);
        if self.0.is_empty() {
            self.0.push('[');
        } else {
            self.0.push_str(", ");
            if matches!(category(cx, ty, value), Category::Array | Category::Composite) {
                self.0.push_str("\n ");
            }
        }
        write(cx, ty, value, false, &mut self.0)
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(if self.0.is_empty() { Datum::Null } else { Datum::text(format!("{}]", self.0)) })
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.capacity()
    }
}

/// 22023 for a NULL key.
fn key(cx: &CallContext<'_>, args: &[Datum]) -> Result<String> {
    match arg(args, 0) {
        Datum::Null => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "field name must not be null")),
        value => key_text(cx, cx.arg_type(0).oid, value),
    }
}

#[derive(Default)]
struct ObjectText(String);

impl Accumulator for ObjectText {
    fn update(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let key = key(cx, args)?;
        self.0.push_str(if self.0.is_empty() { "{ " } else { ", " });
        json::write_string(&key, &mut self.0);
        self.0.push_str(" : ");
        write(cx, cx.arg_type(1).oid, arg(args, 1), false, &mut self.0)
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(if self.0.is_empty() { Datum::Null } else { Datum::text(format!("{} }}", self.0)) })
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.capacity()
    }
}

#[derive(Default)]
struct Values(Vec<Jsonb>);

impl Accumulator for Values {
    fn update(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.0.push(to_jsonb(cx, cx.arg_type(0).oid, arg(args, 0))?);
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(if self.0.is_empty() { Datum::Null } else { Datum::Jsonb(Arc::new(Jsonb::Array(self.0.clone()))) })
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.len() * NODE_BYTES
    }
}

#[derive(Default)]
struct Object(Vec<(Arc<str>, Jsonb)>);

impl Accumulator for Object {
    fn update(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let key = key(cx, args)?;
        self.0.push((key.into(), to_jsonb(cx, cx.arg_type(1).oid, arg(args, 1))?));
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(if self.0.is_empty() { Datum::Null } else { Datum::Jsonb(Arc::new(Jsonb::object(self.0.clone()))) })
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.iter().map(|(key, _)| key.len() + NODE_BYTES).sum::<usize>()
    }
}
