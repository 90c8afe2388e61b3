//! `CREATE ROLE`, `ALTER ROLE`.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::ObjectName;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{
    AlterRole, AlterSetting, CreateRole, ObjectKind, ObjectRef, Rename, RoleOption, RoleSpec, Utility,
};

/// Options that are one word which is no keyword.
const FLAGS: &[(&str, RoleOption)] = &[
    ("superuser", RoleOption::Superuser(true)),
    ("nosuperuser", RoleOption::Superuser(false)),
    ("createrole", RoleOption::CreateRole(true)),
    ("nocreaterole", RoleOption::CreateRole(false)),
    ("createdb", RoleOption::CreateDb(true)),
    ("nocreatedb", RoleOption::CreateDb(false)),
    ("login", RoleOption::Login(true)),
    ("nologin", RoleOption::Login(false)),
    ("replication", RoleOption::Replication(true)),
    ("noreplication", RoleOption::Replication(false)),
    ("bypassrls", RoleOption::BypassRls(true)),
    ("nobypassrls", RoleOption::BypassRls(false)),
    ("noinherit", RoleOption::Inherit(false)),
];

impl Parser<'_> {
    /// `CREATE ROLE/USER/GROUP …`, after these words.
    pub(super) fn create_role(&mut self, user: bool) -> Result<Utility> {
        let name = RoleSpec::Name(self.role_id()?);
        self.eat_word(K::With);
        Ok(Utility::CreateRole(CreateRole { user, name, options: self.role_options(true)? }))
    }

    /// `ALTER ROLE/USER/GROUP …`, after these words.
    pub(super) fn alter_role(&mut self, group: bool) -> Result<Utility> {
        if self.eat_word(K::All) {
            return self.alter_role_setting(None);
        }
        let name = self.role()?;
        match self.keyword() {
            K::Rename => {
                self.advance();
                self.expect_word(K::To)?;
                let to = self.role_id()?;
                let RoleSpec::Name(from) = name else {
                    return Err(Error::new(SqlState::RESERVED_NAME, "CURRENT_USER cannot be used as a role name here"));
                };
                let object = ObjectRef::Name(ObjectName::from(vec![from]));
                Ok(Utility::Rename(Rename::new(ObjectKind::Role, object, to)))
            }
            K::Add | K::Drop if group => {
                let add = self.advance().keyword == K::Add;
                self.expect_word(K::User)?;
                let members = self.list(Self::role)?;
                let option = if add { RoleOption::Members(members) } else { RoleOption::DropMembers(members) };
                Ok(Utility::AlterRole(AlterRole { name, options: vec![option] }))
            }
            K::Set | K::Reset | K::In if !group => self.alter_role_setting(Some(name)),
            _ if group => Err(self.unexpected()),
            _ => {
                self.eat_word(K::With);
                Ok(Utility::AlterRole(AlterRole { name, options: self.role_options(false)? }))
            }
        }
    }

    /// `[IN DATABASE name] SET …`.
    fn alter_role_setting(&mut self, role: Option<RoleSpec>) -> Result<Utility> {
        let database = match self.eat_word(K::In) {
            true => {
                self.expect_word(K::Database)?;
                Some(self.col_id()?)
            }
            false => None,
        };
        if !self.is_any(&[K::Set, K::Reset]) {
            return Err(self.unexpected());
        }
        let set = self.set_or_reset()?;
        Ok(Utility::AlterSetting(AlterSetting { of_database: false, role, database, set }))
    }

    fn role_options(&mut self, create: bool) -> Result<Vec<RoleOption>> {
        let mut options: Vec<RoleOption> = Vec::new();
        loop {
            let position = self.position();
            let Some(option) = self.role_option(create)? else { return Ok(options) };
            let same = |other: &RoleOption| std::mem::discriminant(other) == std::mem::discriminant(&option);
            if options.iter().any(same) {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(Some(position)));
            }
            options.push(option);
        }
    }

    /// `CreateOptRoleElem` and `AlterOptRoleElem`.
    fn role_option(&mut self, create: bool) -> Result<Option<RoleOption>> {
        let token = self.peek();
        match token.keyword {
            K::Sysid | K::Admin | K::Role | K::In if !create => return Ok(None),
            K::Password
            | K::Encrypted
            | K::Unencrypted
            | K::Inherit
            | K::Connection
            | K::Valid
            | K::User
            | K::Sysid
            | K::Admin
            | K::Role
            | K::In => {}
            K::Unkeyed if matches!(token.kind, Kind::Word | Kind::QuotedName) => return self.role_flag().map(Some),
            _ => return Ok(None),
        }
        self.advance();
        Ok(Some(match token.keyword {
            K::Password if self.eat_word(K::Null) => RoleOption::Password(None),
            K::Password => RoleOption::Password(Some(self.string()?)),
            K::Encrypted => {
                self.expect_word(K::Password)?;
                RoleOption::Password(Some(self.string()?))
            }
            K::Unencrypted => {
                self.expect_word(K::Password)?;
                self.string()?;
                let message = "UNENCRYPTED PASSWORD is no longer supported";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                    .hint("Remove UNENCRYPTED to store the password in encrypted form instead.")
                    .at(Some(token.position)));
            }
            K::Inherit => RoleOption::Inherit(true),
            K::Connection => {
                self.expect_word(K::Limit)?;
                RoleOption::ConnectionLimit(self.signed_integer()?)
            }
            K::Valid => {
                self.expect_word(K::Until)?;
                RoleOption::ValidUntil(self.string()?)
            }
            K::Sysid => RoleOption::SysId(i64::from(self.integer()?)),
            K::Admin => RoleOption::Admins(self.list(Self::role)?),
            K::In => {
                self.advance_if_any(&[K::Role, K::Group])?;
                RoleOption::InRole(self.list(Self::role)?)
            }
            _ => RoleOption::Members(self.list(Self::role)?),
        }))
    }

    fn role_flag(&mut self) -> Result<RoleOption> {
        let position = self.position();
        let word = self.ident()?.value;
        let flag = FLAGS.iter().find(|(name, _)| *name == word).map(|(_, option)| option.clone());
        flag.ok_or_else(|| {
            Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized role option \"{word}\"")).at(Some(position))
        })
    }
}
