//! The conditions of one WHERE clause in the order in which PostgreSQL asks them (`order_qual_clauses`): what costs less comes
//! first, and of equal ones equalities last, which it makes anew from what it knows to be equal. Conditions of different
//! clauses stay in their order: what a view or a policy says comes before what could tell of the rows it hides.

use dictdb_catalog::Catalog;
use dictdb_functions::facts;
use dictdb_types::{Datum, Oid, oids};

use crate::columns::{for_each_input_mut, for_each_subquery_mut, free_columns};
use crate::condition::comparison;
use crate::expr::{Expr, Sublink, SublinkKind};
use crate::logical::{JoinKind, Node};

/// What running a subquery once more counts, in calls of functions.
const QUERY: f64 = 1000.0;
/// `procost` of functions that say nothing of it.
const ROUTINE: f64 = 100.0;
/// Elements of an array about which nothing is known.
const ELEMENTS: f64 = 10.0;

/// Arranges the conditions of a plan, subqueries included.
pub(super) fn arrange_conditions(node: &mut Node, catalog: &Catalog) {
    for_each_input_mut(node, &mut |input| arrange_conditions(input, catalog));
    for_each_subquery_mut(node, &mut |query| arrange_conditions(query, catalog));
    match node {
        Node::Filter { predicate, .. } => arrange(predicate, catalog),
        Node::Join { kind: JoinKind::Inner, on: Some(on), .. } => arrange(on, catalog),
        _ => {}
    }
}

fn arrange(predicate: &mut Expr, catalog: &Catalog) {
    if !matches!(predicate, Expr::And(_)) {
        return;
    }
    let mut conjuncts = Vec::new();
    std::mem::replace(predicate, Expr::boolean(true)).into_conjuncts(&mut conjuncts);
    let mut ranked: Vec<(f64, bool, Expr)> =
        conjuncts.into_iter().map(|expr| (cost(&expr, catalog), is_equivalence(&expr), expr)).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if let Some(arranged) = Expr::conjunction(ranked.into_iter().map(|(_, _, expr)| expr).collect()) {
        *predicate = arranged;
    }
}

/// What evaluating a condition once costs, in calls of cheap functions.
fn cost(expr: &Expr, catalog: &Catalog) -> f64 {
    let mut sum = 0.0;
    expr.visit(&mut |e| {
        sum += match e {
            Expr::Call(call) => cost_of(call.function.oid, catalog),
            Expr::ScalarArray(array) => {
                let elements = match &array.array {
                    Expr::Const(Datum::Array(array), _) => array.items.len() as f64,
                    Expr::Array { items, nested: false, .. } => items.len() as f64,
                    _ => ELEMENTS,
                };
                cost_of(array.function.oid, catalog) * elements * 0.5
            }
            Expr::Distinct(function, ..) | Expr::NullIf(function, _) => cost_of(function.oid, catalog),
            Expr::ViaIo(..) => 2.0,
            Expr::RowCompare(_, pairs) => pairs.len() as f64,
            Expr::Sublink(link) => cost_of_query(link),
            _ => 0.0,
        };
    });
    sum
}

fn cost_of(function: Oid, catalog: &Catalog) -> f64 {
    match (facts::proc_by_oid(function), catalog.routine(function)) {
        (Some(known), _) => f64::from(known.cost),
        (None, Some(routine)) => f64::from(routine.cost),
        (None, None) => ROUTINE,
    }
}

/// What is run once costs nothing, and looking up rows in its answer a comparison each.
fn cost_of_query(link: &Sublink) -> f64 {
    match &link.kind {
        _ if !free_columns(&link.query).is_empty() => QUERY,
        SublinkKind::Compare { left, all: false, operator, .. } if &**operator == "=" => left.len() as f64,
        SublinkKind::Compare { .. } => QUERY,
        SublinkKind::Scalar | SublinkKind::Exists | SublinkKind::Array => 0.0,
    }
}

/// Whether a condition says that two values are one to PostgreSQL.
fn is_equivalence(expr: &Expr) -> bool {
    let Some(("=", left, right)) = comparison(expr) else { return false };
    let has_order = !matches!(
        left.ty().oid,
        oids::POINT
            | oids::BOX
            | oids::CIRCLE
            | oids::LSEG
            | oids::LINE
            | oids::PATH
            | oids::POLYGON
            | oids::XID
            | oids::CID
    );
    has_order && !expr.is_volatile() && !left.same(right)
}
