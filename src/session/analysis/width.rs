//! How many bytes PostgreSQL would keep a value in: `stawidth`, `pg_column_size`.

use dictdb_types::{Datum, Env, Result, Type, binary, oids};

/// Longest value with a header of one byte.
const SHORT: usize = 126;
const SHORT_HEADER: usize = 1;
const HEADER: usize = 4;
/// What the binary forms of numbers and arrays have more than the stored ones, without headers of values.
const NUMERIC_MORE: usize = 6;

/// Bytes of a value as it would be stored in a row, neither compressed nor out of line. Exact for types of fixed length,
/// texts, `bytea` and `numeric`; for others it is the length of the binary form.
pub(crate) fn stored_width(value: &Datum, ty: Type, env: &dyn Env) -> Result<usize> {
    let info = env.type_info(ty.oid);
    if let Some(length) = info.as_ref().and_then(|info| usize::try_from(info.len).ok()) {
        return Ok(length);
    }
    let bytes = match value {
        Datum::Null => return Ok(0),
        Datum::Text(text) => text.len(),
        value => {
            let mut sent = Vec::new();
            binary::send(value, ty.oid, env, &mut sent)?;
            match value {
                Datum::Numeric(_) => sent.len().saturating_sub(NUMERIC_MORE),
                _ => sent.len(),
            }
        }
    };
    if info.is_some_and(|info| info.len == -2) || ty.oid == oids::CSTRING {
        return Ok(bytes + 1);
    }
    Ok(bytes + if bytes <= SHORT { SHORT_HEADER } else { HEADER })
}
