//! Text forms of values inside functions: `dictdb_types::text` under the context of a call.

use dictdb_types::{Datum, Env, Oid, Result, Type, oids, text};

use crate::CallContext;

/// The text form of a value that is not NULL.
pub(crate) fn output(cx: &CallContext<'_>, ty: Oid, value: &Datum) -> Result<String> {
    if let (Datum::Text(s), oids::TEXT | oids::VARCHAR) = (value, ty) {
        return Ok(s.as_ref().to_owned());
    }
    let mut out = String::new();
    text::output(value, ty, cx.env, &mut out)?;
    Ok(out)
}

/// A value of a type from its text form.
pub(crate) fn input(cx: &CallContext<'_>, ty: Oid, text: &str) -> Result<Datum> {
    text::input(text, Type::new(ty), cx.env)
}

/// `value::text` of a value that is not NULL: its text form, but for types whose cast is a function of its own.
pub(crate) fn cast_to_text(cx: &CallContext<'_>, ty: Oid, value: &Datum) -> Result<String> {
    let mut out = String::new();
    write_as_text(cx.env, ty, value, &mut out)?;
    Ok(out)
}

/// Appends `value::text` of a value that is not NULL.
pub fn write_as_text(env: &dyn Env, ty: Oid, value: &Datum, out: &mut String) -> Result<()> {
    match value {
        Datum::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Datum::Text(text) if ty == oids::BPCHAR => out.push_str(text.trim_end_matches(' ')),
        Datum::Bytea(address) if ty == oids::INET => text::network::write_inet(address, true, out),
        _ => text::output(value, ty, env, out)?,
    }
    Ok(())
}
