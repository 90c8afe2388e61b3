//! The WHEN condition of a trigger: an expression over the row before and the row afterwards.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_parser::{Locations, ast};
use dictdb_types::{Datum, Error, Result, SqlState, oids, quote_identifier};

use crate::bind::{BindContext, Binder, Clause, Level, Names, Renaming};
use crate::deparse::QueryText;
use crate::expr::{ColumnId, Expr, Sublink};
use crate::expression_text::{self, Form};
use crate::logical::Column;
use crate::table_expr::BoundTableExpr;

/// What a condition may name.
#[derive(Clone, Copy, Debug)]
pub struct TriggerScope {
    /// `old`.
    pub old: bool,
    /// `new`.
    pub new: bool,
    /// It is a row trigger.
    pub row: bool,
    /// It is a BEFORE trigger.
    pub before: bool,
}

/// The columns of the two rows.
struct Rows {
    old: Vec<(Column, i16)>,
    new: Vec<(Column, i16)>,
}

impl Rows {
    /// Makes the names `old` and `new` of a relation visible to a binder.
    fn enter(relation: &Arc<Relation>, binder: &mut Binder<'_>) -> Rows {
        let rows = Rows { old: binder.returned_columns(relation), new: binder.returned_columns(relation) };
        let mut tables = vec![binder.row_name(relation, "old", &rows.old), binder.row_name(relation, "new", &rows.new)];
        tables.iter_mut().for_each(|table| table.schema = None);
        let columns = tables.iter().flat_map(|table| table.columns.clone()).collect();
        let names = Names { tables, columns };
        let entered = names.tables.clone();
        binder.levels.push(Level { names, clause: Clause::TriggerWhen, ..Level::default() });
        entered.iter().for_each(|table| binder.enter(table, None));
        binder.keep_casts = true;
        rows
    }

    /// Whether a column is of the new row, and its attnum.
    fn find(&self, id: ColumnId) -> Option<(bool, i16)> {
        let of = |row: &[(Column, i16)]| row.iter().find(|(column, _)| column.id == id).map(|(_, attnum)| *attnum);
        of(&self.old).map(|attnum| (false, attnum)).or_else(|| of(&self.new).map(|attnum| (true, attnum)))
    }

    /// The text of a condition, its columns named as `relation` names them: to be stored, or as a search path shows it.
    fn text(&self, bound: &Expr, relation: &Relation, form: Form, cx: BindContext<'_>) -> Result<String> {
        let column = |id: ColumnId| {
            let (is_new, attnum) = self.find(id)?;
            let name = match system_column(attnum) {
                Some(name) => name.to_owned(),
                None => quote_identifier(&relation.column(attnum)?.name).into_owned(),
            };
            Some(format!("{}.{name}", quote_identifier(if is_new { "new" } else { "old" })))
        };
        expression_text::text(bound, form, &column, Some(self), cx)
    }
}

impl QueryText for Rows {
    /// A whole row is shown as such.
    fn named(&self, expr: &Expr, out: &mut String) -> Result<bool> {
        // That a row becomes a record goes without saying.
        let expr = match expr {
            Expr::Relabel(inner, ty) if ty.oid == oids::RECORD => inner,
            other => other,
        };
        let Expr::Row(items, _, _) = expr else { return Ok(false) };
        let is_row = |row: &[(Column, i16)]| {
            let same =
                |(item, (column, _)): (&Expr, &(Column, i16))| matches!(item, Expr::Column(id, _) if *id == column.id);
            let own = row.iter().filter(|(_, attnum)| *attnum > 0).count();
            items.len() == own && items.iter().zip(row).all(same)
        };
        let shown = if is_row(&self.old) { "old.*" } else { "new.*" };
        let found = is_row(&self.old) || is_row(&self.new);
        if found {
            out.push_str(shown);
        }
        Ok(found)
    }

    fn sublink(&self, _: &Sublink, _: &mut String) -> Result<()> {
        Err(Error::unsupported("subqueries in a trigger's condition"))
    }
}

/// Binds a condition over the row `old` and the row `new`, in this order: [`Expr::Input`] counts through both. 42P17 for a
/// row that the trigger has not.
pub fn bind_when(
    expr: &ast::Expr,
    locations: &Locations,
    relation: &Arc<Relation>,
    scope: TriggerScope,
    cx: BindContext<'_>,
) -> Result<BoundTableExpr> {
    let mut binder = Binder::new(cx, locations, &[], false);
    let rows = Rows::enter(relation, &mut binder);
    let value = binder.bind_expr(expr)?;
    let bound = binder.coerce_to_boolean(value, "WHEN", locations.leftmost(expr))?;
    check_columns(&bound, &rows, relation, scope, &binder)?;
    let text = rows.text(&bound, relation, Form::Stored, cx)?;
    let (functions, types) = (binder.user_functions(), binder.user_types());
    Ok(BoundTableExpr { functions, types, ..finish(bound, text, &rows, relation, cx)? })
}

/// Binds the stored text of a condition again.
pub fn bind_when_text(text: &str, relation: &Arc<Relation>, cx: BindContext<'_>) -> Result<BoundTableExpr> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(cx, &locations);
    let rows = Rows::enter(relation, &mut binder);
    let value = binder.bind_expr(&tree)?;
    let bound = binder.coerce_to_boolean(value, "WHEN", None)?;
    finish(bound, text.to_owned(), &rows, relation, cx)
}

