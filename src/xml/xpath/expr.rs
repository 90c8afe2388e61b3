//! Expressions. Chains of operators of one precedence are lists, so that long ones are not deep.

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `a or b`, `a and b`: the operator decides which value ends the evaluation.
    Logical(Logical, Vec<Expr>),
    /// `a = b`, `a < b + c * d`: operators of one precedence from left to right.
    Chain(Box<Expr>, Vec<(Operator, Expr)>),
    /// `-a`; how often the sign stands there does not matter but for being odd.
    Negation(Box<Expr>, bool),
    /// `a | b`.
    Union(Vec<Expr>),
    /// A location path.
    Path(Path),
    /// A primary expression with predicates, and steps from the nodes it gives.
    Filter(Box<Expr>, Vec<Expr>, Vec<Step>),
    /// A string.
    Literal(String),
    /// A number.
    Number(f64),
    /// `$name`.
    Variable(String),
    /// A call of a function.
    Call(String, Vec<Expr>),
}

/// Operators between booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logical {
    /// `or`.
    Or,
    /// `and`.
    And,
}

/// The other operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// A location path.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Whether it starts at the root.
    pub absolute: bool,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where to look.
    pub axis: Axis,
    /// What to take.
    pub test: Test,
    /// What of that to keep.
    pub predicates: Vec<Expr>,
}

/// Where a step looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are XPath's axes by name")]
pub enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Namespace,
    Parent,
    Preceding,
    PrecedingSibling,
    Itself,
}

impl Axis {
    /// The axis of a name.
    pub fn named(name: &str) -> Option<Axis> {
        Some(match name {
            "ancestor" => Axis::Ancestor,
            "ancestor-or-self" => Axis::AncestorOrSelf,
            "attribute" => Axis::Attribute,
            "child" => Axis::Child,
            "descendant" => Axis::Descendant,
            "descendant-or-self" => Axis::DescendantOrSelf,
            "following" => Axis::Following,
            "following-sibling" => Axis::FollowingSibling,
            "namespace" => Axis::Namespace,
            "parent" => Axis::Parent,
            "preceding" => Axis::Preceding,
            "preceding-sibling" => Axis::PrecedingSibling,
            "self" => Axis::Itself,
            _ => return None,
        })
    }
}

/// What a step takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `*` or `prefix:*`: the axis's own kind of node, perhaps of one namespace.
    Any(Option<String>),
    /// A name, perhaps with a prefix.
    Name(Option<String>, String),
    /// `node()`.
    Node,
    /// `text()`.
    Text,
    /// `comment()`.
    Comment,
    /// `processing-instruction("target")`.
    Instruction(Option<String>),
}
