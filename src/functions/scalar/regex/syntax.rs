//! The tree of a regular expression, and the options it is read under.

use std::sync::Arc;

use dictdb_types::{Error, bail};

use super::class::CharSet;

/// Which of several possible lengths a node wants; nodes of fixed length want nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preference {
    None,
    Longest,
    Shortest,
}

/// A node. `id` numbers the nodes of a tree from zero.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) id: usize,
    pub(super) kind: Kind,
    pub(super) preference: Preference,
    /// Whether a capture is inside, so that dissection must look in.
    pub(super) captures: bool,
    /// Whether a back-reference is inside, so that the automaton only approximates this node.
    pub(super) back_references: bool,
}

/// What a node matches.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// The empty string.
    Empty,
    /// One character of a set.
    Set(Arc<CharSet>),
    /// One after the other.
    Concat(Vec<Node>),
    /// One of several.
    Alternate(Vec<Node>),
    /// `min` to `max` times.
    Repeat { node: Box<Node>, min: u32, max: Option<u32> },
    /// A parenthesis that captures, counted from 1.
    Capture(usize, Box<Node>),
    /// What a capture matched.
    BackReference(usize),
    /// A condition on the place.
    Assert(Assertion),
    /// A condition on what follows or precedes.
    Look { ahead: bool, negated: bool, node: Box<Node> },
}

/// A condition on a place between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordStart,
    WordEnd,
    WordEdge,
    NotWordEdge,
}

/// How a pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Options {
    /// Which of PostgreSQL's three syntaxes, or none at all.
    pub(super) flavor: Flavor,
    /// `i`.
    pub(super) ignore_case: bool,
    /// `.` and negated brackets do not match a newline (`n`, `p`).
    pub(super) newline_stops: bool,
    /// `^` and `$` match at lines (`n`, `w`).
    pub(super) newline_anchors: bool,
    /// `x`: blanks and comments do not count.
    pub(super) expanded: bool,
}

/// A syntax of patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Flavor {
    /// Advanced (`***:`), the default.
    Advanced,
    /// POSIX basic (`b`; in functions' flags `e` too).
    Basic,
    /// POSIX extended (`(?e)`).
    Extended,
    /// Literal text (`***=`, `q`).
    Literal,
}

impl Options {
    pub(super) const ADVANCED: Options = Options {
        flavor: Flavor::Advanced,
        ignore_case: false,
        newline_stops: false,
        newline_anchors: false,
        expanded: false,
    };

    /// Applies one option letter, as functions' `flags` and `(?…)` spell them; `false` if there is no such letter.
    pub(super) fn apply(&mut self, letter: char) -> bool {
        match letter {
            'b' => self.flavor = Flavor::Basic,
            'c' => self.ignore_case = false,
            'e' => self.flavor = Flavor::Extended,
            'i' => self.ignore_case = true,
            'm' | 'n' => (self.newline_stops, self.newline_anchors) = (true, true),
            'p' => (self.newline_stops, self.newline_anchors) = (true, false),
            'q' => self.flavor = Flavor::Literal,
            's' => (self.newline_stops, self.newline_anchors) = (false, false),
            't' => self.expanded = false,
            'w' => (self.newline_stops, self.newline_anchors) = (false, true),
            'x' => self.expanded = true,
            _ => return false,
        }
        true
    }
}

/// The `flags` argument of a function: options, and whether `g` is among them.
pub(super) fn parse_flags(flags: &str) -> Result<(Options, bool), Error> {
    let (mut options, mut global) = (Options::ADVANCED, false);
    for letter in flags.chars() {
        match letter {
            'g' => global = true,
            // PostgreSQL takes both syntaxes away there.
            'e' => options.flavor = Flavor::Basic,
            _ if options.apply(letter) => {}
            _ => bail!(INVALID_PARAMETER_VALUE, "invalid regular expression option: \"{letter}\""),
        }
    }
    Ok((options, global))
}
