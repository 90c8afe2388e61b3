//! Expressions that belong to a table: defaults, CHECK conditions, index keys and predicates, generated columns.
//!
//! DDL binds them here once to check them and to get their canonical text; the executor binds index keys to evaluate them.

use std::sync::Arc;

use dictdb_catalog::{ConstraintKind, Relation};
use dictdb_functions::facts;
use dictdb_parser::{Locations, ast};
use dictdb_types::{Error, Oid, Result, SqlState, Type, builtin_types, quote_identifier};

use crate::bind::{BindContext, Binder, Clause, Level, Renaming};
use crate::deparse::{ObjectNames, QueryText};
use crate::expr::{ColumnId, Expr};
use crate::expression_text::{self, Form, NamesOnPath};
use crate::inlining::{Terms, inline_expr};
use crate::logical::{Column, Scan};
use crate::whole_row::WholeRow;

/// What a table's expression is for; decides what it may contain and how errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableExpr {
    /// DEFAULT, coerced to the column's type: no columns.
    Default(Type),
    /// CHECK: boolean.
    Check,
    /// A stored generated column of this type: immutable.
    Generated(Type),
    /// An index key: immutable.
    IndexKey,
    /// An index's WHERE: immutable, boolean.
    IndexPredicate,
    /// An expression of a statistics object.
    Statistics,
    /// Which rows of a table a publication publishes: boolean.
    PublicationRow,
    /// COPY FROM … WHERE: boolean.
    CopyWhere,
    /// ALTER COLUMN … TYPE … USING, coerced to the new type.
    Transform(Type),
}

/// A bound table expression.
pub struct BoundTableExpr {
    /// Over the full row of the table: [`Expr::Input`] is attnum − 1.
    pub expr: Expr,
    /// Canonical text, to store.
    pub text: Arc<str>,
    /// Attnums it mentions, ascending.
    pub columns: Vec<i16>,
    /// Whether it is NULL as it stands, which is no default.
    pub is_null: bool,
    /// `pg_collation.oid`; zero for a type without collations, and where none is agreed on.
    pub collation: Oid,
    /// The functions of users that it calls.
    pub functions: Vec<dictdb_types::Oid>,
    /// The operators of users that it calls, each with its function.
    pub operators: Vec<(dictdb_types::Oid, dictdb_types::Oid)>,
    /// The types of users that it casts to.
    pub types: Vec<dictdb_types::Oid>,
    /// The fields of composite types that it selects: relation of the type and attnum.
    pub fields: Vec<(dictdb_types::Oid, i16)>,
}

impl BoundTableExpr {
    /// What it has of the columns of its table, in the order in which it names them: attnums, and 0 for the whole row.
    pub fn mentions(&self, relation: &Relation) -> Vec<i16> {
        crate::whole_row::mentions_of_full_row(&self.expr, relation)
    }
}

/// A stored expression of a table over the columns of a scan; `None` when the scan does not read all that it needs.
pub(crate) fn over_scan(scan: &Scan, text: &str, purpose: TableExpr, cx: BindContext<'_>) -> Option<Expr> {
    let mut expr = bind_text(text, &scan.relation, purpose, cx).ok()?.expr;
    let mut complete = true;
    expr.rewrite(&mut |e| {
        if let Expr::Input(position, _) = e {
            match scan.columns.iter().find(|(_, attnum)| *attnum as usize == *position + 1) {
                Some((column, _)) => *e = Expr::column(column),
                None => complete = false,
            }
        }
    });
    complete.then_some(expr)
}

/// Binds an expression of the syntax tree over a table.
pub fn bind(
    expr: &ast::Expr,
    locations: &Locations,
    relation: &Arc<Relation>,
    purpose: TableExpr,
    cx: BindContext<'_>,
) -> Result<BoundTableExpr> {
    bind_with(&mut Binder::new(cx, locations, &[], false), expr, relation, purpose, terms_of(purpose), cx)
}

/// On what terms bodies of functions take their calls' places.
fn terms_of(purpose: TableExpr) -> Option<Terms> {
    matches!(purpose, TableExpr::IndexKey | TableExpr::IndexPredicate).then_some(Terms::Checked)
}

/// Binds a stored text. Names in it were settled when it was made; what functions have in their bodies is looked for along the
/// search path.
fn bind_stored(
    text: &str,
    relation: &Arc<Relation>,
    purpose: TableExpr,
    terms: Option<Terms>,
    cx: BindContext<'_>,
) -> Result<BoundTableExpr> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(cx, &locations);
    bind_with(&mut binder, &tree, relation, purpose, terms, cx)
}

