//! What a violated constraint answers: PostgreSQL's messages, details and fields.

use std::fmt::Write as _;
use std::sync::Arc;

use dictdb_catalog::{AclKind, Catalog, IndexInfo, IndexTarget, Privileges, Relation};
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
pub(super) fn not_null(target: &Target, place: usize, row: &[Datum], cx: &ExecContext) -> Error {
    let column = target.column(place).map_or("?", |column| &*column.name);
    null_in((target.relation(), &*target.schema), column, RowShape::of(target), row, cx)
}

/// 23502 of a row that is shown so.
pub(super) fn null_in(
    (relation, schema): (&Relation, &str),
    column: &str,
    shown: RowShape<'_>,
    row: &[Datum],
    cx: &ExecContext,
) -> Error {
    let message =
        format!("null value in column \"{column}\" of relation \"{}\" violates not-null constraint", relation.name);
    row_of(Error::new(SqlState::NOT_NULL_VIOLATION, message), shown, row, cx)
        .schema(schema)
        .table(&*relation.name)
        .column(column)
}

/// 23514 of a table, 44000 of a view.
pub(super) fn check(target: &Target, check: &Check, row: &[Datum], cx: &ExecContext) -> Error {
    let relation = target.relation();
    match check {
        Check::Constraint(name) => {
            let message = format!("new row for relation \"{}\" violates check constraint \"{name}\"", relation.name);
            with_row(Error::new(SqlState::CHECK_VIOLATION, message), target, row, cx)
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
        Check::View(name) => view_check(name, RowShape::of(target), row, cx),
    }
}

/// 44000 of a row that a view with a check option would not show.
pub(super) fn view_check(view: &str, shown: RowShape<'_>, row: &[Datum], cx: &ExecContext) -> Error {
    let message = format!("new row violates check option for view \"{view}\"");
    row_of(Error::new(SqlState::WITH_CHECK_OPTION_VIOLATION, message), shown, row, cx)
}

/// 23514 of a row that belongs into another partition.
pub(super) fn partition(
    (relation, schema): (&Relation, &str),
    shown: RowShape<'_>,
    row: &[Datum],
    cx: &ExecContext,
) -> Error {
    let message = format!("new row for relation \"{}\" violates partition constraint", relation.name);
    row_of(Error::new(SqlState::CHECK_VIOLATION, message), shown, row, cx).schema(schema).table(&*relation.name)
}

/// Whether the role may be shown what some columns of a table have; an expression only if it may see them all.
pub(super) fn may_show(relation: &Relation, mut columns: impl Iterator<Item = Option<i16>>, cx: &ExecContext) -> bool {
    match shown_to(cx, relation, &[]) {
        Shown::All => true,
        Shown::Columns(readable) => columns.all(|column| column.is_some_and(|attnum| readable.contains(&attnum))),
        Shown::Nothing => false,
    }
}

/// What the role may be shown of a row of a table.
enum Shown {
    All,
    /// Columns by attnum.
    Columns(Vec<i16>),
    Nothing,
}

/// `given` are the columns that the statement itself gives values to.
fn shown_to(cx: &ExecContext, relation: &Relation, given: &[i16]) -> Shown {
    let (catalog, role) = (&cx.catalog, cx.session.role());
    if catalog.is_secured(relation, role) {
        return Shown::Nothing;
    }
    let may_read = |kind, acl: Option<&[Arc<str>]>| {
        catalog.held_privileges(role, kind, relation.owner, acl).privileges.contains(Privileges::SELECT)
    };
    if may_read(AclKind::Table, relation.acl.as_deref()) {
        return Shown::All;
    }
    let readable = relation
        .live_columns()
        .filter(|(attnum, column)| given.contains(attnum) || may_read(AclKind::Column, column.acl.as_deref()));
    let columns: Vec<i16> = readable.map(|(attnum, _)| attnum).collect();
    if columns.is_empty() { Shown::Nothing } else { Shown::Columns(columns) }
}

/// The error with a detail: `Failing row contains (1, null, abc).`, or what of it the role may see
/// (`ExecBuildSlotValueDescription`).
fn with_row(error: Error, target: &Target, row: &[Datum], cx: &ExecContext) -> Error {
    row_of(error, RowShape::of(target), row, cx)
}

/// As which table's a row is shown: the one that the statement names, with its privileges.
pub(super) struct RowShape<'a> {
    pub(super) relation: &'a Relation,
    /// The columns that the statement gives values to.
    pub(super) given: &'a [i16],
    /// The places of the row in that table's order, where they are not the same.
    pub(super) order: Option<&'a [usize]>,
}

impl<'a> RowShape<'a> {
    pub(super) fn of(target: &'a Target) -> Self {
        let relation = target.named.as_deref().unwrap_or(target.relation());
        RowShape { relation, given: &target.given, order: target.order.as_deref() }
    }
}

/// Likewise.
fn row_of(error: Error, RowShape { relation, given, order }: RowShape<'_>, row: &[Datum], cx: &ExecContext) -> Error {
    let env = &*cx.env;
    let value = |attnum: i16| {
        let place = attnum as usize - 1;
        row.get(order.map_or(Some(place), |order| order.get(place).copied())?)
    };
    let values = |visible: &dyn Fn(i16) -> bool| {
        let live = relation.live_columns().filter(|(attnum, _)| visible(*attnum));
        let texts = live.filter_map(|(attnum, column)| Some((column, value(attnum)?)));
        texts.map(|(column, value)| shortened(value_text(value, column.ty.oid, env))).collect::<Vec<_>>().join(", ")
    };
    match shown_to(cx, relation, given) {
        Shown::Nothing => error,
        Shown::All => error.detail(format!("Failing row contains ({}).", values(&|_| true))),
        Shown::Columns(columns) => {
            let names = columns.iter().filter_map(|attnum| relation.column(*attnum)).map(|column| &*column.name);
            let names = names.collect::<Vec<_>>().join(", ");
            error.detail(format!("Failing row contains ({names}) = ({}).", values(&|attnum| columns.contains(&attnum))))
        }
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text,
    }
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
        Some(info) if is_key_shown(relation, info, cx.cx) => key_text(relation, info, row, cx),
        Some(_) => return error,
        None => Err(Error::internal("not an index")),
    };
    match key {
        Ok(key) => error.detail(format!("Key {key} already exists.")),
        Err(_) => error,
    }
}

/// Whether the role may see the key of a row: it may read the table, or every column of the key.
fn is_key_shown(relation: &Relation, info: &IndexInfo, cx: &ExecContext) -> bool {
    match shown_to(cx, relation, &[]) {
        Shown::All => true,
        Shown::Nothing => false,
        Shown::Columns(columns) => info.keys.iter().all(|key| match &key.target {
            IndexTarget::Column(attnum) => columns.contains(attnum),
            IndexTarget::Expression(_) => false,
        }),
    }
}

/// `Key (a)=(1)` of columns of a table, `Key` alone where the role may not read them (`ri_ReportViolation`).
pub(super) fn shown_key(relation: &Relation, columns: &[i16], values: &[Datum], cx: &ExecContext) -> String {
    let readable = match shown_to(cx, relation, &[]) {
        Shown::All => true,
        Shown::Nothing => false,
        Shown::Columns(known) => columns.iter().all(|attnum| known.contains(attnum)),
    };
    match readable {
        true => format!("Key {}", columns_text(relation, columns, values, &*cx.env)),
        false => "Key".to_owned(),
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
            IndexTarget::Expression(text) => {
                (cx.shown_key(relation, text)?, cx.evaluate(relation, text, TableExpr::IndexKey, row)?)
            }
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
