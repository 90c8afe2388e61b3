//! Collations of the columns of a plan, from its leaves up, and what they make of its operators.

use std::collections::HashMap;

use dictdb_catalog::Relation;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::aggregate::{FromKey, first};
use super::state::{State, Strength};
use super::{Settler, is_key};
use crate::columns::{for_each_expr_mut, for_each_input_mut};
use crate::expr::{ColumnId, Expr};
use crate::logical::{Aggregate, Column, Cte, ModifyAction, Node, SetOpKind};

impl Settler<'_, '_> {
    /// Settles an operator and those below it.
    pub(super) fn node(&mut self, node: &mut Node) -> Result<()> {
        dictdb_parser::with_stack(|| self.any_node(node))
    }

    fn any_node(&mut self, node: &mut Node) -> Result<()> {
        match node {
            Node::With { ctes, body } => {
                ctes.iter_mut().try_for_each(|cte| self.cte(cte))?;
                self.node(body)
            }
            Node::CteScan { cte, columns, .. } => {
                let states = self.ctes.get(cte).cloned().unwrap_or_default();
                for (number, column) in columns.iter().enumerate() {
                    let state = states.get(number).copied().unwrap_or_else(|| self.of_type(column.ty));
                    self.columns.insert(column.id, state);
                }
                Ok(())
            }
            _ => {
                let mut result = Ok(());
                for_each_input_mut(node, &mut |input| {
                    if result.is_ok() {
                        result = self.node(input);
                    }
                });
                result?;
                self.own(node)
            }
        }
    }

    fn cte(&mut self, cte: &mut Cte) -> Result<()> {
        self.node(&mut cte.query)?;
        let states: Vec<State> = cte.query.columns().iter().map(|column| self.state_of(column)).collect();
        self.ctes.insert(cte.id, states.clone());
        let Some((term, _)) = &mut cte.recursive else { return Ok(()) };
        self.node(term)?;
        for (number, (own, column)) in states.iter().zip(term.columns()).enumerate() {
            let (own, overall) = (own.agreed(), self.state_of(&column).agreed());
            if own != overall && own.is_valid() && overall.is_valid() {
                let name = |oid| self.cx.catalog.collation_name(oid);
                let message = format!(
                    "recursive query \"{}\" column {} has collation \"{}\" in non-recursive term but collation \"{}\" overall",
                    cte.name,
                    number + 1,
                    name(own),
                    name(overall)
                );
                return Err(Error::new(SqlState::COLLATION_MISMATCH, message)
                    .hint("Use the COLLATE clause to set the collation of the non-recursive term."));
            }
        }
        Ok(())
    }

    fn state_of(&self, column: &Column) -> State {
        self.columns.get(&column.id).copied().unwrap_or_else(|| self.of_type(column.ty))
    }

    /// Settles what an operator itself says; its inputs are settled.
    fn own(&mut self, node: &mut Node) -> Result<()> {
        match node {
            Node::Scan(scan) => {
                for (column, attnum) in &scan.columns {
                    let state = collation_of(&scan.relation, *attnum).map(State::implicit);
                    self.columns.insert(column.id, state.unwrap_or_else(|| self.of_type(column.ty)));
                }
                Ok(())
            }
            Node::Values { columns, rows } => {
                for (number, column) in columns.iter().enumerate() {
                    let state = self.merged(rows.iter_mut().filter_map(|row| row.get_mut(number)))?;
                    self.columns.insert(column.id, self.result(state, column.ty).of_column());
                }
                Ok(())
            }
            Node::Project { columns, .. } => {
                for (column, expr) in columns {
                    let state = self.expr(expr)?;
                    if state.strength == Strength::Explicit {
                        self.collated.insert(column.id);
                    }
                    self.columns.insert(column.id, state.of_column());
                }
                Ok(())
            }
            Node::FunctionScan(scan) => {
                for item in &mut scan.calls {
                    let state = self.expr(&mut item.call)?;
                    for column in &item.columns {
                        let own = if item.spread { self.of_type(column.ty) } else { self.result(state, column.ty) };
                        self.columns.insert(column.id, own.of_column());
                    }
                }
                Ok(())
            }
            Node::ProjectSet { calls, .. } => {
                for (column, call) in calls {
                    let state = self.expr(call)?;
                    self.columns.insert(column.id, state);
                }
                Ok(())
            }
            Node::Sort { keys, .. } => keys.iter_mut().try_for_each(|key| self.sort_key(key).map(drop)),
            Node::Aggregate(_) => self.aggregate_node(node),
            Node::Window { .. } => self.window_node(node),
            Node::Distinct { .. } => self.distinct_node(node),
            Node::SetOp { .. } => self.set_operation(node),
            Node::Modify(modify) => {
                let relation = modify.relation.clone();
                let mut rows = vec![&modify.row];
                if let ModifyAction::Insert { on_conflict: Some(conflict), .. } = &modify.action {
                    rows.extend(conflict.update.iter().flat_map(|update| [&update.existing, &update.excluded]));
                }
                for (column, attnum) in rows.into_iter().flatten() {
                    let state = collation_of(&relation, *attnum).map(State::implicit);
                    self.columns.insert(column.id, state.unwrap_or_else(|| self.of_type(column.ty)));
                }
                self.exprs(node)?;
                if let Node::Modify(modify) = node {
                    for (column, expr) in modify.returning.iter().flatten() {
                        let state = match expr {
                            Expr::Column(id, ty) => self.columns.get(id).copied().unwrap_or_else(|| self.of_type(*ty)),
                            other => self.of_type(other.ty()),
                        };
                        self.columns.insert(column.id, state);
                    }
                }
                Ok(())
            }
            _ => self.exprs(node),
        }
    }

