//! `pg_inherits`, `pg_partitioned_table`.

use dictdb_catalog::{IndexTarget, PartitionStrategy, Partitions};
use dictdb_types::Oid;

use super::super::output::{Output, attnum_vector, oid_vector, row};
use super::Source;

/// Children with their parents: of tables and of indexes.
pub fn pg_inherits(source: &Source<'_>, out: &mut Output<'_>) {
    for relation in source.relations_wanted(out, 1) {
        for (number, parent) in relation.parents.iter().enumerate() {
            row!(out; relation.oid, *parent, number as i32 + 1, relation.detach_pending);
        }
    }
}

/// Partitioned tables with their keys.
pub fn pg_partitioned_table(source: &Source<'_>, out: &mut Output<'_>) {
    for relation in source.relations_wanted(out, 1) {
        let Some(key) = &relation.partition_key else { continue };
        let default = Partitions::of(relation, source.catalog).and_then(|partitions| partitions.default);
        let letter = match key.strategy {
            PartitionStrategy::List => 'l',
            PartitionStrategy::Range => 'r',
            PartitionStrategy::Hash => 'h',
        };
        let attnum = |target: &IndexTarget| match target {
            IndexTarget::Column(attnum) => *attnum,
            IndexTarget::Expression(_) => 0,
        };
        let texts: Vec<&str> = key
            .columns
            .iter()
            .filter_map(|column| match &column.target {
                IndexTarget::Expression(text) => Some(&**text),
                IndexTarget::Column(_) => None,
            })
            .collect();
        row!(out;
            relation.oid, letter, key.columns.len() as i16, default.unwrap_or(Oid::INVALID),
            attnum_vector(key.columns.iter().map(|column| attnum(&column.target))),
            oid_vector(key.columns.iter().map(|column| column.opclass)),
            oid_vector(key.columns.iter().map(|column| column.collation)),
            (!texts.is_empty()).then(|| texts.join(", ")),
        );
    }
}
