//! Bound expressions back to SQL text, as PostgreSQL's `pg_get_expr` writes them: every cast explicit, every compound
//! operand in parentheses. Binding the text again gives the same expression.
//!
//! Names outside the search path are qualified by the [`Names`] given, so the same code makes the canonical form that
//! the catalog stores (an empty path) and what clients are shown.

use std::cell::Cell;
use std::fmt::Write;

use dictdb_catalog::namespaces;
use dictdb_functions::facts::{self, ArgMode};
use dictdb_types::{Datum, Env, Error, Oid, Result, Type, TypeKind, oids, quote_identifier};

use crate::expr::{BoolTest, Call, ColumnId, Expr, Function, Spelling, Sublink, Subscript};

/// How columns, types and functions are called in the text.
pub struct Names<'a> {
    /// Text forms of constants; its `reg_out` qualifies names as the search path requires.
    pub env: &'a dyn Env,
    /// A column's name, qualified if need be.
    pub column: &'a dyn Fn(ColumnId) -> Option<String>,
    /// Name of an input position, in EXPLAIN.
    pub input: &'a dyn Fn(usize) -> Option<String>,
    /// What an outer slot holds, in EXPLAIN.
    pub outer: &'a dyn Fn(usize) -> Option<String>,
    /// The form the catalog keeps: objects by number, so that renaming them changes nothing.
    pub stored: bool,
    /// Only the parentheses that are needed to read the text.
    pub pretty: bool,
    /// CASE is broken into lines.
    pub indented: bool,
    /// How far lines are indented.
    pub level: &'a Cell<i32>,
    /// The query the expression is a part of, when it may have subqueries and aggregates.
    pub query: Option<&'a dyn QueryText>,
    /// What types, functions, operators and collations are called.
    pub objects: &'a dyn ObjectNames,
}

/// The names of catalog objects in a text, with their schemas if need be.
pub trait ObjectNames {
    /// A type with its modifier.
    fn type_name(&self, ty: Type) -> String;
    /// A function.
    fn function_name(&self, function: &Function) -> String;
    /// An operator over a function.
    fn operator_name(&self, function: &Function, name: &str) -> String;
    /// A collation.
    fn collation_name(&self, collation: Oid) -> String;
}

/// What only the enclosing query knows of an expression.
pub trait QueryText {
    /// Writes an expression that has a name, or stands for a call of the query; false for any other.
    fn named(&self, expr: &Expr, out: &mut String) -> Result<bool>;
    /// Writes a subquery.
    fn sublink(&self, link: &Sublink, out: &mut String) -> Result<()>;
}

/// The text of an expression. 0A000 for subqueries, which stored expressions cannot have.
pub fn expression(expr: &Expr, names: &Names<'_>) -> Result<String> {
    let mut out = String::new();
    names.write(expr, &mut out)?;
    Ok(out)
}

/// Adds the text of an expression to what is there.
pub fn write(expr: &Expr, names: &Names<'_>, out: &mut String) -> Result<()> {
    names.write(expr, out)
}

/// Begins a line after changing the indentation; `plus` is for this line only. Deep nesting wraps around, as in PostgreSQL.
pub fn new_line(out: &mut String, level: &Cell<i32>, before: i32, plus: i32) {
    const LIMIT: i32 = 40;
    const STEP: i32 = 4;
    level.set(level.get() + before);
    out.truncate(out.trim_end_matches(' ').len());
    let indent = match level.get() {
        level if level < LIMIT => level.max(0),
        level => (LIMIT + (level - LIMIT) / STEP) % LIMIT,
    };
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', usize::try_from(indent + plus).unwrap_or(0)));
}

