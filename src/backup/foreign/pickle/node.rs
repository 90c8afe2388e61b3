//! What the machine makes: nodes that refer to each other by number.

use std::borrow::Cow;

use super::globals::Global;

/// A node's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(pub(super) u32);

/// An object.
#[derive(Debug)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// A whole number of any size, in decimal.
    Long(String),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// Lists, tuples and sets: data has no use for the difference.
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// What would be a call or a new object: of what, with which arguments, in which state.
    Object {
        of: Global,
        arguments: Vec<Id>,
        state: Option<Id>,
    },
}

/// All nodes.
pub(super) type Nodes<'a> = Vec<Node<'a>>;

impl Node<'_> {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> String {
        match self {
            Node::None => "None".to_owned(),
            Node::Bool(_) => "a bool".to_owned(),
            Node::Int(_) | Node::Long(_) => "an int".to_owned(),
            Node::Float(_) => "a float".to_owned(),
            Node::Text(_) => "a str".to_owned(),
            Node::Bytes(_) => "bytes".to_owned(),
            Node::List(_) => "a list".to_owned(),
            Node::Tuple(_) => "a tuple".to_owned(),
            Node::Dict(_) => "a dict".to_owned(),
            Node::Global(global) => global.name(),
            Node::Object { of, .. } => format!("an object of {}", of.name()),
        }
    }
}
