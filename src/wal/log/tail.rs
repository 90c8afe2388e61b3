//! The end of the log that is in memory only: appended, not yet written.

use crate::frame::{FILLER, HEADER_BYTES, Header, Record};
use crate::{Lsn, segment};

/// Bytes of the log from a position on.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) start: Lsn,
    pub(super) bytes: Vec<u8>,
    /// How many records end in it.
    pub(super) records: u64,
}

impl Batch {
    /// Position of the byte after it.
    pub(super) fn end(&self) -> Lsn {
        Lsn(self.start.0 + self.bytes.len() as u64)
    }
}

/// What was appended and not taken by the writer.
#[derive(Debug)]
pub(super) struct Tail {
    batch: Batch,
    segment_bytes: u64,
    identifier: u64,
}

impl Tail {
    pub(super) fn new(start: Lsn, segment_bytes: u64, identifier: u64) -> Self {
        Tail { batch: Batch { start, ..Batch::default() }, segment_bytes, identifier }
    }

    /// Position of the next byte.
    pub(super) fn end(&self) -> Lsn {
        self.batch.end()
    }

    /// Copies a record. Returns the position after it.
    pub(super) fn append(&mut self, record: &Record, durable: Lsn) -> Lsn {
        for (payload, payload_checksum, flags) in record.frames() {
            self.make_room(HEADER_BYTES + payload.len(), durable);
            let lsn = self.end();
            let header = Header { payload_bytes: payload.len() as u32, flags, lsn, durable, payload_checksum };
            self.batch.bytes.extend_from_slice(&header.encode());
            self.batch.bytes.extend_from_slice(payload);
        }
        self.batch.records += 1;
        self.end()
    }

    /// Begins the next segment if so many bytes do not fit into this one.
    fn make_room(&mut self, bytes: usize, durable: Lsn) {
        let used = self.end().0 % self.segment_bytes;
        if used > 0 && used + bytes as u64 > self.segment_bytes {
            self.fill_up((self.segment_bytes - used) as usize, durable);
        }
        let start = self.end();
        if start.0.is_multiple_of(self.segment_bytes) {
            self.batch.bytes.extend_from_slice(&segment::header(start, self.segment_bytes, self.identifier));
        }
    }

    /// Ends the segment here, unless nothing is in it. Returns the position after it.
    pub(super) fn switch_segment(&mut self, durable: Lsn) -> Lsn {
        let used = self.end().0 % self.segment_bytes;
        if used > segment::HEADER_BYTES as u64 {
            self.fill_up((self.segment_bytes - used) as usize, durable);
        }
        self.end()
    }

    fn fill_up(&mut self, rest: usize, durable: Lsn) {
        let len = self.batch.bytes.len();
        if rest >= HEADER_BYTES {
            let lsn = self.end();
            let payload_bytes = (rest - HEADER_BYTES) as u32;
            let header = Header { payload_bytes, flags: FILLER, lsn, durable, payload_checksum: 0 };
            self.batch.bytes.extend_from_slice(&header.encode());
        }
        self.batch.bytes.resize(len + rest, 0);
    }

    /// Bytes that wait for the writer.
    pub(super) fn len(&self) -> usize {
        self.batch.bytes.len()
    }

    /// Records among them.
    pub(super) fn records(&self) -> u64 {
        self.batch.records
    }

    /// Hands out what there is and goes on in an empty buffer.
    pub(super) fn take(&mut self, mut spare: Vec<u8>) -> Batch {
        spare.clear();
        let start = self.end();
        std::mem::replace(&mut self.batch, Batch { start, bytes: spare, records: 0 })
    }

    /// Forgets what was not taken and goes on at the beginning of the next segment.
    pub(super) fn skip_to_next_segment(&mut self) -> Lsn {
        let next = segment::start_of(self.end(), self.segment_bytes).0 + self.segment_bytes;
        self.batch = Batch { start: Lsn(next), ..Batch::default() };
        Lsn(next)
    }
}
