//! `GRANT`, `REVOKE`, `ALTER DEFAULT PRIVILEGES`.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::Ident;

use super::Parser;
use super::objects::Shape;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{
    AlterDefaultPrivileges, Behavior, Grant, GrantRole, GrantTarget, ObjectKind, ObjectRef, Privilege, RoleSpec,
    Utility,
};

/// Objects with privileges, by the word before their names; relations need none.
const TARGETS: &[(K, ObjectKind, Shape)] = &[
    (K::Table, ObjectKind::Table, Shape::Qualified),
    (K::Sequence, ObjectKind::Sequence, Shape::Qualified),
    (K::Function, ObjectKind::Function, Shape::Function),
    (K::Procedure, ObjectKind::Procedure, Shape::Function),
    (K::Routine, ObjectKind::Routine, Shape::Function),
    (K::Database, ObjectKind::Database, Shape::Simple),
    (K::Domain, ObjectKind::Domain, Shape::Qualified),
    (K::Language, ObjectKind::Language, Shape::Simple),
    (K::Schema, ObjectKind::Schema, Shape::Simple),
    (K::Tablespace, ObjectKind::Tablespace, Shape::Simple),
    (K::Type, ObjectKind::Type, Shape::Qualified),
];

/// Kinds in the plural, as `ALL … IN SCHEMA` and default privileges name them.
const PLURALS: &[(K, ObjectKind)] = &[
    (K::Tables, ObjectKind::Table),
    (K::Sequences, ObjectKind::Sequence),
    (K::Functions, ObjectKind::Function),
    (K::Procedures, ObjectKind::Procedure),
    (K::Routines, ObjectKind::Routine),
];

