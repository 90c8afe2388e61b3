//! `ALTER`: which rule the words after it lead to, and `RENAME`, `OWNER TO`, `SET SCHEMA`.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::ObjectName;

use super::Parser;
use super::objects::{OBJECTS, Shape};
use crate::keyword::Keyword as K;
use crate::utility::{
    AlterDatabase, AlterDatabaseAction, AlterDomain, AlterDomainAction, AlterEnum, AlterEnumAction, AlterExtension,
    AlterExtensionAction, AlterSetting, AlterTable, AlterType, ConstraintKind, ObjectKind, ObjectRef, RelationKind,
    Rename, Set, SetOwner, SetSchema, SetScope, TableRef, Utility,
};

/// Relations, whose actions are those of `ALTER TABLE`.
const RELATIONS: &[(&[K], RelationKind)] = &[
    (&[K::Table], RelationKind::Table),
    (&[K::Index], RelationKind::Index),
    (&[K::View], RelationKind::View),
    (&[K::Materialized, K::View], RelationKind::MaterializedView),
    (&[K::Foreign, K::Table], RelationKind::ForeignTable),
];

/// What ALTER names besides the common objects.
const LARGE_OBJECT: &[(&[K], ObjectKind, Shape)] =
    &[(&[K::Large, K::Object], ObjectKind::LargeObject, Shape::LargeObject)];

