//! Settles collations: derives which one every expression has, and puts the order of a language into the plan.
//!
//! PostgreSQL gives functions the collation of their arguments (`parse_collate.c`), and comparisons look it up when they run. Here the plan
//! says it: what depends on a language's order is made to work on sort keys ([`dictdb_functions::collation`]).
//!
//! ```text
//!   a < b                       key(a) < key(b)                     = likewise where texts of other bytes may be equal
//!   ORDER BY a                  ORDER BY key(a)
//!   max(a)                      text_of_key(max(key(a)))
//!   GROUP BY a, DISTINCT        as it is; where texts of other bytes may be equal, by key(a) with the first text of every group
//!   lower(a)                    lower(a) by the language
//! ```
//! So nothing below the planner knows of languages: sorts, joins, groups and indexes see byte strings. Collations that order by bytes
//! leave the plan as it is. In a database whose default is C, a statement without COLLATE and without columns of other collations than
//! their types' is not looked through twice.

mod aggregate;
mod expression;
mod function;
mod key;
mod node;
mod state;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dictdb_catalog::{CollationInfo, DEFAULT_COLLATION, Relation};
use dictdb_parser::ast;
use dictdb_types::{Error, Oid, Result, SqlState, Type, TypeLookup, oids};

pub use key::{Order, index_order};
pub(crate) use key::{is_deterministic, is_key, keyed, with_value, without_key};
use state::{Mismatch, State};

use crate::BindContext;
use crate::bind::Binder;
use crate::columns::{for_each_expr, for_each_input};
use crate::expr::{ColumnId, Expr};
use crate::logical::{CteId, Node};

/// Settles a whole plan; the collations of its outputs, zero where none is agreed on. 42P21.
pub(crate) fn settle(node: &mut Node, outputs: &[ColumnId], binder: &mut Binder<'_>) -> Result<Option<Vec<Oid>>> {
    let cx = binder.cx;
    if !cx.catalog.has_locale() && !concerns(node, cx) {
        return Ok(None);
    }
    let positions = binder.positions();
    let mut next_id = || binder.new_id();
    let mut settler = Settler::new(cx, &mut next_id);
    settler.positions = positions;
    settler.node(node)?;
    let known = |id: &ColumnId| settler.columns.get(id).map_or(Oid::INVALID, |state| state.agreed());
    Ok(Some(outputs.iter().map(known).collect()))
}

/// Settles an expression of PL/pgSQL, whose variables have the collations of their types. 42P21.
pub(crate) fn settle_simple(expr: &mut Expr, cx: BindContext<'_>) -> Result<()> {
    if cx.catalog.has_locale() {
        settle_expr(expr, &[], cx)?;
    }
    Ok(())
}

/// Settles an expression over the columns of a table, which are columns or inputs by their places; its collation, zero where none is
/// agreed on. 42P21.
pub(crate) fn settle_expr(expr: &mut Expr, columns: &[(ColumnId, Oid)], cx: BindContext<'_>) -> Result<Oid> {
    let mut next_id = || ColumnId(u32::MAX);
    let mut settler = Settler::new(cx, &mut next_id);
    settler.columns.extend(columns.iter().map(|(id, collation)| (*id, State::implicit(*collation))));
    settler.expr(expr).map(State::agreed)
}

/// Whether a plan says anything of collations.
fn concerns(node: &Node, cx: BindContext<'_>) -> bool {
    let mut found = match node {
        Node::Scan(scan) => is_collated(&scan.relation, cx),
        Node::Modify(modify) => is_collated(&modify.relation, cx),
        _ => false,
    };
    for_each_expr(node, &mut |expr| {
        found = found
            || expr.any(&mut |e| match e {
                Expr::Collate(..) => true,
                Expr::ToDomain(_, ty) => cx.catalog.type_info(ty.oid).is_some_and(|info| is_special(info.collation)),
                Expr::Sublink(link) => concerns(&link.query, cx),
                _ => false,
            });
    });
    if !found {
        for_each_input(node, &mut |input| found = found || concerns(input, cx));
    }
    found
}

