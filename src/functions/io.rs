//! Text forms of values inside functions: `dictdb_types::text` under the context of a call.

use dictdb_types::{Datum, Oid, Result, Type, text};

use crate::CallContext;

/// The text form of a value that is not NULL.
pub(crate) fn output(cx: &CallContext<'_>, ty: Oid, value: &Datum) -> Result<String> {
    if let (Datum::Text(s), dictdb_types::oids::TEXT | dictdb_types::oids::VARCHAR) = (value, ty) {
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
