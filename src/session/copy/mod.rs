//! COPY: rows as text, CSV or binary, to and from the client and files.
//!
//! ```text
//!   client, file ─bytes─► lines ─► text | csv ─fields─► typinput ─┐
//!                         binary ──────────fields─────► typrecv ──┴─ rows ─► load ─► INSERT, a batch at a time
//!   SELECT ─► unload ─► write: text | csv | binary ─► client, file
//! ```
//! Loading goes through an ordinary INSERT, so defaults, constraints and triggers are those of INSERT.

mod binary;
mod csv;
mod lines;
mod load;
mod options;
mod relation;
mod text;
mod unload;
mod write;

use std::sync::Arc;

use dictdb_parser::utility::{Copy, CopySource, CopyTarget};
use dictdb_types::{Error, Result, SqlState};

use crate::Session;
use crate::client::{Client, CopyShape, Format as WireFormat, Tag};
use crate::portal::Outcome;
use crate::prepared::Source;

pub(crate) use options::{CopyFormat, Options};

impl Session {
    /// COPY, whichever way.
    pub(crate) async fn run_copy(
        &mut self,
        copy: &Copy,
        source: &Arc<Source>,
        client: &mut dyn Client,
    ) -> Result<Outcome> {
        if let CopyTarget::Program(_) = copy.target {
            return Err(Error::unsupported("COPY with a program"));
        }
        if let CopyTarget::File(path) = &copy.target {
            self.check_file(path, copy.from)?;
        }
        let options = Options::read(&copy.options, copy.from, self.codec())?;
        let rows = match &copy.source {
            CopySource::Table { name, columns } if copy.from => {
                let table = self.copy_table(name, columns, true)?;
                self.load(copy, &table, &options, client).await?
            }
            CopySource::Table { name, columns } => {
                let table = self.copy_table(name, columns, false)?;
                let query = Arc::new(Source::parse(&table.select())?);
                self.unload(&query, &options, &copy.target, client).await?
            }
            CopySource::Query(query) => {
                let query = Arc::new(source.inner((**query).clone()));
                self.unload(&query, &options, &copy.target, client).await?
            }
        };
        Ok(Outcome::Done(Tag::rows("COPY", rows)))
    }

    /// Files of the server are for superusers, and named by absolute paths.
    fn check_file(&self, path: &str, from: bool) -> Result<()> {
        if !self.shared.is_superuser() {
            let (what, role) = if from { ("from", "pg_read_server_files") } else { ("to", "pg_write_server_files") };
            let message = format!("must be superuser or have privileges of the {role} role to COPY {what} a file");
            let error = Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message);
            return Err(
                error.hint("Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.")
            );
        }
        if !from && !path.starts_with('/') {
            return Err(Error::new(SqlState::INVALID_NAME, "relative path not allowed for COPY to file"));
        }
        Ok(())
    }
}

/// What CopyInResponse and CopyOutResponse announce.
fn shape(options: &Options, columns: usize) -> CopyShape {
    let format = if options.format == CopyFormat::Binary { WireFormat::Binary } else { WireFormat::Text };
    CopyShape { format, columns }
}

/// 22P04.
fn bad_format(message: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

/// `could not open file …`, with the SQLSTATE PostgreSQL derives from the system's error.
pub(crate) fn file_error(action: &str, path: &str, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    let (code, reason) = match error.kind() {
        ErrorKind::NotFound => (SqlState::UNDEFINED_FILE, "No such file or directory"),
        ErrorKind::PermissionDenied => (SqlState::INSUFFICIENT_PRIVILEGE, "Permission denied"),
        ErrorKind::IsADirectory => (SqlState::WRONG_OBJECT_TYPE, "Is a directory"),
        ErrorKind::StorageFull => (SqlState::DISK_FULL, "No space left on device"),
        _ => (SqlState::IO_ERROR, "Input/output error"),
    };
    Error::new(code, format!("could not {action} file \"{path}\": {reason}"))
}
