//! ORDER BY and DISTINCT ON: output names, ordinals, expressions.

use dictdb_functions::resolve;
use dictdb_parser::ast::{Distinct, Expr as Ast, OrderByExpr, OrderByOptions, OrderBySort, Value};
use dictdb_types::{Error, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Clause;
use super::expression::strip_parentheses;
use crate::expr::{Expr, SortKey};
use crate::logical::{Column, Node};

impl Binder<'_> {
    /// The sort keys of a SELECT, and which output columns they are: an output column's name or number stands for that
    /// column's expression.
    pub(crate) fn bind_order_by(
        &mut self,
        items: &[OrderByExpr],
        list: &mut [(Column, Expr)],
        distinct: bool,
    ) -> Result<(Vec<SortKey>, Vec<Option<usize>>)> {
        let mut keys = Vec::with_capacity(items.len());
        let mut targets = Vec::with_capacity(items.len());
        for item in items {
            let position = self.leftmost(&item.expr);
            let mut target = self.output_reference(&item.expr, list, Clause::OrderBy, true)?;
            let expr = match target {
                Some(index) => {
                    let (column, expr) = &mut list[index];
                    if expr.ty().oid == oids::UNKNOWN {
                        *expr = self.coerce_implicit(expr.clone(), oids::TEXT)?;
                        column.ty = expr.ty();
                    }
                    list[index].1.clone()
                }
                None => {
                    let bound = self.in_clause(Clause::OrderBy, |binder| binder.bind_expr(&item.expr))?;
                    let bound = self.resolve_unknown(bound)?;
                    if distinct && !list.iter().any(|(_, expr)| expr.same(&bound)) {
                        return Err(Error::new(
                            SqlState::INVALID_COLUMN_REFERENCE,
                            "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                        )
                        .at(position));
                    }
                    target = list.iter().position(|(_, expr)| expr.same(&bound));
                    bound
                }
            };
            let key = self.sort_key(expr, &item.options).map_err(|e| e.at(position))?;
            if !is_sorted_by(&keys, &key) {
                keys.push(key);
                targets.push(target);
            }
        }
        Ok((keys, targets))
    }

    /// Sort keys of windows and aggregates: plain expressions.
    pub(crate) fn bind_sort_keys(&mut self, items: &[OrderByExpr]) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            let position = self.leftmost(&item.expr);
            let bound = self.bind_expr(&item.expr)?;
            keys.push(self.sort_key(bound, &item.options).map_err(|e| e.at(position))?);
        }
        Ok(keys)
    }

    /// 42883 for a type whose values cannot be told apart: DISTINCT, GROUP BY, UNION and their kin need that.
    pub(crate) fn require_equality(&self, ty: Type, position: Option<u32>) -> Result<()> {
        let known = ty.oid == oids::UNKNOWN || resolve::opclass::equality_operator(&self.scope(), ty.oid).is_some();
        if known {
            return self.scope().refuse_comparing_by_users(ty.oid).map_err(|error| error.at(position));
        }
        let message = format!("could not identify an equality operator for type {}", self.type_name(ty));
        Err(Error::new(SqlState::UNDEFINED_FUNCTION, message).at(position))
    }

    /// 42883 for a type whose values have no order: GREATEST and LEAST need one.
    pub(crate) fn require_comparison(&self, ty: Type) -> Result<()> {
        if ty.oid == oids::UNKNOWN || resolve::opclass::less_than_operator(&self.scope(), ty.oid).is_some() {
            return self.scope().refuse_comparing_by_users(ty.oid);
        }
        let message = format!("could not identify a comparison function for type {}", self.type_name(ty));
        Err(Error::new(SqlState::UNDEFINED_FUNCTION, message))
    }

    pub(crate) fn sort_key(&mut self, expr: Expr, options: &OrderByOptions) -> Result<SortKey> {
        let expr = self.resolve_unknown(expr)?;
        let ty = expr.ty();
        if resolve::opclass::less_than_operator(&self.scope(), ty.oid).is_none() {
            return Err(Error::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("could not identify an ordering operator for type {}", self.type_name(ty)),
            )
            .hint("Use an explicit ordering operator or modify the query."));
        }
        self.scope().refuse_comparing_by_users(ty.oid)?;
        let (descending, using) = match &options.sort {
            None | Some(OrderBySort::Asc) => (false, None),
            Some(OrderBySort::Desc) => (true, None),
            Some(OrderBySort::Using(name)) => match super::names::idents(name)?.last().map(|i| i.value.as_str()) {
                Some("<") => (false, None),
                Some(">") => (true, None),
                // Strings are ordered by their bytes anyway, as these do.
                Some("~<~") if is_string(ty) => (false, Some("~<~")),
                Some("~>~") if is_string(ty) => (true, Some("~>~")),
                other => {
                    return Err(Error::new(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!("operator {} is not a valid ordering operator", other.unwrap_or_default()),
                    )
                    .hint("Ordering operators must be \"<\" or \">\" members of btree operator families."));
                }
            },
        };
        Ok(SortKey { expr, descending, nulls_first: options.nulls_first.unwrap_or(descending), using })
    }

    /// The output column that a bare name or an integer means. Names: ORDER BY prefers output columns (`output_first`),
    /// GROUP BY prefers input columns.
    pub(crate) fn output_reference(
        &mut self,
        expr: &Ast,
        list: &[(Column, Expr)],
        clause: Clause,
        output_first: bool,
    ) -> Result<Option<usize>> {
        let position = self.leftmost(expr);
        match strip_parentheses(expr) {
            Ast::Identifier(ident) => {
                if !output_first && self.names_input_column(&ident.value) {
                    return Ok(None);
                }
                let mut found = list.iter().enumerate().filter(|(_, (column, _))| *column.name == *ident.value);
                let Some((index, (_, first))) = found.next() else { return Ok(None) };
                if found.any(|(_, (_, other))| !other.same(first)) {
                    return Err(Error::new(
                        SqlState::AMBIGUOUS_COLUMN,
                        format!("{} \"{}\" is ambiguous", clause.noun(), ident.value),
                    )
                    .at(position));
                }
                Ok(Some(index))
            }
            Ast::Value(value) => match &value.value {
                Value::Number(digits, _) => match digits.parse::<usize>() {
                    Ok(number) if (1..=list.len()).contains(&number) => Ok(Some(number - 1)),
                    Ok(number) => Err(Error::new(
                        SqlState::INVALID_COLUMN_REFERENCE,
                        format!("{} position {number} is not in select list", clause.noun()),
                    )
                    .at(position)),
                    Err(_) => Err(non_integer(clause).at(position)),
                },
                Value::Placeholder(_) => Ok(None),
                _ => Err(non_integer(clause).at(position)),
            },
            _ => Ok(None),
        }
    }

    fn names_input_column(&self, name: &str) -> bool {
        self.levels.last().is_some_and(|level| level.names.columns.iter().any(|column| *column.name == *name))
    }

    /// ORDER BY of a set operation or VALUES: only output columns.
    pub(crate) fn order_by_columns(&mut self, node: Node, items: &[OrderByExpr]) -> Result<Node> {
        if items.is_empty() {
            return Ok(node);
        }
        let list: Vec<(Column, Expr)> = node.columns().into_iter().map(|c| (c.clone(), Expr::column(&c))).collect();
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            let position = self.leftmost(&item.expr);
            let Some(index) = self.output_reference(&item.expr, &list, Clause::OrderBy, true)? else {
                if let Ast::Identifier(ident) = strip_parentheses(&item.expr) {
                    return Err(Error::new(
                        SqlState::UNDEFINED_COLUMN,
                        format!("column \"{}\" does not exist", ident.value),
                    )
                    .at(position));
                }
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
                )
                .detail("Only result column names can be used, not expressions or functions.")
                .hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
                .at(position));
            };
            let key = self.sort_key(list[index].1.clone(), &item.options).map_err(|e| e.at(position))?;
            if !is_sorted_by(&keys, &key) {
                keys.push(key);
            }
        }
        Ok(Node::Sort { input: Box::new(node), keys })
    }

    /// Sort keys in terms of the select list's own columns, for sorting above DISTINCT.
    pub(crate) fn keys_over_list(&mut self, keys: Vec<SortKey>, list: &[(Column, Expr)]) -> Result<Vec<SortKey>> {
        keys.into_iter()
            .map(|key| {
                let (column, _) = list.iter().find(|(_, expr)| expr.same(&key.expr)).ok_or_else(|| {
                    Error::new(
                        SqlState::INVALID_COLUMN_REFERENCE,
                        "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                    )
                })?;
                Ok(SortKey { expr: Expr::column(column), ..key })
            })
            .collect()
    }

    /// DISTINCT ON, checked against ORDER BY by the caller's sort keys.
    pub(crate) fn bind_distinct_on(
        &mut self,
        distinct: Option<&Distinct>,
        list: &[(Column, Expr)],
    ) -> Result<Option<Vec<Expr>>> {
        let Some(Distinct::On(exprs)) = distinct else { return Ok(None) };
        let mut on = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let bound = match self.output_reference(expr, list, Clause::DistinctOn, true)? {
                Some(index) => list[index].1.clone(),
                None => self.in_clause(Clause::DistinctOn, |binder| binder.bind_expr(expr))?,
            };
            let bound = self.resolve_unknown(bound)?;
            self.require_equality(bound.ty(), self.leftmost(expr))?;
            on.push(bound);
        }
        Ok(Some(on))
    }

    /// 42P10 when the leading ORDER BY keys are not the DISTINCT ON expressions.
    pub(crate) fn check_distinct_on(&self, on: &[Expr], sort: &[SortKey], written: Option<&Distinct>) -> Result<()> {
        let place = |key: &SortKey| on.iter().position(|expr| expr.same(&key.expr));
        let leading = sort.iter().map_while(place).collect::<Vec<_>>();
        let skipped = sort.get(leading.len()..).unwrap_or_default();
        if skipped.is_empty() {
            return Ok(());
        }
        let behind = skipped.iter().find_map(place);
        let is_missing = |index: &usize| !leading.iter().any(|known| on[*known].same(&on[*index]));
        let Some(misfit) = behind.or_else(|| (0..on.len()).find(is_missing)) else {
            return Ok(());
        };
        let position = match written {
            Some(Distinct::On(exprs)) => exprs.get(misfit).and_then(|expr| self.leftmost(expr)),
            _ => None,
        };
        let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
        Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(position))
    }
}

/// Whether rows that are equal by some keys are equal by a further one: it is one of them, in whatever direction.
fn is_sorted_by(keys: &[SortKey], further: &SortKey) -> bool {
    !further.expr.is_volatile() && keys.iter().any(|key| key.expr.same(&further.expr))
}

fn is_string(ty: Type) -> bool {
    matches!(ty.oid, oids::TEXT | oids::VARCHAR | oids::BPCHAR | oids::NAME)
}

fn non_integer(clause: Clause) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, format!("non-integer constant in {}", clause.noun()))
}
