//! The life of a session on the wire: messages in, one after another, until the client leaves or is sent away.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use dictdb_session::interrupts::terminated;
use dictdb_session::{FunctionCall, Session, Target};
use dictdb_types::{Error, Result, Severity, SqlState};
use pgwire::messages::startup::{BackendKeyData, SecretKey};

use super::frame::{Cut, Frame};
use super::message::{Message, violation};
use super::report::is_fatal;
use super::stream::Stream;
use super::transcode;

/// Whether the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Continue,
    Close,
}

/// What ends an idle session's wait.
enum Event {
    Input(io::Result<bool>),
    /// Another session or the server has something for it.
    Call,
    TooLong,
}

/// A session and its stream.
struct Connection {
    stream: Stream,
    session: Session,
    /// An extended message failed: everything up to Sync is discarded.
    discarding: bool,
}

/// Serves a session until it ends.
pub(super) async fn run(stream: Stream, session: Session) {
    let mut connection = Connection { stream, session, discarding: false };
    connection.greet();
    while connection.step().await == Next::Continue {}
    // What was said last should arrive, even when nobody waits for it.
    let _ = connection.stream.flush().await;
    connection.stream.close().await;
}

impl Connection {
    /// The end of start-up: reported settings, what was wrong with stored ones, the key for cancel requests, ReadyForQuery.
    fn greet(&mut self) {
        self.stream.codec = self.session.codec();
        self.session.report_changes(&mut self.stream);
        self.session.send_notices(&mut self.stream);
        let backend = &self.session.shared().backend;
        self.stream.send(&BackendKeyData::new(backend.pid, SecretKey::I32(backend.secret)));
        self.stream.ready(self.session.status());
    }

    /// Handles the next message, or waits for it.
    async fn step(&mut self) -> Next {
        match self.stream.buffered() {
            Ok(Cut::Frame(frame)) => {
                let next = self.handle(&frame).await;
                self.stream.give_back(frame);
                next
            }
            Ok(Cut::Wait(_)) => self.wait().await,
            Ok(Cut::Lost) => Next::Close,
            Err(error) => self.leave(&error),
        }
    }

    /// Sends a last error.
    fn leave(&mut self, error: &Error) -> Next {
        self.stream.report(error);
        Next::Close
    }

    /// Waits for input, and meanwhile for whatever else concerns an idle session.
    async fn wait(&mut self) -> Next {
        self.session.pause();
        if self.session.shared().backend.interrupts.is_draining() {
            return self.leave(&terminated());
        }
        if self.stream.flush_if_wanted().await.is_err() {
            return Next::Close;
        }
        self.stream.rest();
        match self.event().await {
            Event::Input(Ok(true)) => Next::Continue,
            Event::Input(_) => Next::Close,
            Event::Call => {
                self.session.heed_reset();
                self.session.settle_news().await;
                self.session.report_mail(&mut self.stream);
                Next::Continue
            }
            Event::TooLong => match self.session.idle_limit() {
                Some((_, error)) => self.leave(&error),
                None => Next::Continue,
            },
        }
    }

    async fn event(&mut self) -> Event {
        let limit = self.session.idle_limit();
        let shared = self.session.shared();
        let attention = &shared.backend.attention;
        let too_long = limit.map(|(limit, _)| shared.instance.deadlines.ring(limit, attention));
        let mut read = pin!(self.stream.read());
        poll_fn(|cx| {
            if let Poll::Ready(more) = read.as_mut().poll(cx) {
                return Poll::Ready(Event::Input(more));
            }
            attention.poll(cx).map(|()| match &too_long {
                Some(deadline) if deadline.has_passed() => Event::TooLong,
                _ => Event::Call,
            })
        })
        .await
    }