impl Parser<'_> {
    /// `ALTER …`.
    pub(super) fn alter(&mut self) -> Result<Utility> {
        self.advance();
        if self.eat_words(&[K::Foreign, K::Data, K::Wrapper]) {
            return self.alter_wrapper();
        }
        if self.eat_words(&[K::User, K::Mapping]) {
            return self.alter_user_mapping();
        }
        if let Some((words, kind)) = RELATIONS.iter().find(|(words, _)| self.are_words(&words[..1])) {
            self.expect_words(words)?;
            return self.alter_relation(*kind);
        }
        match self.keyword() {
            K::Sequence => {
                self.advance();
                self.alter_sequence_or_relation()
            }
            K::Type => {
                self.advance();
                self.alter_type_statement()
            }
            K::Domain => {
                self.advance();
                self.alter_domain()
            }
            K::Database => {
                self.advance();
                self.alter_database()
            }
            K::Role | K::User | K::Group => {
                let group = self.advance().keyword == K::Group;
                self.alter_role(group)
            }
            K::Extension => {
                self.advance();
                self.alter_extension()
            }
            K::Default => {
                self.advance();
                self.expect_word(K::Privileges)?;
                self.alter_default_privileges()
            }
            K::Policy => {
                self.advance();
                self.alter_policy()
            }
            K::Rule => {
                self.advance();
                self.alter_rule()
            }
            K::System => {
                self.advance();
                self.alter_system()
            }
            K::Statistics => {
                self.advance();
                self.alter_statistics()
            }
            K::Publication => {
                self.advance();
                self.alter_publication()
            }
            K::Subscription => {
                self.advance();
                self.alter_subscription()
            }
            K::Event => {
                self.advance();
                self.alter_event_trigger()
            }
            K::Server => {
                self.advance();
                self.alter_server()
            }
            K::Tablespace => {
                self.advance();
                self.alter_tablespace()
            }
            _ => self.alter_object(),
        }
    }

    /// Functions, schemas, collations and so on: one object, then what happens to it.
    fn alter_object(&mut self) -> Result<Utility> {
        let known = OBJECTS.iter().chain(LARGE_OBJECT).any(|(words, ..)| self.are_words(&words[..1]));
        if !known {
            return Err(self.unexpected());
        }
        let (kind, shape) = self.object_kind(LARGE_OBJECT)?;
        let object = self.object_ref(shape)?;
        match self.keyword() {
            K::Owner if kind == ObjectKind::LargeObject => self.owner_to(kind, object),
            _ if kind == ObjectKind::LargeObject => Err(self.unexpected()),
            K::Rename => {
                self.advance();
                self.expect_word(K::To)?;
                let to = self.col_id()?;
                Ok(Utility::Rename(Rename::new(kind, object, to)))
            }
            K::Owner => self.owner_to(kind, object),
            K::Set if kind == ObjectKind::Operator && self.nth(1).kind == crate::token::Kind::LeftParen => {
                self.alter_operator(object)
            }
            K::Set if shape != Shape::Function && kind != ObjectKind::Schema || self.nth(1).keyword == K::Schema => {
                self.set_schema(kind, object)
            }
            K::No | K::Depends => self.unsupported("ALTER … DEPENDS ON EXTENSION"),
            _ => match object {
                ObjectRef::Using(name, method) if kind == ObjectKind::OperatorFamily => {
                    self.alter_operator_family(name, method)
                }
                ObjectRef::Function(function) if shape == Shape::Function => self.alter_function(kind, function),
                ObjectRef::Name(name) if kind == ObjectKind::Collation => {
                    self.expect_words(&[K::Refresh, K::Version])?;
                    Ok(Utility::RefreshCollation(name))
                }
                ObjectRef::Name(name)
                    if matches!(
                        kind,
                        ObjectKind::TextSearchDictionary
                            | ObjectKind::TextSearchConfiguration
                            | ObjectKind::TextSearchParser
                            | ObjectKind::TextSearchTemplate
                    ) =>
                {
                    self.alter_text_search(kind, name)
                }
                _ if matches!(kind, ObjectKind::Schema | ObjectKind::Aggregate | ObjectKind::Trigger) => {
                    Err(self.unexpected())
                }
                _ => self.unsupported("this form of ALTER"),
            },
        }
    }

    /// RENAME, OWNER TO and SET SCHEMA of an object that has been named.
    pub(super) fn alter_definition(&mut self, kind: ObjectKind, object: ObjectRef) -> Result<Utility> {
        match self.keyword() {
            K::Rename => {
                self.advance();
                self.expect_word(K::To)?;
                let to = self.col_id()?;
                Ok(Utility::Rename(Rename::new(kind, object, to)))
            }
            K::Owner => self.owner_to(kind, object),
            K::Set => self.set_schema(kind, object),
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn owner_to(&mut self, kind: ObjectKind, object: ObjectRef) -> Result<Utility> {
        self.expect_words(&[K::Owner, K::To])?;
        Ok(Utility::SetOwner(SetOwner { kind, object, owner: self.role()? }))
    }

    fn set_schema(&mut self, kind: ObjectKind, object: ObjectRef) -> Result<Utility> {
        self.expect_words(&[K::Set, K::Schema])?;
        Ok(Utility::SetSchema(SetSchema { kind, object, if_exists: false, schema: self.col_id()? }))
    }

    /// `ALTER SEQUENCE`: options of its own, or what all relations have.
    fn alter_sequence_or_relation(&mut self) -> Result<Utility> {
        let mut ahead = if self.are_words(&[K::If, K::Exists]) { 2 } else { 0 };
        while self.nth(ahead + 1).kind == crate::token::Kind::Dot {
            ahead += 2;
        }
        let own = matches!(
            self.nth(ahead + 1).keyword,
            K::As
                | K::Cache
                | K::Cycle
                | K::No
                | K::Increment
                | K::Maxvalue
                | K::Minvalue
                | K::Owned
                | K::Sequence
                | K::Start
                | K::Restart
                | K::Logged
                | K::Unlogged
        );
        if !own {
            return self.alter_relation(RelationKind::Sequence);
        }
        let if_exists = self.if_exists()?;
        let name = self.qualified_name()?;
        self.alter_sequence(if_exists, name)
    }

    /// `ALTER TYPE …`.
    fn alter_type_statement(&mut self) -> Result<Utility> {
        let name = self.any_name()?;
        match self.keyword() {
            K::Owner => self.owner_to(ObjectKind::Type, ObjectRef::Name(name)),
            K::Rename => {
                self.advance();
                self.rename_in_type(name)
            }
            K::Set if self.nth(1).keyword == K::Schema => self.set_schema(ObjectKind::Type, ObjectRef::Name(name)),
            K::Set => {
                self.advance();
                if !self.is(crate::token::Kind::LeftParen) {
                    return Err(self.unexpected());
                }
                Ok(Utility::AlterType(AlterType { name, options: self.definition()? }))
            }
            K::Add if self.nth(1).keyword == K::Value => {
                self.at += 2;
                self.add_enum_value(name)
            }
            K::Add | K::Drop | K::Alter => {
                let actions = self.attribute_actions()?;
                let table = TableRef { name, only: false };
                let kind = RelationKind::Type;
                Ok(Utility::AlterTable(Box::new(AlterTable { kind, if_exists: false, table, actions })))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn rename_in_type(&mut self, name: ObjectName) -> Result<Utility> {
        match self.advance_if_any(&[K::To, K::Attribute, K::Value])? {
            K::Value => {
                let from = self.string()?;
                self.expect_word(K::To)?;
                let to = self.string()?;
                Ok(Utility::AlterEnum(AlterEnum { name, action: AlterEnumAction::Rename { from, to } }))
            }
            K::Attribute => {
                let part = Some(self.col_id()?);
                self.expect_word(K::To)?;
                let to = self.col_id()?;
                let behavior = self.behavior();
                let rename = Rename::new(ObjectKind::Attribute, ObjectRef::Name(name), to);
                let relation = Some(RelationKind::Type);
                Ok(Utility::Rename(Rename { part, relation, behavior, ..rename }))
            }
            _ => {
                let to = self.col_id()?;
                Ok(Utility::Rename(Rename::new(ObjectKind::Type, ObjectRef::Name(name), to)))
            }
        }
    }

    fn add_enum_value(&mut self, name: ObjectName) -> Result<Utility> {
        let if_not_exists = self.eat_phrase(&[K::If, K::Not, K::Exists])?;
        let label = self.string()?;
        let neighbor = match self.eat_one_of(&[(K::After, true), (K::Before, false)]) {
            Some(after) => Some((after, self.string()?)),
            None => None,
        };
        Ok(Utility::AlterEnum(AlterEnum { name, action: AlterEnumAction::Add { if_not_exists, label, neighbor } }))
    }

    /// `ALTER DOMAIN …`.
    fn alter_domain(&mut self) -> Result<Utility> {
        let name = self.any_name()?;
        let action = match self.keyword() {
            K::Owner => return self.owner_to(ObjectKind::Domain, ObjectRef::Name(name)),
            K::Set if self.nth(1).keyword == K::Schema => {
                return self.set_schema(ObjectKind::Domain, ObjectRef::Name(name));
            }
            K::Rename => {
                self.advance();
                let constraint = self.eat_word(K::Constraint);
                let part = if constraint { Some(self.col_id()?) } else { None };
                self.expect_word(K::To)?;
                let to = self.col_id()?;
                let kind = if constraint { ObjectKind::DomainConstraint } else { ObjectKind::Domain };
                return Ok(Utility::Rename(Rename { part, ..Rename::new(kind, ObjectRef::Name(name), to) }));
            }
            K::Set => {
                self.advance();
                match self.advance_if_any(&[K::Default, K::Not])? {
                    K::Default => AlterDomainAction::SetDefault(Some(self.source_expr(Self::expr)?)),
                    _ => {
                        self.expect_word(K::Null)?;
                        AlterDomainAction::SetNotNull(true)
                    }
                }
            }
            K::Drop => {
                self.advance();
                self.drop_from_domain()?
            }
            K::Add => {
                self.advance();
                let constraint = self.table_constraint()?;
                if !matches!(constraint.kind, ConstraintKind::Check(_)) {
                    return Err(Error::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "constraint type is not possible for domains",
                    )
                    .at(Some(constraint.position)));
                }
                AlterDomainAction::AddConstraint(constraint)
            }
            K::Validate => {
                self.advance();
                self.expect_word(K::Constraint)?;
                AlterDomainAction::ValidateConstraint(self.col_id()?)
            }
            _ => return Err(self.unexpected()),
        };
        Ok(Utility::AlterDomain(Box::new(AlterDomain { name, action })))
    }

    fn drop_from_domain(&mut self) -> Result<AlterDomainAction> {
        match self.advance_if_any(&[K::Default, K::Not, K::Constraint])? {
            K::Default => Ok(AlterDomainAction::SetDefault(None)),
            K::Not => {
                self.expect_word(K::Null)?;
                Ok(AlterDomainAction::SetNotNull(false))
            }
            _ => {
                let if_exists = self.if_exists()?;
                let name = self.col_id()?;
                Ok(AlterDomainAction::DropConstraint { if_exists, name, behavior: self.behavior() })
            }
        }
    }

    /// `ALTER DATABASE …`.
    fn alter_database(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        let action = match self.keyword() {
            K::Set if self.nth(1).keyword == K::Tablespace => {
                self.advance();
                self.advance();
                AlterDatabaseAction::Tablespace(self.col_id()?)
            }
            K::Set | K::Reset => {
                let set = self.set_or_reset()?;
                return Ok(Utility::AlterSetting(AlterSetting {
                    of_database: true,
                    role: None,
                    database: Some(name),
                    set,
                }));
            }
            K::Owner if self.nth(1).keyword == K::To => {
                self.expect_words(&[K::Owner, K::To])?;
                AlterDatabaseAction::Owner(self.role()?)
            }
            K::Rename => {
                self.expect_words(&[K::Rename, K::To])?;
                AlterDatabaseAction::Rename(self.col_id()?)
            }
            K::Refresh => {
                self.expect_words(&[K::Refresh, K::Collation, K::Version])?;
                AlterDatabaseAction::RefreshCollationVersion
            }
            _ => {
                self.eat_word(K::With);
                AlterDatabaseAction::Options(self.database_options()?)
            }
        };
        Ok(Utility::AlterDatabase(AlterDatabase { name, action }))
    }

    /// `SetResetClause`.
    pub(super) fn set_or_reset(&mut self) -> Result<Set> {
        let action = match self.eat_word(K::Set) {
            true => match self.is_word(K::Transaction) && self.nth(1).keyword != K::Snapshot {
                true => return Err(Error::unsupported("SET TRANSACTION here").at(Some(self.position()))),
                false => self.set_rest_more()?,
            },
            false => self.reset()?,
        };
        Ok(Set { scope: SetScope::Session, action })
    }

    /// `ALTER EXTENSION …`.
    fn alter_extension(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        match self.keyword() {
            K::Update => {
                self.advance();
                let version = if self.eat_word(K::To) { Some(self.word_or_string()?) } else { None };
                let action = AlterExtensionAction::Update(version);
                Ok(Utility::AlterExtension(AlterExtension { name, action }))
            }
            K::Set => self.set_schema(ObjectKind::Extension, ObjectRef::Name(ObjectName::from(vec![name]))),
            K::Add | K::Drop => {
                let add = self.advance().keyword == K::Add;
                let (kind, shape) = self.object_kind(&[])?;
                let object = self.object_ref(shape)?;
                let action = AlterExtensionAction::Member { add, kind, object };
                Ok(Utility::AlterExtension(AlterExtension { name, action }))
            }
            _ => Err(self.unexpected()),
        }
    }
}
