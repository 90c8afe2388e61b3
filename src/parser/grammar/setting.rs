//! `SET`, `RESET`, `SHOW`, `DISCARD`, `ALTER SYSTEM`.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::ObjectName;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{Discard, Set, SetAction, SetConstraints, SetScope, SetValue, Show, Utility};

/// Settings that `RESET` and `SHOW` know under several words.
const PHRASES: &[(&[K], &str)] = &[
    (&[K::Time, K::Zone], "timezone"),
    (&[K::Transaction, K::Isolation, K::Level], "transaction_isolation"),
    (&[K::Session, K::Authorization], "session_authorization"),
];

impl Parser<'_> {
    /// `SET …`.
    pub(super) fn set_statement(&mut self) -> Result<Utility> {
        self.advance();
        let assigned =
            matches!(self.nth(1).kind, Kind::Equal | Kind::Dot) || matches!(self.nth(1).keyword, K::To | K::From);
        if self.is_word(K::Constraints) && !assigned {
            return self.set_constraints();
        }
        let scope = match self.keyword() {
            K::Local if !assigned => {
                self.advance();
                SetScope::Local
            }
            K::Session if !assigned && !matches!(self.nth(1).keyword, K::Authorization | K::Characteristics) => {
                self.advance();
                SetScope::Session
            }
            _ => SetScope::Session,
        };
        Ok(Utility::Set(Set { scope, action: self.set_rest()? }))
    }

    /// `set_rest`.
    fn set_rest(&mut self) -> Result<SetAction> {
        let assigned = matches!(self.nth(1).kind, Kind::Equal | Kind::Dot) || self.nth(1).keyword == K::To;
        if !assigned {
            if self.is_word(K::Transaction) && self.nth(1).keyword != K::Snapshot {
                self.advance();
                return Ok(SetAction::Transaction { session: false, modes: self.transaction_modes()? });
            }
            if self.are_words(&[K::Session, K::Characteristics]) {
                self.at += 2;
                self.expect_words(&[K::As, K::Transaction])?;
                return Ok(SetAction::Transaction { session: true, modes: self.transaction_modes()? });
            }
        }
        self.set_rest_more()
    }

    /// `set_rest_more`: also in functions, roles and databases.
    pub(super) fn set_rest_more(&mut self) -> Result<SetAction> {
        let token = self.peek();
        let next = self.nth(1);
        let assigned = matches!(next.kind, Kind::Equal | Kind::Dot) || next.keyword == K::To || next.keyword == K::From;
        let string = |name: &str, value: String| SetAction::Value {
            name: name.to_owned(),
            values: vec![SetValue::String(value)],
        };
        let default = |name: &str| SetAction::Default { name: name.to_owned(), reset: false };
        match token.keyword {
            K::Time if next.keyword == K::Zone => {
                self.at += 2;
                self.time_zone()
            }
            K::Catalog if next.kind_is_string() => {
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "current database cannot be changed")
                    .at(Some(next.position)))
            }
            K::Schema if next.kind_is_string() => {
                self.advance();
                Ok(string("search_path", self.string()?))
            }
            K::Names if !assigned => {
                self.advance();
                if self.is_string() {
                    return Ok(string("client_encoding", self.string()?));
                }
                self.eat_word(K::Default);
                Ok(default("client_encoding"))
            }
            K::Role if !assigned => {
                self.advance();
                Ok(string("role", self.word_or_string()?))
            }
            K::Session if next.keyword == K::Authorization => {
                self.at += 2;
                if self.eat_word(K::Default) {
                    return Ok(default("session_authorization"));
                }
                Ok(string("session_authorization", self.word_or_string()?))
            }
            K::Xml if next.keyword == K::Option => {
                self.at += 2;
                let word = self.advance_if_any(&[K::Document, K::Content])?;
                Ok(string("xmloption", word.word().to_owned()))
            }
            K::Transaction if next.keyword == K::Snapshot => {
                self.at += 2;
                Ok(SetAction::TransactionSnapshot(self.string()?))
            }
            _ => self.generic_set(),
        }
    }

    /// `name TO value, …`, `name TO DEFAULT`, `name FROM CURRENT`.
    pub(super) fn generic_set(&mut self) -> Result<SetAction> {
        let name = self.setting_name()?;
        if self.eat_word(K::From) {
            self.expect_word(K::Current)?;
            return Ok(SetAction::FromCurrent { name });
        }
        self.set_to(name)
    }

    /// `generic_set`.
    fn generic_set_of_system(&mut self) -> Result<SetAction> {
        let name = self.setting_name()?;
        match self.keyword() {
            K::From => Err(self.unexpected()),
            _ => self.set_to(name),
        }
    }

    /// `TO` or `=`, and the value.
    fn set_to(&mut self, name: String) -> Result<SetAction> {
        if !self.eat(Kind::Equal) {
            self.expect_word(K::To)?;
        }
        if self.eat_word(K::Default) {
            return Ok(SetAction::Default { name, reset: false });
        }
        Ok(SetAction::Value { name, values: self.list(Self::set_value)? })
    }

    /// `var_name`.
    pub(super) fn setting_name(&mut self) -> Result<String> {
        let mut name = self.col_id()?.value;
        while self.eat(Kind::Dot) {
            name.push('.');
            name.push_str(&self.col_id()?.value);
        }
        Ok(name)
    }

    fn set_value(&mut self) -> Result<SetValue> {
        match self.kind() {
            Kind::Integer | Kind::Float | Kind::Plus | Kind::Minus => self.signed_number().map(SetValue::Number),
            _ if self.is_any(&[K::True, K::False, K::On]) => {
                Ok(SetValue::String(self.advance().keyword.word().to_owned()))
            }
            _ => self.word_or_string().map(SetValue::String),
        }
    }

    /// `NonReservedWord_or_Sconst`.
    pub(super) fn word_or_string(&mut self) -> Result<String> {
        if self.is_string() { self.string() } else { Ok(self.non_reserved()?.value) }
    }

    /// `zone_value`.
    fn time_zone(&mut self) -> Result<SetAction> {
        let name = "timezone".to_owned();
        let token = self.peek();
        let value = match token.kind {
            _ if self.is_string() => SetValue::String(self.string()?),
            _ if self.is_any(&[K::Default, K::Local]) => {
                self.advance();
                return Ok(SetAction::Default { name, reset: false });
            }
            _ if self.is_word(K::Interval) => SetValue::Interval(self.zone_interval()?),
            Kind::Integer | Kind::Float | Kind::Plus | Kind::Minus => SetValue::Number(self.signed_number()?),
            Kind::Word if token.keyword != K::Unkeyed => return Err(self.unexpected()),
            _ => SetValue::String(self.col_id()?.value),
        };
        Ok(SetAction::Value { name, values: vec![value] })
    }

    fn zone_interval(&mut self) -> Result<String> {
        self.advance();
        if self.is(Kind::LeftParen) {
            self.interval_precision()?;
            return self.string();
        }
        let text = self.string()?;
        let position = self.position();
        let (hour, minute) = (K::Hour, K::Minute);
        let allowed = !self.is_any(&[K::Year, K::Month, K::Day, minute, K::Second])
            && (!self.is_word(hour) || self.nth(1).keyword != K::To || self.nth(2).keyword == minute);
        self.interval_fields()?;
        if !allowed {
            let message = "time zone interval must be HOUR or HOUR TO MINUTE";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(Some(position)));
        }
        Ok(text)
    }

    fn set_constraints(&mut self) -> Result<Utility> {
        self.advance();
        let names: Option<Vec<ObjectName>> =
            if self.eat_word(K::All) { None } else { Some(self.list(Self::qualified_name)?) };
        let deferred = self.advance_if_any(&[K::Deferred, K::Immediate])? == K::Deferred;
        Ok(Utility::SetConstraints(SetConstraints { names, deferred }))
    }

    /// `RESET …`.
    pub(super) fn reset_statement(&mut self) -> Result<Utility> {
        let action = self.reset()?;
        Ok(Utility::Set(Set { scope: SetScope::Session, action }))
    }

    /// `RESET …` as part of another command.
    pub(super) fn reset(&mut self) -> Result<SetAction> {
        self.expect_word(K::Reset)?;
        if self.eat_word(K::All) {
            return Ok(SetAction::ResetAll);
        }
        Ok(SetAction::Default { name: self.phrase_or_setting()?, reset: true })
    }

    fn phrase_or_setting(&mut self) -> Result<String> {
        for (phrase, name) in PHRASES {
            if self.are_words(&phrase[..2]) {
                self.expect_words(phrase)?;
                return Ok((*name).to_owned());
            }
        }
        self.setting_name()
    }

    /// `SHOW …`.
    pub(super) fn show(&mut self) -> Result<Utility> {
        self.advance();
        if self.eat_word(K::All) {
            return Ok(Utility::Show(Show::All));
        }
        if let Some(backups) = self.show_backups() {
            return Ok(backups);
        }
        Ok(Utility::Show(Show::Name(self.phrase_or_setting()?)))
    }

    /// `DISCARD …`.
    pub(super) fn discard(&mut self) -> Result<Utility> {
        self.advance();
        let targets = [
            (K::All, Discard::All),
            (K::Plans, Discard::Plans),
            (K::Sequences, Discard::Sequences),
            (K::Temp, Discard::Temp),
            (K::Temporary, Discard::Temp),
        ];
        self.eat_one_of(&targets).map(Utility::Discard).ok_or_else(|| self.unexpected())
    }

    /// `ALTER SYSTEM …`, after these words.
    pub(super) fn alter_system(&mut self) -> Result<Utility> {
        let action = match self.keyword() {
            K::Set => {
                self.advance();
                self.generic_set_of_system()?
            }
            K::Reset => {
                self.advance();
                match self.eat_word(K::All) {
                    true => SetAction::ResetAll,
                    false => SetAction::Default { name: self.setting_name()?, reset: true },
                }
            }
            _ => return Err(self.unexpected()),
        };
        Ok(Utility::AlterSystem(Set { scope: SetScope::Session, action }))
    }
}
