//! Wire transcripts: messages of the client and everything the server answers, in one readable file.
//!
//! ```text
//!   # why this is here
//!   > Parse s 23 SELECT $1 + 1
//!   > Bind - s - - 41
//!   > Execute - 0
//!   > Sync
//!   ParseComplete
//!   BindComplete
//!   DataRow 42
//!   CommandComplete SELECT 1
//!   ReadyForQuery I
//! ```
//! A block is lines that begin with `>` (client messages, sent in one write) and the answers up to an empty line. A block ends
//! when every `Query` and `Sync` has had its ReadyForQuery, `Flush N` its N messages, or the server has closed the connection;
//! the next block then has a new one. `-` stands for an empty name or list.
//!
//! | message | words |
//! |---|---|
//! | `Query` | SQL |
//! | `Parse` | name, type oids, SQL |
//! | `Bind` | portal, statement, parameter formats, result formats, values (`∅`, `\x…` or text without spaces) |
//! | `Describe`, `Close` | `S` or `P`, name |
//! | `Execute` | portal, row limit |
//! | `Sync`, `Flush N`, `CopyDone`, `Terminate` | |
//! | `CopyData`, `CopyFail` | text, with `\n`, `\t` and `\\` |
//! | `Bytes` | hexadecimal digits of anything |

use std::io::{ErrorKind, Result};

use crate::script::Block;
use crate::wire::{Connection, put_text};

/// What a block waits for.
#[derive(Clone, Copy, Debug, Default)]
struct Awaited {
    /// ReadyForQuery messages.
    ready: usize,
    /// Messages in all, after a Flush.
    messages: usize,
    /// The end of the connection.
    close: bool,
}

/// A client on one connection, opened again when the server has closed it.
pub struct Client<'a> {
    open: Box<dyn Fn() -> Result<Connection> + 'a>,
    connection: Option<Connection>,
}

impl<'a> Client<'a> {
    /// A client whose connections `open` makes.
    pub fn new(open: impl Fn() -> Result<Connection> + 'a) -> Self {
        Client { open: Box::new(open), connection: None }
    }

    /// Sends a block's messages and returns the answers as a transcript shows them.
    pub fn run(&mut self, block: &Block) -> Result<Vec<String>> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert((self.open)()?),
        };
        let mut bytes = Vec::new();
        let mut awaited = Awaited::default();
        for line in block.sql.lines() {
            encode(line, &mut bytes, &mut awaited)
                .ok_or_else(|| std::io::Error::other(format!("cannot read {line:?}")))?;
        }
        // A server that closes the connection may do so before it has read everything.
        let sent = connection.send_bytes(&bytes);
        let mut shown = Vec::new();
        let (mut ready, mut received) = (0, 0);
        while ready < awaited.ready || received < awaited.messages || awaited.close {
            let message = match connection.receive() {
                Ok(message) => message,
                Err(error) if is_closed(error.kind()) => {
                    self.connection = None;
                    shown.push("(closed)".to_owned());
                    return Ok(shown);
                }
                Err(error) => return Err(error),
            };
            ready += usize::from(message.tag == b'Z');
            received += 1;
            shown.extend(message.transcribed().lines().map(str::to_owned));
        }
        sent.map(|()| shown)
    }
}

fn is_closed(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// Appends the bytes of a client message; `None` when the line is not one.
fn encode(line: &str, bytes: &mut Vec<u8>, awaited: &mut Awaited) -> Option<()> {
    let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut body = Vec::new();
    let tag = match kind {
        "Query" => {
            awaited.ready += 1;
            put_text(&mut body, rest);
            b'Q'
        }
        "Parse" => {
            let [name, types, sql] = words(rest)?;
            put_text(&mut body, dash(name));
            put_text(&mut body, sql);
            let types = numbers::<u32>(types)?;
            body.extend((types.len() as u16).to_be_bytes());
            types.iter().for_each(|oid| body.extend(oid.to_be_bytes()));
            b'P'
        }
        "Bind" => {
            encode_bind(rest, &mut body)?;
            b'B'
        }
        "Describe" | "Close" => {
            let (what, name) = rest.split_once(' ')?;
            body.extend(what.as_bytes());
            put_text(&mut body, dash(name));
            if kind == "Close" { b'C' } else { b'D' }
        }
        "Execute" => {
            let (portal, limit) = rest.split_once(' ')?;
            put_text(&mut body, dash(portal));
            body.extend(limit.parse::<i32>().ok()?.to_be_bytes());
            b'E'
        }
        "Sync" => {
            awaited.ready += 1;
            b'S'
        }
        "Flush" => {
            awaited.messages += rest.parse::<usize>().ok()?;
            b'H'
        }
        "CopyData" => {
            body.extend(unescape(rest).as_bytes());
            b'd'
        }
        "CopyDone" => b'c',
        "CopyFail" => {
            put_text(&mut body, &unescape(rest));
            b'f'
        }
        "Terminate" => {
            awaited.close = true;
            b'X'
        }
        "Bytes" => {
            awaited.close = true;
            bytes.extend(hex(rest)?);
            return Some(());
        }
        _ => return None,
    };
    bytes.push(tag);
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    Some(())
}

fn encode_bind(rest: &str, body: &mut Vec<u8>) -> Option<()> {
    let mut words = rest.split(' ');
    put_text(body, dash(words.next()?));
    put_text(body, dash(words.next()?));
    let formats = |body: &mut Vec<u8>, list: &str| {
        let codes = numbers::<i16>(list)?;
        body.extend((codes.len() as u16).to_be_bytes());
        codes.iter().for_each(|code| body.extend(code.to_be_bytes()));
        Some(())
    };
    formats(body, words.next()?)?;
    let result_formats = words.next()?;
    let values: Vec<&str> = words.collect();
    body.extend((values.len() as u16).to_be_bytes());
    for value in values {
        let bytes = match (value, value.strip_prefix("\\x")) {
            ("∅", _) => {
                body.extend((-1_i32).to_be_bytes());
                continue;
            }
            (_, Some(digits)) => hex(digits)?,
            (text, None) => text.as_bytes().to_vec(),
        };
        body.extend((bytes.len() as i32).to_be_bytes());
        body.extend(bytes);
    }
    formats(body, result_formats)
}

fn words<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.splitn(N, ' ').collect::<Vec<_>>().try_into().ok()
}

fn dash(word: &str) -> &str {
    if word == "-" { "" } else { word }
}

fn numbers<T: std::str::FromStr>(list: &str) -> Option<Vec<T>> {
    dash(list).split(',').filter(|word| !word.is_empty()).map(|word| word.parse().ok()).collect()
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits: String = digits.split(' ').collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                other => plain.extend(other),
            },
            (other, false) => plain.push(other),
        }
    }
    plain
}
