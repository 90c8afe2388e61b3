//! One WebSocket from its handshake to its close: messages out, whatever comes in counted, pings, and a code at the end.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use dictdb_session::feed::End;
use dictdb_session::rate_limits::Client;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::census::Member;
use super::source::Source;
use crate::{Peer, State};

/// Bytes of a client's message.
pub(super) const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// How often a client is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// How long a client may be silent.
const SILENCE_LIMIT: Duration = Duration::from_secs(40);
/// How long a message may take to be sent.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// How long a client has to take in the close code, and what was sent before.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);
/// How long it has when the server ends.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);
/// Close code "try again later" of the IANA registry.
const TRY_AGAIN_LATER: u16 = 1013;

/// Why a WebSocket ends.
enum Ending {
    /// The client has gone, or said good-bye.
    Left,
    /// The connection is broken.
    Broken,
    /// The server closes it, with a code and a reason.
    Close(u16, String),
    /// The server ends.
    Shutdown,
}

impl Ending {
    fn behind() -> Ending {
        Ending::Close(TRY_AGAIN_LATER, "The client is too slow".to_owned())
    }
}

impl From<End> for Ending {
    fn from(end: End) -> Ending {
        match end {
            End::Behind => Ending::behind(),
            End::Gone(reason) => Ending::Close(close_code::NORMAL, reason.to_owned()),
            End::Failed(error) => {
                tracing::error!("a change could not be told to a WebSocket: {error}");
                Ending::Close(close_code::ERROR, "A change could not be told".to_owned())
            }
        }
    }
}

/// Serves it to its end.
pub(super) async fn serve(socket: WebSocket, source: Source, state: &Arc<State>, peer: Peer, mut member: Member) {
    let mut connection = Connection { socket, state, peer };
    let ending = connection.run(source, &mut member).await;
    connection.end(ending, &member).await;
}

struct Connection<'a> {
    socket: WebSocket,
    state: &'a Arc<State>,
    peer: Peer,
}

impl Connection<'_> {
    async fn run(&mut self, mut source: Source, member: &mut Member) -> Ending {
        let mut pings = interval(PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.reset();
        let mut heard = Instant::now();
        loop {
            let ended = tokio::select! {
                messages = source.next() => self.tell(messages, member).await,
                received = self.socket.recv() => {
                    heard = Instant::now();
                    self.hear(received, member)
                }
                _ = pings.tick() => self.ping(heard).await,
                () = member.closing() => self.tell_rest(&mut source, member).await,
            };
            if let Err(ending) = ended {
                return ending;
            }
        }
    }

    async fn tell(&mut self, messages: Result<Arc<[Arc<str>]>, End>, member: &Member) -> Result<(), Ending> {
        for message in &*messages? {
            self.send(Message::text(&**message), SEND_LIMIT).await?;
            member.sent();
        }
        Ok(())
    }

    /// What has been committed before the server ends is told, as far as it is there.
    async fn tell_rest(&mut self, source: &mut Source, member: &Member) -> Result<(), Ending> {
        let rest = async {
            while source.has_more() {
                self.tell(source.next().await, member).await?;
            }
            Ok::<(), Ending>(())
        };
        timeout(SHUTDOWN_LIMIT, rest).await.unwrap_or(Ok(()))?;
        Err(Ending::Shutdown)
    }

    async fn send(&mut self, message: Message, limit: Duration) -> Result<(), Ending> {
        match timeout(limit, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ending::Broken),
            Err(_) => Err(Ending::behind()),
        }
    }

    async fn ping(&mut self, heard: Instant) -> Result<(), Ending> {
        if heard.elapsed() > SILENCE_LIMIT {
            return Err(Ending::Close(TRY_AGAIN_LATER, "The client does not answer".to_owned()));
        }
        self.send(Message::Ping(Default::default()), SEND_LIMIT).await
    }

    /// A client's message takes a token, as a request would.
    fn hear(&mut self, received: Option<Result<Message, axum::Error>>, member: &Member) -> Result<(), Ending> {
        let too_large = || Ending::Close(close_code::SIZE, "The message is too large".to_owned());
        let message = match received {
            None | Some(Ok(Message::Close(_))) => return Err(Ending::Left),
            Some(Err(error)) => return Err(if is_capacity(error) { too_large() } else { Ending::Broken }),
            Some(Ok(message)) => message,
        };
        let bytes = match &message {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
            _ => return Ok(()),
        };
        member.received();
        if bytes > MAX_MESSAGE_BYTES {
            return Err(too_large());
        }
        let limits = self.state.lifecycle.instance().map(|instance| &instance.rate_limits);
        let taken = match limits.zip(self.state.options.rate) {
            Some((limits, rate)) => limits.take(Client::Http(self.peer.0.ip()), rate),
            None => Ok(()),
        };
        taken.map_err(|_| Ending::Close(close_code::POLICY, "Rate limit exceeded".to_owned()))
    }

    /// Says why, if there is somebody to say it to, and waits for the answer.
    async fn end(mut self, ending: Ending, member: &Member) {
        let (code, reason, limit) = match ending {
            Ending::Left => {
                // The answer to the client's good-bye goes out with what is still read.
                let _ = timeout(SHUTDOWN_LIMIT, self.drain()).await;
                return;
            }
            Ending::Broken => return member.failed(),
            Ending::Shutdown => (close_code::AWAY, "The server is shutting down".to_owned(), SHUTDOWN_LIMIT),
            Ending::Close(code, reason) => {
                if code != close_code::NORMAL {
                    member.failed();
                }
                (code, reason, CLOSE_LIMIT)
            }
        };
        let farewell = async {
            let frame = CloseFrame { code, reason: reason.into() };
            if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
                self.drain().await;
            }
        };
        let _ = timeout(limit, farewell).await;
    }

    async fn drain(&mut self) {
        while let Some(Ok(_)) = self.socket.recv().await {}
    }
}

/// Whether a message was larger than is read at all.
fn is_capacity(error: axum::Error) -> bool {
    let error = error.into_inner();
    matches!(error.downcast_ref::<tungstenite::Error>(), Some(tungstenite::Error::Capacity(_)))
}
