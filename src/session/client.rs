//! What a session says, and to whom: the answers of a statement as calls, without bytes.
//!
//! The wire connection implements [`Client`] by encoding messages; [`Collector`] keeps rows for callers inside the server.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use dictdb_types::{Datum, Env, Error, Oid, Result, Type};
use smallvec::SmallVec;

/// One column of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// The table it is read from, or zero.
    pub table: Oid,
    /// Its attnum in that table, or zero.
    pub attnum: i16,
}

impl Column {
    /// A computed column.
    pub fn new(name: &str, ty: impl Into<Type>) -> Self {
        Column { name: name.into(), ty: ty.into(), table: Oid::INVALID, attnum: 0 }
    }
}

/// How a value is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As `typoutput` writes it.
    #[default]
    Text,
    /// As `typsend` writes it.
    Binary,
}

/// Columns of a result and how each is sent.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The columns.
    pub columns: Arc<[Column]>,
    /// As Bind gave them: none is all text, one is for every column, otherwise one for each.
    pub formats: SmallVec<[Format; 8]>,
}

impl Shape {
    /// All columns as text: the simple query protocol.
    pub fn text(columns: Arc<[Column]>) -> Self {
        Shape { columns, formats: SmallVec::new() }
    }

    /// The format of a column.
    pub fn format(&self, column: usize) -> Format {
        match &*self.formats {
            [] => Format::Text,
            [one] => *one,
            each => each.get(column).copied().unwrap_or_default(),
        }
    }
}

pub use dictdb_executor::Row;

/// The tag of a finished statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    command: Cow<'static, str>,
    rows: Option<u64>,
}

impl Tag {
    /// A tag without a number of rows.
    pub fn new(command: impl Into<Cow<'static, str>>) -> Self {
        Tag { command: command.into(), rows: None }
    }

    /// A tag with a number of rows; `INSERT` gets its zero.
    pub fn rows(command: impl Into<Cow<'static, str>>, rows: u64) -> Self {
        Tag { command: command.into(), rows: Some(rows) }
    }
}

impl Tag {
    /// Appends the text of the tag.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.command.as_bytes());
        let Some(rows) = self.rows else { return };
        out.extend_from_slice(if self.command == "INSERT" { b" 0 " } else { b" " });
        out.extend_from_slice(itoa::Buffer::new().format(rows).as_bytes());
    }

    /// The command without a number of rows.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// The first word of the tag.
    pub fn first_word(&self) -> Cow<'static, str> {
        match &self.command {
            Cow::Borrowed(command) => Cow::Borrowed(command.split(' ').next().unwrap_or_default()),
            Cow::Owned(command) => Cow::Owned(command.split(' ').next().unwrap_or_default().to_owned()),
        }
    }

    /// The number of rows; zero for statements without.
    pub fn count(&self) -> u64 {
        self.rows.unwrap_or(0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// The overall format of COPY data and of each column in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyShape {
    /// Text (and CSV) or binary.
    pub format: Format,
    /// Number of columns.
    pub columns: usize,
}

/// Receives the answers of statements, in order. What a client does not care for needs no method of its own.
#[async_trait]
pub trait Client: Send {
    /// A statement was parsed.
    fn parsed(&mut self) {}

    /// A portal was bound.
    fn bound(&mut self) {}

    /// A statement or portal was closed.
    fn closed(&mut self) {}

    /// The types of a statement's parameters.
    fn parameters(&mut self, _types: &[Oid]) {}

    /// The columns of the rows that follow, or of a statement or portal.
    fn describe(&mut self, _shape: &Shape, _env: &dyn Env) {}

    /// A statement or portal returns no rows.
    fn no_data(&mut self) {}

    /// A row. An error (a value too large for the wire) ends the statement.
    fn row(&mut self, shape: &Shape, row: &Row, env: &dyn Env) -> Result<()>;

    /// The value of a function that was called by its oid.
    fn function_result(&mut self, _value: &Datum, _ty: Type, _format: Format, _env: &dyn Env) -> Result<()> {
        Ok(())
    }

    /// The statement is done.
    fn complete(&mut self, _tag: &Tag) {}

    /// The statement was empty.
    fn empty_query(&mut self) {}

    /// The portal has more rows than were asked for.
    fn suspended(&mut self) {}

    /// A notice or warning; the session has filtered it.
    fn notice(&mut self, _notice: &Error) {}

    /// A statement begins that may raise notices while it runs: its [`Herald`] may have what was said so far, so that they
    /// come after it.
    fn lend_output(&mut self) {}

    /// A reported setting has changed.
    fn parameter_status(&mut self, _name: &str, _value: &str) {}

    /// A notification has arrived.
    fn notification(&mut self, _sender: i32, _channel: &str, _payload: &str) {}

    /// Whether so much is buffered that [`Client::relieve`] should be called.
    fn is_full(&self) -> bool {
        false
    }

    /// Waits until there is room again; an error means that the client is gone.
    async fn relieve(&mut self) -> Result<()> {
        Ok(())
    }

    /// COPY FROM STDIN begins: the client is asked to send.
    async fn copy_in(&mut self, _shape: CopyShape) -> Result<()> {
        Err(Error::unsupported("COPY FROM STDIN without a connection"))
    }

    /// The next piece of COPY data; `None` at its end. 57014 when the client gives up.
    async fn copy_data(&mut self) -> Result<Option<Bytes>> {
        Ok(None)
    }

    /// COPY TO STDOUT begins.
    fn copy_out(&mut self, _shape: CopyShape) {}

    /// A piece of COPY data: one row, header or trailer.
    fn copy_row(&mut self, _data: &[u8]) {}

    /// COPY TO STDOUT is over.
    fn copy_done(&mut self) {}
}

/// Says notices to a client while the statement that raises them is still running.
pub trait Herald: Send + Sync {
    /// Says a notice; `false`: it has to wait for the statement.
    fn say(&self, notice: &Error) -> bool;
}

/// Keeps what a statement answers.
#[derive(Debug, Default)]
pub struct Collector {
    /// The columns of the last result.
    pub columns: Arc<[Column]>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// The tags of all statements.
    pub tags: Vec<Tag>,
    /// Notices and warnings.
    pub notices: Vec<Error>,
}

#[async_trait]
impl Client for Collector {
    fn describe(&mut self, shape: &Shape, _: &dyn Env) {
        self.columns = shape.columns.clone();
        self.rows.clear();
    }

    fn row(&mut self, _: &Shape, row: &Row, _: &dyn Env) -> Result<()> {
        self.rows.push(row.clone());
        Ok(())
    }

    fn complete(&mut self, tag: &Tag) {
        self.tags.push(tag.clone());
    }

    fn notice(&mut self, notice: &Error) {
        self.notices.push(notice.clone());
    }
}