impl Parser<'_> {
    /// `GRANT …`.
    pub(super) fn grant(&mut self) -> Result<Utility> {
        self.advance();
        let privileges = self.privileges()?;
        if self.eat_word(K::On) {
            let target = self.grant_target()?;
            self.expect_word(K::To)?;
            let grantees = self.list(Self::grantee)?;
            let grant_option = self.eat_phrase(&[K::With, K::Grant, K::Option])?;
            let grantor = self.granted_by()?;
            return Ok(Utility::Grant(Grant {
                grant: true,
                grant_option,
                privileges: privileges.unwrap_or_default(),
                target,
                grantees,
                grantor,
                behavior: Behavior::Restrict,
            }));
        }
        let Some(roles) = privileges else { return Err(self.unexpected()) };
        self.expect_word(K::To)?;
        let grantees = self.list(Self::role)?;
        let admin_option = self.eat_phrase(&[K::With, K::Admin, K::Option])?;
        let grantor = self.granted_by()?;
        let behavior = Behavior::Restrict;
        Ok(Utility::GrantRole(GrantRole { grant: true, roles, grantees, admin_option, grantor, behavior }))
    }

    /// `REVOKE …`.
    pub(super) fn revoke(&mut self) -> Result<Utility> {
        self.advance();
        let grant_option = self.eat_phrase(&[K::Grant, K::Option, K::For])?;
        let admin_option = !grant_option && self.are_words(&[K::Admin, K::Option]);
        if admin_option {
            self.expect_words(&[K::Admin, K::Option, K::For])?;
        }
        let privileges = self.privileges()?;
        if !admin_option && self.eat_word(K::On) {
            let target = self.grant_target()?;
            self.expect_word(K::From)?;
            let grantees = self.list(Self::grantee)?;
            let grantor = self.granted_by()?;
            return Ok(Utility::Grant(Grant {
                grant: false,
                grant_option,
                privileges: privileges.unwrap_or_default(),
                target,
                grantees,
                grantor,
                behavior: self.behavior(),
            }));
        }
        let roles = match privileges {
            Some(roles) if !grant_option => roles,
            _ => return Err(self.unexpected()),
        };
        self.expect_word(K::From)?;
        let grantees = self.list(Self::role)?;
        let grantor = self.granted_by()?;
        let behavior = self.behavior();
        Ok(Utility::GrantRole(GrantRole { grant: false, roles, grantees, admin_option, grantor, behavior }))
    }

    /// `privileges`; `None` is `ALL`.
    fn privileges(&mut self) -> Result<Option<Vec<Privilege>>> {
        if self.eat_word(K::All) {
            self.eat_word(K::Privileges);
            if self.is(Kind::LeftParen) {
                return Ok(Some(vec![Privilege { name: None, columns: self.column_list()? }]));
            }
            return Ok(None);
        }
        self.list(Self::privilege).map(Some)
    }

    fn privilege(&mut self) -> Result<Privilege> {
        if self.are_words(&[K::Alter, K::System]) {
            let name = self.ident()?;
            self.advance();
            return Ok(Privilege {
                name: Some(Ident { value: "alter system".to_owned(), ..name }),
                columns: Vec::new(),
            });
        }
        let reserved = self.is_any(&[K::Select, K::References, K::Create]);
        let name = if reserved { self.ident()? } else { self.col_id()? };
        Ok(Privilege { name: Some(name), columns: self.optional_column_list()? })
    }

    fn grantee(&mut self) -> Result<RoleSpec> {
        self.eat_word(K::Group);
        self.role()
    }

    fn granted_by(&mut self) -> Result<Option<RoleSpec>> {
        if !self.eat_phrase(&[K::Granted, K::By])? {
            return Ok(None);
        }
        self.role().map(Some)
    }

    /// `privilege_target`.
    fn grant_target(&mut self) -> Result<GrantTarget> {
        let word = self.peek();
        if word.keyword == K::All {
            self.advance();
            let kind = self.eat_one_of(PLURALS).ok_or_else(|| self.unexpected())?;
            self.expect_words(&[K::In, K::Schema])?;
            return Ok(GrantTarget::AllInSchema(kind, self.list(Self::col_id)?));
        }
        // A relation may be called like a kind; then no name follows.
        let named = self.is_col_id(self.nth(1)) || self.is_type_function_name(self.nth(1));
        if word.keyword == K::Parameter && named {
            self.advance();
            return Ok(GrantTarget::Parameters(self.list(Self::setting_name)?));
        }
        let foreign = [
            (&[K::Foreign, K::Data, K::Wrapper][..], ObjectKind::ForeignDataWrapper),
            (&[K::Foreign, K::Server][..], ObjectKind::Server),
        ];
        if let Some((words, kind)) = foreign.into_iter().find(|(words, _)| self.are_words(words)) {
            self.at += words.len();
            return Ok(GrantTarget::Objects(kind, self.list(|parser| parser.object_ref(Shape::Simple))?));
        }
        if word.keyword == K::Large && self.nth(1).keyword == K::Object {
            self.at += 2;
            let objects = self.list(Self::signed_number)?.into_iter().map(ObjectRef::LargeObject).collect();
            return Ok(GrantTarget::Objects(ObjectKind::LargeObject, objects));
        }
        match TARGETS.iter().find(|(keyword, ..)| *keyword == word.keyword && (named || *keyword == K::Table)) {
            Some((_, kind, shape)) => {
                self.advance();
                Ok(GrantTarget::Objects(*kind, self.list(|parser| parser.object_ref(*shape))?))
            }
            None => {
                let tables = self.list(|parser| parser.qualified_name().map(ObjectRef::Name))?;
                Ok(GrantTarget::Objects(ObjectKind::Table, tables))
            }
        }
    }

    /// `ALTER DEFAULT PRIVILEGES …`, after these words.
    pub(super) fn alter_default_privileges(&mut self) -> Result<Utility> {
        let (mut roles, mut schemas) = (None, None);
        loop {
            let position = self.position();
            let repeated = if self.eat_word(K::For) {
                self.advance_if_any(&[K::Role, K::User])?;
                roles.replace(self.list(Self::role)?).is_some()
            } else if self.eat_phrase(&[K::In, K::Schema])? {
                schemas.replace(self.list(Self::col_id)?).is_some()
            } else {
                break;
            };
            if repeated {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(Some(position)));
            }
        }
        let grant = self.advance_if_any(&[K::Grant, K::Revoke])? == K::Grant;
        let revoked_option = !grant && self.eat_phrase(&[K::Grant, K::Option, K::For])?;
        let privileges = self.privileges()?.unwrap_or_default();
        self.expect_word(K::On)?;
        let kinds = [PLURALS, &[(K::Types, ObjectKind::Type), (K::Schemas, ObjectKind::Schema)]].concat();
        let kind = self.eat_one_of(&kinds).filter(|kind| *kind != ObjectKind::Procedure);
        let kind = kind.ok_or_else(|| self.unexpected())?;
        self.expect_word(if grant { K::To } else { K::From })?;
        let grantees = self.list(Self::grantee)?;
        let granted_option = grant && self.eat_phrase(&[K::With, K::Grant, K::Option])?;
        let behavior = if grant { Behavior::Restrict } else { self.behavior() };
        Ok(Utility::AlterDefaultPrivileges(AlterDefaultPrivileges {
            roles: roles.unwrap_or_default(),
            schemas: schemas.unwrap_or_default(),
            grant,
            grant_option: revoked_option || granted_option,
            privileges,
            kind,
            grantees,
            behavior,
        }))
    }
}
