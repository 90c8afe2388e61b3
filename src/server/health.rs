//! `dictdb health`: asks a running server how it is, for health checks of containers.
//!
//! Over HTTP when the configuration has it on, or else whether the port answers as PostgreSQL's does. Exit code 0 when it is
//! well, 1 otherwise.

use std::io::{Error, Read, Result, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::configuration::Configuration;

/// How long the server may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are looked at.
const MAX_ANSWER_BYTES: u64 = 64 << 10;
/// SSLRequest: to it any server answers with one letter.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Asks, and prints the answer.
pub(crate) fn run(configuration: &Configuration) -> std::result::Result<(), String> {
    let asked = match &configuration.http {
        Some(http) => ask(&reachable(&http.address)),
        None => knock(configuration),
    };
    let answer = asked.map_err(|error| format!("no answer: {error}"))?;
    println!("{}", answer.body);
    if answer.is_well { Ok(()) } else { Err("the server is not healthy".to_owned()) }
}

struct Answer {
    is_well: bool,
    body: String,
}

/// An address that stands for all of this machine's is asked on this machine.
fn reachable(address: &str) -> String {
    match address.rsplit_once(':') {
        Some(("*" | "0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => address.to_owned(),
    }
}

fn connect(address: &str) -> Result<TcpStream> {
    let found: Option<SocketAddr> = address.to_socket_addrs()?.next();
    let found = found.ok_or_else(|| Error::other(format!("\"{address}\" is no address")))?;
    let stream = TcpStream::connect_timeout(&found, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

fn ask(address: &str) -> Result<Answer> {
    let mut stream = connect(address)?;
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.take(MAX_ANSWER_BYTES).read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| Error::other("that is no HTTP"))?;
    Ok(Answer { is_well: head.split(' ').nth(1) == Some("200"), body: body.to_owned() })
}

fn knock(configuration: &Configuration) -> Result<Answer> {
    let host = configuration.hosts.first().map_or("127.0.0.1", String::as_str);
    let mut stream = connect(&reachable(&format!("{host}:{}", configuration.port)))?;
    stream.write_all(&SSL_REQUEST)?;
    let mut letter = [0];
    stream.read_exact(&mut letter)?;
    Ok(Answer { is_well: matches!(letter, [b'S' | b'N']), body: "accepting connections".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn all_addresses_are_asked_here() {
        assert_eq!(reachable("*:80"), "127.0.0.1:80");
        assert_eq!(reachable("[::]:80"), "[::1]:80");
        assert_eq!(reachable("10.0.0.1:80"), "10.0.0.1:80");
    }
}
