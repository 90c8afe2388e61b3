//! The collation of expressions, from their operands up, and what it makes of them.

use std::sync::Arc;

use dictdb_catalog::DEFAULT_COLLATION;
use dictdb_types::{Datum, Oid, Result, Type, oids};

use super::function::{self, Use};
use super::state::{State, Strength};
use super::{Order, Settler, key};
use crate::expr::{Call, Case, Expr, Function, SortKey, Sublink, SublinkKind};
use crate::logical::{Column, Node};

impl Settler<'_, '_> {
    /// Settles an expression; its collation.
    pub(super) fn expr(&mut self, expr: &mut Expr) -> Result<State> {
        dictdb_parser::with_stack(|| self.any_expr(expr))
    }

    fn any_expr(&mut self, expr: &mut Expr) -> Result<State> {
        let ty = expr.ty();
        match expr {
            Expr::Collate(inner, collation, position) => {
                let state = State {
                    collation: *collation,
                    strength: Strength::Explicit,
                    position: *position,
                    other: Oid::INVALID,
                };
                self.expr(inner)?;
                *expr = std::mem::replace(&mut **inner, Expr::null(ty));
                Ok(state)
            }
            Expr::Column(id, ty) => {
                let state = self.columns.get(id).copied().unwrap_or_else(|| self.of_type(*ty));
                Ok(State { position: self.positions.get(id).copied().or(state.position), ..state })
            }
            Expr::TestValue(ty) => Ok(self.tested.unwrap_or_else(|| self.of_type(*ty))),
            Expr::Call(_) => self.call(expr),
            Expr::Case(case) => {
                let merged = self.case(case)?;
                Ok(self.result(merged, ty))
            }
            Expr::Distinct(..) | Expr::NullIf(..) | Expr::MinMax(..) | Expr::ScalarArray(_) => self.comparing(expr),
            Expr::RowCompare(_, pairs) => {
                for (left, right) in pairs {
                    let state = self.merged([&mut *left, &mut *right])?;
                    self.by_order(state, "string comparison", [left, right]);
                }
                Ok(State::default())
            }
            Expr::Row(items, ..) => {
                items.iter_mut().try_for_each(|item| self.expr(item).map(drop))?;
                Ok(State::default())
            }
            Expr::Field(inner, ..) => {
                self.expr(inner)?;
                Ok(self.of_type(ty))
            }
            Expr::Subscript(subscript) => {
                let container = self.expr(&mut subscript.array)?;
                let bounds = subscript.indexes.iter_mut().flat_map(|(lower, upper)| lower.iter_mut().chain(upper));
                bounds.into_iter().try_for_each(|bound| self.expr(bound).map(drop))?;
                Ok(self.result(container, ty))
            }
            Expr::ArrayCoerce(array, element, _) => {
                let state = self.expr(array)?;
                self.expr(element)?;
                Ok(self.result(state, ty))
            }
            Expr::Sublink(link) => self.sublink(link),
            // The collation that a domain was given is stronger than a column's.
            Expr::ToDomain(inner, _) => {
                let operand = self.expr(inner)?;
                let own = self.of_type(ty);
                let is_plain = own.collation == DEFAULT_COLLATION || operand.strength == Strength::Explicit;
                Ok(if is_plain { self.result(operand, ty) } else { own })
            }
            _ => {
                let merged = self.children(expr)?;
                Ok(self.result(merged, ty))
            }
        }
    }

    /// What an expression of a type has from its operands, or from its type.
    pub(super) fn result(&self, operands: State, ty: Type) -> State {
        let own = self.of_type(ty);
        match (own.strength, operands.strength) {
            (Strength::None, _) => State::default(),
            (_, Strength::None) => own,
            _ => operands,
        }
    }

    fn children(&mut self, expr: &mut Expr) -> Result<State> {
        let mut merged = Ok(State::default());
        expr.for_each_child_mut(&mut |child| {
            if let Ok(state) = &mut merged
                && let Err(error) = self.expr(child).and_then(|part| self.merge(state, part))
            {
                merged = Err(error);
            }
        });
        merged
    }

