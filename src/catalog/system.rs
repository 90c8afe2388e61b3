//! The relations of `pg_catalog` and `information_schema`, with PostgreSQL 15's oids, columns and types.
//!
//! Tables are [`RelationKind::Virtual`]: the session makes their rows. Views are PostgreSQL's own queries over them, from
//! `sql/system_views.sql`. Both come from exported tables (`facts/`); every database shares the same objects.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use dictdb_types::{Oid, Type};

use crate::{BOOTSTRAP_ROLE, Column, Relation, RelationKind, ViewInfo, namespaces};

const RELATIONS: &str = include_str!("facts/system_relations.tsv");
const COLUMNS: &str = include_str!("facts/system_columns.tsv");
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
    rows(RELATIONS).map(|row| Arc::new(relation(&row, &mut columns, &queries))).collect()
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
        assert_eq!((system_relations().len(), views), (204, 140));
        assert!(system_relations().iter().all(|r| !r.columns.is_empty()));
        assert!(system_relations().is_sorted_by_key(|r| r.oid));
    }
}
