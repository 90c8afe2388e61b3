//! From text to a tree, with everything that is wrong with the text.
//!
//! The parser goes on after an error where the document's structure is still clear, so that several problems are told at once;
//! after the first error the tree is of no use. Messages and the places they point to are those of libxml2 2.9, which
//! PostgreSQL shows its users in DETAIL lines.
//!
//! There is no recursion over the document: open elements are on a stack of their own. Nothing outside of the text is ever
//! read: external entities are empty. Limits are the constants below.

mod attribute;
mod content;
mod cursor;
mod declared;
mod doctype;
mod element;
mod entity;
mod name;
mod prolog;
mod subset;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::problem::{Domain, Problem, Severity};
use crate::tree::{Document, NodeId, Symbol};
use cursor::Cursor;
use entity::Entities;

/// Deepest nesting of elements.
pub const MAX_DEPTH: usize = 256;

/// Problems after which the rest of a text is not looked at.
const MAX_PROBLEMS: usize = 50;

/// Most bytes that references to entities may expand to in one document.
const MAX_EXPANSION_BYTES: usize = 10_000_000;

/// Deepest nesting of references to entities.
const MAX_ENTITY_DEPTH: usize = 40;

/// A parsed text. The tree is only good when no problem is an error.
#[derive(Debug)]
pub struct Parsed {
    /// The tree.
    pub document: Document,
    /// What is wrong, in the order of the text.
    pub problems: Vec<Problem>,
}

impl Parsed {
    /// Whether there is an error of a kind that the caller cares for.
    pub fn has_error(&self, with_namespaces: bool) -> bool {
        let counts = |problem: &&Problem| with_namespaces || problem.domain == Domain::WellFormedness;
        self.problems.iter().filter(counts).any(|problem| problem.severity == Severity::Error)
    }
}

/// Parses a document: prolog, one element, and what may follow it.
pub fn parse_document(text: &str) -> Parsed {
    let mut parser = Parser::new(text);
    parser.document();
    parser.finish()
}

/// Parses content: any sequence of elements, text, comments and instructions.
pub fn parse_content(text: &str) -> Parsed {
    let mut parser = Parser::new(text);
    parser.is_content = true;
    parser.balanced_content();
    parser.finish()
}

/// An element whose end tag has not come yet.
struct Open {
    node: NodeId,
    prefix: Option<String>,
    local: String,
    line: usize,
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    tree: Document,
    problems: Vec<Problem>,
    /// Whether no error of well-formedness has been found.
    well_formed: bool,
    /// Whether to read on at all.
    halted: bool,
    open: Vec<Open>,
    /// Whether the text is content.
    is_content: bool,
    entities: Entities,
    /// Declared attributes by element name as written.
    declared: HashMap<String, Vec<declared::Attribute>>,
    /// `standalone="yes"`.
    standalone: bool,
    /// Whether declarations may exist that are not read: an external subset or a parameter entity.
    has_unread_declarations: bool,
    /// Nesting of references to entities.
    entity_depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parser<'a> {
        Parser {
            cursor: Cursor::new(text),
            tree: Document::new(),
            problems: Vec::new(),
            well_formed: true,
            halted: false,
            open: Vec::new(),
            is_content: false,
            entities: Entities::default(),
            declared: HashMap::new(),
            standalone: false,
            has_unread_declarations: false,
            entity_depth: 0,
        }
    }

    fn finish(self) -> Parsed {
        Parsed { document: self.tree, problems: self.problems }
    }

    fn report(&mut self, domain: Domain, severity: Severity, message: &str) {
        let problem = Problem::at(domain, severity, message, self.cursor.text(), self.cursor.offset());
        self.problems.push(problem);
        self.halted |= self.problems.len() >= MAX_PROBLEMS;
    }

    /// The text is not well-formed.
    fn error(&mut self, message: &str) {
        self.well_formed = false;
        self.report(Domain::WellFormedness, Severity::Error, message);
    }

    fn warning(&mut self, message: &str) {
        self.report(Domain::WellFormedness, Severity::Warning, message);
    }

    /// A name is not as "Namespaces in XML" wants it.
    fn namespace_error(&mut self, message: &str) {
        self.report(Domain::Namespaces, Severity::Error, message);
    }

    /// An error after which nothing can be made of the rest.
    fn halt(&mut self, message: &str) {
        self.error(message);
        self.halted = true;
    }

    /// The node that content is added to.
    fn parent(&self) -> NodeId {
        self.open.last().map_or(self.tree.root(), |open| open.node)
    }

    fn intern(&mut self, name: &str) -> Symbol {
        self.tree.intern(name)
    }
}
