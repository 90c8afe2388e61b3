//! Foreign-data wrappers, servers, user mappings, foreign tables, `IMPORT FOREIGN SCHEMA`.

use dictdb_types::Result;
use sqlparser::ast::{Ident, ObjectName};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{
    AlterServer, CreateServer, ForeignClause, ImportForeignSchema, ObjectKind, ObjectRef, OptionAction, OptionChange,
    RoleSpec, UserMapping, UserMappingAction, Utility, WrapperCommand, WrapperFunction,
};

impl Parser<'_> {
    /// `create_generic_options`: `OPTIONS (name 'value', …)`, if it comes next.
    pub(super) fn generic_options(&mut self) -> Result<Vec<OptionChange>> {
        if !self.eat_word(K::Options) {
            return Ok(Vec::new());
        }
        self.in_parens(|parser| parser.option_change(OptionAction::Add))
    }

    /// `alter_generic_options`: `OPTIONS (ADD name 'value', SET name 'value', DROP name, …)`.
    pub(super) fn generic_option_changes(&mut self) -> Result<Vec<OptionChange>> {
        self.expect_word(K::Options)?;
        self.in_parens(|parser| {
            let words = [(K::Add, OptionAction::Add), (K::Set, OptionAction::Set), (K::Drop, OptionAction::Drop)];
            // An option may be called like one of the words.
            let is_word = !matches!(parser.nth(1).kind, Kind::String);
            let action = if is_word { parser.eat_one_of(&words) } else { None };
            parser.option_change(action.unwrap_or(OptionAction::Add))
        })
    }

    fn option_change(&mut self, action: OptionAction) -> Result<OptionChange> {
        let name = self.col_label()?;
        let value = if action == OptionAction::Drop { String::new() } else { self.string()? };
        Ok(OptionChange { action, name, value })
    }

    /// `CREATE FOREIGN DATA WRAPPER …`, after these words.
    pub(super) fn create_wrapper(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        let functions = self.wrapper_functions()?;
        let options = self.generic_options()?;
        Ok(Utility::CreateWrapper(WrapperCommand { name, functions, options }))
    }

    fn wrapper_functions(&mut self) -> Result<Vec<WrapperFunction>> {
        let mut functions = Vec::new();
        loop {
            let position = self.position();
            let no = self.is_word(K::No);
            if !self.nth(usize::from(no)).keyword.eq(&K::Handler)
                && !self.nth(usize::from(no)).keyword.eq(&K::Validator)
            {
                return if no { Err(self.unexpected_at(self.nth(1))) } else { Ok(functions) };
            }
            self.at += usize::from(no);
            let validator = self.advance().keyword == K::Validator;
            let function = if no { None } else { Some(self.any_name()?) };
            functions.push(WrapperFunction { validator, function, position });
        }
    }

    /// `ALTER FOREIGN DATA WRAPPER …`, after these words.
    pub(super) fn alter_wrapper(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        if self.is_any(&[K::Rename, K::Owner]) {
            let name = ObjectRef::Name(ObjectName::from(vec![name]));
            return self.alter_definition(ObjectKind::ForeignDataWrapper, name);
        }
        let functions = self.wrapper_functions()?;
        let options = match functions.is_empty() || self.is_word(K::Options) {
            true => self.generic_option_changes()?,
            false => Vec::new(),
        };
        Ok(Utility::AlterWrapper(WrapperCommand { name, functions, options }))
    }

    /// `CREATE SERVER …`, after these words.
    pub(super) fn create_server(&mut self) -> Result<Utility> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.col_id()?;
        let server_type = if self.eat_word(K::Type) { Some(self.string()?) } else { None };
        let version = self.server_version()?.flatten();
        self.expect_words(&[K::Foreign, K::Data, K::Wrapper])?;
        let wrapper = self.col_id()?;
        let options = self.generic_options()?;
        Ok(Utility::CreateServer(CreateServer { name, if_not_exists, server_type, version, wrapper, options }))
    }

    /// `VERSION 'text'` or `VERSION NULL`.
    fn server_version(&mut self) -> Result<Option<Option<String>>> {
        if !self.eat_word(K::Version) {
            return Ok(None);
        }
        if self.eat_word(K::Null) { Ok(Some(None)) } else { Ok(Some(Some(self.string()?))) }
    }

    /// `ALTER SERVER …`, after these words.
    pub(super) fn alter_server(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        if self.is_any(&[K::Rename, K::Owner]) {
            let name = ObjectRef::Name(ObjectName::from(vec![name]));
            return self.alter_definition(ObjectKind::Server, name);
        }
        let version = self.server_version()?;
        let options = match version.is_none() || self.is_word(K::Options) {
            true => self.generic_option_changes()?,
            false => Vec::new(),
        };
        Ok(Utility::AlterServer(AlterServer { name, version, options }))
    }

    /// `CREATE USER MAPPING …`, after these words.
    pub(super) fn create_user_mapping(&mut self) -> Result<Utility> {
        let if_not_exists = self.if_not_exists()?;
        let (user, server) = self.mapped_user()?;
        let options = self.generic_options()?;
        let action = UserMappingAction::Create { if_not_exists, options };
        Ok(Utility::UserMapping(UserMapping { user, server, action }))
    }

    /// `ALTER USER MAPPING …`, after these words.
    pub(super) fn alter_user_mapping(&mut self) -> Result<Utility> {
        let (user, server) = self.mapped_user()?;
        let action = UserMappingAction::Alter(self.generic_option_changes()?);
        Ok(Utility::UserMapping(UserMapping { user, server, action }))
    }

    /// `DROP USER MAPPING …`, after these words.
    pub(super) fn drop_user_mapping(&mut self) -> Result<Utility> {
        let if_exists = self.if_exists()?;
        let (user, server) = self.mapped_user()?;
        Ok(Utility::UserMapping(UserMapping { user, server, action: UserMappingAction::Drop { if_exists } }))
    }

    /// `FOR user SERVER name`.
    fn mapped_user(&mut self) -> Result<(RoleSpec, Ident)> {
        self.expect_word(K::For)?;
        let user = if self.eat_word(K::User) { RoleSpec::CurrentUser } else { self.role()? };
        self.expect_word(K::Server)?;
        Ok((user, self.col_id()?))
    }

    /// `SERVER name OPTIONS (…)` of a foreign table.
    pub(super) fn foreign_clause(&mut self) -> Result<ForeignClause> {
        self.expect_word(K::Server)?;
        let server = self.col_id()?;
        Ok(ForeignClause { server, options: self.generic_options()? })
    }

    /// `IMPORT FOREIGN SCHEMA …`.
    pub(super) fn import_foreign_schema(&mut self) -> Result<Utility> {
        self.expect_words(&[K::Import, K::Foreign, K::Schema])?;
        self.col_id()?;
        if self.eat_word(K::Limit) {
            self.expect_word(K::To)?;
            self.in_parens(Self::table_ref)?;
        } else if self.eat_word(K::Except) {
            self.in_parens(Self::table_ref)?;
        }
        self.expect_words(&[K::From, K::Server])?;
        let server = self.col_id()?;
        self.expect_word(K::Into)?;
        let schema = self.col_id()?;
        self.generic_options()?;
        Ok(Utility::ImportForeignSchema(ImportForeignSchema { server, schema }))
    }
}
