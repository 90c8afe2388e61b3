//! The life of a session on the wire: messages in, one after another, until the client leaves or is sent away.

use dictdb_session::interrupts::terminated;
use dictdb_session::{Session, Shape, Status};
use dictdb_types::{Error, Oid, Result, Severity, SqlState};
use pgwire::messages::PgWireFrontendMessage;
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Describe, Execute, Parse, ParseComplete, TARGET_TYPE_BYTE_STATEMENT,
};
use pgwire::messages::startup::{BackendKeyData, SecretKey};
use tokio::time::sleep;

use super::frame::{Cut, Frame};
use super::report::is_fatal;
use super::rows;
use super::stream::Stream;

/// Whether the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Continue,
    Close,
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
    /// The end of start-up: reported settings, the key for cancel requests, ReadyForQuery.
    fn greet(&mut self) {
        self.session.report_changes(&mut self.stream);
        let backend = &self.session.shared().backend;
        self.stream.send(&BackendKeyData::new(backend.pid, SecretKey::I32(backend.secret)));
        self.stream.ready(self.session.status());
    }

    /// Handles the next message, or waits for it.
    async fn step(&mut self) -> Next {
        match self.stream.buffered() {
            Ok(Cut::Frame(frame)) => self.handle(frame).await,
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
        let backend = self.session.shared().backend.clone();
        if backend.interrupts.is_draining() {
            return self.leave(&terminated());
        }
        if self.stream.flush_if_wanted().await.is_err() {
            return Next::Close;
        }
        self.stream.rest();
        let limit = self.session.idle_limit();
        let too_long = async {
            match &limit {
                Some((limit, _)) => sleep(*limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            more = self.stream.read() => match more {
                Ok(true) => Next::Continue,
                Ok(false) | Err(_) => Next::Close,
            },
            () = backend.interrupts.wait() => Next::Continue,
            () = backend.mail.notified() => {
                if self.session.status() == Status::Idle {
                    self.session.report_changes(&mut self.stream);
                }
                Next::Continue
            }
            () = too_long => match limit {
                Some((_, error)) => self.leave(&error),
                None => Next::Continue,
            },
        }
    }

    async fn handle(&mut self, frame: Frame) -> Next {
        let kind = frame.kind();
        match kind {
            b'X' => return Next::Close,
            // Left over from a COPY that failed.
            b'd' | b'c' | b'f' => return Next::Continue,
            b'p' => {
                let message = "invalid frontend message type 112";
                let mut error = super::frame::violation(message);
                error.fields_mut().severity = Severity::Fatal;
                return self.leave(&error);
            }
            _ if self.discarding && kind != b'S' => return Next::Continue,
            b'F' => {
                let result = Err(Error::unsupported("fastpath function call"));
                self.session.protocol_error();
                return self.finish(result);
            }
            _ => {}
        }
        let message = match frame.decode() {
            Ok(message) => message,
            Err(error) => {
                self.session.protocol_error();
                return match kind {
                    b'Q' | b'S' => self.finish(Err(error)),
                    _ => self.answer(Err(error)),
                };
            }
        };
        match message {
            PgWireFrontendMessage::Query(query) => {
                let result = self.session.simple_query(&query.query, &mut self.stream).await;
                self.finish(result)
            }
            PgWireFrontendMessage::Sync(_) => {
                self.discarding = false;
                let result = self.session.sync(&mut self.stream).await;
                self.finish(result)
            }
            PgWireFrontendMessage::Flush(_) => {
                self.session.settle().await;
                self.stream.want_flush();
                Next::Continue
            }
            extended => {
                let result = self.extended(extended).await;
                self.answer(result)
            }
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
    fn answer(&mut self, result: Result<()>) -> Next {
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

    async fn extended(&mut self, message: PgWireFrontendMessage) -> Result<()> {
        match message {
            PgWireFrontendMessage::Parse(parse) => self.parse(parse).await,
            PgWireFrontendMessage::Bind(bind) => self.bind(bind).await,
            PgWireFrontendMessage::Describe(describe) => self.describe(&describe),
            PgWireFrontendMessage::Execute(execute) => self.execute(&execute).await,
            PgWireFrontendMessage::Close(close) => {
                self.close(&close);
                Ok(())
            }
            other => Err(Error::internal(format!("unexpected message {other:?}"))),
        }
    }

    async fn parse(&mut self, parse: Parse) -> Result<()> {
        let types: Vec<Oid> = parse.type_oids.iter().copied().map(Oid).collect();
        let name = parse.name.as_deref().unwrap_or_default();
        self.session.parse(name, &parse.query, &types, &mut self.stream).await?;
        self.stream.send(&ParseComplete::new());
        Ok(())
    }

    async fn bind(&mut self, bind: Bind) -> Result<()> {
        let bound = self.session.bind(
            bind.portal_name.as_deref().unwrap_or_default(),
            bind.statement_name.as_deref().unwrap_or_default(),
            &bind.parameter_format_codes,
            &bind.parameters,
            &bind.result_column_format_codes,
            &mut self.stream,
        );
        bound.await?;
        self.stream.send(&BindComplete::new());
        Ok(())
    }

    fn describe(&mut self, describe: &Describe) -> Result<()> {
        let name = describe.name.as_deref().unwrap_or_default();
        let shape = if describe.target_type == TARGET_TYPE_BYTE_STATEMENT {
            let description = self.session.describe_statement(name)?;
            let types = description.params.iter().map(|oid| oid.0).collect();
            self.stream.send(&ParameterDescription::new(types));
            description.columns.map(Shape::text)
        } else {
            self.session.describe_portal(name)?
        };
        match shape {
            Some(shape) => {
                let env = self.session.type_env();
                self.stream.send(&rows::description(&shape, &*env));
            }
            None => self.stream.send(&NoData::new()),
        }
        Ok(())
    }

    async fn execute(&mut self, execute: &Execute) -> Result<()> {
        let name = execute.name.as_deref().unwrap_or_default();
        self.session.execute(name, execute.max_rows, &mut self.stream).await
    }

    fn close(&mut self, close: &Close) {
        let name = close.name.as_deref().unwrap_or_default();
        if close.target_type == TARGET_TYPE_BYTE_STATEMENT {
            self.session.close_statement(name);
        } else {
            self.session.close_portal(name);
        }
        self.stream.send(&CloseComplete::new());
    }
}
