//! Casts that are not function calls: relabelings, casts through text, domains.

use dictdb_types::{Datum, Physical, Result, Type, oids, text};

use super::{Code, Scope};

/// A binary-coercible cast whose two types keep their values in different kinds of datum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relabel {
    /// `int4` to `oid` and the `reg…` types: the same 32 bits.
    IntToOid,
    /// Back again.
    OidToInt,
    /// `oid`-like to `bigint`-like.
    OidToBigint,
    /// The bits of an integer as those of a floating-point number of the same width: only casts of users' types ask for it.
    IntToFloat,
    /// Back again.
    FloatToInt,
}

impl Relabel {
    /// What a cast between two layouts has to do; `None`: nothing.
    pub fn between(from: Physical, to: Physical) -> Option<Self> {
        match (from, to) {
            (Physical::Int4, Physical::Oid) => Some(Relabel::IntToOid),
            (Physical::Oid, Physical::Int4) => Some(Relabel::OidToInt),
            (Physical::Oid, Physical::Int8) => Some(Relabel::OidToBigint),
            (Physical::Int4, Physical::Float4) | (Physical::Int8, Physical::Float8) => Some(Relabel::IntToFloat),
            (Physical::Float4, Physical::Int4) | (Physical::Float8, Physical::Int8) => Some(Relabel::FloatToInt),
            _ => None,
        }
    }

    pub(super) fn apply(self, value: Datum) -> Datum {
        match (self, value) {
            (Relabel::IntToOid, Datum::Int4(v)) => Datum::Oid(v as u32),
            (Relabel::OidToInt, Datum::Oid(v)) => Datum::Int4(v as i32),
            (Relabel::OidToBigint, Datum::Oid(v)) => Datum::Int8(i64::from(v)),
            (Relabel::IntToFloat, Datum::Int4(v)) => Datum::Float4(f32::from_bits(v.cast_unsigned())),
            (Relabel::IntToFloat, Datum::Int8(v)) => Datum::Float8(f64::from_bits(v.cast_unsigned())),
            (Relabel::FloatToInt, Datum::Float4(v)) => Datum::Int4(v.to_bits().cast_signed()),
            (Relabel::FloatToInt, Datum::Float8(v)) => Datum::Int8(v.to_bits().cast_signed()),
            (_, other) => other,
        }
    }
}

/// A cast through the text form: the output function of one type, the input function of the other.
#[derive(Debug)]
pub(crate) struct ViaIoCode {
    /// The value.
    pub item: Code,
    /// Its type.
    pub from: Type,
    /// The type wanted.
    pub to: Type,
}

impl ViaIoCode {
    pub(super) fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        let value = self.item.eval_ref(scope)?;
        if value.is_null() {
            return Ok(Datum::Null);
        }
        let mut text = String::new();
        text::output(&value, self.from.oid, scope.env, &mut text)?;
        // What is read as text without a limit of length is the text itself.
        match self.to == Type::new(oids::TEXT) {
            true => Ok(Datum::Text(text.into())),
            false => text::input(&text, self.to, scope.env),
        }
    }
}

/// A domain's NOT NULL and CHECK constraints.
pub(super) fn to_domain(item: &Code, domain: Type, scope: Scope<'_>) -> Result<Datum> {
    let value = item.eval(scope)?;
    scope.env.check_domain(domain.oid, &value)?;
    Ok(value)
}
