//! Columns that USING makes of two have one name on both sides, which nothing else below may have: what tables' columns are called
//! so that the text of a query can be read again (`set_using_names` and `set_relation_column_names` of PostgreSQL's ruleutils).

use std::sync::Arc;

use super::tree::{Body, FromItem, Join, Query, Source, Table};
use crate::bind::NamedColumn;
use crate::expr::Expr;

/// Names a query's columns, and those of the queries in its FROM clauses and WITH.
pub(super) fn settle(query: &mut Query) {
    query.ctes.iter_mut().for_each(|cte| settle(&mut cte.query));
    settle_body(&mut query.body);
}

fn settle_body(body: &mut Body) {
    match body {
        Body::Select(select) => settle_from(&mut select.from),
        Body::SetOp(operation) => {
            settle_body(&mut operation.left);
            settle_body(&mut operation.right);
        }
        Body::Query(inner) => settle(inner),
        Body::Values(_) | Body::Change(_) => {}
    }
}

fn settle_from(items: &mut [FromItem]) {
    let mut names = Names { everywhere: items.iter().any(has_made), ..Names::default() };
    items.iter_mut().for_each(|item| names.using(item, &[]));
    items.iter_mut().for_each(|item| names.rest(item, &[]));
}

/// Whether a USING makes a column that is neither side's: only its bare name means it, wherever it stands in the query.
fn has_made(item: &FromItem) -> bool {
    let FromItem::Join(join) = item else { return false };
    let is_made = |column: &NamedColumn| !matches!(column.expr, Expr::Column(..));
    join.using.iter().any(is_made) || has_made(&join.left) || has_made(&join.right)
}

/// The names given so far.
#[derive(Default)]
struct Names {
    /// Names of USING columns are the only ones of their kind in the query.
    everywhere: bool,
    using: Vec<Arc<str>>,
    /// The columns that a join above gives a name.
    given: Vec<(Expr, Arc<str>)>,
}

impl Names {
    fn given_to(&self, expr: &Expr) -> Option<Arc<str>> {
        self.given.iter().find(|(other, _)| other.same(expr)).map(|(_, name)| name.clone())
    }

    /// `name`, or that with a number which is neither among these nor that of a USING column.
    fn unique(&self, name: &Arc<str>, own: &[Arc<str>], above: &[Arc<str>]) -> Arc<str> {
        let is_free = |name: &Arc<str>| !own.contains(name) && !above.contains(name) && !self.using.contains(name);
        let numbered = (1u32..).map(|n| Arc::from(format!("{name}_{n}")));
        std::iter::once(name.clone()).chain(numbered).find(is_free).unwrap_or_else(|| name.clone())
    }

    /// Names the columns of USING, those of the outer joins first.
    fn using(&mut self, item: &mut FromItem, above: &[Arc<str>]) {
        let FromItem::Join(join) = item else { return };
        let mut own: Vec<Arc<str>> = Vec::new();
        for (column, (left, right)) in join.using.iter_mut().zip(&join.sides) {
            let given = self.given_to(&column.expr);
            column.name = match given {
                Some(name) => name,
                None => {
                    let name = self.unique(&column.name, &own, above);
                    if self.everywhere {
                        self.using.push(name.clone());
                    }
                    name
                }
            };
            own.push(column.name.clone());
            for side in [left, right] {
                if self.given_to(side).is_none() {
                    self.given.push((side.clone(), column.name.clone()));
                }
            }
        }
        let below = below(join, above);
        self.using(&mut join.left, &below);
        self.using(&mut join.right, &below);
    }

    /// Names all other columns.
    fn rest(&self, item: &mut FromItem, above: &[Arc<str>]) {
        match item {
            FromItem::Table(table) => self.table(table, above),
            FromItem::Join(join) => {
                let below = below(join, above);
                self.rest(&mut join.left, &below);
                self.rest(&mut join.right, &below);
            }
        }
    }

    fn table(&self, table: &mut Table, above: &[Arc<str>]) {
        if let Source::Query(query) = &mut table.source {
            settle(query);
        }
        let mut own: Vec<Arc<str>> = table.columns.iter().filter_map(|column| self.given_to(&column.expr)).collect();
        for column in &mut table.columns {
            let name = match self.given_to(&column.expr) {
                Some(name) => name,
                None => {
                    let name = self.unique(&column.name, &own, above);
                    own.push(name.clone());
                    name
                }
            };
            table.renames |= name != column.name;
            column.name = name;
        }
    }
}

/// The names of USING columns that stand above what is in a join.
fn below(join: &Join, above: &[Arc<str>]) -> Vec<Arc<str>> {
    above.iter().cloned().chain(join.using.iter().map(|column| column.name.clone())).collect()
}
