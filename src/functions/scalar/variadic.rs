//! Functions over `VARIADIC "any"`: their arguments, spread out or as one array, and the simplest of them.

use dictdb_types::{Datum, Oid, Result, oids};

use super::limits::push;
use crate::args::kernels;
use crate::io;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "text_concat" => concat,
    "text_concat_ws" => concat_with_separator,
    "textanycat(text,anynonarray)" => |cx; a: &str, b: &Datum| append(cx, a.to_owned(), b, 1),
    "anytextcat(anynonarray,text)" => |cx; a: &Datum, b: &str| append(cx, String::new(), a, 0).and_then(|mut out| {
        push(&mut out, b)?;
        Ok(out)
    }),
    "pg_num_nulls" => count_nulls,
    "pg_num_nonnulls" => count_values,
    "pg_typeof" => |cx;| cx.arg_type(0).oid,
};

/// The values passed to a variadic parameter, whichever way they were written.
pub(crate) enum Arguments<'a> {
    /// One argument each.
    Spread { values: &'a [Datum], cx: &'a CallContext<'a>, first: usize },
    /// `VARIADIC array`.
    Array { values: &'a [Datum], element: Oid },
}

impl<'a> Arguments<'a> {
    /// The arguments from index `first` on. A NULL array spreads to none: callers that must tell look at `args` first.
    pub(crate) fn after(cx: &'a CallContext<'a>, args: &'a [Datum], first: usize) -> Self {
        match args.get(first..) {
            Some([Datum::Array(array)]) if cx.variadic => {
                Arguments::Array { values: &array.items, element: array.element }
            }
            Some([Datum::Null]) if cx.variadic => Arguments::Array { values: &[], element: oids::UNKNOWN },
            values => Arguments::Spread { values: values.unwrap_or_default(), cx, first },
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Arguments::Spread { values, .. } | Arguments::Array { values, .. } => values.len(),
        }
    }

    /// A value and its type.
    pub(crate) fn get(&self, index: usize) -> Option<(&'a Datum, Oid)> {
        match self {
            Arguments::Spread { values, cx, first } => Some((values.get(index)?, cx.arg_type(first + index).oid)),
            Arguments::Array { values, element } => Some((values.get(index)?, *element)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a Datum, Oid)> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// Whether the call is `VARIADIC NULL`, which functions over `"any"` answer with NULL.
pub(crate) fn is_variadic_null(cx: &CallContext<'_>, args: &[Datum], first: usize) -> bool {
    cx.variadic && matches!(args.get(first..), Some([Datum::Null]))
}

/// `text || any`: the text so far and the text form of an argument.
fn append(cx: &CallContext<'_>, mut text: String, value: &Datum, index: usize) -> Result<String> {
    push(&mut text, &io::cast_to_text(cx, cx.arg_type(index).oid, value)?)?;
    Ok(text)
}

fn concat(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if is_variadic_null(cx, args, 0) {
        return Ok(Datum::Null);
    }
    join(cx, Arguments::after(cx, args, 0), "")
}

fn concat_with_separator(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    match args.first() {
        Some(Datum::Text(separator)) if !is_variadic_null(cx, args, 1) => {
            join(cx, Arguments::after(cx, args, 1), separator)
        }
        _ => Ok(Datum::Null),
    }
}

/// The text forms of the values that are not NULL.
fn join(cx: &CallContext<'_>, values: Arguments<'_>, separator: &str) -> Result<Datum> {
    let mut out = String::new();
    let mut first = true;
    for (value, ty) in values.iter().filter(|(value, _)| !value.is_null()) {
        if !first {
            push(&mut out, separator)?;
        }
        first = false;
        match value {
            Datum::Text(text) if ty != oids::CHAR => push(&mut out, text)?,
            value => push(&mut out, &io::output(cx, ty, value)?)?,
        }
    }
    Ok(Datum::Text(out.into()))
}

fn count_nulls(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    count(cx, args, true)
}

fn count_values(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    count(cx, args, false)
}

fn count(cx: &CallContext<'_>, args: &[Datum], nulls: bool) -> Result<Datum> {
    if is_variadic_null(cx, args, 0) {
        return Ok(Datum::Null);
    }
    Ok(Datum::Int4(Arguments::after(cx, args, 0).iter().filter(|(value, _)| value.is_null() == nulls).count() as i32))
}
