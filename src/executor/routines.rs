//! Whether a plan may call functions of users: they run statements of their own, in a session that must be lent for that.
//!
//! It calls what its expressions name, and the triggers of the tables that it changes; the actions of foreign keys change further
//! tables. What is checked or computed there is not in the plan, so that their texts count as calls.

use std::collections::HashSet;

use dictdb_catalog::{Catalog, ConstraintKind, IndexTarget, ReferentialAction, Relation};
use dictdb_planner::expr::Expr;
use dictdb_planner::operands::for_each_expr;
use dictdb_planner::physical::{Modify, Node, Op, Plan};
use dictdb_types::{Oid, Type, TypeInfo, TypeKind, TypeLookup};

/// Whether running a plan may call a function of a user.
pub(crate) fn may_call_routines(plan: &Plan, catalog: &Catalog) -> bool {
    if !catalog.has_routines() {
        return false;
    }
    let ctes =
        plan.ctes.iter().flat_map(|cte| [&cte.query].into_iter().chain(cte.recursive.iter().map(|(step, _)| step)));
    [&plan.root].into_iter().chain(&plan.subplans).chain(ctes).any(|node| node_calls(node, catalog))
}

fn node_calls(node: &Node, catalog: &Catalog) -> bool {
    let mut found = matches!(&node.op, Op::Modify(modify) if changes_call(modify, catalog));
    for_each_expr(node, &mut |expr| found = found || expr.any(&mut |expr| expr_calls(expr, catalog)));
    found || node.children().into_iter().any(|child| node_calls(child, catalog))
}

/// `pg_proc.oid` of `satisfies_hash_partition`, which calls the hash functions of a key.
const SATISFIES_HASH_PARTITION: Oid = Oid(5028);

fn expr_calls(expr: &Expr, catalog: &Catalog) -> bool {
    match expr {
        Expr::Call(call) if call.function.oid == SATISFIES_HASH_PARTITION => true,
        // What extensions bring are kernels, which run no statements.
        Expr::Call(call) => {
            catalog.routine(call.function.oid).is_some_and(|own| own.language != dictdb_catalog::Language::C)
        }
        Expr::ToDomain(_, ty) => type_calls(*ty, catalog),
        _ => false,
    }
}

/// Whether a type's values may be checked by texts: domains, arrays of them, and rows, which may have fields of them.
fn type_calls(ty: Type, catalog: &Catalog) -> bool {
    let checks = |info: &TypeInfo| matches!(info.kind, TypeKind::Domain(_) | TypeKind::Composite(_));
    catalog
        .type_info(ty.oid)
        .is_some_and(|info| checks(&info) || catalog.type_info(info.element).is_some_and(|element| checks(&element)))
}

/// Whether changing the rows of a table calls functions, for its own triggers or those of tables that it leads to: its
/// children, and what the actions of foreign keys change.
fn changes_call(modify: &Modify, catalog: &Catalog) -> bool {
    let target = modify.table.relation.oid;
    let mut seen = HashSet::new();
    let mut waiting = vec![target];
    while let Some(oid) = waiting.pop() {
        let Some(relation) = catalog.relation(oid).filter(|_| seen.insert(oid)) else { continue };
        if own_calls(relation, catalog) || oid != target && has_texts(relation) {
            return true;
        }
        waiting.extend(&relation.children);
        waiting.extend(changed_by_keys(relation, catalog));
    }
    false
}

/// Whether a table has triggers, columns of types that are checked, or whether it or what it is a part of is divided by
/// expressions or by functions of users.
fn own_calls(relation: &Relation, catalog: &Catalog) -> bool {
    let by_calls = |table: &Relation| {
        table.partition_key.iter().flat_map(|key| &key.columns).any(|column| {
            matches!(column.target, IndexTarget::Expression(_))
                || catalog.hash_function(column).is_some()
                || catalog.compare_function(column).is_some()
        })
    };
    catalog.triggers_of(relation.oid).next().is_some()
        || relation.columns.iter().any(|column| !column.dropped && type_calls(column.ty, catalog))
        || by_calls(relation)
        || relation.is_partition() && catalog.partition_ancestors(relation).iter().any(|table| by_calls(table))
}

/// Whether changed rows of a table are checked, or computed from, with expressions that only its own plans have.
fn has_texts(relation: &Relation) -> bool {
    relation.columns.iter().any(|column| column.default.is_some() && (column.generated || sets_default(relation)))
        || relation.constraints.iter().any(|constraint| matches!(constraint.kind, ConstraintKind::Check { .. }))
}

/// Whether the keys of a table may be set to their defaults.
fn sets_default(relation: &Relation) -> bool {
    relation.constraints.iter().any(|constraint| {
        let ConstraintKind::Foreign(key) = &constraint.kind else { return false };
        [key.on_delete, key.on_update].contains(&ReferentialAction::SetDefault)
    })
}

/// The tables that foreign keys change with this one.
fn changed_by_keys<'a>(relation: &'a Relation, catalog: &'a Catalog) -> impl Iterator<Item = Oid> + 'a {
    relation.referenced_by.iter().filter_map(|(referencing, constraint)| {
        let constraints = &catalog.relation(*referencing)?.constraints;
        let found = constraints.iter().find(|candidate| candidate.oid == *constraint)?;
        let ConstraintKind::Foreign(key) = &found.kind else { return None };
        let is_read_only = |action| matches!(action, ReferentialAction::NoAction | ReferentialAction::Restrict);
        (!is_read_only(key.on_delete) || !is_read_only(key.on_update)).then_some(*referencing)
    })
}
