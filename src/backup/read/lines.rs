//! The lines of a file, one at a time, or many into a batch.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use dictdb_types::Result;

use super::batch::{Batch, Buffers, Target};
use crate::error::{damaged, unreadable};

const BUFFER_BYTES: usize = 1 << 20;

/// A file that is read from line to line.
pub(super) struct Lines<'a, R> {
    reader: BufReader<R>,
    name: &'a str,
    line: Vec<u8>,
    number: u64,
    buffers: Arc<Buffers>,
}

impl<'a, R: Read> Lines<'a, R> {
    pub(super) fn new(file: R, name: &'a str) -> Self {
        let reader = BufReader::with_capacity(BUFFER_BYTES, file);
        Lines { reader, name, line: Vec::new(), number: 0, buffers: Arc::default() }
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

    /// The next lines as a batch of rows from `first` on: so many, unless it is full before. Returns how many it has. XX001 when there
    /// are no more.
    pub(super) fn batch<'t>(&mut self, target: &Arc<Target<'t>>, first: u64, lines: u64) -> Result<(Batch<'t>, u64)> {
        let mut batch = self.buffers.take();
        while (batch.ends.len() as u64) < lines && !batch.is_full() {
            let room = lines - batch.ends.len() as u64;
            let ready = self.reader.fill_buf().map_err(|error| unreadable(self.name, &error))?;
            if ready.is_empty() {
                return Err(damaged(self.name, format_args!("it ends at line {}", self.number + 1)));
            }
            let before = (batch.text.len(), batch.ends.len());
            let ends = memchr::memchr_iter(b'\n', ready).take(usize::try_from(room).unwrap_or(usize::MAX));
            batch.ends.extend(ends.map(|end| before.0 + end + 1));
            let found = batch.ends.len() - before.1;
            // What is behind the last line that is wanted stays; a line that goes on is taken as far as it is there.
            let length = match batch.ends.last() {
                Some(end) if found as u64 == room => end - before.0,
                _ => ready.len(),
            };
            batch.text.extend_from_slice(&ready[..length]);
            self.reader.consume(length);
            self.number += found as u64;
        }
        if batch.ends.last() != Some(&batch.text.len()) {
            self.end_line(&mut batch)?;
        }
        let rows = batch.ends.len() as u64;
        Ok((Batch::lines(target, first, batch, &self.buffers), rows))
    }

    /// Takes the rest of a line whose beginning is in a batch.
    fn end_line(&mut self, batch: &mut super::batch::Text) -> Result<()> {
        self.number += 1;
        let read = self.reader.read_until(b'\n', &mut batch.text).map_err(|error| unreadable(self.name, &error))?;
        if read == 0 {
            return Err(damaged(self.name, format_args!("it ends at line {}", self.number)));
        }
        batch.ends.push(batch.text.len());
        Ok(())
    }
}
