//! Frames: how a record lies in the log. The layout is in the crate's head.

use crate::Lsn;

/// Bytes of a frame's header.
pub(crate) const HEADER_BYTES: usize = 32;
/// The frame begins a record.
pub(crate) const FIRST: u8 = 0x01;
/// The frame ends a record.
pub(crate) const LAST: u8 = 0x02;
/// The frame fills the segment up.
pub(crate) const FILLER: u8 = 0x04;
/// Longest payload of a frame. A segment has room for several.
pub(crate) const FRAGMENT_BYTES: usize = 256 * 1024;

/// A record with its checksums, ready to be appended.
#[derive(Clone, Debug)]
pub struct Record {
    bytes: Vec<u8>,
    /// Checksum of each fragment; the first is kept apart because there is rarely another.
    first_checksum: u32,
    more_checksums: Vec<u32>,
}

impl Record {
    /// Takes the bytes of a record, which are not empty.
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut checksums = bytes.chunks(FRAGMENT_BYTES).map(crc32c::crc32c);
        let first_checksum = checksums.next().unwrap_or(0);
        let more_checksums = checksums.collect();
        Record { bytes, first_checksum, more_checksums }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes again.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Payload, checksum and flags of each frame.
    pub(crate) fn frames(&self) -> impl Iterator<Item = (&[u8], u32, u8)> {
        let checksums = std::iter::once(self.first_checksum).chain(self.more_checksums.iter().copied());
        let last = self.more_checksums.len();
        self.bytes.chunks(FRAGMENT_BYTES).zip(checksums).enumerate().map(move |(number, (payload, checksum))| {
            let first = if number == 0 { FIRST } else { 0 };
            (payload, checksum, first | if number == last { LAST } else { 0 })
        })
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) payload_bytes: u32,
    pub(crate) flags: u8,
    pub(crate) lsn: Lsn,
    /// What was durable when the frame was appended.
    pub(crate) durable: Lsn,
    pub(crate) payload_checksum: u32,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[4] = self.flags;
        bytes[8..16].copy_from_slice(&self.lsn.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.durable.0.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.payload_checksum.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..28]);
        bytes[28..32].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a header that is at this position of the log; `None` if there is none.
    pub(crate) fn decode(bytes: &[u8], lsn: Lsn) -> Option<Self> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        if u64_at(bytes, 8) != lsn.0 || crc32c::crc32c(&bytes[..28]) != u32_at(bytes, 28) {
            return None;
        }
        let header = Header {
            payload_bytes: u32_at(bytes, 0),
            flags: bytes[4],
            lsn,
            durable: Lsn(u64_at(bytes, 16)),
            payload_checksum: u32_at(bytes, 24),
        };
        (header.flags & !(FIRST | LAST | FILLER) == 0 && bytes[5..8] == [0; 3]).then_some(header)
    }
}

/// A little-endian number; zero beyond the end.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// A little-endian number; zero beyond the end.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_only_where_they_were_written() {
        let header =
            Header { payload_bytes: 7, flags: FIRST | LAST, lsn: Lsn(99), durable: Lsn(3), payload_checksum: 1 };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes, Lsn(99)), Some(header));
        assert_eq!(Header::decode(&bytes, Lsn(100)), None);
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&flipped, Lsn(99)), None, "bit {bit}");
        }
    }

    #[test]
    fn long_records_are_fragments() {
        let record = Record::new(vec![1; FRAGMENT_BYTES * 2 + 1]);
        let frames: Vec<(usize, u8)> = record.frames().map(|(payload, _, flags)| (payload.len(), flags)).collect();
        assert_eq!(frames, [(FRAGMENT_BYTES, FIRST), (FRAGMENT_BYTES, 0), (1, LAST)]);
        assert_eq!(Record::new(vec![1]).frames().next().map(|(_, _, flags)| flags), Some(FIRST | LAST));
    }
}
