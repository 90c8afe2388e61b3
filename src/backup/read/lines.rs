//! The lines of a file, one at a time.

use std::fs::File;
use std::io::{BufRead, BufReader};

use dictdb_types::Result;

use crate::error::damaged;

const BUFFER_BYTES: usize = 1 << 20;

/// Reads lines into one buffer.
pub(crate) struct Lines<'a> {
    reader: BufReader<File>,
    line: Vec<u8>,
    number: u64,
    name: &'a str,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(file: File, name: &'a str) -> Self {
        Lines { reader: BufReader::with_capacity(BUFFER_BYTES, file), line: Vec::new(), number: 0, name }
    }

    /// The number of the current line, from one.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The line that was read last.
    pub(crate) fn current(&self) -> &[u8] {
        self.line.strip_suffix(b"\n").unwrap_or(&self.line)
    }

    /// The next line, without its end. XX001 when there is none.
    pub(crate) fn next(&mut self) -> Result<&[u8]> {
        self.line.clear();
        self.number += 1;
        let read = self.reader.read_until(b'\n', &mut self.line).map_err(|error| damaged(self.name, error))?;
        match read {
            0 => Err(damaged(self.name, format_args!("it ends at line {}", self.number))),
            _ => Ok(self.current()),
        }
    }

    /// The next item of a list, without its comma; `None` at the end of the list.
    pub(crate) fn item(&mut self) -> Result<Option<&[u8]>> {
        let line = self.next()?;
        Ok((line != b"],").then(|| line.strip_suffix(b",").unwrap_or(line)))
    }
}
