//! COPY: rows as text, CSV or binary, to and from the client and files.
//!
//! ```text
//!   client, file ─bytes─► lines ─► text | csv ─fields─► typinput ─┐
//!                         binary ──────────fields─────► typrecv ──┴─ rows ─► load ─► INSERT, a batch at a time
//!   SELECT ─► unload ─► write: text | csv | binary ─► client, file
//! ```
//! Loading goes through an ordinary INSERT, so defaults, constraints and triggers are those of INSERT. IMPORT CSV reads a file
//! twice: to find out what its columns are, and to load it into the table it made of them.

mod binary;
mod csv;
mod guess;
mod import;
mod input;
mod lines;
mod load;
mod options;
mod relation;
mod rows;
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
        if let CopyTarget::File(_) = &copy.target {
            self.check_file(copy.from)?;
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

    /// Files of the server are for superusers.
    fn check_file(&mut self, from: bool) -> Result<()> {
        let (what, role) = if from { ("from", "pg_read_server_files") } else { ("to", "pg_write_server_files") };
        if !self.shared.is_superuser() && !self.has_role(role) {
            let message = format!("must be superuser or have privileges of the {role} role to COPY {what} a file");
            let error = Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message);
            return Err(
                error.hint("Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.")
            );
        }
        Ok(())
    }
}

impl Session {
    /// Whether the current role has the privileges of another one.
    fn has_role(&mut self, name: &str) -> bool {
        let (env, role) = (self.env(), self.role());
        env.catalog.role_named(name).is_some_and(|wanted| env.catalog.inherited_roles(role).contains(&wanted.oid))
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

/// What the server does with a file: the statement, and the verb in two forms.
type Use = (&'static str, &'static str, &'static str);
const READING: Use = ("COPY FROM", "read", "reading");
const WRITING: Use = ("COPY TO", "write", "writing");

/// `could not open file … for reading`, with the hint that the server looks for it.
fn open_error(path: &str, error: &std::io::Error, (statement, verb, purpose): Use) -> Error {
    let plain = file_error("open", path, error);
    let message = plain.message().replacen("\": ", &format!("\" for {purpose}: "), 1);
    Error::new(plain.code(), message).hint(format!(
        "{statement} instructs the PostgreSQL server process to {verb} a file. \
         You may want a client-side facility such as psql's \\copy."
    ))
}
