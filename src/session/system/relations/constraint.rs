//! `pg_constraint`.

use dictdb_catalog::{Constraint, ConstraintKind, ForeignKey, Key, ReferentialAction, Relation, Trigger};
use dictdb_functions::resolve::opclass;
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Datum, Oid, TypeInfo, TypeLookup};

use super::super::output::{NULL, Output, attnum_array, oid_array, row};
use super::Source;
use super::depend::constraint_of_index;

/// Constraints of tables.
pub fn pg_constraint(source: &Source<'_>, out: &mut Output<'_>) {
    if let Some(table) = out.wanted_oid(OID).and_then(|oid| source.catalog.table_of_constraint(oid)) {
        return push_all(source, table, out);
    }
    source.relations_wanted(out, CONRELID).for_each(|relation| push_all(source, relation, out));
    if out.wanted_oid(CONRELID).is_none_or(|oid| !oid.is_valid()) {
        source.user_types().for_each(|info| push_domain(source, info, out));
    }
}

/// CHECK constraints of a domain.
fn push_domain(source: &Source<'_>, info: &TypeInfo, out: &mut Output<'_>) {
    let Some(domain) = source.catalog.domain(info.oid) else { return };
    for check in &domain.checks {
        row!(out;
            check.oid, &check.name, info.namespace, 'c', false, false, check.validated, Oid::INVALID, info.oid,
            Oid::INVALID, Oid::INVALID, Oid::INVALID, ' ', ' ', ' ', true, 0, false, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, Some(check.expression.clone()),
        );
    }
}

/// Attnum of `oid`.
const OID: i16 = 1;
/// Attnum of `conrelid`.
const CONRELID: i16 = 8;

/// `confupdtype`, `confdeltype`.
pub fn action_letter(action: ReferentialAction) -> char {
    match action {
        ReferentialAction::NoAction => 'a',
        ReferentialAction::Restrict => 'r',
        ReferentialAction::Cascade => 'c',
        ReferentialAction::SetNull => 'n',
        ReferentialAction::SetDefault => 'd',
    }
}

fn push_all(source: &Source<'_>, relation: &Relation, out: &mut Output<'_>) {
    for constraint in &relation.constraints {
        push(source, relation, constraint, parent_of(source, relation, constraint), out);
        for (part, parent) in source.catalog.part_rows(constraint) {
            push(source, relation, &part, parent, out);
        }
    }
    let triggers = source.catalog.triggers_of(relation.oid).filter(|trigger| trigger.constraint.is_valid());
    triggers.for_each(|trigger| push_trigger(relation, trigger, out));
}

/// A constraint trigger is a constraint too.
fn push_trigger(relation: &Relation, trigger: &Trigger, out: &mut Output<'_>) {
    row!(out;
        trigger.constraint, &trigger.name, relation.namespace, 't', trigger.deferrable, trigger.initially_deferred, true,
        relation.oid, Oid::INVALID, Oid::INVALID, Oid::INVALID, Oid::INVALID, ' ', ' ', ' ', true, 0, true,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    );
}

fn push(source: &Source<'_>, relation: &Relation, constraint: &Constraint, parent: Oid, out: &mut Output<'_>) {
    let (kind, index, columns) = match &constraint.kind {
        ConstraintKind::Check { columns, .. } => ('c', Oid::INVALID, columns),
        ConstraintKind::Primary { columns, index } => ('p', *index, columns),
        ConstraintKind::Unique { columns, index } => ('u', *index, columns),
        ConstraintKind::Foreign(key) => ('f', key.index, &key.columns),
        ConstraintKind::Exclude { columns, index, .. } => ('x', *index, columns),
    };
    let key = match &constraint.kind {
        ConstraintKind::Foreign(key) => Some(&**key),
        _ => None,
    };
    let expression = match &constraint.kind {
        ConstraintKind::Check { expression, .. } => Some(expression.clone()),
        _ => None,
    };
    let excluding = match &constraint.kind {
        ConstraintKind::Exclude { operators, .. } => oid_array(operators.clone()),
        _ => NULL,
    };
    let operators = key.map_or(NULL, |key| oid_array(equality_operators(source, relation, key)));
    row!(out;
        constraint.oid, &constraint.name, relation.namespace, kind, constraint.deferrable, constraint.initially_deferred,
        constraint.validated, relation.oid, Oid::INVALID, index, parent,
        key.map_or(Oid::INVALID, |key| key.referenced), key.map_or(' ', |key| action_letter(key.on_update)),
        key.map_or(' ', |key| action_letter(key.on_delete)),
        key.map_or(' ', |key| if key.match_full { 'f' } else { 's' }), constraint.local, constraint.inherited,
        constraint.no_inherit || kind != 'c' && constraint.inherited == 0 && !(kind == 'f' && relation.is_partitioned()),
        if columns.is_empty() { NULL } else { attnum_array(columns) },
        key.map_or(NULL, |key| attnum_array(&key.referenced_columns)), operators.clone(), operators.clone(), operators,
        key.filter(|key| !key.delete_set_columns.is_empty())
            .map_or(Datum::Null, |key| attnum_array(&key.delete_set_columns)),
        excluding, expression,
    );
}

/// `conparentid`: the constraint of a partitioned table that this one is a part of.
fn parent_of(source: &Source<'_>, relation: &Relation, constraint: &Constraint) -> Oid {
    if !relation.is_partition() || constraint.inherited == 0 {
        return Oid::INVALID;
    }
    let parent = match &constraint.kind {
        ConstraintKind::Primary { index, .. } | ConstraintKind::Unique { index, .. } => {
            let whole = source.catalog.relation(*index).and_then(|part| part.parents.first().copied());
            let whole = whole.and_then(|oid| source.catalog.relation(oid));
            whole.and_then(|whole| constraint_of_index(source.catalog, whole.index()?.table, whole.oid))
        }
        ConstraintKind::Foreign(_) => {
            let on = source.catalog.dependencies_of(Key::Constraint(relation.oid, constraint.oid));
            on.filter_map(|(on, _)| if let Key::Constraint(_, oid) = on { Some(oid) } else { None }).next()
        }
        ConstraintKind::Check { .. } | ConstraintKind::Exclude { .. } => None,
    };
    parent.unwrap_or(Oid::INVALID)
}

/// The equality operators a foreign key compares with, one per column.
fn equality_operators(source: &Source<'_>, relation: &Relation, key: &ForeignKey) -> Vec<Oid> {
    let scope = CatalogScope { catalog: &source.env.catalog, search_path: &[] };
    let equality = |attnum: &i16| {
        let ty = relation.column(*attnum).map(|column| source.catalog.base_type(column.ty).oid)?;
        opclass::equality_operator(&scope, ty)
    };
    key.columns.iter().map(|attnum| equality(attnum).unwrap_or(Oid::INVALID)).collect()
}