/// The stored text of a condition as this search path shows it; `pretty` spares parentheses.
pub fn when_shown(text: &str, relation: &Arc<Relation>, pretty: bool, cx: BindContext<'_>) -> Result<String> {
    written_again(text, relation, relation, Form::Shown { pretty }, Renaming { before: cx, after: cx })
}

/// The stored text of a condition over a table whose columns have got other names since.
pub fn when_restated(text: &str, old: &Arc<Relation>, new: &Relation, names: Renaming<'_>) -> Result<Arc<str>> {
    written_again(text, old, new, Form::Stored, names).map(Arc::from)
}

/// Binds a text over one version of a table and writes it over another.
fn written_again(text: &str, old: &Arc<Relation>, new: &Relation, form: Form, names: Renaming<'_>) -> Result<String> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(names.before, &locations);
    let rows = Rows::enter(old, &mut binder);
    let value = binder.bind_expr(&tree)?;
    let bound = binder.coerce_to_boolean(value, "WHEN", None)?;
    rows.text(&bound, new, form, names.after)
}

/// Folds constants and turns columns into positions.
fn finish(
    mut bound: Expr,
    text: String,
    rows: &Rows,
    relation: &Relation,
    cx: BindContext<'_>,
) -> Result<BoundTableExpr> {
    let width = relation.columns.len();
    let mut columns = Vec::new();
    let of_column = |attnum: i16| relation.column(attnum).map_or(dictdb_types::Oid::INVALID, |column| column.collation);
    let both = rows.old.iter().chain(&rows.new);
    let collations: Vec<_> = both.map(|(column, attnum)| (column.id, of_column(*attnum))).collect();
    let collation = crate::collation::settle_expr(&mut bound, &collations, cx)?;
    // A condition that cannot be computed is an error of the statement that fires the trigger.
    let _ = crate::fold::fold(&mut bound, cx.env);
    bound.rewrite(&mut |e| {
        let Expr::Column(id, ty) = e else { return };
        let Some((is_new, attnum)) = rows.find(*id) else { return };
        if attnum < 0 {
            // What is not refused is the table.
            *e = Expr::Const(Datum::Oid(relation.oid.0), *ty);
            return;
        }
        columns.push(attnum);
        *e = Expr::Input(attnum as usize - 1 + if is_new { width } else { 0 }, *ty);
    });
    columns.sort_unstable();
    columns.dedup();
    let (functions, operators, types, fields) = Default::default();
    let is_null = false;
    let text = Arc::from(text);
    Ok(BoundTableExpr { expr: bound, text, columns, is_null, collation, functions, operators, types, fields })
}

/// 42P17 for a column of a row that the trigger has not, or that is not computed yet.
fn check_columns(
    bound: &Expr,
    rows: &Rows,
    relation: &Relation,
    scope: TriggerScope,
    binder: &Binder<'_>,
) -> Result<()> {
    let mut found = Ok(());
    bound.visit(&mut |e| {
        let Expr::Column(id, _) = e else { return };
        if found.is_ok() {
            let position = binder.first_position(*id);
            found = match rows.find(*id) {
                Some((is_new, attnum)) if attnum < 0 => {
                    check_system_column(is_new, attnum, scope).map_err(|error| error.at(position))
                }
                Some((is_new, attnum)) => {
                    let column = relation.column(attnum).filter(|column| column.generated);
                    let generated = column.map(|column| (&*column.name, position.is_none()));
                    check_column(is_new, generated, scope).map_err(|error| error.at(position))
                }
                None => Ok(()),
            };
        }
    });
    found
}

/// A system column of a row that the trigger has: 0A000 for all but `tableoid`.
fn check_system_column(is_new: bool, attnum: i16, scope: TriggerScope) -> Result<()> {
    check_column(is_new, None, scope)?;
    if is_new && scope.before {
        let message = "BEFORE trigger's WHEN condition cannot reference NEW system columns";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    match system_column(attnum) {
        Some("tableoid") => Ok(()),
        name => {
            let name = name.unwrap_or_default();
            Err(Error::unsupported(format_args!("the system column {name} in a trigger's WHEN condition")))
        }
    }
}

fn system_column(attnum: i16) -> Option<&'static str> {
    dictdb_catalog::system_column_name(attnum)
}

/// One column; of a generated one its name, and whether it was met as a part of the whole row.
fn check_column(is_new: bool, generated: Option<(&str, bool)>, scope: TriggerScope) -> Result<()> {
    let invalid = |message: &str| Error::new(SqlState::INVALID_OBJECT_DEFINITION, message.to_owned());
    if !scope.row {
        return Err(invalid("statement trigger's WHEN condition cannot reference column values"));
    }
    match (is_new, generated) {
        (false, _) if !scope.old => Err(invalid("INSERT trigger's WHEN condition cannot reference OLD values")),
        (true, _) if !scope.new => Err(invalid("DELETE trigger's WHEN condition cannot reference NEW values")),
        (true, Some((name, whole_row))) if scope.before => {
            let error = invalid("BEFORE trigger's WHEN condition cannot reference NEW generated columns");
            Err(match whole_row {
                true => error.detail("A whole-row reference is used and the table contains generated columns."),
                false => error.detail(format!("Column \"{name}\" is a generated column.")),
            })
        }
        _ => Ok(()),
    }
}
