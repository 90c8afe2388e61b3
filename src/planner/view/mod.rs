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
mod from;
mod printer;
mod query;
pub(crate) mod record;
mod scope;
mod select;
pub mod tree;

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::{Relation, ViewInfo};
use dictdb_parser::{Statement, ast};
use dictdb_types::{Error, Result, Type};

use crate::bind::{BindContext, Binder, RowShape};
use crate::expr::ColumnId;
use printer::{Printer, Shown};

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
    let (query, shapes) = recorded(view, cx)?;
    let names: Vec<Arc<str>> = relation.live_columns().map(|(_, column)| column.name.clone()).collect();
    let types: Vec<Type> = relation.live_columns().map(|(_, column)| column.ty).collect();
    let printer = Printer::new(cx, style, shapes);
    let mut out = String::new();
    printer.view(&query, Shown { names: Some(&names), types: Some(&types), visible: true }, &mut out)?;
    out.push(';');
    Ok(out)
}

/// The wording of a view's query, bound under the search path it was made under, and the fields of record columns.
fn recorded(view: &ViewInfo, cx: BindContext<'_>) -> Result<(tree::Query, HashMap<ColumnId, RowShape>)> {
    let statements = dictdb_parser::parse(&view.query, &dictdb_parser::Limits::default())?;
    let Some(statement) = statements.first() else { return Err(Error::internal("a view without a query")) };
    let Statement::Sql(tree) = &statement.statement else { return Err(Error::internal("a view of no query")) };
    let ast::Statement::Query(query) = &**tree else { return Err(Error::internal("a view of no SELECT")) };
    let inner = BindContext { search_path: &view.search_path, ..cx };
    let mut binder = Binder::new(inner, &statement.locations, &[], false);
    binder.keep_casts = true;
    binder.recorder = Some(Default::default());
    binder.bind_subquery(query)?;
    let query = binder.recorded_query();
    let query = query.ok_or_else(|| Error::internal("a query was bound without being recorded"))?;
    Ok((query, binder.row_shapes))
}
