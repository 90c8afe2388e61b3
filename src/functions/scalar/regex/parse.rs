//! Reads a pattern into a [`Node`] tree: PostgreSQL's advanced and extended syntaxes (manual section 9.7.3).
//!
//! Bracket expressions and backslashes are read in `escape`, the basic syntax in `basic`.

use std::sync::Arc;

use super::class::CharSet;
use super::fault::Fault;
use super::syntax::{Assertion, Flavor, Kind, Node, Options, Preference};

/// Most repetitions that `{m,n}` may ask for.
const MAX_REPETITIONS: u32 = 255;
/// Deepest nesting of parentheses.
const MAX_DEPTH: usize = 200;

/// A pattern read.
pub(super) struct Parsed {
    pub(super) root: Node,
    /// Number of captures.
    pub(super) captures: usize,
    /// Number of nodes.
    pub(super) nodes: usize,
    /// Whether an automaton over the tree decides matches exactly: no back-reference and no look-around.
    pub(super) regular: bool,
    pub(super) options: Options,
}

/// Reads `pattern`. Its own prefix (`***=`, `(?i)`) goes over `options`.
pub(super) fn parse(pattern: &str, options: Options) -> Result<Parsed, Fault> {
    let mut parser = Parser {
        chars: pattern.chars().collect(),
        at: 0,
        options,
        nodes: 0,
        captures: 0,
        closed: vec![],
        depth: 0,
        in_look: false,
        regular: true,
    };
    parser.prefix()?;
    let root = match parser.options.flavor {
        Flavor::Literal => parser.literal(),
        Flavor::Basic => parser.basic_branch()?,
        Flavor::Advanced | Flavor::Extended => parser.alternation()?,
    };
    if parser.at < parser.chars.len() {
        return Err(Fault::Parentheses);
    }
    Ok(Parsed {
        root,
        captures: parser.captures,
        nodes: parser.nodes,
        regular: parser.regular,
        options: parser.options,
    })
}

pub(super) struct Parser {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    pub(super) options: Options,
    nodes: usize,
    captures: usize,
    /// Captures whose parenthesis is closed: what a back-reference may name.
    pub(super) closed: Vec<usize>,
    depth: usize,
    in_look: bool,
    regular: bool,
}

/// How often an atom repeats.
pub(super) struct Quantifier {
    pub(super) min: u32,
    pub(super) max: Option<u32>,
    /// Written `{m}`, which has its atom's preference where every other quantifier has its own.
    pub(super) exact: bool,
}

