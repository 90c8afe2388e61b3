//! The parts of a document around its element: XML declaration, comments and instructions, document type.

use super::Parser;
use crate::chars::is_space;

impl Parser<'_> {
    /// The whole text.
    pub(super) fn document(&mut self) {
        if self.cursor.at_end() {
            self.error("Document is empty");
            return;
        }
        let after = self.cursor.rest().strip_prefix("<?xml");
        if after.is_some_and(|rest| rest.starts_with(is_space)) {
            self.xml_declaration();
            self.cursor.skip_spaces();
        }
        self.miscellaneous();
        if self.cursor.starts_with("<!DOCTYPE") {
            self.document_type();
            self.miscellaneous();
        }
        if self.halted {
            return;
        }
        if !self.cursor.is('<') {
            self.error("Start tag expected, '<' not found");
            return;
        }
        self.element();
        self.open.clear();
        self.miscellaneous();
        if !self.cursor.at_end() && !self.halted {
            self.error("Extra content at the end of the document");
        }
    }

    /// Comments, instructions and white space.
    fn miscellaneous(&mut self) {
        while !self.halted {
            if self.cursor.starts_with("<?") {
                self.instruction();
            } else if self.cursor.starts_with("<!--") {
                self.comment();
            } else if !self.cursor.skip_spaces() {
                return;
            }
        }
    }

    /// `<?xml version="1.0" encoding="…" standalone="…"?>`. The encoding does not matter: the text is decoded already.
    fn xml_declaration(&mut self) {
        self.cursor.skip("<?xml".len());
        self.cursor.skip_spaces();
        self.version();
        if !self.cursor.peek().is_some_and(is_space) {
            if self.cursor.eat_str("?>") {
                return;
            }
            self.error("Blank needed here");
        }
        self.cursor.skip_spaces();
        let encoding = self.pseudo_attribute("encoding");
        if encoding.is_some() && !self.cursor.peek().is_some_and(is_space) {
            if self.cursor.eat_str("?>") {
                return;
            }
            self.error("Blank needed here");
        }
        self.cursor.skip_spaces();
        match self.pseudo_attribute("standalone").as_deref() {
            Some("yes") => self.standalone = true,
            Some("no") | None => {}
            Some(_) => self.error("standalone accepts only 'yes' or 'no'"),
        }
        self.cursor.skip_spaces();
        if !self.cursor.eat_str("?>") {
            self.error("parsing XML declaration: '?>' expected");
            self.cursor.take_while(|c| c != '>');
            self.cursor.bump();
        }
    }

    fn version(&mut self) {
        let Some(version) = self.pseudo_attribute("version") else {
            self.error("Malformed declaration expecting version");
            return;
        };
        let message = format!("Unsupported version '{version}'");
        match version.as_str() {
            "1.0" => {}
            other if other.starts_with("1.") => self.warning(&message),
            _ => self.error(&message),
        }
    }

    /// `name = "value"` of the declaration, if it comes next.
    fn pseudo_attribute(&mut self, name: &str) -> Option<String> {
        if !self.cursor.eat_str(name) {
            return None;
        }
        self.cursor.skip_spaces();
        if !self.cursor.eat('=') {
            self.error("expected '='");
            return Some(String::new());
        }
        self.cursor.skip_spaces();
        let Some(quote) = self.cursor.peek().filter(|c| matches!(c, '"' | '\'')) else {
            self.error("String not started expecting ' or \"");
            return Some(String::new());
        };
        self.cursor.bump();
        let value = self.cursor.take_while(|c| c != quote && c != '<' && c != '?').to_owned();
        if !self.cursor.eat(quote) {
            self.error("String not closed expecting \" or '");
        }
        Some(value)
    }
}
