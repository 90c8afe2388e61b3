//! Values of expressions and their conversions.

use super::number;
use crate::tree::{Document, Kind, NamespaceId, NodeId};

/// A node of XPath's data model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A node of the tree.
    Tree(NodeId),
    /// A namespace in scope at an element.
    Namespace(NodeId, NamespaceId),
}

impl Node {
    /// A key that orders nodes as a document has them: an element, its namespaces, its attributes, its children.
    pub(super) fn order(self) -> (NodeId, Option<NamespaceId>) {
        match self {
            Node::Tree(id) => (id, None),
            Node::Namespace(element, id) => (element, Some(id)),
        }
    }

    /// The string value.
    pub fn string_value(self, document: &Document) -> String {
        match self {
            Node::Tree(id) => document.string_value(id),
            Node::Namespace(_, id) => document.namespace(id).uri.to_string(),
        }
    }

    /// The name without its prefix; empty where a node has none.
    pub fn local_name(self, document: &Document) -> &str {
        match self {
            Node::Namespace(_, id) => document.namespace(id).prefix.as_deref().unwrap_or_default(),
            Node::Tree(id) => match document.kind(id) {
                Kind::Element(name, _) | Kind::Attribute(name, _) => document.name(name.local),
                Kind::Instruction(target, _) => document.name(*target),
                _ => "",
            },
        }
    }

    /// The name as it was written.
    pub fn name(self, document: &Document) -> String {
        match self {
            Node::Tree(id) => match document.kind(id) {
                Kind::Element(name, _) | Kind::Attribute(name, _) => document.written(*name),
                _ => self.local_name(document).to_owned(),
            },
            Node::Namespace(..) => self.local_name(document).to_owned(),
        }
    }

    /// The name of its namespace; empty where it is in none.
    pub fn namespace_uri(self, document: &Document) -> &str {
        let Node::Tree(id) = self else { return "" };
        match document.kind(id) {
            Kind::Element(name, _) | Kind::Attribute(name, _) => {
                name.namespace.map_or("", |id| &document.namespace(id).uri)
            }
            _ => "",
        }
    }
}

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nodes in document order, each once.
    Nodes(Vec<Node>),
    /// `true()` or `false()`.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A string.
    String(String),
}

impl Value {
    /// As `boolean()` has it.
    pub fn boolean(&self) -> bool {
        match self {
            Value::Nodes(nodes) => !nodes.is_empty(),
            Value::Boolean(value) => *value,
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::String(text) => !text.is_empty(),
        }
    }

    /// As `number()` has it.
    pub fn number(&self, document: &Document) -> f64 {
        match self {
            Value::Nodes(_) => number::from_string(&self.string(document)),
            Value::Boolean(value) => f64::from(u8::from(*value)),
            Value::Number(number) => *number,
            Value::String(text) => number::from_string(text),
        }
    }

    /// As `string()` has it.
    pub fn string(&self, document: &Document) -> String {
        match self {
            Value::Nodes(nodes) => nodes.first().map(|node| node.string_value(document)).unwrap_or_default(),
            Value::Boolean(value) => value.to_string(),
            Value::Number(value) => number::to_string(*value),
            Value::String(text) => text.clone(),
        }
    }
}

/// Nodes in document order, each once.
pub(super) fn in_order(mut nodes: Vec<Node>) -> Vec<Node> {
    if !nodes.is_sorted_by(|a, b| a.order() < b.order()) {
        nodes.sort_unstable_by_key(|node| node.order());
        nodes.dedup();
    }
    nodes
}
