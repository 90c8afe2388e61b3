//! The state of printing one view: where names come from, how far lines are indented.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use dictdb_types::{Error, Result, Type};

use super::Style;
use super::scope::{Reference, Scope};
use super::tree::Query;
use crate::bind::{BindContext, RowShape};
use crate::deparse::{self, ObjectNames, QueryText};
use crate::expr::{ColumnId, Expr, Sublink, SublinkKind};
use crate::expression_text::NamesOnPath;
use crate::variables::Parameters;

/// Indentation of clauses inside a query (`PRETTYINDENT_STD`).
pub(crate) const CLAUSE: i32 = 8;
/// Further indentation of joins.
pub(super) const JOIN: i32 = 4;
/// Further indentation of list items.
pub(super) const ITEM: i32 = 4;

/// What the enclosing query says about the output columns of a query.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shown<'a> {
    /// Their names, unless the query's own count.
    pub names: Option<&'a [Arc<str>]>,
    /// Their types, which literals take.
    pub types: Option<&'a [Type]>,
    /// Whether anybody sees the names.
    pub visible: bool,
    /// Literals have no type yet: an INSERT gives them that of its columns.
    pub untyped: bool,
}

/// Prints the queries of one view.
pub(crate) struct Printer<'a> {
    pub cx: BindContext<'a>,
    pub style: Style,
    /// For a text that is kept: every name qualified.
    pub stored: bool,
    /// What parameters are called.
    parameters: Option<&'a Parameters>,
    level: Cell<i32>,
    scopes: RefCell<Vec<Scope>>,
    shapes: HashMap<ColumnId, RowShape>,
}

impl<'a> Printer<'a> {
    pub fn new(cx: BindContext<'a>, style: Style, shapes: HashMap<ColumnId, RowShape>) -> Self {
        Printer { cx, style, stored: false, parameters: None, level: Cell::new(0), scopes: RefCell::default(), shapes }
    }

    /// One that writes what is kept.
    pub fn for_storage(cx: BindContext<'a>, shapes: HashMap<ColumnId, RowShape>) -> Self {
        Printer { stored: true, ..Printer::new(cx.for_stored_texts(), Style { pretty: false, wrap: 0 }, shapes) }
    }

    /// One that writes names of parameters.
    pub fn with_parameters(self, parameters: &'a Parameters) -> Self {
        Printer { parameters: Some(parameters), ..self }
    }

    /// A whole view.
    pub fn view(&self, query: &Query, shown: Shown<'_>, out: &mut String) -> Result<()> {
        self.query(query, 0, shown, out)
    }

    /// How far lines are indented.
    pub fn level(&self) -> i32 {
        self.level.get()
    }

    /// Runs `f` with another indentation.
    pub fn at_level<T>(&self, level: i32, f: impl FnOnce() -> Result<T>) -> Result<T> {
        let outer = self.level.replace(level);
        let result = f();
        self.level.set(outer);
        result
    }

    /// Indents further, or less.
    pub fn indent(&self, by: i32) {
        self.level.set(self.level.get() + by);
    }

    /// Begins a line with a keyword; the indentation changes before and after it, `plus` is for this line only.
    pub fn keyword(&self, out: &mut String, word: &str, before: i32, after: i32, plus: i32) {
        deparse::new_line(out, &self.level, before, plus);
        out.push_str(word);
        self.level.set((self.level.get() + after).max(0));
    }

    /// Runs `f` with the names of a query level.
    pub fn in_scope<T>(&self, make: impl FnOnce(Option<&Scope>) -> Scope, f: impl FnOnce() -> Result<T>) -> Result<T> {
        let scope = make(self.scopes.borrow().last());
        self.scopes.borrow_mut().push(scope);
        let result = f();
        self.scopes.borrow_mut().pop();
        result
    }

    /// Reads the innermost scope.
    pub fn scope<T>(&self, f: impl FnOnce(&Scope) -> T) -> Option<T> {
        self.scopes.borrow().last().map(f)
    }

    /// What the innermost scope gives that gives something.
    pub fn find_in_scopes<T>(&self, f: impl FnMut(&Scope) -> Option<T>) -> Option<T> {
        self.scopes.borrow().iter().rev().find_map(f)
    }

    /// Whether a `WITH` item in sight has this name.
    pub fn hidden_by_cte(&self, name: &str) -> bool {
        self.scopes.borrow().iter().any(|scope| scope.ctes.iter().any(|cte| **cte == *name))
    }