    async fn handle(&mut self, frame: &Frame) -> Next {
        let kind = frame.kind();
        match kind {
            b'X' => return Next::Close,
            // Left over from a COPY that failed.
            b'd' | b'c' | b'f' => return Next::Continue,
            b'p' => {
                let mut error = violation("invalid frontend message type 112");
                error.fields_mut().severity = Severity::Fatal;
                return self.leave(&error);
            }
            _ if self.discarding && kind != b'S' => return Next::Continue,
            _ => {}
        }
        self.stream.codec = self.session.codec();
        let body = match self.stream.codec {
            None => Ok(Cow::Borrowed(frame.body())),
            Some(codec) => transcode::incoming(codec, kind, frame.body()),
        };
        match body.as_deref().map_err(Error::clone).and_then(|body| Message::read(kind, body)) {
            Ok(Message::Query(query)) => {
                let result = self.session.simple_query(query, &mut self.stream).await;
                self.finish(result)
            }
            Ok(Message::Execute { portal, max_rows }) => {
                let result = self.session.execute(portal, max_rows, &mut self.stream).await;
                self.go_on(result)
            }
            Ok(Message::Call(call)) => {
                let (formats, arguments) = (call.formats(), call.arguments());
                let call = FunctionCall {
                    function: call.function,
                    formats: &formats,
                    arguments: &arguments,
                    result_format: call.result_format,
                };
                let result = Box::pin(self.session.function_call(call, &mut self.stream)).await;
                self.finish(result)
            }
            Ok(Message::Sync) => {
                self.discarding = false;
                let result = self.session.sync(&mut self.stream).await;
                self.finish(result)
            }
            Ok(Message::Flush) => {
                self.session.settle().await;
                self.stream.want_flush();
                Next::Continue
            }
            Ok(message) => {
                let result = self.answer(message);
                self.go_on(result)
            }
            Err(error) => {
                self.session.protocol_error();
                match kind {
                    b'Q' | b'S' | b'F' => self.finish(Err(error)),
                    _ => self.go_on(Err(error)),
                }
            }
        }
    }

    /// Answers a message that waits for nothing.
    fn answer(&mut self, message: Message<'_>) -> Result<()> {
        let (session, client) = (&mut self.session, &mut self.stream);
        match message {
            Message::Parse { statement, query, types } => session.parse(statement, query, &types.list(), client),
            Message::Bind(bind) => {
                let formats = (bind.param_formats(), bind.result_formats());
                session.bind(bind.portal, bind.statement, (&formats.0, &formats.1), &bind.params(), client)
            }
            Message::Describe { target: Target::Statement, name } => session.describe_statement(name, client),
            Message::Describe { target: Target::Portal, name } => session.describe_portal(name, client),
            Message::Close { target, name } => {
                session.close_named(target, name, client);
                Ok(())
            }
            Message::Query(_)
            | Message::Execute { .. }
            | Message::Sync
            | Message::Flush
            | Message::CopyFail(_)
            | Message::Call(_) => Err(Error::internal("a message that is answered elsewhere")),
        }
    }

    /// Ends a query string or pipeline with ReadyForQuery.
    fn finish(&mut self, result: Result<()>) -> Next {
        if let Err(error) = result
            && self.report(&error) == Next::Close
        {
            return Next::Close;
        }
        self.session.report_changes(&mut self.stream);
        self.stream.ready(self.session.status());
        Next::Continue
    }

    /// Ends one extended message; after an error the rest of the pipeline is discarded.
    fn go_on(&mut self, result: Result<()>) -> Next {
        let Err(error) = result else { return Next::Continue };
        self.discarding = true;
        self.report(&error)
    }

    /// Sends an error, and tells whether the connection survives it.
    fn report(&mut self, error: &Error) -> Next {
        self.stream.report(error);
        if is_fatal(error) {
            return Next::Close;
        }
        if self.stream.out_of_step {
            let message = "terminating connection because protocol synchronization was lost";
            return self.leave(&Error::with_severity(Severity::Fatal, SqlState::PROTOCOL_VIOLATION, message));
        }
        Next::Continue
    }
}
