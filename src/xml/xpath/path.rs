//! Steps from nodes to nodes, and predicates.

use super::eval::{Context, Evaluation};
use super::expr::{Axis, Expr, Path, Step, Test};
use super::value::{Node, Value, in_order};
use super::{Result, UNDEFINED_PREFIX, axis};
use crate::tree::{Kind, Symbol, XML_NAMESPACE};

/// What a step takes, its names looked up in the document.
enum Found {
    /// Nothing: the name does not occur.
    Nothing,
    /// The axis's own kind of node, perhaps of a namespace.
    Any(Option<String>),
    /// A name in a namespace, which may be none.
    Name(Option<String>, Symbol),
    /// A namespace's prefix.
    Prefix(String),
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
}

impl Evaluation<'_> {
    pub(super) fn path(&mut self, path: &Path, context: &Context) -> Result<Vec<Node>> {
        let start = match path.absolute {
            true => Node::Tree(self.document.root()),
            false => context.node,
        };
        self.steps(&path.steps, vec![start])
    }

    /// Steps from nodes in document order.
    pub(super) fn steps(&mut self, steps: &[Step], mut nodes: Vec<Node>) -> Result<Vec<Node>> {
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            // `//name` looks at every node once instead of at the children of every node.
            let next = steps.peek().filter(|next| {
                let descends = step.axis == Axis::DescendantOrSelf && step.test == Test::Node;
                descends && step.predicates.is_empty() && next.axis == Axis::Child && next.predicates.is_empty()
            });
            nodes = match next {
                Some(next) => {
                    let merged = Step { axis: Axis::Descendant, test: next.test.clone(), predicates: Vec::new() };
                    steps.next();
                    self.step(&merged, &nodes)?
                }
                None => self.step(step, &nodes)?,
            };
        }
        Ok(nodes)
    }

    fn step(&mut self, step: &Step, nodes: &[Node]) -> Result<Vec<Node>> {
        let test = self.find(step)?;
        let mut found = Vec::new();
        for node in nodes {
            let mut of_node = self.on_axis(step.axis, &test, *node)?;
            for predicate in &step.predicates {
                of_node = self.keep(predicate, of_node)?;
            }
            found.append(&mut of_node);
        }
        Ok(in_order(found))
    }

    fn on_axis(&mut self, on: Axis, test: &Found, node: Node) -> Result<Vec<Node>> {
        let document = self.document;
        let mut found = Vec::new();
        let mut result = Ok(());
        axis::each(document, on, node, |candidate| {
            result = self.tick();
            if self.takes(test, on, candidate) {
                found.push(candidate);
            }
            result.is_ok()
        });
        result.map(|()| found)
    }

    /// The nodes of a list for which a predicate holds; a number is the place in the list.
    pub(super) fn keep(&mut self, predicate: &Expr, nodes: Vec<Node>) -> Result<Vec<Node>> {
        let size = nodes.len();
        if let Expr::Number(wanted) = predicate {
            let place = nodes.iter().enumerate().find(|(i, _)| (*i + 1) as f64 == *wanted);
            return Ok(place.map(|(_, node)| *node).into_iter().collect());
        }
        let mut kept = Vec::new();
        for (i, node) in nodes.into_iter().enumerate() {
            let context = Context { node, place: Some((i + 1, size)) };
            let holds = match self.value(predicate, &context)? {
                Value::Number(number) => number == (i + 1) as f64,
                other => other.boolean(),
            };
            if holds {
                kept.push(node);
            }
        }
        Ok(kept)
    }

    fn find(&self, step: &Step) -> Result<Found> {
        Ok(match &step.test {
            Test::Node => Found::Node,
            Test::Text => Found::Text,
            Test::Comment => Found::Comment,
            Test::Instruction(target) => Found::Instruction(target.clone()),
            Test::Any(None) => Found::Any(None),
            Test::Any(Some(prefix)) => Found::Any(Some(self.uri(prefix)?)),
            Test::Name(None, name) if step.axis == Axis::Namespace => Found::Prefix(name.clone()),
            Test::Name(prefix, name) => {
                let uri = prefix.as_deref().map(|prefix| self.uri(prefix)).transpose()?;
                match self.document.symbol(name) {
                    Some(symbol) => Found::Name(uri, symbol),
                    None => Found::Nothing,
                }
            }
        })
    }

    fn uri(&self, prefix: &str) -> Result<String> {
        let known = self.namespaces.iter().rev().find(|(known, _)| known == prefix);
        match known {
            Some((_, uri)) => Ok(uri.clone()),
            None if prefix == "xml" => Ok(XML_NAMESPACE.to_owned()),
            None => Err(UNDEFINED_PREFIX),
        }
    }

    fn takes(&self, test: &Found, on: Axis, node: Node) -> bool {
        let id = match node {
            Node::Tree(id) => id,
            Node::Namespace(_, namespace) => {
                let prefix = self.document.namespace(namespace).prefix.as_deref();
                let principal = on == Axis::Namespace;
                return match test {
                    Found::Node => true,
                    Found::Any(None) => principal,
                    Found::Prefix(wanted) => principal && prefix == Some(wanted),
                    _ => false,
                };
            }
        };
        let kind = self.document.kind(id);
        let named = match (kind, on) {
            (Kind::Attribute(name, _), Axis::Attribute) => Some(name),
            (Kind::Element(name, _), on) if !matches!(on, Axis::Attribute | Axis::Namespace) => Some(name),
            _ => None,
        };
        let uri = |name: &crate::tree::QName| name.namespace.map(|id| &*self.document.namespace(id).uri);
        match test {
            Found::Nothing | Found::Prefix(_) => false,
            Found::Node => true,
            Found::Text => matches!(kind, Kind::Text(_) | Kind::CData(_)),
            Found::Comment => matches!(kind, Kind::Comment(_)),
            Found::Instruction(None) => matches!(kind, Kind::Instruction(..)),
            Found::Instruction(Some(target)) => {
                matches!(kind, Kind::Instruction(found, _) if self.document.name(*found) == target)
            }
            Found::Any(None) => named.is_some(),
            Found::Any(wanted) => named.is_some_and(|name| uri(name) == wanted.as_deref()),
            Found::Name(wanted, symbol) => {
                named.is_some_and(|name| name.local == *symbol && uri(name) == wanted.as_deref())
            }
        }
    }
}
