//! The relations of `pg_catalog` and `information_schema`, with PostgreSQL 15's oids, columns and types.
//!
//! Tables are [`RelationKind::Virtual`]: the session makes their rows. Their indexes are only told of. Views are PostgreSQL's own queries over them, from
//! `sql/system_views.sql`. Both come from exported tables (`facts/`); every database shares the same objects.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use dictdb_types::{Oid, Type};

use crate::{
    BOOTSTRAP_ROLE, Column, Constraint, ConstraintKind, IndexInfo, IndexKey, IndexMethod, IndexTarget, Relation,
    RelationKind, ViewInfo, namespaces,
};

const RELATIONS: &str = include_str!("facts/system_relations.tsv");
const COLUMNS: &str = include_str!("facts/system_columns.tsv");
const INDEXES: &str = include_str!("facts/system_indexes.tsv");
const VIEWS: &str = include_str!("../../sql/system_views.sql");

static SYSTEM: LazyLock<Vec<Arc<Relation>>> = LazyLock::new(load);

/// Every system relation, by oid.
pub fn system_relations() -> &'static [Arc<Relation>] {
    &SYSTEM
}

/// The fields of each line of an exported table.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).map(|line| line.split('\t').collect())
}

fn oid(text: &str) -> Oid {
    Oid(text.parse().unwrap_or_default())
}

/// Privileges as exported; none is the default.
fn acl(text: &str) -> Option<Vec<Arc<str>>> {
    let items = text.strip_prefix('{')?.strip_suffix('}')?;
    Some(items.split(',').map(Arc::from).collect())
}

fn load() -> Vec<Arc<Relation>> {
    let mut columns: HashMap<Oid, Vec<Column>> = HashMap::new();
    for row in rows(COLUMNS) {
        let of_relation = columns.entry(oid(row[0])).or_default();
        of_relation.push(column(&row, of_relation.len()));
    }
    let queries = queries();
    let mut relations: Vec<Relation> = rows(RELATIONS).map(|row| relation(&row, &mut columns, &queries)).collect();
    for row in rows(INDEXES) {
        if let Some(index) = index(&row, &mut relations) {
            relations.push(index);
        }
    }
    relations.extend(crate::own::relations());
    relations.sort_by_key(|relation| relation.oid);
    relations.into_iter().map(Arc::new).collect()
}

/// An index of a system table, entered there with its constraint. Rows are made by the session and never looked up in it;
/// clients see it, and a primary key says what depends on what.
fn index(row: &[&'static str], relations: &mut [Relation]) -> Option<Relation> {
    let (own, name, constraint) = (oid(row[0]), Arc::from(row[1]), oid(row[5]));
    let (unique, primary) = (row[3] == "t", row[4] == "t");
    let table = relations.iter_mut().find(|relation| relation.oid == oid(row[2]))?;
    let columns: Vec<i16> = row[6].split(' ').filter_map(|attnum| attnum.parse().ok()).collect();
    let mut keys = Vec::with_capacity(columns.len());
    for (attnum, opclass) in columns.iter().zip(row[7].split(' ')) {
        let ty = table.column(*attnum)?.ty;
        let target = IndexTarget::Column(*attnum);
        keys.push(IndexKey {
            target,
            ty,
            opclass: oid(opclass),
            descending: false,
            nulls_first: false,
            statistics: None,
            collation: None,
            options: Vec::new(),
        });
    }
    table.indexes.push(own);
    if constraint.is_valid() {
        let kind = match primary {
            true => ConstraintKind::Primary { columns, index: own },
            false => ConstraintKind::Unique { columns, index: own },
        };
        table.constraints.push(Arc::new(system_constraint(constraint, &name, table.oid, kind)));
    }
    let info = IndexInfo {
        table: table.oid,
        method: IndexMethod::Btree,
        unique,
        primary,
        nulls_not_distinct: false,
        keys,
        include: Vec::new(),
        predicate: None,
        deferrable: false,
        partitioned: false,
        invalid: false,
    };
    let kind = RelationKind::Index(Arc::new(info));
    Some(Relation::new(own, table.namespace, name, BOOTSTRAP_ROLE, kind))
}

fn system_constraint(oid: Oid, name: &Arc<str>, relation: Oid, kind: ConstraintKind) -> Constraint {
    Constraint {
        oid,
        name: name.clone(),
        relation,
        kind,
        deferrable: false,
        initially_deferred: false,
        validated: true,
        no_inherit: true,
        local: true,
        inherited: 0,
    }
}

fn column(row: &[&'static str], slot: usize) -> Column {
    Column {
        not_null: row[4] == "t",
        collation: oid(row[5]),
        acl: acl(row[6]),
        ..Column::new(row[1], Type::with_typmod(oid(row[2]), row[3].parse().unwrap_or(-1)), slot)
    }
}

/// The queries of the views by schema and name.
fn queries() -> HashMap<&'static str, &'static str> {
    let views = VIEWS.split("\nCREATE VIEW ").skip(1);
    views.filter_map(|view| view.split_once(" AS\n")).map(|(name, query)| (name, query.trim_end())).collect()
}

fn relation(
    row: &[&'static str],
    columns: &mut HashMap<Oid, Vec<Column>>,
    queries: &HashMap<&'static str, &'static str>,
) -> Relation {
    let (own, schema, name) = (oid(row[0]), row[1], row[2]);
    let kind = match queries.get(format!("{schema}.{name}").as_str()) {
        Some(query) => RelationKind::View(Arc::new(ViewInfo {
            query: Arc::from(*query),
            search_path: Arc::from([namespaces::PG_CATALOG]),
            check_option: None,
            populated: true,
        })),
        None => RelationKind::Virtual,
    };
    let namespace = if schema == "pg_catalog" { namespaces::PG_CATALOG } else { namespaces::INFORMATION_SCHEMA };
    Relation {
        columns: columns.remove(&own).unwrap_or_default().into(),
        row_type: oid(row[4]),
        acl: acl(row[6]),
        ..Relation::new(own, namespace, Arc::from(name), BOOTSTRAP_ROLE, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    #[test]
    fn system_relations_are_found_by_name() {
        let catalog = Catalog::bootstrap();
        let class = catalog.relation_in(namespaces::PG_CATALOG, "pg_class").unwrap();
        assert_eq!((class.oid, class.row_type, class.columns.len()), (Oid(1259), Oid(83), 33));
        assert!(matches!(class.kind, RelationKind::Virtual));
        let columns = catalog.relation_in(namespaces::INFORMATION_SCHEMA, "columns").unwrap();
        let RelationKind::View(view) = &columns.kind else { panic!("a view") };
        assert!(view.query.trim_start().starts_with("SELECT (current_database())::information_schema.sql_identifier"));
        assert!(view.query.ends_with(';'));
    }

    #[test]
    fn every_relation_has_columns_and_every_view_its_query() {
        let views = system_relations().iter().filter(|r| matches!(r.kind, RelationKind::View(_))).count();
        let indexes = system_relations().iter().filter(|r| matches!(r.kind, RelationKind::Index(_))).count();
        assert_eq!((system_relations().len(), views, indexes), (330 + crate::own::relations().count(), 140, 122));
        assert!(system_relations().iter().all(|r| r.columns.is_empty() == r.index().is_some()));
        assert!(system_relations().is_sorted_by_key(|r| r.oid));
    }
}
