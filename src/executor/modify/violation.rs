//! What a violated constraint answers: PostgreSQL's messages, details and fields.

use std::fmt::Write as _;
use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexInfo, IndexTarget, Relation};
use dictdb_planner::logical::{Check, PolicyStage};
use dictdb_planner::table_expr::TableExpr;
use dictdb_types::{Datum, Env, Error, Oid, Result, RowId, SqlState, text};

use super::events::Events;
use super::target::{Target, place};
use super::writer::Writer;
use crate::access::TableHandle;
use crate::context::ExecContext;
use crate::engine::Engine;

/// Characters of a value that a row in a detail shows.
const SHOWN_CHARS: usize = 64;

/// 23502.
pub(super) fn not_null(target: &Target, place: usize, row: &[Datum], env: &dyn Env) -> Error {
    let relation = target.relation();
    let column = target.column(place).map_or("?", |column| &*column.name);
    let message =
        format!("null value in column \"{column}\" of relation \"{}\" violates not-null constraint", relation.name);
    Error::new(SqlState::NOT_NULL_VIOLATION, message)
        .detail(failing_row(relation, row, env))
        .schema(&*target.schema)
        .table(&*relation.name)
        .column(column)
}

/// 23514 of a table, 44000 of a view.
pub(super) fn check(target: &Target, check: &Check, row: &[Datum], env: &dyn Env) -> Error {
    let relation = target.relation();
    let detail = failing_row(relation, row, env);
    match check {
        Check::Constraint(name) => {
            let message = format!("new row for relation \"{}\" violates check constraint \"{name}\"", relation.name);
            Error::new(SqlState::CHECK_VIOLATION, message)
                .detail(detail)
                .schema(&*target.schema)
                .table(&*relation.name)
                .constraint(&**name)
        }
        Check::Policy { table, policy, stage } => {
            let policy = policy.as_ref().map_or_else(String::new, |name| format!(" \"{name}\""));
            let (which, using) = match stage {
                PolicyStage::Insert | PolicyStage::Update => ("new", ""),
                PolicyStage::Conflict => ("new", " (USING expression)"),
                PolicyStage::MergeUpdate | PolicyStage::MergeDelete => ("target", " (USING expression)"),
            };
            let message =
                format!("{which} row violates row-level security policy{policy}{using} for table \"{table}\"");
            Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
        }
        Check::View(name) => {
            let message = format!("new row violates check option for view \"{name}\"");
            Error::new(SqlState::WITH_CHECK_OPTION_VIOLATION, message).detail(detail)
        }
    }
}

/// 23514 of a row that belongs into another partition.
pub(super) fn partition(target: &Target, row: &[Datum], env: &dyn Env) -> Error {
    let relation = target.relation();
    let message = format!("new row for relation \"{}\" violates partition constraint", relation.name);
    Error::new(SqlState::CHECK_VIOLATION, message)
        .detail(failing_row(relation, row, env))
        .schema(&*target.schema)
        .table(&*relation.name)
}

/// `Failing row contains (1, null, abc).`
fn failing_row(relation: &Relation, row: &[Datum], env: &dyn Env) -> String {
    let mut shown = String::from("Failing row contains (");
    let live = relation.columns.iter().zip(row).filter(|(column, _)| !column.dropped);
    for (index, (column, value)) in live.enumerate() {
        if index > 0 {
            shown.push_str(", ");
        }
        let text = value_text(value, column.ty.oid, env);
        match text.char_indices().nth(SHOWN_CHARS) {
            Some((cut, _)) => {
                shown.push_str(&text[..cut]);
                shown.push_str("...");
            }
            None => shown.push_str(&text),
        }
    }
    shown.push_str(").");
    shown
}

/// The text form of a value; `null` for NULL.
pub(crate) fn value_text(value: &Datum, oid: Oid, env: &dyn Env) -> String {
    let mut text = String::new();
    if value.is_null() || text::output(value, oid, env, &mut text).is_err() {
        return "null".into();
    }
    text
}

