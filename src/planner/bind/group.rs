//! GROUP BY, grouping sets, and the check that what remains is grouped.

use std::sync::Arc;

use dictdb_catalog::ConstraintKind;
use dictdb_parser::ast::{Expr as Ast, GroupByExpr};
use dictdb_parser::node;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::Binder;
use super::clause::Clause;
use super::expression::strip_parentheses;
use super::level::Level;
use crate::expr::{ColumnId, Expr};
use crate::logical::{Column, Node};
use crate::view::tree::Group;

/// Expansions a GROUPING SETS clause may have, as PostgreSQL limits them.
const MAX_GROUPING_SETS: usize = 4096;

/// A bound GROUP BY clause.
#[derive(Clone, Default)]
pub(crate) struct Grouping {
    /// Grouping expressions with their output columns.
    pub groups: Vec<(Column, Expr)>,
    /// Grouping sets, as positions in `groups`.
    pub sets: Option<Vec<Vec<usize>>>,
    /// The output column that each of the groups names, if it names one.
    targets: Vec<Option<usize>>,
}

impl Level {
    /// Whether the FROM clause of this level provides a column.
    pub fn provides(&self, id: ColumnId) -> bool {
        let is = |column: &super::NamedColumn| column.expr.any(&mut |e| matches!(e, Expr::Column(c, _) if *c == id));
        self.names.tables.iter().any(|t| t.columns.iter().chain(&t.system).any(is)) || self.names.columns.iter().any(is)
    }
}

