//! Chains of `||` over text: one buffer for all parts.

use dictdb_functions::{check_growth, write_as_text};
use dictdb_planner::expr::Function;
use dictdb_types::{Datum, Error, Oid, Result};

use super::{CallCode, Code, Scope};

/// A part of a chain.
#[derive(Debug)]
pub(crate) enum Part {
    /// A text.
    Text(Code),
    /// A value of a type, of which its text is meant.
    Any(Code, Oid),
}

/// Which operands of a function that is `||` of a text and something else are no texts; `None` for other functions.
pub(super) fn operands(function: &Function) -> Option<[bool; 2]> {
    match &*function.name {
        _ if function.oid >= Oid::FIRST_NORMAL => None,
        "textcat" => Some([false, false]),
        "textanycat" => Some([false, true]),
        "anytextcat" => Some([true, false]),
        _ => None,
    }
}

/// A call of such a function as a chain.
pub(super) fn chain(call: CallCode, any: [bool; 2]) -> Code {
    let mut parts = Vec::new();
    for ((arg, ty), any) in call.args.into_iter().zip(&call.types).zip(any) {
        match arg {
            Code::Concat(inner) if parts.is_empty() && !any => parts = inner.into_vec(),
            arg if any => parts.push(Part::Any(arg, ty.oid)),
            arg => parts.push(Part::Text(arg)),
        }
    }
    Code::Concat(parts.into())
}

/// All parts one after the other; NULL if one is.
pub(super) fn concat(parts: &[Part], scope: Scope<'_>) -> Result<Datum> {
    let mut out = String::new();
    let mut is_null = false;
    for part in parts {
        is_null |= !part.write(scope, &mut out)?;
    }
    Ok(if is_null { Datum::Null } else { Datum::Text(out.into()) })
}

impl Part {
    /// Appends its text; whether there is one: NULL has none.
    fn write(&self, scope: Scope<'_>, out: &mut String) -> Result<bool> {
        match self {
            Part::Text(code) => match code.eval_ref(scope)?.as_ref() {
                Datum::Text(text) => {
                    check_growth(out.len(), text.len())?;
                    out.push_str(text);
                }
                Datum::Null => return Ok(false),
                other => return Err(Error::internal(format!("{other:?} where a text was planned"))),
            },
            Part::Any(code, ty) => {
                let value = code.eval_ref(scope)?;
                if value.is_null() {
                    return Ok(false);
                }
                write_as_text(scope.env, *ty, &value, out)?;
                check_growth(out.len(), 0)?;
            }
        }
        Ok(true)
    }
}
