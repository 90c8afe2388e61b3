//! Which types have equality: what functions over arrays and composites must know before comparing members.

use dictdb_types::{Error, Oid, RegKind, Result, SqlState, oids};

use crate::CallContext;

/// 42883 for a type without an equality operator.
pub(crate) fn require_equality(cx: &CallContext<'_>, ty: Oid) -> Result<()> {
    if !matches!(ty, oids::JSON | oids::XML | oids::UNKNOWN) {
        return Ok(());
    }
    let name = cx.env.reg_out(RegKind::Type, ty);
    Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("could not identify an equality operator for type {name}")))
}