/// Binds the expression of an index as a part of a statement: parameters and variables of the statement may be in it.
pub(crate) fn bind_of_statement(
    statement: &mut Binder<'_>,
    expr: &ast::Expr,
    relation: &Arc<Relation>,
    purpose: TableExpr,
) -> Result<Expr> {
    let mut binder = statement.again(&statement.known_params());
    let bound = bind_with(&mut binder, expr, relation, purpose, Some(Terms::Checked), statement.cx)?;
    statement.take_params(&binder);
    Ok(bound.expr)
}

/// Binds an expression with a binder for its names; the rest is done in the context `cx`.
fn bind_with<'a>(
    binder: &mut Binder<'a>,
    expr: &ast::Expr,
    relation: &Arc<Relation>,
    purpose: TableExpr,
    terms: Option<Terms>,
    cx: BindContext<'a>,
) -> Result<BoundTableExpr> {
    let locations = binder.locations;
    let row = binder.returned_columns(relation);
    let names = match purpose {
        TableExpr::Default(_) => Default::default(),
        _ => crate::bind::Names::of_table(binder.row_name(relation, &relation.name, &row)),
    };
    binder.levels.push(Level { names, clause: clause(purpose), ..Level::default() });
    binder.keep_casts = true;
    let value = binder.bind_expr(expr)?;
    let position = locations.leftmost(expr);
    let mut bound = coerce(binder, value.clone(), purpose, position)?;
    binder.cx = cx;
    check_columns(binder, &bound, relation, &row, purpose)?;
    let is_null = is_null(&bound);
    let written = written(binder, value, &bound, purpose)?;
    let text = text_of(binder, &written, &row, Form::Stored)?;
    let (functions, operators) = (binder.user_functions(), binder.user_operators());
    let (types, fields) = (binder.user_types(), binder.fields_used());
    if let Some(terms) = terms {
        put_bodies_in_place(binder, &mut bound, terms)?;
    }
    if terms != Some(Terms::Trusted) {
        check_volatility(&bound, purpose)?;
    }
    let of_column = |attnum: i16| relation.column(attnum).map_or(Oid::INVALID, |column| column.collation);
    if matches!(purpose, TableExpr::PublicationRow) {
        let of_id = |id| row.iter().find(|(column, _)| column.id == id).map_or(Oid::INVALID, |own| of_column(own.1));
        let user_operators = !operators.is_empty();
        crate::row_filter::RowFilter { position, user_operators, collation: &of_id }.check(&bound)?;
    }
    let collations: Vec<_> = row.iter().map(|(column, attnum)| (column.id, of_column(*attnum))).collect();
    let collation = crate::collation::settle_expr(&mut bound, &collations, cx)?;
    // A default that cannot be computed is an error of the statement that uses it.
    let _ = crate::fold::fold(&mut bound, cx.env);
    // As the conditions of statements, which are compared with it.
    crate::negation::push_down(&mut bound, cx);
    let mut columns = Vec::new();
    let mut missing = None;
    bound.rewrite(&mut |e| {
        if let Expr::Column(id, ty) = e {
            match row.iter().find(|(column, _)| column.id == *id) {
                // All that is left of system columns: every row of the table has the same.
                Some((_, attnum)) if *attnum < 0 => {
                    *e = Expr::Const(dictdb_types::Datum::Oid(relation.oid.0), *ty);
                }
                Some((_, attnum)) => {
                    columns.push(*attnum);
                    *e = Expr::Input(*attnum as usize - 1, *ty);
                }
                None => missing = Some(*id),
            }
        }
    });
    if missing.is_some() {
        return Err(Error::internal("a table expression over columns of another table"));
    }
    columns.sort_unstable();
    columns.dedup();
    let text = Arc::from(text);
    Ok(BoundTableExpr { expr: bound, text, columns, is_null, collation, functions, operators, types, fields })
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Const(value, _) if value.is_null())
}

