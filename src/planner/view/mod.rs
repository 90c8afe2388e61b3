//! The text of a view's query, as PostgreSQL's `pg_get_viewdef` writes it.
//!
//! ```text
//!   stored text ──parse──► syntax tree ──Binder, recording──► tree::Query ──Printer──► text
//!                                        (record)             (wording, everything bound)
//! ```
//! Binding again what was printed gives the same query whatever the search path: columns carry their table's name, stars
//! are expanded, and casts that resolution added are visible. The layout (line breaks and indentation) is PostgreSQL's too,
//! because people compare dumps.

mod call;
mod change;
mod from;
mod printer;
mod query;
pub(crate) mod record;
pub(crate) mod scope;
mod select;
mod shape;
pub mod tree;
mod using_names;

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::{Catalog, Relation, ViewInfo};
use dictdb_parser::{Statement, ast};
use dictdb_types::{Error, Result, Type};

use crate::bind::{BindContext, Binder, NamedColumn, Renaming, RowShape};
use crate::expr::ColumnId;
use crate::logical::Column;
pub(crate) use printer::{CLAUSE, Printer, Shown};
pub use shape::lists_columns;

/// How a definition is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Only the parentheses that are needed.
    pub pretty: bool,
    /// Lines of a list are broken when they would pass this column; negative is never, zero after each item.
    pub wrap: i32,
}

/// The query of a view, with the semicolon at its end. `cx` has the search path that names are shown for.
pub fn definition(relation: &Arc<Relation>, view: &ViewInfo, style: Style, cx: BindContext<'_>) -> Result<String> {
    let (mut query, shapes) = recorded(relation, view, true, (cx, None))?;
    using_names::settle(&mut query);
    let mut out = printed(&query, relation, &Printer::new(cx, style, shapes))?;
    out.push(';');
    Ok(out)
}

/// The text of a view's query that is kept, which means the same under any search path, from the one that was written.
pub fn canonical(relation: &Arc<Relation>, view: &ViewInfo, cx: BindContext<'_>) -> Result<String> {
    let (query, shapes) = recorded(relation, view, false, (cx, None))?;
    printed(&query, relation, &Printer::for_storage(cx, shapes))
}

/// The text that is kept when something has been renamed: it is bound with the names of before and written with those of
/// after; `relation` is the view as it is now.
pub fn restated(relation: &Arc<Relation>, view: &ViewInfo, names: Renaming<'_>) -> Result<String> {
    let (query, shapes) = recorded(relation, view, true, (names.before, Some(names.after.catalog.clone())))?;
    printed(&query, relation, &Printer::for_storage(names.after, shapes))
}

/// Like [`canonical`], for a query whose bare names of USING columns would mean something else when they are read again: columns of other
/// tables that are called so get other names.
pub fn disambiguated(relation: &Arc<Relation>, view: &ViewInfo, cx: BindContext<'_>) -> Result<String> {
    let (mut query, shapes) = recorded(relation, view, false, (cx, None))?;
    using_names::settle(&mut query);
    printed(&query, relation, &Printer::for_storage(cx, shapes))
}

/// The types of the columns that a view's query gives.
pub fn types(view: &ViewInfo, cx: BindContext<'_>) -> Result<Vec<Type>> {
    let statements = dictdb_parser::parse(&view.query, &dictdb_parser::Limits::default())?;
    let Some(statement) = statements.first() else { return Err(Error::internal("a view without a query")) };
    let Statement::Sql(tree) = &statement.statement else { return Err(Error::internal("a view of no query")) };
    let ast::Statement::Query(query) = &**tree else { return Err(Error::internal("a view of no SELECT")) };
    let bound = crate::bind_view(query, &statement.locations, BindContext { search_path: &view.search_path, ..cx })?;
    Ok(bound.columns.iter().map(|column| column.ty).collect())
}

/// The names of a table's columns around queries of an expression over it.
pub(crate) fn scope_of_table(relation: &Arc<Relation>, row: &[(Column, i16)]) -> scope::Scope {
    let named = |system: bool| {
        let own = row.iter().filter(|(_, attnum)| (*attnum < 0) == system);
        own.map(|(column, _)| NamedColumn::of(column)).collect()
    };
    let table = tree::Table {
        sample: None,
        source: tree::Source::Relation(relation.clone(), false),
        alias: None,
        renames: false,
        columns: named(false),
        system: named(true),
        also: Vec::new(),
        lateral: false,
    };
    scope::Scope::new(&[tree::FromItem::Table(table)], None)
}

fn printed(query: &tree::Query, relation: &Relation, printer: &Printer<'_>) -> Result<String> {
    let names: Vec<Arc<str>> = relation.live_columns().map(|(_, column)| column.name.clone()).collect();
    let types: Vec<Type> = relation.live_columns().map(|(_, column)| column.ty).collect();
    let mut out = String::new();
    printer.view(query, Shown { names: Some(&names), types: Some(&types), visible: true, untyped: false }, &mut out)?;
    Ok(out)
}

/// The wording of a view's query, bound under the search path it was made under, and the fields of record columns. Tables
/// and their columns go by the names they have in `renamed`. `kept` says whether it is a text that has been made to be kept.
fn recorded(
    relation: &Relation,
    view: &ViewInfo,
    kept: bool,
    (cx, renamed): (BindContext<'_>, Option<Arc<Catalog>>),
) -> Result<(tree::Query, HashMap<ColumnId, RowShape>)> {
    let statements = dictdb_parser::parse(&view.query, &dictdb_parser::Limits::default())?;
    let Some(statement) = statements.first() else { return Err(Error::internal("a view without a query")) };
    let Statement::Sql(tree) = &statement.statement else { return Err(Error::internal("a view of no query")) };
    let ast::Statement::Query(query) = &**tree else { return Err(Error::internal("a view of no SELECT")) };
    let inner = BindContext { search_path: &view.search_path, ..cx };
    let mut binder = Binder::new(inner, &statement.locations, &[], false);
    (binder.keep_casts, binder.reads_stored) = (true, kept);
    binder.ignores_policies = true;
    binder.views.push(relation.oid);
    binder.recorder = Some(record::Recorder::new(renamed));
    binder.bind_subquery(query)?;
    let query = binder.recorded_query();
    let query = query.ok_or_else(|| Error::internal("a query was bound without being recorded"))?;
    Ok((query, binder.row_shapes))
}