impl Names<'_> {
    fn write(&self, expr: &Expr, out: &mut String) -> Result<()> {
        if let Some(query) = self.query
            && query.named(expr, out)?
        {
            return Ok(());
        }
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
                let operator = self.objects.operator_name(&array.function, &array.operator);
                put(out, format_args!(" {operator} {} (", if array.all { "ALL" } else { "ANY" }));
                self.operand(expr, &array.array, out)?;
                out.push(')');
                self.close(out);
            }
            Expr::RowCompare(order, pairs) => {
                out.push('(');
                self.row(pairs.iter().map(|(left, _)| left), out)?;
                let _ = write!(out, " {} ", order.operator());
                self.row(pairs.iter().map(|(_, right)| right), out)?;
                out.push(')');
            }
            Expr::Array { items, ty, .. } => {
                self.list("ARRAY[", items, "]", out)?;
                if items.is_empty() {
                    put(out, format_args!("::{}", self.objects.type_name(*ty)));
                }
            }
            Expr::Row(items, ty, _) => {
                self.list("ROW(", items, ")", out)?;
                if ty.oid != oids::RECORD {
                    put(out, format_args!("::{}", self.objects.type_name(*ty)));
                }
            }
            Expr::Field(inner, index, _) => self.field(inner, *index, out)?,
            Expr::Subscript(subscript) => self.subscript(subscript, out)?,
            Expr::ToDomain(inner, ty) => self.domain(expr, inner, *ty, out)?,
            // What a plan shows of an assignment to a part is the new value.
            Expr::Assign(assign) => self.write(&assign.value, out)?,
            Expr::Relabel(inner, ty) | Expr::ViaIo(inner, ty) | Expr::ArrayCoerce(inner, _, ty) => {
                self.cast(expr, inner, *ty, out)?;
            }
            Expr::Collate(inner, collation, _) => {
                let after = format!(" COLLATE {}", self.objects.collation_name(*collation));
                self.around(expr, "", inner, &after, out)?;
            }
            Expr::TestValue(_) => out.push_str("VALUE"),
            Expr::Input(position, _) => {
                let name = (self.input)(*position).ok_or_else(|| Error::internal("an input without a name"))?;
                out.push_str(&name);
            }
            Expr::Outer(slot, _) => match (self.outer)(*slot) {
                Some(name) => out.push_str(&name),
                None => put(out, format_args!("${slot}")),
            },
            Expr::Sublink(link) if self.query.is_some() => {
                self.query.map_or(Ok(()), |query| query.sublink(link, out))?;
            }
            Expr::Sublink(_) | Expr::Subplan(_) | Expr::Aggregate(_) | Expr::Window(_) | Expr::Grouping(_) => {
                return Err(Error::unsupported("a subquery or aggregate in a stored expression"));
            }
        }
        Ok(())
    }

    /// `(value)::domain`: the casts to the type under the domain, which were not written, are not shown.
    fn domain(&self, cast: &Expr, inner: &Expr, ty: Type, out: &mut String) -> Result<()> {
        let mut value = inner;
        if let Expr::Call(call) = value
            && is_length_coercion(call)
        {
            value = &call.args[0];
        }
        match value {
            Expr::Relabel(operand, _) | Expr::ViaIo(operand, _) => value = operand,
            Expr::Call(call) if is_cast(call) => value = &call.args[0],
            Expr::Const(constant, own) if own.typmod >= 0 && own.oid != oids::INTERVAL => {
                let bare = Expr::Const(constant.clone(), Type::new(own.oid));
                return self.cast(cast, &bare, ty, out);
            }
            _ => {}
        }
        self.cast(cast, value, ty, out)
    }

    /// `(row).field`.
    fn field(&self, row: &Expr, index: usize, out: &mut String) -> Result<()> {
        match row {
            Expr::Field(..) | Expr::Subscript(_) => self.write(row, out)?,
            row => self.wrapped("(", row, ")", out)?,
        }
        let name = match self.env.type_info(self.env.base_type(row.ty()).oid).as_deref().map(|info| &info.kind) {
            Some(TypeKind::Composite(fields)) => fields.get(index).map(|field| field.name.clone()),
            _ => output_parameter(row, index),
        };
        match name {
            Some(name) => put(out, format_args!(".{}", quote_identifier(&name))),
            None => put(out, format_args!(".f{}", index + 1)),
        }
        Ok(())
    }

    fn subscript(&self, subscript: &Subscript, out: &mut String) -> Result<()> {
        match &subscript.array {
            array @ (Expr::Column(..) | Expr::Input(..) | Expr::Field(..)) => self.write(array, out)?,
            array => self.wrapped("(", array, ")", out)?,
        }
        for (lower, upper) in &subscript.indexes {
            out.push('[');
            lower.iter().try_for_each(|bound| self.write(bound, out))?;
            if subscript.slice {
                out.push(':');
            }
            upper.iter().try_for_each(|bound| self.write(bound, out))?;
            out.push(']');
        }
        Ok(())
    }

    /// `(value)::type`; a constant of that type but for the modifier shows the type once.
    fn cast(&self, cast: &Expr, inner: &Expr, ty: Type, out: &mut String) -> Result<()> {
        if let Expr::Const(value, own) = inner
            && own.oid == ty.oid
            && own.typmod < 0
            && !value.is_null()
        {
            let mut text = String::new();
            self.constant(value, *own, &mut text)?;
            let label = format!("::{}", self.objects.type_name(*own));
            out.push_str(text.strip_suffix(&label).unwrap_or(&text));
            put(out, format_args!("::{}", self.objects.type_name(ty)));
            return Ok(());
        }
        self.around(cast, "", inner, "", out)?;
        put(out, format_args!("::{}", self.objects.type_name(ty)));
        Ok(())
    }

    fn call(&self, expr: &Expr, call: &Call, out: &mut String) -> Result<()> {
        use dictdb_functions::collation::{INITCAP, KEY, LOWER, REFUSAL, TEXT_OF_KEY, UPPER};
        match (&*call.function.source, call.args.first()) {
            // What orders by a language is what was written.
            (KEY | TEXT_OF_KEY, Some(value)) => return self.write(value, out),
            (LOWER | UPPER | INITCAP, Some(value)) if !call.function.oid.is_valid() => return self.write(value, out),
            (LOWER | UPPER | INITCAP, Some(value)) => {
                let name = self.objects.function_name(&call.function);
                return self.list(&format!("{name}("), std::slice::from_ref(value), ")", out);
            }
            (REFUSAL, _) => {
                out.push_str("NULL");
                return Ok(());
            }
            _ => {}
        }
        match &call.spelling {
            Spelling::Keyword(word) => {
                out.push_str(word);
                return Ok(());
            }
            Spelling::Function if self.xml_syntax(call, out)? => return Ok(()),
            Spelling::Standard if self.standard_call(call, out)? => return Ok(()),
            Spelling::Standard | Spelling::Function => {}
        }
        match (call.operator.as_deref(), call.args.as_slice()) {
            (Some(operator), [left, right]) => {
                let operator = self.objects.operator_name(&call.function, operator);
                self.infix(expr, left, &format!(" {operator} "), right, out)
            }
            (Some(operator), [operand]) => {
                let operator = self.objects.operator_name(&call.function, operator);
                self.around(expr, &format!("{operator} "), operand, "", out)
            }
            // The cast to the type that a length coercion needs is not shown beside it.
            (_, [Expr::Relabel(value, _) | Expr::ViaIo(value, _), ..]) if is_length_coercion(call) => {
                self.cast(expr, value, call.ty, out)
            }
            (_, [value, ..]) if is_cast(call) => self.cast(expr, value, call.ty, out),
            _ => self.list(&format!("{}(", self.objects.function_name(&call.function)), &call.args, ")", out),
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

    /// A keyword of CASE: on a line of its own, or after a space.
    fn case_word(&self, word: &str, before: i32, out: &mut String) {
        if self.indented {
            new_line(out, self.level, before, 0);
        } else if word != "CASE" {
            out.push(' ');
        }
        out.push_str(word);
    }

    fn case(&self, case: &crate::expr::Case, out: &mut String) -> Result<()> {
        const STEP: i32 = 4;
        self.case_word("CASE", 0, out);
        if self.indented {
            self.level.set(self.level.get() + STEP);
        }
        if let Some(operand) = &case.operand {
            out.push(' ');
            self.write(operand, out)?;
        }
        for (condition, result) in &case.whens {
            self.case_word("WHEN ", 0, out);
            match (&case.operand, condition) {
                (Some(_), Expr::Call(call)) if call.args.len() == 2 => self.write(&call.args[1], out)?,
                _ => self.write(condition, out)?,
            }
            out.push_str(" THEN ");
            self.write(result, out)?;
        }
        self.case_word("ELSE ", 0, out);
        match &case.otherwise {
            Some(otherwise) => self.write(otherwise, out)?,
            None => put(out, format_args!("NULL::{}", self.objects.type_name(case.ty))),
        }
        self.case_word("END", -STEP, out);
        Ok(())
    }

    fn constant(&self, value: &Datum, ty: Type, out: &mut String) -> Result<()> {
        let name = || self.objects.type_name(ty);
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

/// The name of a built-in function, with its schema unless that is `pg_catalog`; of any other without.
pub fn function_name(function: &Function) -> String {
    let name = quote_identifier(&function.name);
    match facts::proc_by_oid(function.oid).map(|proc| proc.namespace) {
        Some(namespaces::INFORMATION_SCHEMA) => format!("information_schema.{name}"),
        _ => name.into_owned(),
    }
}

/// The name of a field of what a function with output parameters returns.
pub fn output_parameter(call: &Expr, index: usize) -> Option<std::sync::Arc<str>> {
    let Expr::Call(call) = call else { return None };
    let proc = facts::proc_by_oid(call.function.oid)?;
    let (modes, names) = (proc.arg_modes.as_ref()?, proc.arg_names.as_ref()?);
    let outputs = modes.iter().zip(names).filter(|(mode, _)| !matches!(mode, ArgMode::In | ArgMode::Variadic));
    outputs.map(|(_, name)| std::sync::Arc::from(*name)).nth(index)
}

/// Whether a call is a cast: to its own type, with at most the modifier and the explicit flag as further arguments.
pub fn is_cast(call: &Call) -> bool {
    let Some((value, rest)) = call.args.split_first() else { return false };
    let constants = rest.iter().all(|arg| matches!(arg, Expr::Const(Datum::Int4(_) | Datum::Bool(_), _)));
    constants
        && rest.len() <= 2
        && call.operator.is_none()
        && dictdb_functions::facts::cast(value.ty().oid, call.ty.oid)
            .is_some_and(|cast| cast.method == dictdb_functions::facts::CastMethod::Function(call.function.oid))
}

/// Whether a call only applies a modifier: its operand has the type already.
fn is_length_coercion(call: &Call) -> bool {
    is_cast(call) && call.args.len() > 1 && call.args[0].ty().oid == call.ty.oid
}

/// Whether an operand reads the same without parentheses of its own: PostgreSQL's rule for pretty-printing, which trusts
/// the precedence of `+ - * / %` only.
fn is_simple(expr: &Expr, parent: &Expr) -> bool {
    match expr {
        Expr::Column(..) | Expr::Input(..) | Expr::Const(..) | Expr::Param(..) | Expr::TestValue(_) => true,
        own if encloses(own) => true,
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
        other => encloses(other),
    }
}

/// Whether an expression other than a call is written with brackets or keywords around its operands.
fn encloses(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Subscript(_)
            | Expr::Array { .. }
            | Expr::Row(..)
            | Expr::Coalesce(..)
            | Expr::MinMax(..)
            | Expr::NullIf(..)
            | Expr::Aggregate(_)
            | Expr::Window(_)
            | Expr::Grouping(_)
            | Expr::Case(_)
    )
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

/// A literal as `standard_conforming_strings` reads it.
fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
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