    /// What a column is called, by the innermost scope that knows it.
    pub fn reference(&self, expr: &Expr) -> Option<Reference> {
        let scopes = self.scopes.borrow();
        scopes.iter().rev().find_map(|scope| match expr {
            Expr::Column(id, _) => scope.column(*id).cloned(),
            other => scope.named(other),
        })
    }

    /// The name of a field of a record column.
    pub fn field_name(&self, id: ColumnId, index: usize) -> Option<&str> {
        self.shapes.get(&id)?.get(index).map(|(name, _)| &**name)
    }

    /// The text of an expression.
    pub fn expr(&self, expr: &Expr, out: &mut String) -> Result<()> {
        self.with_names(|names| deparse::write(expr, names, out))
    }

    /// The text of an item of a select list or of VALUES.
    pub fn item(&self, item: &Expr, out: &mut String) -> Result<()> {
        self.with_names(|names| names.item(item, out))
    }

    /// An operand of an expression, in parentheses where it needs them.
    pub fn operand(&self, parent: &Expr, operand: &Expr, out: &mut String) -> Result<()> {
        self.with_names(|names| names.operand(parent, operand, out))
    }

    fn with_names<T>(&self, f: impl FnOnce(&deparse::Names<'_>) -> T) -> T {
        f(&deparse::Names {
            env: self.cx.env,
            column: &|_| None,
            input: &|_| None,
            outer: &|_| None,
            stored: self.stored,
            pretty: self.style.pretty,
            indented: true,
            level: &self.level,
            query: Some(self),
            objects: &self.names(),
        })
    }

    /// A condition or a count: a cast that resolution added around it is left out.
    pub fn bare(&self, expr: &Expr, out: &mut String) -> Result<()> {
        match expr {
            Expr::Call(call) if deparse::is_cast(call) => self.expr(&call.args[0], out),
            other => self.expr(other, out),
        }
    }

    /// Expressions between commas.
    pub fn list(&self, items: &[Expr], separator: &str, out: &mut String) -> Result<()> {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push_str(separator);
            }
            self.expr(item, out)?;
        }
        Ok(())
    }

    /// A type with its modifier.
    pub fn type_name(&self, ty: Type) -> String {
        self.names().type_name(ty)
    }

    fn names(&self) -> NamesOnPath<'a> {
        NamesOnPath { cx: self.cx, stored: self.stored }
    }

    fn comparison(&self, left: &[Expr], operator: &str, all: bool, out: &mut String) -> Result<()> {
        match left {
            [single] => self.expr(single, out)?,
            several => {
                out.push('(');
                self.list(several, ", ", out)?;
                out.push(')');
            }
        }
        match (operator, all) {
            ("=", false) => out.push_str(" IN "),
            (operator, all) => {
                out.push_str(&format!(" {operator} {} ", if all { "ALL" } else { "ANY" }));
            }
        }
        Ok(())
    }
}

impl QueryText for Printer<'_> {
    fn named(&self, expr: &Expr, out: &mut String) -> Result<bool> {
        if let Some(reference) = self.reference(expr) {
            out.push_str(&reference.text);
            return Ok(true);
        }
        match expr {
            Expr::Column(id, _) => self.call(*id, out),
            Expr::Field(row, index, _) => self.field_of_record(row, *index, out),
            Expr::Param(number, _) => {
                let is_alone = !self.scopes.borrow().iter().any(Scope::has_tables);
                let shown = self.parameters.and_then(|parameters| parameters.shown(*number, is_alone));
                shown.iter().for_each(|shown| out.push_str(shown));
                Ok(shown.is_some())
            }
            _ => Ok(false),
        }
    }

    fn sublink(&self, link: &Sublink, out: &mut String) -> Result<()> {
        let query = link.wording.as_ref().ok_or_else(|| Error::internal("a subquery that was not recorded"))?;
        out.push_str(if matches!(link.kind, SublinkKind::Array) { "ARRAY(" } else { "(" });
        let closing = match &link.kind {
            SublinkKind::Exists => {
                out.push_str("EXISTS (");
                "))"
            }
            SublinkKind::Compare { all, left, operator, .. } => {
                self.comparison(left, operator, *all, out)?;
                out.push('(');
                "))"
            }
            SublinkKind::Scalar | SublinkKind::Array => ")",
        };
        self.query(query, self.level(), Shown::default(), out)?;
        out.push_str(closing);
        Ok(())
    }
}
