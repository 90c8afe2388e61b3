//! What range types and base types that users made have beyond [`dictdb_types::TypeInfo`]: `pg_range` and the functions in `pg_type`.

use std::sync::Arc;

use dictdb_types::{Oid, TypeInfo, TypeKind, TypeLookup, builtin_types};

use crate::Catalog;

/// A row of `pg_range`. Zero is "none" in every oid.
#[derive(Clone, Debug)]
pub struct RangeInfo {
    /// `rngtypid`.
    pub range: Oid,
    /// `rngsubtype`.
    pub subtype: Oid,
    /// `rngmultitypid`.
    pub multirange: Oid,
    /// `rngcollation`.
    pub collation: Oid,
    /// `rngsubopc`.
    pub operator_class: Oid,
    /// `rngcanonical`.
    pub canonical: Oid,
    /// `rngsubdiff`.
    pub subdiff: Oid,
}

/// The functions of a base type, as `pg_type` has them. Zero is "none".
#[derive(Clone, Debug)]
pub struct BaseInfo {
    /// The type; a shell type has no functions.
    pub ty: Oid,
    /// `typinput`.
    pub input: Oid,
    /// `typoutput`.
    pub output: Oid,
    /// `typreceive`.
    pub receive: Oid,
    /// `typsend`.
    pub send: Oid,
    /// `typmodin`.
    pub modin: Oid,
    /// `typmodout`.
    pub modout: Oid,
    /// `typanalyze`.
    pub analyze: Oid,
    /// `typsubscript`.
    pub subscript: Oid,
    /// `typstorage`.
    pub storage: u8,
    /// `typdefault`.
    pub default: Option<Arc<str>>,
    /// The same as an expression.
    pub default_expression: Option<Arc<str>>,
    /// `typisdefined`.
    pub defined: bool,
}

impl Catalog {
    /// `typstorage`.
    pub fn type_storage(&self, oid: Oid) -> u8 {
        if let Some(facts) = builtin_types::facts(oid) {
            return facts.storage;
        }
        match self.type_info(oid).as_deref() {
            Some(TypeInfo { kind: TypeKind::Domain(base), .. }) => self.type_storage(base.oid),
            Some(TypeInfo { len: -1, .. }) => b'x',
            _ => b'p',
        }
    }

    /// What a user's range type is over.
    pub fn range(&self, oid: Oid) -> Option<&Arc<RangeInfo>> {
        self.ranges.get(&oid)
    }

    /// All range types that users made, by oid.
    pub fn ranges(&self) -> impl Iterator<Item = &Arc<RangeInfo>> {
        self.ranges.values()
    }

    /// The multirange type over a range type.
    pub fn multirange_of(&self, range: Oid) -> Option<Oid> {
        let built_in = builtin_types::ranges().iter().find(|known| known.range == range);
        built_in.map(|known| known.multirange).or_else(|| self.ranges.get(&range).map(|own| own.multirange))
    }

    /// The functions of a user's base type.
    pub fn base_type_info(&self, oid: Oid) -> Option<&Arc<BaseInfo>> {
        self.base_types.get(&oid)
    }

    /// Whether a type has only been named so far.
    pub fn is_shell(&self, oid: Oid) -> bool {
        self.base_types.get(&oid).is_some_and(|own| !own.defined)
    }
}
