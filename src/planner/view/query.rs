//! Whole queries: WITH, set operations, VALUES, ORDER BY, LIMIT, row locks.

use dictdb_types::{Datum, Result, quote_identifier};

use super::printer::{CLAUSE, Printer, Shown};
use super::scope::Scope;
use super::tree::{Body, Cte, Query, Select, SetOp};
use crate::deparse;
use crate::expr::{Expr, SortKey};
use crate::logical::SetOpKind;

impl Printer<'_> {
    /// A query whose lines begin at `level`.
    pub fn query(&self, query: &Query, level: i32, shown: Shown<'_>, out: &mut String) -> Result<()> {
        let from = match &query.body {
            Body::Select(select) => select.from.as_slice(),
            _ => &[],
        };
        let scope = |outer: Option<&Scope>| {
            let mut scope = Scope::new(from, outer);
            scope.ctes = query.ctes.iter().map(|cte| cte.name.clone()).collect();
            if let Body::Change(change) = &query.body {
                let ctes = std::mem::take(&mut scope.ctes);
                scope = self.scope_of_change(change, outer);
                scope.ctes = ctes;
            }
            if let Body::Select(select) = &query.body {
                scope.calls = select.calls.clone();
            }
            scope
        };
        self.at_level(level, || self.in_scope(scope, || self.clauses(query, shown, out)))
    }

    fn clauses(&self, query: &Query, shown: Shown<'_>, out: &mut String) -> Result<()> {
        self.ctes(query, out)?;
        match &query.body {
            Body::Select(select) => self.select(select, shown, out)?,
            Body::Values(rows) => self.values_query(rows, shown, out)?,
            Body::SetOp(operation) => self.set_operation(operation, shown, out)?,
            Body::Query(inner) => self.query(inner, self.level(), shown, out)?,
            Body::Change(change) => self.change(change, shown, out)?,
        }
        if !query.order.is_empty() {
            self.keyword(out, " ORDER BY ", -CLAUSE, CLAUSE, 1);
            match &query.body {
                Body::SetOp(operation) => self.order_by_number(&query.order, operation, out)?,
                _ => self.order_by(&query.order, out)?,
            }
        }
        if let Some(offset) = &query.offset {
            self.keyword(out, " OFFSET ", -CLAUSE, CLAUSE, 0);
            self.bare(offset, out)?;
        }
        self.limit(query, out)?;
        self.locks(query, out);
        Ok(())
    }

    fn limit(&self, query: &Query, out: &mut String) -> Result<()> {
        let Some(limit) = &query.limit else { return Ok(()) };
        if query.with_ties {
            self.keyword(out, " FETCH FIRST ", -CLAUSE, CLAUSE, 0);
            out.push('(');
            match limit {
                Expr::Call(call) if deparse::is_cast(call) => self.operand(limit, &call.args[0], out)?,
                limit => self.expr(limit, out)?,
            }
            out.push_str(") ROWS WITH TIES");
            return Ok(());
        }
        self.keyword(out, " LIMIT ", -CLAUSE, CLAUSE, 0);
        match limit {
            // A text that is read again keeps the clause only with a value.
            Expr::Const(Datum::Null, _) => out.push_str(if self.stored { "NULL" } else { "ALL" }),
            limit => self.bare(limit, out)?,
        }
        Ok(())
    }

    /// Locks are kept per table, whether they were named or not.
    fn locks(&self, query: &Query, out: &mut String) {
        for lock in &query.locks {
            let tables = match &lock.of {
                Some(table) => vec![table.clone()],
                None => self.scope(|scope| scope.aliases().to_vec()).unwrap_or_default(),
            };
            for table in tables {
                self.keyword(out, &format!(" {}", lock.strength), -CLAUSE, CLAUSE, 0);
                out.push_str(&format!(" OF {}{}", quote_identifier(&table), lock.wait));
            }
        }
    }

    fn ctes(&self, query: &Query, out: &mut String) -> Result<()> {
        if query.ctes.is_empty() {
            return Ok(());
        }
        self.indent(CLAUSE);
        out.push(' ');
        for (i, cte) in query.ctes.iter().enumerate() {
            out.push_str(match (i, query.recursive) {
                (0, true) => "WITH RECURSIVE ",
                (0, false) => "WITH ",
                _ => ", ",
            });
            self.cte(cte, out)?;
        }
        self.indent(-CLAUSE);
        self.keyword(out, "", 0, 0, 0);
        Ok(())
    }

    fn cte(&self, cte: &Cte, out: &mut String) -> Result<()> {
        out.push_str(&quote_identifier(&cte.name));
        if !cte.columns.is_empty() {
            out.push_str(&format!("({})", names(&cte.columns)));
        }
        out.push_str(match cte.materialized {
            None => " AS (",
            Some(true) => " AS MATERIALIZED (",
            Some(false) => " AS NOT MATERIALIZED (",
        });
        self.keyword(out, "", 0, 0, 0);
        self.query(&cte.query, self.level(), Shown { visible: true, ..Shown::default() }, out)?;
        self.keyword(out, "", 0, 0, 0);
        out.push(')');
        if let Some(search) = &cte.search {
            let order = if search.depth_first { "DEPTH" } else { "BREADTH" };
            let columns = names(&search.columns);
            out.push_str(&format!(" SEARCH {order} FIRST BY {columns} SET {}", quote_identifier(&search.sequence)));
        }
        if let Some(cycle) = &cte.cycle {
            out.push_str(&format!(" CYCLE {} SET {}", names(&cycle.columns), quote_identifier(&cycle.mark)));
            for (value, word) in cycle.values.iter().flatten().zip([" TO ", " DEFAULT "]) {
                out.push_str(word);
                self.expr(value, out)?;
            }
            out.push_str(&format!(" USING {}", quote_identifier(&cycle.path)));
        }
        Ok(())
    }

    /// VALUES as a whole query; a SELECT from it when its columns are to have other names than their own.
    fn values_query(&self, rows: &[Vec<Expr>], shown: Shown<'_>, out: &mut String) -> Result<()> {
        self.indent(CLAUSE);
        out.push(' ');
        let names = shown.names.unwrap_or_default();
        let own = |i: usize| format!("column{}", i + 1);
        if names.iter().enumerate().all(|(i, name)| **name == *own(i)) {
            return self.values(rows, out);
        }
        out.push_str("SELECT ");
        for (i, name) in names.iter().enumerate() {
            let mut item = format!("\"*VALUES*\".{}", own(i));
            if **name != *own(i) {
                item.push_str(&format!(" AS {}", quote_identifier(name)));
            }
            if i > 0 {
                out.push_str(", ");
                self.break_item(&item, out);
            }
            out.push_str(&item);
        }
        self.keyword(out, " FROM (", -CLAUSE, CLAUSE, 2);
        self.values(rows, out)?;
        out.push_str(") \"*VALUES*\"");
        Ok(())
    }

    pub(super) fn values(&self, rows: &[Vec<Expr>], out: &mut String) -> Result<()> {
        out.push_str("VALUES ");
        for (i, row) in rows.iter().enumerate() {
            for (at, item) in row.iter().enumerate() {
                out.push_str(match (i, at) {
                    (0, 0) => "(",
                    (_, 0) => ", (",
                    _ => ",",
                });
                self.item(item, out)?;
            }
            out.push(')');
        }
        Ok(())
    }

    /// An arm of a set operation.
    fn arm(&self, body: &Body, shown: Shown<'_>, out: &mut String) -> Result<()> {
        match body {
            Body::SetOp(operation) => self.set_operation(operation, shown, out),
            Body::Query(query) => {
                out.push('(');
                self.query(query, self.level(), shown, out)?;
                out.push(')');
                Ok(())
            }
            leaf => self.query(&Query::of(leaf.clone()), self.level(), shown, out),
        }
    }

    fn set_operation(&self, operation: &SetOp, shown: Shown<'_>, out: &mut String) -> Result<()> {
        let types: Vec<_> = operation.columns.iter().map(|column| column.ty).collect();
        let shown = Shown { types: Some(shown.types.unwrap_or(&types)), ..shown };
        let same = |body: &Body| matches!(body, Body::SetOp(o) if o.kind == operation.kind && o.all == operation.all);
        let apart = matches!(operation.left, Body::SetOp(_)) && !same(&operation.left);
        let inner = if apart { CLAUSE } else { 0 };
        if apart {
            out.push('(');
            self.keyword(out, "", inner, 0, 0);
        }
        self.arm(&operation.left, shown, out)?;
        self.keyword(out, if apart { ") " } else { "" }, -inner, 0, 0);
        out.push_str(match operation.kind {
            SetOpKind::Union => "UNION ",
            SetOpKind::Intersect => "INTERSECT ",
            SetOpKind::Except => "EXCEPT ",
        });
        if operation.all {
            out.push_str("ALL ");
        }
        let apart = matches!(operation.right, Body::SetOp(_));
        let inner = if apart { CLAUSE } else { 0 };
        if apart {
            out.push('(');
        }
        self.keyword(out, "", inner, 0, 0);
        self.arm(&operation.right, Shown { visible: false, ..shown }, out)?;
        self.indent(-inner);
        if apart {
            self.keyword(out, ")", 0, 0, 0);
        }
        Ok(())
    }

    fn order_by_number(&self, keys: &[SortKey], operation: &SetOp, out: &mut String) -> Result<()> {
        for (i, key) in keys.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            let is = |column: &crate::logical::Column| matches!(key.expr, Expr::Column(id, _) if id == column.id);
            let place = operation.columns.iter().position(is).map_or(0, |place| place + 1);
            out.push_str(&place.to_string());
            out.push_str(&super::call::direction(key));
        }
        Ok(())
    }

    /// A subquery in FROM or in an expression is printed by [`Printer::query`]; a SELECT's clauses are here.
    fn select(&self, select: &Select, shown: Shown<'_>, out: &mut String) -> Result<()> {
        self.indent(CLAUSE);
        out.push_str(" SELECT");
        self.distinct(select, out)?;
        self.select_list(&select.list, shown, out)?;
        self.write_from(&select.from, out)?;
        if let Some(filter) = &select.filter {
            self.keyword(out, " WHERE ", -CLAUSE, CLAUSE, 1);
            self.expr(filter, out)?;
        }
        self.group_by(select, out)?;
        if let Some(having) = &select.having {
            self.keyword(out, " HAVING ", -CLAUSE, CLAUSE, 0);
            self.expr(having, out)?;
        }
        self.window_clause(&select.windows, out)
    }
}

fn names(names: &[std::sync::Arc<str>]) -> String {
    names.iter().map(|name| quote_identifier(name)).collect::<Vec<_>>().join(", ")
}
