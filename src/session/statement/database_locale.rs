//! The locale of a new database: what its options say, what its template has, and whether the two go together.

use std::sync::Arc;

use dictdb_catalog::{Catalog, CollationInfo};
use dictdb_functions::collation::Rule;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::database_options::DatabaseOptions;

/// The template that may be of another locale than what begins as it.
const PRISTINE: &str = "template0";

/// A template, as far as locales go.
pub(super) struct Template<'a> {
    pub(super) name: &'a str,
    pub(super) catalog: &'a Catalog,
}

impl DatabaseOptions<'_> {
    /// What `default` is to stand for in the new database. 42809, 42P17, 22023; 0A000 for a locale that there are no tables for.
    pub(super) fn locale(&self, template: &Template<'_>) -> Result<CollationInfo> {
        let source = template.catalog.locale();
        let mut locale = self.wanted_locale(template, &source)?;
        if template.name != PRISTINE {
            check_same(&locale, &source)?;
        }
        check_version(template.name, &source)?;
        let stated = self.text("collation_version").map(Arc::from);
        locale.version = stated.or_else(|| source.version.clone()).or_else(|| locale.actual_version().map(Arc::from));
        for rule in [locale.order_rule(), locale.case_rule()].into_iter().flatten() {
            Rule::of(&rule)?;
        }
        let has_tables = template.catalog.relations().any(|relation| relation.oid >= Oid::FIRST_NORMAL);
        if has_tables && (locale.order_rule(), locale.case_rule()) != (source.order_rule(), source.case_rule()) {
            return Err(Error::unsupported("CREATE DATABASE with another locale than that of a template with tables"));
        }
        Ok(locale)
    }

    fn wanted_locale(&self, template: &Template<'_>, source: &CollationInfo) -> Result<CollationInfo> {
        let both = self.text("locale");
        let part = |name: &str, of_template: &Option<Arc<str>>| -> Result<Option<Arc<str>>> {
            match self.text(name).or_else(|| both.clone()) {
                Some(stated) => canonical(template.catalog, stated).map(Some),
                None => Ok(of_template.clone()),
            }
        };
        let (collate, ctype) = (part("lc_collate", &source.collate)?, part("lc_ctype", &source.ctype)?);
        let provider = match self.text("locale_provider") {
            Some(stated) if stated.eq_ignore_ascii_case("icu") => b'i',
            Some(_) => b'c',
            None => source.provider,
        };
        let icu_locale = match (provider, self.text("icu_locale")) {
            (b'i', stated) => match stated.map(Arc::from).or_else(|| source.icu_locale.clone()) {
                None => return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "ICU locale must be specified")),
                known => known,
            },
            (_, None) => None,
            (_, Some(_)) => {
                let message = "ICU locale cannot be specified unless locale provider is ICU";
                return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
            }
        };
        Ok(CollationInfo { provider, collate, ctype, icu_locale, version: None, ..CollationInfo::c() })
    }
}

/// A locale of the provider `c` as the system calls it; the environment's, which an empty name means, is C. 42809.
fn canonical(catalog: &Catalog, name: String) -> Result<Arc<str>> {
    match name.as_str() {
        "" | "C" | "POSIX" => Ok(Arc::from("C")),
        known if catalog.has_system_locale(known) => Ok(Arc::from(name)),
        unknown => {
            let message = format!("invalid locale name: \"{unknown}\"");
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
        }
    }
}

/// 22023 for another locale than that of a template which may hold texts in its order.
fn check_same(locale: &CollationInfo, source: &CollationInfo) -> Result<()> {
    let provider = |info: &CollationInfo| Some(Arc::from(if info.provider == b'i' { "icu" } else { "libc" }));
    let parts: [(Option<Arc<str>>, Option<Arc<str>>, &str, &str); 4] = [
        (locale.collate.clone(), source.collate.clone(), "collation", "is incompatible with the collation of"),
        (locale.ctype.clone(), source.ctype.clone(), "LC_CTYPE", "is incompatible with the LC_CTYPE of"),
        (provider(locale), provider(source), "locale provider", "does not match locale provider of"),
        (locale.icu_locale.clone(), source.icu_locale.clone(), "ICU locale", "is incompatible with the ICU locale of"),
    ];
    let Some((new, old, what, relation)) = parts.into_iter().find(|(new, old, ..)| new != old) else { return Ok(()) };
    let (new, old) = (new.unwrap_or_default(), old.unwrap_or_default());
    let message = format!("new {what} ({new}) {relation} the template database ({old})");
    let hint = format!("Use the same {what} as in the template database, or use template0 as template.");
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).hint(hint))
}

/// XX000 for a template whose texts were ordered by other tables.
fn check_version(template: &str, source: &CollationInfo) -> Result<()> {
    let Some(version) = source.version.as_deref() else { return Ok(()) };
    let Some(actual) = source.actual_version() else {
        let message = format!(
            "template database \"{template}\" has a collation version, but no actual collation version could be determined"
        );
        return Err(Error::internal(message));
    };
    if version == actual {
        return Ok(());
    }
    let shown = dictdb_types::quote_identifier(template);
    Err(Error::internal(format!("template database \"{template}\" has a collation version mismatch"))
        .detail(format!(
            "The template database was created using collation version {version}, but the operating system provides version {actual}."
        ))
        .hint(format!(
            "Rebuild all objects in the template database that use the default collation and run ALTER DATABASE {shown} REFRESH COLLATION VERSION, or build PostgreSQL with the right library version."
        )))
}

/// The warning that a session begins with in a database whose texts were ordered by other tables.
pub(crate) fn version_warning(database: &str, locale: &CollationInfo) -> Option<Error> {
    use dictdb_types::Severity;
    let version = locale.version.as_deref()?;
    let message = match locale.actual_version() {
        Some(actual) if actual == version => return None,
        Some(actual) => {
            let shown = dictdb_types::quote_identifier(database);
            let message = format!("database \"{database}\" has a collation version mismatch");
            return Some(
                Error::with_severity(Severity::Warning, SqlState::WARNING, message)
                    .detail(format!(
                        "The database was created using collation version {version}, but the operating system provides version {actual}."
                    ))
                    .hint(format!(
                        "Rebuild all objects in this database that use the default collation and run ALTER DATABASE {shown} REFRESH COLLATION VERSION, or build PostgreSQL with the right library version."
                    )),
            );
        }
        None => format!("database \"{database}\" has no actual collation version, but a version was recorded"),
    };
    Some(Error::with_severity(Severity::Warning, SqlState::WARNING, message))
}
