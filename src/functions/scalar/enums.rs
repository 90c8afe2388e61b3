//! Enums: order is by sort code, which the datum is; labels come from the type.

use std::sync::Arc;

use dictdb_types::text::check_label;
use dictdb_types::{Array, Datum, EnumLabel, Error, Oid, Result, SqlState, TypeInfo, TypeKind, bail};

use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "enum_eq" => |a: &Datum, b: &Datum| code(a) == code(b),
    "enum_ne" => |a: &Datum, b: &Datum| code(a) != code(b),
    "enum_lt" => |a: &Datum, b: &Datum| code(a) < code(b),
    "enum_le" => |a: &Datum, b: &Datum| code(a) <= code(b),
    "enum_gt" => |a: &Datum, b: &Datum| code(a) > code(b),
    "enum_ge" => |a: &Datum, b: &Datum| code(a) >= code(b),
    "enum_cmp" => |a: &Datum, b: &Datum| code(a).cmp(&code(b)) as i32,
    "enum_larger" => |a: &Datum, b: &Datum| if code(a) > code(b) { a.clone() } else { b.clone() },
    "enum_smaller" => |a: &Datum, b: &Datum| if code(a) < code(b) { a.clone() } else { b.clone() },
    "enum_first" => |cx; _value: &Datum| endpoint(cx, false),
    "enum_last" => |cx; _value: &Datum| endpoint(cx, true),
    "enum_range_all" => |cx; _value: &Datum| range(cx, None, None),
    "enum_range_bounds" => |cx; low: &Datum, high: &Datum| range(cx, code(low), code(high)),
};

fn code(value: &Datum) -> Option<u32> {
    match value {
        Datum::Enum(code) => Some(*code),
        _ => None,
    }
}

/// The type of the first argument and its labels.
fn labels(cx: &CallContext<'_>) -> Result<(Oid, Arc<[EnumLabel]>)> {
    let ty = cx.env.base_type(cx.arg_type(0));
    match cx.env.type_info(ty.oid).as_deref() {
        Some(TypeInfo { kind: TypeKind::Enum(labels), .. }) => Ok((ty.oid, labels.clone())),
        _ => bail!(FEATURE_NOT_SUPPORTED, "could not determine actual enum type"),
    }
}

fn endpoint(cx: &CallContext<'_>, last: bool) -> Result<Datum> {
    let (oid, labels) = labels(cx)?;
    let found = if last { labels.last() } else { labels.first() };
    let Some(label) = found else {
        let name = cx.env.reg_out(dictdb_types::RegKind::Type, oid);
        let message = format!("enum {name} contains no values");
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
    };
    check_label(label, oid, cx.env)?;
    Ok(Datum::Enum(label.code))
}

fn range(cx: &CallContext<'_>, low: Option<u32>, high: Option<u32>) -> Result<Array> {
    let (oid, labels) = labels(cx)?;
    let inside =
        |label: &&EnumLabel| low.is_none_or(|low| label.code >= low) && high.is_none_or(|high| label.code <= high);
    let mut items = Vec::new();
    for label in labels.iter().filter(inside) {
        check_label(label, oid, cx.env)?;
        items.push(Datum::Enum(label.code));
    }
    Ok(Array::vector(oid, items))
}
