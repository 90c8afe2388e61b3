//! Where cursors stand: `UPDATE … WHERE CURRENT OF cursor`.
//!
//! A cursor's query is run with the `tableoid` and `ctid` of its tables, and whether it locks their rows, behind its own columns, where
//! that makes sense; the cursor keeps those of the row it stands on and shows only the rest.

use std::sync::Arc;

use dictdb_functions::{CallContext, ScalarFn};
use dictdb_parser::ast::{self, Expr, Ident, SelectItem, SetExpr, TableFactor};
use dictdb_parser::{Statement, node};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use crate::client::{Column, Row};
use crate::portal::Portal;
use crate::prepared::Source;
use crate::{Session, StatementEnv};

/// Functions that plans call by their names alone.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[("dictdb_row_of_cursor", row_of_cursor)];

/// Where a cursor stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The rows that made the current row; `None` before the first row and after the last.
    pub rows: Option<Vec<PlacedRow>>,
    /// Whether rows of the query belong to rows of tables at all.
    pub known: bool,
    /// It has been held from an earlier transaction.
    pub held: bool,
}

/// A row of a table behind a row of a cursor.
#[derive(Clone, Debug)]
pub(crate) struct PlacedRow {
    /// `tableoid`.
    table: Oid,
    /// `ctid`.
    tid: Datum,
    /// Whether FOR UPDATE and its like are for the table.
    locked: bool,
}

/// Columns that say where a row of a table is.
const PLACE_COLUMNS: usize = 3;

impl Session {
    /// The query of a cursor with the places of its rows, and how many columns that adds.
    pub(crate) fn with_places(&mut self, source: &Arc<Source>) -> (Arc<Source>, usize) {
        let Some((extended, added)) = extended(source) else { return (source.clone(), 0) };
        let extended = Arc::new(extended);
        match self.plan(&extended) {
            Ok(_) => (extended, added),
            Err(_) => (source.clone(), 0),
        }
    }
}

/// The columns but the last ones.
pub(crate) fn shown(columns: Arc<[Column]>, hidden: usize) -> Arc<[Column]> {
    match hidden {
        0 => columns,
        hidden => columns[..columns.len().saturating_sub(hidden)].into(),
    }
}

/// A SELECT over tables, row for row, with the places of their rows at its end.
fn extended(source: &Source) -> Option<(Source, usize)> {
    let Statement::Sql(tree) = &source.parsed.statement else { return None };
    let ast::Statement::Query(query) = &**tree else { return None };
    let SetExpr::Select(select) = &*query.body else { return None };
    let (groups, _) = node::group_by(&select.group_by);
    if select.distinct.is_some() || !groups.is_empty() || select.having.is_some() || query.with.is_some() {
        return None;
    }
    let mut names = Vec::new();
    for item in &select.from {
        collect(&item.relation, &mut names);
        item.joins.iter().for_each(|join| collect(&join.relation, &mut names));
    }
    let locks = |name: &Ident| {
        query.locks.iter().any(|lock| match &lock.of {
            Some(of) => of.0.last().and_then(|part| part.as_ident()).is_some_and(|of| of.value == name.value),
            None => true,
        })
    };
    let places = |name: &Ident| {
        let column = |column| Expr::CompoundIdentifier(vec![name.clone(), Ident::new(column)]);
        let locked = Expr::Value(ast::Value::Boolean(locks(name)).with_empty_span());
        [column("tableoid"), column("ctid"), locked].map(SelectItem::UnnamedExpr)
    };
    let added: Vec<SelectItem> = names.iter().flat_map(places).collect();
    if added.is_empty() {
        return None;
    }
    let count = added.len();
    let mut select = ast::Select::clone(select);
    select.projection.extend(added);
    let query = ast::Query { body: Box::new(SetExpr::Select(Box::new(select))), ..ast::Query::clone(query) };
    let statement = Statement::Sql(tree.rebuilt(ast::Statement::Query(Box::new(query))));
    Some((source.inner(statement), count))
}

