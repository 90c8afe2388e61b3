//! The core function library.

use super::eval::{Context, Evaluation};
use super::expr::Expr;
use super::value::{Node, Value, in_order};
use super::{
    INVALID_ARITY, INVALID_POSITION, INVALID_SIZE, INVALID_TYPE, Result, UNDEFINED_FUNCTION_PREFIX, UNKNOWN_FUNCTION,
};
use crate::chars::is_space;
use crate::tree::{Kind, NodeId};

type Function = fn(&Evaluation<'_>, &[Value], &Context) -> Result<Value>;

/// Name, fewest and most arguments, and what it does.
const FUNCTIONS: &[(&str, usize, usize, Function)] = &[
    ("last", 0, 0, |_, _, cx| cx.place.map(|(_, size)| number(size)).ok_or(INVALID_SIZE)),
    ("position", 0, 0, |_, _, cx| cx.place.map(|(place, _)| number(place)).ok_or(INVALID_POSITION)),
    ("count", 1, 1, |_, args, _| nodes(args).map(|nodes| number(nodes.len()))),
    ("id", 1, 1, |ev, args, _| Ok(id(ev, &args[0]))),
    ("local-name", 0, 1, |ev, args, cx| of_node(args, cx, |node| node.local_name(ev.document).to_owned())),
    ("namespace-uri", 0, 1, |ev, args, cx| of_node(args, cx, |node| node.namespace_uri(ev.document).to_owned())),
    ("name", 0, 1, |ev, args, cx| of_node(args, cx, |node| node.name(ev.document))),
    ("string", 0, 1, |ev, args, cx| Ok(Value::String(text_or_context(ev, args, cx)))),
    ("concat", 2, usize::MAX, |ev, args, _| {
        Ok(Value::String(args.iter().map(|arg| arg.string(ev.document)).collect()))
    }),
    ("starts-with", 2, 2, |ev, args, _| of_texts(ev, args, |a, b| Value::Boolean(a.starts_with(b)))),
    ("contains", 2, 2, |ev, args, _| of_texts(ev, args, |a, b| Value::Boolean(a.contains(b)))),
    ("substring-before", 2, 2, |ev, args, _| {
        of_texts(ev, args, |a, b| Value::String(a.split_once(b).map_or("", |(before, _)| before).to_owned()))
    }),
    ("substring-after", 2, 2, |ev, args, _| {
        of_texts(ev, args, |a, b| Value::String(a.split_once(b).map_or("", |(_, after)| after).to_owned()))
    }),
    ("substring", 2, 3, |ev, args, _| Ok(Value::String(substring(ev, args)))),
    ("string-length", 0, 1, |ev, args, cx| Ok(number(text_or_context(ev, args, cx).chars().count()))),
    ("normalize-space", 0, 1, |ev, args, cx| {
        let text = text_or_context(ev, args, cx);
        let words: Vec<&str> = text.split(is_space).filter(|word| !word.is_empty()).collect();
        Ok(Value::String(words.join(" ")))
    }),
    ("translate", 3, 3, |ev, args, _| Ok(Value::String(translate(ev, args)))),
    ("boolean", 1, 1, |_, args, _| Ok(Value::Boolean(args[0].boolean()))),
    ("not", 1, 1, |_, args, _| Ok(Value::Boolean(!args[0].boolean()))),
    ("true", 0, 0, |_, _, _| Ok(Value::Boolean(true))),
    ("false", 0, 0, |_, _, _| Ok(Value::Boolean(false))),
    ("lang", 1, 1, |ev, args, cx| Ok(Value::Boolean(lang(ev, &args[0], cx)))),
    ("number", 0, 1, |ev, args, cx| {
        let of_context = || Value::String(cx.node.string_value(ev.document)).number(ev.document);
        Ok(Value::Number(args.first().map_or_else(of_context, |arg| arg.number(ev.document))))
    }),
    ("sum", 1, 1, |ev, args, _| {
        let numbers = nodes(args)?.iter().map(|node| Value::String(node.string_value(ev.document)).number(ev.document));
        // Not `sum`, which begins with a negative zero.
        Ok(Value::Number(numbers.fold(0.0, |sum, number| sum + number)))
    }),
    ("floor", 1, 1, |ev, args, _| Ok(Value::Number(args[0].number(ev.document).floor()))),
    ("ceiling", 1, 1, |ev, args, _| Ok(Value::Number(args[0].number(ev.document).ceil()))),
    ("round", 1, 1, |ev, args, _| Ok(Value::Number(round(args[0].number(ev.document))))),
];

impl Evaluation<'_> {
    pub(super) fn call(&mut self, name: &str, arguments: &[Expr], context: &Context) -> Result<Value> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.value(argument, context)?);
        }
        let Some((_, fewest, most, function)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let known_prefix = name
                .split_once(':')
                .is_none_or(|(prefix, _)| prefix == "xml" || self.namespaces.iter().any(|(known, _)| known == prefix));
            return Err(if known_prefix { UNKNOWN_FUNCTION } else { UNDEFINED_FUNCTION_PREFIX });
        };
        if values.len() < *fewest || values.len() > *most {
            return Err(INVALID_ARITY);
        }
        function(self, &values, context)
    }
}

