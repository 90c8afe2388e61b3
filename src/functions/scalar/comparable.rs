//! Which types have equality and order: what functions over arrays and composites must know before comparing members.

use dictdb_types::{Error, Oid, RegKind, Result, SqlState, oids};

use crate::CallContext;

/// 42883 for a type without an operator class that knows equal values.
pub(crate) fn require_equality(cx: &CallContext<'_>, ty: Oid) -> Result<()> {
    if has_equality(ty) { Ok(()) } else { Err(unidentified(cx, "an equality operator", ty)) }
}

/// 42883 for a type without an operator class that orders values.
pub(crate) fn require_order(cx: &CallContext<'_>, ty: Oid) -> Result<()> {
    let is_ordered = has_equality(ty) && !matches!(ty, oids::XID | oids::CID | oids::ACLITEM);
    if is_ordered { Ok(()) } else { Err(unidentified(cx, "a comparison function", ty)) }
}

fn has_equality(ty: Oid) -> bool {
    !matches!(
        ty,
        oids::JSON
            | oids::JSONPATH
            | oids::XML
            | oids::UNKNOWN
            | oids::POINT
            | oids::LINE
            | oids::LSEG
            | oids::PATH
            | oids::BOX
            | oids::POLYGON
            | oids::CIRCLE
    )
}

fn unidentified(cx: &CallContext<'_>, what: &str, ty: Oid) -> Error {
    let name = cx.env.reg_out(RegKind::Type, ty);
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("could not identify {what} for type {name}"))
}