impl Binder<'_> {
    pub(crate) fn bind_group_by(
        &mut self,
        group_by: &GroupByExpr,
        list: &[(Column, Expr)],
    ) -> Result<Option<Grouping>> {
        let (exprs, distinct) = node::group_by(group_by);
        if exprs.is_empty() {
            return Ok(None);
        }
        let mut grouping = Grouping::default();
        let mut factors: Vec<Vec<Vec<usize>>> = Vec::new();
        let mut plain = true;
        for expr in exprs {
            let sets = self.group_item(expr, list, &mut grouping)?;
            plain &= !matches!(strip_parentheses(expr), Ast::GroupingSets(_) | Ast::Cube(_) | Ast::Rollup(_))
                && !is_empty_tuple(expr);
            factors.push(sets);
        }
        if !plain {
            let mut sets = cross(factors)?;
            if distinct {
                let mut seen: Vec<Vec<usize>> = Vec::new();
                sets.retain(|set| {
                    let mut sorted = set.clone();
                    sorted.sort_unstable();
                    !seen.contains(&sorted) && {
                        seen.push(sorted);
                        true
                    }
                });
            }
            grouping.sets = Some(sets);
        }
        Ok(Some(grouping))
    }

    /// The GROUP BY clause as it was written, over the expressions it was bound to.
    pub(crate) fn record_groups(
        &mut self,
        group_by: &GroupByExpr,
        list: &[(Column, Expr)],
        grouping: Option<&mut Grouping>,
    ) -> Result<Vec<Group>> {
        let Some(grouping) = grouping else { return Ok(Vec::new()) };
        let (exprs, _) = node::group_by(group_by);
        exprs.iter().map(|expr| self.record_group(expr, list, grouping)).collect()
    }

    fn record_group(&mut self, expr: &Ast, list: &[(Column, Expr)], grouping: &mut Grouping) -> Result<Group> {
        let mut of_sets = |binder: &mut Self, words, sets: &[Vec<Ast>]| -> Result<Group> {
            let items = sets.iter().map(|set| {
                let items = set.iter().map(|item| binder.record_group(item, list, grouping));
                items.collect::<Result<Vec<_>>>().map(Group::set)
            });
            Ok(Group::Sets(words, items.collect::<Result<_>>()?))
        };
        match strip_parentheses(expr) {
            Ast::Rollup(items) => of_sets(self, "ROLLUP(", items),
            Ast::Cube(items) => of_sets(self, "CUBE(", items),
            Ast::GroupingSets(sets) => of_sets(self, "GROUPING SETS (", sets),
            Ast::Tuple(items) => {
                let items = items.iter().map(|item| self.record_group(item, list, grouping));
                Ok(Group::set(items.collect::<Result<_>>()?))
            }
            single => {
                let index = self.group_expr(single, list, grouping)?;
                Ok(Group::Expr(grouping.groups[index].1.clone()))
            }
        }
    }

    /// The grouping sets one item stands for; an ordinary expression is one set of itself.
    fn group_item(&mut self, expr: &Ast, list: &[(Column, Expr)], grouping: &mut Grouping) -> Result<Vec<Vec<usize>>> {
        match strip_parentheses(expr) {
            Ast::Rollup(items) => {
                let parts = self.group_composites(items, list, grouping)?;
                Ok((0..=parts.len()).rev().map(|n| parts[..n].concat()).collect())
            }
            Ast::Cube(items) => {
                let parts = self.group_composites(items, list, grouping)?;
                if parts.len() > 12 {
                    return Err(Error::new(SqlState::TOO_MANY_COLUMNS, "CUBE is limited to 12 elements"));
                }
                Ok((0..1usize << parts.len()).rev().map(|mask| subset(&parts, mask)).collect())
            }
            Ast::GroupingSets(sets) => {
                let mut all = Vec::with_capacity(sets.len());
                for set in sets {
                    match set.as_slice() {
                        [single @ (Ast::Rollup(_) | Ast::Cube(_) | Ast::GroupingSets(_))] => {
                            all.extend(self.group_item(single, list, grouping)?);
                        }
                        items => all.push(self.group_set(items, list, grouping)?),
                    }
                }
                Ok(all)
            }
            Ast::Tuple(items) => Ok(vec![self.group_set(items, list, grouping)?]),
            single => Ok(vec![vec![self.group_expr(single, list, grouping)?]]),
        }
    }

    fn group_composites(
        &mut self,
        items: &[Vec<Ast>],
        list: &[(Column, Expr)],
        grouping: &mut Grouping,
    ) -> Result<Vec<Vec<usize>>> {
        items.iter().map(|item| self.group_set(item, list, grouping)).collect()
    }

    fn group_set(&mut self, items: &[Ast], list: &[(Column, Expr)], grouping: &mut Grouping) -> Result<Vec<usize>> {
        let mut set = Vec::with_capacity(items.len());
        for item in items {
            match strip_parentheses(item) {
                Ast::Tuple(inner) => set.extend(self.group_set(inner, list, grouping)?),
                single => set.push(self.group_expr(single, list, grouping)?),
            }
        }
        Ok(set)
    }

    fn group_expr(&mut self, expr: &Ast, list: &[(Column, Expr)], grouping: &mut Grouping) -> Result<usize> {
        let position = self.leftmost(expr);
        let mut target = self.output_reference(expr, list, Clause::GroupBy, false)?;
        let bound = match target {
            Some(index) => {
                let bound = list[index].1.clone();
                self.refuse_collected(&bound).map_err(|e| e.at(position))?;
                bound
            }
            None => self.in_clause(Clause::GroupBy, |binder| binder.bind_expr(expr))?,
        };
        let bound = self.resolve_unknown(bound)?;
        self.require_equality(bound.ty(), position)?;
        target = target.or_else(|| list.iter().position(|(_, listed)| listed.same(&bound)));
        let known = |(other, known): (&(Column, Expr), &Option<usize>)| match target {
            Some(_) => *known == target,
            None => known.is_none() && other.1.same(&bound),
        };
        if let Some(index) = grouping.groups.iter().zip(&grouping.targets).position(known) {
            return Ok(index);
        }
        let name = match &bound {
            Expr::Column(..) => super::target::figure_name(expr),
            _ => "group".to_owned(),
        };
        let column = self.new_column(name, bound.ty());
        grouping.groups.push((column, bound));
        grouping.targets.push(target);
        Ok(grouping.groups.len() - 1)
    }

    /// GROUP BY 1 where output column 1 is an aggregate.
    fn refuse_collected(&mut self, expr: &Expr) -> Result<()> {
        let level = self.level();
        let in_windows: Vec<&Expr> = level
            .windows
            .iter()
            .filter(|(column, _)| mentions(expr, column.id))
            .flat_map(|(_, call)| &call.args)
            .collect();
        let mut aggregates = level.aggregates.iter().map(|(column, _)| column.id);
        let aggregate = aggregates.find(|id| mentions(expr, *id) || in_windows.iter().any(|arg| mentions(arg, *id)));
        let window = level.windows.iter().map(|(column, _)| column.id).find(|id| mentions(expr, *id));
        if let Some(id) = aggregate {
            let message = "aggregate functions are not allowed in GROUP BY";
            return Err(Error::new(SqlState::GROUPING_ERROR, message).at(self.call_position(id)));
        }
        if let Some(id) = window {
            let message = "window functions are not allowed in GROUP BY";
            return Err(Error::new(SqlState::WINDOWING_ERROR, message).at(self.call_position(id)));
        }
        Ok(())
    }

    /// 42803 unless the direct arguments of ordered-set aggregates are grouped: they have one value per group.
    pub(crate) fn check_direct_arguments(&mut self, grouping: &mut Grouping, input: &Node) -> Result<()> {
        let calls: Vec<(ColumnId, Vec<Expr>)> = self
            .level()
            .aggregates
            .iter()
            .filter(|(_, call)| call.within_group)
            .map(|(column, call)| (column.id, call.args.clone()))
            .collect();
        for (id, mut args) in calls {
            for arg in &mut args {
                let checked = self.group_in(arg, &mut grouping.clone(), input);
                checked.map_err(|error| {
                    error
                        .detail("Direct arguments of an ordered-set aggregate must use only grouped columns.")
                        .at(self.call_position(id))
                })?;
            }
        }
        Ok(())
    }

    /// Replaces grouping expressions by their output columns and refuses other columns of the FROM clause, unless the
    /// grouped primary key of their table determines them.
    pub(crate) fn check_grouped(&mut self, grouping: &mut Grouping, exprs: Vec<&mut Expr>, input: &Node) -> Result<()> {
        for expr in exprs {
            self.group_in(expr, grouping, input)?;
        }
        Ok(())
    }

    fn group_in(&mut self, expr: &mut Expr, grouping: &mut Grouping, input: &Node) -> Result<()> {
        if let Some((column, _)) = grouping.groups.iter().find(|(_, group)| group.same(expr)) {
            *expr = Expr::column(column);
            return Ok(());
        }
        if let Expr::Column(id, ty) = expr
            && self.level().provides(*id)
        {
            let (id, ty) = (*id, *ty);
            match determined_by_key(id, grouping, input) {
                Some(constraint) => self.keys.insert(constraint),
                None => return Err(self.ungrouped(id).at(self.grouped_position(id, false))),
            };
            let column = self.new_column("determined", ty);
            grouping.groups.push((column.clone(), Expr::Column(id, ty)));
            grouping.targets.push(None);
            let position = grouping.groups.len() - 1;
            grouping.sets.iter_mut().flatten().for_each(|set| set.push(position));
            *expr = Expr::column(&column);
            return Ok(());
        }
        if let Expr::Sublink(link) = expr {
            let outer: Vec<ColumnId> = crate::columns::free_columns(&link.query).into_iter().collect();
            for id in outer {
                if let Some(replacement) = self.grouped_outer(id, grouping, input)? {
                    crate::columns::replace_column(&mut link.query, id, &replacement);
                }
            }
        }
        let whole_row = match expr {
            Expr::Row(items, ..) => self.whole_row(items),
            _ => None,
        };
        let mut result = Ok(());
        expr.for_each_child_mut(&mut |child| {
            if result.is_ok() {
                result = self.group_in(child, grouping, input);
            }
        });
        match whole_row {
            Some(alias) => result.map_err(|error: Error| {
                let position = error.fields().position;
                if error.code() == SqlState::GROUPING_ERROR {
                    ungrouped(&format!("{alias}.*")).at(position)
                } else {
                    error
                }
            }),
            None => result,
        }
    }

    /// The table whose whole row these columns are.
    fn whole_row(&mut self, items: &[Expr]) -> Option<Arc<str>> {
        let ids: Option<Vec<ColumnId>> = items.iter().map(column_id).collect();
        let ids = ids.filter(|ids| !ids.is_empty())?;
        let is_it = |table: &&super::TableName| {
            let own = table.columns.iter().filter_map(|column| column_id(&column.expr));
            own.eq(ids.iter().copied())
        };
        self.level().names.tables.iter().find(is_it).map(|table| table.alias.clone())
    }

    /// What a correlated reference to a column of this level becomes above the aggregation.
    fn grouped_outer(&mut self, id: ColumnId, grouping: &mut Grouping, input: &Node) -> Result<Option<Expr>> {
        if !self.level().provides(id) {
            return Ok(None);
        }
        let Some(column) = input.columns().into_iter().find(|column| column.id == id) else { return Ok(None) };
        let mut expr = Expr::column(&column);
        self.group_in(&mut expr, grouping, input).map_err(|error| {
            if error.code() == SqlState::GROUPING_ERROR {
                self.ungrouped_in_subquery(id).at(self.grouped_position(id, true))
            } else {
                error
            }
        })?;
        Ok(Some(expr))
    }

    fn ungrouped(&mut self, id: ColumnId) -> Error {
        ungrouped(&self.shown_name(id))
    }

    fn ungrouped_in_subquery(&self, id: ColumnId) -> Error {
        let name = self.shown_name(id);
        Error::new(SqlState::GROUPING_ERROR, format!("subquery uses ungrouped column \"{name}\" from outer query"))
    }

    fn shown_name(&self, id: ColumnId) -> String {
        let is = |column: &&super::NamedColumn| matches!(column.expr, Expr::Column(c, _) if c == id);
        for level in self.levels.iter().rev() {
            for table in &level.names.tables {
                if let Some(column) = table.columns.iter().chain(&table.system).find(is) {
                    return format!("{}.{}", table.alias, column.name);
                }
            }
        }
        "?column?".to_owned()
    }
}