    pub(super) fn merged<'e>(&mut self, exprs: impl IntoIterator<Item = &'e mut Expr>) -> Result<State> {
        let mut merged = State::default();
        for expr in exprs {
            let part = self.expr(expr)?;
            self.merge(&mut merged, part)?;
        }
        Ok(merged)
    }

    /// The results decide; operand and conditions are for themselves.
    fn case(&mut self, case: &mut Case) -> Result<State> {
        let operand = case.operand.as_mut().map(|operand| self.expr(operand)).transpose()?;
        let outer = std::mem::replace(&mut self.tested, operand.map(State::of_column));
        let conditions = case.whens.iter_mut().try_for_each(|(condition, _)| self.expr(condition).map(drop));
        self.tested = outer;
        conditions?;
        self.merged(case.whens.iter_mut().map(|(_, result)| result).chain(case.otherwise.as_mut()))
    }

    fn call(&mut self, expr: &mut Expr) -> Result<State> {
        let Expr::Call(call) = expr else { return Ok(State::default()) };
        let state = self.merged(call.args.iter_mut())?;
        let ty = call.ty;
        if &*call.function.source == "pg_collation_for" {
            if let Some(name) = self.name_of(call, state) {
                *expr = Expr::Const(name, ty);
            }
            return Ok(self.of_type(ty));
        }
        if let Some(found) = function::use_of(&call.function.source) {
            self.apply(found, state, expr);
        } else if is_array_order(&call.function.source) {
            self.array_comparison(call, state);
        }
        Ok(self.result(state, ty))
    }

    /// What `COLLATION FOR` says of its argument.
    fn name_of(&self, call: &Call, state: State) -> Option<Datum> {
        let argument = call.args.first()?.ty();
        if !self.is_collatable(argument) {
            return None;
        }
        let collation = state.agreed();
        Some(match collation.is_valid() {
            true => Datum::text(self.cx.catalog.collation_text(collation, self.cx.search_path, false)),
            false => Datum::Null,
        })
    }

    /// What a function's use of the collation makes of its call.
    fn apply(&mut self, found: Use, state: State, expr: &mut Expr) {
        let (ty, cx) = (expr.ty(), self.cx);
        let Expr::Call(call) = expr else { return };
        let collation = state.agreed();
        if found == Use::Exact("LIKE") && !collation.is_valid() {
            return;
        }
        if !collation.is_valid() {
            let purpose = function::purpose(found, &call.function.source);
            *expr = key::refusal(cx, true, &undetermined(&purpose), ty);
            return;
        }
        let order = self.order(collation);
        let exact = order.as_ref().is_none_or(|order| order.deterministic);
        match (found, order) {
            (Use::Order(by_key), Some(order)) => self.compare_keys(call, by_key, &order),
            (Use::Equality(by_key), Some(order)) if !exact => self.compare_keys(call, by_key, &order),
            (Use::Extreme { greatest }, Some(order)) => {
                let items = std::mem::take(&mut call.args);
                *expr = self.extreme(greatest, items, ty, &order);
            }
            (Use::Case(name), _) => {
                if let Some(rule) = self.info(collation).and_then(|info| info.case_rule()) {
                    call.function = key::by_rule(cx, &call.function, name);
                    call.args.push(key::text(&rule));
                }
            }
            (Use::IgnoringCase(_), _) if !exact => *expr = key::refusal(cx, false, &unsupported("ILIKE"), ty),
            (Use::Exact(what), _) if !exact => *expr = key::refusal(cx, false, &unsupported(what), ty),
            (Use::IgnoringCase(like), _) => {
                let rule = self.info(collation).and_then(|info| info.case_rule());
                if let (Some(rule), Some(like)) = (rule, key::known(cx, like)) {
                    for arg in &mut call.args {
                        let value = std::mem::replace(arg, Expr::boolean(false));
                        *arg = key::lowered(cx, value, &rule);
                    }
                    call.function = like;
                }
            }
            _ => {}
        }
    }

    fn compare_keys(&mut self, call: &mut Call, by_key: Oid, order: &Order) {
        let Some(function) = key::known(self.cx, by_key) else { return };
        call.function = function;
        self.key_all(&mut call.args, order);
    }

    pub(super) fn key_all(&self, exprs: &mut [Expr], order: &Order) {
        exprs.iter_mut().for_each(|expr| self.put_key(expr, order));
    }

    pub(super) fn put_key(&self, expr: &mut Expr, order: &Order) {
        let value = std::mem::replace(expr, Expr::boolean(false));
        *expr = key::keyed(self.cx, value, order);
    }

    /// The greatest or least of some texts, by way of their keys.
    fn extreme(&self, greatest: bool, items: Vec<Expr>, ty: Type, order: &Order) -> Expr {
        let keys = items.into_iter().map(|item| key::keyed_as(self.cx, item, &order.rule, true));
        key::text_of_key(self.cx, Expr::MinMax(greatest, keys.collect(), Type::new(oids::BYTEA)), ty)
    }

    /// Puts keys in the place of what is ordered; an error when it is computed where no collation is agreed on.
    pub(super) fn by_order<'e>(&mut self, state: State, purpose: &str, exprs: impl IntoIterator<Item = &'e mut Expr>) {
        let collation = state.agreed();
        if !collation.is_valid() {
            for expr in exprs {
                if self.is_collatable(expr.ty()) {
                    *expr = key::refusal(self.cx, true, &undetermined(purpose), expr.ty());
                }
            }
        } else if let Some(order) = self.order(collation) {
            exprs.into_iter().for_each(|expr| self.put_key(expr, &order));
        }
    }

    /// Likewise for what is only told apart, where that takes keys. Whether keys took their places.
    pub(super) fn by_equality<'e>(
        &mut self,
        state: State,
        purpose: &str,
        exprs: impl IntoIterator<Item = &'e mut Expr>,
    ) -> bool {
        let collation = state.agreed();
        if collation.is_valid() && self.order(collation).is_none_or(|order| order.deterministic) {
            return false;
        }
        self.by_order(state, purpose, exprs);
        collation.is_valid()
    }

    pub(super) fn is_collatable(&self, ty: Type) -> bool {
        self.of_type(ty).strength != Strength::None
    }

    /// A key of ORDER BY.
    pub(super) fn sort_key(&mut self, key: &mut SortKey) -> Result<State> {
        let state = self.expr(&mut key.expr)?;
        if state.strength == Strength::Conflict {
            return Err(self.disagreement(state));
        }
        self.by_order(state, "string comparison", [&mut key.expr]);
        Ok(state)
    }

    fn array_comparison(&mut self, call: &mut Call, state: State) {
        let equality = matches!(&*call.function.source, "array_eq" | "array_ne");
        match equality {
            true => drop(self.by_equality(state, "string comparison", call.args.iter_mut())),
            false => self.by_order(state, "string comparison", call.args.iter_mut()),
        }
    }

    /// Comparisons that have an expression of their own.
    fn comparing(&mut self, expr: &mut Expr) -> Result<State> {
        let ty = expr.ty();
        let merged = self.children(expr)?;
        match expr {
            Expr::Distinct(function, pair, _) => {
                let by_key = self.by_equality(merged, "string comparison", [&mut pair.0, &mut pair.1]);
                if by_key {
                    self.compare_by_key(function);
                }
            }
            Expr::NullIf(function, pair) => {
                let mut pair_of_keys = pair.clone();
                if self.by_equality(merged, "string comparison", [&mut pair_of_keys.0, &mut pair_of_keys.1]) {
                    let (mut function, first) = (function.clone(), pair.0.clone());
                    self.compare_by_key(&mut function);
                    let args = vec![pair_of_keys.0, pair_of_keys.1];
                    let equal = Expr::Call(Box::new(Call::new(function, args, Type::new(oids::BOOL), None)));
                    let whens = vec![(equal, Expr::null(ty))];
                    *expr = Expr::Case(Box::new(Case { operand: None, whens, otherwise: Some(first), ty }));
                }
            }
            Expr::MinMax(greatest, items, _) if merged.strength != Strength::None => {
                let (greatest, collation) = (*greatest, merged.agreed());
                if !collation.is_valid() {
                    *expr = key::refusal(self.cx, true, &undetermined("string comparison"), ty);
                } else if let Some(order) = self.order(collation) {
                    let items = std::mem::take(items);
                    *expr = self.extreme(greatest, items, ty, &order);
                }
            }
            Expr::ScalarArray(test) => {
                let found = function::use_of(&test.function.source).filter(|_| merged.strength != Strength::None);
                let keyed = match found {
                    Some(Use::Equality(_)) => {
                        self.by_equality(merged, "string comparison", [&mut test.left, &mut test.array])
                    }
                    Some(Use::Order(_)) => {
                        self.by_order(merged, "string comparison", [&mut test.left, &mut test.array]);
                        super::is_key(&test.left)
                    }
                    _ => false,
                };
                if keyed {
                    self.compare_by_key(&mut test.function);
                }
            }
            _ => {}
        }
        Ok(self.result(merged, ty))
    }

    /// Turns a comparison of texts into one of keys.
    fn compare_by_key(&self, function: &mut Arc<Function>) {
        if let Some(Use::Equality(by_key) | Use::Order(by_key)) = function::use_of(&function.source)
            && let Some(known) = key::known(self.cx, by_key)
        {
            *function = known;
        }
    }

    fn sublink(&mut self, link: &mut Sublink) -> Result<State> {
        let outer = self.tested.take();
        self.node(&mut link.query)?;
        self.tested = outer;
        let columns = link.query.columns();
        let of_column = |settler: &Self, column: Option<&Column>| {
            column.and_then(|column| settler.columns.get(&column.id).copied()).unwrap_or_default()
        };
        match &mut link.kind {
            SublinkKind::Scalar | SublinkKind::Array => {
                let first = of_column(self, columns.first());
                Ok(self.result(first, link.ty))
            }
            SublinkKind::Exists => Ok(State::default()),
            SublinkKind::Compare { left, tests, order, .. } => {
                let mut outputs: Vec<(Column, Expr)> =
                    columns.iter().map(|column| (column.clone(), Expr::column(column))).collect();
                let mut changed = false;
                for ((value, test), (column, output)) in left.iter_mut().zip(tests).zip(&mut outputs) {
                    let mut state = self.expr(value)?;
                    let part = self.columns.get(&column.id).copied().unwrap_or_default();
                    self.merge(&mut state, part)?;
                    let pair = [&mut *value, &mut *output];
                    let is_order = order.is_some() || matches!(function::use_of(&test.source), Some(Use::Order(_)));
                    let keyed = match is_order {
                        true => {
                            self.by_order(state, "string comparison", pair);
                            super::is_key(value)
                        }
                        false => self.by_equality(state, "string hashing", pair),
                    };
                    if keyed {
                        self.compare_by_key(test);
                        (column.id, column.ty) = ((self.next_id)(), output.ty());
                        changed = true;
                    }
                }
                if changed {
                    let input =
                        std::mem::replace(&mut link.query, Node::Values { columns: Vec::new(), rows: Vec::new() });
                    link.query = Node::Project { input: Box::new(input), columns: outputs };
                }
                Ok(State::default())
            }
        }
    }
}

fn is_array_order(source: &str) -> bool {
    matches!(source, "array_eq" | "array_ne" | "array_lt" | "array_le" | "array_gt" | "array_ge" | "btarraycmp")
}

fn undetermined(purpose: &str) -> String {
    format!("could not determine which collation to use for {purpose}")
}

fn unsupported(what: &str) -> String {
    format!("nondeterministic collations are not supported for {what}")
}
