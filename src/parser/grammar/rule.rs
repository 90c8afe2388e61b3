//! `CREATE RULE` and `ALTER RULE`.

use dictdb_types::Result;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::statement::Statement;
use crate::token::Kind;
use crate::utility::{CreateRule, ObjectKind, ObjectRef, Rename, RuleEvent, Utility};

impl Parser<'_> {
    /// `CREATE [OR REPLACE] RULE …`, after `RULE`.
    pub(super) fn create_rule(&mut self, or_replace: bool) -> Result<Utility> {
        let name = self.col_id()?;
        self.expect_words(&[K::As, K::On])?;
        let event = match self.advance_if_any(&[K::Select, K::Insert, K::Update, K::Delete])? {
            K::Select => RuleEvent::Select,
            K::Insert => RuleEvent::Insert,
            K::Update => RuleEvent::Update,
            _ => RuleEvent::Delete,
        };
        self.expect_word(K::To)?;
        let table = self.qualified_name()?;
        let condition = match self.eat_word(K::Where) {
            true => Some(self.source_expr(|parser| parser.nested(Self::expr))?),
            false => None,
        };
        self.expect_word(K::Do)?;
        let instead = self.eat_word(K::Instead);
        if !instead {
            self.eat_word(K::Also);
        }
        let (actions, last_text) = self.rule_actions()?;
        let rule = CreateRule { name, or_replace, event, table, condition, instead, actions, last_text };
        Ok(Utility::CreateRule(Box::new(rule)))
    }

    /// `NOTHING`, one statement, or several in parentheses, some of which may be empty; with the text of the last.
    fn rule_actions(&mut self) -> Result<(Vec<Statement>, String)> {
        if self.eat_word(K::Nothing) {
            return Ok((Vec::new(), String::new()));
        }
        if !self.eat(Kind::LeftParen) {
            let start = self.start();
            let action = self.rule_action()?;
            return Ok((vec![action], self.text_since(start).to_owned()));
        }
        let (mut actions, mut text) = (Vec::new(), String::new());
        loop {
            if !matches!(self.kind(), Kind::Semicolon | Kind::RightParen) {
                let start = self.start();
                actions.push(self.rule_action()?);
                text = self.text_since(start).to_owned();
            }
            if self.eat(Kind::RightParen) {
                return Ok((actions, text));
            }
            self.expect(Kind::Semicolon)?;
        }
    }

    /// `RuleActionStmt`.
    fn rule_action(&mut self) -> Result<Statement> {
        let fits = (self.starts_sql() && !self.is_word(K::Merge)) || self.is_word(K::Notify);
        if fits { self.nested(Self::statement) } else { Err(self.unexpected()) }
    }

    /// `ALTER RULE name ON table RENAME TO name`, after `RULE`.
    pub(super) fn alter_rule(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        self.expect_word(K::On)?;
        let table = self.qualified_name()?;
        self.expect_words(&[K::Rename, K::To])?;
        Ok(Utility::Rename(Rename::new(ObjectKind::Rule, ObjectRef::On(name, table), self.col_id()?)))
    }
}
