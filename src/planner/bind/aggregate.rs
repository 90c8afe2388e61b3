//! Aggregate calls: found while expressions are bound, collected at the query level they belong to.

use dictdb_functions::facts::AggregateKind;
use dictdb_functions::resolve::FunctionMatch;
use dictdb_parser::ast;
use dictdb_types::{Error, Result, SqlState, Type, oids};

use super::clause::{Clause, Forbidden};
use super::function::{call_order, is_distinct};
use super::{Binder, Level};
use crate::expr::{AggregateCall, Expr, SortKey, WindowCall};

impl Binder<'_> {
    pub(crate) fn bind_aggregate(
        &mut self,
        syntax: &ast::Function,
        found: FunctionMatch,
        values: Vec<Expr>,
        direct: usize,
        position: Option<u32>,
    ) -> Result<Expr> {
        let function = self.function(found.oid)?;
        let ordered_set = found.aggregate.is_some_and(|(kind, _)| kind != AggregateKind::Normal);
        if syntax.over.is_some() {
            return self.bind_window_aggregate(syntax, found, values, position);
        }
        let result = Type::new(found.result);
        let given = values.clone();
        let mut coerced = self.call_args(&found, values, position)?;
        let mut order = if ordered_set {
            let sorted = coerced.split_off(direct.min(coerced.len()));
            self.within_group_keys(&syntax.within_group, sorted)?
        } else {
            self.bind_sort_keys(call_order(syntax))?
        };
        let distinct = is_distinct(syntax);
        if distinct {
            let positions: Vec<_> = call_order(syntax).iter().map(|item| self.leftmost(&item.expr)).collect();
            match_distinct_order(&coerced, &given, &mut order, &positions)?;
            for (arg, place) in coerced.iter().zip(self.argument_positions(syntax)) {
                self.require_equality(arg.ty(), place)?;
            }
        }
        let filter = self.bind_filter(syntax.filter.as_deref())?;
        let call =
            AggregateCall { function, args: coerced, distinct, order, within_group: ordered_set, filter, ty: result };
        let place = self.argument_positions(syntax).first().copied().flatten();
        self.collect_aggregate(call, position, place)
    }

    /// An aggregate of values that are bound already, as in `t.count`.
    pub(super) fn bind_plain_aggregate(
        &mut self,
        found: &FunctionMatch,
        values: Vec<Expr>,
        position: Option<u32>,
    ) -> Result<Expr> {
        let function = self.function(found.oid)?;
        let args = self.call_args(found, values, position)?;
        let ty = Type::new(found.result);
        let (distinct, order, within_group, filter) = (false, Vec::new(), false, None);
        let call = AggregateCall { function, args, distinct, order, within_group, filter, ty };
        let bound = self.collect_aggregate(call, position, position)?;
        self.note_reference(&bound, position);
        Ok(bound)
    }

    /// Where the arguments of a call start.
    fn argument_positions(&self, syntax: &ast::Function) -> Vec<Option<u32>> {
        let ast::FunctionArguments::List(list) = &syntax.args else { return Vec::new() };
        let position = |arg: &ast::FunctionArg| match arg {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => self.leftmost(expr),
            _ => None,
        };
        list.args.iter().map(position).collect()
    }

    fn within_group_keys(&mut self, items: &[ast::OrderByExpr], sorted: Vec<Expr>) -> Result<Vec<SortKey>> {
        items.iter().zip(sorted).map(|(item, expr)| self.sort_key(expr, &item.options)).collect()
    }

    pub(crate) fn bind_filter(&mut self, filter: Option<&ast::Expr>) -> Result<Option<Expr>> {
        let Some(filter) = filter else { return Ok(None) };
        let position = self.leftmost(filter);
        self.in_clause(Clause::Filter, |binder| {
            let bound = binder.bind_expr(filter)?;
            binder.coerce_to_boolean(bound, "FILTER", position).map(Some)
        })
    }

    fn bind_window_aggregate(
        &mut self,
        syntax: &ast::Function,
        found: FunctionMatch,
        values: Vec<Expr>,
        position: Option<u32>,
    ) -> Result<Expr> {
        if is_distinct(syntax) {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "DISTINCT is not implemented for window functions",
            )
            .at(position));
        }
        if !call_order(syntax).is_empty() {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "aggregate ORDER BY is not implemented for window functions",
            )
            .at(position));
        }
        let result = Type::new(found.result);
        let values = self.call_args(&found, values, position)?;
        let filter = self.bind_filter(syntax.filter.as_deref())?;
        let window = self.bind_over(syntax, position)?;
        let function = self.function(found.oid)?;
        self.collect_window(
            WindowCall { function, aggregate: true, args: values, filter, window, ty: result },
            position,
        )
    }

    /// Puts the call where it belongs: the innermost level whose columns its arguments, which begin at `place`, mention.
    fn collect_aggregate(&mut self, call: AggregateCall, position: Option<u32>, place: Option<u32>) -> Result<Expr> {
        let depth = self.aggregate_level(&call);
        if call.within_group && call.args.iter().any(|arg| self.deepest_level(arg).is_some_and(|own| own > depth)) {
            let message = "outer-level aggregate cannot contain a lower-level variable in its direct arguments";
            return Err(Error::new(SqlState::GROUPING_ERROR, message).at(place.or(position)));
        }
        let level = &self.levels[depth];
        if level.clause.forbids(Forbidden::Aggregate) {
            let message = match level.clause {
                Clause::JoinOn => "aggregate functions are not allowed in JOIN conditions".to_owned(),
                clause => format!("aggregate functions are not allowed in {}", clause.noun()),
            };
            return Err(Error::new(SqlState::GROUPING_ERROR, message).at(position));
        }
        if let Some(inner) = call_contains(&call, &|id| level.aggregates.iter().any(|(c, _)| c.id == id)) {
            return Err(Error::new(SqlState::GROUPING_ERROR, "aggregate function calls cannot be nested")
                .at(self.call_position(inner)));
        }
        if let Some(inner) = call_contains(&call, &|id| level.windows.iter().any(|(c, _)| c.id == id)) {
            return Err(Error::new(
                SqlState::GROUPING_ERROR,
                "aggregate function calls cannot contain window function calls",
            )
            .at(self.call_position(inner)));
        }
        if let Some(inner) = call_contains(&call, &|id| level.sets.iter().any(|(c, _)| c.id == id)) {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "aggregate function calls cannot contain set-returning function calls",
            )
            .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
            .at(self.call_position(inner)));
        }
        if let Some((column, _)) = level.aggregates.iter().find(|(_, other)| other.same(&call)) {
            return Ok(Expr::column(column));
        }
        let column = self.new_column(call.function.name.clone(), call.ty);
        let expr = Expr::column(&column);
        self.levels[depth].aggregates.push((column, call));
        Ok(expr)
    }

    /// Direct arguments have no say in it.
    fn aggregate_level(&self, call: &AggregateCall) -> usize {
        let innermost = self.levels.len() - 1;
        let mut deepest = None;
        if call.within_group {
            let operands = call.order.iter().map(|key| &key.expr).chain(&call.filter);
            operands.for_each(|operand| deepest = deepest.max(self.deepest_level(operand)));
        } else {
            call.for_each_operand(&mut |operand| deepest = deepest.max(self.deepest_level(operand)));
        }
        deepest.unwrap_or(innermost)
    }

    /// The innermost level that an expression refers to.
    fn deepest_level(&self, expr: &Expr) -> Option<usize> {
        let mut deepest = None;
        expr.visit(&mut |expr| {
            if let Expr::Column(id, _) = expr {
                deepest = deepest.max(self.level_of(*id));
            }
            if let Expr::Sublink(link) = expr {
                for id in crate::columns::free_columns(&link.query) {
                    deepest = deepest.max(self.level_of(id));
                }
            }
        });
        deepest
    }

    /// The level whose FROM clause provides a column, or that an aggregate belongs to.
    fn level_of(&self, id: crate::expr::ColumnId) -> Option<usize> {
        let aggregated = |level: &Level| level.aggregates.iter().any(|(column, _)| column.id == id);
        self.levels.iter().rposition(|level| level.provides(id) || aggregated(level))
    }

    pub(crate) fn bind_grouping_call(&mut self, syntax: &ast::Function, position: Option<u32>) -> Result<Expr> {
        let args = self.bind_arg_values(syntax)?;
        let depth = args.iter().filter_map(|arg| self.deepest_level(arg)).max().unwrap_or(self.levels.len() - 1);
        let clause = self.levels[depth].clause;
        if clause.forbids(Forbidden::Aggregate) {
            let message = format!("grouping operations are not allowed in {}", clause.noun());
            return Err(Error::new(SqlState::GROUPING_ERROR, message).at(position));
        }
        if args.len() > 31 {
            return Err(
                Error::new(SqlState::TOO_MANY_ARGUMENTS, "GROUPING must have fewer than 32 arguments").at(position)
            );
        }
        let column = self.new_column("grouping", Type::new(oids::INT4));
        let expr = Expr::column(&column);
        let args = args.into_iter().zip(self.arg_positions(syntax)).collect();
        self.levels[depth].groupings.push((column, args));
        Ok(expr)
    }
}

