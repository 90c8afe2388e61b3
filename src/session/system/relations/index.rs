//! `pg_index`.

use std::sync::Arc;

use dictdb_catalog::{Constraint, ConstraintKind, IndexInfo, IndexTarget, Relation, RelationKind, ReplicaIdentity};
use dictdb_types::Oid;

use super::super::output::{Output, attnum_vector, oid_vector, row};
use super::{Source, types};

/// `INDOPTION_DESC`.
const DESCENDING: i16 = 1;
/// `INDOPTION_NULLS_FIRST`.
const NULLS_FIRST: i16 = 2;

/// Indexes.
pub fn pg_index(source: &Source<'_>, out: &mut Output<'_>) {
    if let Some(table) = out.wanted_oid(2) {
        let indexes = source.catalog.relation(table).map(|t| t.indexes.clone()).unwrap_or_default();
        indexes.iter().filter_map(|oid| source.catalog.relation(*oid)).for_each(|index| push(source, index, out));
    } else {
        source.relations_wanted(out, 1).for_each(|relation| push(source, relation, out));
    }
}

fn push(source: &Source<'_>, relation: &Relation, out: &mut Output<'_>) {
    let RelationKind::Index(index) = &relation.kind else { return };
    let (keys, include) = (index.keys.len() as i16, index.include.len() as i16);
    let table = source.catalog.relation(index.table);
    let clustered = table.is_some_and(|table| table.clustered_on == relation.oid);
    let excludes = |constraint: &Arc<Constraint>| {
        constraint.kind.index() == Some(relation.oid) && matches!(constraint.kind, ConstraintKind::Exclude { .. })
    };
    let exclusion = table.is_some_and(|table| table.constraints.iter().any(excludes));
    let replica = table.is_some_and(|table| table.replica_identity == ReplicaIdentity::Index(relation.oid));
    row!(out;
        relation.oid, index.table, keys + include, keys, index.unique, index.nulls_not_distinct, index.primary, exclusion,
        !index.deferrable, clustered, !index.invalid, false, index.partitioned || !index.invalid, true, replica,
        attnum_vector(attnums(index)), oid_vector(collations(source, index)),
        oid_vector(index.keys.iter().map(|key| key.opclass)), attnum_vector(index.keys.iter().map(|key| {
            (if key.descending { DESCENDING } else { 0 }) | (if key.nulls_first { NULLS_FIRST } else { 0 })
        })),
        expressions(index), index.predicate.clone(),
    );
}

/// `indkey`: zero for expressions.
pub fn attnums(index: &IndexInfo) -> impl Iterator<Item = i16> + '_ {
    let keys = index.keys.iter().map(|key| match key.target {
        IndexTarget::Column(attnum) => attnum,
        IndexTarget::Expression(_) => 0,
    });
    keys.chain(index.include.iter().copied())
}

fn collations(source: &Source<'_>, index: &IndexInfo) -> Vec<Oid> {
    let table = source.catalog.relation(index.table);
    let collation = |key: &dictdb_catalog::IndexKey| match key.target {
        IndexTarget::Column(attnum) => table.and_then(|t| t.column(attnum)).map_or(Oid::INVALID, |c| c.collation),
        IndexTarget::Expression(_) => types::collation_of(source, key.ty.oid),
    };
    index.keys.iter().map(|key| key.collation.unwrap_or_else(|| collation(key))).collect()
}

/// `indexprs`: the expressions as one list, as `pg_get_expr` shows them.
fn expressions(index: &IndexInfo) -> Option<String> {
    let texts: Vec<&str> = index
        .keys
        .iter()
        .filter_map(|key| match &key.target {
            IndexTarget::Expression(text) => Some(&**text),
            IndexTarget::Column(_) => None,
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}
