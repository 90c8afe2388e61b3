//! The objects a catalog version holds. All are immutable: a change puts a new object in place of the old one.
//!
//! Expressions (defaults, checks, index keys, views) are kept as SQL text in canonical form: every cast explicit, every
//! name that is not in `pg_catalog` qualified. Binding that text again gives the same expression whatever the
//! search_path; the planner's deparser makes it.

use std::sync::Arc;

use dictdb_types::{Datum, Oid, Type};

/// `pg_namespace`.
#[derive(Clone, Debug)]
pub struct Schema {
    /// `oid`.
    pub oid: Oid,
    /// `nspname`.
    pub name: Arc<str>,
    /// `nspowner`.
    pub owner: Oid,
    /// `nspacl`, as PostgreSQL prints its items; `None` is the default.
    pub acl: Option<Vec<Arc<str>>>,
}

/// `pg_class`, with what hangs on it.
#[derive(Clone, Debug)]
pub struct Relation {
    /// `oid`.
    pub oid: Oid,
    /// `relname`.
    pub name: Arc<str>,
    /// `relnamespace`.
    pub namespace: Oid,
    /// `relowner`.
    pub owner: Oid,
    /// `relkind` and its details.
    pub kind: RelationKind,
    /// `relpersistence`.
    pub persistence: Persistence,
    /// `pg_attribute` with `attnum > 0`, dropped columns included; position is `attnum - 1`.
    pub columns: Arc<[Column]>,
    /// `reltype`: the row type, or zero.
    pub row_type: Oid,
    /// `relfilenode`: the id of the table, sequence or index in storage; a rewrite or TRUNCATE gives a new one.
    pub storage: Oid,
    /// `relacl`.
    pub acl: Option<Vec<Arc<str>>>,
    /// `reloptions` as `name=value`.
    pub options: Vec<Arc<str>>,
    /// Constraints on this relation (`pg_constraint.conrelid`).
    pub constraints: Vec<Arc<Constraint>>,
    /// Indexes on this table, as relation oids in creation order.
    pub indexes: Vec<Oid>,
    /// Foreign keys of other tables (or this one) that refer here: (referencing relation, constraint oid).
    pub referenced_by: Vec<(Oid, Oid)>,
}

/// `pg_class.relkind`.
#[derive(Clone, Debug)]
pub enum RelationKind {
    /// `r`.
    Table,
    /// `i`.
    Index(Arc<IndexInfo>),
    /// `S`.
    Sequence(Arc<SequenceInfo>),
    /// `v`.
    View(Arc<ViewInfo>),
    /// `c`: a composite type made by CREATE TYPE.
    Composite,
    /// A system catalog whose rows are made from the catalog itself (`relkind` `r` or `v` to clients).
    Virtual,
}

/// `pg_class.relpersistence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// `p`.
    Permanent,
    /// `u`.
    Unlogged,
    /// `t`: belongs to one session.
    Temporary,
}

/// `pg_attribute`.
#[derive(Clone, Debug)]
pub struct Column {
    /// `attname`.
    pub name: Arc<str>,
    /// `atttypid` and `atttypmod`.
    pub ty: Type,
    /// `attnotnull`.
    pub not_null: bool,
    /// `adbin`: default, or the expression of a generated column.
    pub default: Option<Arc<str>>,
    /// `attidentity`.
    pub identity: Option<Identity>,
    /// `attgenerated = 's'`: `default` is the generation expression.
    pub generated: bool,
    /// `attisdropped`.
    pub dropped: bool,
    /// `attcollation`, or zero.
    pub collation: Oid,
    /// Column of the storage table that holds the values; stable when other columns are dropped.
    pub slot: usize,
    /// `attmissingval`: what rows older than the column hold.
    pub missing: Datum,
    /// `attacl`.
    pub acl: Option<Vec<Arc<str>>>,
}

/// `pg_attribute.attidentity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// `a`.
    Always,
    /// `d`.
    ByDefault,
}

/// `pg_index` and the access method.
#[derive(Clone, Debug)]
pub struct IndexInfo {
    /// `indrelid`.
    pub table: Oid,
    /// `pg_am.amname`: btree or hash.
    pub method: IndexMethod,
    /// `indisunique`.
    pub unique: bool,
    /// `indisprimary`.
    pub primary: bool,
    /// `indnullsnotdistinct`.
    pub nulls_not_distinct: bool,
    /// Keys in order.
    pub keys: Vec<IndexKey>,
    /// `INCLUDE` columns, as attnums.
    pub include: Vec<i16>,
    /// `indpred`.
    pub predicate: Option<Arc<str>>,
    /// `indimmediate = false`: checked at the end of the statement or transaction.
    pub deferrable: bool,
}

/// Access methods there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexMethod {
    /// Ordered.
    Btree,
    /// Equality only.
    Hash,
}

