//! Rows of COPY FROM on their way into the table: fields become values of the columns' types, and rows wait in batches, each
//! with what errors say of its line.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use dictdb_types::text::from_utf8;
use dictdb_types::{Datum, Error, Result, Type, binary as wire, text as plain};
use memchr::memchr_iter;

use super::lines::Line;
use super::options::{CopyFormat, Header, Options};
use super::relation::CopyTable;
use super::{bad_format, csv, text};
use crate::StatementEnv;
use crate::encoding::is_text_in_binary;

/// Longest part of a line or value that an error repeats.
const SHOWN_BYTES: usize = 100;

/// Rows that wait to be inserted together.
#[derive(Clone, Default)]
pub(super) struct Batch {
    /// Their values, one row behind the other.
    pub values: Vec<Datum>,
    /// The number of each row's line, and where the text shown of it ends in `shown`.
    lines: Vec<(u64, usize)>,
    shown: String,
}

impl Batch {
    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The number of a row's line, and what is shown of it.
    pub(super) fn line(&self, row: usize) -> (u64, &str) {
        let start = row.checked_sub(1).map_or(0, |previous| self.lines[previous].1);
        let (number, end) = self.lines[row];
        (number, &self.shown[start..end])
    }

    /// Empties it, for the next rows.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.lines.clear();
        self.shown.clear();
    }

    /// The values of a row are complete.
    fn close_row(&mut self, line: u64, shown: &str) {
        self.shown.push_str(shown);
        self.lines.push((line, self.shown.len()));
    }
}

/// Makes rows of lines.
pub(super) struct Rows<'a> {
    pub table: &'a CopyTable,
    options: &'a Options,
    env: Arc<StatementEnv>,
    /// Lines so far.
    pub line: u64,
    pub batch: Batch,
}