    fn exprs(&mut self, node: &mut Node) -> Result<()> {
        let mut result = Ok(());
        for_each_expr_mut(node, &mut |expr| {
            if result.is_ok() {
                result = self.expr(expr).map(drop);
            }
        });
        result
    }

    fn aggregate_node(&mut self, node: &mut Node) -> Result<()> {
        let Node::Aggregate(aggregate) = node else { return Ok(()) };
        let outputs: Vec<Column> = columns_of(aggregate);
        let mut from_keys: Vec<FromKey> = Vec::new();
        for (column, call) in &mut aggregate.calls {
            let (state, gives_key) = self.aggregate(call)?;
            self.columns.insert(column.id, state);
            if gives_key {
                from_keys.push(self.text_from_key(column));
            }
        }
        let is_partial = aggregate.sets.is_some();
        for number in 0..aggregate.groups.len() {
            let (column, expr) = &mut aggregate.groups[number];
            let state = self.expr(expr)?;
            if state.strength == Strength::Conflict {
                return Err(self.disagreement(state));
            }
            self.columns.insert(column.id, state);
            let value = expr.clone();
            if self.by_equality(state, "string hashing", [&mut *expr]) && is_key(expr) {
                let text = column.clone();
                *column = Column { id: (self.next_id)(), ty: expr.ty(), source: None, ..text.clone() };
                let key_column = Expr::column(column);
                let kept = Column { id: (self.next_id)(), source: None, ..text.clone() };
                let mut shown = Expr::column(&kept);
                if is_partial {
                    shown = unless_null(key_column, shown);
                }
                aggregate.calls.push((kept, first(value)));
                from_keys.push((text, shown));
            }
        }
        put_above(node, &outputs, from_keys);
        Ok(())
    }

    fn window_node(&mut self, node: &mut Node) -> Result<()> {
        let outputs = node.columns();
        let Node::Window { calls, .. } = node else { return Ok(()) };
        let mut from_keys: Vec<FromKey> = Vec::new();
        for (column, call) in calls {
            let (state, gives_key) = self.window(call)?;
            self.columns.insert(column.id, state);
            if gives_key {
                from_keys.push(self.text_from_key(column));
            }
        }
        put_above(node, &outputs, from_keys);
        Ok(())
    }

