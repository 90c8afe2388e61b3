//! Scripts at the first start: `*.sql` and `*.sh` of a directory, in the order of their names, before anybody else is let in.
//!
//! SQL scripts run as `psql -v ON_ERROR_STOP=1 -f` would run them, in a session as the first user: statement by statement, COPY
//! with its data in the script, `\connect` to another database. Shell scripts find the server at `PGHOST` and `PGPORT`, which
//! lets connections of this machine in. The first script that fails ends the start.

mod client;
mod script;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dictdb_session::backends::Identity;
use dictdb_session::{Instance, Session, Startup};
use dictdb_types::Error;

use client::ScriptClient;
use script::{Piece, Script};

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
            let done = match path.extension().and_then(|extension| extension.to_str()) {
                Some("sql") => self.run_sql(instance, &path).await,
                _ => self.run_shell(&path).await,
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
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("sql" | "sh") => scripts.push(path),
                _ => tracing::info!("ignoring {}", path.display()),
            }
        }
        scripts.sort();
        Ok(scripts)
    }

    async fn run_sql(&self, instance: &Arc<Instance>, path: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
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
        let identity =
            Identity { user: self.user.clone(), database: database.clone(), address: None, encrypted: false };
        let backend = instance.backends.enter(identity, rand::random(), usize::MAX)?;
        let pid = backend.pid;
        Session::start(instance.clone(), backend, &Startup::default()).inspect_err(|_| instance.backends.leave(pid))
    }

    async fn run_shell(&self, path: &Path) -> Result<(), String> {
        let mut command = std::process::Command::new("/bin/sh");
        command
            .arg(path)
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
