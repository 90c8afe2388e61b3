//! `tablefunc`: rows of a query as the columns of other rows (`crosstab`), trees of keys and parents' keys (`connectby`).
//!
//! Both run statements that the caller gives as text, and make rows of the type the caller expects.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_types::{Datum, Env, Error, Record, Result, SqlState, Type, TypeKind, oids, quote_literal, text};

use crate::Session;
use crate::portal::Outcome;
use crate::prepared::Source;

/// Set-returning functions by symbol.
pub(crate) const SETS: &[(&str, SetFn)] = &[
    ("crosstab", crosstab),
    ("crosstab_hash", crosstab_by_category),
    ("connectby_text", |cx, args| connect_by(cx, args, false)),
    ("connectby_text_serial", |cx, args| connect_by(cx, args, true)),
];

/// Whether the function of an extension with this symbol runs queries, in a session that must be lent for that.
pub(crate) fn runs_queries(symbol: &str) -> bool {
    SETS.iter().any(|(own, _)| *own == symbol)
}

/// Depth beyond which a tree is taken to be endless.
const MAX_DEPTH: usize = 10_000;

/// What a query gave.
struct Table {
    types: Vec<Type>,
    rows: Vec<Vec<Datum>>,
}

/// The types of the columns of the rows that the caller expects. 0A000, 42804.
fn expected(cx: &CallContext<'_>) -> Result<Vec<Type>> {
    if !cx.columns.is_empty() {
        return Ok(cx.columns.iter().map(|field| field.ty).collect());
    }
    match cx.env.type_info(cx.result.oid).as_deref().map(|info| &info.kind) {
        Some(TypeKind::Composite(fields)) => Ok(fields.iter().map(|field| field.ty).collect()),
        _ if cx.result.oid == oids::RECORD => {
            let message = "function returning record called in context that cannot accept type record";
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
        _ => Err(Error::new(SqlState::DATATYPE_MISMATCH, "return type must be a row type")),
    }
}

fn records(cx: &CallContext<'_>, types: &[Type], rows: Vec<Vec<Datum>>) -> Rows {
    let ty = if cx.columns.is_empty() { cx.result.oid } else { oids::RECORD };
    let types: Arc<[_]> = types.iter().map(|ty| ty.oid).collect();
    let record = move |fields| Ok(Datum::Record(Arc::new(Record { ty, types: types.to_vec(), fields, names: None })));
    Box::new(rows.into_iter().map(record))
}

fn text_argument(args: &[Datum], index: usize) -> Result<&str> {
    match args.get(index) {
        Some(Datum::Text(text)) => Ok(text),
        _ => Err(Error::internal("an argument of tablefunc that is no text")),
    }
}

fn table(cx: &CallContext<'_>, query: &str) -> Result<Option<Table>> {
    super::session(cx)?.shared.in_session(|session| session.table_of(query))
}

fn wrong_return_type(detail: impl Into<String>) -> Error {
    Error::new(SqlState::DATATYPE_MISMATCH, "invalid return type").detail(detail)
}

/// A value as its text, NULL as nothing.
fn shown(value: &Datum, ty: Type, env: &dyn Env) -> Result<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    let mut out = String::new();
    text::output(value, ty.oid, env, &mut out)?;
    Ok(Some(out))
}

/// A text as a value of a type.
fn read(value: Option<&str>, ty: Type, env: &dyn Env) -> Result<Datum> {
    value.map_or(Ok(Datum::Null), |value| text::input(value, ty, env))
}

/// `crosstab(text)`: values of rows with one name become a row, from left to right.
fn crosstab(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let types = expected(cx)?;
    let found = table(cx, text_argument(args, 0)?)?.filter(|found| !found.rows.is_empty());
    let Some(found) = found else { return Ok(Box::new(std::iter::empty())) };
    if found.types.len() != 3 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid source data SQL statement")
            .detail("The provided SQL must return 3 columns: rowid, category, and values."));
    }
    let incompatible = || Error::new(SqlState::SYNTAX_ERROR, "return and sql tuple descriptions are incompatible");
    let [first, others @ ..] = types.as_slice() else { return Err(incompatible()) };
    if others.is_empty() {
        return Err(incompatible());
    }
    if first.oid != found.types[0].oid {
        return Err(wrong_return_type("SQL rowid datatype does not match return rowid datatype."));
    }
    if others.iter().any(|ty| ty.oid != found.types[2].oid) {
        return Err(incompatible());
    }
    let mut rows: Vec<Vec<Datum>> = Vec::new();
    let mut last: Option<Option<String>> = None;
    for row in found.rows {
        let [name, _, value] = <[Datum; 3]>::try_from(row).map_err(|_| Error::internal("a row of other columns"))?;
        let written = shown(&name, found.types[0], cx.env)?;
        let continues = last.as_ref() == Some(&written);
        match rows.last_mut().filter(|_| continues) {
            Some(row) if row.len() < types.len() => row.push(value),
            Some(_) => {}
            None => rows.push(vec![name, value]),
        }
        last = Some(written);
    }
    rows.iter_mut().for_each(|row| row.resize(types.len(), Datum::Null));
    Ok(records(cx, &types, rows))
}

