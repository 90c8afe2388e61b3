//! Rust values from argument [`Datum`]s and back, and the table macro that families of functions are written in.
//!
//! A datum of another kind than the signature promises is a broken plan (XX000), never the user's mistake.

use std::sync::Arc;

use dictdb_types::geometry::{Circle, Geometry, Line, Lseg, Path, Point, Polygon, Rectangle};
use dictdb_types::{
    Array, Cube, Datum, Error, ExtensionValue, Hstore, Interval, Jsonb, Lquery, Ltree, Ltxtquery, Numeric, Oid,
    QueryInt, Range, Record, Result,
};

/// A Rust view of an argument.
pub(crate) trait FromDatum<'a>: Sized {
    fn from_datum(datum: &'a Datum) -> Option<Self>;
}

/// A Rust value that can be a function's result. `Option::None` is NULL.
pub(crate) trait Output {
    fn output(self) -> Result<Datum>;
}

/// The next argument, as the type the signature says.
pub(crate) fn next<'a, T: FromDatum<'a>>(args: &mut std::slice::Iter<'a, Datum>) -> Result<T> {
    match args.next() {
        Some(datum) => T::from_datum(datum).ok_or_else(|| mismatch::<T>(datum)),
        None => Err(Error::internal("function called with too few arguments")),
    }
}

/// The argument at `index`.
pub(crate) fn arg<'a, T: FromDatum<'a>>(args: &'a [Datum], index: usize) -> Result<T> {
    next(&mut args.get(index..).unwrap_or_default().iter())
}

#[cold]
fn mismatch<T>(datum: &Datum) -> Error {
    Error::internal(format!("argument {datum:?} where {} was resolved", std::any::type_name::<T>()))
}

macro_rules! by_value {
    ($($variant:ident: $ty:ty),* $(,)?) => {$(
        impl<'a> FromDatum<'a> for $ty {
            fn from_datum(datum: &'a Datum) -> Option<Self> {
                match datum {
                    Datum::$variant(value) => Some(*value),
                    _ => None,
                }
            }
        }

        impl Output for $ty {
            fn output(self) -> Result<Datum> {
                Ok(Datum::$variant(self))
            }
        }
    )*};
}

by_value! {
    Bool: bool, Int2: i16, Int4: i32, Int8: i64, Float4: f32, Float8: f64, Interval: Interval, Uuid: [u8; 16],
}

macro_rules! by_reference {
    ($($variant:ident: $ty:ty),* $(,)?) => {$(
        impl<'a> FromDatum<'a> for &'a $ty {
            fn from_datum(datum: &'a Datum) -> Option<Self> {
                match datum {
                    Datum::$variant(value) => Some(value),
                    _ => None,
                }
            }
        }
    )*};
}

by_reference! {
    Numeric: Numeric, Bytea: [u8], Jsonb: Jsonb, Array: Array, Record: Record, Range: Range,
    Text: Arc<str>, Array: Arc<Array>, Jsonb: Arc<Jsonb>,
}

/// `citext` is a text to functions that take one.
impl<'a> FromDatum<'a> for &'a str {
    fn from_datum(datum: &'a Datum) -> Option<Self> {
        match datum {
            Datum::Text(text) => Some(text),
            Datum::Extension(value) => match &**value {
                ExtensionValue::Citext(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}

macro_rules! of_extensions {
    ($($ty:ident),* $(,)?) => {$(
        impl<'a> FromDatum<'a> for &'a $ty {
            fn from_datum(datum: &'a Datum) -> Option<Self> {
                match datum {
                    Datum::Extension(value) => match &**value {
                        ExtensionValue::$ty(value) => Some(value),
                        _ => None,
                    },
                    _ => None,
                }
            }
        }

        impl Output for $ty {
            fn output(self) -> Result<Datum> {
                Ok(self.into())
            }
        }
    )*};
}

of_extensions!(Cube, Hstore, Ltree, Lquery, Ltxtquery, QueryInt);

macro_rules! geometric {
    ($($ty:ty),* $(,)?) => {$(
        impl<'a> FromDatum<'a> for $ty {
            fn from_datum(datum: &'a Datum) -> Option<Self> {
                match datum {
                    Datum::Bytea(bytes) => <$ty>::from_bytes(bytes),
                    _ => None,
                }
            }
        }

        impl Output for $ty {
            fn output(self) -> Result<Datum> {
                Ok(Datum::Bytea(self.to_bytes().into()))
            }
        }
    )*};
}

geometric!(Point, Line, Lseg, Rectangle, Path, Polygon, Circle);

impl<'a> FromDatum<'a> for &'a Datum {
    fn from_datum(datum: &'a Datum) -> Option<Self> {
        Some(datum)
    }
}

impl<'a> FromDatum<'a> for Oid {
    fn from_datum(datum: &'a Datum) -> Option<Self> {
        match datum {
            Datum::Oid(value) => Some(Oid(*value)),
            _ => None,
        }
    }
}

impl<'a, T: FromDatum<'a>> FromDatum<'a> for Option<T> {
    fn from_datum(datum: &'a Datum) -> Option<Self> {
        if datum.is_null() { Some(None) } else { T::from_datum(datum).map(Some) }
    }
}

