//! `xpath`, `xpath_exists` and `xmlexists`.

use std::cell::RefCell;

use dictdb_types::xml::document;
use dictdb_types::{Array, Datum, Env, Error, Result, SqlState, oids};
use dictdb_xml::declaration::Declaration;
use dictdb_xml::tree::{Document, Kind};
use dictdb_xml::xpath::{self, Evaluation, Expr, Node, Value};
use dictdb_xml::{escape, serialize};

use crate::CallContext;
use crate::args::arg;

const NOT_PARSED: &str = "could not parse XML document";
const NO_OBJECT: &str = "could not create XPath object";

/// Prefixes and the namespaces they stand for.
pub(super) type Namespaces = Vec<(String, String)>;

pub(super) fn xpath(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (document, value) = find(cx, args)?;
    let items = match value {
        Value::Nodes(nodes) => nodes.iter().map(|node| node_to_xml(&document, *node)).collect::<Result<_>>()?,
        Value::Boolean(value) => vec![value.to_string()],
        Value::Number(number) => vec![crate::io::output(cx, oids::FLOAT8, &Datum::Float8(number))?],
        Value::String(text) => vec![escape::escaped(&text)],
    };
    Ok(Datum::Array(Array::vector(oids::XML, items.into_iter().map(Datum::text).collect()).into()))
}

/// Whether there is anything: a value that is no set of nodes is there.
pub(super) fn exists(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (_, value) = find(cx, args)?;
    Ok(Datum::Bool(!matches!(value, Value::Nodes(nodes) if nodes.is_empty())))
}

/// The value of an expression over a document; XX000 for a wrong expression.
fn find(cx: &CallContext<'_>, args: &[Datum]) -> Result<(Document, Value)> {
    let (path, text): (&str, &str) = (arg(args, 0)?, arg(args, 1)?);
    let namespaces = match args.get(2) {
        Some(_) => namespaces(arg(args, 2)?)?,
        None => Namespaces::new(),
    };
    if path.is_empty() {
        return Err(Error::new(SqlState::DATA_EXCEPTION, "empty XPath expression"));
    }
    let document = parse(text, cx.env)?;
    let expr = compile(path, SqlState::INTERNAL_ERROR)?;
    let value = evaluate(&document, &namespaces, &expr, Node::Tree(document.root()), cx.env)?;
    Ok((document, value))
}

/// A document, its declaration left out. 2200M.
pub(super) fn parse(text: &str, env: &dyn Env) -> Result<Document> {
    let declaration = Declaration::read(text).unwrap_or_default();
    document(&text[declaration.length..], NOT_PARSED, env).map(|parsed| parsed.document)
}

/// An expression; an error of this state for a wrong one.
pub(super) fn compile(path: &str, state: SqlState) -> Result<Expr> {
    xpath::parse(path).map_err(|error| worded(error, state, "invalid XPath expression"))
}

fn worded(error: xpath::Error, state: SqlState, message: &str) -> Error {
    let worded = Error::new(state, message);
    match error {
        xpath::Error::Message(detail) if !detail.is_empty() => worded.detail(detail),
        _ => worded,
    }
}

/// The value of an expression at a node. 57014 when the statement is cancelled.
pub(super) fn evaluate(
    document: &Document,
    namespaces: &[(String, String)],
    expr: &Expr,
    node: Node,
    env: &dyn Env,
) -> Result<Value> {
    let interrupted = RefCell::new(None);
    let may_go_on = || match env.check_interrupts() {
        Ok(()) => true,
        Err(error) => {
            interrupted.replace(Some(error));
            false
        }
    };
    let result = Evaluation::new(document, namespaces, &may_go_on).evaluate_at(expr, node);
    if let Some(error) = interrupted.take() {
        return Err(error);
    }
    result.map_err(|error| worded(error, SqlState::INTERNAL_ERROR, NO_OBJECT))
}

/// Pairs of prefix and namespace. 22000, 22004.
fn namespaces(pairs: &Array) -> Result<Namespaces> {
    if pairs.dims.is_empty() {
        return Ok(Namespaces::new());
    }
    if pairs.dims.len() != 2 || pairs.dims[1].len != 2 {
        return Err(Error::new(SqlState::DATA_EXCEPTION, "invalid array for XML namespace mapping")
            .detail("The array must be two-dimensional with length of the second axis equal to 2."));
    }
    let text = |item: &Datum| match item {
        Datum::Text(text) => Ok(text.to_string()),
        _ => {
            let message = "neither namespace name nor URI may be null";
            Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message))
        }
    };
    pairs.items.chunks(2).map(|pair| Ok((text(&pair[0])?, text(&pair[1])?))).collect()
}

/// A node as a value: elements with what they need to stand by themselves, attributes and text as escaped text. 53200 for a
/// namespace, which PostgreSQL cannot copy either.
pub(super) fn node_to_xml(document: &Document, node: Node) -> Result<String> {
    match node {
        Node::Namespace(..) => Err(Error::new(SqlState::OUT_OF_MEMORY, "could not copy node")),
        Node::Tree(id) => match document.kind(id) {
            Kind::Attribute(..) | Kind::Text(_) => Ok(escape::escaped(&document.string_value(id))),
            _ => Ok(serialize(document, id)),
        },
    }
}
