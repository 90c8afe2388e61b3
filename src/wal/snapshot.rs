//! Snapshots: everything as of one LSN, in checksummed chunks. The layout is in the crate's head.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::directory::{DataDirectory, FORMAT};
use crate::disk::{DiskFile, Open};
use crate::frame::{u32_at, u64_at};
use crate::{LogError, Lsn};

const MAGIC: &[u8; 8] = b"DICTDBCP";
const HEADER_BYTES: usize = 64;
const CHUNK_HEADER_BYTES: usize = 16;
const SUFFIX: &str = ".checkpoint";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// Writes a snapshot. Dropped before [`SnapshotWriter::publish`] it leaves nothing that counts.
pub struct SnapshotWriter<'a> {
    directory: &'a DataDirectory,
    file: Arc<dyn DiskFile>,
    temporary: PathBuf,
    target: PathBuf,
    offset: u64,
    chunks: u32,
    is_published: bool,
}

impl Drop for SnapshotWriter<'_> {
    fn drop(&mut self) {
        if !self.is_published {
            // What is half written only takes room, of which there may be none.
            let _ = self.directory.remove(&self.temporary);
        }
    }
}

impl<'a> SnapshotWriter<'a> {
    /// Begins the snapshot at a position.
    pub fn create(directory: &'a DataDirectory, lsn: Lsn) -> Result<Self, LogError> {
        let target = directory.checkpoint_dir().join(format!("{:016X}{SUFFIX}", lsn.0));
        let temporary = target.with_extension("tmp");
        let file = directory.open_file(&temporary, Open::Create)?;
        let mut writer =
            SnapshotWriter { directory, file, temporary, target, offset: 0, chunks: 0, is_published: false };
        let mut header = [0; HEADER_BYTES];
        header[0..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        header[16..24].copy_from_slice(&directory.identifier().to_le_bytes());
        header[24..32].copy_from_slice(&lsn.0.to_le_bytes());
        let checksum = crc32c::crc32c(&header[..60]);
        header[60..64].copy_from_slice(&checksum.to_le_bytes());
        writer.write(&header)?;
        Ok(writer)
    }

    /// Appends a chunk, which is not empty.
    pub fn chunk(&mut self, payload: &[u8]) -> Result<(), LogError> {
        let header = chunk_header(payload.len() as u32, self.chunks, crc32c::crc32c(payload));
        self.write(&header)?;
        self.write(payload)?;
        self.chunks += 1;
        Ok(())
    }

    /// Makes the snapshot durable and the newest; removes older ones. Returns its size in bytes.
    pub fn publish(mut self) -> Result<u64, LogError> {
        self.write(&chunk_header(0, self.chunks, 0))?;
        self.file.sync().map_err(|error| LogError::io("fsync file", &self.temporary, error))?;
        let folder = self.directory.checkpoint_dir();
        self.directory.rename(&self.temporary, &self.target)?;
        self.is_published = true;
        self.directory.sync_dir(&folder)?;
        for name in self.directory.list(&folder)? {
            let path = folder.join(&name);
            if path != self.target && (name.ends_with(SUFFIX) || name.ends_with(TEMPORARY_SUFFIX)) {
                self.directory.remove(&path)?;
            }
        }
        Ok(self.offset)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        let written = self.file.write_at(self.offset, bytes);
        written.map_err(|error| LogError::io("write to file", &self.temporary, error))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

fn chunk_header(len: u32, number: u32, checksum: u32) -> [u8; CHUNK_HEADER_BYTES] {
    let mut header = [0; CHUNK_HEADER_BYTES];
    header[0..4].copy_from_slice(&len.to_le_bytes());
    header[4..8].copy_from_slice(&number.to_le_bytes());
    header[8..12].copy_from_slice(&checksum.to_le_bytes());
    let own = crc32c::crc32c(&header[..12]);
    header[12..16].copy_from_slice(&own.to_le_bytes());
    header
}

/// A chunk as it lies on disk; any thread may check it.
pub struct Chunk {
    file: Arc<Path>,
    offset: u64,
    checksum: u32,
    bytes: Vec<u8>,
}

impl Chunk {
    /// Its first byte, not checked yet.
    pub fn first(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    /// The bytes, if they are what was written; XX001 otherwise.
    pub fn verify(self) -> Result<Vec<u8>, LogError> {
        if crc32c::crc32c(&self.bytes) != self.checksum {
            return Err(damaged(&self.file, self.offset, "the checksum of the chunk is wrong"));
        }
        Ok(self.bytes)
    }
}

/// Reads a snapshot.
pub struct SnapshotReader {
    file: Arc<dyn DiskFile>,
    path: Arc<Path>,
    /// Records before it are contained.
    lsn: Lsn,
    offset: u64,
    bytes: u64,
    chunks: u32,
}

impl SnapshotReader {
    /// Opens the newest snapshot of a directory, if it has one. XX001 when it is damaged or of somewhere else.
    pub fn newest(directory: &DataDirectory) -> Result<Option<Self>, LogError> {
        let folder = directory.checkpoint_dir();
        let names = directory.list(&folder)?;
        match names.iter().rev().find(|name| name.ends_with(SUFFIX)) {
            Some(name) => Self::open(directory, &folder.join(name)).map(Some),
            None => Ok(None),
        }
    }

    fn open(directory: &DataDirectory, path: &Path) -> Result<Self, LogError> {
        let file = directory.open_file(path, Open::Read)?;
        let io = |error| LogError::io("read file", path, error);
        let bytes = file.len().map_err(io)?;
        let mut header = [0; HEADER_BYTES];
        let read = file.read_at(0, &mut header).map_err(io)?;
        if read < HEADER_BYTES || &header[..8] != MAGIC || crc32c::crc32c(&header[..60]) != u32_at(&header, 60) {
            return Err(damaged(path, 0, "it has no valid header"));
        }
        let foreign = |what: String| Err(LogError::Foreign { file: path.to_path_buf(), what });
        if u32_at(&header, 8) != FORMAT {
            return foreign(format!("it is of format {}, this server reads format {FORMAT}", u32_at(&header, 8)));
        }
        if u64_at(&header, 16) != directory.identifier() {
            let (theirs, ours) = (u64_at(&header, 16), directory.identifier());
            return foreign(format!("it is of data directory {theirs}, not {ours}"));
        }
        let lsn = Lsn(u64_at(&header, 24));
        if path.file_name().is_none_or(|name| *name != *format!("{:016X}{SUFFIX}", lsn.0)) {
            return foreign(format!("it is the snapshot at {lsn}"));
        }
        Ok(SnapshotReader { file, path: path.into(), lsn, offset: HEADER_BYTES as u64, bytes, chunks: 0 })
    }

    /// Records before this position are contained.
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// Size of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How far it has been read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next chunk; `None` at the end. XX001 when the file is damaged.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, LogError> {
        let mut header = [0; CHUNK_HEADER_BYTES];
        self.read(self.offset, &mut header, "the file ends in the middle")?;
        let len = u32_at(&header, 0) as usize;
        if crc32c::crc32c(&header[..12]) != u32_at(&header, 12) || u32_at(&header, 4) != self.chunks {
            return Err(damaged(&self.path, self.offset, "no valid chunk begins here"));
        }
        if len == 0 {
            return Ok(None);
        }
        let mut bytes = vec![0; len];
        self.read(self.offset + CHUNK_HEADER_BYTES as u64, &mut bytes, "the chunk is cut short")?;
        let chunk = Chunk { file: self.path.clone(), offset: self.offset, checksum: u32_at(&header, 8), bytes };
        self.offset += (CHUNK_HEADER_BYTES + len) as u64;
        self.chunks += 1;
        Ok(Some(chunk))
    }

    fn read(&self, offset: u64, buffer: &mut [u8], short: &str) -> Result<(), LogError> {
        let read = self.file.read_at(offset, buffer).map_err(|error| LogError::io("read file", &self.path, error))?;
        if read < buffer.len() { Err(damaged(&self.path, offset, short)) } else { Ok(()) }
    }
}

fn damaged(file: &Path, offset: u64, what: &str) -> LogError {
    LogError::Damaged { file: file.to_path_buf(), offset, what: what.to_owned() }
}