/// The first column for which `test` holds in a call's operands.
fn call_contains(call: &AggregateCall, test: &dyn Fn(crate::expr::ColumnId) -> bool) -> Option<crate::expr::ColumnId> {
    let mut found = None;
    call.for_each_operand(&mut |operand| {
        operand.visit(&mut |e| match e {
            Expr::Column(id, _) if found.is_none() && test(*id) => found = Some(*id),
            Expr::Sublink(link) if found.is_none() => {
                found = crate::columns::free_columns(&link.query).into_iter().find(|id| test(*id));
            }
            _ => {}
        });
    });
    found
}

/// DISTINCT arguments are sorted once, so ORDER BY may name nothing else; an argument is found by what was written, before it was
/// coerced to the type of the parameter.
fn match_distinct_order(args: &[Expr], given: &[Expr], order: &mut [SortKey], positions: &[Option<u32>]) -> Result<()> {
    for (index, key) in order.iter_mut().enumerate() {
        let was_written = |(number, arg): (usize, &Expr)| {
            let written = given.get(number).is_none_or(|written| written.ty().oid == oids::UNKNOWN);
            (written && arg.same(&key.expr)).then_some(number)
        };
        let found = given.iter().position(|arg| arg.same(&key.expr));
        let found = found.or_else(|| args.iter().enumerate().find_map(was_written));
        let Some(arg) = found.and_then(|found| args.get(found)) else {
            let message = "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list";
            return Err(
                Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(positions.get(index).copied().flatten())
            );
        };
        key.expr = arg.clone();
    }
    Ok(())
}
