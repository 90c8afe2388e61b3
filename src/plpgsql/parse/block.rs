//! Blocks: DECLARE, BEGIN, EXCEPTION, END.

use std::sync::Arc;

use dictdb_parser::LexemeKind;
use dictdb_types::{Result, SqlState, Type, oids};

use super::Parser;
use crate::names::{LabelKind, with_label};
use crate::tree::{Block, Condition, Exceptions, Handler, Statement};

impl Parser<'_> {
    /// A block with its label already read, if it has one; up to END and its label.
    pub(super) fn block(&mut self, label: Option<Arc<str>>) -> Result<Block> {
        let label = match label {
            Some(label) => Some(label),
            None => self.label()?,
        };
        let outer = self.names.clone();
        self.names = with_label(&outer, label.clone(), LabelKind::Block);
        let declared = match self.eat_word("declare") {
            true => self.declarations()?,
            false => Vec::new(),
        };
        self.expect_word("begin")?;
        let body = self.statements()?;
        let exceptions = match self.eat_word("exception") {
            true => Some(self.exceptions()?),
            false => None,
        };
        self.expect_word("end")?;
        self.names = outer;
        self.end_label(label.as_ref())?;
        Ok(Block { label: self.label_number(label), declared, body, exceptions })
    }

    /// Statements up to a word that ends them.
    pub(super) fn statements(&mut self) -> Result<Vec<Statement>> {
        let mut statements = Vec::new();
        while !self.is_any_word(&["end", "exception", "when", "else", "elsif", "elseif"]) {
            if self.is_end() {
                return Err(self.unexpected());
            }
            if let Some(statement) = self.nested(Self::statement)? {
                statements.push(statement);
            }
        }
        Ok(statements)
    }

    fn exceptions(&mut self) -> Result<Exceptions> {
        let outer = self.names.clone();
        let sqlstate = self.new_variable("sqlstate", Type::new(oids::TEXT), 0);
        self.visible("sqlstate", sqlstate);
        let sqlerrm = self.new_variable("sqlerrm", Type::new(oids::TEXT), 0);
        self.visible("sqlerrm", sqlerrm);
        let mut handlers = Vec::new();
        while self.eat_word("when") {
            let mut conditions = self.conditions()?;
            while self.eat_word("or") {
                conditions.extend(self.conditions()?);
            }
            self.expect_word("then")?;
            handlers.push(Handler { conditions, body: self.statements()? });
        }
        if handlers.is_empty() {
            return Err(self.unexpected());
        }
        self.names = outer;
        Ok(Exceptions { handlers, sqlstate, sqlerrm })
    }

    /// A condition name, which may stand for several codes, or SQLSTATE and a code.
    fn conditions(&mut self) -> Result<Vec<Condition>> {
        let name = self.name()?;
        if &*name == "sqlstate" {
            let LexemeKind::String(code) = self.peek().kind.clone() else { return Err(self.unexpected()) };
            let Some(code) = SqlState::parse(&code) else { return Err(self.near("invalid SQLSTATE code")) };
            self.advance();
            return Ok(vec![Condition::Code(code)]);
        }
        if &*name == "others" {
            return Ok(vec![Condition::Others]);
        }
        let codes: Vec<Condition> = SqlState::of_error_condition(&name).map(Condition::Code).collect();
        if codes.is_empty() {
            let message = format!("unrecognized exception condition \"{name}\"");
            return Err(self.unplaced(SqlState::UNDEFINED_OBJECT, message));
        }
        Ok(codes)
    }
}
