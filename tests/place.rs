//! A server's data and backups in a directory of their own, and statements run on it with their rows as text.

use std::path::PathBuf;

use crate::message::Message;
use crate::server::{Server, fresh_directory};
use crate::wire::Connection;

/// A server's data and backups, which go with their test.
pub struct Place(pub PathBuf);

impl Default for Place {
    fn default() -> Self {
        Place::new()
    }
}

impl Place {
    /// A new one.
    pub fn new() -> Self {
        Place(fresh_directory().expect("a directory"))
    }

    /// Where its backups are.
    pub fn folder(&self) -> PathBuf {
        self.0.join("backups")
    }

    /// Starts a server on it.
    pub fn start(&self, more: &[&str]) -> Server {
        self.start_with(more, &[])
    }

    /// The same with environment variables.
    pub fn start_with(&self, more: &[&str], environment: &[(&str, &str)]) -> Server {
        let folder = format!("backup_dir={}", self.folder().display());
        let arguments = [&["-c", "fsync=off", "-c", &folder, "-c", "backup_on_shutdown=off"][..], more].concat();
        Server::dictdb_in(&self.0.join("data"), &arguments, environment).expect("the server starts")
    }

    /// Names of all files among the backups, by the time in them.
    pub fn files(&self) -> Vec<String> {
        let entries =
            std::fs::read_dir(self.folder()).map(|entries| entries.flatten().collect()).unwrap_or_else(|_| Vec::new());
        let mut names: Vec<String> =
            entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_by_key(|name| {
            name.split_once('_').map(|(_, rest)| rest.split_once('_').map(|(_, time)| time.to_owned()))
        });
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A connection of a superuser.
pub fn connect(server: &Server, database: &str) -> Connection {
    Connection::open(server.port, "postgres", database).expect("the server answers")
}

/// The rows of a query string, or its first error.
pub fn try_run(connection: &mut Connection, sql: &str) -> Result<Vec<String>, String> {
    let messages = connection.query(sql).expect("the server answers");
    match messages.iter().find(|message| message.tag == b'E') {
        Some(error) => Err(format!("{} {}", error.field(b'C').unwrap_or_default(), error.error_text())),
        None => Ok(messages.iter().filter(|message| message.tag == b'D').filter_map(Message::shown).collect()),
    }
}

/// The rows of statements that are run one by one; none of them has a semicolon inside.
pub fn run(connection: &mut Connection, sql: &str) -> Vec<String> {
    let statements = sql.split(';').filter(|statement| !statement.trim().is_empty());
    let rows = |statement: &str| try_run(connection, statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    statements.flat_map(rows).collect()
}