/// Whether a user's table has columns of another collation than their types'.
fn is_collated(relation: &Relation, cx: BindContext<'_>) -> bool {
    let differs = |ty: Type, collation: Oid| {
        is_special(collation)
            && (ty.oid != oids::NAME || cx.catalog.type_info(ty.oid).is_some_and(|info| info.collation != collation))
    };
    relation.oid >= Oid::FIRST_NORMAL && relation.columns.iter().any(|column| differs(column.ty, column.collation))
}

fn is_special(collation: Oid) -> bool {
    collation.is_valid() && collation != DEFAULT_COLLATION
}

impl BindContext<'_> {
    /// The collation that a name means. 42704, 3F000, 42601.
    pub fn collation(&self, name: &ast::ObjectName) -> Result<Oid> {
        let parts = crate::bind::idents(name)?;
        let found = match parts.as_slice() {
            [name] => self.catalog.collation_on_path(self.search_path, &name.value),
            [schema, name] => {
                let namespace = self.catalog.schema_seen(self.search_path, &schema.value).ok_or_else(|| {
                    Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{}\" does not exist", schema.value))
                })?;
                self.catalog.collation_in(namespace.oid, &name.value)
            }
            parts => {
                let message =
                    format!("improper qualified name (too many dotted names): {}", crate::bind::dotted(parts));
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
        };
        found.map(|own| own.oid).ok_or_else(|| {
            let message = format!("collation \"{}\" for encoding \"UTF8\" does not exist", crate::bind::dotted(&parts));
            Error::new(SqlState::UNDEFINED_OBJECT, message)
        })
    }
}

/// The work on one plan.
struct Settler<'a, 'c> {
    cx: BindContext<'c>,
    next_id: &'a mut dyn FnMut() -> ColumnId,
    /// Collations of the columns met so far.
    columns: HashMap<ColumnId, State>,
    /// Those of them that a select list has with COLLATE, which counts in UNION and its kin.
    collated: HashSet<ColumnId>,
    /// Collations of the columns of CTEs.
    ctes: HashMap<CteId, Vec<State>>,
    /// Orders that were looked up; `None` is by bytes.
    orders: HashMap<Oid, Option<Arc<Order>>>,
    /// Where columns are referred to.
    positions: HashMap<ColumnId, u32>,
    /// What the enclosing CASE tests.
    tested: Option<State>,
}

impl<'a, 'c> Settler<'a, 'c> {
    fn new(cx: BindContext<'c>, next_id: &'a mut dyn FnMut() -> ColumnId) -> Self {
        let (columns, ctes, orders, positions) = Default::default();
        Settler { cx, next_id, columns, collated: HashSet::new(), ctes, orders, positions, tested: None }
    }

    /// The collation that values of a type have by themselves.
    fn of_type(&self, ty: Type) -> State {
        State::implicit(self.cx.catalog.type_info(ty.oid).map_or(Oid::INVALID, |info| info.collation))
    }

    fn info(&self, collation: Oid) -> Option<&'c CollationInfo> {
        self.cx.catalog.collation_info(collation)
    }

    /// The order of a collation; `None` is by bytes.
    fn order(&mut self, collation: Oid) -> Option<Arc<Order>> {
        let catalog = self.cx.catalog;
        self.orders.entry(collation).or_insert_with(|| Order::of(catalog, collation).map(Arc::new)).clone()
    }

    fn merge(&self, into: &mut State, part: State) -> Result<()> {
        into.merge(part).map_err(|Mismatch(first, second, position)| {
            let name = |oid| self.cx.catalog.collation_name(oid);
            let message =
                format!("collation mismatch between explicit collations \"{}\" and \"{}\"", name(first), name(second));
            Error::new(SqlState::COLLATION_MISMATCH, message).at(position)
        })
    }
}
