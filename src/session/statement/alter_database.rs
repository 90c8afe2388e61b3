//! ALTER DATABASE, and the options that it has in common with CREATE DATABASE.

use dictdb_catalog::CollationInfo;
use dictdb_durability::DatabaseAttributes;
use dictdb_parser::utility::{AlterDatabase, AlterDatabaseAction, DefElem, DefValue, RoleSpec};
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use super::database_options::no_tablespace_of_databases;
use crate::Session;
use crate::client::Tag;
use crate::instance::Database;
use crate::portal::Outcome;

/// The command's name in errors.
pub(super) fn name(action: &AlterDatabaseAction) -> &'static str {
    match action {
        AlterDatabaseAction::Tablespace(_) => "ALTER DATABASE SET TABLESPACE",
        _ => "ALTER DATABASE",
    }
}

impl Session {
    pub(super) fn run_alter_database(&mut self, alter: &AlterDatabase) -> Result<Outcome> {
        let name = alter.name.value.as_str();
        match &alter.action {
            AlterDatabaseAction::Options(options) => self.alter_database_options(name, options)?,
            AlterDatabaseAction::Rename(to) => self.rename_database(name, &to.value)?,
            AlterDatabaseAction::Owner(role) => self.change_database_owner(name, role)?,
            AlterDatabaseAction::Tablespace(tablespace) => self.move_database(name, &tablespace.value)?,
            AlterDatabaseAction::RefreshCollationVersion => {
                let database = self.existing_database(name)?;
                self.check_database_owner(&database)?;
                self.refresh_collation_version(&database)?;
            }
        }
        Ok(Outcome::Done(Tag::new("ALTER DATABASE")))
    }

    /// XX000 where a version was recorded of what has none.
    fn refresh_collation_version(&mut self, database: &Database) -> Result<()> {
        let locale = database.catalog.current().locale();
        let actual = locale.actual_version();
        let message = match (locale.version.as_deref(), actual) {
            (None, None) => "version has not changed".to_owned(),
            (None, Some(_)) | (Some(_), None) => return Err(Error::internal("invalid collation version change")),
            (Some(old), Some(new)) if old == new => "version has not changed".to_owned(),
            (Some(old), Some(new)) => {
                let refreshed = CollationInfo { version: Some(new.into()), ..locale.clone() };
                let change = database.catalog.current().locale_change(&refreshed);
                self.shared.instance.change_catalog(database, change.as_slice())?;
                format!("changing version from {old} to {new}")
            }
        };
        self.shared.notice(Error::with_severity(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message));
        Ok(())
    }

    fn alter_database_options(&mut self, name: &str, options: &[DefElem]) -> Result<()> {
        check_once(options)?;
        let mut given = DatabaseAttributes::of_owner(Oid(0));
        for option in options {
            match option.name.value.as_str() {
                "tablespace" if options.len() > 1 => {
                    let message = format!("option \"{}\" cannot be specified with other options", option.name.value);
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(position(option)));
                }
                "tablespace" => return self.move_database(name, &option_text(option).unwrap_or_default()),
                _ => put_attribute(option, &mut given)?,
            }
        }
        let database = self.existing_database(name)?;
        self.check_database_owner(&database)?;
        let mut attributes = database.attributes;
        for option in options {
            put_attribute(option, &mut attributes)?;
        }
        if !attributes.allows_connections && database.oid == self.shared.database.oid {
            let message = "cannot disallow connections for current database";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        self.shared.instance.alter_database(database.oid, None, attributes)
    }