/// Functions in SQL become their bodies: what statements compare with an index has had that done to it, and storage has nobody to run them.
fn put_bodies_in_place(binder: &mut Binder<'_>, bound: &mut Expr, terms: Terms) -> Result<()> {
    if terms == Terms::Trusted {
        // A constant in a body that cannot be computed is an error of the row for which it is needed.
        inline_expr(binder, bound, terms)?;
        let catalog = binder.cx.catalog;
        let runs_statements =
            |oid: Oid| catalog.routine(oid).is_some_and(|routine| routine.language == dictdb_catalog::Language::Sql);
        if bound.any(&mut |part| part.function().is_some_and(runs_statements)) {
            return Err(Error::unsupported("a function in SQL that is not one expression in an index expression"));
        }
        return Ok(());
    }
    // Of a body that cannot be bound whoever calls it hears.
    let mut inlined = bound.clone();
    if inline_expr(binder, &mut inlined, terms).is_ok() {
        *bound = inlined;
    }
    Ok(())
}

/// The expression as its text shows it: the last step, the coercion to the column's type, is implied by the column.
fn written(binder: &mut Binder<'_>, value: Expr, bound: &Expr, purpose: TableExpr) -> Result<Expr> {
    use dictdb_functions::facts::CastContext;
    match purpose {
        TableExpr::Default(ty) | TableExpr::Generated(ty) | TableExpr::Transform(ty) => {
            if value.ty().oid != dictdb_types::oids::UNKNOWN {
                return Ok(value);
            }
            let typed = binder.coerce(value, Type::new(ty.oid), CastContext::Assignment)?;
            Ok(match typed.unwrap_or_else(|| bound.clone()) {
                Expr::ToDomain(value, _) => *value,
                typed => typed,
            })
        }
        TableExpr::Check
        | TableExpr::IndexKey
        | TableExpr::IndexPredicate
        | TableExpr::CopyWhere
        | TableExpr::Statistics
        | TableExpr::PublicationRow => Ok(bound.clone()),
    }
}

/// Binds a stored (canonical) text again.
pub fn bind_text(
    text: &str,
    relation: &Arc<Relation>,
    purpose: TableExpr,
    cx: BindContext<'_>,
) -> Result<BoundTableExpr> {
    bind_stored(text, relation, purpose, terms_of(purpose), cx)
}

/// Binds the stored text of an index's key or predicate for storage, which evaluates it under latches and after a crash, where no
/// session can run a function's statements: functions in SQL give way to their bodies, those in PL/pgSQL have to compute only. 0A000
/// for others.
pub fn bind_for_storage(
    text: &str,
    relation: &Arc<Relation>,
    purpose: TableExpr,
    cx: BindContext<'_>,
) -> Result<BoundTableExpr> {
    bind_stored(text, relation, purpose, Some(Terms::Trusted), cx)
}

/// Binds the CHECK of a domain over its base type: `VALUE` is [`Expr::TestValue`].
pub fn bind_domain_check(
    expr: &ast::Expr,
    locations: &Locations,
    base: Type,
    cx: BindContext<'_>,
) -> Result<BoundTableExpr> {
    let mut binder = Binder::new(cx, locations, &[], false);
    let value = crate::bind::NamedColumn { name: Arc::from("value"), expr: Expr::TestValue(base), source: None };
    let table = crate::bind::TableName::new("", vec![value], dictdb_types::oids::RECORD);
    let names = crate::bind::Names::of_table(table);
    binder.levels.push(Level { names, clause: Clause::Check, ..Level::default() });
    binder.keep_casts = true;
    let bound = binder.bind_expr(expr)?;
    let mut bound = binder.coerce_to_boolean(bound, "CHECK", locations.leftmost(expr))?;
    let text = text_of(&binder, &bound, &[], Form::Stored)?;
    let collation = crate::collation::settle_expr(&mut bound, &[], cx)?;
    crate::fold::fold(&mut bound, cx.env)?;
    let (functions, operators) = (binder.user_functions(), binder.user_operators());
    let (types, fields, text) = (binder.user_types(), binder.fields_used(), Arc::from(text));
    let (columns, is_null) = (Vec::new(), is_null(&bound));
    Ok(BoundTableExpr { expr: bound, text, columns, is_null, collation, functions, operators, types, fields })
}

/// The text of a domain's stored CHECK or default as this search path shows it.
pub fn domain_shown(text: &str, base: Type, pretty: bool, cx: BindContext<'_>) -> Result<String> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(cx, &locations);
    let bound = bind_over_value(&mut binder, &tree, base)?;
    binder.cx = cx;
    text_of(&binder, &bound, &[], Form::Shown { pretty })
}

/// The canonical text of a domain's CHECK or default, or of a parameter's default, after a renaming.
pub fn value_restated(text: &str, base: Type, names: Renaming<'_>) -> Result<Arc<str>> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(names.before, &locations);
    let bound = bind_over_value(&mut binder, &tree, base)?;
    binder.cx = names.after;
    text_of(&binder, &bound, &[], Form::Stored).map(Arc::from)
}