    /// DISTINCT of texts that may be equal with other bytes is grouping by their keys.
    fn distinct_node(&mut self, node: &mut Node) -> Result<()> {
        let outputs = node.columns();
        let Node::Distinct { input, on } = node else { return Ok(()) };
        if let Some(on) = on {
            for expr in on {
                let state = self.expr(expr)?;
                self.by_equality(state, "string comparison", [expr]);
            }
            return Ok(());
        }
        let mut groups = Vec::with_capacity(outputs.len());
        let mut is_keyed = false;
        for column in &outputs {
            let mut expr = Expr::column(column);
            let state = self.state_of(column);
            is_keyed |= self.by_equality(state, "string hashing", [&mut expr]);
            groups.push((column.clone(), expr));
        }
        if !is_keyed {
            return Ok(());
        }
        let input = std::mem::replace(&mut **input, Node::Values { columns: Vec::new(), rows: Vec::new() });
        let (mut calls, mut from_keys) = (Vec::new(), Vec::new());
        for (column, expr) in &mut groups {
            let text = column.clone();
            column.id = (self.next_id)();
            let shown = match is_key(expr) {
                true => {
                    column.ty = expr.ty();
                    let kept = Column { id: (self.next_id)(), ..text.clone() };
                    let shown = Expr::column(&kept);
                    calls.push((kept, first(Expr::column(&text))));
                    shown
                }
                false => Expr::column(column),
            };
            from_keys.push((text, shown));
        }
        *node = Node::Aggregate(Box::new(Aggregate { input, groups, sets: None, calls, groupings: Vec::new() }));
        put_above(node, &outputs, from_keys);
        Ok(())
    }

    /// 42P21 for inputs that do not agree, unless nothing is compared.
    fn set_operation(&mut self, node: &mut Node) -> Result<()> {
        let Node::SetOp { kind, all, columns, left, right } = node else { return Ok(()) };
        let unites = *kind == SetOpKind::Union;
        let compares = !(unites && *all);
        let (lefts, rights) = (left.columns(), right.columns());
        let mut is_keyed = false;
        for (number, column) in columns.iter().enumerate() {
            let mut state = State::default();
            for input in [lefts.get(number), rights.get(number)].into_iter().flatten() {
                let mut part = self.state_of(input);
                if self.collated.contains(&input.id) {
                    part.strength = Strength::Explicit;
                }
                self.merge(&mut state, part)?;
            }
            if state.strength == Strength::Conflict && compares {
                return Err(self.disagreement(state));
            }
            let state = self.result(state, column.ty).of_column();
            self.columns.insert(column.id, state);
            is_keyed |= compares && self.order(state.collation).is_some_and(|order| !order.deterministic);
        }
        if !is_keyed {
            return Ok(());
        }
        if !unites {
            return Err(Error::unsupported("INTERSECT and EXCEPT of nondeterministic collations"));
        }
        *all = true;
        let input = std::mem::replace(node, Node::Values { columns: Vec::new(), rows: Vec::new() });
        *node = Node::Distinct { input: Box::new(input), on: None };
        self.distinct_node(node)
    }

    /// 42P21 for columns that do not agree where one collation is needed.
    pub(super) fn disagreement(&self, state: State) -> Error {
        let name = |oid: Oid| self.cx.catalog.collation_name(oid);
        let (first, second) = (name(state.collation), name(state.other));
        let message = format!("collation mismatch between implicit collations \"{first}\" and \"{second}\"");
        Error::new(SqlState::COLLATION_MISMATCH, message)
            .hint("You can choose the collation by applying the COLLATE clause to one or both expressions.")
            .at(state.position)
    }
}

fn collation_of(relation: &Relation, attnum: i16) -> Option<Oid> {
    relation.column(attnum).map(|column| column.collation)
}

fn columns_of(aggregate: &Aggregate) -> Vec<Column> {
    let groups = aggregate.groups.iter().map(|(column, _)| column);
    let calls = aggregate.calls.iter().map(|(column, _)| column);
    groups.chain(calls).chain(aggregate.groupings.iter().map(|(column, _)| column)).cloned().collect()
}

/// A value, or NULL where a key is NULL: the group is by other keys.
fn unless_null(key_column: Expr, value: Expr) -> Expr {
    let ty = value.ty();
    let whens = vec![(Expr::IsNull(Box::new(key_column), false), Expr::null(ty))];
    Expr::Case(Box::new(crate::expr::Case { operand: None, whens, otherwise: Some(value), ty }))
}

/// Puts a projection above an operator that makes of keys the texts that its columns were.
fn put_above(node: &mut Node, outputs: &[Column], from_keys: Vec<FromKey>) {
    if from_keys.is_empty() {
        return;
    }
    let mut made: HashMap<ColumnId, Expr> = from_keys.into_iter().map(|(column, expr)| (column.id, expr)).collect();
    let columns = outputs.iter().map(|column| {
        let expr = made.remove(&column.id).unwrap_or_else(|| Expr::column(column));
        (column.clone(), expr)
    });
    let columns = columns.collect();
    let input = std::mem::replace(node, Node::Values { columns: Vec::new(), rows: Vec::new() });
    *node = Node::Project { input: Box::new(input), columns };
}
