//! How many bytes PostgreSQL would keep a value in: `stawidth`, `pg_column_size`.

use dictdb_types::{Array, Datum, Env, Result, Type, binary, oids};

/// Longest value with a header of one byte.
const SHORT: usize = 126;
const SHORT_HEADER: usize = 1;
const HEADER: usize = 4;
/// Bytes that the binary form of a number has more than the stored one.
const NUMERIC_MORE: usize = 6;

/// Bytes of a value as it would be stored in a row, neither compressed nor out of line. Exact for types of fixed length,
/// texts, `bytea`, `numeric` and arrays of such; for others it is the length of the binary form.
pub(crate) fn stored_width(value: &Datum, ty: Type, env: &dyn Env) -> Result<usize> {
    let info = env.type_info(ty.oid);
    if let Some(length) = info.as_ref().and_then(|info| usize::try_from(info.len).ok()) {
        return Ok(length);
    }
    let bytes = match value {
        Datum::Null => return Ok(0),
        Datum::Text(text) => text.len(),
        value => {
            if let Datum::Array(array) = value {
                return array_width(array, env);
            }
            let mut sent = Vec::new();
            binary::send(value, ty.oid, env, &mut sent)?;
            match value {
                Datum::Numeric(_) => sent.len().saturating_sub(NUMERIC_MORE),
                _ => sent.len(),
            }
        }
    };
    if ty.oid == oids::CSTRING {
        return Ok(bytes + 1);
    }
    Ok(with_header(bytes))
}

fn with_header(bytes: usize) -> usize {
    bytes + if bytes <= SHORT { SHORT_HEADER } else { HEADER }
}

/// An array: dimensions, where its elements begin, their type, bits for NULLs, elements at multiples of their alignment.
fn array_width(array: &Array, env: &dyn Env) -> Result<usize> {
    let element = env.type_info(array.element);
    let alignment = match element.as_ref().map(|info| info.align) {
        Some(b'c') => 1,
        Some(b's') => 2,
        Some(b'd') => 8,
        _ => 4,
    };
    let mut bytes = 12 + 8 * array.dims.len();
    if array.items.iter().any(Datum::is_null) {
        bytes = (HEADER + bytes + array.items.len().div_ceil(8)).next_multiple_of(8) - HEADER;
    }
    for item in array.items.iter().filter(|item| !item.is_null()) {
        let width = match element.as_ref().is_some_and(|info| info.len > 0) {
            true => stored_width(item, Type::new(array.element), env)?,
            // Elements have headers of full length.
            false => match stored_width(item, Type::new(array.element), env)? {
                short if short <= SHORT + SHORT_HEADER => short + HEADER - SHORT_HEADER,
                long => long,
            },
        };
        bytes += width.next_multiple_of(alignment);
    }
    Ok(with_header(bytes))
}