    fn rename_database(&mut self, name: &str, to: &str) -> Result<()> {
        let database = self.existing_database(name)?;
        self.check_database_owner(&database)?;
        self.check_may_create_databases("permission denied to rename database")?;
        self.shared.instance.check_vacant(to)?;
        if database.oid == self.shared.database.oid {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "current database cannot be renamed"));
        }
        self.close_sessions(&database, false)?;
        self.shared.instance.alter_database(database.oid, Some(to), database.attributes)
    }

    fn change_database_owner(&mut self, name: &str, role: &RoleSpec) -> Result<()> {
        let role = match role {
            RoleSpec::Name(name) => name.value.clone(),
            RoleSpec::SessionUser => self.shared.session_user().to_string(),
            _ => self.shared.current_user().to_string(),
        };
        let catalog = self.env().catalog.clone();
        let owner = catalog
            .role_named(&role)
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{role}\" does not exist")))?;
        let database = self.existing_database(name)?;
        if database.attributes.owner == owner.oid {
            return Ok(());
        }
        self.check_database_owner(&database)?;
        if !self.shared.is_superuser() && !catalog.member_roles(self.role()).contains(&owner.oid) {
            let message = format!("must be member of role \"{role}\"");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        self.check_may_create_databases("permission denied to change owner of database")?;
        let attributes = DatabaseAttributes { owner: owner.oid, ..database.attributes };
        self.shared.instance.alter_database(database.oid, None, attributes)
    }

    /// The only tablespace that a database can be in is where it is.
    fn move_database(&mut self, name: &str, tablespace: &str) -> Result<()> {
        let database = self.existing_database(name)?;
        self.check_database_owner(&database)?;
        match tablespace {
            "pg_default" => Ok(()),
            "pg_global" => {
                let message = "pg_global cannot be used as default tablespace";
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
            }
            other => Err(no_tablespace_of_databases(other, &self.env().catalog)),
        }
    }

    /// 3D000 when there is none of that name.
    pub(super) fn existing_database(&self, name: &str) -> Result<std::sync::Arc<Database>> {
        let known = self.shared.instance.database(name);
        known.map_err(|error| Error::new(error.code(), error.message()))
    }

    pub(super) fn owns_database(&mut self, database: &Database) -> bool {
        let role = self.role();
        self.shared.is_superuser() || self.env().catalog.inherited_roles(role).contains(&database.attributes.owner)
    }

    /// 42501 unless the role has the owner's privileges.
    pub(super) fn check_database_owner(&mut self, database: &Database) -> Result<()> {
        match self.owns_database(database) {
            true => Ok(()),
            false => {
                let message = format!("must be owner of database {}", database.name);
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
            }
        }
    }

    /// 42501 with this message unless the role has CREATEDB.
    pub(super) fn check_may_create_databases(&mut self, message: &str) -> Result<()> {
        let role = self.role();
        let env = self.env();
        match env.catalog.role(role).is_none_or(|role| role.superuser || role.create_db) {
            true => Ok(()),
            false => Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)),
        }
    }
}

pub(super) fn position(option: &DefElem) -> Option<u32> {
    dictdb_parser::position::of_span(option.name.span)
}

/// 42601 when an option is written twice.
pub(super) fn check_once(options: &[DefElem]) -> Result<()> {
    let is_again = |(number, option): &(usize, &DefElem)| {
        options[..*number].iter().any(|before| before.name.value == option.name.value)
    };
    match options.iter().enumerate().find(is_again) {
        None => Ok(()),
        Some((_, option)) => {
            let message = "conflicting or redundant options";
            Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position(option)))
        }
    }
}

pub(super) fn not_recognized(option: &DefElem) -> Error {
    let message = format!("option \"{}\" not recognized", option.name.value);
    Error::new(SqlState::SYNTAX_ERROR, message).at(position(option))
}

/// Puts an option that both statements have; `DEFAULT` leaves what there is. 42601, 22023.
pub(super) fn put_attribute(option: &DefElem, attributes: &mut DatabaseAttributes) -> Result<()> {
    let name = option.name.value.as_str();
    match (name, &option.value) {
        ("connection_limit" | "allow_connections" | "is_template", None) => {}
        ("connection_limit", Some(value)) => attributes.connection_limit = connection_limit(value)?,
        ("allow_connections", Some(_)) => attributes.allows_connections = boolean(option)?,
        ("is_template", Some(_)) => attributes.is_template = boolean(option)?,
        _ => return Err(not_recognized(option)),
    }
    Ok(())
}

fn connection_limit(value: &DefValue) -> Result<i32> {
    let limit: Option<i32> = if let DefValue::Number(text) = value { text.parse().ok() } else { None };
    let limit =
        limit.ok_or_else(|| Error::new(SqlState::SYNTAX_ERROR, "connection_limit requires an integer value"))?;
    if limit < -1 {
        let message = format!("invalid connection limit: {limit}");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(limit)
}

fn boolean(option: &DefElem) -> Result<bool> {
    match option_text(option).unwrap_or_default().to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => {
            let message = format!("{} requires a Boolean value", option.name.value);
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

/// The value of an option as text; `None` when it is left out.
pub(super) fn option_text(option: &DefElem) -> Option<String> {
    match option.value.as_ref()? {
        DefValue::Number(text) | DefValue::String(text) | DefValue::Keyword(text) => Some(text.clone()),
        DefValue::Type(data_type) => {
            let name = dictdb_parser::TypeName::of(data_type)?;
            Some(name.names.iter().map(|ident| ident.value.as_str()).collect::<Vec<_>>().join("."))
        }
        _ => None,
    }
}
