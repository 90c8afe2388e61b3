//! CREATE LANGUAGE with a handler: the language is that of the handler under another name.

use std::sync::Arc;

use dictdb_catalog::{Definition, DefinitionBody, DefinitionKind, Dependency, Key, Language, LanguageInfo};
use dictdb_functions::facts;
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::CreateLanguage;
use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::super::DdlContext;
use super::super::names::shown;

/// What the functions that languages are called through return.
const LANGUAGE_HANDLER: Oid = Oid(2280);

impl DdlContext<'_> {
    /// 42501, 42883, 42809, 42710; 0A000 for handlers of users.
    pub(in crate::ddl) fn create_language(&mut self, create: &CreateLanguage) -> Result<()> {
        let name = create.name.value.as_str();
        if !self.is_superuser() {
            let message = "must be superuser to create custom procedural language";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        let (handler, result) = self.function_of_types(&create.handler, &[])?;
        if result != LANGUAGE_HANDLER {
            let message = format!("function {} must return type language_handler", shown(&create.handler));
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let mut optional = |function: &Option<ObjectName>, argument: Oid| match function {
            Some(function) => self.function_of_types(function, &[argument]).map(|(oid, _)| oid),
            None => Ok(Oid::INVALID),
        };
        let inline = optional(&create.inline, oids::INTERNAL)?;
        let validator = optional(&create.validator, oids::OID)?;
        let old = self.view().definition_in(DefinitionKind::Language, Oid::INVALID, name).cloned();
        if Language::named(name).is_some() || old.is_some() && !create.or_replace {
            let message = format!("language \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        if facts::proc_by_oid(handler).and_then(|proc| Language::of_handler(proc.source)).is_none() {
            let handler = shown(&create.handler);
            return Err(Error::unsupported(format_args!("a language with handler {handler}")));
        }
        let body = DefinitionBody::Language(LanguageInfo { trusted: create.trusted, handler, inline, validator });
        let key = match old {
            Some(old) => {
                self.redefine(&old, body);
                self.undepend_all(old.key());
                old.key()
            }
            None => self.new_definition(Oid::INVALID, Arc::from(name), body),
        };
        self.depend_on_functions(key, &[handler, inline, validator]);
        Ok(())
    }

    /// A routine goes with the language that somebody made for it.
    pub(in crate::ddl) fn depend_on_language(&mut self, routine: Key, own_language: Oid) {
        if own_language.is_valid() {
            let language = Key::Definition(DefinitionKind::Language, own_language);
            self.depend(routine, language, Dependency::Normal);
        }
    }
}

/// Whether a definition is a language that not everybody may use.
pub(in crate::ddl) fn is_untrusted(own: &Definition) -> bool {
    own.language().is_some_and(|info| !info.trusted)
}
