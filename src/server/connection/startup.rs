//! The first packets of a connection: encryption, cancel requests, the start-up packet.
//!
//! Packets are read exactly, never beyond their end, so that bytes sent in clear cannot slip into a TLS session.

use std::io;

use bytes::{Buf, BytesMut};
use dictdb_session::Startup;
use dictdb_types::{Error, Severity, SqlState};
use pgwire::messages::Message;
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::response::{GssEncResponse, SslResponse};
use pgwire::messages::startup::{GssEncRequest, NegotiateProtocolVersion, SecretKey, SslRequest};
use pgwire::messages::{DecodeContext, ProtocolVersion};
use pgwire::tokio::server::MaybeTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::stream::Stream;
use crate::configuration::{ALPN, Tls};

/// `MAX_STARTUP_PACKET_LENGTH`.
const MAX_PACKET_BYTES: usize = 10_000;
/// Length and code.
const MIN_PACKET_BYTES: usize = 8;
/// First byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;
/// The protocol version in a start-up packet, 3.0.
const PROTOCOL_VERSION: u32 = 3 << 16;

/// What a client wants.
pub(super) enum Opening {
    /// Nothing that could be answered.
    Nothing,
    /// The statement of another session cancelled.
    Cancel {
        /// Whose.
        pid: i32,
        /// The proof that it may.
        secret: i32,
    },
    /// A session; or an error to tell it.
    Session {
        /// The connection, encrypted or not.
        stream: Stream,
        /// What it asked for.
        packet: Result<Packet, Error>,
    },
}

/// A start-up packet.
#[derive(Debug)]
pub(super) struct Packet {
    pub user: String,
    pub database: String,
    /// Its settings. What is wrong with them is told after authentication.
    pub startup: Result<Startup, Error>,
}

/// Reads the first packets and encrypts the connection if the client asks for it.
pub(super) async fn negotiate(socket: TcpStream, tls: Option<&Tls>) -> io::Result<Opening> {
    let mut first = [0; 1];
    if socket.peek(&mut first).await? == 0 {
        return Ok(Opening::Nothing);
    }
    let mut io = MaybeTls::Plain(socket);
    if first == [TLS_HANDSHAKE] {
        match encrypt(io, tls, true).await? {
            Some(encrypted) => io = encrypted,
            None => return Ok(Opening::Nothing),
        }
    }
    loop {
        let Some(packet) = read_packet(&mut io).await? else { return Ok(Opening::Nothing) };
        if SslRequest::is_ssl_request_packet(&packet) {
            let answer = match (tls, &io) {
                (Some(_), MaybeTls::Plain(_)) => SslResponse::Accept,
                _ => SslResponse::Refuse,
            };
            let accepted = answer == SslResponse::Accept;
            write(&mut io, &answer).await?;
            if accepted {
                match encrypt(io, tls, false).await? {
                    Some(encrypted) => io = encrypted,
                    None => return Ok(Opening::Nothing),
                }
            }
        } else if GssEncRequest::is_gss_enc_request_packet(&packet) {
            write(&mut io, &GssEncResponse::Refuse).await?;
        } else if CancelRequest::is_cancel_request_packet(&packet) {
            return Ok(cancel(&packet));
        } else {
            return session(io, &packet).await;
        }
    }
}

async fn encrypt(io: MaybeTls, tls: Option<&Tls>, direct: bool) -> io::Result<Option<MaybeTls>> {
    let (MaybeTls::Plain(socket), Some(tls)) = (io, tls) else { return Ok(None) };
    let stream = tls.acceptor.accept(socket).await?;
    // Without the round trip of SSLRequest only the announced protocol tells PostgreSQL's clients from others.
    if direct && stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Ok(None);
    }
    Ok(Some(MaybeTls::Tls(Box::new(stream))))
}

/// A packet with its length; `None` when the length cannot be one.
async fn read_packet(io: &mut MaybeTls) -> io::Result<Option<BytesMut>> {
    let mut packet = BytesMut::zeroed(4);
    if let Err(error) = io.read_exact(&mut packet).await {
        // A port scanner, or a load balancer that looks whether somebody listens.
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let length = (&packet[..]).get_u32() as usize;
    if !(MIN_PACKET_BYTES..=MAX_PACKET_BYTES).contains(&length) {
        return Ok(None);
    }
    packet.resize(length, 0);
    io.read_exact(&mut packet[4..]).await?;
    Ok(Some(packet))
}

async fn write(io: &mut MaybeTls, message: &impl Message) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes)?;
    io.write_all(&bytes).await?;
    io.flush().await
}

fn cancel(packet: &BytesMut) -> Opening {
    let context = DecodeContext::new(ProtocolVersion::PROTOCOL3_0);
    match CancelRequest::decode(&mut packet.clone(), &context) {
        Ok(Some(CancelRequest { pid, secret_key: SecretKey::I32(secret), .. })) => Opening::Cancel { pid, secret },
        _ => Opening::Nothing,
    }
}

