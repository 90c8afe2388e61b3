//! UNION, INTERSECT and EXCEPT: rows of several queries one after the other, whose equal ones are found by hash or by sorting.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Result, Type, oids};

use super::cost;
use super::order::Wanted;
use super::query::{completed, ids};
use super::{Builder, Built, Outer, project};
use crate::expr::Expr;
use crate::logical::{Column, Node as Logical, SetOpKind};
use crate::physical::{Appended, Node, Op};

impl Builder<'_> {
    pub(crate) fn build_set_op(
        &mut self,
        (kind, all): (SetOpKind, bool),
        columns: &[Column],
        (left, right): (&Logical, &Logical),
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let below = if all && kind == SetOpKind::Union { wanted.unordered() } else { Wanted::all() };
        let (left_query, right_query) = (left, right);
        let mut arms = Vec::new();
        if kind == SetOpKind::Union {
            union_arms(left, all, &mut arms);
            union_arms(right, all, &mut arms);
        } else {
            arms.extend([left, right]);
        }
        let mut inputs = Vec::with_capacity(arms.len());
        for arm in arms {
            let produced = arm.columns();
            let built = self.build_wanted(arm, &below, outer)?;
            inputs.push(self.arrange(built, &produced)?);
        }
        let types = columns.iter().map(|column| column.ty).collect::<Vec<_>>();
        let names = columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let rows: f64 = inputs.iter().map(|input| input.rows).sum();
        let cost =
            (inputs.first().map_or(0.0, |input| input.cost.0), inputs.iter().map(|input| input.cost.1).sum::<f64>());
        let layout = ids(columns);
        let node = match kind {
            SetOpKind::Union => {
                let append = Node {
                    op: Op::Append { inputs, pruning: None, of: Appended::Queries, merged: Vec::new() },
                    columns: types.clone(),
                    names: names.clone(),
                    rows,
                    cost,
                };
                if all {
                    append
                } else if self.sorts_equal_rows(columns) {
                    let append = Built { node: append, layout, order: Vec::new() };
                    return self.sorted_unique(append, &completed(&[], columns), rows, outer);
                } else {
                    let total = cost.1 + rows * cost::GROUP_ROW;
                    let hashed = wanted
                        .rows
                        .is_none()
                        .then(|| self.set_table(columns.len(), &[left_query, right_query]))
                        .flatten();
                    let op = Op::Distinct { input: Box::new(append), hashed };
                    Node { op, columns: types, names, rows, cost: (total, total + rows * cost::OPERATOR) }
                }
            }
            SetOpKind::Intersect | SetOpKind::Except if self.sorts_equal_rows(columns) => {
                let right_columns = right_query.columns();
                let sides = inputs.into_iter().zip([columns, right_columns.as_slice()]).collect();
                return self.sorted_set_op((kind, all), columns, sides, outer);
            }
            SetOpKind::Intersect | SetOpKind::Except => {
                let mut inputs = inputs.into_iter();
                let (Some(left), Some(right)) = (inputs.next(), inputs.next()) else {
                    return Err(Error::internal("a set operation without two inputs"));
                };
                let exprs: Vec<Expr> = left_query.columns().iter().map(Expr::column).collect();
                let hashed = match wanted.rows {
                    None => self.hash_table(exprs.iter().enumerate(), left_query),
                    Some(_) => None,
                };
                let op = Op::SetOp { kind, all, left: Box::new(left), right: Box::new(right), hashed };
                let total = cost.1 + rows * cost::ROW;
                Node { op, columns: types, names, rows, cost: (total, total) }
            }
        };
        Ok(Built { node, layout, order: Vec::new() })
    }

    /// INTERSECT or EXCEPT of two queries with their columns, the rows of which are sorted for it.
    fn sorted_set_op(
        &mut self,
        (kind, all): (SetOpKind, bool),
        columns: &[Column],
        sides: Vec<(Node, &[Column])>,
        outer: &Outer,
    ) -> Result<Built> {
        let flag = Column { id: self.new_column(), name: Arc::from("flag"), ty: Type::new(oids::INT4), source: None };
        let marked = sides.into_iter().enumerate().map(|(number, (side, named))| {
            let mut exprs: Vec<Expr> = side.columns.iter().enumerate().map(|(at, ty)| Expr::Input(at, *ty)).collect();
            exprs.push(Expr::Const(Datum::Int4(i32::from(number > 0)), flag.ty));
            let names = named.iter().chain([&flag]).map(|column| column.name.clone()).collect();
            project(side, exprs, names)
        });
        let inputs: Vec<Node> = marked.collect();
        let both: Vec<Column> = columns.iter().cloned().chain([flag]).collect();
        let append = Node {
            columns: both.iter().map(|column| column.ty).collect(),
            names: both.iter().map(|column| column.name.clone()).collect(),
            rows: inputs.iter().map(|input| input.rows).sum(),
            cost: (inputs.first().map_or(0.0, |input| input.cost.0), inputs.iter().map(|input| input.cost.1).sum()),
            op: Op::Append { inputs, pruning: None, of: Appended::Sides, merged: Vec::new() },
        };
        let append = Built { node: append, layout: ids(&both), order: Vec::new() };
        let keys = completed(&[], columns);
        let sorted = self.sorted(append, &keys, None, None, outer)?;
        let cost = (sorted.node.cost.0, sorted.node.cost.1 + sorted.node.rows * cost::ROW);
        let node = Node {
            columns: columns.iter().map(|column| column.ty).collect(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            rows: sorted.node.rows,
            cost,
            op: Op::SortedSetOp { kind, all, input: Box::new(sorted.node) },
        };
        Ok(Built { node, layout: ids(columns), order: keys })
    }
}

/// The arms of nested unions that can be appended at once.
fn union_arms<'n>(node: &'n Logical, all: bool, arms: &mut Vec<&'n Logical>) {
    match node {
        Logical::SetOp { kind: SetOpKind::Union, all: inner, left, right, .. } if *inner || !all => {
            union_arms(left, all, arms);
            union_arms(right, all, arms);
        }
        other => arms.push(other),
    }
}
