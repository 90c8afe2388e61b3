//! Connection strings of libpq, as far as their syntax goes.

use dictdb_types::{Error, Result, SqlState};

/// The words that a connection string may set.
const KEYWORDS: &[&str] = &[
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "requirepeer",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// 42601 for what is no connection string; the line of libpq's that the message has in it ends as it does there.
pub(super) fn check_connection(text: &str) -> Result<()> {
    if text.starts_with("postgresql://") || text.starts_with("postgres://") {
        return Ok(());
    }
    read(text)
        .map_err(|wrong| Error::new(SqlState::SYNTAX_ERROR, format!("invalid connection string syntax: {wrong}\n")))
}

fn read(text: &str) -> std::result::Result<(), String> {
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let keyword = &rest[..end];
        let after = rest[end..].trim_start();
        let Some(value) = after.strip_prefix('=') else {
            return Err(format!("missing \"=\" after \"{keyword}\" in connection info string"));
        };
        if !KEYWORDS.contains(&keyword) {
            return Err(format!("invalid connection option \"{keyword}\""));
        }
        rest = after_value(value.trim_start())?.trim_start();
    }
    Ok(())
}

/// What follows a value, quoted or not.
fn after_value(text: &str) -> std::result::Result<&str, String> {
    let quoted = text.starts_with('\'');
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\'' if quoted => return Ok(&text[at + 1..]),
            c if !quoted && c.is_whitespace() => return Ok(&text[at..]),
            _ => {}
        }
    }
    if quoted { Err("unterminated quoted string in connection info string".to_owned()) } else { Ok("") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_libpq_reads_them() {
        assert_eq!(read("dbname=a host = 'b c' port=1"), Ok(()));
        assert_eq!(read("a"), Err("missing \"=\" after \"a\" in connection info string".to_owned()));
        assert_eq!(read("x=1"), Err("invalid connection option \"x\"".to_owned()));
        assert!(read("dbname='a").is_err());
    }
}
