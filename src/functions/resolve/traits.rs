//! Questions about types that resolution asks over and over.

use dictdb_types::{Oid, Type, TypeInfo, TypeKind, TypeLookup, oids};

use super::Scope;

/// Category `S`: strings.
pub(super) const STRING: u8 = b'S';

/// Properties of types by oid; an unknown oid has none.
pub trait TypeTraits: TypeLookup {
    /// `typcategory` and `typispreferred`.
    fn category(&self, oid: Oid) -> (u8, bool) {
        self.type_info(oid).map_or((0, false), |info| (info.category, info.preferred))
    }

    /// Whether a type is the preferred one of this category.
    fn is_preferred(&self, category: u8, oid: Oid) -> bool {
        self.category(oid) == (category, true)
    }

    /// The type below a domain; any other type itself.
    fn base_of(&self, oid: Oid) -> Oid {
        self.base_type(Type::new(oid)).oid
    }

    /// Element type of a true array type, `int2vector` and `oidvector` included; domains are not looked through.
    fn element_of(&self, oid: Oid) -> Option<Oid> {
        let info = self.type_info(oid)?;
        (info.len == -1 && info.element.is_valid()).then_some(info.element)
    }

    /// The array type over an element type.
    fn array_of(&self, oid: Oid) -> Option<Oid> {
        self.type_info(oid).map(|info| info.array).filter(|array| array.is_valid())
    }

    /// Whether values are arrays, also of a domain over an array type.
    fn is_array_or_domain(&self, oid: Oid) -> bool {
        self.element_of(self.base_of(oid)).is_some()
    }

    /// Whether a type is an enum.
    fn is_enum(&self, oid: Oid) -> bool {
        matches!(self.type_info(oid).as_deref(), Some(TypeInfo { kind: TypeKind::Enum(_), .. }))
    }

    /// Whether a type is a named row type, or a domain over one.
    fn is_composite(&self, oid: Oid) -> bool {
        matches!(self.type_info(self.base_of(oid)).as_deref(), Some(TypeInfo { kind: TypeKind::Composite(_), .. }))
    }

    /// Whether a type is an array over a named row type.
    fn is_composite_array(&self, oid: Oid) -> bool {
        self.element_of(oid).is_some_and(|element| self.is_composite(element))
    }

    /// The subtype of a range type.
    fn range_subtype(&self, oid: Oid) -> Option<Oid> {
        match self.type_info(oid)?.kind {
            TypeKind::Range(subtype) => Some(subtype),
            _ => None,
        }
    }

    /// The range type of a multirange type.
    fn range_of_multirange(&self, oid: Oid) -> Option<Oid> {
        match self.type_info(oid)?.kind {
            TypeKind::Multirange(range) => Some(range),
            _ => None,
        }
    }
}

impl<T: TypeLookup + ?Sized> TypeTraits for T {}

/// Whether a value of the first type may stand where the second is wanted without any conversion. `anyarray` and its
/// kind accept what they describe (`IsBinaryCoercible`).
pub fn is_binary_coercible(scope: &dyn Scope, source: Oid, target: Oid) -> bool {
    if source == target || matches!(target, oids::ANY | oids::ANYELEMENT | oids::ANYCOMPATIBLE) {
        return true;
    }
    let source = scope.base_of(source);
    if source == target {
        return true;
    }
    let kind_fits = match target {
        oids::ANYARRAY | oids::ANYCOMPATIBLEARRAY => scope.element_of(source).is_some(),
        oids::ANYNONARRAY | oids::ANYCOMPATIBLENONARRAY => scope.element_of(source).is_none(),
        oids::ANYENUM => scope.is_enum(source),
        oids::ANYRANGE | oids::ANYCOMPATIBLERANGE => scope.range_subtype(source).is_some(),
        oids::ANYMULTIRANGE | oids::ANYCOMPATIBLEMULTIRANGE => scope.range_of_multirange(source).is_some(),
        oids::RECORD => scope.is_composite(source),
        oids::RECORD_ARRAY => scope.is_composite_array(source),
        _ => false,
    };
    kind_fits
        || scope.cast(source, target).is_some_and(|cast| {
            cast.method == crate::facts::CastMethod::Binary && cast.context == crate::facts::CastContext::Implicit
        })
}