/// `crosstab(text, text)`: values go to the columns of their categories, which the second query names.
fn crosstab_by_category(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let types = expected(cx)?;
    let syntax = |message: &str| Error::new(SqlState::SYNTAX_ERROR, message);
    if types.len() < 2 {
        return Err(syntax("query-specified return tuple and crosstab function are not compatible"));
    }
    let one_column = || syntax("provided \"categories\" SQL must return 1 column of at least one row");
    let categories = categories(cx, text_argument(args, 1)?, &one_column)?;
    let found = table(cx, text_argument(args, 0)?)?.filter(|found| !found.rows.is_empty());
    let Some(found) = found else { return Ok(Box::new(std::iter::empty())) };
    if categories.is_empty() {
        return Err(one_column());
    }
    let count = found.types.len();
    if count < 3 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid source data SQL statement")
            .detail("The provided SQL must return 3  columns; rowid, category, and values."));
    }
    let width = count - 2 + categories.len();
    if types.len() != width {
        let detail = format!("Query-specified return tuple has {} columns but crosstab returns {width}.", types.len());
        return Err(syntax("invalid return type").detail(detail));
    }
    let convert = |value: &Datum, from: Type, to: Type| -> Result<Datum> {
        match from.oid == to.oid {
            true => Ok(value.clone()),
            false => read(shown(value, from, cx.env)?.as_deref(), to, cx.env),
        }
    };
    let mut rows: Vec<Vec<Datum>> = Vec::new();
    let mut last: Option<Option<String>> = None;
    for row in &found.rows {
        let written = shown(&row[0], found.types[0], cx.env)?;
        if last.as_ref() != Some(&written) {
            let mut new = vec![Datum::Null; width];
            for (index, place) in new.iter_mut().enumerate().take(count - 2) {
                *place = convert(&row[index], found.types[index], types[index])?;
            }
            rows.push(new);
        }
        let category = shown(&row[count - 2], found.types[count - 2], cx.env)?;
        let column = category.and_then(|category| categories.get(&category));
        if let (Some(column), Some(new)) = (column, rows.last_mut()) {
            let place = count - 2 + column;
            new[place] = convert(&row[count - 1], found.types[count - 1], types[place])?;
        }
        last = Some(written);
    }
    Ok(records(cx, &types, rows))
}

/// The columns of categories. 42601.
fn categories(cx: &CallContext<'_>, query: &str, one_column: &dyn Fn() -> Error) -> Result<HashMap<String, usize>> {
    let Some(found) = table(cx, query)?.filter(|found| !found.rows.is_empty()) else { return Ok(HashMap::new()) };
    if found.types.len() != 1 {
        return Err(one_column());
    }
    let mut categories = HashMap::new();
    for (index, row) in found.rows.iter().enumerate() {
        let name = shown(&row[0], found.types[0], cx.env)?.ok_or_else(|| {
            Error::new(SqlState::SYNTAX_ERROR, "provided \"categories\" SQL must not return NULL values")
        })?;
        if categories.insert(name, index).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, "duplicate category name"));
        }
    }
    Ok(categories)
}

/// A tree of keys, as far as it was walked.
struct Walk<'a> {
    cx: &'a CallContext<'a>,
    types: Vec<Type>,
    /// Key, parent's key, table, order: as they stand in the statement.
    key: &'a str,
    parent: &'a str,
    relation: &'a str,
    order: Option<&'a str>,
    delimiter: &'a str,
    shows_branch: bool,
    max_depth: i32,
    serial: i32,
    rows: Vec<Vec<Datum>>,
}

/// `connectby`: a key, those whose parent it is, those whose parents they are, and so on.
fn connect_by(cx: &CallContext<'_>, args: &[Datum], ordered: bool) -> Result<Rows> {
    let types = expected(cx)?;
    let at = usize::from(ordered);
    let shows_branch = args.len() > 5 + at;
    check_tree_columns(&types, shows_branch, ordered)?;
    let Some(Datum::Int4(max_depth)) = args.get(4 + at) else {
        return Err(Error::internal("a depth of connectby that is no integer"));
    };
    let mut walk = Walk {
        cx,
        types,
        relation: text_argument(args, 0)?,
        key: text_argument(args, 1)?,
        parent: text_argument(args, 2)?,
        order: ordered.then(|| text_argument(args, 3)).transpose()?,
        delimiter: if shows_branch { text_argument(args, 5 + at)? } else { "~" },
        shows_branch,
        max_depth: *max_depth,
        serial: 0,
        rows: Vec::new(),
    };
    let start = text_argument(args, 3 + at)?;
    walk.add(Some(start), None, 0, start)?;
    walk.descend(start, start, 1)?;
    let (types, rows) = (walk.types, walk.rows);
    Ok(records(cx, &types, rows))
}

