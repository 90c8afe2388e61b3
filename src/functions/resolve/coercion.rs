//! How a value of one type becomes a value of another (`find_coercion_pathway`, `can_coerce_type`).

use dictdb_types::{Error, Oid, SqlState, oids};

use super::message::format_type;
use super::polymorphic;
use super::traits::{STRING, TypeTraits};
use super::{Scope, is_polymorphic};
use crate::facts::{CastContext, CastMethod};

/// What converts a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coercion {
    /// Nothing: the types are the same, or the target takes anything.
    Identity,
    /// Nothing but the name of the type.
    Relabel,
    /// A call of this `pg_proc` function. One with two or three parameters also takes the target's type modifier and
    /// whether the cast is explicit, and has then applied the modifier.
    Function(Oid),
    /// The output function, then the input function; for `unknown` just the latter.
    ViaIo,
    /// Each element of an array.
    Array(Box<Coercion>),
    /// An anonymous row becomes a named one, field by field.
    RecordToComposite,
    /// The row of a child table becomes one of its parent, field by field by name.
    ChildToParent,
    /// First to the domain's base type, then the domain's constraints are checked.
    ToDomain(Box<Coercion>),
}

/// The conversion from one type to another that this context permits; `None` when there is none.
///
/// `unknown`, the type of string literals and undecided parameters, converts to everything. A type modifier of the
/// target is applied separately, by [`length_coercion`].
pub fn coercion_path(scope: &dyn Scope, source: Oid, target: Oid, context: CastContext) -> Option<Coercion> {
    if source == target || target == oids::ANY || is_polymorphic(target) {
        return Some(Coercion::Identity);
    }
    let base = scope.base_of(target);
    let path = if source == oids::UNKNOWN { Some(Coercion::ViaIo) } else { pathway(scope, source, base, context) };
    let path = path.or_else(|| row_path(scope, source, base))?;
    Some(if base == target { path } else { Coercion::ToDomain(Box::new(path)) })
}

/// The part of [`coercion_path`] that `pg_cast` and its general rules decide; the target is no domain.
pub(super) fn pathway(scope: &dyn Scope, source: Oid, target: Oid, context: CastContext) -> Option<Coercion> {
    let source = scope.base_of(source);
    if source == target {
        return Some(Coercion::Relabel);
    }
    let path = match scope.cast(source, target) {
        Some(cast) if context >= cast.context => Some(match cast.method {
            CastMethod::Function(function) => Coercion::Function(function),
            CastMethod::Binary => Coercion::Relabel,
            CastMethod::InOut => Coercion::ViaIo,
        }),
        Some(_) => None,
        None => array_path(scope, source, target, context).or_else(|| {
            // Every type has a text form: it may be stored in a string column, and be read back by an explicit cast.
            let through_text = (context >= CastContext::Assignment && scope.category(target).0 == STRING)
                || (context >= CastContext::Explicit && scope.category(source).0 == STRING);
            through_text.then_some(Coercion::ViaIo)
        }),
    };
    path.or_else(|| (context == CastContext::PlPgSql).then_some(Coercion::ViaIo))
}

/// Arrays convert element by element. The two vectors are no targets: they would capture what should become an array.
fn array_path(scope: &dyn Scope, source: Oid, target: Oid, context: CastContext) -> Option<Coercion> {
    if matches!(target, oids::OIDVECTOR | oids::INT2VECTOR) {
        return None;
    }
    let (from, to) = (scope.element_of(source)?, scope.element_of(target)?);
    // Elements may be domains, whose constraints then are checked for each element.
    let base = scope.base_of(to);
    let element = pathway(scope, from, base, context)?;
    let element = if base == to { element } else { Coercion::ToDomain(Box::new(element)) };
    Some(Coercion::Array(Box::new(element)))
}

/// Conversions between rows that no cast describes.
fn row_path(scope: &dyn Scope, source: Oid, target: Oid) -> Option<Coercion> {
    if source == oids::RECORD && scope.is_composite(target) {
        Some(Coercion::RecordToComposite)
    } else if (target == oids::RECORD && scope.is_composite(source))
        || (target == oids::RECORD_ARRAY && scope.is_composite_array(source))
    {
        Some(Coercion::Relabel)
    } else if scope.inherits(source, target) {
        Some(Coercion::ChildToParent)
    } else {
        None
    }
}

/// Whether one type converts to another in this context.
pub fn can_coerce(scope: &dyn Scope, source: Oid, target: Oid, context: CastContext) -> bool {
    can_coerce_all(scope, &[source], &[target], context)
}

/// Whether arguments of some types convert to parameters of others, polymorphic ones included, which must agree
/// among each other.
pub fn can_coerce_all(scope: &dyn Scope, sources: &[Oid], targets: &[Oid], context: CastContext) -> bool {
    let mut polymorphic_target = false;
    for (source, target) in sources.iter().zip(targets) {
        if is_polymorphic(*target) {
            polymorphic_target = true;
        } else if coercion_path(scope, *source, *target, context).is_none() {
            return false;
        }
    }
    !polymorphic_target || polymorphic::is_consistent(scope, sources, targets)
}

/// The function that applies a type modifier to a value of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthCoercion {
    /// `pg_proc.oid`. Parameters: value, modifier, and if there is a third one, whether the cast is explicit.
    pub function: Oid,
    /// Number of parameters of the function.
    pub arg_count: usize,
    /// Whether it is applied to each element of an array.
    pub array: bool,
}

/// How a type modifier is applied, if the type has any use for one. The type is no domain.
pub fn length_coercion(scope: &dyn Scope, ty: Oid) -> Option<LengthCoercion> {
    let element = scope.element_of(ty);
    let ty = element.unwrap_or(ty);
    match scope.cast(ty, ty)?.method {
        CastMethod::Function(function) => {
            Some(LengthCoercion { function, arg_count: scope.function_arg_count(function), array: element.is_some() })
        }
        CastMethod::Binary | CastMethod::InOut => None,
    }
}

/// 42846: no cast between two types.
pub fn cannot_cast(scope: &dyn Scope, source: Oid, target: Oid) -> Error {
    let (source, target) = (format_type(scope, source), format_type(scope, target));
    Error::new(SqlState::CANNOT_COERCE, format!("cannot cast type {source} to {target}"))
}
