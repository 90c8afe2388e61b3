//! A client of the wire protocol that hides nothing: messages are sent as bytes and received one by one.

use std::io::{Read, Result, Write};
use std::net::TcpStream;

use crate::message::Message;
use crate::patience::PATIENCE;

/// A connection.
pub struct Connection {
    stream: TcpStream,
}

impl Connection {
    /// Connects to a port of this machine and starts a session without a password.
    pub fn open(port: u16, user: &str, database: &str) -> Result<Self> {
        let mut connection = Self::started(port, user, database)?;
        loop {
            let message = connection.receive()?;
            match message.tag {
                b'Z' => return Ok(connection),
                b'E' => return Err(std::io::Error::other(message.error_text())),
                _ => {}
            }
        }
    }

    /// Whether a server answers at this port, whatever it says but that it is starting up.
    pub fn answers(port: u16) -> bool {
        let first = Self::started(port, "postgres", "postgres").and_then(|mut connection| connection.receive());
        first.is_ok_and(|message| message.tag != b'E' || message.field(b'C').as_deref() != Some("57P03"))
    }

    /// Connects and sends the start-up packet.
    pub fn started(port: u16, user: &str, database: &str) -> Result<Self> {
        let mut connection = Self::raw(port)?;
        let mut body = Vec::from(196_608_u32.to_be_bytes());
        for (name, value) in [("user", user), ("database", database), ("client_encoding", "UTF8")] {
            put_text(&mut body, name);
            put_text(&mut body, value);
        }
        body.push(0);
        connection.send_untagged(&body)?;
        Ok(connection)
    }

    /// Connects without sending anything.
    pub fn raw(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream })
    }

    /// Sends a message without a tag: start-up, cancel, TLS request.
    pub fn send_untagged(&mut self, body: &[u8]) -> Result<()> {
        let mut bytes = Vec::from((body.len() as u32 + 4).to_be_bytes());
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes)
    }

    /// Sends a message.
    pub fn send(&mut self, tag: u8, body: &[u8]) -> Result<()> {
        let mut bytes = vec![tag];
        bytes.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes)
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next message.
    pub fn receive(&mut self) -> Result<Message> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut body = vec![0; length.saturating_sub(4)];
        self.stream.read_exact(&mut body)?;
        Ok(Message { tag: head[0], body })
    }

    /// Runs a simple query and returns everything up to ReadyForQuery, which is left out.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Message>> {
        let mut body = Vec::new();
        put_text(&mut body, sql);
        self.send(b'Q', &body)?;
        let mut messages = Vec::new();
        loop {
            let message = self.receive()?;
            if message.tag == b'Z' {
                return Ok(messages);
            }
            messages.push(message);
        }
    }
}

/// Appends a string with its terminating zero.
pub fn put_text(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(text.as_bytes());
    body.push(0);
}
