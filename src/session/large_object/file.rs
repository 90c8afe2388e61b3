//! `lo_import` and `lo_export`: large objects from and into files of the server, for superusers.

use std::fs::File;
use std::io::{Read, Write};

use dictdb_catalog::Privileges;
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::Session;
use crate::copy::file_error;

/// So much is in memory at once.
const CHUNK_BYTES: usize = 1 << 20;

impl Session {
    /// A new large object with what a file holds. 42501, 58P01.
    pub(super) fn import_object(&mut self, path: &str, wanted: Oid) -> Result<Oid> {
        self.check_may_use_files("lo_import")?;
        let mut file = File::open(path).map_err(|error| file_error("open server", path, &error))?;
        let object = self.make_large_object(wanted)?;
        let mut position = 0;
        loop {
            let mut chunk = Vec::new();
            let part = (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut chunk);
            part.map_err(|error| file_error("read server", path, &error))?;
            if chunk.is_empty() {
                return Ok(object);
            }
            self.write_object(object, position, &chunk)?;
            position += chunk.len() as u64;
        }
    }

    /// Writes a large object into a file. 42704, 42501, 58P01.
    pub(super) fn export_object(&mut self, object: Oid, path: &str) -> Result<()> {
        self.check_may_use_files("lo_export")?;
        self.permitted_large_object(object, Privileges::SELECT)?;
        let mut file = File::create(path).map_err(|error| file_error("create server", path, &error))?;
        let mut position = 0;
        loop {
            let chunk = self.read_object(object, position, CHUNK_BYTES as u64)?;
            if chunk.is_empty() {
                return Ok(());
            }
            file.write_all(&chunk).map_err(|error| file_error("write server", path, &error))?;
            position += chunk.len() as u64;
        }
    }

    /// EXECUTE is a superuser's as long as nobody else is given it.
    fn check_may_use_files(&self, function: &str) -> Result<()> {
        let catalog = self.shared.database.catalog.current();
        let user = self.shared.current_user();
        if catalog.role_named(&user).is_some_and(|role| role.superuser) {
            return Ok(());
        }
        let message = format!("permission denied for function {function}");
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }
}
