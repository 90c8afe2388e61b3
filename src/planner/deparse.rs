//! Bound expressions back to SQL text, as PostgreSQL's `pg_get_expr` writes them: every cast explicit, every compound
//! operand in parentheses. Binding the text again gives the same expression.
//!
//! Names outside the search path are qualified by the [`Names`] given, so the same code makes the canonical form that
//! the catalog stores (an empty path) and what clients are shown.

use std::fmt::Write;

use dictdb_types::{Datum, Env, Error, Result, Type, oids, quote_identifier};

use crate::expr::{BoolTest, Call, ColumnId, Expr, RowOrder};

/// How columns, types and functions are called in the text.
pub struct Names<'a> {
    /// Text forms of constants; its `reg_out` qualifies names as the search path requires.
    pub env: &'a dyn Env,
    /// A column's name, qualified if need be.
    pub column: &'a dyn Fn(ColumnId) -> Option<String>,
    /// Name of an input position, in EXPLAIN.
    pub input: &'a dyn Fn(usize) -> Option<String>,
    /// The form the catalog keeps: objects by number, so that renaming them changes nothing.
    pub stored: bool,
    /// Only the parentheses that are needed to read the text.
    pub pretty: bool,
    /// A type with its modifier.
    pub type_name: &'a dyn Fn(Type) -> String,
}

/// The text of an expression. 0A000 for subqueries, which stored expressions cannot have.
pub fn expression(expr: &Expr, names: &Names<'_>) -> Result<String> {
    let mut out = String::new();
    names.write(expr, &mut out)?;
    Ok(out)
}

