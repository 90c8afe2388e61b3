//! `pg_class`.

use std::sync::Arc;

use dictdb_catalog::{ConstraintKind, PG_GLOBAL, Persistence, Relation, RelationKind, ReplicaIdentity, namespaces};
use dictdb_functions::facts::ids;
use dictdb_types::Oid;

use super::super::functions::{main_size, pages};
use super::super::output::{Output, acl, options, row};
use super::Source;
use crate::analysis::Subject;

/// Relations: tables, indexes, sequences, views, composite types.
pub fn pg_class(source: &Source<'_>, out: &mut Output<'_>) {
    source.relations_wanted(out, 1).for_each(|relation| push(source, relation, out));
}

/// `relpages` and `reltuples`: what somebody has set, else what storage counts, -1 tuples for what has none, and for an empty or
/// partitioned table of which ANALYZE knows nothing. An index has its table's tuples, and a page from its beginning.
fn size(source: &Source<'_>, relation: &Relation) -> (i32, f32) {
    if let Some(told) = source.catalog.told_size(relation) {
        return (told.pages, told.tuples);
    }
    let instance = &source.env.shared.instance;
    let rows = |table: &Relation| match table.is_stored() && !table.is_partitioned() {
        true => instance.storage.table(table.storage).map(|table| table.live_rows() as f32),
        false => None,
    };
    let is_unknown = |rows: f32| rows == 0.0 && !instance.analyses.knows_storage(relation.storage);
    let pages = pages(main_size(source.env, relation)) as i32;
    match relation.index() {
        Some(index) if index.partitioned => (0, 0.0),
        Some(index) => {
            (pages.max(1), source.catalog.relation(index.table).and_then(|table| rows(table)).unwrap_or(0.0))
        }
        None if relation.is_partitioned() => {
            let database = source.env.shared.database.oid;
            let subject = Subject { database, relation: relation.oid, is_inherited: true };
            let own = source.catalog.relation(relation.oid);
            let members = own.map(|own| source.catalog.descendants(own)).unwrap_or_default();
            let counted = || members.iter().filter_map(|member| rows(member)).sum::<f32>();
            if instance.analyses.knows(&subject) { (-1, counted()) } else { (0, -1.0) }
        }
        None => (pages, rows(relation).filter(|rows| !is_unknown(*rows)).unwrap_or(-1.0)),
    }
}

fn push(source: &Source<'_>, relation: &Relation, out: &mut Output<'_>) {
    let stored = relation.is_stored() && relation.foreign.is_none() || matches!(relation.kind, RelationKind::Virtual);
    let populated = relation.view().is_none_or(|view| view.populated);
    let checks = relation.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Check { .. })).count();
    let foreign_keys = relation.constraints.iter().any(|c| matches!(c.kind, ConstraintKind::Foreign(_)));
    let attributes = match &relation.kind {
        RelationKind::Index(index) => index.keys.len() + index.include.len(),
        _ => relation.columns.len(),
    };
    let (pages, tuples) = size(source, relation);
    row!(out;
        relation.oid, &relation.name, relation.namespace, relation.row_type, relation.of_type, relation.owner,
        access_method(source, relation), file(relation), tablespace(relation), pages, tuples, 0, Oid::INVALID,
        !relation.indexes.is_empty(), relation.is_shared(), persistence(relation.persistence), relation.kind_letter(), attributes as i16,
        checks as i16, relation.view().is_some() || !relation.rules.is_empty(),
        foreign_keys || !relation.referenced_by.is_empty() || source.catalog.triggers_of(relation.oid).next().is_some(), !relation.children.is_empty(), relation.row_security,
        relation.force_row_security, populated, replica_identity(relation, stored), relation.is_partition() || relation.index().is_some() && !relation.parents.is_empty(),
        Oid::INVALID, if stored { frozen(source) } else { Oid::INVALID }, if stored { FIRST_MULTI } else { Oid::INVALID },
        acl(relation.acl.as_deref()), options(&own_options(relation)),
        super::super::functions::bound_text(source.env, relation),
    );
}

/// `reloptions`. Those of the table that PostgreSQL keeps long values in would be in its row.
fn own_options(relation: &Relation) -> Vec<Arc<str>> {
    relation.options.iter().filter(|option| !option.starts_with("toast.")).cloned().collect()
}

/// `reltablespace`: that of the cluster for what is shared, else the database's.
fn tablespace(relation: &Relation) -> Oid {
    if relation.is_shared() { PG_GLOBAL } else { relation.tablespace }
}

/// `relfrozenxid`: rows show no id from before it.
pub fn frozen(source: &Source<'_>) -> Oid {
    Oid(source.env.shared.instance.storage.frozen_transaction_id().0 as u32)
}

/// `FirstMultiXactId`.
const FIRST_MULTI: Oid = Oid(1);

/// `relfilenode`: a partitioned table has no rows of its own.
fn file(relation: &Relation) -> Oid {
    match relation.kind_letter() {
        'p' | 'I' | 'f' => Oid::INVALID,
        _ => relation.storage,
    }
}

fn access_method(source: &Source<'_>, relation: &Relation) -> Oid {
    match &relation.kind {
        RelationKind::Table if relation.is_partitioned() || relation.foreign.is_some() => Oid::INVALID,
        RelationKind::Table | RelationKind::MaterializedView(_) if relation.access_method.is_valid() => {
            relation.access_method
        }
        RelationKind::Table | RelationKind::MaterializedView(_) | RelationKind::Virtual => ids::HEAP,
        RelationKind::Index(index) => source.catalog.index_method_oid(index.method),
        RelationKind::Sequence(_) | RelationKind::View(_) | RelationKind::Composite => Oid::INVALID,
    }
}

fn persistence(persistence: Persistence) -> char {
    match persistence {
        Persistence::Permanent => 'p',
        Persistence::Unlogged => 'u',
        Persistence::Temporary => 't',
    }
}

fn replica_identity(relation: &Relation, stored: bool) -> char {
    match relation.replica_identity {
        ReplicaIdentity::Default if stored && relation.namespace != namespaces::PG_CATALOG => 'd',
        ReplicaIdentity::Default | ReplicaIdentity::Nothing => 'n',
        ReplicaIdentity::Full => 'f',
        ReplicaIdentity::Index(_) => 'i',
    }
}
