//! `CREATE TRIGGER`.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::Ident;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{CreateTrigger, SourceExpr, TriggerEvent, TriggerTiming, Utility};

impl Parser<'_> {
    /// `CREATE [OR REPLACE] [CONSTRAINT] TRIGGER …`, after `TRIGGER`.
    pub(super) fn create_trigger(&mut self, or_replace: bool, constraint: bool) -> Result<Utility> {
        let name = self.col_id()?;
        let timing = self.trigger_timing(constraint)?;
        let events = self.trigger_events()?;
        self.expect_word(K::On)?;
        let table = self.qualified_name()?;
        let mut trigger = CreateTrigger {
            or_replace,
            constraint,
            name,
            table,
            timing,
            events,
            row: false,
            transitions: Vec::new(),
            when: None,
            from: None,
            deferrable: false,
            initially_deferred: false,
            function: sqlparser::ast::ObjectName(Vec::new()),
            args: Vec::new(),
        };
        if constraint {
            trigger.from = if self.eat_word(K::From) { Some(self.qualified_name()?) } else { None };
            let attributes = self.constraint_attributes("TRIGGER")?;
            trigger.deferrable = attributes.deferrable.unwrap_or(false);
            trigger.initially_deferred = attributes.initially_deferred.unwrap_or(false);
            self.expect_words(&[K::For, K::Each, K::Row])?;
            trigger.row = true;
        } else {
            if self.eat_word(K::Referencing) {
                trigger.transitions = self.transitions()?;
            }
            if self.eat_word(K::For) {
                self.eat_word(K::Each);
                trigger.row = self.advance_if_any(&[K::Row, K::Statement])? == K::Row;
            }
        }
        trigger.when = self.trigger_condition()?;
        self.expect_word(K::Execute)?;
        self.advance_if_any(&[K::Function, K::Procedure])?;
        trigger.function = self.function_name()?;
        trigger.args = self.trigger_args()?;
        if or_replace && constraint {
            let message = "CREATE OR REPLACE CONSTRAINT TRIGGER is not supported";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(Utility::CreateTrigger(Box::new(trigger)))
    }

    fn trigger_timing(&mut self, constraint: bool) -> Result<TriggerTiming> {
        if constraint {
            self.expect_word(K::After)?;
            return Ok(TriggerTiming::After);
        }
        Ok(match self.advance_if_any(&[K::Before, K::After, K::Instead])? {
            K::Before => TriggerTiming::Before,
            K::After => TriggerTiming::After,
            _ => {
                self.expect_word(K::Of)?;
                TriggerTiming::InsteadOf
            }
        })
    }

    /// `event OR event …`, each at most once.
    fn trigger_events(&mut self) -> Result<Vec<TriggerEvent>> {
        let mut events: Vec<TriggerEvent> = Vec::new();
        loop {
            let token = self.peek();
            let event = match self.advance_if_any(&[K::Insert, K::Update, K::Delete, K::Truncate])? {
                K::Insert => TriggerEvent::Insert,
                K::Delete => TriggerEvent::Delete,
                K::Truncate => TriggerEvent::Truncate,
                _ if self.eat_word(K::Of) => TriggerEvent::Update(self.list(Self::col_id)?),
                _ => TriggerEvent::Update(Vec::new()),
            };
            let same = |other: &TriggerEvent| std::mem::discriminant(other) == std::mem::discriminant(&event);
            if events.iter().any(same) {
                // Only behind UPDATE is the next token looked at.
                let token = if matches!(event, TriggerEvent::Update(_)) { self.peek() } else { token };
                return Err(self.near("duplicate trigger events specified", token));
            }
            events.push(event);
            if !self.eat_word(K::Or) {
                return Ok(events);
            }
        }
    }

    /// `NEW TABLE AS name` and so on.
    fn transitions(&mut self) -> Result<Vec<(bool, bool, Ident)>> {
        let mut transitions = Vec::new();
        loop {
            let new = self.advance_if_any(&[K::New, K::Old])? == K::New;
            let table = self.advance_if_any(&[K::Table, K::Row])? == K::Table;
            self.eat_word(K::As);
            transitions.push((new, table, self.col_id()?));
            if !self.is_any(&[K::New, K::Old]) {
                return Ok(transitions);
            }
        }
    }

    /// `WHEN (…)`.
    pub(super) fn trigger_condition(&mut self) -> Result<Option<SourceExpr>> {
        if !self.eat_word(K::When) {
            return Ok(None);
        }
        self.expect(Kind::LeftParen)?;
        let condition = self.source_expr(|parser| parser.nested(Self::expr))?;
        self.expect(Kind::RightParen)?;
        Ok(Some(condition))
    }

    fn trigger_args(&mut self) -> Result<Vec<String>> {
        self.expect(Kind::LeftParen)?;
        let mut args = Vec::new();
        while !self.is(Kind::RightParen) {
            args.push(match self.kind() {
                Kind::Integer | Kind::Float => {
                    let token = self.advance();
                    self.text(token).to_owned()
                }
                _ if self.is_string() => self.string()?,
                _ => self.col_label()?.value,
            });
            if !self.eat(Kind::Comma) {
                break;
            }
            if self.is(Kind::RightParen) {
                return Err(self.unexpected());
            }
        }
        self.expect(Kind::RightParen)?;
        Ok(args)
    }
}
