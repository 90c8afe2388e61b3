//! `<!DOCTYPE name SYSTEM "…" [ … ]>`.

use super::Parser;
use crate::chars::is_public_id;
use crate::tree::Kind;

impl Parser<'_> {
    pub(super) fn document_type(&mut self) {
        let start = self.cursor.offset();
        self.cursor.skip("<!DOCTYPE".len());
        self.cursor.skip_spaces();
        if self.name().is_none() {
            self.error("xmlParseDocTypeDecl : no DOCTYPE name !");
        }
        self.cursor.skip_spaces();
        self.has_unread_declarations |= self.external_id(true);
        self.cursor.skip_spaces();
        if self.cursor.eat('[') {
            self.internal_subset();
            if self.halted {
                return;
            }
            if self.cursor.eat(']') {
                self.cursor.skip_spaces();
            }
        }
        if !self.cursor.is('>') {
            self.error("DOCTYPE improperly terminated");
            return;
        }
        self.cursor.bump();
        let text = self.cursor.text()[start..self.cursor.offset()].into();
        self.tree.add_child(self.tree.root(), Kind::DocumentType(text));
    }

    /// `SYSTEM "uri"` or `PUBLIC "id" "uri"`; whether there is one. Where it need not be whole, the uri may be missing.
    pub(super) fn external_id(&mut self, whole: bool) -> bool {
        if self.cursor.eat_str("SYSTEM") {
            if !self.cursor.skip_spaces() {
                self.error("Space required after 'SYSTEM'");
            }
            if self.literal(|_| true).is_none() {
                self.error("SystemLiteral \" or ' expected");
            }
            return true;
        }
        if !self.cursor.eat_str("PUBLIC") {
            return false;
        }
        if !self.cursor.skip_spaces() {
            self.error("Space required after 'PUBLIC'");
        }
        if self.literal(is_public_id).is_none() {
            self.error("PubidLiteral \" or ' expected");
        }
        let spaced = self.cursor.skip_spaces();
        let quoted = self.cursor.is('"') || self.cursor.is('\'');
        if !whole && !quoted {
            return true;
        }
        if !spaced {
            self.error("Space required after the Public Identifier");
        }
        if self.literal(|_| true).is_none() {
            self.error("SystemLiteral \" or ' expected");
        }
        true
    }

    /// Characters in quotes; `None` when there is no opening quote.
    pub(super) fn literal(&mut self, allowed: fn(char) -> bool) -> Option<String> {
        let quote = self.cursor.peek().filter(|c| matches!(c, '"' | '\''))?;
        self.cursor.bump();
        let text = self.cursor.take_while(|c| c != quote && allowed(c)).to_owned();
        if !self.cursor.eat(quote) {
            self.error("Unfinished System or Public ID \" or ' expected");
        }
        Some(text)
    }
}
