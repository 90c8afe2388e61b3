//! The select list, DISTINCT, GROUP BY and ORDER BY.

use dictdb_types::{Datum, Result, Type, oids, quote_identifier, quote_literal};

use super::call::direction;
use super::printer::{CLAUSE, ITEM, Printer, Shown};
use super::tree::{Group, Select};
use crate::deparse::new_line;
use crate::expr::{Expr, SortKey};
use crate::logical::Column;

impl Printer<'_> {
    pub fn distinct(&self, select: &Select, out: &mut String) -> Result<()> {
        let Some(on) = &select.distinct else { return Ok(()) };
        out.push_str(" DISTINCT");
        if !on.is_empty() {
            out.push_str(" ON (");
            self.sort_items(on, out)?;
            out.push(')');
        }
        Ok(())
    }

    pub fn select_list(&self, list: &[(Column, Expr)], shown: Shown<'_>, out: &mut String) -> Result<()> {
        let mut several_lines = false;
        for (i, (column, expr)) in list.iter().enumerate() {
            out.push_str(if i > 0 { ", " } else { " " });
            let name = shown.names.and_then(|names| names.get(i)).unwrap_or(&column.name);
            let item = self.select_item(expr, name, shown.types.and_then(|types| types.get(i)), shown)?;
            let breaks = item.starts_with('\n');
            if self.style.wrap >= 0 {
                if breaks {
                    out.truncate(out.trim_end_matches(' ').len());
                } else if i > 0 && (several_lines || self.overflows(out, &item)) {
                    self.keyword(out, "", -CLAUSE, CLAUSE, ITEM);
                }
            }
            several_lines = item[usize::from(breaks)..].contains('\n');
            out.push_str(&item);
        }
        Ok(())
    }

    /// Whether the line so far with this item would be too long.
    pub fn overflows(&self, out: &str, item: &str) -> bool {
        let line = out.rsplit('\n').next().unwrap_or(out);
        (line.len() + item.len()) as i64 > i64::from(self.style.wrap)
    }

    fn select_item(&self, expr: &Expr, name: &str, ty: Option<&Type>, shown: Shown<'_>) -> Result<String> {
        let visible = shown.visible;
        let mut item = String::new();
        let own = match expr {
            Expr::Const(value, unknown) if unknown.oid == oids::UNKNOWN && shown.untyped => {
                match value {
                    Datum::Text(text) => item.push_str(&quote_literal(text)),
                    _ if self.stored => item.push_str("NULL"),
                    _ => item.push_str("NULL::unknown"),
                }
                None
            }
            Expr::Const(value, unknown) if unknown.oid == oids::UNKNOWN => {
                let ty = ty.map_or(oids::TEXT, |ty| ty.oid);
                self.expr(&Expr::Const(value.clone(), Type::new(ty)), &mut item)?;
                None
            }
            Expr::Row(..) if self.reference(expr).is_some() => {
                self.item(expr, &mut item)?;
                Some(String::new())
            }
            expr => {
                self.expr(expr, &mut item)?;
                self.reference(expr).map(|reference| reference.name.to_string())
            }
        };
        let own = own.or_else(|| (!visible).then(|| "?column?".to_owned()));
        if own.as_deref() != Some(name) {
            item.push_str(&format!(" AS {}", quote_identifier(name)));
        }
        Ok(item)
    }

    pub fn group_by(&self, select: &Select, out: &mut String) -> Result<()> {
        if select.groups.is_empty() {
            return Ok(());
        }
        self.keyword(out, " GROUP BY ", -CLAUSE, CLAUSE, 1);
        if select.distinct_groups {
            out.push_str("DISTINCT ");
        }
        self.groups(&select.groups, true, out)
    }

    fn groups(&self, groups: &[Group], bare: bool, out: &mut String) -> Result<()> {
        for (i, group) in groups.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            self.group(group, bare, out)?;
        }
        Ok(())
    }

    /// One item; `bare` spares the parentheses of a single expression.
    fn group(&self, group: &Group, bare: bool, out: &mut String) -> Result<()> {
        match group {
            Group::Expr(expr) if bare => self.sort_item(expr, out),
            Group::Expr(expr) => {
                out.push('(');
                self.sort_item(expr, out)?;
                out.push(')');
                Ok(())
            }
            Group::Set(items) => {
                out.push('(');
                self.groups(items, true, out)?;
                out.push(')');
                Ok(())
            }
            Group::Sets(words, items) => {
                out.push_str(words);
                self.groups(items, !words.starts_with("GROUPING"), out)?;
                out.push(')');
                Ok(())
            }
        }
    }

    pub fn order_by(&self, keys: &[SortKey], out: &mut String) -> Result<()> {
        for (i, key) in keys.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            self.sort_item(&key.expr, out)?;
            out.push_str(&direction(key));
        }
        Ok(())
    }

    pub fn sort_items(&self, items: &[Expr], out: &mut String) -> Result<()> {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            self.sort_item(item, out)?;
        }
        Ok(())
    }

    /// An expression that must not be taken for an output column's name or number, nor for CUBE or ROLLUP: anything but a
    /// column stands in parentheses, and a constant shows its type.
    fn sort_item(&self, expr: &Expr, out: &mut String) -> Result<()> {
        if let Expr::Const(..) = expr {
            let before = out.len();
            self.expr(expr, out)?;
            if !out[before..].contains("::") {
                out.push_str(&format!("::{}", self.type_name(expr.ty())));
            }
            return Ok(());
        }
        let is_call = match expr {
            Expr::Column(..) => self.reference(expr).is_none(),
            Expr::Call(call) => call.operator.is_none(),
            _ => false,
        };
        let parentheses = is_call || self.style.pretty && self.reference(expr).is_none();
        if parentheses {
            out.push('(');
        }
        self.expr(expr, out)?;
        if parentheses {
            out.push(')');
        }
        Ok(())
    }

    /// Begins another item of FROM, on a line of its own when it would be too long.
    pub fn break_item(&self, item: &str, out: &mut String) {
        if self.style.wrap < 0 {
            return;
        }
        if item.starts_with('\n') {
            out.truncate(out.trim_end_matches(' ').len());
        } else if self.overflows(out, item) {
            let level = std::cell::Cell::new(self.level());
            new_line(out, &level, -CLAUSE, ITEM);
        }
    }
}
