//! XML expressions, which sqlparser's tree has no nodes for: calls of functions whose names only the parser can make. Each maker
//! below has its place in [`XmlExpr::of`], which reads what they write.

use sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName,
};
use sqlparser::tokenizer::Span;

/// A value with the name it is given.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// `AS name`.
    pub name: Option<&'a Ident>,
    /// The value.
    pub value: &'a Expr,
}

/// An XML expression.
#[derive(Clone, Debug)]
pub enum XmlExpr<'a> {
    /// `XMLELEMENT(NAME name, XMLATTRIBUTES(…), content, …)`.
    Element {
        /// Its name.
        name: &'a Ident,
        /// Its attributes.
        attributes: Vec<Named<'a>>,
        /// What is in it.
        content: Vec<&'a Expr>,
    },
    /// `XMLFOREST(value AS name, …)`.
    Forest(Vec<Named<'a>>),
    /// `XMLCONCAT(value, …)`.
    Concat(Vec<&'a Expr>),
    /// `XMLPARSE(DOCUMENT | CONTENT text …)`.
    Parse {
        /// `DOCUMENT`.
        document: bool,
        /// `PRESERVE WHITESPACE`.
        preserve: bool,
        /// The text.
        text: &'a Expr,
    },
    /// `XMLPI(NAME name, content)`.
    Pi {
        /// The target.
        name: &'a Ident,
        /// The content.
        content: Option<&'a Expr>,
    },
    /// `XMLROOT(value, VERSION …, STANDALONE …)`.
    Root {
        /// The value.
        value: &'a Expr,
        /// The version; `None` is `NO VALUE`.
        version: Option<&'a Expr>,
        /// `YES`, `NO`, `NO VALUE`, or nothing.
        standalone: &'a str,
    },
    /// `XMLSERIALIZE(DOCUMENT | CONTENT value AS type)`.
    Serialize {
        /// `DOCUMENT`.
        document: bool,
        /// The value.
        value: &'a Expr,
        /// The type.
        data_type: &'a DataType,
    },
    /// `value IS DOCUMENT`.
    IsDocument(&'a Expr),
}

const ELEMENT: &str = "XMLELEMENT";
const FOREST: &str = "XMLFOREST";
const CONCAT: &str = "XMLCONCAT";
const PARSE: &str = "XMLPARSE";
const PI: &str = "XMLPI";
const ROOT: &str = "XMLROOT";
const SERIALIZE: &str = "XMLSERIALIZE";
const IS_DOCUMENT: &str = "IS DOCUMENT";
const DOCUMENT: &str = "DOCUMENT";
const PRESERVE: &str = "PRESERVE";
/// No name, no version.
const NOTHING: &str = "";

/// What the parser has of the clauses of `XMLROOT` and its kin besides values.
struct Words;

impl Words {
    fn flag(set: bool, word: &'static str) -> Expr {
        Expr::Identifier(Ident::new(if set { word } else { NOTHING }))
    }
}

/// The call that an XML expression is, its name standing at a place of the text.
fn call(name: &str, span: Span, args: Vec<FunctionArg>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident { value: name.to_owned(), quote_style: None, span }]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn plain(value: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(value))
}

fn named((value, name): (Expr, Option<Ident>)) -> FunctionArg {
    let name = name.unwrap_or_else(|| Ident::new(NOTHING));
    FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), operator: FunctionArgOperator::Equals }
}

pub(crate) fn element(span: Span, name: Ident, attributes: Vec<(Expr, Option<Ident>)>, content: Vec<Expr>) -> Expr {
    let first = plain(Expr::Identifier(name));
    let args = std::iter::once(first).chain(attributes.into_iter().map(named)).chain(content.into_iter().map(plain));
    call(ELEMENT, span, args.collect())
}

pub(crate) fn forest(span: Span, values: Vec<(Expr, Option<Ident>)>) -> Expr {
    call(FOREST, span, values.into_iter().map(named).collect())
}

pub(crate) fn concat(span: Span, values: Vec<Expr>) -> Expr {
    call(CONCAT, span, values.into_iter().map(plain).collect())
}

