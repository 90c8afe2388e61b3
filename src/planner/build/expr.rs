//! Expressions: columns become positions or slots, subqueries become numbered subplans.

use dictdb_types::{Error, Result};

use super::{Builder, Layout, Outer};
use crate::columns::free_columns;
use crate::expr::{AggregateCall, BoolTest, ColumnId, Expr, SortKey, Sublink, SublinkKind, Subplan};
use crate::logical::Node as Logical;
use crate::physical::Part;

impl Builder<'_> {
    /// Translates an expression over an input with this layout.
    pub(crate) fn expr(&mut self, expr: &Expr, layout: &Layout, outer: &Outer) -> Result<Expr> {
        let mut out = expr.clone();
        self.translate(&mut out, layout, outer)?;
        Ok(out)
    }

    pub(crate) fn exprs<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        layout: &Layout,
        outer: &Outer,
    ) -> Result<Vec<Expr>> {
        exprs.into_iter().map(|expr| self.expr(expr, layout, outer)).collect()
    }

    pub(crate) fn sort_keys(&mut self, keys: &[SortKey], layout: &Layout, outer: &Outer) -> Result<Vec<SortKey>> {
        keys.iter().map(|key| Ok(SortKey { expr: self.expr(&key.expr, layout, outer)?, ..key.clone() })).collect()
    }

    pub(crate) fn aggregate_call(
        &mut self,
        call: &AggregateCall,
        layout: &Layout,
        outer: &Outer,
    ) -> Result<AggregateCall> {
        let mut out = call.clone();
        let mut result = Ok(());
        out.for_each_operand_mut(&mut |operand| {
            if result.is_ok() {
                result = self.translate(operand, layout, outer);
            }
        });
        result.map(|()| out)
    }

    fn translate(&mut self, expr: &mut Expr, layout: &Layout, outer: &Outer) -> Result<()> {
        match expr {
            Expr::Column(id, ty) => {
                *expr = match (layout.iter().position(|other| other == id), outer.get(id)) {
                    (Some(position), _) => Expr::Input(position, *ty),
                    (None, Some(slot)) => Expr::Outer(*slot, *ty),
                    (None, None) => return Err(Error::internal(format!("column {id:?} is provided by no input"))),
                };
                Ok(())
            }
            Expr::Sublink(link) => {
                *expr = match self.hashed_exists(link, layout) {
                    Some(hashed) => self.cheaper_subplan(link, &hashed, layout, outer)?,
                    None => self.subplan(link, layout, outer)?,
                };
                Ok(())
            }
            other => {
                let mut result = Ok(());
                other.for_each_child_mut(&mut |child| {
                    if result.is_ok() {
                        result = self.translate(child, layout, outer);
                    }
                });
                result
            }
        }
    }

    /// EXISTS for each row, or rows looked up in the answer of one query: whichever is cheaper for a number of rows.
    fn cheaper_subplan(&mut self, link: &Sublink, hashed: &Sublink, layout: &Layout, outer: &Outer) -> Result<Expr> {
        let first = self.subplans.len();
        let mark = self.mark();
        let each = self.subplan(link, layout, outer)?;
        let price = self.cost_of_queries(&each, first, EXPECTED_ROWS).1;
        let kept = self.take_since(&mark);
        let once = self.subplan(hashed, layout, outer)?;
        if self.cost_of_queries(&once, first, EXPECTED_ROWS).0 < price {
            // No match is no row, whatever NULLs there are.
            return Ok(Expr::BoolTest(Box::new(once), BoolTest::True));
        }
        self.take_since(&mark);
        self.put_back(kept);
        Ok(each)
    }

    fn subplan(&mut self, link: &Sublink, layout: &Layout, outer: &Outer) -> Result<Expr> {
        let kind = match &link.kind {
            SublinkKind::Compare { all, left, tests, operator, order } => SublinkKind::Compare {
                all: *all,
                left: self.exprs(left, layout, outer)?,
                tests: tests.clone(),
                operator: operator.clone(),
                order: *order,
            },
            other => other.clone(),
        };
        let (inner, args) = self.correlate(&link.query, layout, outer)?;
        let number = self.subplans.len();
        self.subplans.push(None);
        let columns = link.query.columns();
        let built = self.in_part(Part::Subplan(number), |builder| builder.build(&link.query, &inner))?;
        self.subplans[number] = Some(self.arrange(built, &columns)?);
        Ok(Expr::Subplan(Box::new(Subplan { kind, plan: number, args, ty: link.ty })))
    }

    /// Slots for the columns a query takes from outside, and what fills them from the current row.
    pub(crate) fn correlate(
        &mut self,
        query: &Logical,
        layout: &Layout,
        outer: &Outer,
    ) -> Result<(Outer, Vec<(usize, Expr)>)> {
        let mut inner = Outer::new();
        let mut args = Vec::new();
        let types = column_types(query);
        for id in free_columns(query) {
            let ty = types
                .iter()
                .find(|(other, _)| *other == id)
                .map(|(_, ty)| *ty)
                .ok_or_else(|| Error::internal("a correlated column without a type"))?;
            let slot = self.new_slot();
            inner.insert(id, slot);
            args.push((slot, self.expr(&Expr::Column(id, ty), layout, outer)?));
        }
        Ok((inner, args))
    }
}

/// Rows for which a subquery is expected to be asked, where nobody knows.
const EXPECTED_ROWS: f64 = 20.0;

/// In a filter NULL is as good as false: rows found in a hash table need no test of that.
pub(super) fn without_tests(predicate: &mut Expr) {
    match predicate {
        Expr::And(items) | Expr::Or(items) => items.iter_mut().for_each(without_tests),
        Expr::BoolTest(inner, BoolTest::True) if matches!(**inner, Expr::Subplan(_)) => {
            let inner = std::mem::replace(&mut **inner, Expr::boolean(true));
            *predicate = inner;
        }
        _ => {}
    }
}

/// The types of all columns mentioned in a query.
fn column_types(query: &Logical) -> Vec<(ColumnId, dictdb_types::Type)> {
    let mut types = Vec::new();
    collect_types(query, &mut types);
    types
}

fn collect_types(node: &Logical, types: &mut Vec<(ColumnId, dictdb_types::Type)>) {
    crate::columns::for_each_expr(node, &mut |expr| {
        expr.visit(&mut |e| match e {
            Expr::Column(id, ty) => types.push((*id, *ty)),
            Expr::Sublink(link) => collect_types(&link.query, types),
            _ => {}
        });
    });
    crate::columns::for_each_input(node, &mut |input| collect_types(input, types));
}
