//! How commands name objects of every kind: `DROP`, `COMMENT ON`, `TRUNCATE`.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{DataType, Ident, ObjectName};

use super::Parser;
use super::name::Named;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{
    Comment, Drop, DropDatabase, DropOwned, DropRole, ObjectKind, ObjectRef, OperatorRef, ReassignOwned, SecurityLabel,
    Truncate, Utility,
};

/// How an object of a kind is named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A qualified name.
    Qualified,
    /// A relation's name.
    Relation,
    /// A table's column.
    Column,
    /// One name.
    Simple,
    /// A type name.
    Type,
    /// A function with its argument types.
    Function,
    /// An aggregate with its argument types.
    Aggregate,
    /// An operator with its argument types.
    Operator,
    /// `name ON table`.
    OnTable,
    /// `name USING access method`.
    Using,
    /// `(type AS type)`.
    Cast,
    /// A number.
    LargeObject,
}

/// Kinds by the words that announce them; longer phrases come before their beginnings.
pub(super) const OBJECTS: &[(&[K], ObjectKind, Shape)] = &[
    (&[K::Access, K::Method], ObjectKind::AccessMethod, Shape::Simple),
    (&[K::Aggregate], ObjectKind::Aggregate, Shape::Aggregate),
    (&[K::Cast], ObjectKind::Cast, Shape::Cast),
    (&[K::Collation], ObjectKind::Collation, Shape::Qualified),
    (&[K::Conversion], ObjectKind::Conversion, Shape::Qualified),
    (&[K::Domain], ObjectKind::Domain, Shape::Type),
    (&[K::Event, K::Trigger], ObjectKind::EventTrigger, Shape::Simple),
    (&[K::Extension], ObjectKind::Extension, Shape::Simple),
    (&[K::Foreign, K::Data, K::Wrapper], ObjectKind::ForeignDataWrapper, Shape::Simple),
    (&[K::Foreign, K::Table], ObjectKind::ForeignTable, Shape::Relation),
    (&[K::Function], ObjectKind::Function, Shape::Function),
    (&[K::Index], ObjectKind::Index, Shape::Relation),
    (&[K::Language], ObjectKind::Language, Shape::Simple),
    (&[K::Materialized, K::View], ObjectKind::MaterializedView, Shape::Relation),
    (&[K::Operator, K::Class], ObjectKind::OperatorClass, Shape::Using),
    (&[K::Operator, K::Family], ObjectKind::OperatorFamily, Shape::Using),
    (&[K::Operator], ObjectKind::Operator, Shape::Operator),
    (&[K::Policy], ObjectKind::Policy, Shape::OnTable),
    (&[K::Procedural, K::Language], ObjectKind::Language, Shape::Simple),
    (&[K::Procedure], ObjectKind::Procedure, Shape::Function),
    (&[K::Publication], ObjectKind::Publication, Shape::Simple),
    (&[K::Routine], ObjectKind::Routine, Shape::Function),
    (&[K::Rule], ObjectKind::Rule, Shape::OnTable),
    (&[K::Schema], ObjectKind::Schema, Shape::Simple),
    (&[K::Sequence], ObjectKind::Sequence, Shape::Relation),
    (&[K::Server], ObjectKind::Server, Shape::Simple),
    (&[K::Statistics], ObjectKind::Statistics, Shape::Qualified),
    (&[K::Table], ObjectKind::Table, Shape::Relation),
    (&[K::Text, K::Search, K::Configuration], ObjectKind::TextSearchConfiguration, Shape::Qualified),
    (&[K::Text, K::Search, K::Dictionary], ObjectKind::TextSearchDictionary, Shape::Qualified),
    (&[K::Text, K::Search, K::Parser], ObjectKind::TextSearchParser, Shape::Qualified),
    (&[K::Text, K::Search, K::Template], ObjectKind::TextSearchTemplate, Shape::Qualified),
    (&[K::Trigger], ObjectKind::Trigger, Shape::OnTable),
    (&[K::Type], ObjectKind::Type, Shape::Type),
    (&[K::View], ObjectKind::View, Shape::Relation),
];

