//! The session's [`Client`]: its answers as messages in the output buffer.

use async_trait::async_trait;
use bytes::Bytes;
use dictdb_session::{Client, CopyShape, Format, Row, Shape, StatementEnv, Status, Tag};
use dictdb_types::{Datum, Env, Error, Oid, Result, Severity, SqlState, Type};
use pgwire::messages::copy::{CopyDone, CopyInResponse, CopyOutResponse};
use pgwire::messages::response::NotificationResponse;
use pgwire::messages::startup::ParameterStatus;

use super::frame::Cut;
use super::message::{Message, violation};
use super::rows;
use super::stream::Stream;

impl Stream {
    /// ReadyForQuery.
    pub(super) fn ready(&mut self, status: Status) {
        let status = match status {
            Status::Idle => b'I',
            Status::InTransaction => b'T',
            Status::Failed => b'E',
        };
        self.put(b'Z', |out| out.push(status));
        self.want_flush();
    }
}

/// The client went away while it was needed.
fn gone() -> Error {
    let message = "connection to client lost";
    Error::with_severity(Severity::Fatal, SqlState::CONNECTION_FAILURE, message)
}

fn copy_formats(shape: CopyShape) -> (i8, i16, Vec<i16>) {
    let code = i16::from(shape.format == Format::Binary);
    (code as i8, shape.columns as i16, vec![code; shape.columns])
}

#[async_trait]
impl Client for Stream {
    fn parsed(&mut self) {
        self.put(b'1', |_| {});
    }

    fn bound(&mut self) {
        self.put(b'2', |_| {});
    }

    fn closed(&mut self) {
        self.put(b'3', |_| {});
    }

    fn parameters(&mut self, types: &[Oid]) {
        self.put(b't', |out| {
            out.extend_from_slice(&(types.len() as u16).to_be_bytes());
            types.iter().for_each(|oid| out.extend_from_slice(&oid.0.to_be_bytes()));
        });
    }

    fn describe(&mut self, shape: &Shape, env: &dyn Env) {
        // An earlier statement of the same query string may have changed it.
        self.codec = StatementEnv::codec(env);
        self.put(b'T', |out| rows::describe(shape, env, out));
    }

    fn no_data(&mut self) {
        self.put(b'n', |_| {});
    }

    fn row(&mut self, shape: &Shape, row: &Row, env: &dyn Env) -> Result<()> {
        self.take_output_back();
        rows::write(shape, row, (env, self.codec), &mut self.output)
    }

    fn function_result(&mut self, value: &Datum, ty: Type, format: Format, env: &dyn Env) -> Result<()> {
        self.take_output_back();
        rows::write_function_result(value, ty, format, (env, self.codec), &mut self.output)
    }

    fn lend_output(&mut self) {
        self.lend_to_outlet();
    }

    fn complete(&mut self, tag: &Tag) {
        self.put(b'C', |out| {
            tag.write(out);
            out.push(0);
        });
    }

    fn empty_query(&mut self) {
        self.put(b'I', |_| {});
    }

    fn suspended(&mut self) {
        self.put(b's', |_| {});
    }

    fn notice(&mut self, notice: &Error) {
        self.notify(notice);
    }

    fn parameter_status(&mut self, name: &str, value: &str) {
        self.send(&ParameterStatus::new(name.to_owned(), value.to_owned()));
    }

    fn notification(&mut self, sender: i32, channel: &str, payload: &str) {
        self.send(&NotificationResponse::new(sender, channel.to_owned(), payload.to_owned()));
        self.want_flush();
    }

    fn is_full(&self) -> bool {
        Stream::is_full(self)
    }

    async fn relieve(&mut self) -> Result<()> {
        self.flush().await.map_err(|_| gone())
    }

    async fn copy_in(&mut self, shape: CopyShape) -> Result<()> {
        let (format, columns, formats) = copy_formats(shape);
        self.send(&CopyInResponse::new(format, columns, formats));
        self.flush().await.map_err(|_| gone())
    }

    async fn copy_data(&mut self) -> Result<Option<Bytes>> {
        loop {
            let frame = match self.buffered()? {
                Cut::Frame(frame) => frame,
                Cut::Lost => return Err(gone()),
                Cut::Wait(_) => {
                    if self.read().await.is_ok_and(|more| more) {
                        continue;
                    }
                    return Err(gone());
                }
            };
            let kind = frame.kind();
            match kind {
                b'd' => return Ok(Some(frame.into_body().into())),
                b'c' => return Ok(None),
                // A driver may pipeline Sync behind the Execute that starts the COPY; it counts after it.
                b'H' | b'S' => {}
                b'f' => {
                    let Message::CopyFail(reason) = Message::read(kind, frame.body())? else { return Err(gone()) };
                    let message = format!("COPY from stdin failed: {reason}");
                    return Err(Error::new(SqlState::QUERY_CANCELED, message));
                }
                kind => {
                    self.out_of_step = true;
                    let message = format!("unexpected message type 0x{kind:02X} during COPY from stdin");
                    return Err(violation(&message));
                }
            }
        }
    }

    fn copy_out(&mut self, shape: CopyShape) {
        let (format, columns, formats) = copy_formats(shape);
        self.send(&CopyOutResponse::new(format, columns, formats));
    }

    fn copy_row(&mut self, data: &[u8]) {
        self.put(b'd', |out| out.extend_from_slice(data));
    }

    fn copy_done(&mut self) {
        self.send(&CopyDone::new());
    }
}
