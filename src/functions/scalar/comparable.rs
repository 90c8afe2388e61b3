//! Which types have equality, an order and a hash: what functions over arrays and composites must know of the types of members.

use std::collections::HashMap;
use std::sync::LazyLock;

use dictdb_types::{Error, Oid, RegKind, Result, SqlState, builtin_types};

use crate::CallContext;
use crate::facts::ids;
use crate::resolve::{BuiltinScope, opclass};

/// What the default operator classes of a type give.
#[derive(Clone, Copy)]
struct Classes {
    equality: bool,
    order: bool,
    hash: bool,
}

/// Those of the built-in types. Types of users are enums, ranges and composites, which have all of it, and domains.
static BUILT_IN: LazyLock<HashMap<Oid, Classes>> = LazyLock::new(|| {
    let classes = |ty: Oid| Classes {
        equality: opclass::equality_operator(&BuiltinScope, ty).is_some(),
        order: opclass::less_than_operator(&BuiltinScope, ty).is_some(),
        hash: opclass::default_opclass(&BuiltinScope, ty, ids::HASH).is_some(),
    };
    builtin_types::all().iter().map(|info| (info.oid, classes(info.oid))).collect()
});

fn require(cx: &CallContext<'_>, ty: Oid, has: impl Fn(&Classes) -> bool, what: &str) -> Result<()> {
    if BUILT_IN.get(&ty).is_none_or(has) {
        return Ok(());
    }
    let name = cx.env.reg_out(RegKind::Type, ty);
    Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("could not identify {what} for type {name}")))
}

/// 42883 for a type without an equality operator.
pub(crate) fn require_equality(cx: &CallContext<'_>, ty: Oid) -> Result<()> {
    require(cx, ty, |classes| classes.equality, "an equality operator")
}

/// 42883 for a type without an order.
pub(crate) fn require_order(cx: &CallContext<'_>, ty: Oid) -> Result<()> {
    require(cx, ty, |classes| classes.order, "a comparison function")
}

/// 42883 for a type that cannot be hashed; `seeded` is how the error words it.
pub(crate) fn require_hash(cx: &CallContext<'_>, ty: Oid, seeded: bool) -> Result<()> {
    let what = if seeded { "an extended hash function" } else { "a hash function" };
    require(cx, ty, |classes| classes.hash, what)
}