impl Names<'_> {
    fn write(&self, expr: &Expr, out: &mut String) -> Result<()> {
        match expr {
            Expr::Column(id, _) => {
                out.push_str(&(self.column)(*id).ok_or_else(|| Error::internal("a column without a name"))?)
            }
            Expr::Const(value, ty) => self.constant(value, *ty, out)?,
            Expr::Param(index, _) => put(out, format_args!("${}", index + 1)),
            Expr::Call(call) => self.call(expr, call, out)?,
            Expr::And(items) => self.joined(expr, items, " AND ", out)?,
            Expr::Or(items) => self.joined(expr, items, " OR ", out)?,
            Expr::Not(inner) => self.around(expr, "NOT ", inner, "", out)?,
            Expr::IsNull(inner, negated) => {
                self.around(expr, "", inner, if *negated { " IS NOT NULL" } else { " IS NULL" }, out)?
            }
            Expr::BoolTest(inner, test) => self.around(expr, "", inner, bool_test(*test), out)?,
            Expr::Distinct(_, pair, negated) => {
                let word = if *negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " };
                self.infix(expr, &pair.0, word, &pair.1, out)?;
            }
            Expr::NullIf(_, pair) => self.pair("NULLIF(", &pair.0, ", ", &pair.1, ")", out)?,
            Expr::Case(case) => self.case(case, out)?,
            Expr::Coalesce(items, _) => self.list("COALESCE(", items, ")", out)?,
            Expr::MinMax(greatest, items, _) => {
                self.list(if *greatest { "GREATEST(" } else { "LEAST(" }, items, ")", out)?
            }
            Expr::ScalarArray(array) => {
                self.open(out);
                self.operand(expr, &array.left, out)?;
                put(out, format_args!(" {} {} (", array.operator, if array.all { "ALL" } else { "ANY" }));
                self.operand(expr, &array.array, out)?;
                out.push(')');
                self.close(out);
            }
            Expr::RowCompare(order, pairs) => {
                self.row(pairs.iter().map(|(left, _)| left), out)?;
                out.push_str(row_order(*order));
                self.row(pairs.iter().map(|(_, right)| right), out)?;
            }
            Expr::Array { items, ty, .. } => {
                self.list("ARRAY[", items, "]", out)?;
                if items.is_empty() {
                    put(out, format_args!("::{}", (self.type_name)(*ty)));
                }
            }
            Expr::Row(items, ty) => {
                self.list("ROW(", items, ")", out)?;
                if ty.oid != oids::RECORD {
                    put(out, format_args!("::{}", (self.type_name)(*ty)));
                }
            }
            Expr::Field(inner, index, _) => self.wrapped("(", inner, &format!(").f{}", index + 1), out)?,
            Expr::Subscript(subscript) => {
                self.wrapped("(", &subscript.array, ")", out)?;
                for (lower, upper) in &subscript.indexes {
                    out.push('[');
                    lower.iter().try_for_each(|bound| self.write(bound, out))?;
                    if subscript.slice {
                        out.push(':');
                    }
                    upper.iter().try_for_each(|bound| self.write(bound, out))?;
                    out.push(']');
                }
            }
            // What a plan shows of an assignment to a part is the new value.
            Expr::Assign(assign) => self.write(&assign.value, out)?,
            Expr::Relabel(inner, ty)
            | Expr::ViaIo(inner, ty)
            | Expr::ToDomain(inner, ty)
            | Expr::ArrayCoerce(inner, _, ty) => {
                self.cast(expr, inner, *ty, out)?;
            }
            Expr::TestValue(_) => out.push_str("VALUE"),
            Expr::Input(position, _) => {
                let name = (self.input)(*position).ok_or_else(|| Error::internal("an input without a name"))?;
                out.push_str(&name);
            }
            Expr::Outer(slot, _) => put(out, format_args!("${slot}")),
            Expr::Subplan(subplan) => put(out, format_args!("(SubPlan {})", subplan.plan + 1)),
            Expr::Sublink(_) | Expr::Aggregate(_) | Expr::Window(_) | Expr::Grouping(_) => {
                return Err(Error::unsupported("a subquery or aggregate in a stored expression"));
            }
        }
        Ok(())
    }

    /// `(value)::type`.
    fn cast(&self, cast: &Expr, inner: &Expr, ty: Type, out: &mut String) -> Result<()> {
        self.around(cast, "", inner, "", out)?;
        put(out, format_args!("::{}", (self.type_name)(ty)));
        Ok(())
    }

    fn call(&self, expr: &Expr, call: &Call, out: &mut String) -> Result<()> {
        match (call.operator.as_deref(), call.args.as_slice()) {
            (Some(operator), [left, right]) => self.infix(expr, left, &format!(" {operator} "), right, out),
            (Some(operator), [operand]) => self.around(expr, &format!("{operator} "), operand, "", out),
            (_, [value, ..]) if is_cast(call) => self.cast(expr, value, call.ty, out),
            _ => {
                let name = quote_identifier(&call.function.name);
                self.list(&format!("{name}("), &call.args, ")", out)
            }
        }
    }

    /// What encloses a compound expression unless parentheses are spared.
    fn open(&self, out: &mut String) {
        if !self.pretty {
            out.push('(');
        }
    }

    fn close(&self, out: &mut String) {
        if !self.pretty {
            out.push(')');
        }
    }

    /// An operand; where parentheses are spared, it gets its own unless it reads the same without.
    fn operand(&self, parent: &Expr, operand: &Expr, out: &mut String) -> Result<()> {
        if self.pretty && !is_simple(operand, parent) {
            self.wrapped("(", operand, ")", out)
        } else {
            self.write(operand, out)
        }
    }

    fn around(&self, expr: &Expr, before: &str, inner: &Expr, after: &str, out: &mut String) -> Result<()> {
        self.open(out);
        out.push_str(before);
        self.operand(expr, inner, out)?;
        out.push_str(after);
        self.close(out);
        Ok(())
    }

    fn infix(&self, expr: &Expr, left: &Expr, between: &str, right: &Expr, out: &mut String) -> Result<()> {
        self.open(out);
        self.operand(expr, left, out)?;
        out.push_str(between);
        self.operand(expr, right, out)?;
        self.close(out);
        Ok(())
    }

    fn case(&self, case: &crate::expr::Case, out: &mut String) -> Result<()> {
        out.push_str("\nCASE");
        if let Some(operand) = &case.operand {
            out.push(' ');
            self.write(operand, out)?;
        }
        for (condition, result) in &case.whens {
            out.push_str("\n    WHEN ");
            match (&case.operand, condition) {
                (Some(_), Expr::Call(call)) if call.args.len() == 2 => self.write(&call.args[1], out)?,
                _ => self.write(condition, out)?,
            }
            out.push_str(" THEN ");
            self.write(result, out)?;
        }
        out.push_str("\n    ELSE ");
        match &case.otherwise {
            Some(otherwise) => self.write(otherwise, out)?,
            None => put(out, format_args!("NULL::{}", (self.type_name)(case.ty))),
        }
        out.push_str("\nEND");
        Ok(())
    }

    fn constant(&self, value: &Datum, ty: Type, out: &mut String) -> Result<()> {
        let name = || (self.type_name)(ty);
        match value {
            Datum::Null if ty.oid == oids::UNKNOWN => out.push_str("NULL"),
            Datum::Null => put(out, format_args!("NULL::{}", name())),
            Datum::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Datum::Int4(value) if *value >= 0 => put(out, format_args!("{value}")),
            Datum::Int4(value) => put(out, format_args!("'{value}'::integer")),
            Datum::Numeric(value)
                if ty.typmod < 0 && value.to_string().bytes().all(|b| b.is_ascii_digit() || b == b'.') =>
            {
                let text = value.to_string();
                // Without a point the text would be read as an integer.
                if text.contains('.') || text.parse::<i64>().is_err() {
                    out.push_str(&text)
                } else {
                    put(out, format_args!("'{text}'::numeric"))
                }
            }
            Datum::Oid(oid) if self.stored => put(out, format_args!("'{oid}'::{}", name())),
            value => {
                let mut text = String::new();
                dictdb_types::text::output(value, ty.oid, self.env, &mut text)?;
                out.push_str(&quote_literal(&text));
                if ty.oid != oids::UNKNOWN {
                    put(out, format_args!("::{}", name()));
                }
            }
        }
        Ok(())
    }

    fn wrapped(&self, before: &str, inner: &Expr, after: &str, out: &mut String) -> Result<()> {
        out.push_str(before);
        self.write(inner, out)?;
        out.push_str(after);
        Ok(())
    }

    fn pair(
        &self,
        before: &str,
        left: &Expr,
        between: &str,
        right: &Expr,
        after: &str,
        out: &mut String,
    ) -> Result<()> {
        out.push_str(before);
        self.write(left, out)?;
        self.wrapped(between, right, after, out)
    }

    fn joined(&self, expr: &Expr, items: &[Expr], separator: &str, out: &mut String) -> Result<()> {
        self.open(out);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(separator);
            }
            self.operand(expr, item, out)?;
        }
        self.close(out);
        Ok(())
    }

    fn list(&self, before: &str, items: &[Expr], after: &str, out: &mut String) -> Result<()> {
        out.push_str(before);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            self.write(item, out)?;
        }
        out.push_str(after);
        Ok(())
    }

    fn row<'e>(&self, items: impl Iterator<Item = &'e Expr>, out: &mut String) -> Result<()> {
        out.push_str("ROW(");
        for (index, item) in items.enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            self.write(item, out)?;
        }
        out.push(')');
        Ok(())
    }
}

