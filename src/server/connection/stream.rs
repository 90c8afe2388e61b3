//! The socket with its two buffers: frames come out of one, answers collect in the other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use dictdb_session::Herald;
use dictdb_session::encoding::Codec;
use dictdb_types::Result;
use pgwire::messages::Message;
use pgwire::tokio::server::MaybeTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::frame::{Cut, Frame, Input};
use super::outlet::Outlet;
use super::transcode;

/// Room for reading; also what an idle connection keeps.
const INPUT_BYTES: usize = 8 << 10;
/// A large message announces itself: so much room for it is made at once instead of by doubling.
const ANNOUNCED_BYTES: usize = 1 << 20;
/// Answers beyond this are sent before the statement goes on.
const OUTPUT_BYTES: usize = 64 << 10;
/// Buffers beyond this are given back when they are empty.
const KEEP_BYTES: usize = 32 << 10;

/// Appends a message that pgwire encodes.
pub(super) fn encode(message: &impl Message, out: &mut Vec<u8>) {
    let mut encoded = BytesMut::new();
    // Only a message beyond its type's size limit cannot be encoded; the session keeps its texts shorter.
    match message.encode(&mut encoded) {
        Ok(()) => out.extend_from_slice(&encoded),
        Err(error) => tracing::error!("an answer could not be encoded: {error}"),
    }
}

/// A connection's bytes.
pub(super) struct Stream {
    io: MaybeTls,
    input: Input,
    /// How many bytes make the message at the front whole.
    wanted: usize,
    /// Encoded answers.
    pub output: Vec<u8>,
    /// What converts texts to the client's encoding; `None` when that is UTF-8.
    pub codec: Option<&'static Codec>,
    /// The client waits for what is in `output`.
    flush_wanted: bool,
    /// A message came where its kind has no meaning: what follows cannot be understood.
    pub out_of_step: bool,
    /// Who has the output while a statement runs that may raise notices.
    outlet: Arc<Outlet>,
    is_lent: bool,
}

impl Stream {
    pub(super) fn new(io: MaybeTls) -> Stream {
        Stream {
            io,
            input: Input::default(),
            wanted: 0,
            output: Vec::new(),
            codec: None,
            flush_wanted: false,
            out_of_step: false,
            outlet: Arc::default(),
            is_lent: false,
        }
    }

    /// Who says notices of a running statement.
    pub(super) fn herald(&self) -> Arc<dyn Herald> {
        self.outlet.clone()
    }

    /// Gives the output to the outlet, until it is next needed here.
    pub(super) fn lend_to_outlet(&mut self) {
        self.take_output_back();
        let socket = if let MaybeTls::Plain(socket) = &self.io { Some(socket) } else { None };
        self.outlet.lend(std::mem::take(&mut self.output), self.codec, socket);
        self.is_lent = true;
    }

    /// Has the output again.
    #[inline]
    pub(super) fn take_output_back(&mut self) {
        if self.is_lent {
            self.is_lent = false;
            self.output = self.outlet.take_back();
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.io, MaybeTls::Tls(_))
    }

    /// The server's end of the connection.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        match &self.io {
            MaybeTls::Plain(socket) => socket.local_addr().ok(),
            MaybeTls::Tls(stream) => stream.get_ref().0.local_addr().ok(),
            _ => None,
        }
    }

    /// Adds an answer that pgwire encodes. What is sent for every statement is written without it: see [`Stream::put`].
    pub(super) fn send(&mut self, message: &impl Message) {
        self.take_output_back();
        let start = self.output.len();
        encode(message, &mut self.output);
        self.recode(start);
    }

    /// Adds an answer whose body `write` appends.
    #[inline]
    pub(super) fn put(&mut self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.take_output_back();
        let start = self.output.len();
        self.output.extend_from_slice(&[kind, 0, 0, 0, 0]);
        write(&mut self.output);
        let length = (self.output.len() - start - 1) as i32;
        self.output[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
        self.recode(start);
    }

    /// Puts the texts of the message that begins there into the client's encoding.
    #[inline]
    fn recode(&mut self, start: usize) {
        if let Some(codec) = self.codec {
            transcode::outgoing(codec, &mut self.output, start);
        }
    }

    /// The client waits: what is there is sent before the next read that has to wait.
    pub(super) fn want_flush(&mut self) {
        self.flush_wanted = true;
    }

    /// Whether answers should be sent before more are made.
    pub(super) fn is_full(&self) -> bool {
        self.output.len() >= OUTPUT_BYTES
    }

    /// Sends what is there.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.flush_wanted = false;
        self.take_output_back();
        if !self.output.is_empty() {
            self.io.write_all(&self.output).await?;
            self.output.clear();
            if self.output.capacity() > OUTPUT_BYTES * 2 {
                self.output = Vec::new();
            }
        }
        self.io.flush().await
    }

    /// Sends what is there if the client waits for it or it is much.
    pub(super) async fn flush_if_wanted(&mut self) -> io::Result<()> {
        if self.flush_wanted || self.is_full() { self.flush().await } else { Ok(()) }
    }

    /// The next message if it is in the input already.
    #[inline]
    pub(super) fn buffered(&mut self) -> Result<Cut> {
        let cut = self.input.cut()?;
        self.wanted = if let Cut::Wait(bytes) = cut { bytes } else { 0 };
        Ok(cut)
    }

    /// The frame was handled.
    #[inline]
    pub(super) fn give_back(&mut self, frame: Frame) {
        self.input.give_back(frame);
    }

    /// Waits for more input; false at its end. Cancelling it loses nothing.
    pub(super) async fn read(&mut self) -> io::Result<bool> {
        let wanted = self.wanted.clamp(INPUT_BYTES / 2, ANNOUNCED_BYTES);
        let room = self.input.room(wanted, INPUT_BYTES);
        Ok(self.io.read_buf(room).await? > 0)
    }

    /// The next message, however long it takes; `None` when the client is gone or sends what cannot be a message.
    pub(super) async fn frame(&mut self) -> Result<Option<Frame>> {
        loop {
            match self.buffered()? {
                Cut::Frame(frame) => return Ok(Some(frame)),
                Cut::Lost => return Ok(None),
                Cut::Wait(_) => {}
            }
            match self.read().await {
                Ok(true) => {}
                Ok(false) | Err(_) => return Ok(None),
            }
        }
    }

    /// Gives back what an idle connection does not need.
    pub(super) fn rest(&mut self) {
        if self.output.capacity() > KEEP_BYTES && self.output.is_empty() {
            self.output = Vec::new();
        }
    }

    /// Ends the connection.
    pub(super) async fn close(&mut self) {
        // The peer may be gone already.
        let _ = self.io.shutdown().await;
    }
}
