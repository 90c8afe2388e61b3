//! FROM: tables, subqueries, functions, joins.

use dictdb_types::{RegKind, Result, quote_identifier, quote_qualified};

use super::printer::{CLAUSE, JOIN, Printer, Shown};
use super::scope::unique_names;
use super::tree::{Body, FromItem, Functions, Join, Source, Table};
use crate::bind::NamedColumn;
use crate::deparse;
use crate::expr::Expr;
use crate::logical::JoinKind;

impl Printer<'_> {
    pub fn write_from(&self, items: &[FromItem], out: &mut String) -> Result<()> {
        self.write_items(" FROM ", items, 0, out)
    }

    /// A clause of FROM items, of whose names in scope the first ones belong to others.
    pub fn write_items(&self, word: &str, items: &[FromItem], others: usize, out: &mut String) -> Result<()> {
        let names = self.scope(|scope| scope.aliases().to_vec()).unwrap_or_default();
        let mut names = names.into_iter().skip(others);
        for (i, item) in items.iter().enumerate() {
            if i == 0 {
                self.keyword(out, word, -CLAUSE, CLAUSE, 2);
                self.write_from_item(item, &mut names, out)?;
                continue;
            }
            out.push_str(", ");
            let mut text = String::new();
            self.write_from_item(item, &mut names, &mut text)?;
            self.break_item(&text, out);
            out.push_str(&text);
        }
        Ok(())
    }

    /// One item. `names` gives the names of the items in the order they were taken.
    fn write_from_item(
        &self,
        item: &FromItem,
        names: &mut impl Iterator<Item = std::sync::Arc<str>>,
        out: &mut String,
    ) -> Result<()> {
        match item {
            FromItem::Table(table) => {
                let name = names.next().unwrap_or_default();
                self.table(table, &name, out)
            }
            FromItem::Join(join) => self.join(join, names, out),
        }
    }

    fn table(&self, table: &Table, name: &str, out: &mut String) -> Result<()> {
        if table.lateral {
            out.push_str("LATERAL ");
        }
        let own = match &table.source {
            Source::Relation(relation, only) => {
                if *only {
                    out.push_str("ONLY ");
                }
                let shown = self.cx.env.reg_out(RegKind::Class, relation.oid);
                match self.cx.catalog.schema(relation.namespace) {
                    Some(schema) if self.stored || self.hidden_by_cte(&relation.name) => {
                        out.push_str(&quote_qualified(&schema.name, &relation.name));
                    }
                    _ => out.push_str(&shown),
                }
                Some(&*relation.name)
            }
            Source::Cte(cte) => {
                out.push_str(&quote_identifier(cte));
                Some(&**cte)
            }
            Source::Query(query) => {
                out.push('(');
                match &query.body {
                    // A whole query that is VALUES, whose columns got other names.
                    Body::Values(rows) if name == "*VALUES*" => self.values(rows, out)?,
                    _ => self.query(query, self.level(), Shown { visible: true, ..Shown::default() }, out)?,
                }
                out.push(')');
                None
            }
            Source::Function(functions) => {
                self.functions(functions, out)?;
                functions.is_xml_table().then_some("xmltable")
            }
        };
        let lists = self.lists_columns(table);
        if table.alias.is_some() || lists || own.is_none_or(|own| own != name) {
            out.push_str(&format!(" {}", quote_identifier(name)));
        }
        match &table.source {
            Source::Function(functions) if let Some(defined) = defined_after_alias(functions) => {
                out.push_str(&self.definitions(defined));
            }
            _ if lists => column_list(&table.shape(), out),
            _ => {}
        }
        if let Some(sample) = &table.sample {
            out.push_str(&format!(" TABLESAMPLE {} (", sample.method));
            self.bare(&sample.percent, out)?;
            out.push(')');
            if let Some(seed) = &sample.seed {
                out.push_str(" REPEATABLE (");
                self.bare(seed, out)?;
                out.push(')');
            }
        }
        Ok(())
    }

    /// Whether the alias must list the columns: always for functions, whose parameters may be renamed, and for tables only
    /// where a name differs.
    fn lists_columns(&self, table: &Table) -> bool {
        match &table.source {
            // PostgreSQL forgets the new names of its columns, too.
            Source::Function(functions) if functions.is_xml_table() => false,
            Source::Function(_) => true,
            Source::Relation(relation, _) => {
                let real = relation.live_columns().map(|(_, column)| &column.name);
                table.renames && !real.eq(table.shape().iter().map(|column| &column.name))
            }
            Source::Cte(_) | Source::Query(_) => table.renames || has_duplicates(&table.columns),
        }
    }

    fn functions(&self, functions: &Functions, out: &mut String) -> Result<()> {
        match functions.calls.as_slice() {
            [(single, defined)] if defined.is_empty() || !functions.ordinality => self.function_item(single, out)?,
            several => match several.iter().map(unnested).collect::<Option<Vec<Expr>>>() {
                Some(arrays) => {
                    out.push_str("UNNEST(");
                    self.list(&arrays, ", ", out)?;
                    out.push(')');
                }
                None => self.rows_from(several, out)?,
            },
        }
        if functions.ordinality {
            out.push_str(" WITH ORDINALITY");
        }
        Ok(())
    }

    /// A function in FROM; what does not look like a call there, as a cast that was folded away, is written as one.
    fn function_item(&self, expr: &Expr, out: &mut String) -> Result<()> {
        if deparse::looks_like_function(expr) {
            return self.expr(expr, out);
        }
        out.push_str("CAST(");
        self.expr(expr, out)?;
        out.push_str(&format!(" AS {})", self.type_name(expr.ty())));
        Ok(())
    }

    fn rows_from(&self, calls: &[(Expr, Vec<Definition>)], out: &mut String) -> Result<()> {
        out.push_str("ROWS FROM(");
        for (at, (call, defined)) in calls.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            self.function_item(call, out)?;
            if !defined.is_empty() {
                out.push_str(" AS ");
                out.push_str(&self.definitions(defined));
            }
        }
        out.push(')');
        Ok(())
    }

    /// A column definition list.
    fn definitions(&self, defined: &[Definition]) -> String {
        let column = |(name, ty): &Definition| format!("{} {}", quote_identifier(name), self.type_name(*ty));
        format!("({})", defined.iter().map(column).collect::<Vec<_>>().join(", "))
    }

    fn join(&self, join: &Join, names: &mut impl Iterator<Item = std::sync::Arc<str>>, out: &mut String) -> Result<()> {
        let enclosed = !self.style.pretty || join.alias.is_some();
        let right_enclosed = self.style.pretty && matches!(&join.right, FromItem::Join(right) if right.alias.is_none());
        if enclosed {
            out.push('(');
        }
        self.write_from_item(&join.left, names, out)?;
        let word = match join.kind {
            JoinKind::Inner | JoinKind::Semi | JoinKind::Anti if join.on.is_some() || !join.using.is_empty() => {
                " JOIN "
            }
            JoinKind::Inner | JoinKind::Semi | JoinKind::Anti => " CROSS JOIN ",
            JoinKind::Left => " LEFT JOIN ",
            JoinKind::Right => " RIGHT JOIN ",
            JoinKind::Full => " FULL JOIN ",
        };
        self.keyword(out, word, -CLAUSE, CLAUSE, JOIN);
        if right_enclosed {
            out.push('(');
        }
        self.write_from_item(&join.right, names, out)?;
        if right_enclosed {
            out.push(')');
        }
        self.join_condition(join, out)?;
        if enclosed {
            out.push(')');
        }
        if let Some(alias) = &join.alias {
            out.push_str(&format!(" {}", quote_identifier(&names.next().unwrap_or_default())));
            match self.stored {
                true if join.listed() > 0 => column_list(&alias.columns[..join.listed()], out),
                false if alias.listed > 0 || has_duplicates(&alias.columns) => column_list(&alias.columns, out),
                _ => {}
            }
        }
        Ok(())
    }

    fn join_condition(&self, join: &Join, out: &mut String) -> Result<()> {
        if !join.using.is_empty() {
            out.push_str(" USING ");
            column_list(&join.using, out);
            if let Some(alias) = &join.using_alias {
                out.push_str(&format!(" AS {}", quote_identifier(alias)));
            }
        } else if let Some(on) = &join.on {
            out.push_str(if self.style.pretty { " ON " } else { " ON (" });
            self.expr(on, out)?;
            if !self.style.pretty {
                out.push(')');
            }
        } else if join.kind != JoinKind::Inner {
            out.push_str(" ON TRUE");
        }
        Ok(())
    }
}

/// A column that a query defines for a function.
type Definition = (std::sync::Arc<str>, dictdb_types::Type);

/// The column definition list that stands after the alias: that of the only function, where nothing else is numbered with it.
fn defined_after_alias(functions: &Functions) -> Option<&[Definition]> {
    match functions.calls.as_slice() {
        [(_, defined)] if !functions.ordinality && !defined.is_empty() => Some(defined),
        _ => None,
    }
}

/// The array of a call of `unnest`.
fn unnested((call, defined): &(Expr, Vec<Definition>)) -> Option<Expr> {
    const UNNEST: dictdb_types::Oid = dictdb_types::Oid(2331);
    match call {
        Expr::Call(call) if call.function.oid == UNNEST && defined.is_empty() => call.args.first().cloned(),
        _ => None,
    }
}

fn has_duplicates(columns: &[NamedColumn]) -> bool {
    !unique_names(columns).iter().eq(columns.iter().map(|column| &column.name))
}

fn column_list(columns: &[NamedColumn], out: &mut String) {
    let names = unique_names(columns);
    let names: Vec<_> = names.iter().map(|name| quote_identifier(name)).collect();
    out.push_str(&format!("({})", names.join(", ")));
}