/// Kinds that only `COMMENT ON` names this way.
const COMMENTABLE: &[(&[K], ObjectKind, Shape)] = &[
    (&[K::Column], ObjectKind::Column, Shape::Column),
    (&[K::Database], ObjectKind::Database, Shape::Simple),
    (&[K::Large, K::Object], ObjectKind::LargeObject, Shape::LargeObject),
    (&[K::Role], ObjectKind::Role, Shape::Simple),
    (&[K::Subscription], ObjectKind::Subscription, Shape::Simple),
    (&[K::Tablespace], ObjectKind::Tablespace, Shape::Simple),
];

impl Parser<'_> {
    /// Takes the words that announce a kind of object. If only their beginning is there, the error is at the word after it.
    pub(super) fn object_kind(&mut self, extra: &[(&[K], ObjectKind, Shape)]) -> Result<(ObjectKind, Shape)> {
        let candidates = || OBJECTS.iter().chain(extra);
        if let Some((words, kind, shape)) = candidates().find(|(words, ..)| self.are_words(words)) {
            self.at += words.len();
            return Ok((*kind, *shape));
        }
        let matched = |words: &[K]| (0..words.len()).take_while(|count| self.are_words(&words[..count + 1])).count();
        self.at += candidates().map(|(words, ..)| matched(words)).max().unwrap_or(0);
        Err(self.unexpected())
    }

    /// One object of a shape.
    pub(super) fn object_ref(&mut self, shape: Shape) -> Result<ObjectRef> {
        Ok(match shape {
            Shape::Qualified => ObjectRef::Name(self.any_name()?),
            Shape::Relation => ObjectRef::Name(self.any_name_of(Named::Relation)?),
            Shape::Column => ObjectRef::Name(self.any_name_of(Named::ColumnOfRelation)?),
            Shape::Simple => ObjectRef::Name(ObjectName::from(vec![self.col_id()?])),
            Shape::Type => ObjectRef::Type(self.type_name()?),
            Shape::Function => ObjectRef::Function(self.function_ref()?),
            Shape::Aggregate => ObjectRef::Function(self.aggregate_ref()?),
            Shape::Operator => ObjectRef::Operator(self.operator_ref()?),
            Shape::OnTable => {
                let name = self.col_id()?;
                self.expect_word(K::On)?;
                ObjectRef::On(name, self.any_name()?)
            }
            Shape::Using => {
                let name = self.any_name()?;
                self.expect_word(K::Using)?;
                ObjectRef::Using(name, self.col_id()?)
            }
            Shape::Cast => {
                self.expect(Kind::LeftParen)?;
                let source = self.type_name()?;
                self.expect_word(K::As)?;
                let target = self.type_name()?;
                self.expect(Kind::RightParen)?;
                ObjectRef::Cast(source, target)
            }
            Shape::LargeObject => ObjectRef::LargeObject(self.signed_number()?),
        })
    }

    /// `operator_with_argtypes`.
    pub(super) fn operator_ref(&mut self) -> Result<OperatorRef> {
        let (schema, name) = self.qualified_operator()?;
        let name = ObjectName::from(schema.into_iter().chain([name]).map(Ident::new).collect::<Vec<_>>());
        self.expect(Kind::LeftParen)?;
        let left = self.operand_type()?;
        if self.is(Kind::RightParen) {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "missing argument")
                .hint("Use NONE to denote the missing argument of a unary operator.")
                .at(Some(self.position())));
        }
        self.expect(Kind::Comma)?;
        let right = self.operand_type()?;
        self.expect(Kind::RightParen)?;
        Ok(OperatorRef { name, left, right })
    }

    fn operand_type(&mut self) -> Result<Option<DataType>> {
        if self.eat_word(K::None) { Ok(None) } else { self.type_name().map(Some) }
    }

    /// `DROP …`.
    pub(super) fn drop_statement(&mut self) -> Result<Utility> {
        self.advance();
        match self.keyword() {
            K::Database => return self.drop_database(),
            K::Snapshot => return self.drop_snapshot(),
            K::User if self.nth(1).keyword == K::Mapping => {
                self.at += 2;
                return self.drop_user_mapping();
            }
            K::Role | K::User | K::Group => {
                self.advance();
                let if_exists = self.if_exists()?;
                return Ok(Utility::DropRole(DropRole { names: self.list(Self::role)?, if_exists }));
            }
            K::Owned => {
                self.advance();
                self.expect_word(K::By)?;
                let roles = self.list(Self::role)?;
                return Ok(Utility::DropOwned(DropOwned { roles, behavior: self.behavior() }));
            }
            K::Tablespace => {
                self.advance();
                return self.drop_tablespace();
            }
            K::Subscription => {
                self.advance();
                return self.drop_subscription();
            }
            K::Transform => return self.unsupported("DROP TRANSFORM"),
            _ => {}
        }
        let (kind, shape) = self.object_kind(&[])?;
        let concurrently = kind == ObjectKind::Index && self.eat_word(K::Concurrently);
        let if_exists = self.if_exists()?;
        let single = matches!(shape, Shape::OnTable | Shape::Using | Shape::Cast) || kind == ObjectKind::Language;
        let objects = match single {
            true => vec![self.object_ref(shape)?],
            false => self.list(|parser| parser.object_ref(shape))?,
        };
        Ok(Utility::Drop(Drop { kind, objects, if_exists, behavior: self.behavior(), concurrently }))
    }

    fn drop_database(&mut self) -> Result<Utility> {
        self.advance();
        let if_exists = self.if_exists()?;
        let name = self.col_id()?;
        let parenthesis = self.eat_word(K::With) || self.is(Kind::LeftParen);
        let force = parenthesis && !self.in_parens(|parser| parser.expect_word(K::Force))?.is_empty();
        Ok(Utility::DropDatabase(DropDatabase { name, if_exists, force }))
    }

    /// `REASSIGN OWNED BY …`.
    pub(super) fn reassign_owned(&mut self) -> Result<Utility> {
        self.expect_words(&[K::Reassign, K::Owned, K::By])?;
        let from = self.list(Self::role)?;
        self.expect_word(K::To)?;
        Ok(Utility::ReassignOwned(ReassignOwned { from, to: self.role()? }))
    }

    /// `TRUNCATE …`.
    pub(super) fn truncate(&mut self) -> Result<Utility> {
        self.advance();
        self.eat_word(K::Table);
        let tables = self.list(Self::table_ref)?;
        let restart_identity = self.is_word(K::Restart);
        if restart_identity || self.is_word(K::Continue) {
            self.advance();
            self.expect_word(K::Identity)?;
        }
        Ok(Utility::Truncate(Truncate { tables, restart_identity, behavior: self.behavior() }))
    }

    /// `COMMENT ON …`.
    pub(super) fn comment(&mut self) -> Result<Utility> {
        self.advance();
        self.expect_word(K::On)?;
        let (kind, object) = match self.keyword() {
            K::Constraint => {
                self.advance();
                let name = self.col_id()?;
                self.expect_word(K::On)?;
                let domain = self.eat_word(K::Domain);
                let kind = if domain { ObjectKind::DomainConstraint } else { ObjectKind::TableConstraint };
                (kind, ObjectRef::On(name, self.any_name()?))
            }
            K::Transform => return self.unsupported("COMMENT ON TRANSFORM"),
            _ => {
                let (kind, shape) = self.object_kind(COMMENTABLE)?;
                (kind, self.object_ref(shape)?)
            }
        };
        self.expect_word(K::Is)?;
        Ok(Utility::Comment(Comment { kind, object, text: self.string_or_null()? }))
    }

    /// `SECURITY LABEL …`.
    pub(super) fn security_label(&mut self) -> Result<Utility> {
        self.advance();
        self.expect_word(K::Label)?;
        let provider = match self.eat_word(K::For) {
            true if self.is_string() => Some(self.string()?),
            true => Some(self.non_reserved()?.value),
            false => None,
        };
        self.expect_word(K::On)?;
        let (kind, shape) = self.object_kind(COMMENTABLE)?;
        let object = self.object_ref(shape)?;
        self.expect_word(K::Is)?;
        Ok(Utility::SecurityLabel(SecurityLabel { provider, kind, object, label: self.string_or_null()? }))
    }

    /// What comes after `IS`.
    fn string_or_null(&mut self) -> Result<Option<String>> {
        if self.eat_word(K::Null) { Ok(None) } else { self.string().map(Some) }
    }
}