/// Whether a call is a cast: to its own type, with at most the modifier and the explicit flag as further arguments.
fn is_cast(call: &Call) -> bool {
    let Some((value, rest)) = call.args.split_first() else { return false };
    let constants = rest.iter().all(|arg| matches!(arg, Expr::Const(Datum::Int4(_) | Datum::Bool(_), _)));
    constants
        && rest.len() <= 2
        && call.operator.is_none()
        && dictdb_functions::facts::cast(value.ty().oid, call.ty.oid)
            .is_some_and(|cast| cast.method == dictdb_functions::facts::CastMethod::Function(call.function.oid))
}

/// Whether an operand reads the same without parentheses of its own: PostgreSQL's rule for pretty-printing, which trusts
/// the precedence of `+ - * / %` only.
fn is_simple(expr: &Expr, parent: &Expr) -> bool {
    match expr {
        Expr::Column(..)
        | Expr::Input(..)
        | Expr::Const(..)
        | Expr::Param(..)
        | Expr::TestValue(_)
        | Expr::Subscript(_)
        | Expr::Array { .. }
        | Expr::Row(..)
        | Expr::Coalesce(..)
        | Expr::MinMax(..)
        | Expr::NullIf(..)
        | Expr::Aggregate(_)
        | Expr::Window(_)
        | Expr::Grouping(_)
        | Expr::Case(_) => true,
        Expr::Call(call) if call.operator.is_none() => true,
        Expr::Call(_) if matches!(parent, Expr::Call(outer) if outer.operator.is_some()) => binds_tighter(expr, parent),
        Expr::Relabel(inner, _) | Expr::ViaIo(inner, _) | Expr::ToDomain(inner, _) | Expr::ArrayCoerce(inner, ..) => {
            is_simple(inner, expr)
        }
        Expr::Field(..) => !matches!(parent, Expr::Field(..)),
        Expr::Call(_) | Expr::IsNull(..) | Expr::BoolTest(..) | Expr::Distinct(..) | Expr::Sublink(_) => {
            separates(parent) || matches!(parent, Expr::And(_) | Expr::Or(_) | Expr::Not(_))
        }
        Expr::Not(_) | Expr::And(_) => separates(parent) || matches!(parent, Expr::And(_) | Expr::Or(_)),
        Expr::Or(_) => separates(parent) || matches!(parent, Expr::Or(_)),
        _ => false,
    }
}

