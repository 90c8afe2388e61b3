//! `CREATE`: which rule the words after it lead to.

use dictdb_types::Result;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::{Kind, Token};
use crate::utility::{ObjectKind, Persistence, Utility};

/// Objects that DictDB does not have, by the words that announce them.
const UNSUPPORTED: &[(&[K], &str)] = &[(&[K::Transform], "CREATE TRANSFORM")];

/// Words that may follow `CREATE OR REPLACE`.
const REPLACEABLE: &[K] = &[
    K::Aggregate,
    K::Constraint,
    K::Function,
    K::Global,
    K::Language,
    K::Local,
    K::Procedural,
    K::Procedure,
    K::Recursive,
    K::Rule,
    K::Temp,
    K::Temporary,
    K::Transform,
    K::Trigger,
    K::Trusted,
    K::Unlogged,
    K::View,
];

impl Parser<'_> {
    /// `CREATE …`.
    pub(super) fn create(&mut self) -> Result<Utility> {
        self.advance();
        let or_replace = self.eat_phrase(&[K::Or, K::Replace])?;
        if or_replace && !self.is_any(REPLACEABLE) {
            return Err(self.unexpected());
        }
        if let Some((_, name)) = UNSUPPORTED.iter().find(|(words, _)| self.are_words(words)) {
            return self.unsupported(name);
        }
        let word = self.peek();
        match word.keyword {
            K::Temporary | K::Temp | K::Local | K::Global | K::Unlogged => {
                let persistence = self.persistence()?;
                self.create_persistent(or_replace, persistence)
            }
            K::Table | K::Sequence | K::View | K::Recursive | K::Materialized => {
                self.create_persistent(or_replace, Persistence::Permanent)
            }
            K::User if self.nth(1).keyword == K::Mapping => {
                self.at += 2;
                self.create_user_mapping()
            }
            K::Access => self.create_access_method(),
            K::Conversion | K::Default => self.create_conversion(),
            K::User | K::Role | K::Group => {
                self.advance();
                self.create_role(word.keyword == K::User)
            }
            _ => {
                self.advance();
                self.create_other(word, or_replace)
            }
        }
    }

    /// What may be temporary: tables, sequences, views.
    fn create_persistent(&mut self, or_replace: bool, persistence: Persistence) -> Result<Utility> {
        match self.keyword() {
            K::Table if !or_replace => {
                self.advance();
                self.create_table(persistence)
            }
            K::Sequence if !or_replace => {
                self.advance();
                self.create_sequence(persistence)
            }
            K::View => {
                self.advance();
                self.create_view(or_replace, persistence, false)
            }
            K::Recursive => {
                self.advance();
                self.expect_word(K::View)?;
                self.create_view(or_replace, persistence, true)
            }
            K::Materialized if !or_replace && persistence != Persistence::Temporary => {
                self.advance();
                self.expect_word(K::View)?;
                self.create_materialized_view(persistence)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn create_other(&mut self, word: Token, or_replace: bool) -> Result<Utility> {
        match word.keyword {
            K::Schema => self.create_schema(),
            K::Index => self.create_index(false),
            K::Unique => {
                self.expect_word(K::Index)?;
                self.create_index(true)
            }
            K::Type => self.create_type(),
            K::Domain => self.create_domain(),
            K::Function => self.create_function(or_replace, false),
            K::Procedure => self.create_function(or_replace, true),
            K::Policy => self.create_policy(),
            K::Rule => self.create_rule(or_replace),
            K::Trigger => self.create_trigger(or_replace, false),
            K::Constraint => {
                self.expect_word(K::Trigger)?;
                self.create_trigger(or_replace, true)
            }
            K::Extension => self.create_extension(),
            K::Language | K::Procedural | K::Trusted => self.create_language(word.keyword, or_replace),
            K::Statistics => self.create_statistics(),
            K::Publication => self.create_publication(),
            K::Subscription => self.create_subscription(),
            K::Event => self.create_event_trigger(),
            K::Server => self.create_server(),
            K::Tablespace if !or_replace => self.create_tablespace(),
            K::Foreign if self.eat_word(K::Table) => self.create_foreign_table(),
            K::Foreign => {
                self.expect_words(&[K::Data, K::Wrapper])?;
                self.create_wrapper()
            }
            K::Cast => self.create_cast(),
            K::Database => self.create_database(),
            K::Snapshot => self.create_snapshot(),
            K::Aggregate => self.define(ObjectKind::Aggregate, or_replace),
            K::Operator if self.is_word(K::Class) => {
                self.advance();
                self.create_operator_class()
            }
            K::Operator if self.is_word(K::Family) => {
                self.advance();
                self.create_operator_family()
            }
            K::Operator => self.define(ObjectKind::Operator, false),
            K::Collation => self.define(ObjectKind::Collation, false),
            K::Text => {
                self.expect_word(K::Search)?;
                let kinds = [
                    (K::Configuration, ObjectKind::TextSearchConfiguration),
                    (K::Dictionary, ObjectKind::TextSearchDictionary),
                    (K::Parser, ObjectKind::TextSearchParser),
                    (K::Template, ObjectKind::TextSearchTemplate),
                ];
                let kind = self.eat_one_of(&kinds).ok_or_else(|| self.unexpected())?;
                self.define(kind, false)
            }
            _ => Err(self.unexpected_at(word)),
        }
    }

    /// Takes the rest of a command that DictDB does not have.
    pub(super) fn unsupported(&mut self, command: &'static str) -> Result<Utility> {
        let mut depth = 0u32;
        loop {
            match self.kind() {
                Kind::End => break,
                Kind::Broken => return Err(self.unexpected()),
                Kind::Semicolon if depth == 0 => break,
                Kind::LeftParen => depth += 1,
                Kind::RightParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.advance();
        }
        Ok(Utility::Unsupported(command))
    }
}
