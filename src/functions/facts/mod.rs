//! PostgreSQL 15's own catalog rows, exported once from a running server by `export.sh` into the tables beside this file.
//!
//! Each table is parsed on first use into rows that borrow from the program text; lookups are by oid, by name or by the
//! catalog's own unique key. Types are in [`dictdb_types::builtin_types`]. Users' objects are not here: they live in the
//! catalog crate, and [`crate::resolve::Scope`] puts both together.

mod access;
mod aggregates;
mod casts;
mod descriptions;
mod operators;
mod procs;
mod tables;

pub use access::{
    AmProc, Opclass, Opfamily, Strategy, access_method_name, access_method_names, am_procs, opclass_by_oid, opclasses,
    opfamilies, opfamily_by_oid, strategies_of_family,
};
pub use aggregates::{Aggregate, AggregateKind, aggregate, aggregates};
pub use casts::{Cast, CastContext, CastMethod, cast, casts};
pub use descriptions::description;
pub use operators::{Operator, operator_by_oid, operators, operators_named};
pub use procs::{ArgMode, Parallel, Proc, ProcKind, Volatility, proc_by_oid, procs, procs_named, procs_with_source};
pub use tables::{Row, TABLE_NAMES, Table, collation_name, table, unescape};

/// Oids of the access methods and catalogs that code refers to by name.
pub mod ids {
    use dictdb_types::Oid;

    /// `pg_am` "btree".
    pub const BTREE: Oid = Oid(403);
    /// `pg_am` "hash".
    pub const HASH: Oid = Oid(405);
    /// `pg_am` "gist".
    pub const GIST: Oid = Oid(783);
    /// `pg_am` "gin".
    pub const GIN: Oid = Oid(2742);
    /// `pg_am` "brin".
    pub const BRIN: Oid = Oid(3580);
    /// `pg_am` "spgist".
    pub const SPGIST: Oid = Oid(4000);
    /// `pg_am` "heap".
    pub const HEAP: Oid = Oid(2);
    /// `pg_namespace` "pg_catalog".
    pub const PG_CATALOG: Oid = Oid(11);
    /// `pg_class` oid of `pg_proc`.
    pub const PG_PROC: Oid = Oid(1255);
    /// `pg_language` "internal".
    pub const LANGUAGE_INTERNAL: Oid = Oid(12);
    /// `pg_language` "c".
    pub const LANGUAGE_C: Oid = Oid(13);
    /// `pg_language` "sql".
    pub const LANGUAGE_SQL: Oid = Oid(14);
}

#[cfg(test)]
mod tests;
