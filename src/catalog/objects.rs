//! The objects a catalog version holds. All are immutable: a change puts a new object in place of the old one.
//!
//! Expressions (defaults, checks, index keys, views) are kept as SQL text in canonical form: every cast explicit, every
//! name that is not in `pg_catalog` qualified. Binding that text again gives the same expression whatever the
//! search_path; the planner's deparser makes it.

use std::sync::Arc;

use dictdb_types::{Datum, Oid, Type};

use crate::foreign::{ForeignOptions, ForeignTable};
use crate::foreign_key::ReferencedPart;
use crate::index_method::IndexMethod;
use crate::partition::{PartitionBound, PartitionKey};
use crate::policy::Policy;
use crate::rule::Rule;
use crate::trigger::Firing;

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

impl Schema {
    /// Whether it holds the temporary objects of a session.
    pub fn is_temporary(&self) -> bool {
        self.name.starts_with("pg_temp_")
    }
}

/// `pg_class.oid` of the tables that all databases have in common (`IsSharedRelation`).
const SHARED_TABLES: [u32; 11] = [1213, 1214, 1260, 1261, 1262, 2396, 2964, 3592, 6000, 6100, 6243];

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
    /// `reltablespace`; zero is that of the database. What a partitioned relation has is for its new partitions.
    pub tablespace: Oid,
    /// `relam` of a table or materialized view, where CREATE ACCESS METHOD made it; zero is the built-in one.
    pub access_method: Oid,
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
    /// The index that `indisclustered` is set of, or zero.
    pub clustered_on: Oid,
    /// `relreplident`.
    pub replica_identity: ReplicaIdentity,
    /// `relrowsecurity`.
    pub row_security: bool,
    /// `relforcerowsecurity`.
    pub force_row_security: bool,
    /// `pg_policy` with `polrelid` of this table, by name.
    pub policies: Vec<Arc<Policy>>,
    /// `pg_rewrite` with `ev_class` of this relation, by name; without the rule of a view.
    pub rules: Vec<Arc<Rule>>,
    /// `reloftype`.
    pub of_type: Oid,
    /// `pg_inherits.inhparent`, in order.
    pub parents: Vec<Oid>,
    /// Relations that inherit from this one, in the order of their creation.
    pub children: Vec<Oid>,
    /// `inhdetachpending`: a partition that is being detached, of which its parent knows nothing any more.
    pub detach_pending: bool,
    /// What a commit does to a temporary table.
    pub on_commit: OnCommit,
    /// `pg_partitioned_table`: how the rows of a partitioned table are divided.
    pub partition_key: Option<Arc<PartitionKey>>,
    /// `relpartbound`: which rows of its only parent a partition takes.
    pub bound: Option<Arc<PartitionBound>>,
    /// `pg_foreign_table`: where the rows of a foreign table are. It is a table in all other respects.
    pub foreign: Option<Arc<ForeignTable>>,
    /// `attacl` of the system columns that have a list, by attnum from the lowest on.
    pub system_acls: Vec<(i16, Vec<Arc<str>>)>,
}

/// `ON COMMIT` of a temporary table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCommit {
    /// Nothing.
    #[default]
    PreserveRows,
    /// Empties it.
    DeleteRows,
    /// Drops it.
    Drop,
}

/// `pg_class.relreplident`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplicaIdentity {
    /// `d`: the primary key.
    #[default]
    Default,
    /// `n`.
    Nothing,
    /// `f`.
    Full,
    /// `i`: this index.
    Index(Oid),
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
    /// `m`.
    MaterializedView(Arc<ViewInfo>),
    /// `c`: a composite type made by CREATE TYPE.
    Composite,
    /// A system catalog whose rows are made from the catalog itself (`relkind` `r` or `v` to clients).
    Virtual,
}

/// `pg_class.relpersistence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// `attstattarget`: -1 is the default.
    pub statistics: i32,
    /// `attstorage`, where it is not the type's own.
    pub storage: Option<u8>,
    /// `attcompression`, where it was set.
    pub compression: Option<u8>,
    /// `attoptions` as `name=value`.
    pub options: Vec<Arc<str>>,
    /// `attislocal`: defined by the table itself.
    pub local: bool,
    /// `attinhcount`: the number of parents that have it.
    pub inherited: i32,
    /// `attfdwoptions`.
    pub foreign_options: ForeignOptions,
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
    /// `relam`.
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
    /// `relkind = 'I'`: of a partitioned table; its children are the indexes of the partitions.
    pub partitioned: bool,
    /// `indisvalid = false`: partitions lack their part of it.
    pub invalid: bool,
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
    /// `attstattarget` of an expression, when it has one of its own.
    pub statistics: Option<i32>,
    /// `COLLATE`, when the index names one.
    pub collation: Option<Oid>,
    /// `attoptions`: options of the operator class, as `name=value`.
    pub options: Vec<Arc<str>>,
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
    /// `relispopulated`: false for a materialized view made WITH NO DATA.
    pub populated: bool,
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
    /// `conislocal`: defined by the table itself.
    pub local: bool,
    /// `coninhcount`: the number of parents that have it.
    pub inherited: i32,
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
    /// `x`: no two rows satisfy all operators with their keys.
    Exclude {
        /// `conkey`; zero for an expression.
        columns: Vec<i16>,
        /// `conindid`.
        index: Oid,
        /// `conexclop`.
        operators: Vec<Oid>,
    },
}

