//! The default operator class of a type, and through it the type's equality and order.

use dictdb_types::{Oid, oids};

use super::Scope;
use super::traits::{TypeTraits, is_binary_coercible};
use crate::facts::{Opclass, ids};

/// Strategy numbers of btree.
pub mod btree {
    /// `<`.
    pub const LESS: i16 = 1;
    /// `<=`.
    pub const LESS_EQUAL: i16 = 2;
    /// `=`.
    pub const EQUAL: i16 = 3;
    /// `>=`.
    pub const GREATER_EQUAL: i16 = 4;
    /// `>`.
    pub const GREATER: i16 = 5;
}

/// The operator class an index of this method uses for a type unless told otherwise (`GetDefaultOpClass`). A type
/// without one of its own takes that of a type it is binary-compatible with: `varchar` that of `text`, every array
/// that of `anyarray`.
pub fn default_opclass(scope: &dyn Scope, ty: Oid, method: Oid) -> Option<&Opclass> {
    let ty = scope.base_of(ty);
    let category = scope.category(ty).0;
    let defaults = scope.default_opclasses(method);
    if let Some(own) = defaults.iter().find(|c| c.input == ty) {
        return Some(own);
    }
    let mut compatible = defaults;
    compatible.retain(|c| is_binary_coercible(scope, ty, c.input));
    if compatible.len() > 1 {
        let preferred = |c: &&Opclass| scope.is_preferred(category, c.input);
        if compatible.iter().filter(|c| preferred(c)).count() == 1 {
            compatible.retain(|c| preferred(c));
        }
    }
    if compatible.len() == 1 { compatible.pop() } else { None }
}

/// The operator of a class for a strategy number, on the class's own input type.
pub fn strategy_operator(scope: &dyn Scope, class: &Opclass, number: i16) -> Option<Oid> {
    let rows = scope.strategies(class.family);
    rows.iter()
        .find(|s| s.left == class.input && s.right == class.input && s.number == number && !s.ordering)
        .map(|s| s.operator)
}

/// `=` of the type's default btree class, or of its default hash class; `None` when values cannot be compared (`json`,
/// `point`). It is what DISTINCT, GROUP BY, IN and joins mean by equal.
pub fn equality_operator(scope: &dyn Scope, ty: Oid) -> Option<Oid> {
    ordering(scope, ty, btree::EQUAL).or_else(|| {
        strategy_operator(scope, default_opclass(scope, ty, ids::HASH)?, 1)
            .filter(|_| elements_have(scope, ty, ids::HASH))
    })
}

/// Whether values of a type can be kept in a hash table (`hashable` of a `SortGroupClause`). Of a row without a type nothing is
/// known before it is there.
pub fn is_hashable(scope: &dyn Scope, ty: Oid) -> bool {
    let ty = scope.base_of(ty);
    if ty == oids::RECORD {
        return false;
    }
    let own = || default_opclass(scope, ty, ids::HASH).is_some();
    parts_of(scope, ty).map_or_else(own, |parts| parts.into_iter().all(|part| is_hashable(scope, part)))
}

/// `<` of the type's default btree class: what ORDER BY means.
pub fn less_than_operator(scope: &dyn Scope, ty: Oid) -> Option<Oid> {
    ordering(scope, ty, btree::LESS)
}

fn ordering(scope: &dyn Scope, ty: Oid, number: i16) -> Option<Oid> {
    let class = default_opclass(scope, ty, ids::BTREE)?;
    strategy_operator(scope, class, number).filter(|_| elements_have(scope, ty, ids::BTREE))
}

/// Containers compare by their elements, so these must be comparable too.
fn elements_have(scope: &dyn Scope, ty: Oid, method: Oid) -> bool {
    let parts = parts_of(scope, scope.base_of(ty)).unwrap_or_default();
    parts.iter().all(|part| match method {
        ids::HASH => equality_operator(scope, *part).is_some(),
        _ => less_than_operator(scope, *part).is_some(),
    })
}

/// The types of the fields of a row, or that of the elements of an array or range.
fn parts_of(scope: &dyn Scope, ty: Oid) -> Option<Vec<Oid>> {
    let info = scope.type_info(ty);
    match info.as_deref().map(|info| &info.kind) {
        Some(dictdb_types::TypeKind::Composite(fields)) => Some(fields.iter().map(|f| f.ty.oid).collect()),
        _ => scope.element_of(ty).map(|element| vec![element]),
    }
}