/// Binds an expression in which `VALUE` may stand.
fn bind_over_value(binder: &mut Binder<'_>, tree: &ast::Expr, base: Type) -> Result<Expr> {
    let value = crate::bind::NamedColumn { name: Arc::from("value"), expr: Expr::TestValue(base), source: None };
    let table = crate::bind::TableName::new("", vec![value], dictdb_types::oids::RECORD);
    binder.levels.push(Level { names: crate::bind::Names::of_table(table), ..Level::default() });
    binder.keep_casts = true;
    binder.bind_expr(tree)
}

/// Binds the default of a domain, as a value of its base type; `None` for NULL, which is no default.
pub fn bind_domain_default(
    expr: &ast::Expr,
    locations: &Locations,
    base: Type,
    cx: BindContext<'_>,
) -> Result<Option<Arc<str>>> {
    let mut binder = Binder::new(cx, locations, &[], false);
    binder.levels.push(Level { clause: Clause::ColumnDefault, ..Level::default() });
    binder.keep_casts = true;
    let value = binder.bind_expr(expr)?;
    let position = locations.leftmost(expr);
    let bound = coerce(&mut binder, value.clone(), TableExpr::Default(base), position)?;
    if is_null(&bound) {
        return Ok(None);
    }
    let written = written(&mut binder, value, &bound, TableExpr::Default(base))?;
    text_of(&binder, &written, &[], Form::Stored).map(|text| Some(Arc::from(text)))
}

/// The canonical text of a stored expression over a table, after something in it has got another name.
pub fn restated(
    text: &str,
    old: &Arc<Relation>,
    new: &Relation,
    purpose: TableExpr,
    renaming: Renaming<'_>,
) -> Result<Arc<str>> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(renaming.before, &locations);
    let mut row = binder.returned_columns(old);
    let names = crate::bind::Names::of_table(binder.row_name(old, &old.name, &row));
    binder.levels.push(Level { names, clause: clause(purpose), ..Level::default() });
    binder.keep_casts = true;
    let value = binder.bind_expr(&tree)?;
    let bound = coerce(&mut binder, value.clone(), purpose, None)?;
    let written = written(&mut binder, value, &bound, purpose)?;
    for (column, attnum) in &mut row {
        if let Some(renamed) = new.column(*attnum) {
            column.name = renamed.name.clone();
        }
    }
    binder.cx = renaming.after;
    // The table may have got columns, or lost some.
    let objects = NamesOnPath { cx: binder.cx, stored: true };
    let columns: Vec<_> = new.live_columns().map(|(_, column)| quote_identifier(&column.name)).collect();
    let text = format!("ROW({})::{}", columns.join(", "), objects.type_name(Type::new(new.row_type)));
    let whole = WholeRow { row: &row, row_type: old.row_type, text };
    text_with(&binder, &written, &row, Form::Stored, Some(&whole)).map(Arc::from)
}

/// The text of a stored expression as this search path shows it (`pg_get_expr`); `pretty` spares parentheses.
pub fn shown(text: &str, relation: &Arc<Relation>, pretty: bool, cx: BindContext<'_>) -> Result<String> {
    Ok(shown_and_call(text, relation, pretty, cx)?.0)
}

/// Likewise where a key of an index or of partitions is listed: in parentheses unless it is a call.
pub fn shown_as_key(text: &str, relation: &Arc<Relation>, pretty: bool, cx: BindContext<'_>) -> Result<String> {
    let (shown, is_call) = shown_and_call(text, relation, pretty, cx)?;
    Ok(if is_call { shown } else { format!("({shown})") })
}

/// The text of a stored expression, and whether it is written as a call of a function.
fn shown_and_call(text: &str, relation: &Arc<Relation>, pretty: bool, cx: BindContext<'_>) -> Result<(String, bool)> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(cx, &locations);
    let row = binder.returned_columns(relation);
    let names = crate::bind::Names::of_table(binder.row_name(relation, &relation.name, &row));
    binder.levels.push(Level { names, ..Level::default() });
    binder.keep_casts = true;
    let bound = binder.bind_expr(&tree)?;
    binder.cx = cx;
    let whole = WholeRow::named(relation, &row);
    let text = text_with(&binder, &bound, &row, Form::Shown { pretty }, Some(&whole))?;
    Ok((text, crate::deparse::looks_like_function(&bound)))
}