fn ungrouped(name: &str) -> Error {
    let message = format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function");
    Error::new(SqlState::GROUPING_ERROR, message)
}

/// Whether an expression refers to a column.
fn mentions(expr: &Expr, column: ColumnId) -> bool {
    expr.any(&mut |part| matches!(part, Expr::Column(id, _) if *id == column))
}

fn column_id(expr: &Expr) -> Option<ColumnId> {
    match expr {
        Expr::Column(id, _) => Some(*id),
        _ => None,
    }
}

impl Grouping {
    /// The column of the group that names an output column.
    pub fn of_target(&self, index: usize) -> Option<&Column> {
        let position = self.targets.iter().position(|target| *target == Some(index))?;
        self.groups.get(position).map(|(column, _)| column)
    }

    /// The arguments of GROUPING calls as positions of grouping expressions.
    pub fn positions(&self, calls: Vec<(Column, Vec<(Expr, Option<u32>)>)>) -> Result<Vec<(Column, Vec<usize>)>> {
        calls
            .into_iter()
            .map(|(column, args)| {
                let positions = args
                    .iter()
                    .map(|(arg, position)| {
                        self.groups.iter().position(|(_, group)| group.same(arg)).ok_or_else(|| {
                            Error::new(
                                SqlState::GROUPING_ERROR,
                                "arguments to GROUPING must be grouping expressions of the associated query level",
                            )
                            .at(*position)
                        })
                    })
                    .collect::<Result<Vec<usize>>>()?;
                Ok((column, positions))
            })
            .collect()
    }
}

