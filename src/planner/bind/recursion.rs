//! WITH RECURSIVE: which items refer to themselves, the order to bind them in, and where a recursive reference may stand.

use dictdb_parser::ast::{self, LimitClause, OrderByKind, SetExpr, SetOperator};
use dictdb_parser::node;
use dictdb_types::{Error, Result, SqlState};

use super::Binder;

/// Where a recursive reference would stand that may not stand there, as messages name it.
pub(crate) type Misplaced = &'static str;

pub(crate) const IN_SUBQUERY: Misplaced = "within a subquery";
pub(crate) const IN_OUTER_JOIN: Misplaced = "within an outer join";
pub(crate) const IN_INTERSECT: Misplaced = "within INTERSECT";
pub(crate) const IN_EXCEPT: Misplaced = "within EXCEPT";

impl Binder<'_> {
    /// The items of a WITH clause in the order to bind them, each with whether it refers to itself.
    ///
    /// Items of WITH RECURSIVE may name later ones, but not in a circle: 0A000. 42P19 for a recursive item that is not
    /// `non-recursive term UNION [ALL] recursive term`.
    pub(crate) fn binding_order(&self, with: &ast::With) -> Result<Vec<(usize, bool)>> {
        let items = &with.cte_tables;
        if !with.recursive {
            return Ok((0..items.len()).map(|index| (index, false)).collect());
        }
        let names = |index: usize, other: usize| node::mentions(&items[index], &items[other].alias.name.value);
        let mut pending: Vec<usize> = (0..items.len()).collect();
        let mut order = Vec::with_capacity(items.len());
        while !pending.is_empty() {
            let independent = |index: &usize| !pending.iter().any(|other| other != index && names(*index, *other));
            let Some(found) = pending.iter().position(independent) else {
                let position = self.position(items[pending[0]].alias.name.span);
                let message = "mutual recursion between WITH items is not implemented";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(position));
            };
            let index = pending.remove(found);
            order.push((index, names(index, index)));
        }
        let mut recursive: Vec<usize> = order.iter().filter(|(_, own)| *own).map(|(index, _)| *index).collect();
        recursive.sort_unstable();
        recursive.into_iter().try_for_each(|index| self.check_recursive_form(&items[index]))?;
        Ok(order)
    }

    fn check_recursive_form(&self, cte: &ast::Cte) -> Result<()> {
        let name = &cte.alias.name;
        let invalid = |rest: &str| {
            let message = format!("recursive query \"{}\" {rest}", name.value);
            Err(Error::new(SqlState::INVALID_RECURSION, message).at(self.position(name.span)))
        };
        match &*cte.query.body {
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) => {
                invalid("must not contain data-modifying statements")
            }
            SetExpr::SetOperation { op: SetOperator::Union, .. } => self.refuse_clauses(&cte.query),
            _ => invalid("does not have the form non-recursive-term UNION [ALL] recursive-term"),
        }
    }

    /// Clauses that a recursive query cannot have around its UNION.
    fn refuse_clauses(&self, query: &ast::Query) -> Result<()> {
        let order = query.order_by.as_ref().map(|order| match &order.kind {
            OrderByKind::Expressions(items) => items.first().and_then(|item| self.leftmost(&item.expr)),
            OrderByKind::All(_) => None,
        });
        let (limit, offset) = match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            _ => (None, None),
        };
        let fetch = query.fetch.as_ref().map(|fetch| fetch.quantity.as_ref().and_then(|count| self.leftmost(count)));
        let clauses = [
            (order, "ORDER BY"),
            (offset.map(|offset| self.leftmost(offset)), "OFFSET"),
            (limit.map(|limit| self.leftmost(limit)).or(fetch), "LIMIT"),
            ((!query.locks.is_empty()).then_some(None), "FOR UPDATE/SHARE"),
        ];
        match clauses.into_iter().find_map(|(found, what)| found.map(|position| (position, what))) {
            Some((position, what)) => {
                let message = format!("{what} in a recursive query is not implemented");
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(position))
            }
            None => Ok(()),
        }
    }

    /// Runs `f` where a recursive reference may not stand, whatever holds around it.
    pub(crate) fn misplacing<T>(&mut self, place: Misplaced, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = self.misplaced.replace(place);
        let result = f(self);
        self.misplaced = outer;
        result
    }

    /// Like [`Binder::misplacing`] where the place forbids it at all, and something around has not forbidden it already.
    pub(crate) fn misplacing_if<T>(
        &mut self,
        place: Option<Misplaced>,
        f: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = self.misplaced;
        self.misplaced = outer.or(place);
        let result = f(self);
        self.misplaced = outer;
        result
    }
}