/// Whether a stored expression names a column.
pub fn mentions(text: &str, column: &str) -> bool {
    use dictdb_parser::LexemeKind;
    let lexemes = dictdb_parser::lexemes(text).map(|(found, _)| found).unwrap_or_default();
    lexemes
        .iter()
        .any(|lexeme| matches!(&lexeme.kind, LexemeKind::Word(word) | LexemeKind::Name(word) if *word == *column))
}

/// The name PostgreSQL gives to an index's column over an expression.
pub fn index_column_name(text: &str) -> Arc<str> {
    let tree = dictdb_parser::parse_expression(text).ok();
    tree.and_then(|tree| crate::bind::expression_name(&tree)).map_or_else(|| Arc::from("expr"), Arc::from)
}

/// The name a column of an expression has, if the expression suggests one.
pub fn expression_name(expr: &ast::Expr) -> Option<String> {
    crate::bind::expression_name(expr)
}

/// The canonical text of an expression over no table.
pub(crate) fn canonical_text(binder: &Binder<'_>, expr: &Expr) -> Result<String> {
    text_of(binder, expr, &[], Form::Stored)
}

fn text_of(binder: &Binder<'_>, expr: &Expr, row: &[(Column, i16)], form: Form) -> Result<String> {
    text_with(binder, expr, row, form, None)
}

fn text_with(
    binder: &Binder<'_>,
    expr: &Expr,
    row: &[(Column, i16)],
    form: Form,
    whole: Option<&WholeRow<'_>>,
) -> Result<String> {
    let column = |id: ColumnId| {
        let (column, _) = row.iter().find(|(column, _)| column.id == id)?;
        Some(quote_identifier(&column.name).into_owned())
    };
    expression_text::text(expr, form, &column, whole.map(|whole| whole as &dyn QueryText), binder.cx)
}

fn clause(purpose: TableExpr) -> Clause {
    match purpose {
        TableExpr::Default(_) => Clause::ColumnDefault,
        TableExpr::Check => Clause::Check,
        TableExpr::Generated(_) => Clause::Generated,
        TableExpr::IndexKey => Clause::IndexExpression,
        TableExpr::IndexPredicate => Clause::IndexPredicate,
        TableExpr::CopyWhere => Clause::CopyWhere,
        TableExpr::Statistics => Clause::Statistics,
        TableExpr::PublicationRow => Clause::PublicationRow,
        TableExpr::Transform(_) => Clause::AlterTransform,
    }
}

fn coerce(binder: &mut Binder<'_>, expr: Expr, purpose: TableExpr, position: Option<u32>) -> Result<Expr> {
    use dictdb_functions::facts::CastContext;
    match purpose {
        TableExpr::Check => binder.coerce_to_boolean(expr, "CHECK", position),
        TableExpr::IndexPredicate | TableExpr::CopyWhere => binder.coerce_to_boolean(expr, "WHERE", position),
        TableExpr::PublicationRow => binder.coerce_to_boolean(expr, "PUBLICATION WHERE", position),
        TableExpr::IndexKey | TableExpr::Statistics => binder.resolve_unknown(expr),
        TableExpr::Default(ty) | TableExpr::Generated(ty) | TableExpr::Transform(ty) => {
            let source = expr.ty();
            binder.coerce(expr, ty, CastContext::Assignment)?.ok_or_else(|| {
                Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "column is of type {} but expression is of type {}",
                        binder.type_name(ty),
                        binder.type_name(source)
                    ),
                )
                .hint("You will need to rewrite or cast the expression.")
                .at(position)
            })
        }
    }
}

