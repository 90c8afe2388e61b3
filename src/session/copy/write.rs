//! Rows in the format of a COPY.

use dictdb_types::text::from_utf8;
use dictdb_types::{Datum, Env, Result, binary as wire, text as plain};

use super::options::{CopyFormat, Options};
use super::{binary, csv, text};
use crate::client::{Column, Row};
use crate::encoding::{Codec, is_text_in_binary};

/// Appends text in another encoding.
fn encode(codec: &Codec, plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
    codec.encode(from_utf8(plain)?, out)
}

/// Writes rows.
pub(super) struct Writer<'a> {
    options: &'a Options,
    columns: &'a [Column],
    /// Columns that are always quoted.
    forced: Vec<bool>,
    value: Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(options: &'a Options, columns: &'a [Column]) -> Writer<'a> {
        let forced = columns.iter().map(|column| options.force_quote.contains(&column.name)).collect();
        Writer { options, columns, forced, value: Vec::new() }
    }

    /// Appends the header: a signature, or a line of names.
    pub(super) fn header(&mut self, with_names: bool, out: &mut Vec<u8>) {
        match self.options.format {
            CopyFormat::Binary => binary::write_header(out),
            CopyFormat::Text | CopyFormat::Csv if with_names => {
                let mut plain = Vec::new();
                for (index, column) in self.columns.iter().enumerate() {
                    self.delimit(index, &mut plain);
                    self.write_text(column.name.as_bytes(), false, &mut plain);
                }
                plain.push(b'\n');
                match self.options.codec {
                    None => out.extend_from_slice(&plain),
                    Some(codec) => codec.encode_lossy(&String::from_utf8_lossy(&plain), out),
                }
            }
            CopyFormat::Text | CopyFormat::Csv => {}
        }
    }

    /// Appends a row in the encoding that was asked for.
    pub(super) fn row(&mut self, row: &Row, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
        let Some(codec) = self.options.codec.filter(|_| self.options.format != CopyFormat::Binary) else {
            return self.row_in_utf8(row, env, out);
        };
        let mut plain = Vec::new();
        self.row_in_utf8(row, env, &mut plain)?;
        encode(codec, &plain, out)
    }

    fn row_in_utf8(&mut self, row: &Row, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
        if self.options.format == CopyFormat::Binary {
            return self.binary_row(row, env, out);
        }
        for (index, (value, column)) in row.iter().zip(self.columns).enumerate() {
            self.delimit(index, out);
            if value.is_null() {
                out.extend_from_slice(self.options.null.as_bytes());
                continue;
            }
            let mut written = std::mem::take(&mut self.value);
            written.clear();
            plain::write_wire(value, column.ty.oid, env, &mut written)?;
            self.write_text(&written, self.forced[index], out);
            self.value = written;
        }
        out.push(b'\n');
        Ok(())
    }

    fn binary_row(&self, row: &Row, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&(row.len() as i16).to_be_bytes());
        for (value, column) in row.iter().zip(self.columns) {
            if let Datum::Null = value {
                out.extend_from_slice(&(-1i32).to_be_bytes());
                continue;
            }
            let start = out.len();
            out.extend_from_slice(&[0; 4]);
            match self.options.codec.filter(|_| is_text_in_binary(column.ty.oid)) {
                None => wire::send(value, column.ty.oid, env, out)?,
                Some(codec) => {
                    let mut plain = Vec::new();
                    wire::send(value, column.ty.oid, env, &mut plain)?;
                    encode(codec, &plain, out)?;
                }
            }
            let length = (out.len() - start - 4) as i32;
            out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    }

    /// Appends the trailer, if the format has one.
    pub(super) fn trailer(&self, out: &mut Vec<u8>) {
        if self.options.format == CopyFormat::Binary {
            binary::write_trailer(out);
        }
    }

    fn delimit(&self, index: usize, out: &mut Vec<u8>) {
        if index > 0 {
            out.push(self.options.delimiter);
        }
    }

    fn write_text(&self, value: &[u8], force: bool, out: &mut Vec<u8>) {
        match self.options.format {
            CopyFormat::Csv => csv::write(value, self.options, force, self.columns.len() == 1, out),
            CopyFormat::Text | CopyFormat::Binary => text::write(value, self.options.delimiter, out),
        }
    }
}
