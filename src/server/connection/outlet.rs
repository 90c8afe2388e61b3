//! The way out for notices of a running statement: what the statement raises reaches the client at once, behind everything
//! that was said before.
//!
//! While a statement runs, the connection's [`Stream`](super::stream::Stream) is somebody else's. If it has lent its output to the
//! outlet, a notice goes behind that and both are written as far as the socket takes them without waiting; the stream has back what
//! is left. Over TLS, whose state is the stream's, notices only keep their place.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::OnceLock;

use dictdb_session::Herald;
use dictdb_session::encoding::Codec;
use dictdb_types::Error;
use parking_lot::Mutex;

use super::{report, transcode};

/// The outlet of one connection.
#[derive(Default)]
pub(super) struct Outlet {
    /// The output while it is lent, and what converts texts to the client's encoding.
    lent: Mutex<Option<(Vec<u8>, Option<&'static Codec>)>>,
    /// The connection's socket, once more.
    socket: OnceLock<TcpStream>,
}

impl Outlet {
    /// Takes output over, on its way to a socket if it goes there as it is.
    pub(super) fn lend(&self, output: Vec<u8>, codec: Option<&'static Codec>, socket: Option<&impl AsFd>) {
        if self.socket.get().is_none()
            && let Some(Ok(socket)) = socket.map(|socket| socket.as_fd().try_clone_to_owned())
        {
            let _ = self.socket.set(TcpStream::from(socket));
        }
        *self.lent.lock() = Some((output, codec));
    }

    /// Gives the output back, as far as it was not sent.
    pub(super) fn take_back(&self) -> Vec<u8> {
        self.lent.lock().take().map_or_else(Vec::new, |(output, _)| output)
    }
}

impl Herald for Outlet {
    fn say(&self, notice: &Error) -> bool {
        let mut lent = self.lent.lock();
        let Some((output, codec)) = &mut *lent else { return false };
        let start = output.len();
        report::encode_notice(notice, output);
        if let Some(codec) = codec {
            transcode::outgoing(codec, output, start);
        }
        if let Some(socket) = self.socket.get() {
            write_some(socket, output);
        }
        true
    }
}

/// Writes the beginning of some bytes, as much as can go without waiting, and drops it. What is wrong with the socket the stream will
/// see.
fn write_some(mut socket: &TcpStream, bytes: &mut Vec<u8>) {
    let mut sent = 0;
    while sent < bytes.len() {
        match socket.write(&bytes[sent..]) {
            Ok(0) => break,
            Ok(written) => sent += written,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    bytes.drain(..sent);
}
