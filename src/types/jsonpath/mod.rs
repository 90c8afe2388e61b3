//! `jsonpath`: its syntax tree, and between it and its text.
//!
//! A value of the type is its canonical text (a `Datum::Text`), as `jsonpath_out` prints it; whoever evaluates a path
//! parses that again. Evaluation is in the functions crate.

mod lexer;
mod parser;
mod write;

use crate::{Env, Numeric, Result};

/// A path with its mode.
#[derive(Clone, Debug)]
pub struct JsonPath {
    /// `strict`: structural errors are errors. `lax` is the default.
    pub strict: bool,
    /// What is evaluated.
    pub root: Node,
}

/// An expression or predicate.
#[derive(Clone, Debug)]
pub enum Node {
    /// A starting point and the accessors applied to it, in order.
    Chain(Box<Primary>, Vec<Accessor>),
    /// `-x`, or `+x` if not negative.
    Sign {
        /// Whether the sign is `-`.
        negative: bool,
        /// What it is applied to.
        operand: Box<Node>,
    },
    /// `a + b`.
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    /// `a == b`.
    Comparison(Comparison, Box<Node>, Box<Node>),
    /// `a && b`.
    And(Box<Node>, Box<Node>),
    /// `a || b`.
    Or(Box<Node>, Box<Node>),
    /// `!(a)`.
    Not(Box<Node>),
    /// `(a) is unknown`.
    IsUnknown(Box<Node>),
    /// `exists (a)`.
    Exists(Box<Node>),
    /// `a starts with "b"` or `a starts with $b`.
    StartsWith(Box<Node>, Box<Primary>),
    /// `a like_regex "pattern" flag "i"`.
    LikeRegex {
        /// The text matched.
        operand: Box<Node>,
        /// The regular expression.
        pattern: String,
        /// The flags as written, without repetitions, in the order `ismxq`.
        flags: String,
    },
}

/// Where an accessor chain starts.
#[derive(Clone, Debug)]
pub enum Primary {
    /// `$`.
    Root,
    /// `@`.
    Current,
    /// `last`.
    Last,
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(Numeric),
    /// A string.
    String(String),
    /// `$name`.
    Variable(String),
    /// `(expression)` followed by accessors.
    Parenthesized(Node),
}

/// A step of a chain.
#[derive(Clone, Debug)]
pub enum Accessor {
    /// `.key`.
    Key(String),
    /// `.*`.
    AnyKey,
    /// `[*]`.
    AnyElement,
    /// `[a, b to c]`.
    Subscripts(Vec<(Node, Option<Node>)>),
    /// `.**{first to last}`; `u32::MAX` is `last`.
    Descend(u32, u32),
    /// `.size()` and other methods without argument.
    Method(Method),
    /// `.datetime("template")`.
    DateTime(Option<String>),
    /// `? (predicate)`.
    Filter(Node),
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// As it is written.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// A method without argument.
    Method {
        /// `.type()`.
        Type "type",
        /// `.size()`.
        Size "size",
        /// `.abs()`.
        Abs "abs",
        /// `.floor()`.
        Floor "floor",
        /// `.ceiling()`.
        Ceiling "ceiling",
        /// `.double()`.
        Double "double",
        /// `.keyvalue()`.
        KeyValue "keyvalue",
    }
}

words! {
    /// An arithmetic operator.
    Arithmetic {
        /// `+`.
        Add "+",
        /// `-`.
        Subtract "-",
        /// `*`.
        Multiply "*",
        /// `/`.
        Divide "/",
        /// `%`.
        Modulo "%",
    }
}

words! {
    /// A comparison operator.
    Comparison {
        /// `==`.
        Equal "==",
        /// `!=`, also written `<>`.
        NotEqual "!=",
        /// `<`.
        Less "<",
        /// `<=`.
        LessOrEqual "<=",
        /// `>`.
        Greater ">",
        /// `>=`.
        GreaterOrEqual ">=",
    }
}

impl JsonPath {
    /// Reads the text of a path that is one.
    pub fn parse(text: &str) -> Result<JsonPath> {
        parser::parse(text, &|_, _| Ok(()), true)
    }

    /// Reads a path that somebody has written; 42601 and 22P02 as `jsonpath_in` reports them, 2201B for what is no regular expression.
    pub fn input(text: &str, env: &dyn Env) -> Result<JsonPath> {
        parser::parse(text, &|pattern, flags| env.check_path_pattern(pattern, flags), false)
    }
}

#[cfg(test)]
mod tests;
