//! What a FROM clause makes visible, and how column names are looked up in it.

use std::sync::Arc;

use dictdb_catalog::Key;
use dictdb_parser::ast;
use dictdb_types::{Error, Oid, Result, SqlState, Type};

use super::Binder;
use super::function::finds_none;
use crate::expr::{Case, ColumnId, Expr};

/// Names a FROM clause makes visible.
#[derive(Clone, Default)]
pub(crate) struct Names {
    /// What a qualified name may refer to.
    pub tables: Vec<TableName>,
    /// What `*` expands to and an unqualified name may refer to, in order. USING columns are merged here.
    pub columns: Vec<NamedColumn>,
}

/// A table, subquery, function or join with a name.
#[derive(Clone)]
pub(crate) struct TableName {
    /// Alias, or the table's own name.
    pub alias: Arc<str>,
    /// Schema, for a table without alias: `schema.table.column` finds it.
    pub schema: Option<Arc<str>>,
    /// Its columns.
    pub columns: Vec<NamedColumn>,
    /// System columns, found by name but not by `*`.
    pub system: Vec<NamedColumn>,
    /// Row type of a table, or `record`.
    pub row_type: Oid,
    /// Whether columns may be referred to, or are only seen by LATERAL items.
    pub referable: Referable,
    /// A function whose single column is the table itself: `SELECT f FROM f() f`.
    pub scalar_function: bool,
    /// What kind of FROM item it is, as far as row locks are concerned.
    pub item: FromItem,
    /// NULL in rows that an outer join made up for want of a match.
    pub presence: Option<Expr>,
    /// Where the accesses stand that binding it has noted.
    pub noted: Option<std::ops::Range<usize>>,
}

/// Whether a FROM item's columns may be referred to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Referable {
    /// They may.
    Yes,
    /// Not from the right side of the RIGHT or FULL join that is being bound.
    NotByJoin,
    /// Not from FROM or USING of the statement that changes the table.
    NotTarget,
    /// Not at all: the condition of a rule has not this row.
    No,
}

/// Kinds of FROM items.
#[derive(Clone)]
pub(crate) enum FromItem {
    /// A table, or a subquery or view over tables: their row ids.
    Rows(Vec<ColumnId>),
    /// A join with an alias.
    Join,
    /// A function.
    Function,
    /// VALUES.
    Values,
    /// A WITH query.
    Cte,
}

/// A named expression; almost always a column.
#[derive(Clone, Debug)]
pub struct NamedColumn {
    /// Its name.
    pub name: Arc<str>,
    /// What it stands for.
    pub expr: Expr,
    /// Table and attnum when it is a plain column.
    pub source: Option<(Oid, i16)>,
}

impl Names {
    /// Names of one table.
    pub fn of_table(table: TableName) -> Self {
        Names { columns: table.columns.clone(), tables: vec![table] }
    }

    /// Names of two FROM items side by side; 42712 when they share an alias.
    pub fn merge(&mut self, other: Names) -> Result<()> {
        self.check_aliases(&other)?;
        self.tables.extend(other.tables);
        self.columns.extend(other.columns);
        Ok(())
    }

    /// 42712 when the two sides share an alias.
    pub fn check_aliases(&self, other: &Names) -> Result<()> {
        for table in &other.tables {
            let clash = self.tables.iter().any(|t| {
                t.alias == table.alias && (t.schema == table.schema || t.schema.is_none() || table.schema.is_none())
            });
            if clash {
                return Err(Error::new(
                    SqlState::DUPLICATE_ALIAS,
                    format!("table name \"{}\" specified more than once", table.alias),
                ));
            }
        }
        Ok(())
    }
}

/// The identifiers of a dotted name; a function call inside one is not PostgreSQL's.
pub(crate) fn idents(name: &ast::ObjectName) -> Result<Vec<&ast::Ident>> {
    name.0
        .iter()
        .map(|part| part.as_ident().ok_or_else(|| Error::unsupported("a function call inside a name")))
        .collect()
}

/// A dotted name as messages show it.
pub(crate) fn dotted(parts: &[&ast::Ident]) -> String {
    parts.iter().map(|ident| ident.value.as_str()).collect::<Vec<_>>().join(".")
}

