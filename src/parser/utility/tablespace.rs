//! Tablespaces.

use sqlparser::ast::Ident;

use super::{DefElem, RelationKind, RoleSpec};

/// `CREATE TABLESPACE`.
#[derive(Clone, Debug)]
pub struct CreateTablespace {
    /// Name.
    pub name: Ident,
    /// `OWNER`.
    pub owner: Option<RoleSpec>,
    /// `LOCATION`.
    pub location: String,
    /// `WITH (…)`.
    pub options: Vec<DefElem>,
}

/// `ALTER TABLESPACE … SET (…)` and `RESET (…)`.
#[derive(Clone, Debug)]
pub struct AlterTablespace {
    /// Name.
    pub name: Ident,
    /// `RESET`.
    pub reset: bool,
    /// The options.
    pub options: Vec<DefElem>,
}

/// `DROP TABLESPACE`.
#[derive(Clone, Debug)]
pub struct DropTablespace {
    /// Name.
    pub name: Ident,
    /// `IF EXISTS`.
    pub if_exists: bool,
}

/// `ALTER … ALL IN TABLESPACE … SET TABLESPACE`.
#[derive(Clone, Debug)]
pub struct MoveTablespace {
    /// Which relations.
    pub kind: RelationKind,
    /// The tablespace they are in.
    pub from: Ident,
    /// `OWNED BY`.
    pub owners: Vec<RoleSpec>,
    /// The one they come to.
    pub to: Ident,
    /// `NOWAIT`.
    pub nowait: bool,
}
