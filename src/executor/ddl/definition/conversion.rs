//! CREATE CONVERSION. What is made is in the catalog; values are converted by PostgreSQL's own conversions.

use std::sync::Arc;

use dictdb_catalog::{ConversionInfo, DefinitionBody, DefinitionKind, Dependency, Key};
use dictdb_parser::utility::CreateConversion;
use dictdb_types::{Error, Oid, Result, SqlState, encoding, oids};

use super::super::DdlContext;
use super::super::names::{parts, shown};

/// `SQL_ASCII`.
const SQL_ASCII: i32 = 0;

impl DdlContext<'_> {
    /// 42704, 42P17, 42883, 42710; 0A000 for a function of a user's, which could not be called.
    pub(in crate::ddl) fn create_conversion(&mut self, create: &CreateConversion) -> Result<()> {
        let (namespace, name) = self.new_name(&create.name, false)?;
        self.check_create_in(namespace)?;
        let source = encoding_named(&create.source, "source")?;
        let target = encoding_named(&create.target, "destination")?;
        if source == SQL_ASCII || target == SQL_ASCII {
            let message = "encoding conversion to or from \"SQL_ASCII\" is not supported";
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        let function = self.conversion_function(create)?;
        if self.view().definition_in(DefinitionKind::Conversion, namespace, &name).is_some() {
            let message = format!("conversion \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let has_default = create.default
            && self.view().definitions().any(|own| {
                own.namespace == namespace
                    && own
                        .conversion()
                        .is_some_and(|info| info.default && (info.source, info.target) == (source, target))
            });
        if has_default {
            let message = format!("default conversion for {} to {} already exists", create.source, create.target);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let info = ConversionInfo { source, target, function, default: create.default };
        let key = self.new_definition(namespace, Arc::clone(&name), DefinitionBody::Conversion(info));
        if function >= Oid::FIRST_NORMAL {
            self.depend(key, Key::Function(function), Dependency::Normal);
        }
        Ok(())
    }

    fn conversion_function(&mut self, create: &CreateConversion) -> Result<Oid> {
        let bare = parts(&create.function).last().map(|ident| ident.value.clone()).unwrap_or_default();
        let args = [oids::INT4, oids::INT4, oids::CSTRING, oids::INTERNAL, oids::INT4, oids::BOOL];
        let mut builtin = dictdb_functions::facts::procs_named(&bare).filter(|proc| *proc.args == args);
        if let Some(proc) = builtin.next() {
            return Ok(proc.oid);
        }
        let message = format!(
            "function {}(integer, integer, cstring, internal, integer, boolean) does not exist",
            shown(&create.function)
        );
        Err(Error::new(SqlState::UNDEFINED_FUNCTION, message))
    }
}

fn encoding_named(name: &str, which: &str) -> Result<i32> {
    encoding::number(name)
        .map(|number| number as i32)
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("{which} encoding \"{name}\" does not exist")))
}
