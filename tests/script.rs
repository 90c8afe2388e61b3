//! Test scripts: statements and what the server answers, in one readable file.
//!
//! ```text
//!   # why this is here
//!   > SELECT 1 AS a,
//!   >        NULL AS b;
//!   a:23 | b:25
//!   1 | ∅
//!   -- SELECT 1
//! ```
//! A block is lines that begin with `>` (the statement, sent as one simple query) and the lines after them up to an empty
//! line: column names with type oids (and modifiers), rows, the command tag, errors and notices with all their fields.
//! `# rowsort` before a statement says that the order of its rows means nothing; `# database OPTIONS` before the first one, that the
//! script runs in a database made with these options of CREATE DATABASE.

use std::fmt::Write;
use std::io::Result;

use crate::message::Message;
use crate::wire::Connection;

/// A statement with its expected answer.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Comment lines before it.
    pub comments: Vec<String>,
    /// The statement.
    pub sql: String,
    /// The answer.
    pub expected: Vec<String>,
}

impl Block {
    fn unordered(&self) -> bool {
        self.comments.iter().any(|comment| comment.trim() == "# rowsort")
    }

    /// Sends the statement and returns the answer as a script shows it.
    pub fn run(&self, connection: &mut Connection) -> Result<Vec<String>> {
        let messages = connection.query(&self.sql)?;
        let mut lines: Vec<(u8, String)> = Vec::new();
        if let Some(Message { tag, .. }) = messages.iter().find(|m| m.tag == b'G') {
            return Err(std::io::Error::other(format!("a script cannot answer message {tag}")));
        }
        for message in &messages {
            if let Some(shown) = message.shown() {
                lines.push((message.tag, shown));
            }
        }
        if self.unordered() {
            let first = lines.iter().position(|(tag, _)| *tag == b'D').unwrap_or(0);
            let last = lines.iter().rposition(|(tag, _)| *tag == b'D').map_or(first, |i| i + 1);
            lines[first..last].sort();
        }
        Ok(lines.iter().flat_map(|(_, text)| text.lines().map(str::to_owned)).collect())
    }
}

/// The options of CREATE DATABASE that a script wants its database to be made with.
pub fn database_options(blocks: &[Block]) -> Option<&str> {
    let comments = &blocks.first()?.comments;
    comments.iter().find_map(|comment| comment.strip_prefix("# database "))
}

/// Reads a script.
pub fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut block = Block::default();
    for line in text.lines().chain([""]) {
        if let Some(sql) = line.strip_prefix('>') {
            if !block.sql.is_empty() {
                block.sql.push('\n');
            }
            block.sql.push_str(sql.strip_prefix(' ').unwrap_or(sql));
        } else if line.starts_with('#') && block.sql.is_empty() {
            block.comments.push(line.to_owned());
        } else if line.is_empty() {
            if !block.sql.is_empty() {
                blocks.push(std::mem::take(&mut block));
            }
        } else {
            block.expected.push(line.to_owned());
        }
    }
    blocks
}

/// Writes a script.
pub fn print(blocks: &[Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        for comment in &block.comments {
            let _ = writeln!(text, "{comment}");
        }
        for line in block.sql.lines() {
            let _ = if line.is_empty() { writeln!(text, ">") } else { writeln!(text, "> {line}") };
        }
        for line in &block.expected {
            let _ = writeln!(text, "{line}");
        }
        text.push('\n');
    }
    text
}
