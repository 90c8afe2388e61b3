//! The declarations inside a document type: entities, attributes, elements, notations.

use super::Parser;
use super::declared;
use super::entity::Entity;
use super::{MAX_ENTITY_DEPTH, MAX_EXPANSION_BYTES};

/// Deepest nesting of parentheses in the content of an element's declaration.
const MAX_CONTENT_DEPTH: usize = 128;

impl Parser<'_> {
    /// Declarations up to `]`, or to the end of a parameter entity's text.
    pub(super) fn internal_subset(&mut self) {
        self.cursor.skip_spaces();
        while !self.halted && !self.cursor.at_end() && !self.cursor.is(']') {
            if self.cursor.starts_with("<!") || self.cursor.starts_with("<?") {
                self.markup_declaration();
            } else if self.cursor.is('%') {
                self.parameter_reference();
            } else {
                self.halt("internal error: xmlParseInternalSubset: error detected in Markup declaration\n");
            }
            self.cursor.skip_spaces();
        }
    }

    fn markup_declaration(&mut self) {
        let before = self.cursor.offset();
        let tree = std::mem::take(&mut self.tree);
        if self.cursor.starts_with("<?") {
            self.instruction();
        } else if self.cursor.starts_with("<!--") {
            self.comment();
        }
        // Comments and instructions of the document type are no nodes.
        self.tree = tree;
        if self.cursor.eat_str("<!ENTITY") {
            self.entity_declaration();
        } else if self.cursor.eat_str("<!ATTLIST") {
            self.attribute_declarations();
        } else if self.cursor.eat_str("<!ELEMENT") {
            self.element_declaration();
        } else if self.cursor.eat_str("<!NOTATION") {
            self.notation_declaration();
        }
        if self.cursor.offset() == before {
            self.halt("internal error: xmlParseInternalSubset: error detected in Markup declaration\n");
        }
    }

    /// `%name;`. What is declared outside of the document is not read.
    fn parameter_reference(&mut self) {
        self.cursor.bump();
        let Some(name) = self.name() else {
            self.error("PEReference: no name");
            return;
        };
        if !self.cursor.eat(';') {
            self.error("PEReference: expecting ';'");
            return;
        }
        self.has_unread_declarations = true;
        match self.entities.parameter(&name).cloned() {
            Some(Entity::Internal(text)) => self.declarations_of(&text),
            Some(_) => {}
            None if self.standalone => self.error(&format!("PEReference: %{name}; not found")),
            None => self.warning(&format!("PEReference: %{name}; not found")),
        }
    }

    fn declarations_of(&mut self, text: &str) {
        if self.entity_depth >= MAX_ENTITY_DEPTH || text.len() > MAX_EXPANSION_BYTES {
            self.halt("Detected an entity reference loop");
            return;
        }
        self.entity_depth += 1;
        self.in_text(text, |parser| {
            parser.internal_subset();
            if !parser.cursor.at_end() && !parser.halted {
                parser.halt("internal error: xmlParseInternalSubset: error detected in Markup declaration\n");
            }
        });
        self.entity_depth -= 1;
    }

    fn required_space(&mut self, message: &str) {
        if !self.cursor.skip_spaces() {
            self.error(message);
        }
    }

    fn entity_declaration(&mut self) {
        self.required_space("Space required after '<!ENTITY'");
        let parameter = self.cursor.eat('%');
        if parameter {
            self.required_space("Space required after '%'");
        }
        let Some(name) = self.name() else {
            self.error("xmlParseEntityDecl: no name");
            return;
        };
        self.required_space("Space required after the entity name");
        let entity = if self.cursor.is('"') || self.cursor.is('\'') {
            self.entity_value().map(Entity::Internal)
        } else if self.external_id(true) {
            self.external_entity(parameter)
        } else {
            self.error("Entity value required");
            None
        };
        self.cursor.skip_spaces();
        if !self.cursor.eat('>') {
            self.halt(&format!("xmlParseEntityDecl: entity {name} not terminated"));
            return;
        }
        let Some(entity) = entity else { return };
        if let (Entity::Internal(text), false) = (&entity, parameter) {
            self.tree.declare_entity(&name, text);
        }
        self.entities.declare(parameter, &name, entity);
    }

    /// What follows the place of an external entity: `NDATA notation` makes it unparsed.
    fn external_entity(&mut self, parameter: bool) -> Option<Entity> {
        let spaced = self.cursor.skip_spaces();
        if parameter || !self.cursor.starts_with("NDATA") {
            return Some(Entity::External);
        }
        if !spaced {
            self.error("Space required before 'NDATA'");
        }
        self.cursor.skip("NDATA".len());
        self.required_space("Space required after 'NDATA'");
        self.name().map(|_| Entity::Unparsed)
    }

    /// The text of an entity: references to characters are replaced, those to entities stay.
    fn entity_value(&mut self) -> Option<String> {
        let quote = self.cursor.peek()?;
        self.cursor.bump();
        let mut value = String::new();
        while let Some(c) = self.cursor.peek().filter(|c| *c != quote && !self.halted) {
            if self.cursor.starts_with("&#") {
                match self.character_reference() {
                    // A character that is markup must stay a reference, or it would be read as markup later.
                    Some(c @ ('&' | '<')) => value.push_str(&format!("&#{};", u32::from(c))),
                    Some(c) => value.push(c),
                    None => {}
                }
            } else if c == '%' {
                self.error("PEReference: forbidden within markup decl in internal subset");
                self.cursor.bump();
            } else if !crate::chars::is_char(c) {
                break;
            } else {
                value.push(c);
                self.cursor.bump();
            }
        }
        if !self.cursor.eat(quote) {
            self.error("EntityValue: \" expected");
            return None;
        }
        Some(super::cursor::normalize_lines(&value))
    }

    fn attribute_declarations(&mut self) {
        self.required_space("Space required after '<!ATTLIST'");
        let Some(element) = self.name() else {
            self.error("ATTLIST: no name for Element");
            return;
        };
        self.cursor.skip_spaces();
        while !self.halted && !self.cursor.at_end() && !self.cursor.is('>') {
            let Some((prefix, local)) = self.qname() else {
                self.error("ATTLIST: no name for Attribute");
                break;
            };
            self.required_space("Space required after the attribute name");
            let Some(kind) = self.attribute_type() else { break };
            self.required_space("Space required after the attribute type");
            if self.attribute_default().is_none() {
                break;
            }
            let tokenized = kind != "CDATA";
            if kind == "ID" {
                let name = prefix.as_ref().map_or(local.clone(), |prefix| format!("{prefix}:{local}"));
                self.tree.declare_id(&element, &name);
            }
            self.declare_attribute(&element, declared::Attribute { prefix, local, tokenized });
            if !self.cursor.is('>') {
                self.required_space("Space required after the attribute default value");
            }
        }
        self.cursor.eat('>');
    }

    fn attribute_type(&mut self) -> Option<String> {
        if self.cursor.is('(') {
            self.enumeration()?;
            return Some("ENUMERATION".to_owned());
        }
        let kinds = ["CDATA", "IDREFS", "IDREF", "ID", "ENTITY", "ENTITIES", "NMTOKENS", "NMTOKEN", "NOTATION"];
        let Some(kind) = kinds.into_iter().find(|kind| self.cursor.eat_str(kind)) else {
            self.error("'(' required to start ATTLIST enumeration");
            return None;
        };
        if kind == "NOTATION" {
            self.required_space("Space required after 'NOTATION'");
            self.enumeration()?;
        }
        Some(kind.to_owned())
    }

    /// `(a | b)`.
    fn enumeration(&mut self) -> Option<()> {
        if !self.cursor.eat('(') {
            self.error("'(' required to start 'NOTATION'");
            return None;
        }
        loop {
            self.cursor.skip_spaces();
            if self.nmtoken().is_none() {
                self.error("NmToken expected in ATTLIST enumeration");
                return None;
            }
            self.cursor.skip_spaces();
            if !self.cursor.eat('|') {
                break;
            }
        }
        if !self.cursor.eat(')') {
            self.error("')' required to finish ATTLIST enumeration");
            return None;
        }
        Some(())
    }

    /// `#REQUIRED`, `#IMPLIED`, or a value; `None` after an error.
    fn attribute_default(&mut self) -> Option<()> {
        if self.cursor.eat_str("#REQUIRED") || self.cursor.eat_str("#IMPLIED") {
            return Some(());
        }
        if self.cursor.eat_str("#FIXED") {
            self.required_space("Space required after '#FIXED'");
        }
        self.attribute_value(false).map(|_| ())
    }

    fn element_declaration(&mut self) {
        self.required_space("Space required after 'ELEMENT'");
        if self.name().is_none() {
            self.error("xmlParseElementDecl: no name for Element");
            return;
        }
        self.required_space("Space required after the element name");
        if self.cursor.is('(') {
            if self.content_model().is_none() {
                return;
            }
        } else if !self.cursor.eat_str("EMPTY") && !self.cursor.eat_str("ANY") {
            self.error("xmlParseElementDecl: 'EMPTY', 'ANY' or '(' expected");
            return;
        }
        self.cursor.skip_spaces();
        if !self.cursor.eat('>') {
            self.error("expected '>'");
        }
    }

    /// `(a, (b | c)*, d?)+`, which is looked at as far as its form goes: documents are not validated.
    fn content_model(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            self.cursor.skip_spaces();
            if self.cursor.eat('(') {
                depth += 1;
                if depth > MAX_CONTENT_DEPTH {
                    let limit = MAX_CONTENT_DEPTH;
                    self.halt(&format!("xmlParseElementChildrenContentDecl : depth {depth} too deep, limit {limit}"));
                    return None;
                }
                continue;
            }
            if !self.cursor.eat_str("#PCDATA") && self.name().is_none() {
                self.error("ContentDecl : Name or '(' expected");
                return None;
            }
            self.occurrence();
            self.cursor.skip_spaces();
            while self.cursor.eat(')') {
                depth -= 1;
                self.occurrence();
                if depth == 0 {
                    return Some(());
                }
                self.cursor.skip_spaces();
            }
            if !self.cursor.eat(',') && !self.cursor.eat('|') {
                self.error("ContentDecl : ',' '|' or ')' expected");
                return None;
            }
        }
    }

    fn occurrence(&mut self) {
        if self.cursor.peek().is_some_and(|c| matches!(c, '?' | '*' | '+')) {
            self.cursor.bump();
        }
    }

    fn notation_declaration(&mut self) {
        self.required_space("Space required after '<!NOTATION'");
        if self.name().is_none() {
            self.error("NOTATION: Name expected here");
            return;
        }
        self.required_space("Space required after the NOTATION name'");
        self.external_id(false);
        self.cursor.skip_spaces();
        if !self.cursor.eat('>') {
            self.error("'>' required to close NOTATION declaration");
        }
    }
}
