//! One of the two servers that are compared: a session on it, and what it answers to a step.

use std::io::Result;

use super::phrase::Rendered;
use crate::message::Message;
use crate::wire::{Connection, put_text};

/// What a server says to a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Names and types of the columns.
    pub columns: String,
    /// The rows, each on a line.
    pub rows: Vec<String>,
    /// The command tags.
    pub tags: Vec<String>,
    /// The SQLSTATE of the error, empty without one.
    pub sqlstate: String,
    /// The error's message.
    pub error: String,
}

/// A session.
pub struct Side {
    connection: Connection,
}

impl Side {
    /// A session on a server, which settings and an empty schema are made for.
    pub fn open(port: u16, settings: &str) -> Result<Self> {
        let mut connection = Connection::open(port, "postgres", "postgres")?;
        for sql in ["DROP SCHEMA IF EXISTS differential CASCADE", "CREATE SCHEMA differential", settings] {
            let messages = connection.query(sql)?;
            if let Some(error) = messages.iter().find(|message| message.tag == b'E') {
                return Err(std::io::Error::other(format!("{sql}: {}", error.error_text())));
            }
        }
        Ok(Side { connection })
    }

    /// Sends a statement as one query string.
    pub fn send_query(&mut self, sql: &str) -> Result<()> {
        let mut body = Vec::new();
        put_text(&mut body, sql);
        self.connection.send(b'Q', &body)
    }

    /// Prepares a statement and asks what it will give.
    pub fn send_prepare(&mut self, name: &str, statement: &Rendered) -> Result<()> {
        let mut body = Vec::new();
        put_text(&mut body, name);
        put_text(&mut body, &statement.sql);
        body.extend((statement.parameters.len() as u16).to_be_bytes());
        statement.parameters.iter().for_each(|parameter| body.extend(parameter.kind.oid().to_be_bytes()));
        self.connection.send(b'P', &body)?;
        let mut body = vec![b'S'];
        put_text(&mut body, name);
        self.connection.send(b'D', &body)?;
        self.connection.send(b'S', &[])
    }

    /// Runs a prepared statement with values for its parameters.
    pub fn send_execute(&mut self, name: &str, values: &[String], binary: bool) -> Result<()> {
        let mut body = Vec::new();
        put_text(&mut body, "");
        put_text(&mut body, name);
        body.extend(0_u16.to_be_bytes());
        body.extend((values.len() as u16).to_be_bytes());
        for value in values {
            body.extend((value.len() as i32).to_be_bytes());
            body.extend(value.as_bytes());
        }
        body.extend(1_u16.to_be_bytes());
        body.extend(u16::from(binary).to_be_bytes());
        self.connection.send(b'B', &body)?;
        let mut body = Vec::new();
        put_text(&mut body, "");
        body.extend(0_u32.to_be_bytes());
        self.connection.send(b'E', &body)?;
        self.connection.send(b'S', &[])
    }

    /// What has been answered up to ReadyForQuery.
    pub fn receive(&mut self) -> Result<Answer> {
        let mut answer = Answer::default();
        loop {
            let message = self.connection.receive()?;
            let shown = message.shown().unwrap_or_default();
            match message.tag {
                b'Z' => return Ok(answer),
                b'T' => answer.columns.push_str(&shown),
                b'D' => answer.rows.push(shown),
                b'C' | b'I' => answer.tags.push(shown),
                b'E' => {
                    answer.sqlstate = message.field(b'C').unwrap_or_default();
                    answer.error = message.error_text();
                }
                b't' => answer.tags.push(parameter_count(&message)),
                _ => {}
            }
        }
    }
}

fn parameter_count(message: &Message) -> String {
    message.transcribed()
}