impl Binder<'_> {
    /// Binds an unqualified name: a column, or a whole row by table name.
    pub(crate) fn bind_identifier(&mut self, ident: &ast::Ident) -> Result<Expr> {
        let position = self.position(ident.span);
        self.column_or_variable(&[&ident.value], position, |binder| binder.bind_column_name(ident, position))
    }

    fn bind_column_name(&mut self, ident: &ast::Ident, position: Option<u32>) -> Result<Expr> {
        for depth in (0..self.levels.len()).rev() {
            if let Some((expr, source)) = self.column_at_level(depth, &ident.value).map_err(|e| e.at(position))? {
                self.note_reference(&expr, position);
                self.note_mention(source);
                return Ok(expr);
            }
        }
        for depth in (0..self.levels.len()).rev() {
            if let Some(table) = find_table(&self.levels[depth].names, None, &ident.value) {
                let whole = whole_row(table);
                let sources: Vec<_> = table.columns.iter().map(|column| column.source).collect();
                sources.into_iter().for_each(|source| self.note_mention(source));
                if let Expr::Row(items, ..) = &whole {
                    items.iter().for_each(|item| self.note_reference(item, position));
                }
                return Ok(whole);
            }
        }
        Err(self.missing_column(None, &ident.value, position))
    }

    /// Whether a name means the row of a table, no column being called so.
    pub(crate) fn is_table(&self, ident: &ast::Ident) -> bool {
        let is_column = |depth| !matches!(self.column_at_level(depth, &ident.value), Ok(None));
        let mut names = self.levels.iter().map(|level| &level.names);
        !(0..self.levels.len()).any(is_column) && names.any(|names| find_table(names, None, &ident.value).is_some())
    }

    #[allow(clippy::type_complexity)]
    fn column_at_level(&self, depth: usize, name: &str) -> Result<Option<(Expr, Option<(Oid, i16)>)>> {
        let names = &self.levels[depth].names;
        let found = names.columns.iter().filter(|column| &*column.name == name);
        match *self.known_of(found.collect()) {
            [] => {}
            [column] => return Ok(Some((column.expr.clone(), column.source))),
            [_, _, ..] => return Err(ambiguous(name)),
        }
        let has = |table: &&TableName| table.columns.iter().any(|column| &*column.name == name);
        let mut barred = names.tables.iter().filter(|table| table.referable != Referable::Yes);
        if let Some(table) = barred.find(has) {
            return Err(invalid_reference(&table.alias, table.referable));
        }
        let mut system = names.tables.iter().flat_map(|t| t.system.iter()).filter(|column| &*column.name == name);
        match (system.next(), system.next()) {
            (Some(_), Some(_)) => Err(ambiguous(name)),
            (first, _) => Ok(first.map(|column| (column.expr.clone(), column.source))),
        }
    }

    /// Binds a dotted name: `table.column`, `schema.table.column`, `column.field`, `table.*`-like whole rows excepted.
    pub(crate) fn bind_compound(&mut self, parts: &[ast::Ident]) -> Result<Expr> {
        let position = parts.first().and_then(|ident| self.position(ident.span));
        if let [ident] = parts {
            return self.bind_identifier(ident);
        }
        let names: Vec<&str> = parts.iter().map(|ident| ident.value.as_str()).collect();
        self.column_or_variable(&names, position, |binder| binder.bind_qualified(parts, position))
    }

    fn bind_qualified(&mut self, parts: &[ast::Ident], position: Option<u32>) -> Result<Expr> {
        match parts {
            [table, column] => self.qualified(None, table, column, position),
            [schema, table, column] => self.qualified(Some(&schema.value), table, column, position),
            _ => {
                let name = dotted(&parts.iter().collect::<Vec<_>>());
                Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    format!("improper qualified name (too many dotted names): {name}"),
                )
                .at(position))
            }
        }
    }

    pub(crate) fn qualified(
        &mut self,
        schema: Option<&str>,
        table: &ast::Ident,
        column: &ast::Ident,
        position: Option<u32>,
    ) -> Result<Expr> {
        for depth in (0..self.levels.len()).rev() {
            let names = &self.levels[depth].names;
            let Some(found) = find_table(names, schema, &table.value) else { continue };
            // A table may be called as ON CONFLICT calls the row that was not inserted.
            if schema.is_none() && names.tables.iter().filter(|other| other.alias == found.alias).count() > 1 {
                let message = format!("table reference \"{}\" is ambiguous", table.value);
                return Err(Error::new(SqlState::AMBIGUOUS_ALIAS, message).at(position));
            }
            if found.referable != Referable::Yes {
                return Err(invalid_reference(&table.value, found.referable).at(position));
            }
            let columns = found.columns.iter().chain(&found.system).filter(|c| *c.name == *column.value);
            return match *self.known_of(columns.collect()) {
                [_, _, ..] => Err(ambiguous(&column.value).at(position)),
                [named] => {
                    let (expr, source) = (named.expr.clone(), named.source);
                    self.note_mention(source);
                    self.check_system_column(column, position)?;
                    self.note_reference(&expr, position);
                    Ok(expr)
                }
                [] => {
                    let whole = whole_row(found);
                    self.row_function(
                        whole,
                        found_alias(&self.levels[depth].names, schema, &table.value),
                        column,
                        position,
                    )
                }
            };
        }
        Err(self.missing_table(schema, &table.value, position))
    }

    /// Of several columns of one name those that can be meant: in a view's query, columns that the view does not depend on came
    /// after it was made.
    pub(crate) fn known_of<'n>(&self, mut found: Vec<&'n NamedColumn>) -> Vec<&'n NamedColumn> {
        if let (Some(view), true) = (self.views.last(), found.len() > 1) {
            let view = Key::Relation(*view);
            let known =
                |(table, attnum)| self.cx.catalog.dependencies_of(view).any(|(on, _)| on == Key::Column(table, attnum));
            found.retain(|column| column.source.is_none_or(known));
        }
        found
    }

    /// 42P10 for a system column where MERGE decides what to do with a row.
    fn check_system_column(&mut self, name: &ast::Ident, position: Option<u32>) -> Result<()> {
        let is_system = dictdb_catalog::system_column_named(&name.value).is_some();
        if is_system && name.value != "tableoid" && self.level().clause == super::Clause::MergeWhen {
            let message = format!("cannot use system column \"{}\" in MERGE WHEN condition", name.value);
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(position));
        }
        Ok(())
    }

    /// `t.f` where `t` has no column `f`: `f(t)` when there is such a function.
    fn row_function(&mut self, row: Expr, alias: Arc<str>, name: &ast::Ident, position: Option<u32>) -> Result<Expr> {
        let missing = self.missing_column(Some(&alias), &name.value, position);
        let call = self.bind_call_of_values(None, &name.value, vec![row], position);
        let call = call.map_err(|error| if finds_none(&error) { missing } else { error })?;
        self.collect_set(call, position)
    }

    /// Expands `*` (or `table.*`) to named expressions.
    pub(crate) fn expand_star(&mut self, qualifier: Option<&[&ast::Ident]>) -> Result<Vec<NamedColumn>> {
        let Some(parts) = qualifier else {
            return Ok(self.levels.last().map(|level| level.names.columns.clone()).unwrap_or_default());
        };
        let missing = match self.named_table(parts) {
            Ok(table) => return Ok(table.columns.clone()),
            Err(missing) => missing,
        };
        let names: Vec<&str> = parts.iter().map(|ident| ident.value.as_str()).collect();
        let Some(row) = self.variable(&names)? else { return Err(missing) };
        let Some(fields) = self.row_fields(&row) else { return Err(missing) };
        let field = |(index, (name, ty)): (usize, (Arc<str>, Type))| NamedColumn {
            name,
            expr: Expr::Field(Box::new(row.clone()), index, ty),
            source: None,
        };
        Ok(fields.into_iter().enumerate().map(field).collect())
    }

    /// `table.*` as an argument: the row as one value.
    pub(crate) fn row_of_table(&mut self, parts: &[&ast::Ident]) -> Result<Expr> {
        let missing = match self.named_table(parts) {
            Ok(table) => return Ok(whole_row(table)),
            Err(missing) => missing,
        };
        let names: Vec<&str> = parts.iter().map(|ident| ident.value.as_str()).collect();
        self.variable(&names)?.ok_or(missing)
    }

    /// The table that the qualifier of a `*` names; 42P01.
    fn named_table(&self, parts: &[&ast::Ident]) -> Result<&TableName> {
        let (schema, table) = match parts {
            [table] => (None, *table),
            [schema, table] => (Some(schema.value.as_str()), *table),
            _ => return Err(Error::new(SqlState::SYNTAX_ERROR, "improper qualified name (too many dotted names)")),
        };
        let found = self.levels.iter().rev().find_map(|level| find_table(&level.names, schema, &table.value));
        let position = parts.first().and_then(|ident| self.position(ident.span));
        found.ok_or_else(|| self.missing_table(schema, &table.value, position))
    }
}

