//! Statistics objects, text search objects and publications.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{Ident, ObjectName};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{
    AlterConfiguration, AlterDictionary, AlterPublication, AlterStatistics, CreatePublication, CreateStatistics,
    MappingAction, ObjectKind, ObjectRef, PublicationAction, PublicationObject, SourceExpr, Utility,
};

/// What an item of a publication is when it does not say so: what the one before it was.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Table,
    Schema,
}

impl Parser<'_> {
    /// `CREATE STATISTICS …`, after these words.
    pub(super) fn create_statistics(&mut self) -> Result<Utility> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.any_name()?;
        let kinds = self.optional_column_list()?;
        self.expect_word(K::On)?;
        let items = self.list(|parser| parser.source_expr(Self::index_expr))?;
        self.expect_word(K::From)?;
        let from = self.list(Self::table_with_joins)?;
        Ok(Utility::CreateStatistics(CreateStatistics { name, if_not_exists, kinds, items, from }))
    }

    /// `ALTER STATISTICS …`, after these words: all of its forms.
    pub(super) fn alter_statistics(&mut self) -> Result<Utility> {
        let if_exists = self.if_exists()?;
        let name = self.any_name()?;
        if self.are_words(&[K::Set, K::Statistics]) {
            self.at += 2;
            let text = self.signed_number()?;
            let target = text.parse().map_err(|_| self.unexpected())?;
            return Ok(Utility::AlterStatistics(AlterStatistics { name, if_exists, target }));
        }
        if if_exists {
            return Err(self.unexpected());
        }
        self.alter_definition(ObjectKind::Statistics, ObjectRef::Name(name))
    }

    /// What only text search objects have, if it comes next.
    pub(super) fn alter_text_search(&mut self, kind: ObjectKind, name: ObjectName) -> Result<Utility> {
        match kind {
            ObjectKind::TextSearchDictionary if self.is(Kind::LeftParen) => {
                Ok(Utility::AlterDictionary(AlterDictionary { name, options: self.definition()? }))
            }
            ObjectKind::TextSearchConfiguration => {
                let action = self.mapping_action()?;
                Ok(Utility::AlterConfiguration(AlterConfiguration { name, action }))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn mapping_action(&mut self) -> Result<MappingAction> {
        let word = self.advance_if_any(&[K::Add, K::Alter, K::Drop])?;
        self.expect_word(K::Mapping)?;
        if word == K::Drop {
            let if_exists = self.if_exists()?;
            self.expect_word(K::For)?;
            return Ok(MappingAction::Drop { if_exists, tokens: self.list(Self::col_id)? });
        }
        let tokens = match word == K::Alter && self.is_word(K::Replace) {
            true => Vec::new(),
            false => {
                self.expect_word(K::For)?;
                self.list(Self::col_id)?
            }
        };
        if word == K::Alter && self.eat_word(K::Replace) {
            let old = self.any_name()?;
            self.expect_word(K::With)?;
            return Ok(MappingAction::Replace { tokens, old, new: self.any_name()? });
        }
        self.expect_word(K::With)?;
        Ok(MappingAction::Set { add: word == K::Add, tokens, dictionaries: self.list(Self::any_name)? })
    }

    /// `CREATE PUBLICATION …`, after these words.
    pub(super) fn create_publication(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        let mut all_tables = false;
        let mut objects = Vec::new();
        if self.eat_word(K::For) {
            all_tables = self.are_words(&[K::All, K::Tables]);
            match all_tables {
                true => self.at += 2,
                false => objects = self.publication_objects()?,
            }
        }
        let options = self.with_definition()?;
        Ok(Utility::CreatePublication(CreatePublication { name, all_tables, objects, options }))
    }

    /// `ALTER PUBLICATION …`, after these words.
    pub(super) fn alter_publication(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        let options = self.is_word(K::Set) && self.nth(1).kind == Kind::LeftParen;
        let action = match self.keyword() {
            K::Set if options => {
                self.advance();
                PublicationAction::Options(self.definition()?)
            }
            K::Set => {
                self.advance();
                PublicationAction::Set(self.publication_objects()?)
            }
            K::Add => {
                self.advance();
                PublicationAction::Add(self.publication_objects()?)
            }
            K::Drop => {
                self.advance();
                PublicationAction::Drop(self.publication_objects()?)
            }
            _ => {
                let name = ObjectRef::Name(ObjectName::from(vec![name]));
                return self.alter_definition(ObjectKind::Publication, name);
            }
        };
        Ok(Utility::AlterPublication(AlterPublication { name, action }))
    }

    fn publication_objects(&mut self) -> Result<Vec<PublicationObject>> {
        let mut before = Before::Nothing;
        self.list(|parser| {
            let object = parser.publication_object(before)?;
            before = match object {
                PublicationObject::Table { .. } => Before::Table,
                PublicationObject::Schema(_) => Before::Schema,
            };
            Ok(object)
        })
    }

    fn publication_object(&mut self, before: Before) -> Result<PublicationObject> {
        let start = self.position();
        let kind = match self.keyword() {
            K::Table => {
                self.advance();
                Before::Table
            }
            K::Tables if self.nth(1).keyword == K::In => {
                self.advance();
                self.expect_words(&[K::In, K::Schema])?;
                Before::Schema
            }
            _ => before,
        };
        if kind == Before::Schema {
            return self.published_schema(before);
        }
        let is_bare = self.position() == start;
        if is_bare && kind == Before::Table && self.is_word(K::CurrentSchema) {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid table name").at(Some(self.position())));
        }
        if kind == Before::Nothing {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid publication object list")
                .detail("One of TABLE or TABLES IN SCHEMA must be specified before a standalone table or schema name.")
                .at(Some(start)));
        }
        let table = self.table_ref()?;
        let columns = self.optional_column_list()?;
        let condition = self.publication_condition()?;
        Ok(PublicationObject::Table { table, columns, condition })
    }

    /// A schema; only one that follows another without `TABLES IN SCHEMA` may look like a table to the grammar.
    fn published_schema(&mut self, before: Before) -> Result<PublicationObject> {
        if self.eat_word(K::CurrentSchema) {
            return Ok(PublicationObject::Schema(None));
        }
        let start = self.position();
        let schema: Ident = self.col_id()?;
        let refuse = |message: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message).at(Some(start)));
        match self.peek().kind {
            _ if before != Before::Schema => Ok(PublicationObject::Schema(Some(schema))),
            Kind::Dot => refuse("invalid schema name"),
            Kind::LeftParen => refuse("column specification not allowed for schema"),
            _ if self.is_word(K::Where) => refuse("WHERE clause not allowed for schema"),
            _ => Ok(PublicationObject::Schema(Some(schema))),
        }
    }

    fn publication_condition(&mut self) -> Result<Option<SourceExpr>> {
        if self.eat_word(K::Where) { self.source_in_parens().map(Some) } else { Ok(None) }
    }
}
