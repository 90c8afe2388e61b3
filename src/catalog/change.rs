//! Changes to a catalog, as a transaction collects them and (later) the log records them.

use std::sync::Arc;

use dictdb_functions::facts::Cast;
use dictdb_types::{Oid, TypeInfo};

use crate::{
    BaseInfo, Definition, DefinitionKind, Domain, Extension, Operator, OperatorClass, OperatorFamily, RangeInfo,
    Relation, Role, Routine, Schema, Trigger,
};

/// A new or replaced object.
#[derive(Clone, Debug)]
pub enum Object {
    /// A schema.
    Schema(Arc<Schema>),
    /// A relation.
    Relation(Arc<Relation>),
    /// A user's type.
    Type(Arc<TypeInfo>),
    /// What a domain adds to its type.
    Domain(Arc<Domain>),
    /// A role.
    Role(Arc<Role>),
    /// A user's function, procedure or aggregate.
    Routine(Arc<Routine>),
    /// A trigger.
    Trigger(Arc<Trigger>),
    /// An extension.
    Extension(Arc<Extension>),
    /// An operator.
    Operator(Arc<Operator>),
    /// A cast.
    Cast(Arc<Cast>),
    /// An operator class.
    OperatorClass(Arc<OperatorClass>),
    /// An operator family, or what was added to a built-in one.
    OperatorFamily(Arc<OperatorFamily>),
    /// What a range type is over.
    Range(Arc<RangeInfo>),
    /// The functions of a base type.
    Base(Arc<BaseInfo>),
    /// A statistics object, text search object or publication.
    Definition(Arc<Definition>),
}

/// Names an object, or a part of one that something can depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A schema.
    Schema(Oid),
    /// A relation.
    Relation(Oid),
    /// A column: relation and attnum.
    Column(Oid, i16),
    /// The default of a column: relation and attnum.
    Default(Oid, i16),
    /// A constraint: relation and constraint.
    Constraint(Oid, Oid),
    /// A type.
    Type(Oid),
    /// A function.
    Function(Oid),
    /// A trigger: relation and trigger.
    Trigger(Oid, Oid),
    /// An extension.
    Extension(Oid),
    /// An operator.
    Operator(Oid),
    /// A cast.
    Cast(Oid),
    /// An operator class.
    OperatorClass(Oid),
    /// An operator family.
    OperatorFamily(Oid),
    /// A policy: relation and policy.
    Policy(Oid, Oid),
    /// A rule: relation and rule.
    Rule(Oid, Oid),
    /// A statistics object, text search object or publication.
    Definition(DefinitionKind, Oid),
    /// A table of a publication: publication and row of `pg_publication_rel`.
    Published(Oid, Oid),
    /// A role.
    Role(Oid),
}

impl Key {
    /// The relation that it is a part of, or the domain.
    pub fn whole(self) -> Option<Oid> {
        match self {
            Key::Column(whole, _)
            | Key::Default(whole, _)
            | Key::Constraint(whole, _)
            | Key::Trigger(whole, _)
            | Key::Policy(whole, _)
            | Key::Rule(whole, _) => Some(whole),
            _ => None,
        }
    }

    /// The object as `pg_description` names it: system catalog, oid, column. Defaults have no comments.
    pub fn address(self) -> Option<(Oid, Oid, i32)> {
        Some(match self {
            Key::Schema(oid) => (Oid(2615), oid, 0),
            Key::Relation(oid) => (Oid(1259), oid, 0),
            Key::Column(oid, attnum) => (Oid(1259), oid, attnum.into()),
            Key::Constraint(_, oid) => (Oid(2606), oid, 0),
            Key::Type(oid) => (Oid(1247), oid, 0),
            Key::Function(oid) => (Oid(1255), oid, 0),
            Key::Trigger(_, oid) => (Oid(2620), oid, 0),
            Key::Extension(oid) => (Oid(3079), oid, 0),
            Key::Operator(oid) => (Oid(2617), oid, 0),
            Key::Cast(oid) => (Oid(2605), oid, 0),
            Key::OperatorClass(oid) => (Oid(2616), oid, 0),
            Key::OperatorFamily(oid) => (Oid(2753), oid, 0),
            Key::Policy(_, oid) => (Oid(3256), oid, 0),
            Key::Rule(_, oid) => (Oid(2618), oid, 0),
            Key::Definition(kind, oid) => (kind.class(), oid, 0),
            Key::Published(_, oid) => (Oid(6106), oid, 0),
            Key::Role(oid) => (Oid(1260), oid, 0),
            Key::Default(..) => return None,
        })
    }

    pub(crate) const MIN: Key = Key::Schema(Oid(0));
    pub(crate) const MAX: Key = Key::Role(Oid(u32::MAX));
}

/// `pg_depend.deptype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// `n`: DROP needs CASCADE.
    Normal,
    /// `a`: dropped along silently.
    Auto,
    /// `i`: part of the other; cannot be dropped alone.
    Internal,
    /// `e`: a member of an extension; cannot be dropped alone.
    Extension,
}

/// `relpages` and `reltuples` of a table as somebody has set them, which hold until VACUUM, ANALYZE or a rewrite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToldSize {
    /// The table in storage: a rewrite gives it another one.
    pub storage: Oid,
    /// `relpages`.
    pub pages: i32,
    /// `reltuples`.
    pub tuples: f32,
}

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// Creates or replaces.
    Put(Object),
    /// Removes, with the dependencies the object had on others.
    Remove(Key),
    /// Sets or clears a comment: (catalog, object, sub-object).
    Comment((Oid, Oid, i32), Option<Arc<str>>),
    /// Sets the access control list of what has no entry of its own to keep it: databases, types. `None` is the default.
    Acl {
        /// The system catalog the object is of.
        class: Oid,
        /// The object.
        object: Oid,
        /// Its list.
        acl: Option<Vec<Arc<str>>>,
    },
    /// Sets the list that future objects begin with; `None` is the built-in default.
    DefaultAcl {
        /// `pg_default_acl`'s role, schema (zero is every schema) and kind of objects.
        place: (Oid, Oid, u8),
        /// `pg_default_acl.oid`.
        oid: Oid,
        /// The list.
        acl: Option<Vec<Arc<str>>>,
    },
    /// Sets what sessions of a role in a database begin with (`pg_db_role_setting`), as `name=value`; zero is every role, or every
    /// database. What a role has in every database is the role's own.
    Settings {
        /// Database and role.
        place: (Oid, Oid),
        /// The values; `None` is nothing.
        values: Option<Vec<Arc<str>>>,
    },
    /// Sets the access control list of a configuration parameter, by its name in lower case. It has an oid while it has a list of
    /// its own; `None` is the default.
    Parameter(Arc<str>, Option<(Oid, Vec<Arc<str>>)>),
    /// Sets the size that a table is said to have; `None`: it has the size it has.
    ToldSize(Oid, Option<ToldSize>),
    /// Records a dependency.
    Depend {
        /// Who depends.
        dependent: Key,
        /// On what.
        on: Key,
        /// How.
        kind: Dependency,
    },
    /// Forgets all dependencies that an object has on others.
    Undepend {
        /// Who depended.
        dependent: Key,
    },
}
