//! Scripts at the first start: `*.sql`, `*.sql.gz`, `*.sql.xz`, `*.sql.zst` and `*.sh` of a directory, in the order of their names,
//! before anybody else is let in.
//!
//! SQL scripts run as `psql -v ON_ERROR_STOP=1 -f` would run them, in a session as the first user: statement by statement, COPY
//! with its data in the script, `\connect` to another database. Shell scripts run as the official image runs them: those that may be
//! executed are, the others are given to bash. They find the server at `PGHOST` and `PGPORT`, which lets connections of this machine
//! in, and the first user and database in `POSTGRES_USER` and `POSTGRES_DB`. The first script that fails ends the start.

mod client;
mod script;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use dictdb_session::backends::Identity;
use dictdb_session::{Instance, Session, Startup};
use dictdb_types::Error;

use client::ScriptClient;
use script::{Piece, Script};

/// What the names of scripts end with.
const ENDINGS: &[&str] = &[".sql", ".sql.gz", ".sql.xz", ".sql.zst", ".sh"];
/// The programs that write out compressed scripts, as in the official image, by the ending of the name.
const UNPACKERS: &[(&str, &[&str])] = &[("gz", &["gzip", "-dc"]), ("xz", &["xz", "-dc"]), ("zst", &["zstd", "-dcq"])];

/// Who the scripts run as, and where.
pub(crate) struct Init {
    /// The directory of the scripts.
    pub directory: PathBuf,
    /// The first user.
    pub user: Arc<str>,
    /// The first database.
    pub database: Arc<str>,
    /// Its port.
    pub port: u16,
}

impl Init {
    /// Runs the scripts. The error names the script and what is wrong with it.
    pub(crate) async fn run(&self, instance: &Arc<Instance>) -> Result<(), String> {
        for path in self.scripts()? {
            tracing::info!("running {}", path.display());
            let done = match path.extension().is_some_and(|extension| extension == "sh") {
                true => self.run_shell(&path).await,
                false => self.run_sql(instance, &path).await,
            };
            done.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }

    fn scripts(&self) -> Result<Vec<PathBuf>, String> {
        let refuse = |error| format!("could not read \"{}\": {error}", self.directory.display());
        let mut scripts = Vec::new();
        for entry in std::fs::read_dir(&self.directory).map_err(refuse)? {
            let path = entry.map_err(refuse)?.path();
            let name = path.to_string_lossy();
            match ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                true => scripts.push(path),
                false => tracing::info!("ignoring {}", path.display()),
            }
        }
        scripts.sort();
        Ok(scripts)
    }

    async fn run_sql(&self, instance: &Arc<Instance>, path: &Path) -> Result<(), String> {
        let text = read(path)?;
        let mut script = Script::new(&text);
        let mut session = self.session(instance, &self.database).map_err(|error| error.message().to_owned())?;
        loop {
            let line = script.line();
            let fault = |error: &Error| format!("line {line}: {}", error.message());
            match script.next_piece() {
                None => return Ok(()),
                Some(Piece::Connect(database)) => {
                    // One session at a time, so that the first does not hold the second up.
                    drop(session);
                    session = self.session(instance, &database.into()).map_err(|error| fault(&error))?;
                }
                Some(Piece::Unknown(command)) => {
                    return Err(format!("line {line}: {command} is a command of psql that is not supported here"));
                }
                Some(Piece::Statement(statement)) => {
                    let mut client = ScriptClient::new(&mut script);
                    let done = session.simple_query(statement, &mut client).await;
                    done.map_err(|error| fault(&error))?;
                }
            }
        }
    }

    fn session(&self, instance: &Arc<Instance>, database: &Arc<str>) -> dictdb_types::Result<Session> {
        let identity = Identity {
            user: self.user.clone(),
            database: database.clone(),
            address: None,
            server: None,
            encrypted: false,
        };
        let backend = instance.backends.enter(identity, rand::random(), usize::MAX)?;
        let pid = backend.pid;
        Session::start(instance.clone(), backend, &Startup::default()).inspect_err(|_| instance.backends.leave(pid))
    }

    async fn run_shell(&self, path: &Path) -> Result<(), String> {
        let mut command = shell(path);
        command
            .env("POSTGRES_USER", &*self.user)
            .env("POSTGRES_DB", &*self.database)
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &*self.user)
            .env("PGDATABASE", &*self.database);
        if let Ok(password) = std::env::var("POSTGRES_PASSWORD").or_else(|_| std::env::var("DICTDB_PASSWORD")) {
            command.env("PGPASSWORD", password);
        }
        // The script talks to this server, whose threads must not wait for it.
        let ended = tokio::task::spawn_blocking(move || command.status()).await;
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("the script ended with {status}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What runs a shell script.
fn shell(path: &Path) -> Command {
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o111 != 0 {
        return Command::new(path);
    }
    let bash = Path::new("/bin/bash");
    let mut command = Command::new(if bash.exists() { bash } else { Path::new("/bin/sh") });
    command.arg(path);
    command
}

/// The text of a script, whatever it is compressed with.
fn read(path: &Path) -> Result<String, String> {
    let packed = UNPACKERS.iter().find(|(ending, _)| path.extension().is_some_and(|found| found == *ending));
    let Some((_, program)) = packed else { return std::fs::read_to_string(path).map_err(|error| error.to_string()) };
    let unpacked = Command::new(program[0]).args(&program[1..]).arg(path).output();
    let unpacked = unpacked.map_err(|error| format!("could not run {}: {error}", program[0]))?;
    if !unpacked.status.success() {
        return Err(String::from_utf8_lossy(&unpacked.stderr).trim().to_owned());
    }
    String::from_utf8(unpacked.stdout).map_err(|error| error.to_string())
}