macro_rules! outputs {
    ($($ty:ty: |$value:ident| $datum:expr),* $(,)?) => {$(
        impl Output for $ty {
            fn output(self) -> Result<Datum> {
                let $value = self;
                Ok($datum)
            }
        }
    )*};
}

outputs! {
    Datum: |v| v,
    &Datum: |v| v.clone(),
    Oid: |v| Datum::Oid(v.0),
    String: |v| Datum::Text(v.into()),
    &str: |v| Datum::text(v),
    Arc<str>: |v| Datum::Text(v),
    Vec<u8>: |v| Datum::Bytea(v.into()),
    Numeric: |v| Datum::Numeric(v),
    Jsonb: |v| Datum::Jsonb(Arc::new(v)),
    Arc<Jsonb>: |v| Datum::Jsonb(v),
    Array: |v| Datum::Array(Arc::new(v)),
    Arc<Array>: |v| Datum::Array(v),
    Record: |v| Datum::Record(Arc::new(v)),
    Range: |v| Datum::Range(Arc::new(v)),
}

impl<T: Output> Output for Option<T> {
    fn output(self) -> Result<Datum> {
        self.map_or(Ok(Datum::Null), T::output)
    }
}

impl<T: Output> Output for Result<T> {
    fn output(self) -> Result<Datum> {
        self.and_then(T::output)
    }
}

/// A family's table: `"prosrc" => |a: i32, b: i32| expression,`. With `|cx; a: i32|` the body sees the call context.
/// Parameters are read in order with [`FromDatum`], the value is returned with [`Output`]; an `Option` parameter
/// accepts NULL. `"prosrc" => name` takes a ready [`crate::ScalarFn`].
macro_rules! kernels {
    (@entry $key:expr => |$cx:ident; $($arg:ident: $ty:ty),*| $body:expr) => {
        ($key, {
            fn kernel($cx: &$crate::CallContext<'_>, args: &[dictdb_types::Datum]) -> dictdb_types::Result<dictdb_types::Datum> {
                #[allow(unused_mut)] // functions without arguments
                let mut args = args.iter();
                $(let $arg: $ty = $crate::args::next(&mut args)?;)*
                let _ = args;
                $crate::args::Output::output($body)
            }
            kernel as $crate::ScalarFn
        })
    };
    (@list [$($done:tt)*]) => { &[$($done)*] };
    (@list [$($done:tt)*] $key:expr => |$cx:ident; $($arg:ident: $ty:ty),*| $body:expr, $($rest:tt)*) => {
        $crate::args::kernels!(@list [$($done)* $crate::args::kernels!(@entry $key => |$cx; $($arg: $ty),*| $body),] $($rest)*)
    };
    (@list [$($done:tt)*] $key:expr => |$($arg:ident: $ty:ty),*| $body:expr, $($rest:tt)*) => {
        $crate::args::kernels!(@list [$($done)* $crate::args::kernels!(@entry $key => |_cx; $($arg: $ty),*| $body),] $($rest)*)
    };
    (@list [$($done:tt)*] $key:expr => $kernel:path, $($rest:tt)*) => {
        $crate::args::kernels!(@list [$($done)* ($key, $kernel as $crate::ScalarFn),] $($rest)*)
    };
    ($($table:tt)*) => { $crate::args::kernels!(@list [] $($table)*) };
}

pub(crate) use kernels;
