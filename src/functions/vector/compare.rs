//! `= <> < <= > >=` over columns.

use arrow::array::{ArrayRef, Datum};
use arrow::compute::kernels::cmp;
use arrow::datatypes::{
    Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType, UInt32Type,
};
use arrow::error::ArrowError;
use dictdb_types::{Error, Result};

use super::VectorFn;
use super::operand::{argument, condition};

macro_rules! orders {
    ($($prefix:literal: $left:ty, $right:ty, $wide:ty;)*) => {
        &[$(
            (concat!($prefix, "eq"), |args| condition::<$left, $right>(args, |a, b| <$wide>::from(a) == <$wide>::from(b))),
            (concat!($prefix, "ne"), |args| condition::<$left, $right>(args, |a, b| <$wide>::from(a) != <$wide>::from(b))),
            (concat!($prefix, "lt"), |args| condition::<$left, $right>(args, |a, b| <$wide>::from(a) < <$wide>::from(b))),
            (concat!($prefix, "le"), |args| condition::<$left, $right>(args, |a, b| <$wide>::from(a) <= <$wide>::from(b))),
            (concat!($prefix, "gt"), |args| condition::<$left, $right>(args, |a, b| <$wide>::from(a) > <$wide>::from(b))),
            (concat!($prefix, "ge"), |args| condition::<$left, $right>(args, |a, b| <$wide>::from(a) >= <$wide>::from(b))),
        )*]
    };
}

pub(super) const INTEGERS: &[(&str, VectorFn)] = orders! {
    "int2": Int16Type, Int16Type, i16;
    "int4": Int32Type, Int32Type, i32;
    "int8": Int64Type, Int64Type, i64;
    "int24": Int16Type, Int32Type, i32;
    "int42": Int32Type, Int16Type, i32;
    "int28": Int16Type, Int64Type, i64;
    "int82": Int64Type, Int16Type, i64;
    "int48": Int32Type, Int64Type, i64;
    "int84": Int64Type, Int32Type, i64;
    "oid": UInt32Type, UInt32Type, u32;
};

/// Types whose symbols have an underscore.
pub(super) const OTHERS: &[(&str, VectorFn)] = orders! {
    "date_": Date32Type, Date32Type, i32;
    "time_": Time64MicrosecondType, Time64MicrosecondType, i64;
    "timestamp_": TimestampMicrosecondType, TimestampMicrosecondType, i64;
    "enum_": UInt32Type, UInt32Type, u32;
    "cash_": Int64Type, Int64Type, i64;
};

/// A float that orders as PostgreSQL orders it: every NaN equal to every other and above all numbers.
#[derive(Clone, Copy)]
struct Ordered(f64);

impl From<f32> for Ordered {
    fn from(value: f32) -> Self {
        Ordered(value.into())
    }
}

impl From<f64> for Ordered {
    fn from(value: f64) -> Self {
        Ordered(value)
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || (self.0.is_nan() & other.0.is_nan())
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(crate::scalar::float::compare(self.0, other.0))
    }

    fn lt(&self, other: &Self) -> bool {
        self.0 < other.0 || (!self.0.is_nan() & other.0.is_nan())
    }

    fn le(&self, other: &Self) -> bool {
        self.0 <= other.0 || other.0.is_nan()
    }

    fn gt(&self, other: &Self) -> bool {
        other < self
    }

    fn ge(&self, other: &Self) -> bool {
        other <= self
    }
}

pub(super) const FLOATS: &[(&str, VectorFn)] = orders! {
    "float4": Float32Type, Float32Type, Ordered;
    "float8": Float64Type, Float64Type, Ordered;
    "float48": Float32Type, Float64Type, Ordered;
    "float84": Float64Type, Float32Type, Ordered;
};

type Kernel = fn(&dyn Datum, &dyn Datum) -> Result<arrow::array::BooleanArray, ArrowError>;

/// Arrow's own comparison, whose order of these types is PostgreSQL's.
fn arrow_compare(args: &[&dyn Datum], kernel: Kernel) -> Result<ArrayRef> {
    let compared = kernel(argument(args, 0)?, argument(args, 1)?);
    compared.map(|array| std::sync::Arc::new(array) as ArrayRef).map_err(|error| Error::internal(error.to_string()))
}

macro_rules! bytes {
    ($([$eq:literal, $ne:literal, $lt:literal, $le:literal, $gt:literal, $ge:literal])*) => {
        &[$(
            ($eq, |args| arrow_compare(args, cmp::eq)),
            ($ne, |args| arrow_compare(args, cmp::neq)),
            ($lt, |args| arrow_compare(args, cmp::lt)),
            ($le, |args| arrow_compare(args, cmp::lt_eq)),
            ($gt, |args| arrow_compare(args, cmp::gt)),
            ($ge, |args| arrow_compare(args, cmp::gt_eq)),
        )*]
    };
}

pub(super) const BYTES: &[(&str, VectorFn)] = bytes! {
    ["texteq", "textne", "text_lt", "text_le", "text_gt", "text_ge"]
    ["nameeq", "namene", "namelt", "namele", "namegt", "namege"]
    ["nameeqtext", "namenetext", "namelttext", "nameletext", "namegttext", "namegetext"]
    ["texteqname", "textnename", "textltname", "textlename", "textgtname", "textgename"]
    ["byteaeq", "byteane", "bytealt", "byteale", "byteagt", "byteage"]
    ["uuid_eq", "uuid_ne", "uuid_lt", "uuid_le", "uuid_gt", "uuid_ge"]
    ["booleq", "boolne", "boollt", "boolle", "boolgt", "boolge"]
};
