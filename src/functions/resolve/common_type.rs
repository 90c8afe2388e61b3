//! The one type of several alternatives: UNION, CASE, COALESCE, ARRAY, VALUES, IN (manual, section 10.5).

use dictdb_types::{Error, Oid, Result, SqlState, Type, oids};

use super::message::format_type;
use super::traits::TypeTraits;
use super::{Scope, can_coerce};
use crate::facts::CastContext;

/// The common type of `types`; `text` when all are `unknown`. A domain is the result only when all are that domain.
///
/// `context` begins the message: `CASE`, `UNION`, `VALUES`. 42804 when two types have different categories, with the
/// position of the second of them out of `positions` (which may be empty).
pub fn select_common_type(scope: &dyn Scope, types: &[Oid], positions: &[Option<u32>], context: &str) -> Result<Oid> {
    choose(scope, types).map_err(|conflict| {
        let Conflict { left, right, index } = conflict;
        let (left, right) = (format_type(scope, left), format_type(scope, right));
        Error::new(SqlState::DATATYPE_MISMATCH, format!("{context} types {left} and {right} cannot be matched"))
            .at(positions.get(index).copied().flatten())
    })
}

/// Two types of different categories, and where the second was.
pub(super) struct Conflict {
    pub left: Oid,
    pub right: Oid,
    pub index: usize,
}

pub(super) fn choose(scope: &dyn Scope, types: &[Oid]) -> Result<Oid, Conflict> {
    let Some((&first, rest)) = types.split_first() else { return Ok(oids::TEXT) };
    if first != oids::UNKNOWN && rest.iter().all(|ty| *ty == first) {
        return Ok(first);
    }
    let mut chosen = scope.base_of(first);
    let (mut category, mut preferred) = scope.category(chosen);
    for (index, ty) in types.iter().enumerate().skip(1) {
        let next = scope.base_of(*ty);
        if next == oids::UNKNOWN || next == chosen {
            continue;
        }
        let (next_category, next_preferred) = scope.category(next);
        let implicit = |from, to| can_coerce(scope, from, to, CastContext::Implicit);
        let take = if chosen == oids::UNKNOWN {
            true
        } else if next_category != category {
            return Err(Conflict { left: chosen, right: next, index });
        } else {
            // Stay on a preferred type; else move to a type that the others convert to, but not the other way.
            !preferred && implicit(chosen, next) && !implicit(next, chosen)
        };
        if take {
            (chosen, category, preferred) = (next, next_category, next_preferred);
        }
    }
    Ok(if chosen == oids::UNKNOWN { oids::TEXT } else { chosen })
}

/// Whether every type converts implicitly to the chosen one.
pub(super) fn all_convert(scope: &dyn Scope, types: &[Oid], chosen: Oid) -> bool {
    types.iter().all(|ty| can_coerce(scope, *ty, chosen, CastContext::Implicit))
}

/// The modifier all alternatives share, if they all have the common type already; else -1.
pub fn select_common_typmod(types: &[Type], common: Oid) -> i32 {
    match types.split_first() {
        Some((first, rest)) if first.oid == common && rest.iter().all(|ty| ty == first) => first.typmod,
        _ => -1,
    }
}

/// 42846: an alternative does not convert to the common type after all.
pub fn cannot_convert(scope: &dyn Scope, context: &str, source: Oid, target: Oid) -> Error {
    let (source, target) = (format_type(scope, source), format_type(scope, target));
    Error::new(SqlState::CANNOT_COERCE, format!("{context} could not convert type {source} to {target}"))
}