fn collect(factor: &TableFactor, names: &mut Vec<Ident>) {
    match factor {
        TableFactor::Table { name, alias, .. } => {
            let own = name.0.last().and_then(|part| part.as_ident());
            names.extend(alias.as_ref().map(|alias| &alias.name).or(own).cloned());
        }
        TableFactor::NestedJoin { table_with_joins, alias: None } => {
            collect(&table_with_joins.relation, names);
            table_with_joins.joins.iter().for_each(|join| collect(&join.relation, names));
        }
        _ => {}
    }
}

impl Portal {
    /// Takes the places off rows that were fetched; the last one says where the cursor stands now.
    pub(super) fn take_places(&mut self, rows: &mut [Row], moved: bool) {
        let Some(cursor) = self.cursor.as_mut().filter(|cursor| cursor.hidden > 0) else { return };
        for row in rows.iter_mut() {
            let places = row.split_off(row.len().saturating_sub(cursor.hidden));
            cursor.place = Some(places);
        }
        let after_end = cursor.complete && cursor.position > cursor.seen;
        if cursor.position == 0 || after_end || (rows.is_empty() && moved) {
            cursor.place = None;
        }
    }

    /// Where it stands, for statements that ask.
    pub(crate) fn place(&self) -> Place {
        let Some(cursor) = &self.cursor else { return Place::default() };
        let row = |columns: &[Datum]| match columns {
            [Datum::Oid(table), tid, Datum::Bool(locked)] => {
                Some(PlacedRow { table: Oid(*table), tid: tid.clone(), locked: *locked })
            }
            _ => None,
        };
        let rows = cursor.place.as_ref().map(|places| places.chunks(PLACE_COLUMNS).filter_map(row).collect());
        Place { rows, known: cursor.hidden > 0, held: cursor.held }
    }
}

/// The `ctid` of a cursor's row in one of a target's tables; NULL when it is in another. 34000, 24000.
fn row_of_cursor(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = StatementEnv::of(cx.env).ok_or_else(|| Error::internal("called outside a session"))?;
    let [Datum::Text(name), Datum::Oid(target), Datum::Oid(table)] = args else { return Ok(Datum::Null) };
    let Some(place) = env.shared.cursors.lock().get(&**name).map(|info| info.place.clone()) else {
        return Err(Error::new(SqlState::UNDEFINED_CURSOR, format!("cursor \"{name}\" does not exist")));
    };
    let invalid = |message: String| Error::new(SqlState::INVALID_CURSOR_STATE, message);
    if place.held {
        return Err(invalid(format!("cursor \"{name}\" is held from a previous transaction")));
    }
    let relation = env.catalog.relation(Oid(*target));
    let shown = relation.map_or("", |relation| &*relation.name);
    let unfit = || invalid(format!("cursor \"{name}\" is not a simply updatable scan of table \"{shown}\""));
    if !place.known {
        return Err(unfit());
    }
    let Some(rows) = place.rows else { return Err(invalid(format!("cursor \"{name}\" is not positioned on a row"))) };
    let members = relation.map(|relation| env.catalog.members(relation)).unwrap_or_default();
    let is_of_target =
        |row: &&PlacedRow| row.table.0 == *target || members.iter().any(|member| member.oid == row.table);
    let locks = rows.iter().any(|row| row.locked);
    let mut fitting = rows.iter().filter(|row| row.locked == locks).filter(is_of_target);
    let reference = |what: &str| {
        invalid(format!(
            "cursor \"{name}\" {what} FOR UPDATE/SHARE reference{} to table \"{shown}\"",
            if what.starts_with("has") { "s" } else { "" }
        ))
    };
    match (fitting.next(), fitting.next()) {
        (Some(row), None) if locks || rows.len() == 1 => {
            Ok(if row.table.0 == *table { row.tid.clone() } else { Datum::Null })
        }
        (Some(_), Some(_)) if locks => Err(reference("has multiple")),
        (None, _) if locks => Err(reference("does not have a")),
        _ => Err(unfit()),
    }
}