/// 23505 for a new row that meets a key which is there already.
pub(super) fn unique(target: &Target, storage: Oid, row: &[Datum], cx: &Writer<'_>) -> Error {
    let relation = target.relation();
    let Some(index) = index_of(relation, &cx.cx.catalog, storage) else {
        return Error::internal(format!("unique index {storage} of \"{}\" is not in the catalog", relation.name));
    };
    let message = format!("duplicate key value violates unique constraint \"{}\"", index.name);
    let error = Error::new(SqlState::UNIQUE_VIOLATION, message)
        .schema(&*target.schema)
        .table(&*relation.name)
        .constraint(&*index.name);
    let key = match index.index() {
        Some(info) => key_text(relation, info, row, cx),
        None => Err(Error::internal("not an index")),
    };
    match key {
        Ok(key) => error.detail(format!("Key {key} already exists.")),
        Err(_) => error,
    }
}

/// The key of a stored row in an index, as messages show it.
pub(super) fn key_of(target: &Target, storage: Oid, row: RowId, cx: &Writer<'_>) -> Result<String> {
    let index = index_of(target.relation(), &cx.cx.catalog, storage);
    let info = index.and_then(Relation::index).ok_or_else(|| Error::internal("not an index of the table"))?;
    let read = cx.read_latest(target, row)?;
    let (_, full) = read.ok_or_else(|| Error::internal("a row in conflict is gone"))?;
    key_text(target.relation(), info, &full, cx)
}

/// The index of a table with this storage id.
pub(super) fn index_of<'a>(relation: &Relation, catalog: &'a Catalog, storage: Oid) -> Option<&'a Relation> {
    relation
        .indexes
        .iter()
        .filter_map(|oid| catalog.relation(*oid))
        .find(|index| index.storage == storage)
        .map(|index| &**index)
}

/// `(a, lower(b))=(1, x)`: the key of a row in an index.
fn key_text(relation: &Arc<Relation>, info: &IndexInfo, row: &[Datum], cx: &Writer<'_>) -> Result<String> {
    let env = &*cx.cx.env;
    let (mut names, mut values) = (String::new(), String::new());
    for (position, key) in info.keys.iter().enumerate() {
        let separator = if position > 0 { ", " } else { "" };
        let (name, value) = match &key.target {
            IndexTarget::Column(attnum) => {
                let place = place(*attnum)?;
                let name = relation.column(*attnum).map_or("?", |column| &*column.name);
                (dictdb_types::quote_identifier(name).into_owned(), row.get(place).cloned().unwrap_or(Datum::Null))
            }
            IndexTarget::Expression(text) => (text.to_string(), cx.evaluate(relation, text, TableExpr::IndexKey, row)?),
        };
        let _ = write!(names, "{separator}{name}");
        let _ = write!(values, "{separator}{}", value_text(&value, key.ty.oid, env));
    }
    Ok(format!("({names})=({values})"))
}

/// `(a, b)=(1, x)` as foreign key errors have it: names without quotes.
pub(super) fn columns_text(relation: &Relation, columns: &[i16], values: &[Datum], env: &dyn Env) -> String {
    let columns: Vec<_> = columns.iter().filter_map(|attnum| relation.column(*attnum)).collect();
    let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
    let values: Vec<String> =
        columns.iter().zip(values).map(|(column, value)| value_text(value, column.ty.oid, env)).collect();
    format!("({})=({})", names.join(", "), values.join(", "))
}

/// Likewise the key of a row that is there, in an index that could not be made.
pub(crate) fn key_of_row(
    relation: &Arc<Relation>,
    info: &IndexInfo,
    row: RowId,
    cx: &ExecContext,
    engine: &Arc<Engine>,
) -> Result<String> {
    let events = Events::default();
    let writer = Writer { cx, snapshot: &cx.snapshot, engine, events: &events, rt: None };
    let target = Target::bare(&TableHandle::new(relation, &cx.storage)?, &cx.catalog);
    let row = writer.read_latest(&target, row)?.map(|(_, row)| row).unwrap_or_default();
    key_text(relation, info, &row, &writer)
}
