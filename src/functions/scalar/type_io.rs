//! Input, output and send functions of types called by name: `int4in('5')`, `textsend('a')`.
//!
//! All are one of three functions here; which type is meant is in the types of the call.

use dictdb_types::{Datum, Oid, Result, Type, binary, builtin_types, oids, text};

use crate::facts::{Proc, ids, procs};
use crate::io;
use crate::kernel::{CallContext, ScalarFn};

/// The functions of all types that have such functions.
pub(super) fn table() -> Vec<(&'static str, ScalarFn)> {
    procs()
        .iter()
        .filter(|proc| proc.language != ids::LANGUAGE_SQL)
        .filter_map(|proc| Some((proc.source, kind(proc)?)))
        .collect()
}

fn kind(proc: &Proc) -> Option<ScalarFn> {
    let name = proc.source;
    let is_text = |end: &str| name.ends_with(end);
    match (&*proc.args, proc.result) {
        ([_], oids::CSTRING) if is_text("out") && !is_text("typmodout") => Some(output),
        ([oids::CSTRING, ..], result) if is_text("in") && result != oids::INTERNAL => Some(input),
        ([_], oids::BYTEA) if is_text("send") => Some(send),
        _ => None,
    }
}

fn first(args: &[Datum]) -> &Datum {
    args.first().unwrap_or(&Datum::Null)
}

/// The text form of the argument.
pub(crate) fn output(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    match first(args) {
        Datum::Null => Ok(Datum::Null),
        value => io::output(cx, cx.arg_type(0).oid, value).map(Datum::text),
    }
}

/// The binary form of the argument.
pub(crate) fn send(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let value = first(args);
    if value.is_null() {
        return Ok(Datum::Null);
    }
    let mut out = vec![];
    binary::send(value, cx.arg_type(0).oid, cx.env, &mut out)?;
    Ok(Datum::bytea(out))
}

/// The value of a text. The second argument names the type where the result's is polymorphic, the third is a type modifier.
pub(crate) fn input(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Datum::Text(text) = first(args) else { return Ok(Datum::Null) };
    let named = match args.get(1) {
        Some(Datum::Oid(oid)) => Oid(*oid),
        _ => Oid::INVALID,
    };
    let oid = match cx.result.oid {
        oids::ANYARRAY => match cx.env.type_info(named) {
            Some(info) => info.array,
            None => builtin_types::array_of(named).unwrap_or(oids::ANYARRAY),
        },
        oids::ANYENUM | oids::ANYRANGE | oids::ANYMULTIRANGE | oids::RECORD | oids::ANY => named,
        oid => oid,
    };
    let typmod = match args.get(2) {
        Some(Datum::Int4(typmod)) => *typmod,
        _ => -1,
    };
    text::input(text, Type::with_typmod(oid, typmod), cx.env)
}