/// The primary key, as table and constraint, of a table whose scan provides the column and whose key is grouped, in every grouping
/// set.
fn determined_by_key(id: ColumnId, grouping: &Grouping, input: &Node) -> Option<(Oid, Oid)> {
    let grouped = |column: ColumnId| {
        let is = |(_, e): &(Column, Expr)| matches!(e, Expr::Column(c, _) if *c == column);
        let Some(position) = grouping.groups.iter().position(is) else { return false };
        grouping.sets.as_ref().is_none_or(|sets| sets.iter().all(|set| set.contains(&position)))
    };
    crate::columns::scans(input).into_iter().find_map(|scan| {
        if !scan.columns.iter().any(|(column, _)| column.id == id) {
            return None;
        }
        let primary = scan.relation.primary_key()?;
        let ConstraintKind::Primary { columns, .. } = &primary.kind else { return None };
        let is_grouped =
            |attnum: &i16| scan.columns.iter().any(|(column, number)| number == attnum && grouped(column.id));
        columns.iter().all(is_grouped).then_some((scan.relation.oid, primary.oid))
    })
}

fn is_empty_tuple(expr: &Ast) -> bool {
    matches!(strip_parentheses(expr), Ast::Tuple(items) if items.is_empty())
}

fn subset(parts: &[Vec<usize>], mask: usize) -> Vec<usize> {
    let bit = |i: usize| 1 << (parts.len() - 1 - i);
    parts.iter().enumerate().filter(|(i, _)| mask & bit(*i) != 0).flat_map(|(_, part)| part.iter().copied()).collect()
}

/// The cross product of the items' grouping sets.
fn cross(factors: Vec<Vec<Vec<usize>>>) -> Result<Vec<Vec<usize>>> {
    let mut sets = vec![Vec::new()];
    for factor in factors {
        if sets.len() * factor.len() > MAX_GROUPING_SETS {
            return Err(Error::new(
                SqlState::STATEMENT_TOO_COMPLEX,
                format!("too many grouping sets present (maximum {MAX_GROUPING_SETS})"),
            ));
        }
        sets = sets
            .iter()
            .flat_map(|left| factor.iter().map(move |right| left.iter().chain(right).copied().collect()))
            .collect();
    }
    for set in &mut sets {
        let mut seen = Vec::new();
        set.retain(|position| {
            !seen.contains(position) && {
                seen.push(*position);
                true
            }
        });
    }
    Ok(sets)
}