pub(crate) fn parse(span: Span, document: bool, text: Expr, preserve: bool) -> Expr {
    let flags = [Words::flag(document, DOCUMENT), Words::flag(preserve, PRESERVE)];
    call(PARSE, span, flags.into_iter().chain([text]).map(plain).collect())
}

pub(crate) fn pi(span: Span, name: Ident, content: Option<Expr>) -> Expr {
    call(PI, span, std::iter::once(Expr::Identifier(name)).chain(content).map(plain).collect())
}

pub(crate) fn root(span: Span, value: Expr, version: Option<Expr>, standalone: &'static str) -> Expr {
    let standalone = Words::flag(true, standalone);
    call(ROOT, span, [standalone, value].into_iter().chain(version).map(plain).collect())
}

pub(crate) fn serialize(span: Span, document: bool, value: Expr, data_type: DataType) -> Expr {
    let kind = sqlparser::ast::CastKind::Cast;
    let value = Expr::Cast { kind, expr: Box::new(value), data_type, format: None };
    call(SERIALIZE, span, vec![plain(Words::flag(document, DOCUMENT)), plain(value)])
}

pub(crate) fn is_document(span: Span, value: Expr) -> Expr {
    call(IS_DOCUMENT, span, vec![plain(value)])
}

/// Whether a flag was set.
fn is_set(flag: &Expr) -> bool {
    matches!(flag, Expr::Identifier(ident) if ident.value != NOTHING)
}

impl<'a> XmlExpr<'a> {
    /// The XML expression that a call is, if it is one.
    pub fn of(function: &'a Function) -> Option<XmlExpr<'a>> {
        let [name] = function.name.0.as_slice() else { return None };
        let name = name.as_ident().filter(|name| name.quote_style.is_none())?;
        let FunctionArguments::List(list) = &function.args else { return None };
        let plain: Vec<&Expr> = list.args.iter().filter_map(unnamed).collect();
        let named = || list.args.iter().filter_map(named_value).collect();
        Some(match (name.value.as_str(), plain.as_slice()) {
            (ELEMENT, [Expr::Identifier(name), content @ ..]) => {
                XmlExpr::Element { name, attributes: named(), content: content.to_vec() }
            }
            (FOREST, []) => XmlExpr::Forest(named()),
            (CONCAT, _) => XmlExpr::Concat(plain),
            (PARSE, [document, preserve, text]) => {
                XmlExpr::Parse { document: is_set(document), preserve: is_set(preserve), text }
            }
            (PI, [Expr::Identifier(name), content @ ..]) => XmlExpr::Pi { name, content: content.first().copied() },
            (ROOT, [Expr::Identifier(standalone), value, version @ ..]) => {
                XmlExpr::Root { value, version: version.first().copied(), standalone: &standalone.value }
            }
            (SERIALIZE, [document, Expr::Cast { expr, data_type, .. }]) => {
                XmlExpr::Serialize { document: is_set(document), value: expr, data_type }
            }
            (IS_DOCUMENT, [value]) => XmlExpr::IsDocument(value),
            _ => return None,
        })
    }

    /// The name of a column that it stands in; `IS DOCUMENT` has none.
    pub fn column_name(&self) -> Option<&'static str> {
        Some(match self {
            XmlExpr::Element { .. } => "xmlelement",
            XmlExpr::Forest(_) => "xmlforest",
            XmlExpr::Concat(_) => "xmlconcat",
            XmlExpr::Parse { .. } => "xmlparse",
            XmlExpr::Pi { .. } => "xmlpi",
            XmlExpr::Root { .. } => "xmlroot",
            XmlExpr::Serialize { .. } => "xmlserialize",
            XmlExpr::IsDocument(_) => return None,
        })
    }
}

fn unnamed(arg: &FunctionArg) -> Option<&Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value),
        _ => None,
    }
}

fn named_value(arg: &FunctionArg) -> Option<Named<'_>> {
    match arg {
        FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
            Some(Named { name: Some(name).filter(|name| name.value != NOTHING || name.quote_style.is_some()), value })
        }
        _ => None,
    }
}