impl ConstraintKind {
    /// The index of its own that keeps it.
    pub fn index(&self) -> Option<Oid> {
        match self {
            ConstraintKind::Primary { index, .. }
            | ConstraintKind::Unique { index, .. }
            | ConstraintKind::Exclude { index, .. } => Some(*index),
            ConstraintKind::Check { .. } | ConstraintKind::Foreign(_) => None,
        }
    }
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
    /// `tgenabled` of the triggers that check referencing rows; `None` is `O`.
    pub check_firing: Option<Firing>,
    /// `tgenabled` of the triggers that act when a referenced row goes; `None` is `O`.
    pub action_firing: Option<Firing>,
    /// What it has for the partitions of the table it refers to, outer ones first.
    pub parts: Vec<ReferencedPart>,
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

/// What a domain adds to its base type: `pg_type.typnotnull`, `typdefault` and constraints.
#[derive(Clone, Debug)]
pub struct Domain {
    /// `pg_type.oid`.
    pub oid: Oid,
    /// `typnotnull`.
    pub not_null: bool,
    /// `typdefaultbin`: canonical text.
    pub default: Option<Arc<str>>,
    /// CHECK constraints over `VALUE`, in order of creation.
    pub checks: Vec<DomainCheck>,
}

/// A CHECK constraint of a domain.
#[derive(Clone, Debug)]
pub struct DomainCheck {
    /// `pg_constraint.oid`.
    pub oid: Oid,
    /// `conname`.
    pub name: Arc<str>,
    /// Canonical text over `VALUE`.
    pub expression: Arc<str>,
    /// `convalidated`.
    pub validated: bool,
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

impl Column {
    /// A column with nothing but a name, a type and a place in storage.
    pub fn new(name: impl Into<Arc<str>>, ty: Type, slot: usize) -> Self {
        Column {
            name: name.into(),
            ty,
            not_null: false,
            default: None,
            identity: None,
            generated: false,
            dropped: false,
            collation: Oid::INVALID,
            slot,
            missing: Datum::Null,
            acl: None,
            statistics: -1,
            storage: None,
            compression: None,
            options: Vec::new(),
            local: true,
            inherited: 0,
            foreign_options: Vec::new(),
        }
    }
}

impl Relation {
    /// A relation with nothing but its name and kind.
    pub fn new(oid: Oid, namespace: Oid, name: Arc<str>, owner: Oid, kind: RelationKind) -> Self {
        Relation {
            oid,
            name,
            namespace,
            owner,
            kind,
            persistence: Persistence::Permanent,
            columns: Arc::from([]),
            row_type: Oid::INVALID,
            storage: Oid::INVALID,
            tablespace: Oid::INVALID,
            access_method: Oid::INVALID,
            acl: None,
            options: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            referenced_by: Vec::new(),
            clustered_on: Oid::INVALID,
            replica_identity: ReplicaIdentity::Default,
            row_security: false,
            force_row_security: false,
            policies: Vec::new(),
            rules: Vec::new(),
            of_type: Oid::INVALID,
            parents: Vec::new(),
            children: Vec::new(),
            detach_pending: false,
            on_commit: OnCommit::PreserveRows,
            partition_key: None,
            bound: None,
            foreign: None,
            system_acls: Vec::new(),
        }
    }

    /// Whether it is a system catalog; views over them are none.
    pub fn is_system_table(&self) -> bool {
        matches!(self.kind, RelationKind::Virtual) || self.is_stored() && self.oid < Oid::FIRST_NORMAL
    }

    /// Whether it has rows of its own in storage: tables and materialized views.
    pub fn is_stored(&self) -> bool {
        matches!(self.kind, RelationKind::Table | RelationKind::MaterializedView(_))
    }

    /// `relisshared`: whether it is one of the tables that all databases have in common, or an index of one.
    pub fn is_shared(&self) -> bool {
        let table = self.index().map_or(self.oid, |index| index.table);
        SHARED_TABLES.contains(&table.0)
    }

    /// Whether its rows are in partitions.
    pub fn is_partitioned(&self) -> bool {
        self.partition_key.is_some()
    }

    /// Whether it is a partition.
    pub fn is_partition(&self) -> bool {
        self.bound.is_some()
    }

    /// The partitioned table it is a partition of.
    pub fn partition_parent(&self) -> Option<Oid> {
        self.bound.as_ref().and(self.parents.first().copied())
    }

    /// The query of a view or materialized view.
    pub fn view(&self) -> Option<&Arc<ViewInfo>> {
        match &self.kind {
            RelationKind::View(info) | RelationKind::MaterializedView(info) => Some(info),
            _ => None,
        }
    }

    /// The value of a storage parameter.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find_map(|option| option.split_once('=').filter(|(key, _)| *key == name).map(|(_, v)| v))
    }

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
        match &self.kind {
            RelationKind::Table if self.is_partitioned() => 'p',
            RelationKind::Table if self.foreign.is_some() => 'f',
            RelationKind::Table | RelationKind::Virtual => 'r',
            RelationKind::Index(info) if info.partitioned => 'I',
            RelationKind::Index(_) => 'i',
            RelationKind::Sequence(_) => 'S',
            RelationKind::View(_) => 'v',
            RelationKind::MaterializedView(_) => 'm',
            RelationKind::Composite => 'c',
        }
    }

    /// The kind in words, as messages have it.
    pub fn kind_noun(&self) -> &'static str {
        match self.kind {
            RelationKind::Table if self.foreign.is_some() => "foreign table",
            RelationKind::Table | RelationKind::Virtual => "table",
            RelationKind::Index(_) => "index",
            RelationKind::Sequence(_) => "sequence",
            RelationKind::View(_) => "view",
            RelationKind::MaterializedView(_) => "materialized view",
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