/// One key of an index.
#[derive(Clone, Debug)]
pub struct IndexKey {
    /// What is indexed.
    pub target: IndexTarget,
    /// Type of the key.
    pub ty: Type,
    /// `indclass`.
    pub opclass: Oid,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST`.
    pub nulls_first: bool,
}

/// A column or an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexTarget {
    /// `attnum`, 1-based.
    Column(i16),
    /// Canonical text of an expression over the table's columns.
    Expression(Arc<str>),
}

/// `pg_sequence`.
#[derive(Clone, Debug)]
pub struct SequenceInfo {
    /// `seqtypid`.
    pub ty: Oid,
    /// `seqstart`.
    pub start: i64,
    /// `seqincrement`.
    pub increment: i64,
    /// `seqmin`.
    pub min: i64,
    /// `seqmax`.
    pub max: i64,
    /// `seqcache`.
    pub cache: i64,
    /// `seqcycle`.
    pub cycle: bool,
    /// `OWNED BY`: table and attnum; the last field is true for identity columns.
    pub owned_by: Option<(Oid, i16, bool)>,
}

/// A view.
#[derive(Clone, Debug)]
pub struct ViewInfo {
    /// The query.
    pub query: Arc<str>,
    /// Schemas its names are looked up in: the search path it was created under.
    pub search_path: Arc<[Oid]>,
    /// `WITH CHECK OPTION`: `local` or `cascaded`.
    pub check_option: Option<CheckOption>,
}

/// `WITH CHECK OPTION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOption {
    /// `LOCAL`.
    Local,
    /// `CASCADED`.
    Cascaded,
}

/// `pg_constraint`.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// `oid`.
    pub oid: Oid,
    /// `conname`.
    pub name: Arc<str>,
    /// `conrelid`.
    pub relation: Oid,
    /// `contype` and its details.
    pub kind: ConstraintKind,
    /// `condeferrable`.
    pub deferrable: bool,
    /// `condeferred`.
    pub initially_deferred: bool,
    /// `convalidated`.
    pub validated: bool,
    /// `connoinherit`.
    pub no_inherit: bool,
}

/// `pg_constraint.contype`.
#[derive(Clone, Debug)]
pub enum ConstraintKind {
    /// `c`: canonical text, and the attnums it mentions.
    Check {
        /// `conbin`.
        expression: Arc<str>,
        /// `conkey`.
        columns: Vec<i16>,
    },
    /// `p`.
    Primary {
        /// `conkey`.
        columns: Vec<i16>,
        /// `conindid`.
        index: Oid,
    },
    /// `u`.
    Unique {
        /// `conkey`.
        columns: Vec<i16>,
        /// `conindid`.
        index: Oid,
    },
    /// `f`.
    Foreign(Arc<ForeignKey>),
}

/// A foreign key.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    /// `conkey`.
    pub columns: Vec<i16>,
    /// `confrelid`.
    pub referenced: Oid,
    /// `confkey`.
    pub referenced_columns: Vec<i16>,
    /// `conindid`: the unique index on the referenced columns.
    pub index: Oid,
    /// `confmatchtype = 'f'`.
    pub match_full: bool,
    /// `confupdtype`.
    pub on_update: ReferentialAction,
    /// `confdeltype`.
    pub on_delete: ReferentialAction,
    /// `confdelsetcols`: columns that ON DELETE SET NULL/DEFAULT sets; empty means all.
    pub delete_set_columns: Vec<i16>,
}

/// What happens to referencing rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferentialAction {
    /// `a`.
    NoAction,
    /// `r`.
    Restrict,
    /// `c`.
    Cascade,
    /// `n`.
    SetNull,
    /// `d`.
    SetDefault,
}

/// `pg_authid`.
#[derive(Clone, Debug)]
pub struct Role {
    /// `oid`.
    pub oid: Oid,
    /// `rolname`.
    pub name: Arc<str>,
    /// `rolsuper`.
    pub superuser: bool,
    /// `rolinherit`.
    pub inherit: bool,
    /// `rolcreaterole`.
    pub create_role: bool,
    /// `rolcreatedb`.
    pub create_db: bool,
    /// `rolcanlogin`.
    pub login: bool,
    /// `rolreplication`.
    pub replication: bool,
    /// `rolbypassrls`.
    pub bypass_rls: bool,
    /// `rolconnlimit`.
    pub connection_limit: i32,
    /// `rolpassword`: a SCRAM verifier.
    pub password: Option<Arc<str>>,
    /// `rolvaliduntil`, microseconds since 1970.
    pub valid_until: Option<i64>,
    /// `pg_db_role_setting` of all databases, as `name=value`.
    pub settings: Vec<Arc<str>>,
    /// Roles this one is a member of, and whether with ADMIN OPTION.
    pub member_of: Vec<(Oid, bool)>,
}

impl Relation {
    /// The column with this attnum, unless dropped.
    pub fn column(&self, attnum: i16) -> Option<&Column> {
        self.columns.get(usize::try_from(attnum).ok()?.checked_sub(1)?).filter(|column| !column.dropped)
    }

    /// Attnum and column of this name, unless dropped.
    pub fn column_named(&self, name: &str) -> Option<(i16, &Column)> {
        self.live_columns().find(|(_, column)| &*column.name == name)
    }

    /// Columns that are not dropped, with their attnums.
    pub fn live_columns(&self) -> impl Iterator<Item = (i16, &Column)> {
        self.columns.iter().enumerate().filter(|(_, c)| !c.dropped).map(|(i, c)| (i as i16 + 1, c))
    }

    /// The `pg_class.relkind` letter clients see.
    pub fn kind_letter(&self) -> char {
        match self.kind {
            RelationKind::Table | RelationKind::Virtual => 'r',
            RelationKind::Index(_) => 'i',
            RelationKind::Sequence(_) => 'S',
            RelationKind::View(_) => 'v',
            RelationKind::Composite => 'c',
        }
    }

    /// The kind in words, as messages have it.
    pub fn kind_noun(&self) -> &'static str {
        match self.kind {
            RelationKind::Table | RelationKind::Virtual => "table",
            RelationKind::Index(_) => "index",
            RelationKind::Sequence(_) => "sequence",
            RelationKind::View(_) => "view",
            RelationKind::Composite => "composite type",
        }
    }

    /// The primary key constraint.
    pub fn primary_key(&self) -> Option<&Arc<Constraint>> {
        self.constraints.iter().find(|c| matches!(c.kind, ConstraintKind::Primary { .. }))
    }

    /// The index description, for indexes.
    pub fn index(&self) -> Option<&Arc<IndexInfo>> {
        match &self.kind {
            RelationKind::Index(info) => Some(info),
            _ => None,
        }
    }
}
