//! CREATE ACCESS METHOD. Of tables, the handler is the built-in one; of indexes, handlers are those of extensions, and an access
//! method has the name that its extension gives it.

use std::sync::Arc;

use dictdb_catalog::{AccessMethodInfo, DefinitionBody, DefinitionKind, Dependency, IndexMethod, Key};
use dictdb_functions::facts;
use dictdb_parser::utility::CreateAccessMethod;
use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::super::DdlContext;
use super::super::names::{parts, shown};

impl DdlContext<'_> {
    /// 42501, 42710, 42883, 42809; 0A000 for handlers of indexes that no extension brings.
    pub(in crate::ddl) fn create_access_method(&mut self, create: &CreateAccessMethod) -> Result<()> {
        let name = create.name.value.as_str();
        if !self.is_superuser() {
            let message = format!("permission denied to create access method \"{name}\"");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .hint("Must be superuser to create an access method."));
        }
        if facts::access_method_names().any(|known| known == name) {
            let message = format!("access method \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        self.check_definition_free(DefinitionKind::AccessMethod, Oid::INVALID, name)?;
        let (handler, result) = self.function_of_types(&create.handler, &[oids::INTERNAL])?;
        let (wanted, shown_type) = match create.table {
            true => (oids::TABLE_AM_HANDLER, "table_am_handler"),
            false => (oids::INDEX_AM_HANDLER, "index_am_handler"),
        };
        if result != wanted {
            let bare = parts(&create.handler).last().map(|ident| ident.value.clone()).unwrap_or_default();
            let message = format!("function {bare} must return type {shown_type}");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let info = AccessMethodInfo { handler };
        let source = self.view().routine(handler).map(|routine| Arc::clone(&routine.source));
        let made = source.as_deref().and_then(IndexMethod::of_handler);
        if !info.is_of_tables() && made.is_none_or(|method| method.name() != name) {
            let handler = shown(&create.handler);
            return Err(Error::unsupported(format_args!("access method \"{name}\" with handler {handler}")));
        }
        let key = self.new_definition(Oid::INVALID, Arc::from(name), DefinitionBody::AccessMethod(info));
        if handler >= Oid::FIRST_NORMAL {
            self.depend(key, Key::Function(handler), Dependency::Normal);
        }
        Ok(())
    }
}
