//! The options of CREATE DATABASE, looked at in PostgreSQL's order: each one by itself first, then what the role may do and which
//! template there is, then what depends on the database.

use dictdb_catalog::{Catalog, CollationInfo};
use dictdb_durability::DatabaseAttributes;
use dictdb_parser::utility::{CreateDatabase, DefElem, DefValue};
use dictdb_types::{Error, Result, Severity, SqlState, encoding};

use super::alter_database::{check_once, not_recognized, option_text, position, put_attribute};
use super::database_locale::Template;
use crate::Shared;

/// Options whose values are texts.
const TEXTS: &[&str] = &[
    "owner",
    "template",
    "encoding",
    "locale",
    "lc_collate",
    "lc_ctype",
    "icu_locale",
    "locale_provider",
    "collation_version",
    "strategy",
    "tablespace",
];
/// The first number of an encoding that only clients may have.
const FIRST_CLIENT_ENCODING: usize = 35;

/// The options of one statement.
pub(super) struct DatabaseOptions<'a> {
    options: &'a [DefElem],
    pub(super) attributes: DatabaseAttributes,
}

impl<'a> DatabaseOptions<'a> {
    /// Looks at each option by itself. 42601, 22023, 42704, 42P17.
    pub(super) fn read(shared: &Shared, create: &'a CreateDatabase, attributes: DatabaseAttributes) -> Result<Self> {
        check_once(&create.options)?;
        let mut read = DatabaseOptions { options: &create.options, attributes };
        for option in read.options {
            match option.name.value.as_str() {
                "connection_limit" | "allow_connections" | "is_template" => {}
                "location" => shared.notice(location(option)),
                "oid" => check_oid(option)?,
                name if TEXTS.contains(&name) => {}
                _ => return Err(not_recognized(option)),
            }
        }
        read.check_encoding()?;
        if let Some(provider) = read
            .text("locale_provider")
            .filter(|name| !["libc", "icu"].iter().any(|known| known.eq_ignore_ascii_case(name)))
        {
            let message = format!("unrecognized locale provider: {provider}");
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        for option in read.options {
            if !TEXTS.contains(&option.name.value.as_str()) && !matches!(option.name.value.as_str(), "location" | "oid")
            {
                put_attribute(option, &mut read.attributes)?;
            }
        }
        Ok(read)
    }

    /// The text of an option; `None` when it is not there, or says `DEFAULT`.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let option = self.options.iter().find(|option| option.name.value == name)?;
        option_text(option).filter(|text| !text.eq_ignore_ascii_case("default"))
    }

    fn check_encoding(&self) -> Result<()> {
        let Some(option) = self.options.iter().find(|option| option.name.value == "encoding") else { return Ok(()) };
        let Some(text) = self.text("encoding") else { return Ok(()) };
        let is_number = matches!(option.value, Some(DefValue::Number(_)));
        let number = if is_number { text.parse().ok() } else { encoding::number(&text) };
        match number.filter(|number| *number < FIRST_CLIENT_ENCODING).map(|number| encoding::NAMES[number]) {
            Some("UTF8") => Ok(()),
            Some(_) => Err(Error::unsupported(format_args!("encoding \"{text}\""))),
            None => {
                let kind = if is_number { "code" } else { "name" };
                let message = format!("{text} is not a valid encoding {kind}");
                Err(Error::new(SqlState::UNDEFINED_OBJECT, message).at(position(option)))
            }
        }
    }

    /// Looks at what depends on more than the option itself, once there is a template; the locale that this gives. 42809, 22023, 42704,
    /// 42P17, 0A000.
    pub(super) fn check_surroundings(&self, template: &Template<'_>) -> Result<CollationInfo> {
        match self.text("strategy").map(|text| text.to_ascii_lowercase()).as_deref() {
            // Both copy a template; which pages are written how has no meaning in memory.
            None | Some("wal_log" | "file_copy") => {}
            Some(_) => {
                let text = self.text("strategy").unwrap_or_default();
                let message = format!("invalid create database strategy \"{text}\"");
                let hint = "Valid strategies are \"wal_log\" and \"file_copy\".";
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).hint(hint));
            }
        }
        let locale = self.locale(template)?;
        match self.text("tablespace").as_deref() {
            None | Some("pg_default") => Ok(locale),
            Some("pg_global") => {
                let message = "pg_global cannot be used as default tablespace";
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
            }
            Some(other) => Err(no_tablespace_of_databases(other, template.catalog)),
        }
    }
}

/// A tablespace that no database can be in, because there is none of the name or because only tables are in those of users.
pub(super) fn no_tablespace_of_databases(name: &str, catalog: &Catalog) -> Error {
    match catalog.tablespace_named(name) {
        Some(_) => Error::unsupported("a database in another tablespace than pg_default"),
        None => Error::new(SqlState::UNDEFINED_OBJECT, format!("tablespace \"{name}\" does not exist")),
    }
}

fn location(option: &DefElem) -> Error {
    Error::with_severity(Severity::Warning, SqlState::FEATURE_NOT_SUPPORTED, "LOCATION is not supported anymore")
        .hint("Consider using tablespaces instead.")
        .at(position(option))
}

fn check_oid(option: &DefElem) -> Result<()> {
    match option_text(option).and_then(|text| text.parse::<u32>().ok()) {
        Some(oid) if oid < dictdb_types::Oid::FIRST_NORMAL.0 => {
            let message = "OIDs less than 16384 are reserved for system objects";
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
        _ => Err(Error::unsupported("CREATE DATABASE with OID")),
    }
}