async fn session(io: MaybeTls, packet: &[u8]) -> io::Result<Opening> {
    let mut stream = Stream::new(io);
    let version = (&packet[4..8]).get_u32();
    let (major, minor) = (version >> 16, version & 0xffff);
    if major != 3 {
        let message = format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0");
        let error = Error::with_severity(Severity::Fatal, SqlState::FEATURE_NOT_SUPPORTED, message);
        return Ok(Opening::Session { stream, packet: Err(error) });
    }
    let packet = read_parameters(&packet[8..]).and_then(|parameters| {
        let unknown: Vec<String> =
            parameters.iter().filter(|(name, _)| name.starts_with("_pq_.")).map(|(name, _)| name.clone()).collect();
        if minor > 0 || !unknown.is_empty() {
            stream.send(&NegotiateProtocolVersion::new(PROTOCOL_VERSION as i32, unknown));
        }
        interpret(parameters)
    });
    Ok(Opening::Session { stream, packet })
}

/// Names and values, each ended by a zero byte, and a zero byte at the end of all.
fn read_parameters(body: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let layout = || {
        let message = "invalid startup packet layout: expected terminator as last byte";
        Error::with_severity(Severity::Fatal, SqlState::PROTOCOL_VIOLATION, message)
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut parameters = Vec::new();
    let mut rest = body;
    loop {
        let end = rest.iter().position(|byte| *byte == 0).ok_or_else(layout)?;
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return if after.len() == 1 { Ok(parameters) } else { Err(layout()) };
        }
        let after = &after[1..];
        let end = after.iter().position(|byte| *byte == 0).ok_or_else(layout)?;
        parameters.push((text(name), text(&after[..end])));
        rest = &after[end + 1..];
    }
}

/// Longest name, as everywhere in PostgreSQL.
const MAX_NAME_BYTES: usize = 63;

fn interpret(parameters: Vec<(String, String)>) -> Result<Packet, Error> {
    let (mut user, mut database, mut startup) = (String::new(), String::new(), Ok(Startup::default()));
    for (name, value) in parameters {
        match name.as_str() {
            "user" => user = value,
            "database" => database = value,
            "options" => startup = startup.and_then(|startup| with_settings(startup, command_line_options(&value)?)),
            "replication" => {
                if !matches!(value.to_ascii_lowercase().as_str(), "false" | "off" | "no" | "0") {
                    let mut error = Error::unsupported("streaming replication");
                    error.fields_mut().severity = Severity::Fatal;
                    return Err(error);
                }
            }
            protocol_option if protocol_option.starts_with("_pq_.") => {}
            _ => startup = startup.and_then(|startup| with_settings(startup, vec![(name, value)])),
        }
    }
    if user.is_empty() {
        let message = "no PostgreSQL user name specified in startup packet";
        let code = SqlState::INVALID_AUTHORIZATION_SPECIFICATION;
        return Err(Error::with_severity(Severity::Fatal, code, message));
    }
    if database.is_empty() {
        database.clone_from(&user);
    }
    for name in [&mut user, &mut database] {
        name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
    }
    Ok(Packet { user, database, startup })
}

fn with_settings(mut startup: Startup, settings: Vec<(String, String)>) -> Result<Startup, Error> {
    startup.settings.extend(settings);
    Ok(startup)
}

/// Settings in `options`: `-c name=value`, `-cname=value`, `--name=value`; a backslash keeps a blank in its word.
fn command_line_options(options: &str) -> Result<Vec<(String, String)>, Error> {
    let mut settings = Vec::new();
    let mut words = split_words(options).into_iter();
    while let Some(word) = words.next() {
        let invalid = || {
            let message = format!("invalid command-line argument for server process: {word}");
            let error = Error::with_severity(Severity::Fatal, SqlState::SYNTAX_ERROR, message);
            error.hint("Try \"postgres --help\" for more information.")
        };
        let (setting, flag) = if word == "-c" {
            (words.next().ok_or_else(invalid)?, "-c ")
        } else if let Some(setting) = word.strip_prefix("--") {
            (setting.to_owned(), "--")
        } else if let Some(setting) = word.strip_prefix("-c") {
            (setting.to_owned(), "-c ")
        } else {
            return Err(invalid());
        };
        let Some((name, value)) = setting.split_once('=') else {
            let message = format!("{flag}{setting} requires a value");
            return Err(Error::with_severity(Severity::Fatal, SqlState::SYNTAX_ERROR, message));
        };
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn split_words(text: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            c if c.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_to_their_terminator() {
        let packet = read_parameters(b"user\0me\0options\0-c work_mem=8MB --geqo=off\0\0").and_then(interpret).unwrap();
        assert_eq!((packet.user.as_str(), packet.database.as_str()), ("me", "me"));
        assert_eq!(
            packet.startup.unwrap().settings,
            [("work_mem", "8MB"), ("geqo", "off")].map(|(n, v)| (n.into(), v.into()))
        );
        for body in [&b"user\0me"[..], b"user\0me\0", b"user\0me\0\0x"] {
            assert!(read_parameters(body).is_err());
        }
        assert!(read_parameters(b"\0").and_then(interpret).is_err());
    }

    #[test]
    fn options_may_hold_blanks() {
        let options = command_line_options(r"-csearch_path=a,\ b -c x.y=a\\b").unwrap();
        assert_eq!(options, [("search_path", "a, b"), ("x.y", r"a\b")].map(|(n, v)| (n.into(), v.into())));
        assert!(command_line_options("-z").is_err());
        assert!(command_line_options("abc").is_err());
    }
}
