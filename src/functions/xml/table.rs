//! The rows of `XMLTABLE`.

use dictdb_types::{Array, Datum, Error, Record, Result, SqlState, Type, oids, text};
use dictdb_xml::declaration::output;
use dictdb_xml::escape;
use dictdb_xml::tree::Document;
use dictdb_xml::xpath::{Expr, Node, Value, number};

use super::construct::names;
use super::find::{Namespaces, compile, evaluate, node_to_xml, parse};
use crate::CallContext;
use crate::args::arg;
use crate::set_returning::Rows;

/// Where the arguments of [`super::TABLE`] stand.
const PREFIXES: usize = 1;
const DOCUMENT: usize = 2;
const ROW_PATH: usize = 3;
const FIRST_URI: usize = 4;

/// A column: none has a path that is the number of the row.
struct Column {
    ty: Type,
    path: Option<Expr>,
}

pub(super) fn rows(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    if matches!(args.get(DOCUMENT), None | Some(Datum::Null)) {
        return Ok(Box::new(std::iter::empty()));
    }
    let document = parse(&output(arg(args, DOCUMENT)?, None), cx.env)?;
    let prefixes: &Array = arg(args, PREFIXES)?;
    let namespaces = namespaces(prefixes, &args[FIRST_URI..])?;
    let path = filter(args.get(ROW_PATH), "row", || None)?;
    let columns = columns(cx, args, FIRST_URI + prefixes.items.len())?;
    let found = evaluate(&document, &namespaces, &path, Node::Tree(document.root()), cx.env)?;
    let Value::Nodes(nodes) = found else { return Ok(Box::new(std::iter::empty())) };
    let types: Vec<_> = columns.iter().map(|column| column.ty.oid).collect();
    let mut rows = Vec::with_capacity(nodes.len());
    for (number, node) in (1..).zip(nodes) {
        let value = |column: &Column| match &column.path {
            None => Ok(Datum::Int4(number)),
            Some(path) => {
                let value = evaluate(&document, &namespaces, path, node, cx.env)?;
                column_value(cx, &document, value, column)
            }
        };
        let fields = columns.iter().map(value).collect::<Result<Vec<Datum>>>()?;
        let record = Record { ty: oids::RECORD, types: types.clone(), fields, names: None };
        rows.push(Ok(Datum::Record(record.into())));
    }
    Ok(Box::new(rows.into_iter()))
}

/// Prefixes and their namespaces. 22004, 0A000.
fn namespaces(prefixes: &Array, uris: &[Datum]) -> Result<Namespaces> {
    let pair = |(prefix, uri): (&Datum, &Datum)| {
        let Datum::Text(uri) = uri else {
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "namespace URI must not be null"));
        };
        match prefix {
            Datum::Text(prefix) => Ok((prefix.to_string(), uri.to_string())),
            _ => Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "DEFAULT namespace is not supported")),
        }
    };
    prefixes.items.iter().zip(uris).map(pair).collect()
}

/// A path. 22004, 22000, 42601.
fn filter(path: Option<&Datum>, what: &str, detail: impl Fn() -> Option<String>) -> Result<Expr> {
    let Some(Datum::Text(path)) = path else {
        let message = format!("{what} filter expression must not be null");
        let error = Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message);
        return Err(match detail() {
            Some(detail) => error.detail(detail),
            None => error,
        });
    };
    if path.is_empty() {
        let message = format!("{what} path filter must not be empty string");
        return Err(Error::new(SqlState::DATA_EXCEPTION, message));
    }
    compile(path, if what == "row" { SqlState::SYNTAX_ERROR } else { SqlState::DATA_EXCEPTION })
}

fn columns(cx: &CallContext<'_>, args: &[Datum], first_path: usize) -> Result<Vec<Column>> {
    let numbered = names(args, 0)?;
    let column = |(at, field): (usize, &dictdb_types::Field)| {
        let is_number = numbered.get(at).is_some_and(|word| *word == super::ORDINALITY);
        let detail = || Some(format!("Filter for column \"{}\" is null.", field.name));
        let path = match is_number {
            true => None,
            false => Some(filter(args.get(first_path + at), "column", detail)?),
        };
        Ok(Column { ty: field.ty, path })
    };
    cx.columns.iter().enumerate().map(column).collect()
}

/// The value of a column. 21000 for several nodes where one is wanted; what the type's input function says.
fn column_value(cx: &CallContext<'_>, document: &Document, value: Value, column: &Column) -> Result<Datum> {
    let is_xml = column.ty.oid == oids::XML;
    let text = match value {
        Value::Nodes(nodes) if nodes.is_empty() => return Ok(Datum::Null),
        Value::Nodes(nodes) if is_xml => {
            nodes.iter().map(|node| node_to_xml(document, *node)).collect::<Result<String>>()?
        }
        Value::Nodes(nodes) if nodes.len() > 1 => {
            let message = "more than one value returned by column XPath expression";
            return Err(Error::new(SqlState::CARDINALITY_VIOLATION, message));
        }
        Value::String(text) if is_xml => escape::escaped(&text),
        Value::Boolean(value) if is_number(cx, column.ty) => number::to_string(f64::from(u8::from(value))),
        other => other.string(document),
    };
    text::input(&text, column.ty, cx.env)
}

/// Whether a type's category is that of numbers.
fn is_number(cx: &CallContext<'_>, ty: Type) -> bool {
    cx.env.type_info(ty.oid).is_some_and(|info| info.category == b'N')
}