fn number(value: usize) -> Value {
    Value::Number(value as f64)
}

fn nodes(args: &[Value]) -> Result<&[Node]> {
    match &args[0] {
        Value::Nodes(nodes) => Ok(nodes),
        _ => Err(INVALID_TYPE),
    }
}

/// A text about the first node of the argument, or about the context node.
fn of_node(args: &[Value], context: &Context, text: impl Fn(Node) -> String) -> Result<Value> {
    let node = match args.is_empty() {
        true => Some(context.node),
        false => nodes(args)?.first().copied(),
    };
    Ok(Value::String(node.map(text).unwrap_or_default()))
}

fn text_or_context(ev: &Evaluation<'_>, args: &[Value], context: &Context) -> String {
    match args.first() {
        Some(value) => value.string(ev.document),
        None => context.node.string_value(ev.document),
    }
}

fn of_texts(ev: &Evaluation<'_>, args: &[Value], f: impl Fn(&str, &str) -> Value) -> Result<Value> {
    Ok(f(&args[0].string(ev.document), &args[1].string(ev.document)))
}

/// Halves go up, as XPath wants it.
fn round(number: f64) -> f64 {
    match number.is_finite() && number.fract() != 0.0 {
        true if (-0.5..0.0).contains(&number) => -0.0,
        true => (number + 0.5).floor(),
        false => number,
    }
}

fn substring(ev: &Evaluation<'_>, args: &[Value]) -> String {
    let text = args[0].string(ev.document);
    let start = round(args[1].number(ev.document));
    let end = args.get(2).map_or(f64::INFINITY, |length| start + round(length.number(ev.document)));
    let inside = |(i, _): &(usize, char)| {
        let place = (*i + 1) as f64;
        place >= start && place < end
    };
    text.chars().enumerate().filter(inside).map(|(_, c)| c).collect()
}

fn translate(ev: &Evaluation<'_>, args: &[Value]) -> String {
    let from: Vec<char> = args[1].string(ev.document).chars().collect();
    let to: Vec<char> = args[2].string(ev.document).chars().collect();
    let text = args[0].string(ev.document);
    let replaced = |c: char| match from.iter().position(|known| *known == c) {
        Some(place) => to.get(place).copied(),
        None => Some(c),
    };
    text.chars().filter_map(replaced).collect()
}

/// The elements whose identifiers are in a text, or in the texts of nodes.
fn id(ev: &Evaluation<'_>, value: &Value) -> Value {
    let texts = match value {
        Value::Nodes(nodes) => nodes.iter().map(|node| node.string_value(ev.document)).collect(),
        other => vec![other.string(ev.document)],
    };
    let words = texts.iter().flat_map(|text| text.split(is_space)).filter(|word| !word.is_empty());
    let found = words.filter_map(|word| ev.document.element_by_id(word)).map(Node::Tree).collect();
    Value::Nodes(in_order(found))
}

/// Whether the context node is in a language, by the nearest `xml:lang`.
fn lang(ev: &Evaluation<'_>, wanted: &Value, context: &Context) -> bool {
    let wanted = wanted.string(ev.document).to_ascii_lowercase();
    let (Node::Tree(node) | Node::Namespace(node, _)) = context.node;
    let mut around = std::iter::successors(Some(node), |node| ev.document.parent(*node));
    let Some(language) = around.find_map(|node| language_of(ev, node)) else { return false };
    let language = language.to_ascii_lowercase();
    language.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn language_of<'a>(ev: &Evaluation<'a>, node: NodeId) -> Option<&'a str> {
    let document = ev.document;
    document.attributes(node).find_map(|attribute| match document.kind(attribute) {
        Kind::Attribute(name, value) => {
            let is_lang = name.namespace == Some(document.xml_namespace()) && document.name(name.local) == "lang";
            is_lang.then_some(&**value)
        }
        _ => None,
    })
}
