//! Expressions to values.

use super::expr::{Expr, Logical, Operator};
use super::value::{Node, Value, in_order};
use super::{Error, INVALID_TYPE, Result, UNDEFINED_VARIABLE, compare};
use crate::tree::{Document, NodeId};

/// Steps between two questions whether to go on.
const STEPS_PER_QUESTION: u32 = 1024;

/// The surroundings of an evaluation.
pub struct Evaluation<'a> {
    pub(super) document: &'a Document,
    pub(super) namespaces: &'a [(String, String)],
    may_go_on: &'a dyn Fn() -> bool,
    steps: u32,
}

/// Where in a document an expression is evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub node: Node,
    /// The place in a list of nodes, from one, and the length of the list; outside of predicates there is none.
    pub place: Option<(usize, usize)>,
}

impl<'a> Evaluation<'a> {
    /// Over a document, with prefixes and the namespaces they stand for. The function is asked now and then whether to go on.
    pub fn new(
        document: &'a Document,
        namespaces: &'a [(String, String)],
        may_go_on: &'a dyn Fn() -> bool,
    ) -> Evaluation<'a> {
        Evaluation { document, namespaces, may_go_on, steps: 0 }
    }

    /// The value of an expression at a node.
    ///
    /// # Errors
    /// What libxml2 says, or that it was interrupted.
    pub fn evaluate(&mut self, expr: &Expr, node: NodeId) -> Result<Value> {
        self.evaluate_at(expr, Node::Tree(node))
    }

    /// [`Self::evaluate`] at a node that may be a namespace.
    ///
    /// # Errors
    /// Likewise.
    pub fn evaluate_at(&mut self, expr: &Expr, node: Node) -> Result<Value> {
        self.value(expr, &Context { node, place: None })
    }

    pub(super) fn tick(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps >= STEPS_PER_QUESTION {
            self.steps = 0;
            if !(self.may_go_on)() {
                return Err(Error::Interrupted);
            }
        }
        Ok(())
    }

    pub(super) fn value(&mut self, expr: &Expr, context: &Context) -> Result<Value> {
        self.tick()?;
        match expr {
            Expr::Literal(text) => Ok(Value::String(text.clone())),
            Expr::Number(number) => Ok(Value::Number(*number)),
            Expr::Variable(_) => Err(UNDEFINED_VARIABLE),
            Expr::Call(name, arguments) => self.call(name, arguments, context),
            Expr::Path(path) => self.path(path, context).map(Value::Nodes),
            Expr::Logical(operator, operands) => self.logical(*operator, operands, context),
            Expr::Negation(operand, odd) => {
                let number = self.value(operand, context)?.number(self.document);
                Ok(Value::Number(if *odd { -number } else { number }))
            }
            Expr::Union(operands) => {
                let mut all = Vec::new();
                for operand in operands {
                    all.append(&mut self.nodes(operand, context)?);
                }
                Ok(Value::Nodes(in_order(all)))
            }
            Expr::Filter(primary, predicates, steps) => {
                let mut nodes = self.nodes(primary, context)?;
                for predicate in predicates {
                    nodes = self.keep(predicate, nodes)?;
                }
                self.steps(steps, nodes).map(Value::Nodes)
            }
            Expr::Chain(first, rest) => {
                let mut value = self.value(first, context)?;
                for (operator, operand) in rest {
                    let operand = self.value(operand, context)?;
                    value = self.operate(*operator, &value, &operand)?;
                }
                Ok(value)
            }
        }
    }

    /// The nodes of an expression; an error for values of other types.
    pub(super) fn nodes(&mut self, expr: &Expr, context: &Context) -> Result<Vec<Node>> {
        match self.value(expr, context)? {
            Value::Nodes(nodes) => Ok(nodes),
            _ => Err(INVALID_TYPE),
        }
    }

    fn logical(&mut self, operator: Logical, operands: &[Expr], context: &Context) -> Result<Value> {
        let decisive = operator == Logical::Or;
        for operand in operands {
            if self.value(operand, context)?.boolean() == decisive {
                return Ok(Value::Boolean(decisive));
            }
        }
        Ok(Value::Boolean(!decisive))
    }

    fn operate(&mut self, operator: Operator, left: &Value, right: &Value) -> Result<Value> {
        let document = self.document;
        let arithmetic = |f: fn(f64, f64) -> f64| {
            let (left, right) = (left.number(document), right.number(document));
            Ok(Value::Number(f(left, right)))
        };
        match operator {
            Operator::Add => arithmetic(|a, b| a + b),
            Operator::Subtract => arithmetic(|a, b| a - b),
            Operator::Multiply => arithmetic(|a, b| a * b),
            Operator::Divide => arithmetic(|a, b| a / b),
            Operator::Modulo => arithmetic(|a, b| a % b),
            comparison => compare::compare(document, comparison, left, right, &mut || self.tick()).map(Value::Boolean),
        }
    }
}
