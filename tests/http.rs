//! An HTTP client for tests: one request on a connection of its own, everything about the answer in the open.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;

use crate::patience::{PATIENCE, wait_until};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, status line included.
    pub head: String,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// Asks with further header lines and a body.
pub fn ask(port: u16, method: &str, path: &str, headers: &[&str], body: &str) -> Result<Answer> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n");
    headers.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    send(port, &format!("{head}\r\n{body}"))
}

/// `GET path`.
pub fn get(port: u16, path: &str) -> Result<Answer> {
    ask(port, "GET", path, &[], "")
}

/// Waits until the server takes work.
///
/// # Panics
/// When it never does.
pub fn wait_until_ready(port: u16) {
    wait_until("readiness", || get(port, "/ready").is_ok_and(|answer| answer.status == 200));
}

/// A request with a JSON body.
pub fn json(port: u16, method: &str, path: &str, body: &str) -> Result<Answer> {
    ask(port, method, path, &["Content-Type: application/json"], body)
}

/// Sends bytes as they are and reads the answer to its end.
pub fn send(port: u16, request: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| Error::other(format!("no answer: {text:?}")))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
