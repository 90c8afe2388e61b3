//! SQL types: [`Type`] as plans carry it, [`TypeInfo`] as `pg_type` describes it, [`Physical`] as memory holds it.

use std::sync::Arc;

use crate::{Datum, Oid, builtin_types, oids};

/// A type as an expression has it: `pg_type.oid` and type modifier (-1: none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// `pg_type.oid`.
    pub oid: Oid,
    /// Type modifier as PostgreSQL encodes it: `varchar(n)` n+4, `numeric(p,s)` ((p<<16)|s)+4, `timestamp(p)` p.
    pub typmod: i32,
}

impl Type {
    /// The type without a modifier.
    pub const fn new(oid: Oid) -> Self {
        Type { oid, typmod: -1 }
    }

    /// The type with a modifier.
    pub const fn with_typmod(oid: Oid, typmod: i32) -> Self {
        Type { oid, typmod }
    }
}

impl From<Oid> for Type {
    fn from(oid: Oid) -> Self {
        Type::new(oid)
    }
}

/// How values of a type are laid out in columns: storage blocks and Arrow arrays agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Physical {
    /// Arrow `Boolean`.
    Bool,
    /// Arrow `Int16`.
    Int2,
    /// Arrow `Int32`.
    Int4,
    /// Arrow `Int64`.
    Int8,
    /// Arrow `Float32`.
    Float4,
    /// Arrow `Float64`.
    Float8,
    /// Arrow `Date32`.
    Date,
    /// Arrow `Time64(Microsecond)`.
    Time,
    /// Arrow `Timestamp(Microsecond)` without zone, for `timestamp` and `timestamptz` alike.
    Timestamp,
    /// Arrow `FixedSizeBinary(16)`.
    Uuid,
    /// Arrow `UInt32`: `oid` and the `reg…` types.
    Oid,
    /// Arrow `UInt32`: an enum's sort code.
    Enum,
    /// Arrow `Utf8View`.
    Text,
    /// Arrow `BinaryView` of the bytes themselves.
    Bytea,
    /// Arrow `BinaryView` of the self-describing form in [`crate::opaque`]: numeric, interval, timetz, jsonb, arrays
    /// (whose dimensions and lower bounds Arrow's `List` cannot say), composites and ranges.
    Opaque,
}

/// `pg_type.typtype`, with what that kind of type needs.
#[derive(Clone, Debug)]
pub enum TypeKind {
    /// `b`: a base type; `element` is set for array types (and the two vectors).
    Base,
    /// `c`: a row type; `pg_type.typrelid` is in [`TypeInfo::relation`].
    Composite(Arc<[Field]>),
    /// `d`: a domain over another type.
    Domain(Type),
    /// `e`: an enum with its labels in order.
    Enum(Arc<[EnumLabel]>),
    /// `p`: a pseudo-type.
    Pseudo,
    /// `r`: a range over a subtype.
    Range(Oid),
    /// `m`: a multirange over a range type.
    Multirange(Oid),
}

/// A field of a composite type.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
}

/// One label of an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumLabel {
    /// `pg_enum.oid`.
    pub oid: Oid,
    /// Orders the label in its type and is its stored value; labels added later get a code between their neighbours'.
    pub code: u32,
    /// The label.
    pub label: Arc<str>,
}

/// A row of `pg_type`.
#[derive(Clone, Debug)]
pub struct TypeInfo {
    /// `oid`.
    pub oid: Oid,
    /// `typname`.
    pub name: Arc<str>,
    /// `typnamespace`.
    pub namespace: Oid,
    /// `typowner`.
    pub owner: Oid,
    /// `typtype` and its details.
    pub kind: TypeKind,
    /// `typcategory`.
    pub category: u8,
    /// `typispreferred`.
    pub preferred: bool,
    /// `typlen`.
    pub len: i16,
    /// `typbyval`.
    pub by_value: bool,
    /// `typalign`.
    pub align: u8,
    /// `typdelim`.
    pub delimiter: u8,
    /// `typrelid`, or zero.
    pub relation: Oid,
    /// `typelem`, or zero.
    pub element: Oid,
    /// `typarray`, or zero.
    pub array: Oid,
    /// `typcollation`, or zero.
    pub collation: Oid,
    /// `typinput`, by name; the other I/O functions follow from the built-in table.
    pub input: Arc<str>,
}