impl<'a> Rows<'a> {
    pub(super) fn new(table: &'a CopyTable, options: &'a Options, env: Arc<StatementEnv>) -> Rows<'a> {
        Rows { table, options, env, line: 0, batch: Batch::default() }
    }

    /// Takes a line of text or CSV.
    pub(super) fn text_line(&mut self, line: &Line<'_>) -> Result<()> {
        self.line += 1;
        let Line { bytes, is_cut_off } = *line;
        if is_cut_off {
            let error = bad_format("unterminated CSV quoted field");
            return Err(self.line_context(error, &String::from_utf8_lossy(bytes)));
        }
        let line = from_utf8(bytes).map_err(|error| error.context(self.place(self.line)))?;
        if self.line == 1 && self.options.header != Header::None {
            return self.check_header(line);
        }
        let start = self.batch.values.len();
        if let Err(error) = self.convert_line(line) {
            self.batch.values.truncate(start);
            let error = self.malformed(line).unwrap_or(error);
            return Err(if error.fields().context.is_some() { error } else { self.line_context(error, line) });
        }
        // CSV lines may span lines of the file, which count too.
        self.batch.close_row(self.line, &shortened(line));
        self.line += memchr_iter(b'\n', bytes).count() as u64;
        Ok(())
    }

    /// What is wrong with a line as a whole, which is told before what is wrong with one of its fields.
    fn malformed(&self, line: &str) -> Option<Error> {
        let mut fields = 0;
        let mut count = || {
            fields += 1;
            Ok(())
        };
        let split = match self.options.format {
            CopyFormat::Csv => csv::split(line, self.options, |_| count()),
            _ => text::split(line, self.options, |_| count()),
        };
        split.err().or_else(|| (fields > self.table.columns.len()).then(surplus))
    }

    fn convert_line(&mut self, line: &str) -> Result<()> {
        let columns = &self.table.columns;
        let mut index = 0;
        // A table without columns takes empty lines.
        if columns.is_empty() {
            return if line.is_empty() { Ok(()) } else { Err(surplus()) };
        }
        let (env, options, values) = (&*self.env, self.options, &mut self.batch.values);
        let (name, number) = (&self.table.name, self.line);
        let mut add = |field: Option<&str>| -> Result<()> {
            let Some((column, ty)) = columns.get(index) else { return Err(surplus()) };
            index += 1;
            let value = match field {
                None => plain::input_null(*ty, env).map_err(|error| {
                    error.context(format!("COPY {name}, line {number}, column {column}: null input"))
                })?,
                Some(field) => plain::input(field, *ty, env).map_err(|error| {
                    let shown = shortened(field);
                    error.context(format!("COPY {name}, line {number}, column {column}: \"{shown}\""))
                })?,
            };
            values.push(value);
            Ok(())
        };
        if options.format == CopyFormat::Csv {
            let mut position = 0;
            csv::split(line, options, |field| {
                let column = columns.get(position).map_or("", |(name, _)| name);
                position += 1;
                add(field.value(column, options))
            })?;
        } else {
            text::split(line, options, &mut add)?;
        }
        match columns.get(index) {
            Some((column, _)) => Err(bad_format(format!("missing data for column \"{column}\""))),
            None => Ok(()),
        }
    }

    /// Takes a row of the binary format.
    pub(super) fn binary_row(&mut self, fields: &[Option<Bytes>]) -> Result<()> {
        self.line += 1;
        self.convert_fields(fields)?;
        self.batch.close_row(self.line, "");
        Ok(())
    }

    /// What is wrong with a row of whose fields these could be read: one of them, or else the next.
    pub(super) fn broken_row(&mut self, fields: &[Option<Bytes>], error: Error) -> Error {
        self.line += 1;
        let start = self.batch.values.len();
        let converted = self.convert_fields(fields);
        self.batch.values.truncate(start);
        let next = self.table.columns.get(fields.len()).map_or("", |(column, _)| column);
        converted.err().unwrap_or_else(|| self.field_context(error, next))
    }

    fn convert_fields(&mut self, fields: &[Option<Bytes>]) -> Result<()> {
        for (field, (column, ty)) in fields.iter().zip(&self.table.columns) {
            let value = match field {
                None => plain::input_null(*ty, &*self.env),
                Some(bytes) => self.received(bytes, *ty),
            };
            self.batch.values.push(value.map_err(|error| self.field_context(error, column))?);
        }
        Ok(())
    }

    fn field_context(&self, error: Error, column: &str) -> Error {
        error.context(format!("{}, column {column}", self.place(self.line)))
    }

    fn received(&self, bytes: &[u8], ty: Type) -> Result<Datum> {
        match self.options.codec.filter(|_| is_text_in_binary(ty.oid)) {
            None => wire::recv(bytes, ty, &*self.env),
            Some(codec) => wire::recv(codec.decode(bytes)?.as_bytes(), ty, &*self.env),
        }
    }

    fn check_header(&self, line: &str) -> Result<()> {
        if self.options.header != Header::Match {
            return Ok(());
        }
        let mut names: Vec<Option<String>> = Vec::new();
        let mut add = |field: Option<&str>| -> Result<()> {
            names.push(field.map(str::to_owned));
            Ok(())
        };
        match self.options.format {
            CopyFormat::Csv => csv::split(line, self.options, |field| add(field.value("", self.options)))?,
            _ => text::split(line, self.options, &mut add)?,
        }
        let columns = &self.table.columns;
        let error = if names.len() != columns.len() {
            let (got, expected) = (names.len(), columns.len());
            Some(format!("wrong number of fields in header line: got {got}, expected {expected}"))
        } else {
            let wrong = names.iter().zip(columns).position(|(name, (column, _))| name.as_deref() != Some(column));
            wrong.map(|index| {
                let got = match &names[index] {
                    Some(name) => format!("got \"{name}\""),
                    None => format!("got null value (\"{}\")", self.options.null),
                };
                format!(
                    "column name mismatch in header line field {}: {got}, expected \"{}\"",
                    index + 1,
                    columns[index].0
                )
            })
        };
        error.map_or(Ok(()), |message| Err(self.line_context(bad_format(message), line)))
    }

    fn line_context(&self, error: Error, line: &str) -> Error {
        error.context(format!("{}: \"{}\"", self.place(self.line), shortened(line)))
    }

    /// A line, as errors name it.
    pub(super) fn place(&self, line: u64) -> String {
        format!("COPY {}, line {line}", self.table.name)
    }
}

fn surplus() -> Error {
    bad_format("extra data after last expected column")
}

fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= SHOWN_BYTES {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}...", &text[..text.floor_char_boundary(SHOWN_BYTES)]))
}
