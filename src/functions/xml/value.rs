//! Any SQL value as XML (SQL/XML:2008, section 9.8): booleans as words, dates and times in ISO 8601, bytes as digits or base64,
//! arrays as elements, everything else as its text.

use dictdb_types::{Datum, Error, Result, SqlState, Type, TypeKind, oids};
use dictdb_xml::escape;

use crate::CallContext;
use crate::io;
use crate::scalar::encoding::base64;
use crate::scalar::json::write::scalar_text;

/// Characters of base64 in a line.
const BASE64_LINE: usize = 72;

/// Deepest nesting of arrays.
pub const MAX_DEPTH: usize = 64;

/// A value that is not NULL. Strings are escaped, unless the caller does it; XML is as it is. 22008 for what ISO 8601 cannot say.
pub fn value_to_xml(cx: &CallContext<'_>, value: &Datum, ty: Type, escaped: bool) -> Result<String> {
    nested(cx, value, ty, escaped, 0)
}

fn nested(cx: &CallContext<'_>, value: &Datum, ty: Type, escaped: bool, depth: usize) -> Result<String> {
    let base = cx.env.base_type(ty).oid;
    let infinite = |what: &str, is_infinite: bool| match is_infinite {
        false => Ok(()),
        true => Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range"))
            .detail(format!("XML does not support infinite {what} values."))),
    };
    match value {
        Datum::Array(array) if !is_multirange(cx, base) => {
            if depth >= MAX_DEPTH {
                return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
            }
            let mut out = String::new();
            for item in array.items.iter().filter(|item| !item.is_null()) {
                let item = nested(cx, item, Type::new(array.element), true, depth + 1)?;
                out.push_str(&format!("<element>{item}</element>"));
            }
            Ok(out)
        }
        Datum::Bool(value) => Ok(value.to_string()),
        Datum::Date(days) => {
            infinite("date", matches!(*days, i32::MIN | i32::MAX))?;
            scalar_text(cx, ty.oid, value)
        }
        Datum::Timestamp(micros) => {
            infinite("timestamp", matches!(*micros, i64::MIN | i64::MAX))?;
            scalar_text(cx, ty.oid, value)
        }
        Datum::Bytea(bytes) if base == oids::BYTEA => Ok(match cx.env.format().xml_binary_hex {
            true => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
            false => in_lines(&base64(bytes)),
        }),
        _ => {
            let text = io::output(cx, ty.oid, value)?;
            Ok(if base == oids::XML || !escaped { text } else { escape::escaped(&text) })
        }
    }
}

fn is_multirange(cx: &CallContext<'_>, base: dictdb_types::Oid) -> bool {
    cx.env.type_info(base).is_some_and(|info| matches!(info.kind, TypeKind::Multirange(_)))
}

/// Base64 in lines as libxml2 has them.
fn in_lines(text: &str) -> String {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'\n').collect();
    let lines: Vec<String> =
        digits.chunks(BASE64_LINE).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    lines.join("\r\n")
}
