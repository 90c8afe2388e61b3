//! What DDL in general has to do with extensions: who may touch them, comments, moving to another schema.

use std::sync::Arc;

use dictdb_catalog::{Extension, PG_EXTENSION};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;

/// 42704.
pub(super) fn missing(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("extension \"{name}\" does not exist"))
}

impl DdlContext<'_> {
    /// 42501 unless the role owns the extension.
    pub(super) fn check_extension_owner(&mut self, oid: Oid) -> Result<()> {
        let Some(extension) = self.view().extension(oid).cloned() else { return Ok(()) };
        match self.has_privileges_of(extension.owner) {
            true => Ok(()),
            false => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("must be owner of extension {}", extension.name),
            )),
        }
    }

    /// What COMMENT ON EXTENSION is on.
    pub(super) fn commented_extension(&mut self, name: &str) -> Result<(Oid, Oid, i32)> {
        let found: Option<Arc<Extension>> = self.view().extension_named(name).cloned();
        let extension = found.ok_or_else(|| missing(name))?;
        self.check_extension_owner(extension.oid)?;
        Ok((PG_EXTENSION, extension.oid, 0))
    }
}
