//! One SQL value outside Arrow: what literals, parameters, the point path, keys and scalar functions hold.
//!
//! A `Datum` does not carry its SQL type; the [`Type`](crate::Type) travels beside it in plans. Values of
//! variable size sit behind an `Arc`, so a clone never copies them.

use std::sync::Arc;

use crate::{Array, ExtensionValue, Interval, Jsonb, Numeric, Range, Record};

/// A value of any SQL type.
#[derive(Clone, Debug)]
pub enum Datum {
    /// NULL of any type.
    Null,
    /// `boolean`.
    Bool(bool),
    /// `smallint`.
    Int2(i16),
    /// `integer`.
    Int4(i32),
    /// `bigint`, also `money`, `xid8` and `pg_lsn` (their unsigned numbers' bits) and `tid` (block << 16 | offset).
    Int8(i64),
    /// `real`.
    Float4(f32),
    /// `double precision`.
    Float8(f64),
    /// `numeric`.
    Numeric(Numeric),
    /// `text`, `varchar`, `bpchar` (blank padded), `name`, `"char"` (the character with the byte's number, nothing for 0),
    /// `json`, `unknown`, `cstring`, `refcursor`, `void`, `bit` and `varbit` (zeros and ones). Never contains NUL.
    Text(Arc<str>),
    /// `bytea`; `inet` and `cidr` (see [`crate::network`]), `macaddr` and `macaddr8`; the
    /// geometric types (see [`crate::geometry`]); `tsvector` and `tsquery` (see [`crate::tsearch`]).
    Bytea(Arc<[u8]>),
    /// `date`: days since 1970-01-01; `i32::MAX` and `i32::MIN` are infinity and -infinity.
    Date(i32),
    /// `time`: microseconds since midnight, 24:00 included.
    Time(i64),
    /// `time with time zone`: microseconds since midnight local time, and seconds **west** of UTC.
    TimeTz(i64, i32),
    /// `timestamp` (local) and `timestamptz` (UTC): microseconds since 1970-01-01 00:00; `i64::MAX` and `i64::MIN` are infinite.
    Timestamp(i64),
    /// `interval`.
    Interval(Interval),
    /// `uuid`.
    Uuid([u8; 16]),
    /// `oid`, every `reg…` alias, `xid`, `cid`.
    Oid(u32),
    /// A label of an enum: its sort code in that type, which orders as the type does.
    Enum(u32),
    /// `jsonb`.
    Jsonb(Arc<Jsonb>),
    /// An array of any element type; `int2vector` and `oidvector`; a multirange as an array of its ranges.
    Array(Arc<Array>),
    /// A composite value or `record`.
    Record(Arc<Record>),
    /// A range of any subtype.
    Range(Arc<Range>),
    /// A value of an extension's type.
    Extension(Arc<ExtensionValue>),
}

impl Datum {
    /// Whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    /// A text value.
    pub fn text(text: impl AsRef<str>) -> Self {
        Datum::Text(Arc::from(text.as_ref()))
    }

    /// A byte string.
    pub fn bytea(bytes: impl AsRef<[u8]>) -> Self {
        Datum::Bytea(Arc::from(bytes.as_ref()))
    }
}

/// Rows are vectors of these; a variant that needs more goes behind an `Arc`.
const _: () = assert!(size_of::<Datum>() == 24 && size_of::<crate::Result<Datum>>() == 24);
