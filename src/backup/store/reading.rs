//! An object as a file: read in large ranges, one at a time.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::runtime::wait;

/// Bytes of a request.
const RANGE_BYTES: u64 = 8 << 20;

/// An object that is read.
pub(super) struct ObjectFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    bytes: u64,
    position: u64,
    /// Where `held` begins.
    start: u64,
    held: Vec<u8>,
    /// Bytes of the next request: few where somebody looks at a head, more and more where all is read.
    next_request: u64,
}

impl ObjectFile {
    pub(super) fn new(store: Arc<dyn ObjectStore>, path: Path, bytes: u64) -> Self {
        ObjectFile { store, path, bytes, position: 0, start: 0, held: Vec::new(), next_request: RANGE_BYTES >> 7 }
    }

    fn fetch(&mut self) -> io::Result<()> {
        let range = self.position..self.bytes.min(self.position + self.next_request);
        self.next_request = RANGE_BYTES.min(self.next_request * 2);
        let (store, path) = (self.store.clone(), self.path.clone());
        let (start, wanted) = (range.start, range.end - range.start);
        let got = wait(async move { store.get_range(&path, range).await });
        let got = got.map_err(|error| io::Error::other(error.message().to_owned()))?.map_err(io::Error::other)?;
        if got.len() as u64 != wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.start, self.held) = (start, got.to_vec());
        Ok(())
    }
}

impl Read for ObjectFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.bytes || out.is_empty() {
            return Ok(0);
        }
        let end = self.start + self.held.len() as u64;
        if !(self.start..end).contains(&self.position) {
            self.fetch()?;
        }
        let held = &self.held[(self.position - self.start) as usize..];
        let count = held.len().min(out.len());
        out[..count].copy_from_slice(&held[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for ObjectFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
