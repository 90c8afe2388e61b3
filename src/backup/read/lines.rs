//! The lines of a file, one at a time, or many into a batch.

use std::io::{BufRead, BufReader, Read};

use dictdb_types::Result;

use super::batch::Batch;
use crate::error::{damaged, unreadable};

const BUFFER_BYTES: usize = 1 << 20;

/// A file that is read from line to line.
pub(super) struct Lines<'a, R> {
    reader: BufReader<R>,
    name: &'a str,
    line: Vec<u8>,
    number: u64,
}

impl<'a, R: Read> Lines<'a, R> {
    pub(super) fn new(file: R, name: &'a str) -> Self {
        Lines { reader: BufReader::with_capacity(BUFFER_BYTES, file), name, line: Vec::new(), number: 0 }
    }

    /// The number of the last line, from one on.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The last line again.
    pub(super) fn current(&self) -> &[u8] {
        self.line.strip_suffix(b"\n").unwrap_or(&self.line)
    }

    /// The next line, without its end. XX001 when there is none.
    pub(super) fn next(&mut self) -> Result<&[u8]> {
        self.line.clear();
        self.number += 1;
        match self.reader.read_until(b'\n', &mut self.line).map_err(|error| unreadable(self.name, &error))? {
            0 => Err(damaged(self.name, format_args!("it ends at line {}", self.number))),
            _ => Ok(self.current()),
        }
    }

    /// The next item of a list, without its comma; `None` at the end of the list.
    pub(super) fn item(&mut self) -> Result<Option<&[u8]>> {
        let line = self.next()?;
        Ok((line != b"],").then(|| line.strip_suffix(b",").unwrap_or(line)))
    }

    /// Moves lines into a batch, so many unless it is full before. Returns how many.
    pub(super) fn take(&mut self, lines: u64, batch: &mut Batch) -> Result<u64> {
        let mut taken = 0;
        while taken < lines && !batch.is_full() {
            self.number += 1;
            let read = batch.push(|out| self.reader.read_until(b'\n', out));
            if read.map_err(|error| unreadable(self.name, &error))? == 0 {
                return Err(damaged(self.name, format_args!("it ends at line {}", self.number)));
            }
            taken += 1;
        }
        Ok(taken)
    }
}
