//! The canonical text of a path: keys quoted, parentheses where the tree needs them and around a top-level operator.

use std::fmt::{self, Write};

use super::{Accessor, JsonPath, Node, Primary};
use crate::json::write_string;

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        if self.strict {
            out.push_str("strict ");
        }
        write(&self.root, true, &mut out);
        f.write_str(&out)
    }
}

/// How strongly a node binds; operands that bind no more strongly are put in parentheses.
fn priority(node: &Node) -> u8 {
    match node {
        Node::Or(..) => 0,
        Node::And(..) => 1,
        Node::Comparison(..) | Node::StartsWith(..) => 2,
        Node::Arithmetic(operator, ..) => match operator.as_str() {
            "+" | "-" => 3,
            _ => 4,
        },
        Node::Sign { .. } => 5,
        _ => 6,
    }
}

fn operand(node: &Node, parent: &Node, out: &mut String) {
    write(node, priority(node) <= priority(parent), out);
}

fn binary(node: &Node, left: &Node, operator: &str, right: &Node, out: &mut String) {
    operand(left, node, out);
    out.push(' ');
    out.push_str(operator);
    out.push(' ');
    operand(right, node, out);
}

fn write(node: &Node, brackets: bool, out: &mut String) {
    let bracketed = !matches!(node, Node::Chain(..) | Node::Not(_) | Node::IsUnknown(_) | Node::Exists(_)) && brackets;
    if bracketed {
        out.push('(');
    }
    match node {
        Node::Chain(primary, accessors) => chain(primary, accessors, out),
        Node::Sign { negative, operand: inner } => {
            out.push(if *negative { '-' } else { '+' });
            operand(inner, node, out);
        }
        Node::Arithmetic(operator, left, right) => binary(node, left, operator.as_str(), right, out),
        Node::Comparison(operator, left, right) => binary(node, left, operator.as_str(), right, out),
        Node::And(left, right) => binary(node, left, "&&", right, out),
        Node::Or(left, right) => binary(node, left, "||", right, out),
        Node::Not(inner) => {
            out.push_str("!(");
            write(inner, false, out);
            out.push(')');
        }
        Node::IsUnknown(inner) => {
            out.push('(');
            write(inner, false, out);
            out.push_str(") is unknown");
        }
        Node::Exists(inner) => {
            out.push_str("exists (");
            write(inner, false, out);
            out.push(')');
        }
        Node::StartsWith(left, initial) => {
            operand(left, node, out);
            out.push_str(" starts with ");
            chain(initial, &[], out);
        }
        Node::LikeRegex { operand: left, pattern, flags } => {
            operand(left, node, out);
            out.push_str(" like_regex ");
            write_string(pattern, out);
            if !flags.is_empty() {
                out.push_str(" flag \"");
                out.push_str(flags);
                out.push('"');
            }
        }
    }
    if bracketed {
        out.push(')');
    }
}

fn chain(primary: &Primary, accessors: &[Accessor], out: &mut String) {
    match primary {
        Primary::Root => out.push('$'),
        Primary::Current => out.push('@'),
        Primary::Last => out.push_str("last"),
        Primary::Null => out.push_str("null"),
        Primary::Bool(true) => out.push_str("true"),
        Primary::Bool(false) => out.push_str("false"),
        // A point after the digits would be theirs.
        Primary::Number(number) if !accessors.is_empty() => {
            out.push('(');
            number.write(out);
            out.push(')');
        }
        Primary::Number(number) => number.write(out),
        Primary::String(text) => write_string(text, out),
        Primary::Variable(name) => {
            out.push('$');
            write_string(name, out);
        }
        Primary::Parenthesized(node) => write(node, true, out),
    }
    accessors.iter().for_each(|accessor| write_accessor(accessor, out));
}

fn write_accessor(accessor: &Accessor, out: &mut String) {
    match accessor {
        Accessor::Key(key) => {
            out.push('.');
            write_string(key, out);
        }
        Accessor::AnyKey => out.push_str(".*"),
        Accessor::AnyElement => out.push_str("[*]"),
        Accessor::Subscripts(subscripts) => {
            out.push('[');
            for (index, (from, to)) in subscripts.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(from, false, out);
                if let Some(to) = to {
                    out.push_str(" to ");
                    write(to, false, out);
                }
            }
            out.push(']');
        }
        Accessor::Descend(first, last) => levels(*first, *last, out),
        Accessor::Method(method) => {
            out.push('.');
            out.push_str(method.as_str());
            out.push_str("()");
        }
        Accessor::DateTime(template) => {
            out.push_str(".datetime(");
            if let Some(template) = template {
                write_string(template, out);
            }
            out.push(')');
        }
        Accessor::Filter(node) => {
            out.push_str("?(");
            write(node, false, out);
            out.push(')');
        }
    }
}

fn levels(first: u32, last: u32, out: &mut String) {
    let level = |level: u32| if level == u32::MAX { "last".to_owned() } else { level.to_string() };
    // Writing to a String cannot fail.
    let _ = match (first, last) {
        (0, u32::MAX) => write!(out, ".**"),
        (first, last) if first == last => write!(out, ".**{{{}}}", level(first)),
        (first, last) => write!(out, ".**{{{} to {}}}", level(first), level(last)),
    };
}
