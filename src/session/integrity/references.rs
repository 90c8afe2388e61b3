//! What objects of the catalog name: schemas, owners, types, tables of indexes, owners of sequences, both ends of foreign keys.

use dictdb_catalog::{Catalog, ConstraintKind, Relation, RelationKind};
use dictdb_types::TypeLookup;

use super::{Findings, name_of};
use crate::StatementEnv;

const CHECK: &str = "catalog reference";
const SEQUENCE: &str = "sequence ownership";

/// Checks all relations.
pub(super) fn check(env: &StatementEnv, findings: &mut Findings) {
    for relation in env.catalog.relations() {
        let object = name_of(env, relation);
        let mut missing = |what: String| findings.add(&object, CHECK, what);
        if env.catalog.schema(relation.namespace).is_none() {
            missing(format!("schema {} does not exist", relation.namespace));
        }
        if env.catalog.role(relation.owner).is_none() {
            missing(format!("owner {} does not exist", relation.owner));
        }
        for (attnum, column) in relation.live_columns() {
            if env.type_info(column.ty.oid).is_none() {
                missing(format!("type {} of column {attnum} \"{}\" does not exist", column.ty.oid, column.name));
            }
        }
        if relation.is_stored() && !relation.is_partitioned() && is_absent(env, relation) {
            missing("there is no storage for its rows".to_owned());
        }
        family(&env.catalog, relation, &mut missing);
        indexes(&env.catalog, relation, &mut missing);
        foreign_keys(&env.catalog, relation, &mut missing);
        sequence(env, relation, &object, findings);
    }
}

fn is_absent(env: &StatementEnv, relation: &Relation) -> bool {
    env.shared.instance.storage.table(relation.storage).is_none()
}

/// Parents and children know each other.
fn family(catalog: &Catalog, relation: &Relation, missing: &mut dyn FnMut(String)) {
    for parent in &relation.parents {
        if catalog.relation(*parent).is_none_or(|parent| !parent.children.contains(&relation.oid)) {
            missing(format!("parent {parent} does not know of it"));
        }
    }
    for child in &relation.children {
        if catalog.relation(*child).is_none_or(|child| !child.parents.contains(&relation.oid)) {
            missing(format!("child {child} does not know of it"));
        }
    }
}

/// A table's indexes are there and its own; an index's table knows of it.
fn indexes(catalog: &Catalog, relation: &Relation, missing: &mut dyn FnMut(String)) {
    for index in &relation.indexes {
        let is_its = |index: &Relation| matches!(&index.kind, RelationKind::Index(info) if info.table == relation.oid);
        if catalog.relation(*index).is_none_or(|index| !is_its(index)) {
            missing(format!("index {index} is not there or of another table"));
        }
    }
    if let RelationKind::Index(info) = &relation.kind
        && catalog.relation(info.table).is_none_or(|table| !table.indexes.contains(&relation.oid))
    {
        missing(format!("table {} does not know of it", info.table));
    }
    for constraint in &relation.constraints {
        if let Some(index) = constraint.kind.index()
            && !relation.indexes.contains(&index)
        {
            missing(format!("index {index} of constraint \"{}\" is not among its indexes", constraint.name));
        }
    }
}

fn foreign_keys(catalog: &Catalog, relation: &Relation, missing: &mut dyn FnMut(String)) {
    for constraint in &relation.constraints {
        let ConstraintKind::Foreign(key) = &constraint.kind else { continue };
        let knows = |table: &Relation| table.referenced_by.iter().any(|(_, referring)| *referring == constraint.oid);
        if !catalog.relation(key.referenced).is_some_and(|table| knows(table)) {
            missing(format!("table {} that \"{}\" refers to does not know of it", key.referenced, constraint.name));
        }
    }
    for (referring, oid) in &relation.referenced_by {
        let has = |table: &Relation| table.constraints.iter().any(|constraint| constraint.oid == *oid);
        if !catalog.relation(*referring).is_some_and(|table| has(table)) {
            missing(format!("foreign key {oid} of table {referring} does not exist"));
        }
    }
}

/// A sequence is there, and so is the column that owns it.
fn sequence(env: &StatementEnv, relation: &Relation, object: &str, findings: &mut Findings) {
    let RelationKind::Sequence(info) = &relation.kind else { return };
    if env.shared.instance.storage.sequence(relation.storage).is_none() {
        findings.add(object, SEQUENCE, "there is no storage for its value");
    }
    let Some((table, attnum, is_identity)) = info.owned_by else { return };
    let owner = env.catalog.relation(table);
    let column = owner.and_then(|owner| owner.live_columns().find(|(number, _)| *number == attnum));
    match column {
        None => findings.add(object, SEQUENCE, format!("column {attnum} of table {table}, its owner, does not exist")),
        Some((_, column)) if is_identity && column.identity.is_none() => {
            findings.add(object, SEQUENCE, format!("column \"{}\", its owner, is no identity column", column.name));
        }
        Some(_) => {}
    }
}