/// Whether the operands of an expression stand between separators of its own.
fn separates(parent: &Expr) -> bool {
    match parent {
        Expr::Call(call) => call.operator.is_none() && !is_cast(call),
        Expr::Subscript(_)
        | Expr::Array { .. }
        | Expr::Row(..)
        | Expr::Coalesce(..)
        | Expr::MinMax(..)
        | Expr::NullIf(..)
        | Expr::Aggregate(_)
        | Expr::Window(_)
        | Expr::Grouping(_)
        | Expr::Case(_) => true,
        _ => false,
    }
}

/// `a * b` inside `… + c`, and the left operand of an operator of its own rank.
fn binds_tighter(expr: &Expr, parent: &Expr) -> bool {
    let rank = |expr: &Expr| match expr {
        Expr::Call(call) if call.args.len() == 2 => match call.operator.as_deref() {
            Some("*" | "/" | "%") => Some(2),
            Some("+" | "-") => Some(1),
            _ => None,
        },
        _ => None,
    };
    let (Some(inner), Some(outer)) = (rank(expr), rank(parent)) else { return false };
    let is_left = matches!(parent, Expr::Call(call) if call.args.first().is_some_and(|left| std::ptr::eq(left, expr)));
    inner > outer || inner == outer && is_left
}

fn quote_literal(text: &str) -> String {
    let escaped = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", escaped.replace('\\', "\\\\")) } else { format!("'{escaped}'") }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

fn bool_test(test: BoolTest) -> &'static str {
    match test {
        BoolTest::True => " IS TRUE",
        BoolTest::NotTrue => " IS NOT TRUE",
        BoolTest::False => " IS FALSE",
        BoolTest::NotFalse => " IS NOT FALSE",
        BoolTest::Unknown => " IS UNKNOWN",
        BoolTest::NotUnknown => " IS NOT UNKNOWN",
    }
}

fn row_order(order: RowOrder) -> &'static str {
    match order {
        RowOrder::Less => " < ",
        RowOrder::LessEqual => " <= ",
        RowOrder::Greater => " > ",
        RowOrder::GreaterEqual => " >= ",
    }
}
