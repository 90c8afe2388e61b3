//! References to characters and entities.

use std::collections::HashMap;

use super::cursor::Cursor;
use super::{MAX_ENTITY_DEPTH, MAX_EXPANSION_BYTES, Parser};
use crate::chars::is_char;
use crate::entity::predefined;
use crate::problem::Severity;
use crate::tree::Kind;

const LOOP: &str = "Detected an entity reference loop";

/// What a document type declares a name to be.
#[derive(Clone)]
pub(super) enum Entity {
    /// Text of its own.
    Internal(String),
    /// Something elsewhere, which is never read.
    External,
    /// Something elsewhere that is not XML.
    Unparsed,
}

/// Declared entities, and how much of them has been used.
#[derive(Default)]
pub(super) struct Entities {
    general: HashMap<String, Entity>,
    parameter: HashMap<String, Entity>,
    /// Bytes that a reference to an entity stands for, of those whose text has been parsed.
    sizes: HashMap<String, usize>,
    expanded_bytes: usize,
}

impl Entities {
    /// Declares an entity; the first declaration of a name counts.
    pub fn declare(&mut self, parameter: bool, name: &str, entity: Entity) {
        let table = if parameter { &mut self.parameter } else { &mut self.general };
        table.entry(name.to_owned()).or_insert(entity);
    }

    pub fn parameter(&self, name: &str) -> Option<&Entity> {
        self.parameter.get(name)
    }
}

