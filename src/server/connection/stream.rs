//! The socket with its two buffers: frames come out of one, answers collect in the other.

use std::io;

use bytes::BytesMut;
use dictdb_types::Result;
use pgwire::messages::Message;
use pgwire::tokio::server::MaybeTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::frame::{Cut, Frame, cut};

/// Room for reading; also what an idle connection keeps.
const INPUT_BYTES: usize = 8 << 10;
/// Answers beyond this are sent before the statement goes on.
const OUTPUT_BYTES: usize = 64 << 10;
/// Buffers beyond this are given back when they are empty.
const KEEP_BYTES: usize = 32 << 10;

/// A connection's bytes.
pub(super) struct Stream {
    io: MaybeTls,
    input: BytesMut,
    /// Encoded answers.
    pub output: Vec<u8>,
    /// Where pgwire encodes a message before it joins `output`.
    scratch: BytesMut,
    /// The client waits for what is in `output`.
    flush_wanted: bool,
    /// A message came where its kind has no meaning: what follows cannot be understood.
    pub out_of_step: bool,
}

impl Stream {
    pub(super) fn new(io: MaybeTls) -> Stream {
        Stream {
            io,
            input: BytesMut::new(),
            output: Vec::new(),
            scratch: BytesMut::new(),
            flush_wanted: false,
            out_of_step: false,
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.io, MaybeTls::Tls(_))
    }

    /// Adds an answer.
    pub(super) fn send(&mut self, message: &impl Message) {
        self.scratch.clear();
        // Only a message beyond its type's size limit cannot be encoded; the session keeps its texts shorter.
        match message.encode(&mut self.scratch) {
            Ok(()) => self.output.extend_from_slice(&self.scratch),
            Err(error) => tracing::error!("an answer could not be encoded: {error}"),
        }
        if self.scratch.capacity() > KEEP_BYTES {
            self.scratch = BytesMut::new();
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
    pub(super) fn buffered(&mut self) -> Result<Cut> {
        let cut = cut(&mut self.input)?;
        if let Cut::Wait(length) = cut {
            // A large message announces itself: its room is made at once instead of by doubling.
            self.input.reserve(length.saturating_sub(self.input.len()).min(1 << 20));
        }
        Ok(cut)
    }

    /// Waits for more input; false at its end. Cancelling it loses nothing.
    pub(super) async fn read(&mut self) -> io::Result<bool> {
        if self.input.is_empty() && self.input.capacity() != INPUT_BYTES {
            self.input = BytesMut::with_capacity(INPUT_BYTES);
        }
        self.input.reserve(INPUT_BYTES / 2);
        Ok(self.io.read_buf(&mut self.input).await? > 0)
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