impl TypeInfo {
    /// Whether values are arrays in the sense of `ARRAY[…]` and subscripts (`typsubscript = array_subscript_handler`).
    pub fn is_array(&self) -> bool {
        self.element.is_valid() && self.len == -1 && self.input.as_ref() == "array_in"
    }

    /// The built-in type whose values a base type's are: of a user's type, the one that its input function reads.
    pub fn model(&self) -> Oid {
        if self.oid < Oid::FIRST_NORMAL || !matches!(self.kind, TypeKind::Base) || self.is_array() {
            return self.oid;
        }
        builtin_types::read_by(&self.input).unwrap_or(self.oid)
    }

    /// The layout of values in columns. Domains have the layout of their base, which the caller resolves first.
    pub fn physical(&self) -> Physical {
        match &self.kind {
            TypeKind::Enum(_) => Physical::Enum,
            TypeKind::Base | TypeKind::Pseudo => physical_of_builtin(self.model()),
            _ => Physical::Opaque,
        }
    }
}

/// The layout of a built-in type; whatever has no flat one is [`Physical::Opaque`].
pub fn physical_of_builtin(oid: Oid) -> Physical {
    match oid {
        oids::BOOL => Physical::Bool,
        oids::INT2 => Physical::Int2,
        oids::INT4 => Physical::Int4,
        oids::INT8 | oids::XID8 | oids::PG_LSN | oids::MONEY | oids::TID => Physical::Int8,
        oids::FLOAT4 => Physical::Float4,
        oids::FLOAT8 => Physical::Float8,
        oids::DATE => Physical::Date,
        oids::TIME => Physical::Time,
        oids::TIMESTAMP | oids::TIMESTAMPTZ => Physical::Timestamp,
        oids::UUID => Physical::Uuid,
        oids::OID
        | oids::XID
        | oids::CID
        | oids::REGPROC
        | oids::REGPROCEDURE
        | oids::REGOPER
        | oids::REGOPERATOR
        | oids::REGCLASS
        | oids::REGTYPE
        | oids::REGROLE
        | oids::REGNAMESPACE
        | oids::REGCOLLATION
        | oids::REGCONFIG
        | oids::REGDICTIONARY => Physical::Oid,
        oids::TEXT
        | oids::VARCHAR
        | oids::BPCHAR
        | oids::NAME
        | oids::CHAR
        | oids::UNKNOWN
        | oids::CSTRING
        | oids::JSON
        | oids::JSONPATH
        | oids::XML
        | oids::REFCURSOR
        | oids::PG_NODE_TREE
        | oids::BIT
        | oids::VARBIT
        | oids::ACLITEM
        | oids::PG_SNAPSHOT
        | oids::TXID_SNAPSHOT => Physical::Text,
        oids::BYTEA | oids::TSVECTOR | oids::TSQUERY => Physical::Bytea,
        oids::INET | oids::CIDR | oids::MACADDR | oids::MACADDR8 => Physical::Bytea,
        oid if crate::geometry::is_geometric(oid) => Physical::Bytea,
        _ => Physical::Opaque,
    }
}

/// Finds types; the catalog implements it, built-in types alone are [`crate::builtin_types`].
pub trait TypeLookup {
    /// The type with this oid.
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>>;

    /// The layout of a type's values, through domains.
    fn physical(&self, oid: Oid) -> Physical {
        match self.type_info(oid) {
            Some(info) => match &info.kind {
                TypeKind::Domain(base) => self.physical(base.oid),
                _ => info.physical(),
            },
            None => Physical::Opaque,
        }
    }

    /// The type a domain stands for, through nested domains; any other type itself.
    fn base_type(&self, ty: Type) -> Type {
        match self.type_info(ty.oid).as_deref() {
            Some(TypeInfo { kind: TypeKind::Domain(base), .. }) => self.base_type(*base),
            _ => ty,
        }
    }
}

/// A value with its type.
#[derive(Clone, Debug)]
pub struct Typed {
    /// The value.
    pub value: Datum,
    /// Its type.
    pub ty: Type,
}