/// Which columns an expression may not mention: another generated one, the row as a whole, system columns but `tableoid`.
/// 42P17, 42P10, 0A000.
fn check_columns(
    binder: &Binder<'_>,
    expr: &Expr,
    relation: &Relation,
    row: &[(Column, i16)],
    purpose: TableExpr,
) -> Result<()> {
    let mut mentioned = std::collections::BTreeSet::new();
    crate::columns::expr_columns(expr, &mut mentioned);
    let mut used: Vec<(Option<u32>, &Column, i16)> = row
        .iter()
        .filter(|(column, _)| mentioned.contains(&column.id))
        .map(|(column, attnum)| (binder.first_position(column.id), column, *attnum))
        .collect();
    used.sort_by_key(|(position, ..)| *position);
    let generation = matches!(purpose, TableExpr::Generated(_));
    let whole = |e: &Expr| matches!(e, Expr::Row(_, ty, _) if ty.oid == relation.row_type && ty.oid.is_valid());
    if generation && expr.any(&mut |e| whole(e)) {
        let message = "cannot use whole-row variable in column generation expression";
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
            .detail("This would cause the generated column to depend on its own value.")
            .at(used.first().and_then(|(position, ..)| *position)));
    }
    for (position, column, attnum) in used {
        let name = &column.name;
        let is_generated = relation.column(attnum).is_some_and(|column| column.generated);
        let error = match purpose {
            TableExpr::Generated(_) if is_generated => {
                let message = format!("cannot use generated column \"{name}\" in column generation expression");
                Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
                    .detail("A generated column cannot reference another generated column.")
            }
            TableExpr::CopyWhere if is_generated => Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                "generated columns are not supported in COPY FROM WHERE conditions",
            )
            .detail(format!("Column \"{name}\" is a generated column.")),
            _ if attnum > 0 => continue,
            TableExpr::Generated(_) | TableExpr::Check if &**name == "tableoid" => continue,
            TableExpr::Generated(_) => Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!("cannot use system column \"{name}\" in column generation expression"),
            ),
            TableExpr::Check => Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!("system column \"{name}\" reference in check constraint is invalid"),
            ),
            TableExpr::CopyWhere => Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                "system columns are not supported in COPY FROM WHERE conditions",
            ),
            TableExpr::IndexKey | TableExpr::IndexPredicate => {
                Error::new(SqlState::FEATURE_NOT_SUPPORTED, "index creation on system columns is not supported")
            }
            TableExpr::Statistics => {
                let message = "statistics creation on system columns is not supported";
                Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            }
            TableExpr::PublicationRow => crate::row_filter::invalid("System columns are not allowed."),
            TableExpr::Default(_) | TableExpr::Transform(_) => {
                Error::unsupported(format_args!("the system column \"{name}\" in this place"))
            }
        };
        let positioned = !matches!(purpose, TableExpr::IndexKey | TableExpr::IndexPredicate | TableExpr::CopyWhere);
        return Err(error.at(position.filter(|_| positioned)));
    }
    Ok(())
}

fn check_volatility(expr: &Expr, purpose: TableExpr) -> Result<()> {
    use crate::expr::Volatility;
    let message = match purpose {
        TableExpr::Generated(_) => "generation expression is not immutable",
        TableExpr::IndexKey => "functions in index expression must be marked IMMUTABLE",
        TableExpr::IndexPredicate => "functions in index predicate must be marked IMMUTABLE",
        TableExpr::Default(_)
        | TableExpr::Check
        | TableExpr::PublicationRow
        | TableExpr::CopyWhere
        | TableExpr::Statistics
        | TableExpr::Transform(_) => return Ok(()),
    };
    let mutable = |e: &Expr| matches!(e, Expr::Call(call) if call.function.volatility != Volatility::Immutable);
    if expr.any(&mut |e| mutable(e) && !is_immutable_text(e)) {
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
    }
    Ok(())
}

/// Whether it is `||` of a text and a value of another type whose text never changes. The function behind it is written in
/// SQL: what counts is what that does.
fn is_immutable_text(expr: &Expr) -> bool {
    use crate::expr::Volatility;
    let Expr::Call(call) = expr else { return false };
    let other = match call.function.oid {
        TEXT_ANY_CAT => call.args.get(1),
        ANY_TEXT_CAT => call.args.first(),
        _ => None,
    };
    let output = other.and_then(|other| builtin_types::facts(other.ty().oid)).map(|ty| ty.output);
    let functions = output.into_iter().flat_map(facts::procs_named);
    functions.into_iter().any(|output| output.volatility == Volatility::Immutable)
}

/// `pg_proc.oid` of `textanycat` and `anytextcat`.
const TEXT_ANY_CAT: Oid = Oid(2003);
const ANY_TEXT_CAT: Oid = Oid(2004);

/// Whether the valid CHECK constraints of a table say already what a condition does.
pub fn is_implied(expr: &ast::Expr, table: &Arc<Relation>, cx: BindContext<'_>) -> Result<bool> {
    let wanted = bind(expr, &Locations::default(), table, TableExpr::Check, cx)?;
    for own in table.constraints.iter().filter(|own| own.validated) {
        let ConstraintKind::Check { expression, .. } = &own.kind else { continue };
        if crate::implication::implies(&bind_text(expression, table, TableExpr::Check, cx)?.expr, &wanted.expr, cx) {
            return Ok(true);
        }
    }
    Ok(false)
}