impl Parser<'_> {
    /// `&#65;`, `&#x41;` at the cursor; `None` after an error.
    pub(super) fn character_reference(&mut self) -> Option<char> {
        let hex = self.cursor.starts_with("&#x");
        self.cursor.skip(if hex { 3 } else { 2 });
        let radix = if hex { 16 } else { 10 };
        let mut code = 0u32;
        while !self.cursor.is(';') {
            match self.cursor.peek().and_then(|c| c.to_digit(radix)) {
                Some(digit) => code = (code * radix + digit).min(0x11_0000),
                None => {
                    let kind = if hex { "hexadecimal" } else { "decimal" };
                    self.error(&format!("CharRef: invalid {kind} value"));
                    code = 0;
                    break;
                }
            }
            self.cursor.bump();
        }
        self.cursor.eat(';');
        if code >= 0x11_0000 {
            self.error("xmlParseCharRef: character reference out of bounds");
            return None;
        }
        let found = char::from_u32(code).filter(|c| is_char(*c));
        if found.is_none() {
            self.error(&format!("xmlParseCharRef: invalid xmlChar value {code}"));
        }
        found
    }

    /// A reference between tags.
    pub(super) fn reference(&mut self) {
        if self.cursor.starts_with("&#") {
            if let Some(c) = self.character_reference() {
                self.tree.add_text(self.parent(), c.to_string());
            }
            return;
        }
        let Some(name) = self.entity_name() else { return };
        if let Some(c) = predefined(&name) {
            self.tree.add_text(self.parent(), c.to_string());
            return;
        }
        let entity = self.entity(&name, false);
        if !self.well_formed {
            return;
        }
        if let Some(Entity::Internal(text)) = &entity {
            self.check_entity(&name, text);
        }
        if let (Some(_), true) = (entity, self.well_formed) {
            let symbol = self.intern(&name);
            self.tree.add_child(self.parent(), Kind::EntityReference(symbol));
        }
    }

    /// A reference inside an attribute's value.
    pub(super) fn reference_in_value(&mut self, value: &mut String) {
        if self.cursor.starts_with("&#") {
            value.extend(self.character_reference());
            return;
        }
        let Some(name) = self.entity_name() else { return };
        if let Some(c) = predefined(&name) {
            value.push(c);
            return;
        }
        if let Some(Entity::Internal(text)) = self.entity(&name, true) {
            self.expand_in_value(&text, value);
        }
    }

    /// Appends the text of an entity to an attribute's value, references in it replaced.
    fn expand_in_value(&mut self, text: &str, value: &mut String) {
        self.entities.expanded_bytes += text.len();
        if self.entity_depth >= MAX_ENTITY_DEPTH || self.entities.expanded_bytes > MAX_EXPANSION_BYTES {
            self.halt(LOOP);
            return;
        }
        self.entity_depth += 1;
        self.in_text(text, |parser| {
            while let Some(c) = parser.cursor.peek().filter(|_| !parser.halted) {
                if c == '&' {
                    parser.reference_in_value(value);
                } else {
                    value.push(if crate::chars::is_space(c) { ' ' } else { c });
                    parser.cursor.bump();
                }
            }
        });
        self.entity_depth -= 1;
    }

    /// `&name;`.
    fn entity_name(&mut self) -> Option<String> {
        self.cursor.bump();
        let Some(name) = self.name() else {
            self.error("xmlParseEntityRef: no name");
            return None;
        };
        if !self.cursor.eat(';') {
            self.error("EntityRef: expecting ';'");
            return None;
        }
        Some(name)
    }

    /// The declaration of an entity; `None` after an error, or where its declaration may be in what is not read.
    fn entity(&mut self, name: &str, in_attribute: bool) -> Option<Entity> {
        let found = self.entities.general.get(name).cloned();
        match &found {
            None if self.has_unread_declarations && !self.standalone => {}
            None => self.error(&format!("Entity '{name}' not defined")),
            Some(Entity::Unparsed) => self.error(&format!("Entity reference to unparsed entity {name}")),
            Some(Entity::External) if in_attribute => {
                self.error(&format!("Attribute references external entity '{name}'"));
            }
            Some(Entity::Internal(text)) if in_attribute && text.contains('<') => {
                self.error(&format!("'<' in entity '{name}' is not allowed in attributes values"));
            }
            Some(_) => return found,
        }
        None
    }

    /// Parses an entity's text where it is used for the first time: it must be content by itself. Counts what it stands for.
    fn check_entity(&mut self, name: &str, text: &str) {
        if let Some(size) = self.entities.sizes.get(name) {
            self.entities.expanded_bytes = self.entities.expanded_bytes.saturating_add(*size);
        } else {
            let before = self.entities.expanded_bytes;
            if self.entity_depth >= MAX_ENTITY_DEPTH {
                self.halt(LOOP);
                return;
            }
            self.entities.expanded_bytes += text.len();
            self.parse_entity(name, text);
            let size = self.entities.expanded_bytes - before;
            self.entities.sizes.insert(name.to_owned(), size);
        }
        if self.entities.expanded_bytes > MAX_EXPANSION_BYTES && !self.halted {
            self.halt(LOOP);
        }
    }

    fn parse_entity(&mut self, name: &str, text: &str) {
        let tree = std::mem::take(&mut self.tree);
        let open = std::mem::take(&mut self.open);
        self.entity_depth += 1;
        self.in_text(text, |parser| parser.balanced_content());
        self.entity_depth -= 1;
        self.tree = tree;
        self.open = open;
        let failed = self.problems.iter().any(|problem| problem.severity == Severity::Error) && !self.well_formed;
        if failed && !self.halted {
            self.error(&format!("Entity '{name}' failed to parse"));
        }
    }

    /// Does something with another text at the cursor.
    pub(super) fn in_text(&mut self, text: &str, act: impl FnOnce(&mut Parser<'_>)) {
        let mut inner = Parser {
            cursor: Cursor::new(text),
            tree: std::mem::take(&mut self.tree),
            problems: std::mem::take(&mut self.problems),
            well_formed: self.well_formed,
            halted: self.halted,
            open: std::mem::take(&mut self.open),
            is_content: true,
            entities: std::mem::take(&mut self.entities),
            declared: std::mem::take(&mut self.declared),
            standalone: self.standalone,
            has_unread_declarations: self.has_unread_declarations,
            entity_depth: self.entity_depth,
        };
        act(&mut inner);
        self.tree = inner.tree;
        self.problems = inner.problems;
        self.well_formed = inner.well_formed;
        self.halted = inner.halted;
        self.open = inner.open;
        self.entities = inner.entities;
        self.declared = inner.declared;
        self.has_unread_declarations = inner.has_unread_declarations;
    }
}
