//! CREATE COLLATION, ALTER COLLATION … REFRESH VERSION, and what depends on collations.

use std::sync::Arc;

use dictdb_catalog::{
    CollationInfo, DEFAULT_COLLATION, Definition, DefinitionBody, DefinitionKind, Dependency, Key, UTF8,
};
use dictdb_functions::collation::Rule;
use dictdb_parser::ast::ObjectName;
use dictdb_parser::position;
use dictdb_parser::utility::{DefElem, DefineObject};
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use super::super::DdlContext;
use super::super::operator::option;

/// Any encoding.
const ANY_ENCODING: i32 = -1;

/// The options of CREATE COLLATION.
#[derive(Default)]
struct Options {
    from: Option<ObjectName>,
    locale: Option<String>,
    lc_collate: Option<String>,
    lc_ctype: Option<String>,
    provider: Option<String>,
    deterministic: Option<bool>,
    version: Option<String>,
}

impl DdlContext<'_> {
    /// 42710, 42601, 42P17, 22023, 0A000.
    pub(in crate::ddl) fn create_collation(&mut self, define: &DefineObject) -> Result<()> {
        let (namespace, name) = self.new_name(&define.name, false)?;
        self.check_create_in(namespace)?;
        let options = self.collation_options(define)?;
        let info = match &options.from {
            Some(source) => self.copied_collation(source)?,
            None => self.described_collation(&options)?,
        };
        if self.is_taken_collation(namespace, &name, define.if_not_exists, info.encoding)? {
            return Ok(());
        }
        if let Some(rule) = info.order_rule() {
            Rule::of(&rule)?;
        }
        let key = self.new_definition(namespace, name, DefinitionBody::Collation(info));
        let Key::Definition(_, oid) = key else { return Ok(()) };
        let catalog = self.view();
        if let Some(made) = catalog.collation(oid) {
            self.warn_of_version(made);
        }
        Ok(())
    }

    fn collation_options(&mut self, define: &DefineObject) -> Result<Options> {
        let mut options = Options { from: define.from.clone(), ..Options::default() };
        let elements = define.definition.as_deref().unwrap_or_default();
        for element in elements {
            let again = |seen: bool| match seen {
                true => Err(redundant().at(position::of_span(element.name.span))),
                false => Ok(()),
            };
            let text = |slot: &mut Option<String>| -> Result<()> {
                again(slot.is_some())?;
                *slot = Some(option::of_text(element)?);
                Ok(())
            };
            match element.name.value.as_str() {
                "from" => {
                    again(options.from.is_some())?;
                    options.from = Some(option::of_name(element)?);
                }
                "locale" => text(&mut options.locale)?,
                "lc_collate" => text(&mut options.lc_collate)?,
                "lc_ctype" => text(&mut options.lc_ctype)?,
                "provider" => text(&mut options.provider)?,
                "deterministic" => {
                    again(options.deterministic.is_some())?;
                    options.deterministic = Some(option::of_boolean(element)?);
                }
                "version" => text(&mut options.version)?,
                _ => return Err(unknown(element)),
            }
        }
        if options.locale.is_some() && (options.lc_collate.is_some() || options.lc_ctype.is_some()) {
            return Err(redundant().detail("LOCALE cannot be specified together with LC_COLLATE or LC_CTYPE."));
        }
        if options.from.is_some() && elements.len() > usize::from(define.from.is_none()) {
            return Err(redundant().detail("FROM cannot be specified together with any other options."));
        }
        Ok(options)
    }

    fn copied_collation(&mut self, source: &ObjectName) -> Result<CollationInfo> {
        let oid = self.with_binding(|cx| cx.collation(source))?;
        let catalog = self.view();
        if oid == DEFAULT_COLLATION {
            let message = "collation \"default\" cannot be copied";
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        let info = catalog.collation_info(oid).cloned();
        info.ok_or_else(|| Error::internal(format!("cache lookup failed for collation {oid}")))
    }

    /// 42710, or a notice for IF NOT EXISTS.
    fn is_taken_collation(&mut self, namespace: Oid, name: &str, if_not_exists: bool, encoding: i32) -> Result<bool> {
        if self.view().collation_in(namespace, name).is_none() {
            return Ok(false);
        }
        let message = match encoding {
            ANY_ENCODING => format!("collation \"{name}\" already exists"),
            _ => format!("collation \"{name}\" for encoding \"UTF8\" already exists"),
        };
        if !if_not_exists {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        self.notice(SqlState::DUPLICATE_OBJECT, format!("{message}, skipping"));
        Ok(true)
    }

    /// A warning about a version that is not today's.
    fn warn_of_version(&mut self, own: &Definition) {
        let Some(info) = own.collation() else { return };
        let (Some(version), Some(actual)) = (&info.version, info.actual_version()) else { return };
        if **version == *actual {
            return;
        }
        let catalog = self.view();
        let shown = catalog.collation_text(own.oid, &[], true);
        let message = format!("collation \"{}\" has version mismatch", own.name);
        let warning = Error::with_severity(Severity::Warning, SqlState::WARNING, message)
            .detail(format!(
                "The collation in the database was created using version {version}, but the operating system provides version {actual}."
            ))
            .hint(format!(
                "Rebuild all objects affected by this collation and run ALTER COLLATION {shown} REFRESH VERSION, or build PostgreSQL with the right library version."
            ));
        self.notices.push(warning);
    }

    /// `ALTER COLLATION … REFRESH VERSION`. 42704, 42501.
    pub(in crate::ddl) fn refresh_collation(&mut self, name: &ObjectName) -> Result<()> {
        let oid = self.with_binding(|cx| cx.collation(name))?;
        if oid == DEFAULT_COLLATION {
            return Err(Error::internal("unexpected null in pg_collation"));
        }
        let catalog = self.view();
        let Some(own) = catalog.collation(oid) else { return Ok(()) };
        self.check_definition_owner(own)?;
        let Some(info) = own.collation() else { return Ok(()) };
        let actual = info.actual_version();
        let (old, new) = (info.version.as_deref(), actual);
        if old == new || new.is_none() {
            self.notice(SqlState::SUCCESSFUL_COMPLETION, "version has not changed".into());
            return Ok(());
        }
        let words = |version: Option<&str>| version.unwrap_or("NULL").to_owned();
        self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("changing version from {} to {}", words(old), words(new)));
        let body = DefinitionBody::Collation(CollationInfo { version: actual.map(Arc::from), ..info.clone() });
        self.redefine(own, body);
        Ok(())
    }

    /// What the options of CREATE COLLATION describe.
    fn described_collation(&mut self, options: &Options) -> Result<CollationInfo> {
        let provider = match options.provider.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("libc") => b'c',
            Some("icu") => b'i',
            Some(_) => {
                let shown = options.provider.as_deref().unwrap_or_default();
                return Err(invalid(format!("unrecognized collation provider: {shown}")));
            }
        };
        let mut info = match provider {
            b'i' => {
                let locale = options.locale.as_deref().ok_or_else(|| missing("locale"))?;
                CollationInfo {
                    provider,
                    deterministic: options.deterministic.unwrap_or(true),
                    encoding: ANY_ENCODING,
                    collate: None,
                    ctype: None,
                    icu_locale: Some(Arc::from(locale)),
                    version: None,
                }
            }
            _ => {
                let collate = options.locale.as_deref().or(options.lc_collate.as_deref());
                let ctype = options.locale.as_deref().or(options.lc_ctype.as_deref());
                let collate = collate.ok_or_else(|| missing("lc_collate"))?;
                let ctype = ctype.ok_or_else(|| missing("lc_ctype"))?;
                if options.deterministic == Some(false) {
                    let message = "nondeterministic collations not supported with this provider";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                self.check_system_locale(collate)?;
                self.check_system_locale(ctype)?;
                CollationInfo::of_system(collate, ctype, UTF8)
            }
        };
        info.version = match &options.version {
            Some(version) => Some(Arc::from(version.as_str())),
            None => info.actual_version().map(Arc::from),
        };
        Ok(info)
    }

    /// 22023 for a locale that a system would not have.
    fn check_system_locale(&mut self, locale: &str) -> Result<()> {
        if self.view().has_system_locale(locale) {
            return Ok(());
        }
        let message = format!("could not create locale \"{locale}\": No such file or directory");
        Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
            .detail(format!("The operating system could not find any locale data for the locale name \"{locale}\".")))
    }

    /// Lets something depend on a collation that a user made.
    pub(in crate::ddl) fn depend_on_collation(&mut self, own: Key, collation: Oid) {
        if collation >= Oid::FIRST_NORMAL {
            self.depend(own, Key::Definition(DefinitionKind::Collation, collation), Dependency::Normal);
        }
    }
}

fn unknown(element: &DefElem) -> Error {
    let message = format!("collation attribute \"{}\" not recognized", element.name.value);
    Error::new(SqlState::SYNTAX_ERROR, message).at(position::of_span(element.name.span))
}

fn redundant() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options")
}

fn missing(parameter: &str) -> Error {
    invalid(format!("parameter \"{parameter}\" must be specified"))
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
}