/// What a piece of a branch may be followed by.
enum Atom {
    Quantifiable(Node),
    Constraint(Node),
}

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c))
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    pub(super) fn node(&mut self, kind: Kind) -> Node {
        let id = self.nodes;
        self.nodes += 1;
        Node::new(id, kind)
    }

    pub(super) fn set(&mut self, mut set: CharSet) -> Node {
        if self.options.ignore_case {
            set.fold_case();
        }
        set.normalize();
        self.node(Kind::Set(Arc::new(set)))
    }

    /// Reads what can only stand at the start: `***` directors and embedded options.
    fn prefix(&mut self) -> Result<(), Fault> {
        if self.options.flavor == Flavor::Literal {
            return Ok(());
        }
        if self.eat("***") {
            if self.eat("=") {
                self.options.flavor = Flavor::Literal;
                return Ok(());
            }
            if !self.eat(":") {
                return Err(Fault::Quantifier);
            }
            self.options.flavor = Flavor::Advanced;
        }
        let letter = self.chars.get(self.at + 2).is_some_and(char::is_ascii_alphabetic);
        if self.options.flavor != Flavor::Advanced || !self.looking_at("(?") || !letter {
            return Ok(());
        }
        self.at += 2;
        while let Some(c) = self.peek() {
            self.at += 1;
            if c == ')' {
                return Ok(());
            }
            if !self.options.apply(c) {
                break;
            }
        }
        Err(Fault::EmbeddedOption)
    }

    /// The whole pattern as text.
    fn literal(&mut self) -> Node {
        let chars = self.chars[self.at..].to_vec();
        self.at = self.chars.len();
        let items = chars.into_iter().map(|c| self.set(CharSet::single(c))).collect();
        self.node(Kind::Concat(items))
    }

    fn alternation(&mut self) -> Result<Node, Fault> {
        let mut branches = vec![self.branch()?];
        while self.eat("|") {
            branches.push(self.branch()?);
        }
        Ok(match branches.pop() {
            Some(only) if branches.is_empty() => only,
            last => {
                branches.extend(last);
                self.node(Kind::Alternate(branches))
            }
        })
    }

    fn branch(&mut self) -> Result<Node, Fault> {
        let mut items = vec![];
        loop {
            self.skip_blanks();
            match self.peek() {
                None | Some('|') | Some(')') => break,
                Some(_) => items.push(self.quantified()?),
            }
        }
        Ok(self.one_after_the_other(items))
    }

    /// What items are that follow each other.
    pub(super) fn one_after_the_other(&mut self, mut items: Vec<Node>) -> Node {
        match items.pop() {
            None => self.node(Kind::Empty),
            Some(only) if items.is_empty() => only,
            Some(last) => {
                items.push(last);
                self.node(Kind::Concat(items))
            }
        }
    }

    /// Blanks and comments of expanded syntax, and `(?#…)`.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            let start = self.at;
            if self.options.expanded {
                while self.peek().is_some_and(|c| matches!(c, '\t'..='\r' | ' ')) {
                    self.at += 1;
                }
                if self.peek() == Some('#') {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
            }
            if self.options.flavor == Flavor::Advanced && self.looking_at("(?#") {
                while self.peek().is_some_and(|c| c != ')') {
                    self.at += 1;
                }
                self.at = (self.at + 1).min(self.chars.len());
            }
            if self.at == start {
                return;
            }
        }
    }

    fn quantified(&mut self) -> Result<Node, Fault> {
        let atom = self.atom()?;
        self.skip_blanks();
        let Some(quantifier) = self.quantifier()? else {
            return Ok(match atom {
                Atom::Quantifiable(node) | Atom::Constraint(node) => node,
            });
        };
        let Atom::Quantifiable(node) = atom else { return Err(Fault::Quantifier) };
        let reluctant = self.options.flavor == Flavor::Advanced && self.eat("?");
        self.skip_blanks();
        if self.starts_quantifier() {
            return Err(Fault::Quantifier);
        }
        Ok(self.repeated(node, quantifier, reluctant))
    }

    /// An atom under a quantifier.
    pub(super) fn repeated(&mut self, node: Node, quantifier: Quantifier, reluctant: bool) -> Node {
        let preference = match (quantifier.exact, reluctant) {
            (true, _) => node.preference,
            (false, true) => Preference::Shortest,
            (false, false) => Preference::Longest,
        };
        let kind = Kind::Repeat { node: Box::new(node), min: quantifier.min, max: quantifier.max };
        let mut repeat = self.node(kind);
        repeat.preference = preference;
        repeat
    }

    fn starts_quantifier(&self) -> bool {
        match self.peek() {
            Some('*' | '+' | '?') => true,
            Some('{') => self.chars.get(self.at + 1).is_some_and(char::is_ascii_digit),
            _ => false,
        }
    }

    fn quantifier(&mut self) -> Result<Option<Quantifier>, Fault> {
        let (min, max) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') if self.starts_quantifier() => {
                self.at += 1;
                return self.bounds("}").map(Some);
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(Quantifier { min, max, exact: false }))
    }

    /// `m}`, `m,}` or `m,n}`, with what closes them.
    pub(super) fn bounds(&mut self, closing: &str) -> Result<Quantifier, Fault> {
        if self.peek().is_none() {
            return Err(Fault::Braces);
        }
        let min = self.number()?.ok_or(Fault::RepetitionCount)?;
        let exact = !self.eat(",");
        let max = if exact { Some(min) } else { self.number()? };
        if self.peek().is_none() {
            return Err(Fault::Braces);
        }
        if !self.eat(closing) {
            return Err(Fault::RepetitionCount);
        }
        if max.is_some_and(|max| min > max) {
            return Err(Fault::RepetitionCount);
        }
        Ok(Quantifier { min, max, exact })
    }

    fn number(&mut self) -> Result<Option<u32>, Fault> {
        let mut value = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let next = value.unwrap_or(0) * 10 + digit;
            if next > MAX_REPETITIONS {
                return Err(Fault::RepetitionCount);
            }
            value = Some(next);
            self.at += 1;
        }
        Ok(value)
    }

    fn atom(&mut self) -> Result<Atom, Fault> {
        let Some(c) = self.peek() else { return Err(Fault::Quantifier) };
        self.at += 1;
        let options = self.options;
        let assertion = |kind| Kind::Assert(kind);
        Ok(match c {
            '(' => self.parenthesis()?,
            '[' if self.eat("[:<:]]") => Atom::Constraint(self.node(assertion(Assertion::WordStart))),
            '[' if self.eat("[:>:]]") => Atom::Constraint(self.node(assertion(Assertion::WordEnd))),
            '[' => {
                let set = self.bracket()?;
                Atom::Quantifiable(self.node(Kind::Set(Arc::new(set))))
            }
            '.' => Atom::Quantifiable(self.any_character()),
            '^' if options.newline_anchors => Atom::Constraint(self.node(assertion(Assertion::LineStart))),
            '^' => Atom::Constraint(self.node(assertion(Assertion::TextStart))),
            '$' if options.newline_anchors => Atom::Constraint(self.node(assertion(Assertion::LineEnd))),
            '$' => Atom::Constraint(self.node(assertion(Assertion::TextEnd))),
            '\\' => self.backslash()?,
            '*' | '+' | '?' => return Err(Fault::Quantifier),
            '{' if self.peek().is_some_and(|c| c.is_ascii_digit()) => return Err(Fault::Quantifier),
            c => Atom::Quantifiable(self.set(CharSet::single(c))),
        })
    }

    fn backslash(&mut self) -> Result<Atom, Fault> {
        use super::escape::Escape;
        Ok(match self.escape()? {
            Escape::Char(c) => Atom::Quantifiable(self.set(CharSet::single(c))),
            Escape::Set(set) => Atom::Quantifiable(self.node(Kind::Set(Arc::new(set)))),
            Escape::Assert(assertion) => Atom::Constraint(self.node(Kind::Assert(assertion))),
            Escape::BackReference(number) => Atom::Quantifiable(self.back_reference(number)?),
        })
    }

    pub(super) fn back_reference(&mut self, number: usize) -> Result<Node, Fault> {
        if !self.closed.contains(&number) || self.in_look {
            return Err(Fault::BackReference);
        }
        self.regular = false;
        Ok(self.node(Kind::BackReference(number)))
    }

    /// `.`
    pub(super) fn any_character(&mut self) -> Node {
        let mut set = CharSet::all();
        if self.options.newline_stops {
            set.remove('\n');
        }
        self.node(Kind::Set(Arc::new(set)))
    }

    fn parenthesis(&mut self) -> Result<Atom, Fault> {
        if self.options.flavor == Flavor::Advanced && self.eat("?") {
            return self.deeper(Self::special_parenthesis);
        }
        if self.in_look {
            return Ok(Atom::Quantifiable(self.deeper(Self::closing)?));
        }
        self.capture(Self::alternation, ")").map(Atom::Quantifiable)
    }

    /// What is in parentheses that capture it, with the closing one.
    pub(super) fn capture(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Node, Fault>,
        closing: &str,
    ) -> Result<Node, Fault> {
        self.captures += 1;
        let number = self.captures;
        let inner = self.deeper(inner)?;
        if !self.eat(closing) {
            return Err(Fault::Parentheses);
        }
        self.closed.push(number);
        Ok(self.node(Kind::Capture(number, Box::new(inner))))
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::TooComplex);
        }
        let read = read(self)?;
        self.depth -= 1;
        Ok(read)
    }

    fn special_parenthesis(&mut self) -> Result<Atom, Fault> {
        if self.eat(":") {
            return Ok(Atom::Quantifiable(self.closing()?));
        }
        let look = [("=", true, false), ("!", true, true), ("<=", false, false), ("<!", false, true)];
        for (sign, ahead, negated) in look {
            if self.eat(sign) {
                let outer = std::mem::replace(&mut self.in_look, true);
                let node = Box::new(self.closing()?);
                self.in_look = outer;
                self.regular = false;
                return Ok(Atom::Constraint(self.node(Kind::Look { ahead, negated, node })));
            }
        }
        Err(Fault::Quantifier)
    }

    fn closing(&mut self) -> Result<Node, Fault> {
        let inner = self.alternation()?;
        if self.eat(")") { Ok(inner) } else { Err(Fault::Parentheses) }
    }
}

impl Node {
    /// A node with what follows from its children; a repetition's preference is set by its quantifier.
    fn new(id: usize, kind: Kind) -> Node {
        let (preference, captures, back_references) = match &kind {
            Kind::Concat(items) => {
                let first = items.iter().map(|item| item.preference).find(|p| *p != Preference::None);
                let captures = items.iter().any(|item| item.captures);
                (first.unwrap_or(Preference::None), captures, items.iter().any(|item| item.back_references))
            }
            Kind::Alternate(branches) => {
                let captures = branches.iter().any(|branch| branch.captures);
                (Preference::Longest, captures, branches.iter().any(|branch| branch.back_references))
            }
            Kind::Repeat { node, .. } => (node.preference, node.captures, node.back_references),
            Kind::Capture(_, node) => (node.preference, true, node.back_references),
            Kind::BackReference(_) => (Preference::None, false, true),
            Kind::Empty | Kind::Set(_) | Kind::Assert(_) | Kind::Look { .. } => (Preference::None, false, false),
        };
        Node { id, kind, preference, captures, back_references }
    }
}