/// 42804 unless rows of a tree can have these columns.
fn check_tree_columns(types: &[Type], shows_branch: bool, ordered: bool) -> Result<()> {
    if types.len() != 3 + usize::from(shows_branch) + usize::from(ordered) {
        return Err(wrong_return_type("Query-specified return tuple has wrong number of columns."));
    }
    if types[0].oid != types[1].oid {
        return Err(wrong_return_type("First two columns must be the same type."));
    }
    if types[2].oid != oids::INT4 {
        return Err(wrong_return_type("Third column must be type integer."));
    }
    if shows_branch && types[3].oid != oids::TEXT {
        return Err(wrong_return_type("Fourth column must be type text."));
    }
    let (place, word) = if shows_branch { (4, "fifth") } else { (3, "fourth") };
    if ordered && types[place].oid != oids::INT4 {
        let message =
            format!("query-specified return tuple not valid for Connectby: {word} column must be type integer");
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
    }
    Ok(())
}

impl Walk<'_> {
    fn add(&mut self, key: Option<&str>, parent: Option<&str>, level: i32, branch: &str) -> Result<()> {
        let env = self.cx.env;
        let mut row = vec![read(key, self.types[0], env)?, read(parent, self.types[1], env)?, Datum::Int4(level)];
        if self.shows_branch {
            row.push(Datum::text(branch));
        }
        if self.order.is_some() {
            self.serial += 1;
            row.push(Datum::Int4(self.serial));
        }
        self.rows.push(row);
        Ok(())
    }

    /// Adds those below a key. 42P19 for a key that is its own ancestor.
    fn descend(&mut self, key: &str, branch: &str, level: i32) -> Result<()> {
        if self.max_depth > 0 && level > self.max_depth {
            return Ok(());
        }
        if level as usize > MAX_DEPTH {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let (own, parent) = (self.key, self.parent);
        let mut query = format!(
            "SELECT {own}, {parent} FROM {} WHERE {parent} = {} AND {own} IS NOT NULL AND {own} <> {parent}",
            self.relation,
            quote_literal(key)
        );
        if let Some(order) = self.order {
            query += &format!(" ORDER BY {order}");
        }
        let Some(found) = table(self.cx, &query)?.filter(|found| !found.rows.is_empty()) else { return Ok(()) };
        self.check_columns(&found.types)?;
        let around = |text: &str| format!("{0}{text}{0}", self.delimiter);
        let ancestors = around(branch);
        for row in &found.rows {
            let (child, parent) =
                (shown(&row[0], found.types[0], self.cx.env)?, shown(&row[1], found.types[1], self.cx.env)?);
            let Some(child) = child else { continue };
            if ancestors.contains(&format!("{0}{child}{0}", self.delimiter)) {
                return Err(Error::new(SqlState::INVALID_RECURSION, "infinite recursion detected"));
            }
            let longer = format!("{branch}{}{child}", self.delimiter);
            self.add(Some(&child), parent.as_deref(), level, &longer)?;
            self.descend(&child, &longer, level + 1)?;
        }
        Ok(())
    }

    /// 42804 unless keys are of the types that the caller expects.
    fn check_columns(&self, found: &[Type]) -> Result<()> {
        if found.len() < 2 {
            return Err(wrong_return_type("Query must return at least two columns."));
        }
        for (index, noun) in ["key", "parent key"].into_iter().enumerate() {
            let (wanted, own) = (self.types[index], found[index]);
            if wanted.oid != own.oid || wanted.typmod >= 0 && wanted.typmod != own.typmod {
                let name = |ty: Type| dictdb_types::type_name_with_modifier(self.cx.env, ty, &|_| None);
                return Err(wrong_return_type(format!(
                    "SQL {noun} field type {} does not match return {noun} field type {}.",
                    name(wanted),
                    name(own)
                )));
            }
        }
        Ok(())
    }
}

impl Session {
    /// The rows of a query; `None` for a statement that returns none.
    fn table_of(&mut self, query: &str) -> Result<Option<Table>> {
        let source = Arc::new(Source::parse(query).map_err(|error| super::about_text(error, query))?);
        let outcome = self.execute_source(&source, &Arc::default(), None);
        let outcome = outcome.map_err(|error| super::about_text(error, query))?;
        let Outcome::Rows { columns, source, .. } = outcome else { return Ok(None) };
        let types = columns.iter().map(|column| column.ty).collect();
        let rows = self.all_rows(source)?;
        Ok(Some(Table { types, rows }))
    }
}