fn found_alias(names: &Names, schema: Option<&str>, name: &str) -> Arc<str> {
    find_table(names, schema, name).map_or_else(|| Arc::from(name), |table| table.alias.clone())
}

fn find_table<'n>(names: &'n Names, schema: Option<&str>, alias: &str) -> Option<&'n TableName> {
    names.tables.iter().find(|table| &*table.alias == alias && (schema.is_none() || table.schema.as_deref() == schema))
}

/// A table's row as one value; NULL where an outer join found no row.
pub(crate) fn whole_row(table: &TableName) -> Expr {
    if table.scalar_function
        && let [column] = table.columns.as_slice()
    {
        return column.expr.clone();
    }
    let ty = Type::new(table.row_type);
    let names = (ty.oid == dictdb_types::oids::RECORD)
        .then(|| table.columns.iter().map(|column| column.name.clone()).collect());
    let row = Expr::Row(table.columns.iter().map(|column| column.expr.clone()).collect(), ty, names);
    match &table.presence {
        None => row,
        Some(presence) => {
            let present = Expr::IsNull(Box::new(presence.clone()), true);
            Expr::Case(Box::new(Case { operand: None, whens: vec![(present, row)], otherwise: None, ty }))
        }
    }
}

fn ambiguous(name: &str) -> Error {
    Error::new(SqlState::AMBIGUOUS_COLUMN, format!("column reference \"{name}\" is ambiguous"))
}

fn invalid_reference(table: &str, why: Referable) -> Error {
    let message = format!("invalid reference to FROM-clause entry for table \"{table}\"");
    let code = match why {
        Referable::No => SqlState::UNDEFINED_TABLE,
        _ => SqlState::INVALID_COLUMN_REFERENCE,
    };
    let error = Error::new(code, message);
    match why {
        Referable::NotTarget | Referable::No => error.hint(format!(
            "There is an entry for table \"{table}\", but it cannot be referenced from this part of the query."
        )),
        _ => error.detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference."),
    }
}
