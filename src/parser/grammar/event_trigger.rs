//! `CREATE` and `ALTER EVENT TRIGGER`.

use dictdb_types::Result;
use sqlparser::ast::ObjectName;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{AlterEventTrigger, CreateEventTrigger, FiringMode, ObjectKind, ObjectRef, Utility};

impl Parser<'_> {
    /// `CREATE EVENT TRIGGER …`, after `EVENT`.
    pub(super) fn create_event_trigger(&mut self) -> Result<Utility> {
        self.expect_word(K::Trigger)?;
        let name = self.col_id()?;
        self.expect_word(K::On)?;
        let event = self.col_label()?;
        let mut filters = Vec::new();
        if self.eat_word(K::When) {
            loop {
                let variable = self.col_id()?;
                self.expect_word(K::In)?;
                filters.push((variable, self.in_parens(Self::string)?));
                if !self.eat_word(K::And) {
                    break;
                }
            }
        }
        self.expect_word(K::Execute)?;
        self.advance_if_any(&[K::Function, K::Procedure])?;
        let function = self.function_name()?;
        self.expect(Kind::LeftParen)?;
        self.expect(Kind::RightParen)?;
        Ok(Utility::CreateEventTrigger(CreateEventTrigger { name, event, filters, function }))
    }

    /// `ALTER EVENT TRIGGER …`, after `EVENT`.
    pub(super) fn alter_event_trigger(&mut self) -> Result<Utility> {
        self.expect_word(K::Trigger)?;
        let name = self.col_id()?;
        let mode = match self.keyword() {
            K::Enable => {
                self.advance();
                let words = [(K::Replica, FiringMode::EnableReplica), (K::Always, FiringMode::EnableAlways)];
                self.eat_one_of(&words).unwrap_or(FiringMode::Enable)
            }
            K::Disable => {
                self.advance();
                FiringMode::Disable
            }
            K::Rename | K::Owner => {
                let name = ObjectRef::Name(ObjectName::from(vec![name]));
                return self.alter_definition(ObjectKind::EventTrigger, name);
            }
            _ => return Err(self.unexpected()),
        };
        Ok(Utility::AlterEventTrigger(AlterEventTrigger { name, mode }))
    }
}
