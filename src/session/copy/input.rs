//! Where COPY FROM has its data from: the client or a file, piece by piece.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::Read;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use dictdb_types::{Error, Result};

use super::file_error;
use crate::attention::Attention;
use crate::client::Client;
use crate::deadlines::Deadlines;
use crate::encoding::Codec;

/// Bytes read from a file at once.
const FILE_PIECE_BYTES: usize = 256 << 10;
/// A client that sends nothing for so long hears of what is wrong with its rows so far.
const PAUSE: Duration = Duration::from_millis(10);

/// Where the data comes from.
pub(super) enum Input {
    Client,
    File(File, String),
}

/// What comes next.
pub(super) enum Arrival {
    Piece(Bytes),
    End,
    /// Nothing, for the length of a [`PAUSE`].
    Pause,
}

impl Input {
    /// A file of the server.
    pub(super) fn open(path: &str) -> Result<Input> {
        let file = File::open(path).map_err(|error| super::open_error(path, &error, super::READING))?;
        Ok(Input::File(file, path.to_owned()))
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self, client: &mut dyn Client) -> Result<Option<Bytes>> {
        match self {
            Input::Client => client.copy_data().await,
            Input::File(file, path) => tokio::task::block_in_place(|| {
                let mut piece = vec![0; FILE_PIECE_BYTES];
                let length = file.read(&mut piece).map_err(|error| file_error("read from", path, &error))?;
                piece.truncate(length);
                Ok((length > 0).then(|| Bytes::from(piece)))
            }),
        }
    }

    /// Likewise. With deadlines a client that sends none is not waited for longer than a pause.
    pub(super) async fn next_or_pause(
        &mut self,
        client: &mut dyn Client,
        deadlines: Option<Arc<Deadlines>>,
        bell: &Arc<Attention>,
    ) -> Result<Arrival> {
        let mut pause = None;
        let mut next = pin!(self.next(client));
        let arrived = poll_fn(|cx| {
            if let Poll::Ready(piece) = next.as_mut().poll(cx) {
                return Poll::Ready(Some(piece));
            }
            let Some(deadlines) = &deadlines else { return Poll::Pending };
            pause.get_or_insert_with(|| deadlines.ring(PAUSE, bell));
            bell.poll(cx).map(|()| None)
        });
        match arrived.await {
            Some(piece) => Ok(piece?.map_or(Arrival::End, Arrival::Piece)),
            None => Ok(Arrival::Pause),
        }
    }
}

/// What comes in another encoding than UTF-8, with the beginning of a character that is not complete yet.
pub(super) struct Incoming {
    codec: &'static Codec,
    pending: Vec<u8>,
}

impl Incoming {
    pub(super) fn new(codec: &'static Codec) -> Incoming {
        Incoming { codec, pending: Vec::new() }
    }

    /// The next piece as text, as far as it is complete and as it goes.
    pub(super) fn text(&mut self, piece: &[u8], at_end: bool) -> (String, Option<Error>) {
        self.pending.extend_from_slice(piece);
        let mut text = String::with_capacity(self.pending.len() * 2);
        let (read, failure) = self.codec.decode_prefix(&self.pending, at_end, &mut text);
        self.pending.drain(..read);
        (text, failure)
    }
}
